"""axes: expressions as text, with PyTorch's acceptance and shapes; hostile text is data."""

import ast
import random
import re
import sys
import warnings

import pytest
from axes_names import evaluated, real_names, shapes

from rnndims.axes.call_results import usual_names
from rnndims.axes.expressions import follow
from rnndims.axes.named_tensor import AxesError, ExpressionError, NamedTensor, RefusedError
from rnndims.axes.operations import FUNCTIONAL, METHODS, TORCH
from rnndims.config import DataConfig, RNNConfig

CONFIG = RNNConfig("lstm", 6, 4, num_layers=2, bidirectional=True, batch_first=True)
DATA = DataConfig(seq_len=5, batch_size=3)
NAMES = usual_names(CONFIG, DATA)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EXPRESSIONS = """
x[::2] ; x[::-1] ; x[::0] ; x[1:10**21] ; x[-10**21:] ; x[10**21] ; x[2:1:1] ; x[0, 0, 0] ; x[0, 0, 0, 0] ; x[..., 0]
x[None, 0, ..., None]
x[()] ; x[[0, 1]] ; x[[0, 1], [0, 1]] ; x[[0, 5]] ; x[(0,)] ; x[1.0] ; x[3] ; x[-4] ; x[-3] ; x[:, :, :, ...]
h_n[-1][:, :, ..., 1]
x[torch.arange(3), 0] ; x[:, torch.tensor([0, -1])] ; x[torch.tensor([0, 1]), :, torch.tensor([1, 2])]
x[torch.arange(2), torch.arange(3)]
x[torch.tensor(1)] ; x[0, torch.tensor([0, 1]), None] ; x[torch.tensor([7])]
x.T.shape ; x.mT ; x.T() ; x[0].T ; x[0, 0].mT ; x.t() ; x[0].t() ; x.t(1)
x.view(10**21) ; x.view(True, 5) ; x.view(5.0) ; x.view(-1, -1) ; x.view(-2, 3) ; x.view() ; x.view(15, 6)
x.view([15, 6]) ; x.view((15, 6))
x.view(size=(15, 6)) ; x.reshape(shape=(15, 6)) ; x.reshape(7, -1) ; x.reshape(2**62, -1) ; output.view(-1)
output.reshape(-1) ; output.view(3, 5, 2, 4)
output.contiguous().view(-1) ; h_n.transpose(0, 1).view(3, -1) ; h_n.view(0, -1) ; x[:, :0].view(-1, 0)
x[:, :0].view(0) ; h_n.view(-1).view(4, 3, 4)
x.flatten() ; x.flatten(0, 1) ; x.flatten(1, 0) ; x.flatten(start_dim=1) ; x.flatten(0, 1.0) ; x.flatten(dim=1)
x.flatten(3) ; torch.flatten(x, 1)
x.unflatten(2, (2, 3)) ; x.unflatten(2, (-1, 3)) ; x.unflatten(2, 5) ; x.unflatten(2, (4, -1)) ; x.unflatten(2, ())
x.transpose(0, 2) ; x.transpose(dim0=0, dim1=1) ; x.transpose(0, 3) ; x.transpose(False, 0) ; torch.transpose(x, 0)
x.swapaxes(axis0=0, axis1=1)
x.permute(2, 0, 1) ; x.permute((2, 0, 1)) ; x.permute(dims=(2, 0, 1)) ; x.permute(0, 0, 1) ; x.permute(0, 1)
x.permute() ; torch.permute(x, (2, 0, 1))
x.movedim(0, 2) ; x.movedim((0, 1), (1, 2)) ; x.movedim(source=0, destination=1) ; x.movedim(0, (0,))
x.movedim((0, 0), (1, 2))
x.squeeze() ; x[:1].squeeze(0) ; x[:1].squeeze((0, 1)) ; x.squeeze(5) ; x[:1, :1].squeeze((0, 0)) ; x.unsqueeze(-1)
x.unsqueeze(4) ; x.unsqueeze(axis=0)
x.expand(2, -1, -1, -1) ; x.expand(3, 5, 7) ; x.expand(-1, 3, 5, 6) ; x.expand(size=(3, 5, 6)) ; x[:, :1].expand_as(x)
x.expand(3)
x.repeat(1, 2, 1) ; x.repeat(2) ; x.repeat(repeats=(1, 1, 1)) ; x.repeat(-1, 1, 1)
torch.cat([x, x]) ; torch.cat((x, x), 2) ; torch.cat((x, x), axis=1) ; torch.cat(tensors=(x, x)) ; torch.cat(x)
torch.cat([x, h_n]) ; torch.cat([]) ; torch.cat([x, x], 3)
torch.cat([x, x], 'a') ; torch.stack((x, x), 1) ; torch.stack([x, x], dim=4) ; torch.stack([x, h_n]) ; torch.stack([])
torch.cat([x[0], x])
x.chunk(2) ; x.chunk(2, 1)[1] ; x.chunk(0) ; x.chunk(2, 3) ; x.split(2, 1)[2] ; x.split((2, 3), 1) ; x.split((2, 2), 1)
x.split(split_size=1) ; x.split(2.0)
torch.split(x, split_size_or_sections=1) ; x.split(-1) ; x.split(0) ; x.unbind(1)[4] ; x.unbind(3) ; torch.unbind(x)[0]
x.unbind(1)[5]
x.select(1, 4) ; x.select(1, 5) ; x.select(3, 0) ; x.narrow(1, 1, 3) ; x.narrow(1, -1, 1) ; x.narrow(1, 3, 3)
x.narrow(1, 0, -1)
x.flip(0) ; x.flip(0, 0) ; x.flip() ; x.flip(dims=(0, 1)) ; torch.flip(x, (0,)) ; x.roll(1, 0) ; x.roll(1, 5)
x.roll((1, 2), (0, 1)) ; x.roll((1, 2), 0)
x.index_select(1, torch.tensor([0, 2])) ; x.index_select(1, torch.tensor([7])) ; x.index_select(1, 0)
x.gather(1, torch.arange(3)) ; x.gather(0, 0)
x.gather(1, torch.arange(3).view(3, 1, 1).expand(-1, -1, 6))
x.gather(1, torch.arange(3).view(3, 1, 1).expand(-1, -1, 7))
x.sum() ; x.sum(0) ; x.sum((0, 1)) ; x.sum(dim=[]) ; x.sum(0, True) ; x.sum(0, 1) ; x.sum(True) ; x.sum(3)
x.sum((0, 0)) ; x.sum(axis=0) ; torch.sum(input=x, dim=0)
x.mean() ; x.mean(dim=(0, 1), keepdim=True) ; x.mean('a') ; x.mean(0.0) ; torch.arange(3).mean() ; (x > 0).sum(1)
x.std(0) ; x.std((0, 1)) ; x.std(0, True) ; x.std(0, 1)
x.max() ; x.max(1) ; x.max(1)[0] ; x.max(1).indices ; x.max(None) ; x.max(x) ; x.max(dim=1, keepdim=True).values
x.max(0, 1) ; x.min(-1)[1]
x.amax() ; x.amax((0, 2)) ; x.amax(None) ; x.argmax() ; x.argmax(-1) ; x.argmax(0, 1) ; x.argmax((0,)) ; x.prod()
x.prod(0) ; x.prod((0,)) ; x.prod(dim=None)
x.norm() ; x.norm(2, 1) ; x.norm(dim=1) ; x.norm(1) ; x.logsumexp(0) ; x.logsumexp((0, 1)) ; x.cumsum() ; x.cumsum(1)
x.softmax(-1) ; x.softmax() ; x.softmax(3) ; x.softmax(None) ; F.softmax(x) ; F.softmax(x, dim=1) ; F.log_softmax(x, 3)
torch.softmax(x, 0) ; torch.arange(3).softmax(0)
x.tanh() ; torch.tanh(x) ; torch.tanh(x, 1) ; x.relu(1) ; F.relu(x) ; F.relu(x, True) ; F.leaky_relu(x, 0.1) ; F.gelu(x)
x.abs().sqrt().log() ; F.dropout(x, 2) ; F.dropout(x, 0.1)
x + 1 ; 2 - x ; x / 2 ; 2 ** 3 ; x @ 1 ; x + x ; x + h_n ; x * x[0] ; x * x[:, :1] ; x - x[:2] ; torch.mul(2, x)
torch.add(x, x) ; -x ; +x ; ~(x > 1) ; x ** 2
x == x ; (x > 1) | (x < 0) ; x.lt(1) ; x.lt(x) ; torch.maximum(x, x) ; torch.where(x > 1, x, 0.0)
x.masked_fill(x > 1, 0.0) ; x.masked_fill(x, 1)
x @ x.mT ; x @ x ; x[0] @ x[0] ; x[0] @ x[0, 0] ; x[0, 0] @ x[0, 0] ; x[0, 0] @ x[0, :4, 0] ; x[0, 0, 0] @ x
torch.bmm(x, x.mT) ; torch.bmm(x, x) ; torch.bmm(x[0], x)
torch.mm(x[0], x[0].T) ; torch.mm(x, x) ; torch.matmul(x, x[0].T) ; torch.matmul(x, x[0]) ; x.matmul(other=x.mT)
h_n @ h_n.mT ; h_n.transpose(0, 1) @ h_n.mT
torch.einsum('nlh,nkh->nlk', x, x) ; torch.einsum('nlh->n', x) ; torch.einsum('nl->n', x)
torch.einsum('nlh,nlh', x, x) ; torch.einsum('nlh->nn', x) ; torch.einsum('nlh->z', x)
torch.einsum('nlh,nlh->l', [x, x]) ; torch.einsum('nlh,nlh->l', x) ; torch.einsum('a b c -> c b a', x)
torch.einsum('abc,bca->a', x, x)
nn.Linear(6, 2)(x) ; nn.Linear(7, 2)(x) ; nn.Linear(6, 2)(x[0, 0]) ; nn.Linear(4, 2)(x[0, 0])
F.linear(x, torch.zeros(2, 6)) ; F.linear(x, torch.zeros(2, 5)) ; nn.Linear(6, 2)(x[0, 0, 0])
nn.ReLU()(x) ; nn.Softmax(dim=1)(x) ; nn.Flatten()(x) ; nn.Flatten(0, 1)(x) ; nn.Dropout(0.5)(x) ; nn.Identity()(x)
nn.LogSoftmax(dim=-1)(x) ; nn.Softmax(5)(x)
x.size() ; x.size(1) ; x.size(-1) ; x.size(5) ; x.size(dim=1) ; x.shape[1] ; x.shape[:2] ; x.dim() ; x.ndim ; x.numel()
len(x) ; x.dim(1) ; len(x.shape) ; len(x[0, 0, 0])
x.view(x.size(0), -1) ; x.view(x.shape[0] * x.shape[1], -1) ; x.view(*x.shape[:2], 2, -1) ; x.reshape(len(x), -1)
x.view(N, L, 6) ; x.view(batch_size * L, 6) ; x.view(-1, 6 // 2, 2)
lstm(x)[0] ; lstm(x)[1][0][-1] ; lstm(x)[1][0][4] ; module(x)[2]
nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True)(x)[0]
hidden[0] ; hidden[1][-1] ; hidden[-1] ; states[0] ; states[0][-1] ; c_n[-1] ; cell.shape ; hn.size(0) ; tuple(x)[2]
list(h_n)[-1] ; torch.cat([*h_n], 1) ; torch.cat(list(h_n), 1)
torch.cat(tuple(h_n[-2:]), dim=-1) ; torch.stack([h_n[i0] for i0 in (0, 1)]) ; x.to(torch.long)[0] ; x.float()
x.half() ; x.cpu().detach().clone() ; x.contiguous(1) ; x.data
torch.zeros(2, 3) ; torch.zeros((2, 3)) ; torch.zeros([2], 3) ; torch.zeros(size=(2, 3)) ; torch.zeros(-1)
torch.zeros_like(x) ; torch.arange(5) ; torch.arange(1, 5, 2) ; torch.arange(1, 5, -1)
torch.arange(5, 1, -2) ; torch.arange(2.5) ; torch.arange(3).view(3, 1) + torch.arange(4) ; torch.tensor([1, 2])
torch.arange(3) / 2 ; torch.arange(3) @ torch.arange(3) ; torch.arange(3).max(0)
F.normalize(x, dim=1) ; F.normalize(x, dim=3) ; torch.movedim(x, 0, 1) ; torch.squeeze(x) ; torch.unsqueeze(x, 0)
torch.chunk(x, 2, 1)[0] ; torch.gather(x, 1, torch.arange(3))
x.index_select(dim=1, index=torch.tensor([0])) ; x.cuda ; x.nothing() ; x.add(1, alpha=2) ; x.add(x, alpha=2) ; x.sub(1)
x.mul('a') ; x.eq(1).sum() ; x.expand_as(h_n) ; x.view_as(h_n)
x.reshape_as(x.flatten()) ; x.is_contiguous() ; output.is_contiguous() ; x.requires_grad_(False) ; x.amin(1, True)
x.permute(0, 2, 1).flatten(1).view(3, 6, 5) ; x[..., ::2].view(-1)
"""
TEXTS = [text.strip() for line in EXPRESSIONS.strip().splitlines() for text in line.split(" ; ")]


