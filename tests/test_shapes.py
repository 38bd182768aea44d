"""The closed form against PyTorch, over every combination of options: shapes, weights, rows of h_n, parameters and MACs."""

import itertools
from typing import Any, NamedTuple

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torch_version import counts_as_2_13

from rnndims import DataConfig, RNNConfig
from rnndims.errors import MachineError
from rnndims.results import compute_dims
from rnndims.shapes import gate_slices, packed, states, tensors, weights
from rnndims.torch_runner import run

DTYPES = ("float32", "float64", "bfloat16", "float16", "complex64")


class Case(NamedTuple):
    """One module and one input, as PyTorch is told about them."""

    cell: str
    arguments: dict[str, Any]
    steps: int
    batch: int | None
    lengths: tuple[int, ...] | None
    dtype: str

    @property
    def config(self) -> RNNConfig:
        """The module, as rnndims is told about it."""
        return RNNConfig(self.cell, **self.arguments)  # type: ignore[arg-type]

    @property
    def data(self) -> DataConfig:
        """The input, as rnndims is told about it."""
        return DataConfig(self.steps, self.batch, self.batch is None, self.lengths, self.dtype)

    def module(self, device: str) -> torch.nn.Module:
        """The module itself."""
        make = getattr(torch.nn, self.cell.upper())
        return make(**self.arguments, device=device, dtype=getattr(torch, self.dtype)).eval()

    def input(self, device: str) -> torch.Tensor:
        """The input itself."""
        shape = [self.steps, 4] if self.batch is None else [self.steps, self.batch, 4]
        if self.batch is not None and self.arguments["batch_first"]:
            shape = [self.batch, self.steps, 4]
        numbers = torch.randn(shape, dtype=getattr(torch, self.dtype), generator=torch.Generator().manual_seed(1))
        return numbers.to(device)


def cases() -> list[Any]:
    """Cell x projection x layers x directions x batch_first x bias x batched, unbatched or packed; the dtypes take turns."""
    found = []
    layouts = ((5, 3, None), (3, None, None), (5, 4, (1, 4, 2, 4)))
    grid = itertools.product(
        (("rnn", 0), ("lstm", 0), ("lstm", 2), ("gru", 0)), (1, 3), (False, True), (False, True), (True, False), layouts
    )
    for number, ((cell, proj), layers, both, batch_first, bias, (steps, batch, lengths)) in enumerate(grid):
        arguments = {
            "input_size": 4,
            "hidden_size": 3,
            "num_layers": layers,
            "bidirectional": both,
            "batch_first": batch_first,
            "bias": bias,
        }
        if proj:
            arguments["proj_size"] = proj
        dtype = DTYPES[number // 3 % len(DTYPES)]
        case = Case(cell, arguments, steps, batch, lengths, dtype)
        words = [cell, f"l{layers}", f"proj{proj}" * bool(proj), "both" * both, "batch_first" * batch_first]
        words += ["" if bias else "nobias", "unbatched" if batch is None else "packed" if lengths else "batched", dtype]
        found.append(pytest.param(case, id="-".join(word for word in words if word)))
    return found


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("case", cases())
def test_closed_form_is_what_pytorch_does(case):
    """Every shape, weight, parameter count and row of h_n is that of the module PyTorch built and ran."""
    dims = compute_dims(case.config, case.data)
    module = case.module("cpu")
    fed = case.input("cpu")
    found: dict[str, tuple[int, ...]] = {"input": tuple(fed.shape)}
    if case.lengths:
        lengths = torch.tensor(case.lengths)
        fed = torch.nn.utils.rnn.pack_padded_sequence(
            fed, lengths, batch_first=case.arguments["batch_first"], enforce_sorted=False
        )
    with torch.inference_mode():
        output, state = module(fed)
    if case.lengths:
        assert dims.packed is not None
        assert dims.packed.input_data == tuple(fed.data.shape)
        assert dims.packed.output_data == tuple(output.data.shape)
        assert list(dims.packed.batch_sizes) == fed.batch_sizes.tolist()
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, batch_first=case.arguments["batch_first"])
    found["output"] = tuple(output.shape)
    h_n = state[0] if isinstance(state, tuple) else state
    found["h_0"] = found["h_n"] = tuple(h_n.shape)
    if isinstance(state, tuple):
        found["c_0"] = found["c_n"] = tuple(state[1].shape)
    assert {name: tensor.shape for name, tensor in dims.tensors.items()} == found
    for tensor in (output, h_n):
        name = "output" if tensor is output else "h_n"
        assert dims.tensors[name].numel == tensor.numel()
        assert dims.tensors[name].bytes == tensor.numel() * tensor.element_size()

    named = list(module.named_parameters())
    assert [(weight.name, weight.shape) for weight in dims.weights.values()] == [(n, tuple(p.shape)) for n, p in named]
    assert [weight.bytes for weight in dims.weights.values()] == [p.numel() * p.element_size() for _, p in named]
    assert dims.totals.parameters == sum(p.numel() for p in module.parameters())
    assert dims.totals.parameter_bytes == sum(p.nbytes for p in module.parameters())

    assert len(dims.states) == len(h_n)
    names = {"output": output, "n": torch.arange(len(case.lengths or ())), "lengths": torch.tensor(case.lengths or ())}
    for row in dims.states:
        assert (row.row, row.layer * case.config.D + ("forward", "reverse").index(row.direction)) == (row.row, row.row)
        assert (row.in_output is not None) == (row.layer == case.arguments["num_layers"] - 1)
        if row.in_output is not None:
            there = eval(row.in_output, {"__builtins__": {}}, names)  # our own expression, as a user would paste it
            assert torch.equal(there, h_n[row.row]), row


