"""Programs that run and are wrong, in many styles and sizes, each with the kind and the code of every warning."""

from live_programs import HEAD, classifier, packed

BOTH = ", batch_first=True, bidirectional=True"
PLAIN = ""
STEPS_FIRST = "12, 8"

STATES = {
    # h_n.view(N, -1) and its like
    "view to rows of the batch": (
        classifier("state.view(x.size(0), -1)", 80, more="" + BOTH),
        [("mixed_axes", "state.view(x.size(0), -1)")],
    ),
    "view to rows of a batch as large as the rows": (
        classifier("state.view(x.size(0), -1)", 40, shape="2, 12").replace("randint(3, (8,))", "randint(3, (2,))"),
        [("mixed_axes", "state.view(x.size(0), -1)")],
    ),
    "reshape by a shape": (
        classifier("state.reshape(x.shape[0], -1)", 40, shape="2, 12").replace("randint(3, (8,))", "randint(3, (2,))"),
        [("mixed_axes", "state.reshape(x.shape[0], -1)")],
    ),
    "view by a name": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 7, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(28, 2)
    def forward(self, seq):
        batch_size, steps, _ = seq.size()
        _, (hidden, _) = self.lstm(seq)
        hidden = hidden.view(batch_size, -1)
        return self.head(hidden)
model = Net()
model(torch.randn(4, 6, 5)).sum().backward()
""",
        [("mixed_axes", "hidden.view(batch_size, -1)")],
    ),
    "view by len": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 7, num_layers=3, batch_first=True)
        self.head = nn.Linear(21, 2)
    def forward(self, seq):
        _, hidden = self.gru(seq)
        return self.head(hidden.reshape(len(seq), -1))
Net()(torch.randn(3, 6, 5)).sum().backward()
""",
        [("mixed_axes", "hidden.reshape(len(seq), -1)")],
    ),
    "view in pairs": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 7, bidirectional=True)
        self.head = nn.Linear(14, 2)
    def forward(self, seq):
        _, h = self.gru(seq)
        return self.head(h.view(-1, 7 * 2))
Net()(torch.randn(6, 9, 5)).sum().backward()
""",
        [("mixed_axes", "h.view(-1, 7 * 2)")],
    ),
    "states of an encoder, viewed for a decoder": (
        HEAD
        + """
encoder, decoder = nn.GRU(6, 8, 2, batch_first=True, bidirectional=True), nn.GRU(6, 16, 2, batch_first=True)
_, h = encoder(torch.randn(4, 9, 6))
decoder(torch.randn(4, 5, 6), h.view(2, 4, 16))
""",
        [("mixed_axes", "h.view(2, 4, 16)")],
    ),
    "the last step of both directions, behind functions": (
        classifier("F.dropout(F.relu(out[:, -1]))", 40, more=BOTH),
        [("reverse_half_of_last_step", "out[:, -1]")],
    ),
    "flatten of a state": (
        HEAD
        + """
gru, head = nn.GRU(5, 7, 2, batch_first=True), nn.Linear(7 * 4, 2)
_, h = gru(torch.randn(4, 9, 5))
head(h.flatten(1)).sum().backward()
""",
        [("mixed_axes", "head(h.flatten(1))")],
    ),
    "flatten of all of a state": (
        HEAD
        + """
