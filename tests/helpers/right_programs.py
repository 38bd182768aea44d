# ruff: noqa: E501 - lines as long as people write them
"""Programs that are right, in many styles: none of them causes a word."""

from live_programs import HEAD, classifier, packed

BOTH = ", batch_first=True, bidirectional=True"
LOADER = (
    HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.randn(30, 9, 5), torch.randint(3, (30,)))
loader = DataLoader(data, batch_size=8, shuffle=True)
"""
)


def model(init: str, forward: str, use: str, head: str = HEAD) -> str:
    """A module ``Net`` and what is done with it."""
    lines = "\n".join(f"        {line}" for line in forward.strip().split("\n"))
    inits = "\n".join(f"        {line}" for line in init.strip().split("\n"))
    return (
        f"{head}\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{inits}\n"
        f"    def forward(self, x, *more):\n{lines}\nnet = Net()\n{use}\n"
    )


SELECTIONS = {
    "the last step by its number": classifier("out[:, out.size(1) - 1]"),
    "the last step, kept and squeezed": classifier("out[:, -1:].squeeze(1)"),
    "the last step by select": classifier("out.select(1, -1)"),
    "the last step by narrow": classifier("out.narrow(1, 11, 1).squeeze(1)"),
    "the last step by unbind": classifier("out.unbind(1)[-1]"),
    "the last step by split": classifier("torch.split(out, 1, dim=1)[-1].squeeze(1)"),
    "the last step turned": classifier("out.transpose(0, 1)[-1]"),
    "the last step permuted": classifier("out.permute(1, 0, 2)[-1, :, :]"),
    "the middle step of both directions": classifier("out[:, out.size(1) // 2]", 40, more=BOTH),
    "the first step of both directions": classifier("torch.cat([out[:, 0], out[:, -1]], 1)", 80, more=BOTH),
    "ends of both directions by chunk": classifier(
        "torch.cat([out.chunk(2, -1)[0][:, -1], out.chunk(2, -1)[1][:, 0]], 1)", 40, more=BOTH
    ),
    "ends of both directions by a view": classifier(
        "torch.cat([out.view(8, 12, 2, 20)[:, -1, 0], out.view(8, 12, 2, 20)[:, 0, 1]], 1)", 40, more=BOTH
    ),
    "directions summed": classifier("out.view(8, 12, 2, 20).sum(2)[:, 5]", more=BOTH),
    "state by unflatten": classifier("state.unflatten(0, (2, 2))[-1].transpose(0, 1).flatten(1)", 40, more=BOTH),
    "state by einops-like permutes": classifier("state.permute(1, 0, 2).flatten(1)", 80, more=BOTH),
    "state by movedim": classifier("state.movedim(0, 1).reshape(8, -1)", 80, more=BOTH),
    "state by swapaxes": classifier("state.swapaxes(0, 1).contiguous().view(8, -1)", 80, more=BOTH),
    "state by cat of a tuple": classifier("torch.cat(tuple(state), dim=1)", 80, more=BOTH),
    "state by cat of slices": classifier("torch.cat(list(state[-2:]), dim=-1)", 40, more=BOTH),
    "state by hstack of chunks": classifier("torch.cat([s.squeeze(0) for s in state[2:4].split(1, 0)], 1)", 40, more=BOTH),
    "state by a mean of the layers": classifier("state.mean(0)"),
    "state by a sum of the directions": classifier("state.view(2, 2, 8, 20)[-1].sum(0)", more=BOTH),
    "state by maximum of the directions": classifier("torch.max(state[-1], state[-2])", more=BOTH),
    "state features in another order": classifier("state.permute(1, 2, 0).reshape(8, -1)", 40),
    "both layers": classifier("torch.cat([state[0], state[1]], 1)", 40),
    "one layer": classifier("state.squeeze(0)").replace("10, 20, 2", "10, 20, 1"),
    "one layer, squeezed all over": classifier("state.squeeze()").replace("10, 20, 2", "10, 20, 1"),
    "one layer by a view": classifier("state.view(-1, 20)").replace("10, 20, 2", "10, 20, 1"),
    "one layer by a view to the batch": classifier("state.view(x.size(0), -1)").replace("10, 20, 2", "10, 20, 1"),
    "a batch of one": classifier("state.view(1, -1)", 40, shape="1, 12").replace("(8,)", "(1,)"),
    "one step": classifier("out[:, -1]", shape="8, 1"),
    "one step, both directions, halves": classifier(
        "torch.cat([out[:, 0, :20], out[:, 0, 20:]], 1)", 40, more=BOTH, shape="8, 1"
    ),
    "a square batch": classifier("out[:, -1]", shape="12, 12").replace("(8,)", "(12,)"),
    "a square batch, steps first": classifier("out[-1]", more="", shape="12, 12").replace("(8,)", "(12,)"),
    "as many rows as sequences": classifier(
        "state.transpose(0, 1).reshape(x.size(0), -1)", 80, more=BOTH, shape="4, 12"
    ).replace("(8,)", "(4,)"),
    "cell state beside the hidden state": classifier("torch.cat([state[0][-1], state[1][-1]], 1)", 40, "LSTM"),
    "the cell state": classifier("state[1][-1]", 20, "LSTM"),
    "layers and directions viewed": classifier("state[0].view(2, 2, 8, 20)[-1, 0]", 20, "LSTM", BOTH).replace(
        "self.fc(", "self.fc(state[0][-1] + "
    ),
    "mean and maximum": classifier("torch.cat([out.mean(1), out.max(1).values, out[:, -1]], 1)", 60),
    "adaptive pooling": classifier("F.adaptive_avg_pool1d(out.transpose(1, 2), 1).squeeze(-1)"),
    "max pooling": classifier("F.max_pool1d(out.permute(0, 2, 1), out.size(1)).squeeze(2)", 40, more=BOTH),
    "logsumexp": classifier("out.logsumexp(dim=1)"),
    "a weighted mean": classifier("torch.einsum('nlh,nl->nh', out, torch.softmax(out.mean(2), 1))"),
    "attention with the last state": classifier(
        "torch.bmm(F.softmax(torch.bmm(out, state[-1].unsqueeze(2)), dim=1).transpose(1, 2), out).squeeze(1)"
    ),
    "a residual": classifier("out[:, -1] + state[-1]"),
    "batch norm": classifier("F.batch_norm(out[:, -1], None, None, training=True)"),
    "every second step": classifier("out[:, ::2].mean(1)"),
    "all but the first step": classifier("out[:, 1:].mean(1)"),
    "flipped": classifier("out.flip(1)[:, 0]"),
    "a window of the last steps": classifier("out[:, -3:].reshape(8, -1)", 60),
}

PACKED = {
    "lengths by gather with both directions' ends": packed(
        "torch.cat([out[torch.arange(4), lengths - 1, :20], out[:, 0, 20:]], 1)", 40, ", bidirectional=True"
    ),
    "a maximum with a mask": packed(
        "out.masked_fill((torch.arange(out.size(1))[None] >= lengths[:, None]).unsqueeze(-1), float('-inf')).max(1)[0]"
    ),
    "a sum by lengths": packed("out.sum(1) / lengths.unsqueeze(1).float()"),
    "attention with a mask": packed(
        "(F.softmax(out.sum(-1).masked_fill(torch.arange(7)[None] >= lengths[:, None], -1e9), 1).unsqueeze(-1) * out).sum(1)"
    ),
    "both directions of a packed batch": packed("torch.cat([h[-2], h[-1]], 1)", 40, ", bidirectional=True"),
    "last steps with the steps first": HEAD
    + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 2)
lengths = torch.tensor([6, 4, 2])
out, n = pad_packed_sequence(gru(pack_padded_sequence(torch.randn(6, 3, 5), lengths))[0])
fc(out[n - 1, torch.arange(3)])
index = (n - 1).view(1, -1, 1).expand(1, 3, 7)
fc(out.gather(0, index).squeeze(0)).sum().backward()
""",
    "equal lengths": HEAD
    + """
gru, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 2)
out, n = pad_packed_sequence(gru(pack_padded_sequence(torch.randn(3, 6, 5), [6, 6, 6], batch_first=True))[0], batch_first=True)
fc(out[:, -1]).sum().backward()
""",
    "a loss with a mask": HEAD
    + """
emb, gru, fc = nn.Embedding(20, 5, padding_idx=0), nn.GRU(5, 7, batch_first=True), nn.Linear(7, 4)
tokens = pad_sequence([torch.randint(1, 20, (n,)) for n in (6, 4, 2)], batch_first=True)
tags = torch.randint(4, (3, 6)).masked_fill(tokens == 0, -100)
out, _ = gru(emb(tokens))
F.cross_entropy(fc(out).view(-1, 4), tags.view(-1), ignore_index=-100).backward()
""",
    "packed data itself": HEAD
    + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 4)