@pytest.fixture(scope="module")
def real():
    """PyTorch's values for all names."""
    return real_names(CONFIG, DATA)


def told_of(text: str) -> object:
    """Shapes of what an expression gives, the error with which it is refused, or ``None`` where it is not followed."""
    found = follow(text, NAMES)
    return None if found.gap else found.refused or shapes(found.value)


def outcome(text: str, real: dict) -> tuple[str, object, str]:
    """What following and evaluating give: "same", "differs" or "not followed", the shapes, and PyTorch's message."""
    told = told_of(text)
    if told is None:
        return "not followed", None, ""
    try:
        seen = shapes(evaluated(text, real))
    except Exception as error:  # noqa: BLE001 - whatever PyTorch raises
        return ("same" if isinstance(told, AxesError) else "differs"), told, f"{type(error).__name__}: {error}"
    return ("same" if told == seen else "differs"), told, str(seen)


@pytest.mark.parametrize("text", TEXTS)
def test_expressions_are_pytorchs(text, real):
    """What PyTorch runs is followed to the same shape, and what it refuses is refused; a few are not followed at all."""
    found, told, seen = outcome(text, real)
    assert found != "differs", f"{text}: {told!r} here, PyTorch {seen}"


def test_nearly_all_expressions_are_followed(real):
    """Not many of the expressions above are left unfollowed."""
    skipped = [text for text in TEXTS if outcome(text, real)[0] == "not followed"]
    assert len(skipped) < 0.05 * len(TEXTS), skipped


