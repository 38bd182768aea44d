"""Little programs with an RNN in them, in the styles that people write.

Each is a whole program as text. ``RIGHT`` has those that cause no word. ``WRONG`` has those that run, with the kind and the
code of each warning, and ``CRASHES`` those that end in an exception, with the cause, words of the message, and the fix.
"""

HEAD = """import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
torch.manual_seed(0)
"""

TAGGER = (
    HEAD
    + """
class Tagger(nn.Module):
    def __init__(self, V=50, E=12, H=64, T=5):
        super().__init__()
        self.emb = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, H, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(WIDTH, T)
    def forward(self, tokens):
        out, _ = self.lstm(self.emb(tokens))
        return self.fc(out)
model = Tagger()
tokens, tags = torch.randint(50, (8, 11)), torch.randint(5, (8, 11))
logits = model(tokens)
loss = F.cross_entropy(ARGUMENTS)
loss.backward()
"""
)


def tagger(width: int, arguments: str) -> str:
    """A label for each step."""
    return TAGGER.replace("WIDTH", str(width)).replace("ARGUMENTS", arguments)


CLASSIFIER = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.CLASS(10, 20, 2MORE)
        self.fc = nn.Linear(WIDTH, 3)
    def forward(self, x):
        out, state = self.rnn(x)
        return self.fc(USE)
net = Net()
x, y = torch.randn(SHAPE, 10), torch.randint(3, (8,))
crit = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(3):
    loss = crit(net(x), y)
    opt.zero_grad(); loss.backward(); opt.step()
"""
)
BOTH = ", batch_first=True, bidirectional=True"


def classifier(use: str, width: int = 20, cell: str = "GRU", more: str = ", batch_first=True", shape: str = "8, 12") -> str:
    """A label for each sequence."""
    words = {"CLASS": cell, "MORE": more, "WIDTH": str(width), "USE": use, "SHAPE": shape}
    code = CLASSIFIER
    for word, value in words.items():
        code = code.replace(word, value)
    return code


PACKED = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(10, 20, batch_first=TrueMORE)
        self.fc = nn.Linear(WIDTH, 3)
    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, (h, c) = self.rnn(packed)
        out, lens = pad_packed_sequence(out, batch_first=True)
        return self.fc(USE)
net = Net()
lengths = torch.tensor([3, 7, 5, 1])
net(torch.randn(4, 7, 10), lengths).pow(2).mean().backward()
"""
)


def packed(use: str, width: int = 20, more: str = "") -> str:
    """Sequences of different lengths."""
    return PACKED.replace("MORE", more).replace("WIDTH", str(width)).replace("USE", use)


SEQ2SEQ = (
    HEAD
    + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 16)
        self.rnn = nn.GRU(16, 32, bidirectional=BOTH)
    def forward(self, src):
        return self.rnn(self.emb(src))
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.W = nn.Linear(32 + WIDTH, 32)
        self.v = nn.Linear(32, 1)
    def forward(self, hidden, enc):
        L = enc.size(0)
        h = hidden[-1].unsqueeze(0).repeat(L, 1, 1)
        e = self.v(torch.tanh(self.W(torch.cat((h, enc), dim=2)))).squeeze(2)
        return F.softmax(e, dim=DIM)
class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(30, 16)
        self.att = Attention()
        self.rnn = nn.GRU(16 + WIDTH, 32)
        self.out = nn.Linear(32, 30)
    def forward(self, tok, hidden, enc):
        a = self.att(hidden, enc)
        ctx = torch.bmm(WEIGHTS, enc.permute(1, 0, 2)).permute(1, 0, 2)
        o, hidden = self.rnn(torch.cat((self.emb(tok).unsqueeze(0), ctx), 2), hidden)
        return self.out(o.squeeze(0)), hidden
enc, dec = Encoder(), Decoder()
src, tgt = torch.randint(30, (9, 4)), torch.randint(30, (6, 4))
e, h = enc(src)
START
loss = 0
for t in range(5):
    p, h = dec(tgt[t], h, e)
    loss = loss + F.cross_entropy(p, tgt[t + 1])