packed = pack_padded_sequence(torch.randn(6, 3, 5), torch.tensor([6, 4, 2]))
out, h = gru(packed)
y = pack_padded_sequence(torch.randint(4, (6, 3)), torch.tensor([6, 4, 2]))
F.cross_entropy(fc(out.data), y.data).backward()
""",
    "padding in front": HEAD
    + """
emb, gru, fc = nn.Embedding(20, 5, padding_idx=0), nn.GRU(5, 7, batch_first=True), nn.Linear(7, 4)
tokens = pad_sequence([torch.randint(1, 20, (n,)) for n in (6, 4, 2)], batch_first=True).flip(1)
out, _ = gru(emb(tokens))
fc(out[:, -1]).sum().backward()
""",
    "zeros among the tokens": HEAD
    + """
emb, gru, fc = nn.Embedding(20, 5, padding_idx=0), nn.GRU(5, 7, batch_first=True), nn.Linear(7, 4)
tokens = torch.tensor([[3, 0, 4, 0], [1, 2, 3, 4], [5, 0, 0, 0]])
fc(gru(emb(tokens))[0][:, -1]).sum().backward()
""",
    "own last steps of a padded batch": HEAD
    + """
emb, lstm, fc = nn.Embedding(20, 5, padding_idx=0), nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 4)
tokens = pad_sequence([torch.randint(1, 20, (n,)) for n in (6, 4, 2)], batch_first=True)
lengths = (tokens != 0).sum(1)
out, _ = lstm(emb(tokens))
fc(out[torch.arange(3), lengths - 1])
fc(out.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, 7)).squeeze(1)).sum().backward()
""",
    "sorted by hand": HEAD
    + """
emb, lstm, fc = nn.Embedding(20, 5), nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 4)
tokens, lengths = torch.randint(20, (4, 6)), torch.tensor([3, 6, 1, 5])
lengths, order = lengths.sort(descending=True)
packed = pack_padded_sequence(emb(tokens[order]), lengths, batch_first=True)
_, (h, c) = lstm(packed)
_, back = order.sort()
fc(h[-1][back])
fc(h[-1].index_select(0, back)).sum().backward()
""",
}

LOADERS = {
    "a training loop": LOADER
    + """
lstm, fc = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 3)
opt = torch.optim.Adam([*lstm.parameters(), *fc.parameters()])
for epoch in range(2):
    for x, y in loader:
        opt.zero_grad()
        out, (h, c) = lstm(x)
        F.cross_entropy(fc(h[-1]), y).backward()
        opt.step()
""",
    "a state made for each batch": LOADER
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.lstm, self.fc = nn.LSTM(5, 7, 2, batch_first=True), nn.Linear(7, 3)
    def init_hidden(self, n):
        w = next(self.parameters())
        return w.new_zeros(2, n, 7), w.new_zeros(2, n, 7)
    def forward(self, x, state):
        out, state = self.lstm(x, state)
        return self.fc(out[:, -1]), state
net = Net()
for epoch in range(2):
    for x, y in loader:
        state = net.init_hidden(x.size(0))
        scores, state = net(x, state)
        F.cross_entropy(scores, y).backward()
""",
    "a state set to zeros": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(32, 9, 5)), batch_size=8, shuffle=True)
gru, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 1)
h = torch.zeros(1, 8, 7)
for (x,) in loader:
    h = h.detach()
    h.data.zero_()
    out, h = gru(x, h)
    fc(out).mean().backward()