gru, head = nn.GRU(5, 7, batch_first=True), nn.Linear(7 * 4, 2)
_, h = gru(torch.randn(4, 9, 5))
head(torch.flatten(h)).sum().backward()
""",
        [("mixed_axes", "head(torch.flatten(h))")],
    ),
    "permute in the wrong order": (
        classifier("state.permute(2, 0, 1).reshape(x.size(0), -1)", 40),
        [("mixed_axes", "state.permute(2, 0, 1).reshape(x.size(0), -1)")],
    ),
    "permute of the last two dims": (
        classifier("state.permute(0, 2, 1).contiguous().view(8, -1)", 80, more=BOTH),
        [("mixed_axes", "state.permute(0, 2, 1).contiguous().view(8, -1)")],
    ),
    "a view of c_n": (
        classifier("state[1].view(8, -1)", 80, "LSTM", BOTH),
        [("mixed_axes", "state[1].view(8, -1)")],
    ),
    "directions and layers in the wrong order": (
        classifier("state.view(2, 3, 8, 20)[:, -1].permute(1, 0, 2).reshape(8, -1)", 40, more=BOTH).replace(
            "10, 20, 2", "10, 20, 3"
        ),
        [("mixed_axes", "state.view(2, 3, 8, 20)")],
    ),
    "a view into a decoder": (
        HEAD
        + """
enc, dec = nn.GRU(5, 8, bidirectional=True), nn.GRU(5, 16)
_, h = enc(torch.randn(9, 4, 5))
h = h.view(1, 4, 16)
out, _ = dec(torch.randn(3, 4, 5), h)
out.sum().backward()
""",
        [("mixed_axes", "h.view(1, 4, 16)")],
    ),
    "a view into an LSTM decoder": (
        HEAD
        + """
enc, dec = nn.LSTM(5, 8, 2, bidirectional=True, batch_first=True), nn.LSTM(5, 16, 2, batch_first=True)
_, (h, c) = enc(torch.randn(4, 9, 5))
out, _ = dec(torch.randn(4, 3, 5), (h.view(2, 4, -1), c.view(2, 4, -1)))
out.sum().backward()
""",
        [("mixed_axes", "h.view(2, 4, -1)")],
    ),
    # rows
    "one direction of two layers": (classifier("state[-1]", more="" + BOTH), [("one_direction", "state[-1]")]),
    "one direction of an LSTM": (classifier("state[0][-1]", 20, "LSTM", BOTH), [("one_direction", "state[0][-1]")]),
    "one direction after squeeze": (
        classifier("F.relu(state[1, :, :].squeeze())", 20, "RNN", BOTH),
        [("other_layer", "state[1, :, :]")],
    ),
    "the first direction": (classifier("state[0]", 20, "GRU", BOTH), [("other_layer", "state[0]")]),
    "the first of three layers": (classifier("state[0]").replace("10, 20, 2", "10, 20, 3"), [("other_layer", "state[0]")]),
    "the first layer of an LSTM": (classifier("state[0][0]", 20, "LSTM"), [("other_layer", "state[0][0]")]),
    "two layers for two directions": (
        classifier("torch.cat([state[0], state[-1]], 1)", 40, "GRU", "" + BOTH),
        [("rows_of_two_layers", "torch.cat([state[0], state[-1]], 1)")],
    ),
    "the same row twice": (
        classifier("torch.cat((state[-1], state[-1]), dim=1)", 40, "GRU", BOTH),
        [("same_row_twice", "torch.cat((state[-1], state[-1]), dim=1)")],
    ),
    "the last sequence for the last layer": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, 3, batch_first=True), nn.Linear(7, 2)
_, h = gru(torch.randn(3, 9, 5))
F.cross_entropy(fc(h[:, -1]), torch.randint(2, (3,))).backward()
""",
        [("sequence_instead_of_step", "h[:, -1]")],
    ),
    "layers unpacked as h and c": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, 2, batch_first=True), nn.Linear(7, 2)