loss.backward()
"""
)


def seq2seq(*, both: bool = False, dim: int = 0, weights: str = "a.t().unsqueeze(1)", start: str = "") -> str:
    """Translation with attention."""
    words = {"BOTH": str(both), "WIDTH": "64" if both else "32", "DIM": str(dim), "WEIGHTS": weights, "START": start}
    code = SEQ2SEQ
    for word, value in words.items():
        code = code.replace(word, value)
    return code


LANGUAGE = (
    HEAD
    + """
rnn, fc, emb = nn.LSTM(8, 16, 2), nn.Linear(16, 20), nn.Embedding(20, 8)
opt = torch.optim.Adam([*rnn.parameters(), *fc.parameters(), *emb.parameters()])
state = None
for step in range(4):
    x = torch.randint(20, (7, 3))
    out, state = rnn(emb(x), state)
    DETACH
    loss = F.cross_entropy(fc(out).view(-1, 20), x.view(-1))
    opt.zero_grad(); loss.backward(); opt.step()
"""
)
SPEECH = (
    HEAD
    + """
rnn, fc = nn.LSTM(13, 32, 2, bidirectional=TrueMORE), nn.Linear(64, 11)
out, _ = rnn(torch.randn(SHAPE, 13))
logp = F.log_softmax(fc(out), dim=-1)
F.ctc_loss(logp, torch.randint(1, 11, (4, 8)), torch.full((4,), 50), torch.full((4,), 8)).backward()
"""
)

RIGHT = {
    "the last step": classifier("out[:, -1]"),
    "the last layer's state": classifier("state[-1]"),
    "an LSTM's last state": classifier("state[0][-1]", cell="LSTM"),
    "both directions": classifier("torch.cat([state[-2], state[-1]], dim=1)", 40, more=BOTH),
    "both directions of an LSTM": classifier("torch.cat((state[0][-2,:,:], state[0][-1,:,:]), dim=1)", 40, "LSTM", BOTH),
    "a mean over the steps": classifier("out.mean(dim=1)"),
    "a maximum over the steps": classifier("out.max(1)[0]", 40, more=BOTH),
    "all rows of the state": classifier("state.transpose(0, 1).reshape(x.size(0), -1)", 40),
    "a view by layers": classifier(
        "state.view(2, 2, x.size(0), 20)[-1].permute(1, 0, 2).reshape(x.size(0), -1)", 40, more=BOTH
    ),
    "directions added": classifier("(out[:, :, :20] + out[:, :, 20:]).mean(1)", more=BOTH),
    "steps first": classifier("out[-1]", more="", shape="12, 8"),
    "each direction's own end": classifier("torch.cat([out[:, -1, :20], out[:, 0, 20:]], -1)", 40, more=BOTH),
    "all steps as features": classifier("out.flatten(1)", 240),
    "an activation between": classifier("F.relu(out[-1])", more="", shape="12, 8"),
    "attention over the steps": classifier("(torch.softmax(out.sum(-1, keepdim=True), dim=1) * out).sum(dim=1)", 40, more=BOTH),
    "dropout and a norm": classifier("F.dropout(F.layer_norm(out[:, -1], (20,)), 0.1)"),
    "a packed batch's state": packed("h[-1]"),
    "each sequence's last step": packed("out[torch.arange(4), lengths - 1]"),
    "gather by lengths": packed("out.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, out.size(2))).squeeze(1)"),
    "a masked mean": packed(
        "(out * (torch.arange(out.size(1))[None] < lengths[:, None]).unsqueeze(-1)).sum(1) / lengths.unsqueeze(-1)"
    ),
    "every step of a packed batch": packed("out"),
    "a tagger": tagger(128, "logits.transpose(1, 2), tags"),
    "a flat tagger": tagger(128, "logits.reshape(-1, 5), tags.reshape(-1)"),
    "translation": seq2seq(),
    "translation from both directions": seq2seq(both=True, start="h = torch.tanh(h[0] + h[1]).unsqueeze(0)"),
    "a language model": LANGUAGE.replace("DETACH", "state = tuple(s.detach() for s in state)"),
    "speech": SPEECH.replace("MORE", "").replace("SHAPE", "50, 4"),
    "a recurrent policy": HEAD
    + """