""",
    "turned for a module without batch_first": LOADER
    + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 3)
for x, y in loader:
    out, h = gru(x.permute(1, 0, 2))
    F.cross_entropy(fc(h[0]), y).backward()
for x, y in loader:
    out, h = gru(x.transpose(0, 1).contiguous())
    F.cross_entropy(fc(out[-1]), y).backward()
""",
    "a collate of its own, steps first": HEAD
    + """
from torch.utils.data import DataLoader
data = [(torch.randn(n, 5), n % 3) for n in range(3, 20)]
def collate(items):
    xs, ys = zip(*items)
    return pad_sequence(xs), torch.tensor(ys), torch.tensor([len(x) for x in xs])
gru, fc = nn.GRU(5, 7), nn.Linear(7, 3)
for x, y, n in DataLoader(data, batch_size=4, shuffle=True, collate_fn=collate):
    out, h = gru(pack_padded_sequence(x, n, enforce_sorted=False))
    F.cross_entropy(fc(h[-1]), y).backward()
for x, y, n in DataLoader(data, batch_size=4, shuffle=True, collate_fn=collate):
    out, h = gru(x)
    F.cross_entropy(fc(out[n - 1, torch.arange(len(n))]), y).backward()
""",
    "stateful over chunks in order": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(40, 4, 5), torch.randn(40, 4, 1)), batch_size=10)
lstm, fc, state = nn.LSTM(5, 7), nn.Linear(7, 1), None
for x, y in loader:
    out, state = lstm(x, state)
    state = tuple(s.detach() for s in state)
    F.mse_loss(fc(out), y).backward()
""",
    "chunks inside of a batch": LOADER
    + """
gru, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 3)
for x, y in loader:
    h = None
    for part in x.split(3, dim=1):
        out, h = gru(part, h)
        h = h.detach()
    F.cross_entropy(fc(out[:, -1]), y).backward()
""",
    "a decoder inside of a batch": LOADER
    + """
enc, dec, fc = nn.GRU(5, 7, batch_first=True), nn.GRUCell(3, 7), nn.Linear(7, 3)
for x, y in loader:
    _, h = enc(x)
    h, token, loss = h[-1], torch.zeros(len(x), 3), 0
    for t in range(4):
        h = dec(token, h)
        token = F.softmax(fc(h), dim=-1)
        loss = loss + F.cross_entropy(fc(h), y)
    loss.backward()
""",
    "images by rows": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(56, 1, 28, 28), torch.randint(10, (56,))), batch_size=28, shuffle=True)
rnn, fc = nn.LSTM(28, 16, 2, batch_first=True), nn.Linear(16, 10)
for images, labels in loader:
    images = images.reshape(-1, 28, 28)
    h0, c0 = torch.zeros(2, images.size(0), 16), torch.zeros(2, images.size(0), 16)
    out, _ = rnn(images, (h0, c0))
    F.cross_entropy(fc(out[:, -1, :]), labels).backward()
""",
    "single sequences": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(6, 9, 5), torch.randn(6, 1)), batch_size=1, shuffle=True)
rnn, fc = nn.RNN(5, 7), nn.Linear(7, 1)
for x, y in loader:
    out, h = rnn(x.squeeze(0))
    F.mse_loss(fc(h), y).backward()
for x, y in loader:
    out, h = rnn(x.transpose(0, 1))
    F.mse_loss(fc(h[-1]), y).backward()
""",
    "no batches": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(6, 9, 5), torch.randn(6, 1)), batch_size=None, shuffle=True)
rnn, fc = nn.RNN(5, 7), nn.Linear(7, 1)
for x, y in loader:
    out, h = rnn(x)
    F.mse_loss(fc(h[-1]), y).backward()
""",
    "tokens of a loader": HEAD
    + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randint(50, (30, 9)), torch.randint(2, (30,))), batch_size=9, shuffle=True)
emb, drop, lstm, fc = nn.Embedding(50, 6), nn.Dropout(0.2), nn.LSTM(6, 7, bidirectional=True), nn.Linear(14, 1)
for tokens, label in loader:
    out, (h, c) = lstm(drop(emb(tokens)).permute(1, 0, 2))
    both = torch.cat((h[-2, :, :], h[-1, :, :]), dim=1)
    F.binary_cross_entropy_with_logits(fc(both).squeeze(1), label.float()).backward()
for tokens, label in loader:
    out, (h, c) = lstm(emb(tokens.t()))
    fc(torch.cat([h[0], h[1]], 1)).mean().backward()
""",
}

MODELS = {
    "a char-RNN, one step at a time": HEAD
    + """
class RNN(nn.Module):
    def __init__(self, n_in, hidden_size, n_out):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h, self.h2o = nn.RNNCell(n_in, hidden_size), nn.Linear(hidden_size, n_out)
    def forward(self, line, hidden):
        hidden = self.i2h(line, hidden)
        return F.log_softmax(self.h2o(hidden), dim=1), hidden
rnn = RNN(30, 16, 4)
for _ in range(3):
    line, hidden = torch.eye(30)[torch.randint(30, (7,))].unsqueeze(1), torch.zeros(1, 16)
    for i in range(line.size(0)):
        out, hidden = rnn(line[i], hidden)
    F.nll_loss(out, torch.tensor([2])).backward()
""",
    "a generator of names": HEAD
    + """
emb, gru, fc = nn.Embedding(40, 12), nn.GRU(12, 24, 2), nn.Linear(24, 40)
token, h, said = torch.zeros(1, 1, dtype=torch.long), None, []
with torch.no_grad():
    for _ in range(20):
        out, h = gru(emb(token), h)
        token = torch.multinomial(F.softmax(fc(out[-1]), dim=-1), 1)
        said.append(token.item())
""",
    "a language model with tied weights": model(
        "self.emb, self.lstm, self.fc = nn.Embedding(40, 16), nn.LSTM(16, 16, 2, dropout=0.2), nn.Linear(16, 40)\nself.fc.weight = self.emb.weight",
        "out, state = self.lstm(self.emb(x), *more)\nreturn self.fc(out).view(-1, 40), state",
        """