PHRASES = [
    ("x[::-1]", "step must be greater than zero"),
    ("x[0, 0, 0, 0]", "too many indices for tensor of dimension 3"),
    ("x[7]", "index 7 is out of bounds for dimension 0 with size 3"),
    ("x[0, 0, 0][0]", "invalid index of a 0-dim tensor"),
    ("output.view(-1)", "view size is not compatible with input tensor's size and stride"),
    ("x.view(7, -1)", "shape '[7, -1]' is invalid for input of size 90"),
    ("x.view(-1, -1)", "only one dimension can be inferred"),
    ("x.sum(3)", "Dimension out of range (expected to be in range of [-3, 2], but got 3)"),
    ("x.sum((0, 0))", "dim 0 appears multiple times in the list of dims"),
    ("x.flatten(1, 0)", "flatten() has invalid args: start_dim cannot come after end_dim"),
    ("torch.cat([x, x[0]])", "Tensors must have same number of dimensions: got 3 and 2"),
    (
        "torch.cat([x, h_n])",
        "Sizes of tensors must match except in dimension 0. Expected size 5 but got size 3 for tensor number 1 in the list.",
    ),
    (
        "torch.stack([x, h_n])",
        "stack expects each tensor to be equal size, but got [3, 5, 6] at entry 0 and [4, 3, 4] at entry 1",
    ),
    ("x + h_n", "The size of tensor a (6) must match the size of tensor b (4) at non-singleton dimension 2"),
    ("torch.bmm(x, x)", "Expected size for first two dimensions of batch2 tensor to be: [3, 6] but got: [3, 5]."),
    ("nn.Linear(7, 2)(x)", "mat1 and mat2 shapes cannot be multiplied (15x6 and 7x2)"),
    ("x.expand(3, 5, 7)", "The expanded size of the tensor (7) must match the existing size (6) at non-singleton dimension 2."),
    ("x.chunk(0)", "chunk expects `chunks` to be greater than 0, got: 0"),
    ("x.split((2, 2), 1)", "split_with_sizes expects split_sizes to sum exactly to 5 (input tensor's size at dimension 1)"),
    ("x.softmax()", 'softmax() missing 1 required positional arguments: "dim"'),
    ("x.select(1, 5)", "select(): index 5 out of range for tensor of size [3, 5, 6] at dimension 1"),
    ("x.permute(0, 0, 1)", "permute(): duplicate dims are not allowed."),
    ("torch.cat(x)", "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor"),
    ("x[1.0]", "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got float)"),
]