class Policy(nn.Module):
    def __init__(self):
        super().__init__(); self.cell = nn.LSTMCell(4, 16); self.pi = nn.Linear(16, 2); self.v = nn.Linear(16, 1)
    def forward(self, obs, state):
        h, c = self.cell(obs, state)
        return F.softmax(self.pi(h), dim=-1), self.v(h), (h, c)
p = Policy(); state = (torch.zeros(1, 16), torch.zeros(1, 16)); total = 0
for t in range(10):
    probs, v, state = p(torch.randn(1, 4), state)
    a = torch.distributions.Categorical(probs).sample(); total = total + v.sum() + probs.log()[0, a].sum()
total.backward()
""",
    "a time series": HEAD
    + """
class TS(nn.Module):
    def __init__(self):
        super().__init__(); self.rnn = nn.RNN(1, 32, batch_first=True); self.fc = nn.Linear(32, 1)
    def forward(self, x):
        r, h = self.rnn(x); r = r.contiguous().view(-1, 32); return self.fc(r).view(x.size(0), -1, 1)
m = TS(); x = torch.randn(16, 24, 1); F.mse_loss(m(x), x).backward()
""",
    "two RNNs": HEAD
    + """
a, b = nn.LSTM(6, 8, batch_first=True), nn.LSTM(8, 5, batch_first=True)
o, _ = a(torch.randn(3, 9, 6)); o = F.dropout(o, 0.2); o, (h, c) = b(o); nn.Linear(5, 2)(h[-1]).sum().backward()
""",
    "a convolution before it": HEAD
    + """
conv, rnn, fc = nn.Conv1d(3, 8, 3, padding=1), nn.GRU(8, 10, batch_first=True, bidirectional=True), nn.Linear(20, 4)
x = conv(torch.randn(5, 3, 30)).permute(0, 2, 1); o, h = rnn(x)
F.cross_entropy(fc(torch.cat(tuple(h), dim=1)), torch.randint(4, (5,))).backward()
""",
    "unbatched": HEAD
    + """
rnn, fc = nn.GRU(4, 6, bidirectional=True), nn.Linear(12, 2)
o, h = rnn(torch.randn(7, 4)); fc(o).sum().backward(); fc(h.flatten()); fc(torch.cat((h[0], h[1])))
""",
    "a transformer behind it": HEAD
    + """
rnn, layer = nn.GRU(8, 16, batch_first=True), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
encoder = nn.TransformerEncoder(layer, 2).eval()
out, _ = rnn(torch.randn(4, 6, 8))
with torch.inference_mode():
    digits = encoder(out.detach()).sum().item().hex()
probs = F.softmax(out[0], dim=-1)
""",
    "a variational encoder": HEAD
    + """
rnn, mu, lv = nn.GRU(4, 6, batch_first=True, bidirectional=True), nn.Linear(12, 3), nn.Linear(12, 3)
_, h = rnn(torch.randn(5, 7, 4)); h = h.permute(1, 0, 2).contiguous().view(5, -1)
z = mu(h) + torch.exp(0.5 * lv(h)) * torch.randn(5, 3); z.sum().backward()
""",
}

WRONG = {
    "the last step of both directions": (
        classifier("out[:, -1]", 40, more=BOTH),
        [("reverse_half_of_last_step", "out[:, -1]")],
    ),
    "a view of the state": (classifier("state.view(x.size(0), -1)", 40), [("mixed_axes", "state.view(x.size(0), -1)")]),
    "one direction": (classifier("state[-1]", more=BOTH), [("one_direction", "state[-1]")]),
    "the first layer": (classifier("state[0]"), [("other_layer", "state[0]")]),
    "softmax over the batch": (
        classifier("(torch.softmax(out.sum(-1, keepdim=True), dim=0) * out).sum(dim=1)", 40, more=BOTH),
        [("softmax_over_batch", "torch.softmax(out.sum(-1, keepdim=True), dim=0)")],
    ),
    "a reshape for a transpose": (classifier("out.reshape(12, 8, 20)[-1]"), [("mixed_axes", "out.reshape(12, 8, 20)")]),
    "the last step of a padded batch": (packed("out[:, -1]"), [("padding_as_last_step", "out[:, -1]")]),
    "a mean over padding": (packed("out.mean(1)"), [("pooled_over_padding", "out.mean(1)")]),
    "each sequence's last step, both directions": (
        packed("out[torch.arange(4), lengths - 1]", 40, ", bidirectional=True"),
        [("reverse_half_of_last_step", "out[torch.arange(4), lengths - 1]")],
    ),
    "two layouts": (
        HEAD
        + """