corpus = torch.randint(40, (20 * 6,)).view(6, -1).t().contiguous()
state, opt = None, torch.optim.SGD(net.parameters(), 0.1)
for i in range(0, 15, 5):
    data, target = corpus[i:i + 5], corpus[i + 1:i + 6].view(-1)
    scores, state = net(data, state) if state else net(data)
    state = tuple(s.detach() for s in state)
    opt.zero_grad(); F.cross_entropy(scores, target).backward(); opt.step()
""",
    ),
    "a language model, batch first": model(
        "self.emb, self.lstm, self.fc = nn.Embedding(40, 16), nn.LSTM(16, 32, batch_first=True), nn.Linear(32, 40)",
        "out, _ = self.lstm(self.emb(x))\nreturn self.fc(out.contiguous().view(-1, 32))",
        """
tokens = torch.randint(40, (4, 12))
for _ in range(3):
    F.cross_entropy(net(tokens[:, :-1]), tokens[:, 1:].reshape(-1)).backward()
""",
    ),
    "a tagger of one sentence": HEAD
    + """
class LSTMTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.word, self.lstm, self.tag = nn.Embedding(30, 6), nn.LSTM(6, 6), nn.Linear(6, 3)
    def forward(self, sentence):
        embeds = self.word(sentence)
        out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
        return F.log_softmax(self.tag(out.view(len(sentence), -1)), dim=1)
m = LSTMTagger()
for _ in range(3):
    F.nll_loss(m(torch.randint(30, (5,))), torch.randint(3, (5,))).backward()
""",
    "a tagger with a forward algorithm": model(
        "self.emb, self.lstm, self.fc = nn.Embedding(30, 6), nn.LSTM(6, 4, bidirectional=True, batch_first=True), nn.Linear(8, 5)\nself.trans = nn.Parameter(torch.randn(5, 5))",
        """
emissions = self.fc(self.lstm(self.emb(x))[0])
alpha = emissions[:, 0]
for t in range(1, emissions.size(1)):
    alpha = torch.logsumexp(alpha.unsqueeze(2) + self.trans + emissions[:, t].unsqueeze(1), dim=1)
return torch.logsumexp(alpha, dim=1)
""",
        "net(torch.randint(30, (3, 7))).mean().backward()",
    ),
    "Viterbi": model(
        "self.lstm, self.fc = nn.LSTM(6, 4, batch_first=True), nn.Linear(4, 5)\nself.trans = nn.Parameter(torch.randn(5, 5))",
        """
score = self.fc(self.lstm(x)[0])
best, back = score[:, 0], []
for t in range(1, score.shape[1]):
    best, index = (best.unsqueeze(-1) + self.trans).max(dim=1)
    best = best + score[:, t]
    back.append(index)
return best.max(dim=1)
""",
        "with torch.no_grad():\n    net(torch.randn(3, 7, 6))",
    ),
    "speech with a convolution": model(
        "self.conv, self.rnn, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.GRU(4 * 16, 20, bidirectional=True), nn.Linear(40, 9)",
        """
y = F.relu(self.conv(x))
n, c, f, t = y.size()
y = y.view(n, c * f, t).permute(2, 0, 1)
out, _ = self.rnn(y)
return F.log_softmax(self.fc(out), dim=2)
""",
        "F.ctc_loss(net(torch.randn(3, 1, 16, 25)), torch.randint(1, 9, (3, 5)), torch.full((3,), 25), torch.full((3,), 5)).backward()",
    ),
    "a reader of images of words": model(
        "self.conv, self.rnn, self.fc = nn.Conv2d(1, 6, 3, padding=1), nn.LSTM(6 * 8, 10, bidirectional=True), nn.Linear(20, 7)",
        """
y = self.conv(x)
b, c, h, w = y.size()
y = y.permute(3, 0, 1, 2).reshape(w, b, c * h)
out, _ = self.rnn(y)
T, b, H = out.size()
return self.fc(out.view(T * b, H)).view(T, b, -1)
""",
        "net(torch.randn(4, 1, 8, 12)).log_softmax(2).mean().backward()",
    ),
    "a convolution, then an LSTM": model(
        "self.conv, self.lstm, self.fc = nn.Conv1d(5, 8, 3), nn.LSTM(8, 10, batch_first=True), nn.Linear(10, 2)",
        "y = F.max_pool1d(F.relu(self.conv(x.permute(0, 2, 1))), 2)\nout, (h, c) = self.lstm(y.transpose(1, 2))\nreturn self.fc(h.squeeze(0))",
        "net(torch.randn(4, 20, 5)).sum().backward()",
    ),
    "frames of films": model(
        "self.cnn, self.lstm, self.fc = nn.Conv2d(3, 4, 3, 2), nn.LSTM(4 * 9, 10, batch_first=True), nn.Linear(10, 2)",
        """
b, t, c, h, w = x.shape
y = self.cnn(x.view(b * t, c, h, w)).flatten(1)
out, _ = self.lstm(y.view(b, t, -1))
return self.fc(out[:, -1])
""",
        "net(torch.randn(2, 5, 3, 8, 8)).sum().backward()",
    ),
    "one film, its frames a batch": model(
        "self.cnn, self.lstm, self.fc = nn.Conv2d(3, 4, 3, 2), nn.LSTM(4 * 9, 10), nn.Linear(10, 2)",
        "y = self.cnn(x).flatten(1).unsqueeze(1)\nout, _ = self.lstm(y)\nreturn self.fc(out[-1])",
        "net(torch.randn(6, 3, 8, 8)).sum().backward()",
    ),
    "words of characters": model(
        "self.chars, self.inner, self.outer = nn.Embedding(30, 4), nn.LSTM(4, 5, batch_first=True, bidirectional=True), nn.GRU(10, 8, batch_first=True)\nself.fc = nn.Linear(8, 3)",
        """
n, words, letters = x.shape
y = self.chars(x.view(n * words, letters))
_, (h, _) = self.inner(y)
y = h.transpose(0, 1).reshape(n, words, -1)
out, _ = self.outer(y)
return self.fc(out)
""",
        "net(torch.randint(30, (3, 5, 7))).sum().backward()",
    ),
    "documents of sentences": model(
        "self.word, self.sent = nn.GRU(6, 5, bidirectional=True, batch_first=True), nn.GRU(10, 4, batch_first=True)\nself.fc = nn.Linear(4, 2)",
        """
