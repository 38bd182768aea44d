"""Little programs that end in an exception which has nothing to do with the shapes of an RNN's neighbours.

Each of ``CRASHES`` is a whole program: the cause, words of the message, and the fix with how it is applied: ``"instead"`` of
the code that failed, ``"before"`` or ``"below"`` its line, ``"below backward"``, or ``"as"`` the line that assigns to the same
name. ``SILENT`` has exceptions of programs with RNNs that no RNN has to do with.
"""

from typing import NamedTuple

HEAD = """import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader
torch.manual_seed(0)
"""


class Crash(NamedTuple):
    """A program that fails, and what is said of it."""

    code: str
    cause: str
    words: str
    fix: str | None = None
    applied: str = "instead"
    certain: bool = True


NET = """
class Net(nn.Module):
    def __init__(self, **more):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, batch_first=True, **more)
        self.fc = nn.Linear(4, 2)
    def forward(self, x, state=None):
        out, _ = self.rnn(x, state)
        return self.fc(out)
"""
LOOP = """
rnn, fc = nn.LSTM(3, 4), nn.Linear(4, 1)
opt = torch.optim.SGD([*rnn.parameters(), *fc.parameters()], 0.1)
"""

ARGUMENTS = {
    "three arguments": Crash(
        "rnn, x, h, c = nn.LSTM(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)\nout, _ = rnn(x, h, c)",
        "lstm_tuple_expected",
        "rnn(x, (h_0, c_0)). It got 3 arguments",
        "rnn(x, (h, c))",
    ),
    "input and state exchanged": Crash(
        "rnn, x, h = nn.GRU(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4)\nout, _ = rnn(h, x)",
        "other",
        "Here they are exchanged",
        "rnn(x, h)",
    ),
    "input and both states exchanged": Crash(
        "cell, x, state = nn.LSTMCell(3, 4), torch.randn(2, 3), (torch.zeros(2, 4),) * 2\nh, c = cell(state, x)",
        "other",
        "cell takes the input first and the state second: cell(x, (h_0, c_0))",
        "cell(x, state)",
    ),
    "another keyword": Crash(
        "rnn, x, h = nn.GRU(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4)\nout, _ = rnn(x, hidden=h)",
        "other",
        "It has no argument hidden",
        "rnn(x, h)",
    ),
    "a tuple into a GRU": Crash(
        "rnn, x, state = nn.GRU(3, 4), torch.randn(5, 2, 3), (torch.zeros(1, 2, 4),) * 2\nout, _ = rnn(x, state)",
        "lstm_tuple_expected",
        "takes its state as one tensor; state is a tuple",
        "rnn(x, state[0])",
    ),
    "half a state": Crash(
        "rnn, x, h = nn.LSTM(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4)\nout, _ = rnn(x, (h, None))",
        "lstm_tuple_expected",
        "(h, None) has None in it",
    ),
    "the result of another RNN": Crash(
        "a, b = nn.GRU(3, 4), nn.GRU(4, 5)\nx = a(torch.randn(5, 2, 3))\nout, _ = b(x)",
        "lstm_tuple_expected",
        "x is the tuple of output and the state of a (nn.GRU)",
        "b(x[0])",
        "instead",
    ),
    "a list of equal sequences": Crash(
        "rnn, xs = nn.GRU(3, 4, batch_first=True), [torch.randn(5, 3), torch.randn(5, 3)]\nout, _ = rnn(xs)",
        "other",
        "xs is a list of 2 tensors",
        "xs = torch.stack(xs, dim=0)",
        "before",
    ),
    "a list of unequal sequences": Crash(
        "rnn, xs = nn.GRU(3, 4), [torch.randn(5, 3), torch.randn(4, 3)]\nout, _ = rnn(xs)",
        "other",
        "xs is a list of 2 tensors",
        "xs = nn.utils.rnn.pad_sequence(xs, batch_first=False)",
        "before",
    ),
    "a NumPy array": Crash(
        "import numpy as np\nrnn, x = nn.GRU(3, 4), np.zeros((5, 2, 3))\nout, _ = rnn(x)",
        "other",
        "x is a NumPy array",
        "x = torch.as_tensor(x, dtype=torch.float32)",
        "before",
    ),
    "numbers": Crash(
        "rnn, x = nn.GRU(1, 4), [[1.0], [2.0]]\nout, _ = rnn(x)",
        "other",
        "x is a list of numbers",
        "x = torch.tensor(x, dtype=torch.float32)",
        "before",
    ),
    "None": Crash("rnn, x = nn.GRU(1, 4), print(end='')\nout, _ = rnn(x)", "other", "x is None"),
    "a packed batch into a cell": Crash(
        "cell = nn.GRUCell(3, 4)\nh = cell(pack_padded_sequence(torch.randn(5, 2, 3), [5, 2]))", "other", "is a packed batch"
    ),
}
MEETINGS = {
    "double input": Crash(
        NET + "import numpy as np\nx = torch.from_numpy(np.zeros((2, 5, 3)))\nNet()(x)",
        "dtype_mismatch",
        "input is float64, and the weights are float32",
        "x = x.to(torch.float32)",
        "before",
    ),
    "ids without an Embedding": Crash(
        "rnn, x = nn.GRU(3, 4), torch.randint(9, (5, 2, 3))\nout, _ = rnn(x)",
        "dtype_mismatch",
        "input is int64",
        "x = x.to(torch.float32)",
        "before",
    ),
    "floats into an Embedding": Crash(
        "emb, rnn, x = nn.Embedding(9, 3), nn.GRU(3, 4), torch.ones(5, 2)\nout, _ = rnn(emb(x))",
        "dtype_mismatch",
        "emb (nn.Embedding) takes a tensor of ids, whole numbers; x is float32",
        "x = x.long()",
        "before",
    ),
    "a state in bfloat16": Crash(
        "rnn, x, h = nn.GRU(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4).bfloat16()\nout, _ = rnn(x, h)",
        "dtype_mismatch",
        "h is bfloat16, and the weights and the input are float32",
        "h = h.to(torch.float32)",
        "before",
    ),
    "an LSTM's state in double": Crash(
        "rnn, x = nn.LSTM(3, 4), torch.randn(5, 2, 3)\n"
        "state = torch.zeros(1, 2, 4).double(), torch.zeros(1, 2, 4).double()\nout, _ = rnn(x, state)",
        "dtype_mismatch",
        "state is float64",
        "state = tuple(s.to(torch.float32) for s in state)",
        "before",
    ),
    "a cell under autocast": Crash(
        "cell, x = nn.GRUCell(3, 4), torch.randn(2, 3)\n"
        "with torch.autocast('cpu', dtype=torch.bfloat16):\n    out = cell(x, torch.zeros(2, 4).double())",
        "dtype_mismatch",
        "is float64",
        "cell(x, torch.zeros(2, 4).double().to(torch.float32))",
    ),
    "input elsewhere": Crash(
        "rnn, x = nn.GRU(3, 4), torch.randn(5, 2, 3, device='meta')\nout, _ = rnn(x)",
        "other",
        "x is on meta, and the weights of rnn are on cpu",
        "rnn.to(x.device)",
        "before",
    ),
    "weights without numbers": Crash(
        "rnn, x = nn.GRU(3, 4, device='meta'), torch.randn(5, 2, 3)\nout, _ = rnn(x)",
        "other",
        "On meta they have no numbers",
        "rnn.to_empty(device=x.device)",
        "before",
    ),
    "a state elsewhere": Crash(
        "rnn, x, h = nn.GRU(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4, device='meta')\nout, h = rnn(x, h)",
        "other",
        "h is on meta, and x is on cpu",
        None,  # numbers on meta cannot come back
    ),
    "an LSTM's state elsewhere": Crash(
        "rnn, x = nn.LSTM(3, 4, device='meta'), torch.randn(5, 2, 3, device='meta')\n"
        "h, c = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)\nout, state = rnn(x, (h, c))",
        "other",
        "(h, c) is on cpu, and x is on meta",
        "h, c = h.to(x.device), c.to(x.device)",
        "before",
    ),
}
CONSTRUCTORS = {
    "dropout as the 4th argument": Crash(
        "rnn = nn.LSTM(3, 4, 2, 0.5)", "other", "nn.LSTM: bias must be of type bool", "nn.LSTM(3, 4, num_layers=2, dropout=0.5)"
    ),
    "dropout and bidirectional exchanged": Crash(
        "n = 2\nrnn = nn.GRU(3, 4, n, True, True, False, 0.5)",
        "other",
        "dropout False: must be a number from 0 to 1",
        "nn.GRU(3, 4, num_layers=n, bias=True, batch_first=True, dropout=0.5, bidirectional=False)",
    ),
    "a misspelt argument": Crash(
        "rnn = nn.LSTM(3, 4, batchfirst=True)", "other", "nn.LSTM has no argument batchfirst", "nn.LSTM(3, 4, batch_first=True)"
    ),
    "two misspelt arguments": Crash(
        "rnn = nn.LSTM(input_dim=3, hidden_dim=4, batch_first=True)",
        "other",
        "nn.LSTM has no argument input_dim",
        "nn.LSTM(input_size=3, hidden_size=4, batch_first=True)",
    ),
    "a misspelt size behind the other": Crash(
        "rnn = nn.GRU(3, hidden_dim=4, num_layers=2)",
        "other",
        "no argument hidden_dim",
        "nn.GRU(3, hidden_size=4, num_layers=2)",
    ),
    "half a size": Crash(
        "class Net(nn.Module):\n    def __init__(self, size):\n        super().__init__()\n"
        "        self.rnn = nn.LSTM(3, size / 2, bidirectional=True)\nNet(8)",
        "other",
        "hidden_size must be of type int, and is of type float",
        "nn.LSTM(3, size // 2, bidirectional=True)",
    ),
    "a NumPy size": Crash(
        "import numpy as np\nsize = np.int64(3)\nrnn = nn.GRU(size, 4)", "other", "is of type int64", "nn.GRU(int(size), 4)"
    ),
    "a projection of a GRU": Crash("rnn = nn.GRU(3, 4, proj_size=2)", "other", "only supported for LSTM", "nn.GRU(3, 4)"),
    "no size": Crash("rnn = nn.LSTM(3, 0)", "other", "hidden_size 0: must be 1 or more"),
    "an activation that is none": Crash(
        "rnn = nn.RNN(3, 4, nonlinearity='sigmoid')", "other", "nonlinearity 'sigmoid': must be 'tanh' or 'relu'"
    ),
    "a cell with layers": Crash("cell = nn.LSTMCell(3, 4, num_layers=2)", "other", "nn.LSTMCell has no argument num_layers"),
}
CHECKPOINTS = {
    "from DataParallel": Crash(
        NET + "state = nn.DataParallel(Net()).state_dict()\nNet().load_state_dict(state)",
        "checkpoint_mismatch",
        "It was saved from nn.DataParallel",
        "Net().load_state_dict({k.removeprefix('module.'): v for k, v in state.items()})",
    ),
    "into DataParallel": Crash(
        NET + "state = Net().state_dict()\nmodel = nn.DataParallel(Net())\nmodel.load_state_dict(state)",
        "checkpoint_mismatch",
        "The names begin with 'module.' in the model",
        "model.module.load_state_dict(state)",
    ),
    "beside other things": Crash(
        NET + "saved = {'epoch': 3, 'model': Net().state_dict()}\nNet().load_state_dict(saved)",
        "checkpoint_mismatch",
        "The state dict is the item 'model' of what was passed beside 'epoch'",
        "Net().load_state_dict(saved['model'])",
    ),
    "a whole model": Crash(
        NET + "saved = Net()\nNet().load_state_dict(saved)",
        "checkpoint_mismatch",
        "saved is a whole model (Net)",
        "Net().load_state_dict(saved.state_dict())",
    ),
    "more layers": Crash(
        NET + "state = Net(num_layers=2).state_dict()\nmodel = Net()\nmodel.load_state_dict(state)",
        "checkpoint_mismatch",
        "rnn is nn.LSTM(3, 4, batch_first=True) in the model, and nn.LSTM(3, 4, num_layers=2, batch_first=True) in the state",
        "self.rnn = nn.LSTM(3, 4, num_layers=2, batch_first=True)",
        "as",
    ),
    "another cell": Crash(
        "rnn, state = nn.LSTM(3, 4), nn.GRU(3, 4).state_dict()\nrnn.load_state_dict(state)",
        "checkpoint_mismatch",
        "nn.LSTM and nn.GRU",
        "rnn = nn.GRU(3, 4)",
        "before",
    ),
    "a projection": Crash(
        "rnn, state = nn.LSTM(3, 4), nn.LSTM(3, 8, proj_size=4).state_dict()\nrnn.load_state_dict(state)",
        "checkpoint_mismatch",
        "hidden_size 4 and 8; proj_size 0 and 4",
        "rnn = nn.LSTM(3, 8, proj_size=4)",
        "before",
    ),
    "another name": Crash(
        "model = nn.ModuleDict({'rnn': nn.GRU(3, 4), 'fc': nn.Linear(4, 2)})\n"
        "state = nn.ModuleDict({'gru': nn.GRU(3, 4), 'fc': nn.Linear(4, 2)}).state_dict()\nmodel.load_state_dict(state)",
        "checkpoint_mismatch",
        "The RNN is called rnn in the model, and gru in the state dict",
        "model.load_state_dict({'rnn.' + k[4:] if k.startswith('gru.') else k: v for k, v in state.items()})",
    ),
    "a part": Crash(
        "model = nn.Sequential(nn.Linear(3, 4), nn.GRU(4, 5))\nstate = nn.GRU(4, 5).state_dict()\nmodel.load_state_dict(state)",
        "checkpoint_mismatch",
        "it is that of a part of the model",
        "model[1].load_state_dict(state)",
    ),
    "one weight less": Crash(
        "rnn = nn.GRU(4, 5)\nrnn.load_state_dict({k: v for k, v in rnn.state_dict().items() if k != 'bias_hh_l0'})",
        "checkpoint_mismatch",
        "The state dict lacks bias_hh_l0",
    ),
    "no RNN in it": Crash(
        "rnn = nn.GRU(4, 5)\nrnn.load_state_dict({'x': torch.zeros(2)})",
        "checkpoint_mismatch",
        "The state dict has no weights of the RNN. It has no RNN",
    ),
    "a file of more than tensors": Crash(
        "import io\nfile = io.BytesIO()\ntorch.save(nn.LSTM(3, 4), file)\nfile.seek(0)\nmodel = torch.load(file)",
        "checkpoint_mismatch",
        "The file holds an object of class LSTM, and torch.load reads nothing but tensors",
    ),
}
BATCHES = {
    "a DataLoader of sequences": Crash(
        "rnn, data = nn.GRU(3, 4, batch_first=True), [torch.randn(n, 3) for n in (3, 5)]\n"
        "for x in DataLoader(data, batch_size=2):\n    rnn(x)",
        "packed_lengths",
        "their lengths differ: (3, 3) and (5, 3)",
        "collate",
        "collate",
    ),
    "a DataLoader of pairs": Crash(
        "rnn, data = nn.GRU(3, 4, batch_first=True), [(torch.randn(n, 3), n) for n in (3, 5)]\n"
        "loader = DataLoader(data, batch_size=2)\nfor x, y in loader:\n    rnn(x)\nassert y.tolist() == [3, 5]",
        "packed_lengths",
        "their lengths differ: (3, 3) and (5, 3)",
        "collate",
        "collate",
    ),
    "a DataLoader of lists": Crash(
        "emb, rnn, data = nn.Embedding(9, 3), nn.GRU(3, 4), [([1] * n, n) for n in (3, 5)]\n"
        "loader = DataLoader(data, batch_size=2)\nfor x, y in loader:\n    rnn(emb(x))",
        "packed_lengths",
        "Without a collate_fn",
        "collate",
        "collate",
    ),
    "a DataLoader of dicts": Crash(
        "import numpy as np\nrnn, data = nn.GRU(3, 4), [{'x': np.zeros((n, 3), np.float32), 'y': n} for n in (3, 5)]\n"
        "loader = DataLoader(data, batch_size=2)\nbatch = next(iter(loader))\nrnn(batch['x'])\n"
        "assert batch['y'].tolist() == [3, 5]",
        "packed_lengths",
        "Without a collate_fn",
        "collate",
        "collate",
    ),
    "stack": Crash(
        "rnn, xs = nn.GRU(3, 4), [torch.randn(n, 3) for n in (3, 5)]\nrnn(torch.stack(xs))",
        "packed_lengths",
        "The sequences in xs have different lengths, 3 and 5",
        "nn.utils.rnn.pad_sequence(xs, batch_first=False)",
    ),
    "a tensor of lists": Crash(
        "emb, rnn, xs = nn.Embedding(9, 3), nn.GRU(3, 4), [[1, 2], [3]]\nrnn(emb(torch.tensor(xs)))",
        "packed_lengths",
        "The lists in xs have different lengths",
        "nn.utils.rnn.pad_sequence([torch.tensor(item) for item in xs], batch_first=False)",
    ),
    "features before steps": Crash(
        "xs = [torch.randn(3, n) for n in (4, 5)]\nx = pad_sequence(xs)",
        "packed_lengths",
        "xs has (3, 4) and (3, 5)",
        "xs = [item.t() for item in xs]",
        "before",
    ),
    "batches of one": Crash(
        "xs = [torch.randn(1, n, 3) for n in (4, 5)]\nx = pad_sequence(xs)",
        "packed_lengths",
        "xs has (1, 4, 3) and (1, 5, 3)",
        "xs = [item[0] for item in xs]",
        "before",
    ),
    "lists to pad": Crash(
        "xs = [[1, 2], [3]]\nx = pad_sequence(xs)",
        "packed_lengths",
        "xs has a list in it",
        "xs = [torch.as_tensor(item) for item in xs]",
        "before",
    ),
    "lengths in a column": Crash(
        "x, lengths = torch.randn(5, 2, 3), torch.tensor([[5], [3]])\npacked = pack_padded_sequence(x, lengths)",
        "packed_lengths",
        "lengths is (2, 1)",
        "pack_padded_sequence(x, lengths.flatten())",
    ),
    "lengths elsewhere": Crash(
        "x, lengths = torch.randn(5, 2, 3), torch.tensor([5, 3], device='meta')\npacked = pack_padded_sequence(x, lengths)",
        "packed_lengths",
        "reads the lengths on the CPU; lengths is on meta",
    ),
}
GRAPHS = {
    "a tuple that goes around": Crash(
        LOOP
        + """
state = None
for step in range(3):
    out, state = rnn(torch.randn(5, 2, 3), state)
    opt.zero_grad(); fc(out).mean().backward(); opt.step()
""",
        "state_graph",
        "state, the state that is passed to rnn, still belongs to the graph of an earlier training step",
        "state = tuple(s.detach() for s in state)",
        "below backward",
    ),
    "two variables that go around": Crash(
        LOOP
        + """
h, c = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)
for step in range(3):
    out, (h, c) = rnn(torch.randn(5, 2, 3), (h, c))
    opt.zero_grad(); fc(out).mean().backward(); opt.step()
""",
        "state_graph",
        "h, c, the state that is passed to rnn",
        "h, c = h.detach(), c.detach()",
        "below backward",
    ),
    "a kept graph and an optimizer": Crash(
        """
rnn = nn.GRU(3, 4)
opt = torch.optim.Adam(rnn.parameters())
h = torch.zeros(1, 2, 4)
for step in range(3):
    out, h = rnn(torch.randn(5, 2, 3), h)
    opt.zero_grad(); out.mean().backward(retain_graph=True); opt.step()
""",
        "state_graph",
        "h, the state that is passed to rnn",
        "h = h.detach()",
        "below backward",
    ),
    "a state in the model": Crash(
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4)
        self.hidden = None
    def forward(self, x):
        out, self.hidden = self.rnn(x, self.hidden)
        return out
net = Net()
for step in range(3):
    net(torch.randn(5, 2, 3)).mean().backward()
""",
        "state_graph",
        "self.hidden, the state",
        "self.hidden = tuple(s.detach() for s in self.hidden)",
        "below",
    ),
    "a policy": Crash(
        """
class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.pi = nn.LSTMCell(3, 4), nn.Linear(4, 2)
    def forward(self, obs, hx):
        h, c = self.cell(obs, hx)
        return self.pi(h), (h, c)
policy = Policy()
state = (torch.zeros(1, 4), torch.zeros(1, 4))
for episode in range(3):
    total = 0
    for t in range(6):
        p, state = policy(torch.randn(1, 3), state)
        total = total + p.sum()
    total.backward()
""",
        "state_graph",
        "state, the state",
        "state = tuple(s.detach() for s in state)",
        "below backward",
    ),
    "two losses of one call": Crash(
        """
rnn, a, b = nn.LSTM(3, 4), nn.Linear(4, 1), nn.Linear(4, 1)
out, _ = rnn(torch.randn(5, 2, 3))
a(out).mean().backward()
b(out).mean().backward()
""",
        "state_graph",
        "goes through a call of rnn that an earlier backward pass has gone through",
        certain=False,
    ),
    "an output that was changed": Crash(
        """
rnn = nn.LSTM(3, 4)
output, _ = rnn(torch.randn(5, 2, 3))
output[0] = 0
output.pow(2).sum().backward()
""",
        "state_graph",
        "The output of rnn was changed in place",
        certain=False,
    ),
}
COPIES = {
    "a copied state": Crash(
        "import copy\nrnn = nn.LSTM(3, 4)\nout, state = rnn(torch.randn(5, 2, 3))\nkept = copy.deepcopy(state)",
        "state_graph",
        "state is a state with the graph of the call that made it",
        "state = tuple(s.detach() for s in state)",
        "before",
    ),
    "a copied model that keeps its state": Crash(
        """
import copy
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.h = nn.GRU(3, 4), None
    def forward(self, x):
        out, self.h = self.rnn(x, self.h)
        return out
net = Net()
net(torch.randn(5, 2, 3))
best = copy.deepcopy(net)
""",
        "state_graph",
        "net.h is a state with the graph",
        "net.h = net.h.detach()",
        "before",
    ),
}
OWN_COLLATE = {
    "stack in a collate_fn": Crash(
        """
def collate(items):
    return torch.stack(items)
rnn, data = nn.GRU(3, 4), [torch.randn(n, 3) for n in (3, 5)]
for x in DataLoader(data, batch_size=2, collate_fn=collate):
    rnn(x)
""",
        "packed_lengths",
        "The sequences in items have different lengths, 3 and 5",
        "nn.utils.rnn.pad_sequence(items, batch_first=False)",
    ),
}
CRASHES = {**ARGUMENTS, **MEETINGS, **CONSTRUCTORS, **CHECKPOINTS, **BATCHES, **GRAPHS, **COPIES, **OWN_COLLATE}

SILENT = {
    "a copy without an RNN": "import copy\nrnn = nn.GRU(3, 4)\nx = nn.Linear(3, 4)(torch.randn(2, 3))\ncopy.deepcopy(x)",
    "a state that is only looked at": "rnn = nn.GRU(3, 4)\n_, h = rnn(torch.randn(5, 2, 3))\nh.sum().backward()\n"
    "with torch.no_grad():\n    rnn(torch.randn(5, 2, 3), h)\nloss = nn.Linear(3, 2)(torch.randn(2, 3)).tanh().sum()\n"
    "loss.backward()\nloss.backward()",
    "a Linear of another file": "model = nn.Sequential(nn.Linear(3, 4), nn.GRU(4, 5))\n"
    "model.load_state_dict(nn.Sequential(nn.Linear(2, 4), nn.GRU(4, 5)).state_dict())",
    "an optimizer of another model": "opt = torch.optim.Adam(nn.LSTM(3, 4).parameters())\n"
    "opt.load_state_dict(torch.optim.Adam(nn.LSTM(3, 4, 2).parameters()).state_dict())",
    "a file that is not there": "rnn = nn.LSTM(3, 4)\nrnn.load_state_dict(torch.load('nowhere.pt'))",
    "a graph without an RNN": "rnn, fc = nn.GRU(3, 4), nn.Linear(3, 2)\nrnn(torch.randn(5, 2, 3))\n"
    "loss = fc(torch.randn(2, 3)).tanh().sum()\nloss.backward()\nloss.backward()",
    "pictures of two sizes": "rnn = nn.GRU(3, 4)\ntorch.stack([torch.zeros(3, 4, 5), torch.zeros(3, 6, 7)])",
    "lists without an RNN": "torch.tensor([[1, 2], [3]])",
    "a Linear's constructor": "rnn = nn.GRU(3, 4)\nfc = nn.Linear(3, 4, 5, 6, 7, 8)",
    "an Embedding without an RNN": "emb = nn.Embedding(3, 4)\nemb(torch.ones(2))",
    "a class of the user's": "class Net(nn.Module):\n    def __init__(self, a):\n        super().__init__()\n"
    "        self.rnn = nn.GRU(3, 4)\nNet(1, 2)",
    "an argument of a subclass": "class Own(nn.GRU):\n    def forward(self, x, extra):\n"
    "        return super().forward(x + extra)\n"
    "Own(3, 4)(torch.randn(5, 2, 3), 'a')",
    "a value of the user's": "rnn = nn.GRU(3, 4)\nout, _ = rnn(torch.randn(5, 2, 3))\nraise ValueError('out of range')",
}