out, (h, c) = gru(torch.randn(4, 9, 5))
fc(h).sum().backward()
""",
        [("layers_for_states", "(h, c)")],
    ),
    "directions unpacked as h and c": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 7, batch_first=True, bidirectional=True); self.fc = nn.Linear(7, 2)
    def forward(self, x):
        hidden, cell = self.rnn(x)[1]
        return self.fc(hidden)
Net()(torch.randn(4, 9, 5)).sum().backward()
""",
        [("layers_for_states", "hidden, cell")],
    ),
    "h and c in the wrong order": (
        HEAD
        + """
lstm, fc = nn.LSTM(5, 7, 1, batch_first=True), nn.Linear(7, 2)
out, (c, h) = lstm(torch.randn(4, 9, 5))
fc(h[-1]).sum().backward()
""",
        [("states_swapped", "h[-1]")],
    ),
    "h and c of a cell in the wrong order": (
        HEAD
        + """
cell, fc = nn.LSTMCell(5, 7), nn.Linear(7, 2)
h = c = torch.zeros(4, 7)
x = torch.randn(4, 9, 5)
for t in range(9):
    c, h = cell(x[:, t], (h, c))
fc(h).sum().backward()
""",
        [("states_swapped", "cell(x[:, t], (h, c))")],
    ),
}

OUTPUTS = {
    "the last step of a bidirectional LSTM": (
        classifier("out[:, -1, :]", 40, "LSTM", BOTH),
        [("reverse_half_of_last_step", "out[:, -1, :]")],
    ),
    "the last step with the steps first": (
        classifier("out[-1]", 40, "LSTM", ", bidirectional=True", STEPS_FIRST),
        [("reverse_half_of_last_step", "out[-1]")],
    ),
    "the reverse half of the last step": (
        classifier("torch.cat([out[:, -1, :20], out[:, -1, 20:]], 1)", 40, "RNN", BOTH),
        [("reverse_half_of_last_step", "out[:, -1, 20:]")],
    ),
    "the reverse half alone": (
        classifier("out[:, -1, 20:]", 20, "GRU", BOTH),
        [("reverse_half_of_last_step", "out[:, -1, 20:]")],
    ),
    "the forward half of the first step": (
        classifier("out[:, 0, :20]", 20, "GRU", BOTH),
        [("forward_half_of_first_step", "out[:, 0, :20]")],
    ),
    "each half at the other end": (
        classifier("torch.cat([out[:, 0, :20], out[:, -1, 20:]], 1)", 40, "GRU", BOTH),
        [("forward_half_of_first_step", "out[:, 0, :20]"), ("reverse_half_of_last_step", "out[:, -1, 20:]")],
    ),
    "a narrow of the last step": (
        classifier("out.narrow(1, 11, 1).squeeze(1)", 40, "GRU", BOTH),
        [("reverse_half_of_last_step", "out.narrow(1, 11, 1).squeeze(1)")],
    ),
    "the last sequence for the last step": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 2)
out, _ = gru(torch.randn(8, 3, 5))
F.cross_entropy(fc(out[:, -1]), torch.randint(2, (8,))).backward()
""",
        [("sequence_instead_of_step", "out[:, -1]")],
    ),
    "a mean over the batch": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 2)
out, _ = gru(torch.randn(8, 3, 5))
F.cross_entropy(fc(out.mean(dim=1)), torch.randint(2, (8,))).backward()
""",
        [("pooled_over_batch", "out.mean(dim=1)")],
    ),
    "a maximum over the batch": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, batch_first=True, bidirectional=True), nn.Linear(14, 2)
out, _ = gru(torch.randn(8, 3, 5))
pooled, _ = torch.max(out, dim=0)
fc(pooled).sum().backward()
""",
        [("pooled_over_batch", "torch.max(out, dim=0)")],
    ),
    "softmax without a dim": (
        HEAD
        + """
import warnings; warnings.simplefilter("ignore")
gru, score = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 1)
out, _ = gru(torch.randn(8, 3, 5))
weights = F.softmax(score(out))
nn.Linear(7, 2)((weights * out).sum(1)).sum().backward()
""",
        [("softmax_over_batch", "F.softmax(score(out))")],
    ),
    "log-softmax of a classifier over the batch": (
        HEAD
        + """