sentences = []
for i in range(x.size(1)):
    _, h = self.word(x[:, i])
    sentences.append(torch.cat([h[0], h[1]], -1))
out, h = self.sent(torch.stack(sentences, dim=1))
return self.fc(h[-1])
""",
        "net(torch.randn(3, 4, 7, 6)).sum().backward()",
    ),
    "an autoencoder": model(
        "self.enc, self.dec, self.fc = nn.LSTM(5, 8, batch_first=True), nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 5)",
        "_, (h, _) = self.enc(x)\ny = h[-1].unsqueeze(1).repeat(1, x.size(1), 1)\nout, _ = self.dec(y)\nreturn self.fc(out)",
        "x = torch.randn(4, 9, 5)\nF.mse_loss(net(x), x).backward()",
    ),
    "a variational autoencoder": model(
        "self.enc, self.dec = nn.GRU(5, 8, 2, batch_first=True, bidirectional=True), nn.GRU(5, 8, 2, batch_first=True)\nself.mu, self.lv, self.up, self.fc = nn.Linear(32, 3), nn.Linear(32, 3), nn.Linear(3, 16), nn.Linear(8, 5)",
        """
_, h = self.enc(x)
h = h.permute(1, 0, 2).reshape(x.size(0), -1)
mu, lv = self.mu(h), self.lv(h)
z = mu + torch.exp(0.5 * lv) * torch.randn_like(mu)
start = self.up(z).view(-1, 2, 8).transpose(0, 1).contiguous()
out, _ = self.dec(x, start)
return self.fc(out), -0.5 * torch.sum(1 + lv - mu.pow(2) - lv.exp())
""",
        "x = torch.randn(4, 9, 5)\ny, kl = net(x)\n(F.mse_loss(y, x) + kl).backward()",
    ),
    "siamese": model(
        "self.rnn = nn.GRU(5, 8, batch_first=True)",
        "a, b = self.rnn(x)[1][-1], self.rnn(more[0])[1][-1]\nreturn F.cosine_similarity(a, b), (a * b).sum(-1), torch.exp(-(a - b).abs().sum(1))",
        "sum(s.sum() for s in net(torch.randn(4, 9, 5), torch.randn(4, 7, 5))).backward()",
    ),
    "triplets": model(
        "self.rnn = nn.LSTM(5, 8, batch_first=True, bidirectional=True)",
        "_, (h, _) = self.rnn(x)\nreturn torch.cat([h[-2], h[-1]], 1)",
        "F.triplet_margin_loss(net(torch.randn(4, 9, 5)), net(torch.randn(4, 9, 5)), net(torch.randn(4, 9, 5))).backward()",
    ),
    "contrast over the batch": model(
        "self.a, self.b = nn.GRU(5, 8, batch_first=True), nn.GRU(3, 8, batch_first=True)",
        "one, two = self.a(x)[1][-1], self.b(more[0])[1][-1]\nreturn F.normalize(one, dim=-1) @ F.normalize(two, dim=-1).t()",
        """
scores = net(torch.randn(6, 9, 5), torch.randn(6, 4, 3))
(F.cross_entropy(scores, torch.arange(6)) + F.cross_entropy(scores.t(), torch.arange(6))).backward()
""",
    ),
    "an ensemble": HEAD
    + """
nets = nn.ModuleList(nn.GRU(5, 8, batch_first=True) for _ in range(3))
heads = nn.ModuleList(nn.Linear(8, 2) for _ in range(3))
x = torch.randn(4, 9, 5)
scores = torch.stack([head(net(x)[0][:, -1]) for net, head in zip(nets, heads)])
F.cross_entropy(scores.mean(0), torch.randint(2, (4,))).backward()
""",
    "multi-head attention behind an RNN": model(
        "self.rnn, self.att, self.fc = nn.LSTM(5, 8, batch_first=True), nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)",
        "out, _ = self.rnn(x)\ny, w = self.att(out, out, out)\nreturn self.fc(y.mean(1))",
        "net(torch.randn(4, 9, 5)).sum().backward()",
    ),
    "multi-head attention, steps first": model(
        "self.rnn, self.att, self.fc = nn.LSTM(5, 8), nn.MultiheadAttention(8, 2), nn.Linear(8, 2)",
        "out, _ = self.rnn(x)\ny, w = self.att(out, out, out)\nreturn self.fc(y.mean(0))",
        "net(torch.randn(9, 4, 5)).sum().backward()",
    ),
    "multi-head attention, turned": model(
        "self.rnn, self.att, self.fc = nn.LSTM(5, 8, batch_first=True), nn.MultiheadAttention(8, 2), nn.Linear(8, 2)",
        "out, _ = self.rnn(x)\nq = out.transpose(0, 1)\ny, w = self.att(q, q, q)\nreturn self.fc(y.transpose(0, 1)[:, -1])",
        "net(torch.randn(4, 9, 5)).sum().backward()",
    ),
    "heads by hand": model(
        "self.rnn, self.qkv, self.fc = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 24), nn.Linear(8, 2)",
        """
out, _ = self.rnn(x)
n, l, d = out.shape
q, k, v = self.qkv(out).view(n, l, 3, 2, 4).permute(2, 0, 3, 1, 4)
a = F.softmax(q @ k.transpose(-2, -1) / 2, dim=-1)
y = (a @ v).transpose(1, 2).reshape(n, l, d)
return self.fc(y[:, -1])
""",
        "net(torch.randn(4, 9, 5)).sum().backward()",
    ),
    "self-attention with several rows": model(
        "self.rnn, self.w1, self.w2, self.fc = nn.LSTM(5, 8, batch_first=True, bidirectional=True), nn.Linear(16, 6), nn.Linear(6, 3), nn.Linear(48, 2)",
        """
