"""Little programs that crash beside an RNN because of a shape, each with its cause, and how a fix is put into its text."""

import ast
from textwrap import dedent, indent
from typing import NamedTuple

HEAD = """
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
"""


class Crash(NamedTuple):
    """A program that crashes.

    Attributes:
        code: the program.
        cause: the cause that is to be found.
        words: a part of the message.
        fix: the fix, exactly; ``None`` where there is only advice.
    """

    code: str
    cause: str
    words: str
    fix: str | None


def model(layers: str, forward: str, use: str, arguments: str = "x") -> str:
    """A program with one module."""
    return (
        f"{HEAD}\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{indent(dedent(layers).strip(), ' ' * 8)}\n\n    def forward(self, {arguments}):\n"
        f"{indent(dedent(forward).strip(), ' ' * 8)}\n\n\nnet = Net()\n{dedent(use).strip()}\n"
    )


def script(code: str) -> str:
    """A program without functions."""
    return f"{HEAD}{dedent(code).strip()}\n"


def mended(code: str, failing: str, line: int, fix: str, *, before_loop: bool = False) -> str:
    """A program with a fix put into its text, as a user does it.

    A layer that is built anew replaces the one that was built; a part of one (``self.head[2] = ...``) is replaced below
    the line that builds the whole. An expression replaces the one that failed, and other statements stand before the
    line that failed, or in its place if they do the same.

    Args:
        code: the program.
        failing: the part of the line that failed.
        line: its number.
        fix: code.
        before_loop: whether it is said that the fix stands before the loop.
    """
    tree = ast.parse(code)
    statement = ast.parse(fix).body[0]
    lines = code.splitlines()
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and not hasattr(node, "body")]
    if isinstance(statement, ast.Assign) and "nn." in ast.unparse(statement.value):
        target = ast.unparse(statement.targets[0])
        for node in statements:
            built = {ast.unparse(part) for part in ast.walk(node.targets[0])} if isinstance(node, ast.Assign) else set()
            if target.partition("[")[0] in built and "nn." in ast.unparse(node):
                alone = ast.unparse(node.targets[0]) == target
                kept = [] if alone else lines[node.lineno - 1 : node.end_lineno]
                lines[node.lineno - 1 : node.end_lineno] = [*kept, " " * node.col_offset + fix]
                return "\n".join(lines)
        raise AssertionError(f"{target} is built nowhere")
    if before_loop:
        loop = next(node for node in ast.walk(tree) if isinstance(node, ast.For) and node.lineno <= line <= node.end_lineno)
        lines[loop.lineno - 1 : loop.lineno - 1] = [" " * loop.col_offset + line for line in fix.splitlines()]
        return "\n".join(lines)
    node = next(node for node in statements if node.lineno <= line <= node.end_lineno)
    text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    if isinstance(statement, ast.Expr):
        assert text.count(failing) >= 1, (text, failing)
        text = text.replace(failing, fix, 1)
    else:
        column = " " * node.col_offset
        calls = [each.value for each in (statement, node) if isinstance(getattr(each, "value", None), ast.Call)]
        replaces = len(calls) == 2 and ast.unparse(calls[0].func) == ast.unparse(calls[1].func)
        kept = [] if replaces or "for " in fix else lines[node.lineno - 1 : node.end_lineno]
        text = "\n".join([*(column + line for line in fix.splitlines()), *kept])
    lines[node.lineno - 1 : node.end_lineno] = [text]
    return "\n".join(lines)