rnn, fc = nn.RNN(5, 7), nn.Linear(7, 2)
out, h = rnn(torch.randn(6, 3, 5))
logp = F.log_softmax(fc(out[-1]), dim=0)
F.nll_loss(logp, torch.randint(2, (3,))).backward()
""",
        [("softmax_over_batch", "F.log_softmax(fc(out[-1]), dim=0)")],
    ),
    "softmax of a module over the batch": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(5, 7, batch_first=True); self.fc = nn.Linear(7, 2); self.softmax = nn.LogSoftmax(dim=0)
    def forward(self, x):
        return self.softmax(self.fc(self.rnn(x)[0][:, -1]))
F.nll_loss(Net()(torch.randn(6, 3, 5)), torch.randint(2, (6,))).backward()
""",
        [("softmax_over_batch", "self.softmax(self.fc(self.rnn(x)[0][:, -1]))")],
    ),
    "a reshape for a transpose, before a loss": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 4)
out, _ = gru(torch.randn(8, 3, 5))
F.cross_entropy(fc(out).view(3, 8, 4).transpose(1, 2), torch.randint(4, (3, 8))).backward()
""",
        [("mixed_axes", "fc(out).view(3, 8, 4)")],
    ),
    "a reshape by the names of the sizes": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 7); self.fc = nn.Linear(7, 4)
    def forward(self, x):
        seq_len, batch_size, _ = x.shape
        out, _ = self.rnn(x)
        out = out.view(batch_size, seq_len, -1)
        return self.fc(out)
Net()(torch.randn(6, 6, 5)).sum().backward()
""",
        [("mixed_axes", "out.view(batch_size, seq_len, -1)")],
    ),
    "two rows of each step": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, batch_first=True, bidirectional=True), nn.Linear(7, 4)
out, _ = gru(torch.randn(8, 3, 5))
fc(out.reshape(-1, 7)).sum().backward()
""",
        [("split_directions", "out.reshape(-1, 7)")],
    ),
    "classes and steps mixed": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 4)
out, _ = gru(torch.randn(8, 3, 5))
logits = fc(out).transpose(1, 2)
F.cross_entropy(logits.reshape(-1, 4), torch.randint(4, (8, 3)).view(-1)).backward()
""",
        [("mixed_axes", "logits.reshape(-1, 4)")],
    ),
    "classes first by a view": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7, batch_first=True), nn.Linear(7, 4)
out, _ = gru(torch.randn(8, 3, 5))
F.cross_entropy(fc(out).view(8, 4, 3), torch.randint(4, (8, 3))).backward()
""",
        [("mixed_axes", "fc(out).view(8, 4, 3)")],
    ),
}

PADDING = {
    "the last step, packed": (packed("out[:, -1, :]"), [("padding_as_last_step", "out[:, -1, :]")]),
    "a maximum over padding": (packed("out.max(1)[0]"), [("pooled_over_padding", "out.max(1)")]),
    "attention over padding": (
        packed("(F.softmax(out.sum(-1), dim=1).unsqueeze(-1) * out).sum(1)"),
        [("softmax_over_padding", "F.softmax(out.sum(-1), dim=1)")],
    ),
    "one step too far": (
        packed("out[torch.arange(4), lengths.clamp(max=6)]"),
        [("padding_as_last_step", "out[torch.arange(4), lengths.clamp(max=6)]")],
    ),
    "the last step with the steps first, packed": (
        HEAD
        + """
gru, fc = nn.GRU(5, 7), nn.Linear(7, 2)
packed = pack_padded_sequence(torch.randn(6, 3, 5), torch.tensor([6, 4, 2]))
out, _ = pad_packed_sequence(gru(packed)[0])
fc(out[-1]).sum().backward()
""",
        [("padding_as_last_step", "out[-1]")],
    ),
    "tokens with a suffix of padding": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(50, 6, padding_idx=0)
        self.lstm = nn.LSTM(6, 7, batch_first=True); self.fc = nn.Linear(7, 2)
    def forward(self, tokens):
        out, _ = self.lstm(self.emb(tokens))
        return self.fc(out[:, -1])
batch = pad_sequence([torch.randint(1, 50, (n,)) for n in (7, 3, 5)], batch_first=True)
Net()(batch).sum().backward()
""",
        [("padding_as_last_step", "out[:, -1]")],
    ),
}