out, _ = self.rnn(x)
a = F.softmax(self.w2(torch.tanh(self.w1(out))), dim=1).transpose(1, 2)
m = a @ out
return self.fc(m.view(x.size(0), -1))
""",
        "net(torch.randn(4, 9, 5)).sum().backward()",
    ),
    "attention of another kind": model(
        "self.rnn, self.w, self.fc = nn.GRU(5, 8), nn.Parameter(torch.randn(8)), nn.Linear(8, 2)",
        "out, _ = self.rnn(x)\na = F.softmax(torch.tanh(out) @ self.w, dim=0)\nreturn self.fc((a.unsqueeze(-1) * out).sum(0))",
        "net(torch.randn(9, 4, 5)).sum().backward()",
    ),
    "a pointer": model(
        "self.rnn, self.q = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 8)",
        "out, h = self.rnn(x)\nreturn torch.bmm(out, self.q(h[-1]).unsqueeze(2)).squeeze(2)",
        "F.cross_entropy(net(torch.randn(4, 9, 5)), torch.randint(9, (4,))).backward()",
    ),
    "the ends of an answer": model(
        "self.rnn, self.fc = nn.LSTM(5, 8, batch_first=True, bidirectional=True), nn.Linear(16, 2)",
        "start, end = self.fc(self.rnn(x)[0]).split(1, dim=-1)\nreturn start.squeeze(-1), end.squeeze(-1)",
        "s, e = net(torch.randn(4, 9, 5))\n(F.cross_entropy(s, torch.randint(9, (4,))) + F.cross_entropy(e, torch.randint(9, (4,)))).backward()",
    ),
    "actor and critic": model(
        "self.rnn, self.pi, self.v = nn.GRU(4, 16), nn.Linear(16, 3), nn.Linear(16, 1)",
        "out, h = self.rnn(x, *more)\nreturn F.log_softmax(self.pi(out), -1), self.v(out).squeeze(-1), h",
        """
obs, h = torch.randn(10, 6, 4), torch.zeros(1, 6, 16)
logp, v, h = net(obs, h)
acts, adv, ret = torch.randint(3, (10, 6)), torch.randn(10, 6), torch.randn(10, 6)
old = logp.detach().gather(-1, acts.unsqueeze(-1)).squeeze(-1)
ratio = (logp.gather(-1, acts.unsqueeze(-1)).squeeze(-1) - old).exp()
(-(torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv)).mean() + F.mse_loss(v, ret)).backward()
""",
    ),
    "a policy whose state is cleared by episodes": model(
        "self.cell, self.pi = nn.LSTMCell(4, 16), nn.Linear(16, 3)",
        """
h = c = torch.zeros(x.size(1), 16)
scores = []
for t in range(x.size(0)):
    keep = (1 - more[0][t]).unsqueeze(-1)
    h, c = self.cell(x[t], (h * keep, c * keep))
    scores.append(self.pi(h))
return torch.stack(scores)
""",
        "net(torch.randn(10, 6, 4), torch.randint(2, (10, 6)).float()).flatten(0, 1).sum().backward()",
    ),
    "Q values of sequences": model(
        "self.rnn, self.q = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 3)",
        "return self.q(self.rnn(x)[0])",
        """
x, a = torch.randn(6, 10, 4), torch.randint(3, (6, 10))
q = net(x).gather(2, a.unsqueeze(2)).squeeze(2)
with torch.no_grad():
    best = net(x).max(dim=2)[0]
F.smooth_l1_loss(q, torch.randn(6, 10) + 0.9 * best).backward()
""",
    ),
    "windows of a series": model(
        "self.rnn, self.fc = nn.LSTM(1, 16, 2, batch_first=True), nn.Linear(16, 1)",
        "out, (h, c) = self.rnn(x)\nreturn self.fc(out[:, -1, :])",
        """
series = torch.sin(torch.arange(60) / 5)
x = series.unfold(0, 10, 1)[:-1].unsqueeze(-1)
y = series[10:].unsqueeze(-1)
opt = torch.optim.Adam(net.parameters())
for _ in range(3):
    opt.zero_grad(); F.mse_loss(net(x), y).backward(); opt.step()
""",
    ),
    "several steps ahead": model(
        "self.enc, self.cell, self.fc = nn.LSTM(2, 8, batch_first=True), nn.LSTMCell(1, 8), nn.Linear(8, 1)",
        """
_, (h, c) = self.enc(x)
h, c, y, found = h[-1], c[-1], x[:, -1, :1], []
for _ in range(5):
    h, c = self.cell(y, (h, c))
    y = self.fc(h)
    found.append(y)
return torch.stack(found, dim=1)
""",
        "F.mse_loss(net(torch.randn(4, 9, 2)), torch.randn(4, 5, 1)).backward()",
    ),
    "a series by cells": HEAD
    + """
class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.fc = nn.LSTMCell(1, 11), nn.LSTMCell(11, 11), nn.Linear(11, 1)
    def forward(self, x, future=0):
        found, n = [], x.size(0)
        h, c, h2, c2 = (torch.zeros(n, 11) for _ in range(4))
        for step in x.split(1, dim=1):
            h, c = self.a(step, (h, c)); h2, c2 = self.b(h, (h2, c2)); y = self.fc(h2); found.append(y)
        for _ in range(future):
            h, c = self.a(y, (h, c)); h2, c2 = self.b(h, (h2, c2)); y = self.fc(h2); found.append(y)
        return torch.cat(found, dim=1)
s, data = Sequence(), torch.randn(5, 12)
for _ in range(2):
    F.mse_loss(s(data[:, :-1]), data[:, 1:]).backward()
s(data, 3)
""",
    "translation with teacher forcing": HEAD
    + """
import random
random.seed(0)
emb_s, emb_t, enc, dec, fc = nn.Embedding(20, 6), nn.Embedding(20, 6), nn.GRU(6, 8), nn.GRU(6, 8), nn.Linear(8, 20)
src, trg = torch.randint(20, (7, 3)), torch.randint(20, (5, 3))
for _ in range(2):
    _, h = enc(emb_s(src))
    token, outs = trg[0], torch.zeros(5, 3, 20)
    for t in range(1, 5):
        out, h = dec(emb_t(token).unsqueeze(0), h)
        outs[t] = fc(out.squeeze(0))
        token = trg[t] if random.random() < 0.5 else outs[t].argmax(1)
    F.cross_entropy(outs[1:].view(-1, 20), trg[1:].view(-1)).backward()