@pytest.mark.parametrize(("text", "phrase"), PHRASES)
def test_refusals_quote_pytorch(text, phrase, real):
    """The message of a refusal is PyTorch's own."""
    refused = follow(text, NAMES).refused
    assert phrase in refused.message
    with pytest.raises(Exception) as error:
        evaluated(text, real)
    assert phrase in str(error.value)
    assert refused.kind == type(error.value).__name__


def test_every_name_is_pytorchs():
    """No method or function is followed that PyTorch does not have."""
    import torch

    assert [name for name in METHODS if not hasattr(torch.Tensor, name)] == []
    assert [name for name in TORCH if not hasattr(torch, name)] == []
    assert [name for name in FUNCTIONAL if not hasattr(torch.nn.functional, name)] == []


def test_hidden_of_a_module_without_cell_state_is_a_tensor():
    """Without a cell state ``hidden[0]`` is the first row."""
    names = usual_names(RNNConfig("gru", 6, 4), DATA)
    assert follow("hidden[0]", names).value.sizes == (3, 4)


def test_the_trail_has_every_operation():
    """The operations are listed in the order in which Python runs them, with their text."""
    followed = follow("torch.cat([hn[-2], hn[-1]], dim=1).relu()", NAMES)
    assert [(step.name, step.text) for step in followed.trail] == [
        ("index", "hn[-2]"),
        ("index", "hn[-1]"),
        ("cat", "torch.cat([hn[-2], hn[-1]], dim=1)"),
        ("relu", "torch.cat([hn[-2], hn[-1]], dim=1).relu()"),
    ]
    assert followed.spelling == {"h_n": "hn"}
    assert isinstance(followed.trail[-1].result, NamedTensor)