TARGETS = {
    "targets flattened the other way round": (
        HEAD
        + """
rnn, fc = nn.LSTM(5, 7), nn.Linear(7, 4)
x, y = torch.randn(8, 3, 5), torch.randint(4, (8, 3))
out, _ = rnn(x.transpose(0, 1))
F.cross_entropy(fc(out).reshape(-1, 4), y.reshape(-1)).backward()
""",
        [("order_of_targets", "F.cross_entropy(fc(out).reshape(-1, 4), y.reshape(-1))")],
    ),
    "targets turned and predictions not": (
        HEAD
        + """
rnn, fc = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 4)
x, y = torch.randn(8, 3, 5), torch.randint(4, (8, 3))
for _ in range(3):
    out, _ = rnn(x)
    logits = fc(out).view(-1, 4)
    loss = F.cross_entropy(logits, y.t().contiguous().view(-1))
    loss.backward()
""",
        [("order_of_targets", "F.cross_entropy(logits, y.t().contiguous().view(-1))")],
    ),
    "numbers flattened the other way round": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 7); self.fc = nn.Linear(7, 1)
    def forward(self, x):
        out, _ = self.rnn(x.permute(1, 0, 2))
        return self.fc(out).flatten()
net, crit = Net(), nn.MSELoss()
x, y = torch.randn(16, 10, 1), torch.randn(16, 10)
crit(net(x), y.flatten()).backward()
""",
        [("order_of_targets", "crit(net(x), y.flatten())")],
    ),
    "tags of a tagger with the steps first": (
        HEAD
        + """
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lstm, self.out = nn.Embedding(30, 6), nn.LSTM(6, 7, bidirectional=True), nn.Linear(14, 5)
    def forward(self, s):
        h, _ = self.lstm(self.emb(s).transpose(0, 1))
        return F.log_softmax(self.out(h.view(-1, h.shape[2])), 1)
m, crit = Tagger(), nn.NLLLoss()
s, tags = torch.randint(30, (4, 9)), torch.randint(5, (4, 9))
crit(m(s), tags.view(-1)).backward()
""",
        [("order_of_targets", "crit(m(s), tags.view(-1))")],
    ),
}

INPUTS = {
    "a view for a transpose": (
        HEAD
        + """
gru, fc = nn.GRU(10, 7), nn.Linear(7, 2)
x = torch.randn(8, 12, 10)
out, h = gru(x.view(12, 8, 10))
fc(h[-1]).sum().backward()
""",
        [("mixed_axes", "gru(x.view(12, 8, 10))")],
    ),
    "a view for a transpose behind an embedding": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lstm, self.fc = nn.Embedding(30, 6), nn.LSTM(6, 7), nn.Linear(7, 2)
    def forward(self, tokens):
        e = self.emb(tokens).view(tokens.size(1), tokens.size(0), -1)
        out, (h, c) = self.lstm(e)
        return self.fc(h[-1])
Net()(torch.randint(30, (4, 9))).sum().backward()
""",
        [("mixed_axes", "self.lstm(e)")],
    ),
    "channels and steps of a convolution": (
        HEAD
        + """
conv, gru, fc = nn.Conv1d(3, 8, 3, padding=1), nn.GRU(8, 10, batch_first=True), nn.Linear(10, 4)
y = conv(torch.randn(5, 3, 30))
out, h = gru(y.view(5, 30, 8))
fc(h[-1]).sum().backward()
""",
        [("mixed_axes", "gru(y.view(5, 30, 8))")],
    ),
    "tokens of which the dims change places by a view": (
        HEAD
        + """
emb, lstm, fc = nn.Embedding(30, 6), nn.LSTM(6, 7), nn.Linear(7, 2)
tokens = torch.randint(30, (4, 9))
out, (h, c) = lstm(emb(tokens.reshape(9, 4)))
fc(h[-1]).sum().backward()
""",
        [("mixed_axes", "lstm(emb(tokens.reshape(9, 4)))")],
    ),
    "batch_first forgotten behind a loader": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(40, 12, 10), torch.randint(3, (40, 12))), batch_size=8, shuffle=True)