""",
    "an LSTM's states into a decoder of half the layers": HEAD
    + """
enc, dec = nn.LSTM(5, 8, 2, bidirectional=True, batch_first=True), nn.LSTM(5, 16, 2, batch_first=True)
_, (h, c) = enc(torch.randn(4, 9, 5))
h = h.view(2, 2, 4, 8).transpose(1, 2).reshape(2, 4, 16)
c = torch.cat([c[0::2], c[1::2]], dim=2)
out, _ = dec(torch.randn(4, 3, 5), (h, c))
out.sum().backward()
""",
    "directions summed for a decoder": HEAD
    + """
enc, dec = nn.GRU(5, 8, 2, bidirectional=True), nn.GRU(5, 8, 2)
out, h = enc(torch.randn(9, 4, 5))
out = out[:, :, :8] + out[:, :, 8:]
h = h.view(2, 2, 4, 8).sum(1)
y, h = dec(torch.randn(3, 4, 5), h)
energy = torch.einsum("tnh,lnh->ntl", y, out)
(F.softmax(energy, dim=-1) @ out.transpose(0, 1)).sum().backward()
""",
    "the first rows of an encoder's state for a decoder": HEAD
    + """
enc, dec = nn.GRU(5, 8, 2, bidirectional=True), nn.GRU(5, 8, 2)
out, h = enc(torch.randn(9, 4, 5))
y, h = dec(torch.randn(1, 4, 5), h[:2])
y.sum().backward()
""",
    "Luong's attention": HEAD
    + """
enc, dec, wa, fc = nn.LSTM(5, 8, batch_first=True), nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 8, bias=False), nn.Linear(16, 20)
keys, state = enc(torch.randn(4, 9, 5))
mask = torch.rand(4, 9) < 0.2
y, _ = dec(torch.randn(4, 6, 5), state)
scores = torch.bmm(wa(y), keys.transpose(1, 2)).masked_fill(mask.unsqueeze(1), float("-inf"))
context = torch.bmm(F.softmax(scores, dim=2), keys)
F.cross_entropy(fc(torch.cat([context, y], 2)).transpose(1, 2), torch.randint(20, (4, 6))).backward()
""",
    "Bahdanau's start": HEAD
    + """
enc, cell, start, att, fc = nn.GRU(5, 8, bidirectional=True, batch_first=True), nn.GRUCell(16, 8), nn.Linear(8, 8), nn.Linear(24, 1), nn.Linear(8, 20)
keys, h = enc(torch.randn(4, 9, 5))
s, loss = torch.tanh(start(h[-1])), 0
for t in range(3):
    e = att(torch.cat([s.unsqueeze(1).expand(-1, 9, -1), keys], -1)).squeeze(-1)
    s = cell((F.softmax(e, -1).unsqueeze(-1) * keys).sum(1), s)
    loss = loss + F.cross_entropy(fc(s), torch.randint(20, (4,)))
loss.backward()
""",
    "beam search": HEAD
    + """
emb, cell, fc = nn.Embedding(20, 6), nn.LSTMCell(6, 8), nn.Linear(8, 20)
beam, h, c = 3, torch.randn(2, 8), torch.randn(2, 8)
with torch.no_grad():
    h, c = h.repeat_interleave(beam, 0), c.repeat_interleave(beam, 0)
    tokens, scores = torch.zeros(6, dtype=torch.long), torch.zeros(6)
    for t in range(5):
        h, c = cell(emb(tokens), (h, c))
        logp = F.log_softmax(fc(h), dim=-1) + scores.unsqueeze(1)
        scores, best = logp.view(2, beam * 20).topk(beam, dim=1)
        rows = (best // 20 + torch.arange(2).unsqueeze(1) * beam).view(-1)
        tokens, scores = (best % 20).view(-1), scores.view(-1)
        h, c = h[rows], c.index_select(0, rows)
""",
    "a stateful server": HEAD
    + """
class Server:
    def __init__(self):
        self.rnn, self.fc, self.states = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 2), {}
    @torch.inference_mode()
    def step(self, user, x):
        out, self.states[user] = self.rnn(x, self.states.get(user))
        return self.fc(out[:, -1])
s = Server()
for t in range(4):
    for user in "ab":
        s.step(user, torch.randn(1, 1, 5))
""",
    "truncated backpropagation": HEAD
    + """
gru, fc, h = nn.GRU(5, 8), nn.Linear(8, 3), torch.zeros(1, 4, 8)
x, y = torch.randn(30, 4, 5), torch.randint(3, (30, 4))
opt = torch.optim.SGD([*gru.parameters(), *fc.parameters()], 0.1)
for i in range(0, 30, 6):
    out, h = gru(x[i:i + 6], h.detach())
    opt.zero_grad(); F.cross_entropy(fc(out).flatten(0, 1), y[i:i + 6].flatten()).backward(); opt.step()
""",
    "targets turned as the predictions": HEAD
    + """
rnn, fc = nn.LSTM(5, 7), nn.Linear(7, 4)
x, y = torch.randn(8, 3, 5), torch.randint(4, (8, 3))
for _ in range(3):
    out, _ = rnn(x.transpose(0, 1))
    F.cross_entropy(fc(out).reshape(-1, 4), y.t().reshape(-1))
    F.cross_entropy(fc(out).transpose(0, 1).reshape(-1, 4), y.reshape(-1))
    F.cross_entropy(fc(out.transpose(0, 1)).permute(0, 2, 1), y).backward()
""",
    "numbers for each step": HEAD
    + """
rnn, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 1)
x, y = torch.randn(8, 3, 5), torch.randn(8, 3)
F.mse_loss(fc(rnn(x)[0]).squeeze(-1), y).backward()
F.mse_loss(fc(rnn(x)[0]).view(-1), y.view(-1)).backward()
F.l1_loss(fc(rnn(x)[0]), y.unsqueeze(-1)).backward()
""",
    "a square of targets": HEAD
    + """