@counts_as_2_13
@pytest.mark.parametrize("case", cases()[::2])
def test_macs_are_what_pytorchs_own_counter_finds(case):
    """FLOPs are those that FlopCounterMode counts when the module runs without fused kernels, on meta."""
    module = case.module("meta")
    fed = case.input("meta")
    if case.lengths:
        lengths = torch.tensor(case.lengths)
        fed = torch.nn.utils.rnn.pack_padded_sequence(
            fed, lengths, batch_first=case.arguments["batch_first"], enforce_sorted=False
        )
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module(fed)
    dims = compute_dims(case.config, case.data)
    assert dims.totals.flops == counter.get_total_flops()
    assert dims.totals.macs * 2 == dims.totals.flops


@pytest.mark.parametrize("case", cases())
def test_run_agrees_with_the_closed_form(case):
    """What run measures agrees in every name and shape, and its rows of h_n are found in output."""
    measured = run(compute_dims(case.config, case.data))
    assert measured.disagreements(compute_dims(case.config, case.data)) == []
    assert measured.states_verified is True


@counts_as_2_13
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [3, None])
def test_single_step_cells(cell, bias, batch):
    """A cell's tensors, weights and FLOPs are those of nn.RNNCell, LSTMCell and GRUCell."""
    module = getattr(torch.nn, cell.upper() + "Cell")(4, 3, bias=bias)
    fed = torch.randn((4,) if batch is None else (batch, 4))
    with torch.inference_mode():
        state = module(fed)
        with FlopCounterMode(display=False) as counter:
            module.to("meta")(fed.to("meta"))
    dims = compute_dims(RNNConfig(cell, 4, 3, bias=bias, is_cell=True), DataConfig(batch_size=batch, unbatched=batch is None))
    states = dict(zip(("h_1", "c_1"), state if cell == "lstm" else (state,), strict=False))
    for name, tensor in states.items():
        assert dims.tensors[name].shape == tuple(tensor.shape) == dims.tensors[name.replace("1", "0")].shape
        assert dims.tensors[name].dims == (("H_cell",) if batch is None else ("N", "H_cell"))
    assert ("c_1" in dims.tensors) == (cell == "lstm")
    assert {name: w.shape for name, w in dims.weights.items()} == {n: tuple(p.shape) for n, p in module.named_parameters()}
    assert dims.totals.flops == counter.get_total_flops()
    assert dims.states == ()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gate_rows_are_the_gates(cell):
    """Setting the rows that are said to be one gate's changes that gate: the step computed from the slices is PyTorch's."""
    module = getattr(torch.nn, cell.upper() + "Cell")(4, 3, dtype=torch.float64)
    x, h, c = torch.randn(2, 4).double(), torch.randn(2, 3).double(), torch.randn(2, 3).double()
    gates = compute_dims(RNNConfig(cell, 4, 3, is_cell=True), DataConfig()).weights["weight_ih"].gates
    with torch.inference_mode():
        from_x, from_h = x @ module.weight_ih.T + module.bias_ih, h @ module.weight_hh.T + module.bias_hh
        a = {gate: (from_x[:, i:j], from_h[:, i:j]) for gate, (i, j) in gates.items()}
        if cell == "rnn":
            found, wanted = torch.tanh(sum(a["h"])), module(x, h)
        elif cell == "lstm":
            i, f, o = (torch.sigmoid(sum(a[gate])) for gate in "ifo")
            found, wanted = o * torch.tanh(f * c + i * torch.tanh(sum(a["g"]))), module(x, (h, c))[0]
        else:
            r, z = (torch.sigmoid(sum(a[gate])) for gate in "rz")
            n = torch.tanh(a["n"][0] + r * a["n"][1])
            found, wanted = (1 - z) * n + z * h, module(x, h)
    torch.testing.assert_close(found, wanted)