lstm, fc = nn.LSTM(10, 7), nn.Linear(7, 3)
opt = torch.optim.SGD([*lstm.parameters(), *fc.parameters()], 0.1)
for epoch in range(2):
    for x, y in loader:
        out, _ = lstm(x)
        loss = F.cross_entropy(fc(out).reshape(-1, 3), y.reshape(-1))
        opt.zero_grad(); loss.backward(); opt.step()
""",
        [("batch_as_steps", "lstm(x)")],
    ),
    "batch_first forgotten behind a loader of tokens": (
        HEAD
        + """
from torch.utils.data import DataLoader, Dataset
class Texts(Dataset):
    def __len__(self): return 24
    def __getitem__(self, i): return torch.randint(1, 50, (9,)), torch.tensor(i % 2)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.drop, self.lstm, self.fc = nn.Embedding(50, 6), nn.Dropout(0.1), nn.LSTM(6, 7), nn.Linear(7, 1)
    def forward(self, tokens):
        _, (h, _) = self.lstm(self.drop(self.emb(tokens)))
        return self.fc(h[-1])
net = Net()
for tokens, label in DataLoader(Texts(), 6, shuffle=True):
    net(tokens).mean().backward()
""",
        [("batch_as_steps", "self.lstm(self.drop(self.emb(tokens)))")],
    ),
    "batch_first forgotten behind a loader of doubles": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(40, 12, 10).double(), torch.randn(40, 12)), batch_size=8, shuffle=True)
lstm, fc = nn.LSTM(10, 7, 2), nn.Linear(7, 1)
for x, y in loader:
    x, y = x.float(), y.float()
    out, _ = lstm(x)
    F.mse_loss(fc(out).squeeze(-1), y).backward()
""",
        [("batch_as_steps", "lstm(x)")],
    ),
    "a batch of single steps as one sequence": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(40, 10), torch.randn(40, 1)), batch_size=8, shuffle=True)
lstm, fc = nn.LSTM(10, 7), nn.Linear(7, 1)
for x, y in loader:
    out, _ = lstm(x)
    F.mse_loss(fc(out), y).backward()
""",
        [("batch_as_steps", "lstm(x)")],
    ),
    "images as rows without batch_first": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(60, 1, 28, 28), torch.randint(10, (60,))), batch_size=28, shuffle=True)
rnn, fc = nn.RNN(28, 16), nn.Linear(16, 10)
for images, labels in loader:
    out, h = rnn(images.squeeze(1))
    F.cross_entropy(fc(h[-1]), labels).backward()
    break
""",
        [("batch_as_steps", "rnn(images.squeeze(1))")],
    ),
    "padding along the batch": (
        HEAD
        + """
emb, lstm, fc = nn.Embedding(50, 6, padding_idx=0), nn.LSTM(6, 7), nn.Linear(7, 2)
tokens = pad_sequence([torch.randint(1, 50, (n,)) for n in (4, 9, 6)], batch_first=True)
out, (h, c) = lstm(emb(tokens))
fc(h[-1]).sum().backward()
""",
        [("batch_as_steps", "lstm(emb(tokens))")],
    ),
    "attention over the batch behind an RNN": (
        HEAD
        + """
lstm, attention = nn.LSTM(10, 16, batch_first=True), nn.MultiheadAttention(16, 2)
out, _ = lstm(torch.randn(8, 12, 10))
mixed, weights = attention(out, out, out)
mixed.sum().backward()
""",
        [("layout_changed", "attention(out, out, out)")],
    ),
    "an encoder layer over the batch": (
        HEAD
        + """
lstm, layer = nn.LSTM(10, 16, batch_first=True), nn.TransformerEncoderLayer(16, 2, 32)
out, _ = lstm(torch.randn(8, 12, 10))
layer(out).sum().backward()
""",
        [("layout_changed", "layer(out)")],
    ),
    "steps first after batch_first": (
        HEAD
        + """
a, b = nn.GRU(10, 16), nn.GRU(16, 8, batch_first=True)
out, _ = a(torch.randn(12, 8, 10))
out, h = b(F.relu(out))
nn.Linear(8, 2)(h[-1]).sum().backward()
""",
        [("layout_changed", "b(F.relu(out))")],
    ),
}