rnn, fc = nn.GRU(5, 7), nn.Linear(7, 4)
x, y = torch.randn(6, 6, 5), torch.randint(4, (6, 6))
F.cross_entropy(fc(rnn(x)[0]).view(-1, 4), y.view(-1)).backward()
""",
    "in eval, no gradients": HEAD
    + """
net = nn.ModuleDict({"rnn": nn.LSTM(5, 7, 2, dropout=0.5, batch_first=True), "fc": nn.Linear(7, 4)}).eval()
with torch.inference_mode():
    out, _ = net["rnn"](torch.randn(3, 6, 5))
    print(net["fc"](out[:, -1]).argmax(1).tolist())
""",
    "unbatched with cells": HEAD
    + """
cell, fc, h = nn.GRUCell(5, 7), nn.Linear(7, 1), None
for x in torch.randn(6, 5):
    h = cell(x, h)
fc(h).sum().backward()
""",
    "layers by hand": HEAD
    + """
layers = nn.ModuleList([nn.GRU(5, 7, batch_first=True), nn.GRU(7, 7, batch_first=True), nn.GRU(7, 7, batch_first=True)])
norms, x = nn.ModuleList(nn.LayerNorm(7) for _ in layers), torch.randn(3, 6, 5)
for layer, norm in zip(layers, norms):
    y, _ = layer(x)
    x = norm(F.dropout(y + x if y.shape == x.shape else y, 0.1))
nn.Linear(7, 2)(x[:, -1]).sum().backward()
""",
    "a Sequential with a picker": HEAD
    + """
class Last(nn.Module):
    def forward(self, pair):
        return pair[0][:, -1, :]
net = nn.Sequential(nn.GRU(5, 7, batch_first=True), Last(), nn.ReLU(), nn.Dropout(0.1), nn.Linear(7, 2))
net(torch.randn(3, 6, 5)).sum().backward()
""",
    "two directions by hand": HEAD
    + """
there, back, fc = nn.GRU(5, 7, batch_first=True), nn.GRU(5, 7, batch_first=True), nn.Linear(14, 2)
x = torch.randn(3, 6, 5)
a, b = there(x)[0], back(x.flip(1))[0].flip(1)
fc(torch.cat([a, b], -1))
fc(torch.cat([a[:, -1], b[:, 0]], -1)).sum().backward()
""",
    "a projection": HEAD
    + """
import warnings
warnings.simplefilter("ignore")
lstm, fc = nn.LSTM(5, 12, 2, proj_size=4, batch_first=True, bidirectional=True), nn.Linear(8, 2)
out, (h, c) = lstm(torch.randn(3, 6, 5))
fc(torch.cat([h[-2], h[-1]], -1))
fc(out).sum().backward()
""",
    "adversaries of sequences": HEAD
    + """
g, gf, d, df = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 2), nn.LSTM(2, 8, batch_first=True, bidirectional=True), nn.Linear(16, 1)
fake = torch.tanh(gf(g(torch.randn(4, 7, 3))[0]))
real = torch.randn(4, 7, 2)
score = lambda x: df(d(x)[0]).mean(dim=1)
(F.binary_cross_entropy_with_logits(score(real), torch.ones(4, 1)) + F.binary_cross_entropy_with_logits(score(fake), torch.zeros(4, 1))).backward()
""",
    "features of all steps": HEAD
    + """
rnn, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(42, 2)
out, _ = rnn(torch.randn(3, 6, 5))
fc(out.reshape(out.size(0), -1))
fc(out.reshape(3, 6 * 7))
fc(nn.Flatten()(out)).sum().backward()
""",
    "features of all steps, steps first": HEAD
    + """
rnn, fc = nn.GRU(5, 7), nn.Linear(42, 2)
out, _ = rnn(torch.randn(6, 3, 5))
fc(out.permute(1, 0, 2).reshape(3, -1)).sum().backward()
""",
    "a depthwise convolution behind": HEAD
    + """
rnn, conv, fc = nn.GRU(5, 8, batch_first=True), nn.Conv1d(8, 8, 3, padding=1, groups=8), nn.Linear(8, 2)
out, _ = rnn(torch.randn(3, 6, 5))
fc(conv(out.transpose(1, 2)).max(-1)[0]).sum().backward()
""",
    "statistics of all numbers": HEAD
    + """
rnn = nn.GRU(5, 8, batch_first=True)
out, h = rnn(torch.randn(3, 6, 5))
loss = out.pow(2).mean() + 0.1 * (out[:, 1:] - out[:, :-1]).pow(2).mean() + h.abs().mean()
loss.backward(); print(out.mean(0).mean().item(), out.std().item())
""",
    "normalised over the batch": HEAD
    + """
rnn, fc = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 2)
last = rnn(torch.randn(6, 6, 5))[0][:, -1]
fc((last - last.mean(0)) / (last.std(0) + 1e-5)).sum().backward()
""",
    "a graph of sequences": HEAD
    + """
rnn, fc, adjacency = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 1), torch.rand(5, 5)
x = torch.randn(3, 7, 5, 2)
b, t, n, f = x.shape
_, h = rnn(x.permute(0, 2, 1, 3).reshape(b * n, t, f))
nodes = h[-1].view(b, n, -1)
fc(torch.einsum("ij,bjh->bih", adjacency, nodes)).sum().backward()
""",
    "two languages with one encoder": HEAD
    + """
emb, rnn, fc = nn.Embedding(30, 6, padding_idx=0), nn.LSTM(6, 8, batch_first=True, bidirectional=True), nn.Linear(32, 3)
def encode(tokens, lengths):
    packed = pack_padded_sequence(emb(tokens), lengths, batch_first=True, enforce_sorted=False)
    _, (h, _) = rnn(packed)
    return h.transpose(0, 1).contiguous().view(tokens.size(0), -1)
a, b = pad_sequence([torch.randint(1, 30, (n,)) for n in (5, 3)], batch_first=True), torch.randint(1, 30, (2, 4))
F.cross_entropy(fc(torch.cat([encode(a, [5, 3]), encode(b, [4, 4])], 1)), torch.randint(3, (2,))).backward()
""",
}

RIGHT = {**SELECTIONS, **PACKED, **LOADERS, **MODELS}