def test_names_of_dims():
    """A batch is a dim of the states and of what goes in and out; a single sequence has none."""
    config = RNNConfig("lstm", 4, 3)
    named = {name: tensor.dims for name, tensor in tensors(config, DataConfig()).items()}
    assert named["input"] == ("L", "N", "H_in")
    assert named["h_0"] == ("D*num_layers", "N", "H_out")
    assert named["c_n"] == ("D*num_layers", "N", "H_cell")
    alone = {name: tensor.dims for name, tensor in tensors(config, DataConfig(unbatched=True)).items()}
    assert (alone["output"], alone["h_n"], alone["c_0"]) == (
        ("L", "D*H_out"),
        ("D*num_layers", "H_out"),
        ("D*num_layers", "H_cell"),
    )


def test_names_and_parts_of_weights():
    """The dims of a weight have PyTorch's symbols, and its parts the names of PyTorch's equations."""
    listed = weights(RNNConfig("lstm", 4, 3, num_layers=2, bidirectional=True, proj_size=2), 4)
    assert listed["weight_ih_l0"].dims == ("G*H_cell", "H_in")
    assert listed["weight_ih_l1_reverse"].dims == ("G*H_cell", "D*H_out")
    assert listed["bias_hh_l1"].dims == ("G*H_cell",)
    assert gate_slices(listed["weight_ih_l0"]) == {"W_ii": (0, 3), "W_if": (3, 6), "W_ig": (6, 9), "W_io": (9, 12)}
    assert gate_slices(listed["bias_hh_l1"]) == {"b_hi": (0, 3), "b_hf": (3, 6), "b_hg": (6, 9), "b_ho": (9, 12)}
    assert gate_slices(listed["weight_hr_l0"]) == {"W_hr": (0, 2)}


def test_the_order_of_tensors_is_that_of_the_call():
    """What goes in comes first, then output, then the last states."""
    order = ["input", "h_0", "c_0", "output", "h_n", "c_n"]
    assert list(tensors(RNNConfig("lstm", 4, 3), DataConfig())) == order


@pytest.mark.parametrize(
    ("options", "data", "forward", "reverse"),
    [
        ({}, DataConfig(), "output[-1, :, 0:3]", "output[0, :, 3:6]"),
        ({"batch_first": True}, DataConfig(), "output[:, -1, 0:3]", "output[:, 0, 3:6]"),
        ({"batch_first": True}, DataConfig(unbatched=True), "output[-1, 0:3]", "output[0, 3:6]"),
        ({}, DataConfig(lengths=(3, 1)), "output[lengths-1, n, 0:3]", "output[0, :, 3:6]"),
        ({"batch_first": True}, DataConfig(lengths=(3, 1)), "output[n, lengths-1, 0:3]", "output[:, 0, 3:6]"),
    ],
)
def test_where_the_last_states_are_in_output(options, data, forward, reverse):
    """The rows of the last layer are parts of output, written for the layout at hand; those of layers below are not in it."""
    rows = states(RNNConfig("gru", 4, 3, num_layers=2, bidirectional=True, **options), data)
    assert [row.in_output for row in rows] == [None, None, forward, reverse]


def test_what_cannot_be_listed_is_refused():
    """A million weights or packed steps are the most that are listed one by one."""
    for config in (RNNConfig("rnn", 4, 3, num_layers=200_001), RNNConfig("rnn", 4, 3, num_layers=100_001, bidirectional=True)):
        with pytest.raises(MachineError, match="layers have more weights than the 1000000"):
            next(states(config, DataConfig()))
    assert next(states(RNNConfig("rnn", 4, 3, num_layers=200_000), DataConfig())).row == 0
    with pytest.raises(MachineError, match="a packed batch of 1000001 steps"):
        packed(RNNConfig("rnn", 4, 3), DataConfig(lengths=(1_000_001,)))
    long = packed(RNNConfig("rnn", 4, 3), DataConfig(lengths=(1_000_000, 1)))
    assert long is not None
    assert long.batch_sizes[:3] == (2, 1, 1)
    assert len(long.batch_sizes) == 1_000_000