a, b = nn.LSTM(6, 8, batch_first=True), nn.LSTM(8, 5)
o, _ = a(torch.randn(3, 9, 6))
o, (h, c) = b(o)
nn.Linear(5, 2)(h[-1]).sum().backward()
""",
        [("layout_changed", "b(o)")],
    ),
    "attention over the batch": (seq2seq(dim=1), [("softmax_over_batch", "F.softmax(e, dim=1)")]),
}
CRASHES = {
    "a Linear for one direction": (
        tagger(64, "logits.transpose(1, 2), tags"),
        "bidirectional_linear_mismatch",
        "self.fc takes 64 features; output of lstm (nn.LSTM, bidirectional) has 128 = 2 directions * 64.",
        "self.fc = nn.Linear(128, 5)",
    ),
    "classes last": (
        tagger(128, "logits, tags"),
        "loss_shape",
        "with the classes last",
        "F.cross_entropy(logits.transpose(1, 2), tags)",
    ),
    "all steps against one label": (
        tagger(128, "logits.reshape(-1, 5), tags[:, 0]"),
        "loss_shape",
        "88 rows = 8 sequences * 11 steps",
        None,
    ),
    "all steps as features": (
        classifier("out.flatten(1)"),
        "neighbour_shape",
        "240 = 12 steps * 20",
        "self.fc = nn.Linear(240, 3)",
    ),
    "output beside h_n": (
        classifier("torch.cat([out, state], dim=-1)"),
        "neighbour_shape",
        "state is (D*num_layers, N, H_out) = (2, 8, 20)",
        None,
    ),
    "a tuple of states": (
        classifier("state", cell="LSTM"),
        "lstm_tuple_expected",
        "both states of rnn",
        "self.fc(state[0][-1])",
    ),
    "attention of two layouts": (
        classifier("torch.bmm(out, state)"),
        "neighbour_shape",
        "out is (N, L, D*H_out) = (8, 12, 20)",
        None,
    ),
    "a view of what was turned": (
        classifier("out[:, ::2].transpose(1, 2).view(8, -1)", 120),
        "contiguity",
        "was only turned or cut",
        "out[:, ::2].transpose(1, 2).reshape(8, -1)",
    ),
    "states of both directions into a decoder": (seq2seq(both=True), "hidden_layers_or_directions", "dim 0 of h_0 is 2", None),
    "attention weights turned": (seq2seq(weights="a.unsqueeze(1)"), "neighbour_shape", "(N, L, D*H_out) = (4, 9, 32)", None),
    "a state with its graph": (
        LANGUAGE.replace("DETACH", "pass"),
        "state_graph",
        "Detach it",
        "state = tuple(s.detach() for s in state)",
    ),
    "CTC with the batch first": (
        SPEECH.replace("MORE", ", batch_first=True").replace("SHAPE", "4, 50"),
        "loss_shape",
        "takes (L, N, classes)",
        "F.ctc_loss(logp.transpose(0, 1), torch.randint(1, 11, (4, 8)), torch.full((4,), 50), torch.full((4,), 8))",
    ),
    "a mask longer than the batch": (
        HEAD
        + """
rnn = nn.LSTM(4, 6, batch_first=True)
x, mask = torch.randn(3, 9, 4), torch.ones(3, 9)
out, _ = pad_packed_sequence(rnn(pack_padded_sequence(x, [7, 5, 2], batch_first=True))[0], batch_first=True)
loss = (out.sum(-1) * mask).sum(); loss.backward()
""",
        "neighbour_shape",
        "mask is (3, 9)",
        None,
    ),
    "states stacked": (
        HEAD
        + """
rnn, cell = nn.LSTM(4, 6, batch_first=True), nn.LSTMCell(4, 8)
o, (h, c) = rnn(torch.randn(3, 5, 4)); s = torch.stack([o[:, -1], h])
""",
        "neighbour_shape",
        "h is (D*num_layers, N, H_out) = (1, 3, 6)",
        None,
    ),
}