CARRIED = {
    "a state from one shuffled batch into the next": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.randn(32, 12, 10), torch.randint(3, (32,))), batch_size=8, shuffle=True)
lstm, fc = nn.LSTM(10, 7, batch_first=True), nn.Linear(7, 3)
state = None
for x, y in loader:
    out, state = lstm(x, state)
    state = tuple(s.detach() for s in state)
    F.cross_entropy(fc(out[:, -1]), y).backward()
""",
        [("state_of_another_batch", "lstm(x, state)")],
    ),
    "a state kept in the model": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.fc, self.hidden = nn.GRU(10, 7, batch_first=True), nn.Linear(7, 1), None
    def forward(self, x):
        out, hidden = self.gru(x, self.hidden)
        self.hidden = hidden.data
        return self.fc(out[:, -1])
net = Net()
opt = torch.optim.Adam(net.parameters())
for epoch in range(2):
    for x, y in DataLoader(TensorDataset(torch.randn(32, 12, 10), torch.randn(32, 1)), batch_size=16, shuffle=True):
        opt.zero_grad(); F.mse_loss(net(x), y).backward(); opt.step()
""",
        [("state_of_another_batch", "self.gru(x, self.hidden)")],
    ),
    "a state carried in evaluation": (
        HEAD
        + """
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.randn(32, 12, 10), torch.randint(3, (32,)))
lstm, fc = nn.LSTM(10, 7, batch_first=True), nn.Linear(7, 3)
def run(loader, carry):
    state = None
    for x, y in loader:
        out, new = lstm(x, state)
        if carry:
            state = new
        fc(out[:, -1])
with torch.no_grad():
    run(DataLoader(data, batch_size=8), False)
    run(DataLoader(data, batch_size=8, shuffle=True), True)
""",
        [("state_of_another_batch", "lstm(x, state)")],
    ),
    "a cell without its state": (
        HEAD
        + """
cell, fc = nn.GRUCell(10, 7), nn.Linear(7, 3)
x, scores = torch.randn(8, 12, 10), []
for t in range(x.size(1)):
    h = cell(x[:, t])
    scores.append(fc(h))
torch.stack(scores).sum().backward()
""",
        [("state_made_anew", "cell(x[:, t])")],
    ),
    "a cell with the same state at each step": (
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.fc = nn.LSTMCell(10, 7), nn.Linear(7, 3)
    def forward(self, x):
        h0 = torch.zeros(x.size(0), 7); c0 = torch.zeros(x.size(0), 7)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t, :], (h0, c0))
        return self.fc(h)
Net()(torch.randn(8, 12, 10)).sum().backward()
""",
        [("state_made_anew", "self.cell(x[:, t, :], (h0, c0))")],
    ),
    "a module called step by step without its state": (
        HEAD
        + """
rnn, fc = nn.RNN(10, 7, batch_first=True), nn.Linear(7, 3)
x = torch.randn(8, 12, 10)
for t in range(12):
    out, h = rnn(x[:, t:t + 1])
fc(h[-1]).sum().backward()
""",
        [("state_made_anew", "rnn(x[:, t:t + 1])")],
    ),
}