HOSTILE = [
    "",
    " ",
    "output[1if 1else 2]",
    "'\\d'",
    "output[0x]",
    "1_000_000is 2",
    "(" * 3000,
    "(" * 150 + "x" + ")" * 150,
    "[" * 90 + "]" * 90,
    "x" + "[0]" * 600,
    "x" + ".T" * 300,
    "-" * 1500 + "1",
    "x" + "+x" * 900,
    "x.view(" + ", ".join("1" * 300) + ")",
    "9" * 1999,
    "9**9**9**9",
    "(10**21)**(10**21)",
    "2**-1",
    "1 << 10**9",
    "1/0",
    "1 % 0",
    "1.0e308 * 1.0e308 * 10",
    "10**200 / 3.0",
    "x.view(10**21)",
    "x.repeat(10**18, 1, 1)",
    "x.chunk(10**9)",
    "torch.arange(10**18)",
    "torch.arange(10**9).unbind()",
    "list(torch.arange(10**9))",
    "torch.cat(list(torch.zeros(10**15, 2)))",
    "torch.zeros(*x.shape * 10**9)",
    "x.expand(10**18, -1, -1, -1).split(1)",
    "[0] * 10**12",
    "'a' * 10**12",
    "x['{0}']",
    "x.view('{a:>999999999}')",
    "x.__class__.__mro__",
    "x.__init__()",
    "__import__('os').system('true')",
    "(lambda: 0)()",
    "[i for i in range(10**12)]",
    "{**x}",
    "{1: 2}",
    "f'{x}'",
    "x if x else x",
    "x and x",
    "x := 1",
    "(x := 1)",
    "x = 1",
    "import os",
    "await x",
    "yield",
    "x\x00",
    "x\n.T",
    "x;x",
    "\ud800",
    "é.T",
    "x[:, *h_n]",
    "x[slice(None)]",
    "x[True]",
    "x[x]",
    "x[x > 0]",
    "x[None] " + "[None]" * 200,
    "torch.einsum('" + "a" * 500 + "->', x)",
    "torch.einsum('ab{0}', x)",
    "torch.einsum('...i', x)",
    "torch.einsum('é', x)",
    "torch.einsum(1)",
    "torch.einsum('a')",
    "torch",
    "torch.nn",
    "F",
    "nn.Linear",
    "nn.Linear(6, 2)",
    "nn.Linear()(x)",
    "nn.Linear(-1, 2)(x)",
    "nn.Linear('a', 2)(x)",
    "nn.Flatten(9)(x)",
    "nn.Flatten('a')(x)",
    "nn.Softmax('a')(x)",
    "lstm",
    "lstm()",
    "lstm(*x)",
    "lstm(h_n)",
    "x(0)",
    "x.view()(0)",
    "len()",
    "len(1)",
    "len(torch)",
    "x.size(**{})",
    "x.sum(dim=dim)",
    "torch.cat(*[[x, x]])",
    "torch.cat([x, 1])",
    "torch.stack([[x]])",
    "x.split([])",
    "x.split(['a'])",
    "x.view([[1]])",
    "x.permute([[0]])",
    "x.squeeze([None])",
    "x.flip(None)",
    "x.roll(None)",
    "x.roll([], [])",
    "x.movedim([], [])",
    "x.max(1)[5]",
    "x.max(1)['a']",
    "x.max(1)[::0]",
    "hidden[True]",
    "x.shape[10**30]",
    "x.shape.numel()",
    "self",
    "self.x.T",
    "self.x.y.z",
    "torch.tensor(['a'])",
    "torch.tensor([10**30])",
    "torch.arange(0, 10**6, 0)",
    "torch.arange()",
    "x.gather(0, torch.tensor(0))",
    "x.index_select(0, torch.tensor(0))",
    "x.narrow(0, 0, 10**30)",
    "x.unflatten(0, [10**30])",
    "x.view(10**18, 10**18, 0)",
    "x.masked_fill(x > 0, x)",
    "x.to(*x)",
    "x.norm('nuc', (0, 1))",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_data(text):
    """Whatever is written, following it gives a value or one of the package's errors, at once and without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            follow(text, NAMES)
        except AxesError as error:
            assert error.message
            assert len(error.message) < 600


def test_sizes_beyond_a_machine_are_sizes():
    """A hidden size of 10**21 is followed like any other."""
    names = usual_names(RNNConfig("gru", 10, 10**21, bidirectional=True), DataConfig(seq_len=10**18, batch_size=3))
    assert follow("torch.cat([h_n[-2], h_n[-1]], dim=-1)", names).value.sizes == (3, 2 * 10**21)
    assert follow("output[:, :, 0:]", names).value.sizes == (10**18, 3, 2 * 10**21)
    assert follow("output[-1].sum(-1)", names).value.sizes == (3,)
    for text in ("h_n[:, :, 0:].flatten()", "output.unbind()", "output.view(-1, 7)", "len(output)", "output.split(10**17)"):
        try:
            follow(text, names)
        except AxesError:
            continue


PLAIN = [text for text in TEXTS if "hidden" not in text]  # which is a pair in PyTorch and read as h_n
TAILS = [
    text[text.index(mark) :]
    for text in PLAIN
    for mark in (".", "[")
    if text.startswith(("x" + mark, "h_n" + mark, "output" + mark))
]
CHARACTERS = [*"()[]{},.:*-+=@%~'\"0159xXé \n\\_", "None", "...", "x", "h_n", "output", "torch.", "True"]


def _mutated(rng: random.Random) -> str:
    """An expression with other numbers, with the operations of others behind it, or with letters changed."""
    text = rng.choice(PLAIN)
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        kind = rng.random()
        numbers = [match.span() for match in re.finditer(r"\d", text)]
        if kind < 0.4 and numbers:
            start, end = rng.choice(numbers)
            text = text[:start] + str(rng.choice([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6])) + text[end:]
        elif kind < 0.8:
            text += rng.choice(TAILS)
        elif kind < 0.9:
            text = text[:at] + text[at + rng.randint(1, 4) :]
        else:
            text = text[:at] + rng.choice(CHARACTERS) + text[at:]
    return text


def test_random_text_never_breaks_the_reader(real):
    """Mutated expressions give a value or one of the package's errors; what is still an expression agrees with PyTorch."""
    rng = random.Random(5)
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4000):
            text = _mutated(rng)
            try:
                told = told_of(text)
            except ExpressionError:
                continue
            if told is None:
                continue
            compared += 1
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if any(
                    isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 99
                    for node in ast.walk(ast.parse(text.strip()))
                ):
                    continue
                try:
                    seen: object = shapes(evaluated(text.strip(), real))
                except Exception as error:  # noqa: BLE001 - whatever PyTorch raises
                    seen = error
            # the name of a device, indices of unknown content, dtypes of floats: these are not followed
            if isinstance(seen, NameError) or any(
                words in str(seen) for words in ("out of bounds", "scalar type", "same dtype")
            ):
                continue
            assert isinstance(seen, Exception) == isinstance(told, RefusedError), (text, told, seen)
            assert isinstance(seen, Exception) or seen == told, (text, told, seen)
    assert compared > 1500


def test_nothing_is_executed(monkeypatch):
    """Text is parsed and never compiled to run: eval and exec are not called."""
    import builtins

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    monkeypatch.setattr(sys, "path", [])
    assert follow("h_n.view(4, -1)", NAMES).value.sizes == (4, 12)