CRASHES = {
    # ---- a Linear after any path
    "a Linear of the last step of both directions": Crash(
        model(
            "self.lstm = nn.LSTM(10, 16, batch_first=True, bidirectional=True)\nself.fc = nn.Linear(16, 3)",
            "output, (h, c) = self.lstm(x)\nlast = torch.cat([h[-2], h[-1]], dim=1)\nreturn self.fc(last)",
            "net(torch.randn(4, 7, 10))",
        ),
        "bidirectional_linear_mismatch",
        "self.fc takes 16 features; h_n of self.lstm (nn.LSTM, bidirectional) has 32 = 2 directions * 16.",
        "self.fc = nn.Linear(32, 3)",
    ),
    "a Linear of the mean over steps": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True, bidirectional=True)\nself.fc = nn.Linear(16, 3)",
            "x, _ = self.rnn(x)\nx = x.mean(dim=1)\nx = F.relu(x)\nx = self.fc(x)\nreturn x",
            "net(torch.randn(4, 7, 10))",
        ),
        "bidirectional_linear_mismatch",
        "has 32 = 2 directions * 16",
        "self.fc = nn.Linear(32, 3)",
    ),
    "a Linear of all steps": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 3)",
            "out, h = self.rnn(x)\nout = out.reshape(out.size(0), -1)\nreturn self.fc(out)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.fc takes 16 features; output of self.rnn (nn.GRU) has 112 = 7 steps * 16.",
        "self.fc = nn.Linear(112, 3)",
    ),
    "a Linear of two RNNs": Crash(
        model(
            "self.a = nn.GRU(10, 16)\nself.b = nn.LSTM(6, 8)\nself.fc = nn.Linear(16, 3)",
            "o1, _ = self.a(x)\no2, _ = self.b(y)\nreturn self.fc(torch.cat([o1[-1], o2[-1]], dim=-1))",
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 6))",
            "x, y",
        ),
        "neighbour_shape",
        "has 24",
        "self.fc = nn.Linear(24, 3)",
    ),
    "layers between": Crash(
        model(
            """
            self.rnn = nn.GRU(10, 16, batch_first=True)
            self.norm = nn.LayerNorm(16)
            self.head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(30, 3))
            """,
            "out, h = self.rnn(x)\nreturn self.head(self.norm(out[:, -1]))",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.head[3] takes 30 features",
        "self.head[3] = nn.Linear(32, 3)",
    ),
    "the head of another class": Crash(
        HEAD
        + """
class Head(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.out = nn.Linear(width, 3)

    def forward(self, z):
        z = torch.tanh(z)
        return self.out(z)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(10, 16, batch_first=True, bidirectional=True)
        self.head = Head(16)

    def forward(self, x):
        out, state = self.rnn(x)
        return self.head(out[:, -1])


Net()(torch.randn(4, 7, 10))
""",
        "bidirectional_linear_mismatch",
        "self.out takes 16 features",
        "self.out = nn.Linear(32, 3)",
    ),
    "an encoder whose frame is gone": Crash(
        HEAD
        + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 10)
        self.rnn = nn.GRU(10, 16, bidirectional=True, batch_first=True)

    def forward(self, tokens):
        embedded = self.embedding(tokens)
        output, hidden = self.rnn(embedded)
        return output, hidden


encoder = Encoder()
classify = nn.Linear(16, 3)
tokens = torch.randint(50, (4, 7))
output, hidden = encoder(tokens)
scores = classify(output)
""",
        "bidirectional_linear_mismatch",
        "classify takes 16 features; output of self.rnn (nn.GRU, bidirectional) has 32 = 2 directions * 16.",
        "classify = nn.Linear(32, 3)",
    ),
    "a LayerNorm for one direction": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, bidirectional=True)\nself.norm = nn.LayerNorm(16)",
            "out, _ = self.rnn(x)\nreturn self.norm(out)",
            "net(torch.randn(7, 4, 10))",
        ),
        "neighbour_shape",
        "self.norm takes 16 features; output of self.rnn (nn.LSTM, bidirectional) has 32 = 2 directions * 16.",
        "self.norm = nn.LayerNorm(32)",
    ),
    "a BatchNorm1d with the channels last": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.bn = nn.BatchNorm1d(16)\nself.fc = nn.Linear(16, 2)",
            "out, _ = self.rnn(x)\nout = self.bn(out)\nreturn self.fc(out)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.bn takes (N, C) or (N, C, L), the 16 channels as dim 1; out, from output of self.rnn (nn.LSTM), is",
        "self.bn(out.transpose(1, 2)).transpose(1, 2)",
    ),
    "a BatchNorm1d of steps first": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16)\nself.bn = nn.BatchNorm1d(16)\nself.fc = nn.Linear(16, 2)",
            "out, _ = self.rnn(x)\nout = self.bn(out)\nreturn self.fc(out)",
            "net(torch.randn(7, 4, 10))",
        ),
        "neighbour_shape",
        "is (L, N, D*H_out) = (7, 4, 16)",
        "self.bn(out.permute(1, 2, 0)).permute(2, 0, 1)",
    ),
    "a BatchNorm1d for one direction": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, bidirectional=True)\nself.bn = nn.BatchNorm1d(16)",
            "out, _ = self.rnn(x)\nreturn self.bn(out[-1])",
            "net(torch.randn(7, 4, 10))",
        ),
        "neighbour_shape",
        "has 32 = 2 directions * 16 features",
        "self.bn = nn.BatchNorm1d(32)",
    ),
    "a Conv1d after an RNN": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.conv = nn.Conv1d(16, 8, kernel_size=3, padding=1)",
            "features, _ = self.rnn(x)\nreturn self.conv(features).max(dim=2)[0]",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.conv takes (N, C, L), the 16 channels as dim 1",
        "self.conv(features.transpose(1, 2))",
    ),
    "a Conv1d before an RNN": Crash(
        model(
            "self.conv = nn.Conv1d(10, 16, 3, padding=1)\nself.rnn = nn.GRU(16, 8, batch_first=True)",
            "x = self.conv(x)\nout, h = self.rnn(x)\nreturn h[-1]",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.conv takes (N, C, L), the 10 channels as dim 1; x is (4, 7, 10)",
        "self.conv(x.transpose(1, 2)).transpose(1, 2)",
    ),
    "the channels of a Conv1d into an RNN": Crash(
        model(
            "self.conv = nn.Conv1d(10, 16, 3, padding=1)\nself.rnn = nn.GRU(16, 8, batch_first=True)",
            "x = self.conv(x.transpose(1, 2))\nx = F.relu(x)\nout, h = self.rnn(x)\nreturn h[-1]",
            "net(torch.randn(4, 7, 10))",
        ),
        "input_feature_mismatch",
        "16 is dim 1 of input",
        "x = x.transpose(1, 2)",
    ),
    # ---- nn.Sequential
    "an RNN in a Sequential": Crash(
        script("net = nn.Sequential(nn.LSTM(10, 16, batch_first=True), nn.Linear(16, 3))\ny = net(torch.randn(4, 7, 10))"),
        "lstm_tuple_expected",
        "net[1] (nn.Linear) takes one tensor",
        "net[1](net[0](torch.randn(4, 7, 10))[0])",
    ),
    "two RNNs in a Sequential": Crash(
        model(
            "self.net = nn.Sequential(nn.GRU(10, 16), nn.GRU(16, 8), nn.Dropout(0.1), nn.Linear(8, 2))",
            "return self.net(x)",
            "net(torch.randn(7, 4, 10))",
        ),
        "lstm_tuple_expected",
        "self.net[1] (nn.GRU) takes one tensor",
        "self.net[2:](self.net[1](self.net[0](x)[0])[0])",
    ),
    "an Embedding and an RNN in a Sequential": Crash(
        model(
            "self.net = nn.Sequential(nn.Embedding(50, 10), nn.GRU(10, 16), nn.ReLU(), nn.Linear(16, 2))",
            "y = self.net(x)\nreturn y",
            "net(torch.randint(50, (7, 4)))",
        ),
        "lstm_tuple_expected",
        "self.net[2] (nn.ReLU) takes one tensor",
        "self.net[2:](self.net[1](self.net[0:1](x))[0])",
    ),
    # ---- tuples
    "the tuple into a function": Crash(
        script("gru = nn.GRU(10, 16)\nout = gru(torch.randn(7, 4, 10))\ny = torch.relu(out)"),
        "lstm_tuple_expected",
        "out is the tuple of output and the state of gru (nn.GRU)",
        "torch.relu(out[0])",
    ),
    "the tuple as a tensor": Crash(
        script("gru = nn.GRU(10, 16, batch_first=True)\nout = gru(torch.randn(4, 7, 10))\nlast = out[:, -1]"),
        "lstm_tuple_expected",
        "out is the tuple of output and the state of gru (nn.GRU)",
        "out[0][:, -1]",
    ),
    "the states of a GRU taken apart": Crash(
        model(
            "self.gru = nn.GRU(10, 16, num_layers=3)",
            "out, (h, c) = self.gru(x)\nreturn h[-1]",
            "net(torch.randn(7, 4, 10))",
        ),
        "lstm_tuple_expected",
        "self.gru (nn.GRU) returns (output, h_n), and h_n is one tensor",
        "out, h = self.gru(x)",
    ),
    "three results of an LSTM": Crash(
        script("lstm = nn.LSTM(10, 16)\nout, h, c = lstm(torch.randn(7, 4, 10))\ny = h[-1]"),
        "lstm_tuple_expected",
        "returns (output, (h_n, c_n)), two values",
        "out, (h, c) = lstm(torch.randn(7, 4, 10))",
    ),
    # ---- an Embedding before
    "a word without a row": Crash(
        model(
            "self.embedding = nn.Embedding(100, 10, padding_idx=0)\nself.rnn = nn.GRU(10, 16, batch_first=True)",
            "embedded = self.embedding(tokens)\nreturn self.rnn(embedded)[0]",
            "tokens = torch.arange(1, 101).view(5, 20)\nnet(tokens)",
            "tokens",
        ),
        "neighbour_shape",
        "self.embedding has 100 rows, 0 to 99; tokens has 100.",
        "self.embedding = nn.Embedding(101, 10, padding_idx=0)",
    ),
    "a word below zero": Crash(
        script(
            """
            embed, rnn = nn.Embedding(100, 10), nn.LSTM(10, 16)
            tokens = torch.tensor([[3, 4, -1], [5, 6, 7]]).t()
            out, _ = rnn(embed(tokens))
            """
        ),
        "neighbour_shape",
        "tokens has -1",
        None,
    ),
    # ---- cat and stack
    "the state beside each step": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(32, 3)",
            "out, h = self.rnn(x)\nboth = torch.cat([out, h], dim=2)\nreturn self.fc(both)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "h is (D*num_layers, N, H_out) = (1, 4, 16), from h_n of self.rnn (nn.GRU)",
        "torch.cat([out, h[-1].unsqueeze(1).expand(-1, out.size(1), -1)], dim=2)",
    ),
    "the last step beside the state": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, num_layers=2, batch_first=True)",
            "out, h = self.rnn(x)\nreturn torch.cat((out[:, -1], h), 1)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "h is (D*num_layers, N, H_out) = (2, 4, 16)",
        "torch.cat((out[:, -1], h[-1]), 1)",
    ),
    "features beside the last step": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(21, 1)",
            "out, (h, c) = self.rnn(x)\nreturn self.fc(torch.cat([h, extra], dim=1))",
            "net(torch.randn(4, 7, 10), torch.randn(4, 5))",
            "x, extra",
        ),
        "neighbour_shape",
        "extra is (4, 5)",
        "torch.cat([h[-1], extra], dim=1)",
    ),
    "directions of two layouts": Crash(
        script(
            """
            forward, backward = nn.GRU(10, 16), nn.GRU(10, 16, batch_first=True)
            x = torch.randn(7, 4, 10)
            f, _ = forward(x)
            b, _ = backward(x.transpose(0, 1).flip(1))
            both = torch.cat([f, b], -1)
            """
        ),
        "neighbour_shape",
        "f is (L, N, D*H_out) = (7, 4, 16), from output of forward (nn.GRU)",
        "torch.cat([f.transpose(0, 1), b], -1)",
    ),
    "steps that are stacked": Crash(
        script(
            """
            rnn, cell = nn.GRU(10, 16, batch_first=True), nn.GRUCell(10, 16)
            x = torch.randn(4, 7, 10)
            out, h = rnn(x)
            step = cell(x[:, -1], h[0])
            steps = torch.stack([h, step])
            """
        ),
        "neighbour_shape",
        "step is (N, H_cell) = (4, 16), from h_1 of cell (nn.GRUCell)",
        "torch.stack([h[-1], step])",
    ),
    # ---- view
    "a view for one direction": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True, bidirectional=True)",
            "out, _ = self.rnn(x)\nreturn out.reshape(x.size(0), x.size(1), 16)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "out is (N, L, D*H_out) = (4, 7, 32), from output of self.rnn (nn.LSTM, bidirectional): 896 numbers",
        "out.reshape(x.size(0), x.size(1), 32)",
    ),
    "a last batch that is smaller": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.batch_size = 8\nself.fc = nn.Linear(112, 2)",
            "out, _ = self.rnn(x)\nflat = out.reshape(self.batch_size, 112)\nreturn self.fc(flat)",
            "for start in (0, 8):\n    net(torch.randn(12, 7, 10)[start:start + 8])",
        ),
        "neighbour_shape",
        "which do not fit into (8, 112)",
        "out.reshape(-1, 112)",
    ),
    "a view of what was turned": Crash(
        model(
            "self.rnn = nn.GRU(10, 16)\nself.fc = nn.Linear(112, 2)",
            "out, _ = self.rnn(x)\nout = out.transpose(0, 1)\nreturn self.fc(out.view(x.size(1), -1))",
            "net(torch.randn(7, 4, 10))",
        ),
        "contiguity",
        "its numbers still lie as before",
        "out.reshape(x.size(1), -1)",
    ),
    # ---- attention
    "Luong attention, steps first": Crash(
        model(
            "self.encoder = nn.GRU(10, 16)\nself.decoder = nn.GRU(10, 16)",
            """
            keys, hidden = self.encoder(source)
            out, hidden = self.decoder(target, hidden)
            scores = torch.bmm(keys, hidden[-1].unsqueeze(2))
            return scores
            """,
            "net(torch.randn(7, 4, 10), torch.randn(1, 4, 10))",
            "source, target",
        ),
        "neighbour_shape",
        "keys is (L, N, D*H_out) = (7, 4, 16), from output of self.encoder (nn.GRU)",
        "torch.bmm(keys.transpose(0, 1), hidden[-1].unsqueeze(2))",
    ),
    "weights that are no matrix": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.score = nn.Linear(16, 1)",
            """
            out, _ = self.rnn(x)
            weights = torch.softmax(self.score(out), dim=1)
            return torch.bmm(weights, out)
            """,
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "weights is (N, L, 1) = (4, 7, 1)",
        "torch.bmm(weights.transpose(1, 2), out)",
    ),
    "attention with the query as it is": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "out, (h, c) = self.rnn(x)\nscores = out @ h[-1]\nreturn scores",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "h[-1] is (N, H_out) = (4, 16)",
        "out @ h[-1].unsqueeze(-1)",
    ),
    "attention by einsum of two layouts": Crash(
        model(
            "self.rnn = nn.GRU(10, 16)",
            "keys, h = self.rnn(x)\nreturn torch.einsum('nlh,nh->nl', keys, h[-1])",
            "net(torch.randn(7, 4, 10))",
        ),
        "neighbour_shape",
        "keys is (L, N, D*H_out) = (7, 4, 16)",
        "torch.einsum('nlh,nh->nl', keys.transpose(0, 1), h[-1])",
    ),
    "attention of both directions": Crash(
        model(
            "self.encoder = nn.GRU(10, 16, batch_first=True, bidirectional=True)\nself.cell = nn.GRUCell(10, 16)",
            "keys, _ = self.encoder(x)\nquery = self.cell(y)\nreturn torch.bmm(keys, query.unsqueeze(2))",
            "net(torch.randn(4, 7, 10), torch.randn(4, 10))",
            "x, y",
        ),
        "neighbour_shape",
        "query.unsqueeze(2) is (N, H_cell, 1) = (4, 16, 1), from h_1 of self.cell (nn.GRUCell)",
        None,
    ),
    "Bahdanau attention": Crash(
        model(
            "self.encoder = nn.GRU(10, 16, batch_first=True)\nself.attn = nn.Linear(32, 1)",
            """
            outputs, hidden = self.encoder(x)
            energy = torch.tanh(self.attn(torch.cat((hidden, outputs), dim=2)))
            return energy
            """,
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "hidden is (D*num_layers, N, H_out) = (1, 4, 16)",
        "torch.cat((hidden[-1].unsqueeze(1).expand(-1, outputs.size(1), -1), outputs), dim=2)",
    ),
    "MultiheadAttention for one direction": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True, bidirectional=True)\n"
            "self.attn = nn.MultiheadAttention(16, 4, batch_first=True)",
            "out, _ = self.rnn(x)\nreturn self.attn(out, out, out)[0]",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.attn takes 16 features; output of self.rnn (nn.LSTM, bidirectional) has 32 = 2 directions * 16.",
        "self.attn = nn.MultiheadAttention(32, 4, batch_first=True)",
    ),
    "MultiheadAttention with the batch first": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.attn = nn.MultiheadAttention(16, 4)",
            "out, _ = self.rnn(x)\nreturn self.attn(out, out, out, key_padding_mask=mask)[0]",
            "net(torch.randn(4, 7, 10), torch.zeros(4, 7, dtype=torch.bool))",
            "x, mask",
        ),
        "batch_first_mismatch",
        "self.attn takes (L, N, E)",
        "self.attn = nn.MultiheadAttention(16, 4, batch_first=True)",
    ),
    # ---- masks
    "a mask of steps first": Crash(
        model(
            "self.rnn = nn.GRU(10, 16)\nself.score = nn.Linear(16, 1)",
            "out, _ = self.rnn(x)\nscores = self.score(out).squeeze(-1)\nreturn scores.masked_fill(mask == 0, -1e9)",
            "net(torch.randn(7, 4, 10), torch.ones(4, 7))",
            "x, mask",
        ),
        "neighbour_shape",
        "scores is (L, N) = (7, 4)",
        "scores.transpose(0, 1).masked_fill(mask == 0, -1000000000.0)",
    ),
    "states as queries": Crash(
        script(
            """
            rnn = nn.GRU(10, 16, batch_first=True)
            keys, hidden = rnn(torch.randn(4, 7, 10))
            scores = torch.bmm(hidden, keys)
            """
        ),
        "neighbour_shape",
        "hidden is (D*num_layers, N, H_out) = (1, 4, 16)",
        "torch.bmm(hidden.transpose(0, 1), keys.transpose(1, 2))",
    ),
    "a mask without features": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)",
            "out, _ = self.rnn(x)\nreturn (out * mask).sum(1)",
            "net(torch.randn(4, 7, 10), torch.ones(4, 7))",
            "x, mask",
        ),
        "neighbour_shape",
        "out is (N, L, D*H_out) = (4, 7, 16), from output of self.rnn (nn.GRU); mask is (4, 7)",
        "out * mask.unsqueeze(-1)",
    ),
    # ---- the last step of each sequence
    "lengths as places": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)",
            "out, _ = self.rnn(x)\nreturn out[torch.arange(len(x)), lengths]",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 4, 2]))",
            "x, lengths",
        ),
        "neighbour_shape",
        "dim 1 has 7 places, 0 to 6, and 7 is read. The last step of a sequence is its length - 1.",
        "out[torch.arange(len(x)), lengths - 1]",
    ),
    "gather with lengths": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)",
            "out, _ = self.rnn(x)\nlast = out.gather(1, lengths - 1)\nreturn last.squeeze(1)",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 4, 2]))",
            "x, lengths",
        ),
        "neighbour_shape",
        "gather takes an index with as many dims",
        "out.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, out.size(2)))",
    ),
    "gather of steps that are not there": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)",
            "out, _ = self.rnn(x)\nreturn out.gather(1, lengths.view(-1, 1, 1).expand(-1, 1, 16)).squeeze(1)",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 4, 2]))",
            "x, lengths",
        ),
        "neighbour_shape",
        "dim 1 has 7 places",
        "out.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, 16))",
    ),
    "a layer that is not there": Crash(
        model("self.rnn = nn.GRU(10, 16)", "out, h = self.rnn(x)\nreturn h[1]", "net(torch.randn(7, 4, 10))"),
        "neighbour_shape",
        "dim 0 has one place, 0, and 1 is read",
        "h[-1]",
    ),
    "too many indices": Crash(
        script("lstm = nn.LSTM(10, 16)\nout, (h, c) = lstm(torch.randn(7, 10))\nlast = h[-1, :, :]"),
        "neighbour_shape",
        "2 dims; the index has 3",
        "h[-1, :]",
    ),
    # ---- a packed batch where a tensor belongs
    "a packed output into Dropout": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.drop = nn.Dropout(0.5)",
            "packed = pack_padded_sequence(x, [7, 5], batch_first=True)\nout, _ = self.rnn(packed)\nreturn self.drop(out)",
            "net(torch.randn(2, 7, 10))",
        ),
        "other",
        "self.drop takes a tensor; out is a PackedSequence, output of",
        "self.drop(nn.utils.rnn.pad_packed_sequence(out, batch_first=True)[0])",
    ),
    # ---- states
    "both states batch first under one name": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, 2, batch_first=True)",
            "return self.rnn(x, state)",
            "net(torch.randn(4, 7, 10), (torch.zeros(4, 2, 16), torch.zeros(4, 2, 16)))",
            "x, state",
        ),
        "batch_first_mismatch",
        "h_0 is laid out batch first",
        "state = (state[0].transpose(0, 1).contiguous(), state[1].transpose(0, 1).contiguous())",
    ),
    "pictures into an RNN": Crash(
        model(
            "self.cnn = nn.Conv2d(1, 8, 3, padding=1)\nself.rnn = nn.LSTM(8 * 5, 16)",
            "x = self.cnn(x)\nreturn self.rnn(x)",
            "net(torch.randn(2, 1, 5, 9))",
        ),
        "input_ndim",
        "input is 4-D",
        "x = x.permute(3, 0, 1, 2).flatten(2)",
    ),
    "two layers into one": Crash(
        script(
            "enc, dec, x = nn.LSTM(10, 16, 2), nn.LSTM(10, 16), torch.randn(7, 4, 10)\n"
            "_, (h, c) = enc(x)\nout, _ = dec(x, (h, c))"
        ),
        "hidden_layers_or_directions",
        "from h_n of enc (nn.LSTM)",
        "h = h[-1:].contiguous()\nc = c[-1:].contiguous()",
    ),
    # ---- packed
    "lengths of a batch first": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "packed = pack_padded_sequence(x, lengths)\nout, _ = self.rnn(packed)\nreturn out",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 4, 2]))",
            "x, lengths",
        ),
        "batch_first_mismatch",
        "pack_padded_sequence takes (L, N, ...) with batch_first=False; x is (4, 7, 10), and there are 4 lengths.",
        "pack_padded_sequence(x, lengths, batch_first=True)",
    ),
    "lengths beyond the steps": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "packed = pack_padded_sequence(x, lengths, batch_first=True)\nreturn self.rnn(packed)[0]",
            "net(torch.randn(4, 7, 10), torch.tensor([9, 5, 3, 1]))",
            "x, lengths",
        ),
        "packed_lengths",
        "The longest length is more than the steps of input",
        "packed = pack_padded_sequence(x, torch.as_tensor(lengths).clamp(max=x.size(1)), batch_first=True)",
    ),
    "a length too few": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "packed = pack_padded_sequence(x, lengths, batch_first=True)\nreturn self.rnn(packed)[0]",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 3]))",
            "x, lengths",
        ),
        "packed_lengths",
        "x is (4, 7, 10), a batch of 4, and there are 3 lengths",
        None,
    ),
    "an empty sequence": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "out, _ = self.rnn(pack_padded_sequence(x, lengths, batch_first=True))\nreturn out",
            "net(torch.randn(4, 7, 10), torch.tensor([7, 5, 4, 0]))",
            "x, lengths",
        ),
        "packed_lengths",
        "lengths has 0",
        "pack_padded_sequence(x, lengths.clamp(min=1), batch_first=True)",
    ),
    "lengths that do not fall": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)",
            "packed = pack_padded_sequence(x, lengths, batch_first=True)\nreturn self.rnn(packed)[0]",
            "net(torch.randn(3, 7, 10), torch.tensor([5, 7, 2]))",
            "x, lengths",
        ),
        "packed_lengths",
        "enforce_sorted=False",
        "pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)",
    ),
    "a total length that is too short": Crash(
        script(
            """
            rnn = nn.GRU(10, 16, batch_first=True)
            packed = pack_padded_sequence(torch.randn(3, 7, 10), [7, 5, 2], batch_first=True)
            out, h = rnn(packed)
            out, lengths = pad_packed_sequence(out, batch_first=True, total_length=5)
            """
        ),
        "packed_lengths",
        "pads to total_length 5, and the longest sequence has 7 steps",
        "pad_packed_sequence(out, batch_first=True, total_length=7)",
    ),
    "the tuple into pad_packed_sequence": Crash(
        script(
            """
            rnn = nn.GRU(10, 16, batch_first=True)
            packed = pack_padded_sequence(torch.randn(3, 7, 10), [7, 5, 2], batch_first=True)
            out, lengths = pad_packed_sequence(rnn(packed), batch_first=True)
            """
        ),
        "lstm_tuple_expected",
        "rnn(packed) is the tuple of output and the state of rnn (nn.GRU)",
        "pad_packed_sequence(rnn(packed)[0], batch_first=True)",
    ),
    "a mask longer than the batch": Crash(
        script(
            """
            rnn = nn.LSTM(4, 6, batch_first=True)
            x, mask = torch.randn(3, 9, 4), torch.ones(3, 9)
            packed = pack_padded_sequence(x, [7, 5, 2], batch_first=True)
            out, _ = pad_packed_sequence(rnn(packed)[0], batch_first=True)
            loss = (out.sum(-1) * mask).sum()
            """
        ),
        "neighbour_shape",
        "out.sum(-1) is (N, L) = (3, 7)",
        None,
    ),
    # ---- losses
    "classes last": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "return self.fc(self.rnn(x)[0])",
            "criterion = nn.CrossEntropyLoss()\nlogits = net(torch.randn(4, 7, 10))\n"
            "tags = torch.randint(5, (4, 7))\nloss = criterion(logits, tags)",
        ),
        "loss_shape",
        "logits is (N, L, features) = (4, 7, 5), with the classes last.",
        "criterion(logits.transpose(1, 2), tags)",
    ),
    "classes last and steps first": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16)\nself.fc = nn.Linear(16, 5)",
            "out, _ = self.rnn(x)\nreturn self.fc(out)",
            "logits = net(torch.randn(7, 4, 10))\ntags = torch.randint(5, (4, 7))\nloss = F.cross_entropy(logits, tags)",
        ),
        "loss_shape",
        "logits is (L, N, features) = (7, 4, 5)",
        "F.cross_entropy(logits.permute(1, 2, 0), tags)",
    ),
    "scores of all steps against one label": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "out, _ = self.rnn(x)\nreturn self.fc(out)",
            "logits = net(torch.randn(4, 7, 10))\nlabels = torch.randint(5, (4,))\n"
            "loss = F.cross_entropy(logits.view(-1, 5), labels)",
        ),
        "loss_shape",
        "has 28 rows = 4 sequences * 7 steps, and there are 4 targets",
        "F.cross_entropy(logits[:, -1], labels)",
    ),
    "targets that are not flat": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "out, _ = self.rnn(x)\nreturn self.fc(out.reshape(-1, 16))",
            "logits = net(torch.randn(4, 7, 10))\ntags = torch.randint(5, (4, 7))\nloss = F.cross_entropy(logits, tags)",
        ),
        "loss_shape",
        "logits has 28 rows = 4 sequences * 7 steps; tags is (4, 7)",
        "F.cross_entropy(logits, tags.reshape(-1))",
    ),
    "one-hot targets": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "out, _ = self.rnn(x)\nreturn self.fc(out[:, -1])",
            "scores = net(torch.randn(4, 7, 10))\nlabels = F.one_hot(torch.randint(5, (4,)), 5)\n"
            "loss = nn.CrossEntropyLoss()(scores, labels)",
        ),
        "loss_shape",
        "labels is (4, 5), one-hot",
        "nn.CrossEntropyLoss()(scores, labels.argmax(-1))",
    ),
    "targets with a dim too many": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "_, h = self.rnn(x)\nreturn F.log_softmax(self.fc(h[-1]), dim=-1)",
            "scores = net(torch.randn(4, 7, 10))\nlabels = torch.randint(5, (4, 1))\nloss = F.nll_loss(scores, labels)",
        ),
        "loss_shape",
        "labels is (4, 1)",
        "F.nll_loss(scores, labels.squeeze(1))",
    ),
    "a class that is not there": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 5)",
            "_, h = self.rnn(x)\nreturn self.fc(h[-1])",
            "scores = net(torch.randn(4, 7, 10))\nlabels = torch.full((4,), 5)\nloss = F.cross_entropy(scores, labels)",
        ),
        "loss_shape",
        "5 classes, 0 to 4. The target has class 5.",
        None,
    ),
    "one number against a row of them": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 1)",
            "_, h = self.rnn(x)\nreturn torch.sigmoid(self.fc(h[-1]))",
            "prediction = net(torch.randn(4, 7, 10))\nlabels = torch.ones(4)\nloss = nn.BCELoss()(prediction, labels)",
        ),
        "loss_shape",
        "prediction is (N, 1) = (4, 1), and labels is (4,)",
        "nn.BCELoss()(prediction.squeeze(1), labels)",
    ),
    "series of two layouts": Crash(
        model(
            "self.rnn = nn.LSTM(1, 16)\nself.fc = nn.Linear(16, 1)",
            "out, _ = self.rnn(x)\nreturn self.fc(out)",
            "prediction = net(torch.randn(7, 4, 1))\nfuture = torch.randn(4, 7, 1)\nloss = F.mse_loss(prediction, future)",
        ),
        "loss_shape",
        "prediction is (L, N, 1) = (7, 4, 1)",
        "F.mse_loss(prediction.transpose(0, 1), future)",
    ),
    "CTC with the batch first": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 11)",
            "return self.fc(self.rnn(x)[0]).log_softmax(-1)",
            "logp = net(torch.randn(4, 50, 10))\ntargets = torch.randint(1, 11, (4, 8))\n"
            "loss = nn.CTCLoss()(logp, targets, torch.full((4,), 50), torch.full((4,), 8))",
        ),
        "loss_shape",
        "takes (L, N, classes), the steps first; logp is (N, L, features)",
        "nn.CTCLoss()(logp.transpose(0, 1), targets, torch.full((4,), 50), torch.full((4,), 8))",
    ),
    "CTC with lengths of before": Crash(
        model(
            "self.rnn = nn.GRU(10, 16)\nself.fc = nn.Linear(16, 11)",
            "out, _ = self.rnn(x[::2])\nreturn self.fc(out).log_softmax(-1)",
            "logp = net(torch.randn(50, 4, 10))\ntargets = torch.randint(1, 11, (4, 8))\nlengths = torch.full((4,), 50)\n"
            "loss = F.ctc_loss(logp, targets, lengths, torch.full((4,), 8))",
        ),
        "loss_shape",
        "so each sequence has at most 25 steps; input_lengths says 50",
        "F.ctc_loss(logp, targets, torch.full((4,), 25), torch.full((4,), 8))",
    ),
    # ---- states into a decoder
    "both directions into a decoder": Crash(
        model(
            "self.encoder = nn.GRU(10, 16, bidirectional=True)\nself.decoder = nn.GRU(10, 16)",
            "_, hidden = self.encoder(source)\nout, _ = self.decoder(target, hidden)\nreturn out",
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 10))",
            "source, target",
        ),
        "hidden_layers_or_directions",
        "hidden is (D*num_layers, N, H_out) = (2, 4, 16), from h_n of self.encoder (nn.GRU, bidirectional).",
        "hidden = hidden.view(1, 2, 4, 16).sum(1)",
    ),
    "both directions of an LSTM into a wider decoder": Crash(
        model(
            "self.encoder = nn.LSTM(10, 16, bidirectional=True)\nself.decoder = nn.LSTM(10, 32)",
            "_, (h, c) = self.encoder(source)\nout, _ = self.decoder(target, (h, c))\nreturn out",
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 10))",
            "source, target",
        ),
        "hidden_layers_or_directions",
        "from h_n of self.encoder (nn.LSTM, bidirectional)",
        "h = torch.cat([h[0::2], h[1::2]], dim=-1)\nc = torch.cat([c[0::2], c[1::2]], dim=-1)",
    ),
    "more layers into fewer": Crash(
        model(
            "self.encoder = nn.GRU(10, 16, num_layers=3)\nself.decoder = nn.GRU(10, 16)",
            "_, hidden = self.encoder(source)\nreturn self.decoder(target, hidden)[0]",
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 10))",
            "source, target",
        ),
        "hidden_layers_or_directions",
        "from h_n of self.encoder (nn.GRU)",
        "hidden = hidden[-1:].contiguous()",
    ),
    "words and context joined as steps": Crash(
        model(
            "self.embedding = nn.Embedding(50, 16)\nself.encoder = nn.GRU(10, 16, batch_first=True)\n"
            "self.gru = nn.GRU(32, 16, batch_first=True)",
            """
            context, state = self.encoder(source)
            joined = torch.cat((self.embedding(words), context[:, -1:]), dim=1)
            return self.gru(joined, state)[0]
            """,
            "net(torch.randn(4, 7, 10), torch.randint(50, (4, 1)))",
            "source, words",
        ),
        "input_feature_mismatch",
        "joins another dim than the features",
        "joined = torch.cat((self.embedding(words), context[:, -1:]), dim=-1)",
    ),
    "sequences for steps": Crash(
        model(
            "self.cell = nn.LSTMCell(10, 16)",
            """
            h, c = torch.zeros(3, 16), torch.zeros(3, 16)
            for t in range(words.size(0)):
                h, c = self.cell(words[t], (h, c))
            return h
            """,
            "net(torch.randn(3, 6, 10))",
            "words",
        ),
        "hidden_batch_mismatch",
        "words[t] is one sequence of words (3, 6, 10), not one step",
        "self.cell(words[:, t], (h, c))",
    ),
    "outputs of two lengths": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 1)",
            "a, b = self.rnn(one)[0], self.rnn(other)[0]\nreturn self.fc(torch.abs(a - b))",
            "net(torch.randn(4, 9, 10), torch.randn(4, 7, 10))",
            "one, other",
        ),
        "neighbour_shape",
        "(4, 7, 16)",
        "a[:, -1] - b[:, -1]",
    ),
    "the states of an LSTM into a GRU": Crash(
        model(
            "self.encoder = nn.LSTM(10, 16)\nself.decoder = nn.GRU(10, 16)",
            "_, state = self.encoder(source)\nreturn self.decoder(target, state)[0]",
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 10))",
            "source, target",
        ),
        "lstm_tuple_expected",
        "(nn.GRU) takes its state as one tensor; state is a tuple",
        "self.decoder(target, state[0])",
    ),
    "the last layer into a cell": Crash(
        model(
            "self.encoder = nn.GRU(10, 16)\nself.cell = nn.GRUCell(10, 16)",
            """
            _, h = self.encoder(source)
            outs = []
            for t in range(target.size(0)):
                h = self.cell(target[t], h)
                outs.append(h)
            return torch.stack(outs)
            """,
            "net(torch.randn(7, 4, 10), torch.randn(5, 4, 10))",
            "source, target",
        ),
        "input_ndim",
        "h is (D*num_layers, N, H_out) = (1, 4, 16), from h_n of self.encoder (nn.GRU)",
        "h = h.squeeze(0)",
    ),
    # ---- the RNN itself
    "one axis too many": Crash(
        model(
            "self.embedding = nn.Embedding(50, 10)\nself.rnn = nn.GRU(10, 16, batch_first=True)",
            "embedded = self.embedding(tokens)\nout, h = self.rnn(embedded)\nreturn out",
            "net(torch.randint(50, (4, 7, 1)))",
            "tokens",
        ),
        "input_ndim",
        "self.embedding makes a vector of each number; tokens is (4, 7, 1).",
        "embedded = self.embedding(tokens.squeeze(-1))",
    ),
    "a sequence into a cell": Crash(
        model(
            "self.cell = nn.LSTMCell(10, 16)\nself.fc = nn.Linear(16, 2)",
            "h, c = self.cell(x)\nreturn self.fc(h)",
            "net(torch.randn(7, 4, 10))",
        ),
        "input_ndim",
        "A cell reads one step",
        "state = None\nfor x_t in x:\n    state = self.cell(x_t, state)\nh, c = state",
    ),
    # ---- longer programs
    "speech: CTC after a convolution": Crash(
        HEAD
        + """
class Speech(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.rnn = nn.GRU(8 * 20, 32, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(64, 29)

    def forward(self, spectrum):
        x = self.conv(spectrum)
        b, c, f, t = x.shape
        x = x.permute(0, 3, 1, 2).reshape(b, t, c * f)
        x, _ = self.rnn(x)
        return self.fc(x).log_softmax(2)


net = Speech()
logp = net(torch.randn(3, 1, 40, 60))
targets = torch.randint(1, 29, (3, 5))
ctc = nn.CTCLoss()
loss = ctc(logp, targets, torch.full((3,), logp.size(1)), torch.full((3,), 5))
""",
        "loss_shape",
        "The CTC loss takes (L, N, classes), the steps first; logp is",
        "ctc(logp.transpose(0, 1), targets, torch.full((3,), logp.size(1)), torch.full((3,), 5))",
    ),
    "seq2seq: a step and its context": Crash(
        script(
            """
            encoder, decoder = nn.GRU(12, 24, batch_first=True), nn.GRU(36, 24, batch_first=True)
            x, y = torch.randn(5, 9, 12), torch.randn(5, 1, 12)
            keys, h = encoder(x)
            weights = torch.bmm(keys, h[-1].unsqueeze(2)).squeeze(2).softmax(dim=1)
            context = torch.bmm(weights.unsqueeze(1), keys).squeeze(1)
            out, h = decoder(torch.cat([y, context], dim=2), h)
            """
        ),
        "neighbour_shape",
        "context is (N, D*H_out) = (5, 24)",
        "torch.cat([y, context.unsqueeze(1)], dim=2)",
    ),
    "seq2seq: functions and globals": Crash(
        script(
            """
            embed = nn.Embedding(30, 12)
            encoder = nn.LSTM(12, 24, batch_first=True, bidirectional=True)
            decoder = nn.LSTM(12 + 24, 24, batch_first=True)
            attn, v = nn.Linear(72, 24), nn.Linear(24, 1, bias=False)


            def attend(hidden, keys):
                hidden = hidden.unsqueeze(1).repeat(1, keys.size(1), 1)
                energy = torch.tanh(attn(torch.cat((hidden, keys), dim=2)))
                return F.softmax(v(energy).squeeze(2), dim=1)


            source, token = torch.randint(30, (5, 9)), torch.randint(30, (5,))
            keys, (h, c) = encoder(embed(source))
            h, c = h[:1] + h[1:], c[:1] + c[1:]
            for t in range(3):
                context = torch.bmm(attend(h[-1], keys).unsqueeze(1), keys)
                out, (h, c) = decoder(torch.cat((embed(token).unsqueeze(1), context), dim=2), (h, c))
                token = out[:, 0].argmax(1)
            """
        ),
        "input_feature_mismatch",
        "The last dim of input is 60, and input_size is 36.",
        "decoder = nn.LSTM(60, 24, batch_first=True)",
    ),
    "classification: packed, with a helper method": Crash(
        HEAD
        + """
class Net(nn.Module):
    def __init__(self, vocab=20, emb=8, hid=16, classes=4):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hid, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(hid, classes)

    def encode(self, ids, lengths):
        e = self.drop(self.emb(ids))
        packed = pack_padded_sequence(e, lengths.cpu(), batch_first=True, enforce_sorted=False)
        out, (h, c) = self.lstm(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return out, h

    def forward(self, ids, lengths):
        out, h = self.encode(ids, lengths)
        if self.lstm.bidirectional:
            h = torch.cat([h[-2], h[-1]], dim=-1)
        else:
            h = h[-1]
        return self.fc(self.drop(h))


net = Net()
optimizer = torch.optim.Adam(net.parameters())
for epoch in range(2):
    ids, lengths, y = torch.randint(20, (6, 11)), torch.randint(1, 12, (6,)), torch.randint(4, (6,))
    loss = F.cross_entropy(net(ids, lengths), y)
    loss.backward()
    optimizer.step()
""",
        "bidirectional_linear_mismatch",
        "self.fc takes 16 features; h_n of self.lstm (nn.LSTM, bidirectional) has 32 = 2 directions * 16.",
        "self.fc = nn.Linear(32, 4)",
    ),
    "time series: a state of a larger batch": Crash(
        model(
            "self.rnn = nn.LSTM(4, 16, 2, batch_first=True)",
            "state = self.rnn(x, self.begin())[1]\nreturn state\n\n"
            "def begin(self):\n    return torch.zeros(2, 8, 16), torch.zeros(2, 8, 16)",
            "for size in (8, 8, 3):\n    net(torch.randn(size, 5, 4))",
        )
        .replace("        def begin", "    def begin")
        .replace("            return torch.z", "        return torch.z"),
        "hidden_batch_mismatch",
        "h_0 has batch size 8",
        "self.rnn(x, (x.new_zeros(2, x.size(0), 16), x.new_zeros(2, x.size(0), 16)))",
    ),
    "time series: another horizon": Crash(
        model(
            "self.rnn = nn.LSTM(1, 32, batch_first=True)\nself.linear = nn.Linear(32, 4)",
            "y, _ = self.rnn(x)\nreturn self.linear(y[:, -1, :])",
            "x, y = torch.randn(16, 30, 1), torch.randn(16, 6)\nloss = nn.MSELoss()(net(x), y)",
        ),
        "loss_shape",
        "net(x) is (N, features) = (16, 4), and y is (16, 6)",
        None,
    ),
    "cells in a loop": Crash(
        model(
            "self.cells = nn.ModuleList([nn.GRUCell(10, 16), nn.GRUCell(16, 16)])\nself.fc = nn.Linear(10, 2)",
            """
            states = [x.new_zeros(x.size(1), 16) for _ in self.cells]
            outs = []
            for t in range(x.size(0)):
                step = x[t]
                for i, cell in enumerate(self.cells):
                    states[i] = cell(step, states[i])
                    step = states[i]
                outs.append(step)
            out = torch.stack(outs)
            return self.fc(out)
            """,
            "net(torch.randn(7, 4, 10))",
        ),
        "neighbour_shape",
        "self.fc takes 10 features; out, from h_1 of",
        "self.fc = nn.Linear(16, 2)",
    ),
    "a decoder of one step at a time": Crash(
        model(
            "self.encoder = nn.LSTM(8, 16, num_layers=2, batch_first=True)\n"
            "self.cell, self.out = nn.LSTMCell(8, 16), nn.Linear(16, 8)",
            """
            _, (h, c) = self.encoder(x)
            step, steps = x[:, -1], []
            for _ in range(3):
                h, c = self.cell(step, (h, c))
                step = self.out(h)
                steps.append(step)
            return torch.stack(steps, 1)
            """,
            "net(torch.randn(4, 9, 8))",
        ),
        "input_ndim",
        "h is (D*num_layers, N, H_out) = (2, 4, 16), from h_n of self.encoder (nn.LSTM)",
        "h = h[-1]\nc = c[-1]",
    ),
    "one expression": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True, bidirectional=True)\nself.fc = nn.Linear(16, 2)",
            "return self.fc(self.rnn(x)[0][:, -1])",
            "net(torch.randn(4, 7, 10))",
        ),
        "bidirectional_linear_mismatch",
        "output of self.rnn (nn.GRU, bidirectional) has 32 = 2 directions * 16",
        "self.fc = nn.Linear(32, 2)",
    ),
    "features in the middle": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 3)",
            "out, _ = self.rnn(x)\nout = out.transpose(1, 2)\nreturn self.fc(out)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "self.fc reads the last dim, 16 features; out, from output of self.rnn (nn.GRU), is (N, D*H_out, L) = (4, 16, 7).",
        "self.fc(out.transpose(1, 2))",
    ),
    "pooled steps": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True, bidirectional=True)\n"
            "self.pool = nn.AdaptiveMaxPool1d(1)\nself.fc = nn.Linear(16, 3)",
            "out, _ = self.rnn(x)\nz = self.pool(out.transpose(1, 2)).squeeze(-1)\nreturn self.fc(z)",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "has 32",
        "self.fc = nn.Linear(32, 3)",
    ),
    "values and indices": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)\nself.fc = nn.Linear(16, 3)",
            "out, _ = self.rnn(x)\nz = torch.max(out, dim=1)\nreturn self.fc(z)",
            "net(torch.randn(4, 7, 10))",
        ),
        "lstm_tuple_expected",
        "z is the tuple (values, indices) that max with a dim returns",
        "self.fc(z[0])",
    ),
    "a sum with the input": Crash(
        model(
            "self.rnn = nn.GRU(10, 16, batch_first=True)",
            "out, _ = self.rnn(x)\nreturn out + x",
            "net(torch.randn(4, 7, 10))",
        ),
        "neighbour_shape",
        "out is (N, L, D*H_out) = (4, 7, 16), from output of self.rnn (nn.GRU); x is (4, 7, 10)",
        None,
    ),
    "a weight of one's own": Crash(
        script(
            "W, rnn = torch.randn(16, 3), nn.RNN(4, 16, bidirectional=True)\nout, h = rnn(torch.randn(5, 2, 4))\ny = out @ W"
        ),
        "neighbour_shape",
        "W is (16, 3)",
        None,
    ),
    "one-hot words into an Embedding": Crash(
        script(
            """
            embed, rnn = nn.Embedding(50, 10), nn.LSTM(10, 16, batch_first=True)
            words = F.one_hot(torch.randint(50, (4, 7)), 50)
            out, _ = rnn(embed(words))
            """
        ),
        "input_ndim",
        "words is one-hot: (4, 7, 50)",
        "rnn(embed(words.argmax(-1)))",
    ),
    "an Embedding in a Sequential": Crash(
        script("net = nn.Sequential(nn.Embedding(50, 10), nn.GRU(10, 16))\nout, h = net(torch.tensor([[3, 50]]))"),
        "neighbour_shape",
        "net[0] has 50 rows, 0 to 49; its input has 50.",
        "net[0] = nn.Embedding(51, 10)",
    ),
    "an Embedding before a model": Crash(
        HEAD
        + """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(10, 16)

    def forward(self, x):
        return self.rnn(x)[0]


embed, encoder = nn.Embedding(50, 10), Encoder()
vectors = embed(torch.tensor([[3, 4], [50, 7]]))
out = encoder(vectors)
""",
        "neighbour_shape",
        "embed has 50 rows, 0 to 49",
        "embed = nn.Embedding(51, 10)",
    ),
    "an error that is raised from another": Crash(
        script(
            """
            rnn, fc = nn.GRU(10, 16), nn.Linear(20, 2)
            out, h = rnn(torch.randn(5, 2, 10))
            try:
                y = fc(out)
            except RuntimeError as error:
                raise SystemError("the head failed") from error
            """
        ),
        "neighbour_shape",
        "fc takes 20 features; output of rnn (nn.GRU) has 16.",
        "fc = nn.Linear(16, 2)",
    ),
    # ---- a recurrent policy
    "a policy with its last action": Crash(
        model(
            "self.rnn = nn.GRUCell(6, 16)\nself.pi, self.v = nn.Linear(16, 3), nn.Linear(19, 1)",
            """
            h = self.rnn(observation, h)
            logits = self.pi(h)
            value = self.v(torch.cat([h, action], dim=-1))
            return logits, value, h
            """,
            "h, action = torch.zeros(4, 16), torch.zeros(4, 1, 3)\nfor step in range(3):\n"
            "    logits, value, h = net(torch.randn(4, 6), h, action)",
            "observation, h, action",
        ),
        "neighbour_shape",
        "action is (4, 1, 3)",
        "torch.cat([h, action.squeeze(1)], dim=-1)",
    ),
}
"""By what they are about."""

PLACED = {
    "an index of both states": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16, 2, bidirectional=True)\nself.fc = nn.Linear(32, 2)",
            "_, hidden = self.rnn(x)\nlast = torch.cat([hidden[0][-2], hidden[-2, :, :]], dim=-1)\nreturn self.fc(last)",
            "net(torch.randn(7, 4, 10))",
        ),
        "lstm_tuple_expected",
        "hidden is the tuple of both states of",
        "hidden[0][-2, :, :]",
    ),
    "a method of both states": Crash(
        script(
            "rnn, fc = nn.LSTM(10, 16), nn.Linear(16, 2)\n_, hidden = rnn(torch.randn(7, 4, 10))\ny = fc(hidden.squeeze(0))"
        ),
        "lstm_tuple_expected",
        "hidden is the tuple of both states of rnn (nn.LSTM)",
        "hidden[0].squeeze",
    ),
    "two tuples that meet": Crash(
        model(
            "self.rnn = nn.LSTM(10, 16)",
            "_, a = self.rnn(x)\n_, b = self.rnn(x.flip(0))\nreturn torch.exp(-(a - b).abs().sum(-1))",
            "net(torch.randn(7, 4, 10))",
        ),
        "lstm_tuple_expected",
        "a is the tuple of both states of",
        "a[0][-1] - b[0][-1]",
    ),
}
"""Crashes that are found where Python says which part of a line failed: from Python 3.11 on."""

QUIET = {
    "no RNN": script("x = torch.randn(4, 7)\ny = nn.Linear(5, 2)(x)"),
    "before the RNN, and not for it": script(
        "rnn, fc = nn.GRU(10, 16), nn.Linear(5, 2)\ny = fc(torch.randn(4, 7))\nout, h = rnn(torch.randn(7, 4, 10))"
    ),
    "after the RNN, of other tensors": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\na, b = torch.randn(3, 4), torch.randn(5, 4)\n"
        "c = torch.cat([a, b], 1)"
    ),
    "an embedding of a model without RNNs": script("embed = nn.Embedding(4, 2)\ny = embed(torch.tensor([4])).mean()"),
    "what the program raises": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nif out.size(0) != 4:\n"
        "    raise ValueError(f'the tuple has {out.size(0)} steps')"
    ),
    "an assertion of the program": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nassert out.size(0) == 4"),
    "a key that is not there": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\n{}['out']"),
    "a list of the program": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nlosses = []\nlosses[3]"),
    "an attribute of the program's own": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nclass Box:\n    pass\nBox().list"
    ),
    "text to a number": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nint('seven')"),
    "values of the program": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\na, b = [1, 2, 3]"),
    "another dtype": script(
        "rnn, fc = nn.GRU(10, 16), nn.Linear(16, 2)\nout, h = rnn(torch.randn(7, 4, 10))\ny = fc(out.double())"
    ),
    "a target of another dtype": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nloss = F.nll_loss(out[-1], torch.zeros(4))"
    ),
    "an argument that there is not": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nout.mean(dims=1)"),
    "an attribute that there is not": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nout.avg(1)"),
    "numbers that need no gradient": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nout.detach().sum().backward()"
    ),
    "a gradient into NumPy": script("rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\nout.numpy()"),
    "a function of the program's own": script(
        "rnn = nn.GRU(10, 16)\nout, h = rnn(torch.randn(7, 4, 10))\n\n\ndef check(x):\n"
        "    raise RuntimeError('bad shape of x')\n\n\n"
        ""
        "check(out)"
    ),
}
"""Programs of which nothing is to be said."""
