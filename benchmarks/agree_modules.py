"""Modules and their inputs, drawn at random, and the closed form of each beside what PyTorch builds and returns."""

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from draws import Case, Unsuitable, Verdict
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rnndims import ConfigError, DataConfig, RNNConfig, RnndimsError
from rnndims.dtypes import RNN_DTYPES
from rnndims.results import Dims, compute_dims

LAYERS: Final = ("RNN", "LSTM", "GRU")
CELLS: Final = ("RNNCell", "LSTMCell", "GRUCell")
REFUSALS: Final = (
    ValueError,
    TypeError,
    RuntimeError,
    IndexError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    SyntaxError,
)
"""What PyTorch and Python raise where they refuse."""


def attempt(work: Callable[[], Any]) -> Any:
    """What ``work`` returns, or the error with which it refuses."""
    try:
        return work()
    except REFUSALS as error:
        return error


def refused(result: Any) -> bool:
    """Whether what ``attempt`` returned is an error."""
    return isinstance(result, BaseException)


def same_acceptance(what: str, ours: Any, theirs: Any) -> Verdict:
    """Compare two results of ``attempt`` by whether there is an answer at all."""
    if refused(ours) and not refused(theirs):
        return Verdict("accepted", f"{what} is refused that PyTorch takes: {ours}")
    if refused(theirs) and not refused(ours):
        return Verdict("refused", f"{what} is accepted that PyTorch refuses: {theirs}")
    return Verdict("refused" if refused(theirs) else "accepted")


# ---------------------------------------------------------------------------------------------------------------- modules


def arguments(case: Case) -> dict[str, Any]:
    """The arguments of a case, with the least for what was left out of it."""
    return {"input_size": 1, "hidden_size": 1, **case.get("args", {})}


def class_name(case: Case) -> str:
    """The class of a case."""
    return str(case.get("cls", "RNN"))


def configure(case: Case) -> RNNConfig:
    """The configuration of a case.

    Raises:
        ConfigError: where it is none.
    """
    name = class_name(case)
    return RNNConfig(name.removesuffix("Cell").lower(), is_cell=name.endswith("Cell"), **arguments(case))


def build(case: Case, **more: Any) -> Any:
    """PyTorch's module of a case."""
    return getattr(nn, class_name(case))(**arguments(case), **more)


def call_once(module: Any) -> None:
    """Call a module on numbers: PyTorch checks many an argument only then."""
    if getattr(module, "proj_size", 0) and not isinstance(module, nn.LSTM):
        raise ValueError("only an LSTM has projections")
    weight = next(module.parameters())
    lead = (3, 2) if isinstance(module, nn.RNNBase) else (2,)
    with torch.inference_mode():
        module.eval()(torch.zeros(*lead, module.input_size, dtype=weight.dtype, device=weight.device))


def draw_module(rng: random.Random, names: tuple[str, ...] = LAYERS + CELLS, *, largest: int = 5) -> Case:
    """A module that PyTorch accepts."""
    name = rng.choice(names)
    args: Case = {"input_size": rng.randint(1, largest), "hidden_size": rng.randint(1, largest)}
    if rng.random() < 0.3:
        args["bias"] = False
    if name.startswith("RNN") and rng.random() < 0.3:
        args["nonlinearity"] = "relu"
    if not name.endswith("Cell"):
        if rng.random() < 0.5:
            args["num_layers"] = rng.randint(2, 3)
        args |= {field: True for field in ("bidirectional", "batch_first") if rng.random() < 0.4}
        if rng.random() < 0.15:
            args["dropout"] = rng.choice([0.25, 0.5, 1.0, 1e-9])
    if name == "LSTM" and args["hidden_size"] > 1 and rng.random() < 0.4:
        args["proj_size"] = rng.randint(1, args["hidden_size"] - 1)
    return {"cls": name, "args": args}


VALUES: Final[dict[str, list[Any]]] = {
    "input_size": [1, 4, 7, 0, -1, 2.0, "4", None, True],
    "hidden_size": [1, 4, 7, 0, -1, 2.0, "4", None, True],
    "num_layers": [1, 2, 5, 0, -1, 2.0, True],
    "bias": [True, False, True, 1, 0, None],
    "batch_first": [True, False, True, 1, 0, None],
    "dropout": [0, 0.5, 1, 1.0, 0.0, -0.1, 1.1, True, "0.5", float("nan"), None, float("inf")],
    "bidirectional": [True, False],
    "proj_size": [1, 2, 3, 4, 7, -1, 0.0, True],
    "nonlinearity": ["tanh", "relu", "relu", "gelu", ""],
}
"""Values for each argument: the first three are right ones."""


def draw_constructor(rng: random.Random) -> Case:
    """Arguments that are right, nearly right or wrong."""
    name = rng.choice(LAYERS + CELLS)
    args: Case = {"input_size": rng.randint(1, 6), "hidden_size": rng.randint(1, 6)}
    own = ["input_size", "hidden_size", "bias", "nonlinearity"] if name.endswith("Cell") else sorted(VALUES)
    for field in rng.sample(own, rng.randint(0, min(5, len(own)))):
        foreign = (field == "nonlinearity" and not name.startswith("RNN")) or (field == "proj_size" and name != "LSTM")
        if not foreign or rng.random() < 0.1:
            args[field] = rng.choice(VALUES[field][:3] if rng.random() < 0.7 else VALUES[field])
    return {"cls": name, "args": args}


def judge_constructor(case: Case) -> Verdict:
    """``RNNConfig`` accepts what PyTorch builds and calls, and quotes what it says first."""

    def make() -> Any:
        module = build(case)
        call_once(module)
        return module

    theirs, ours = attempt(make), attempt(lambda: configure(case))
    verdict = same_acceptance("a configuration", ours, theirs)
    if verdict.fault is None and refused(ours) and ours.torch is not None and ours.torch.lower() not in str(theirs).lower():
        return Verdict("refused", f"another complaint is quoted of {ours.field}: {ours.torch!r}, but it is {theirs}")
    return verdict


# ------------------------------------------------------------------------------------------------------------------ input


def data_of(case: Case) -> DataConfig:
    """The input of a case.

    Raises:
        ConfigError: where it is none.
    """
    data = dict(case.get("data", {}))
    if data.get("lengths") is not None:
        data["lengths"] = tuple(data["lengths"])
    return DataConfig(**data)


def legal(case: Case) -> tuple[RNNConfig, DataConfig]:
    """The module and the input of a case that has to be right to say anything."""
    try:
        return configure(case), data_of(case)
    except ConfigError as error:
        raise Unsuitable from error


def input_shape(config: RNNConfig, data: DataConfig) -> tuple[int, ...]:
    """The shape of an input, as PyTorch's documentation has it."""
    steps, batch, width = data.seq_len or 0, data.batch_size, config.input_size
    if config.is_cell:
        return (width,) if batch is None else (batch, width)
    if batch is None:
        return (steps, width)
    return (batch, steps, width) if config.batch_first else (steps, batch, width)


def draw_data(rng: random.Random, case: Case, *, packed: float = 0.25, dtypes: bool = True) -> Case:
    """A legal input for a module: its layout, sizes and dtype."""
    layout = rng.random()
    if layout < 0.2:
        data: Case = {"seq_len": rng.randint(1, 5), "unbatched": True}
    elif layout < 0.2 + packed and not case["cls"].endswith("Cell"):
        lengths = [rng.randint(1, 5) for _ in range(rng.randint(1, 4))]
        data = {"lengths": lengths}
        if rng.random() < 0.3:
            data["seq_len"] = max(lengths) + rng.randint(0, 2)
    else:
        data = {"seq_len": rng.randint(1, 5), "batch_size": rng.randint(0 if rng.random() < 0.1 else 1, 4)}
    if dtypes and rng.random() < 0.4:
        data["dtype"] = rng.choice(RNN_DTYPES)
    return {**case, "data": data}


OTHER_DTYPES: Final = ("torch.half", "double", "int64", "bool", "float8_e4m3fn", "float", "int8", "complex32")
WRONG_SIZES: Final[dict[str, list[Any]]] = {
    "seq_len": [1, 2, 3, 5, 0, -1],
    "batch_size": [1, 2, 3, 0, -1],
    "unbatched": [True, False],
    "lengths": [[3, 1], [1, 3], [2], [1, 2, 3], [], [0, 1], [-1], [5, 5]],
    "dtype": [*RNN_DTYPES, *OTHER_DTYPES],
}


def draw_input(rng: random.Random) -> Case:
    """Sizes of an input that contradict each other now and then."""
    return {"data": {field: rng.choice(values) for field, values in WRONG_SIZES.items() if rng.random() < 0.45}}


def judge_input(case: Case) -> Verdict:
    """``DataConfig`` accepts what packs and runs, with the dtypes in which modules run."""
    data = case.get("data", {})
    lengths, unbatched = data.get("lengths"), data.get("unbatched", False)
    if unbatched and ("batch_size" in data or lengths is not None):
        raise Unsuitable  # a contradiction in what the user says, of which PyTorch knows nothing
    steps = data.get("seq_len", 3 if not lengths else max(1, *lengths))
    batch = data.get("batch_size", 2 if lengths is None else len(lengths))

    def run() -> Any:
        dtype = getattr(torch, data.get("dtype", "float32").removeprefix("torch."))
        x: Any = torch.zeros((steps, 2) if unbatched else (steps, batch, 2), dtype=dtype)
        if lengths is not None:
            x = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths, dtype=torch.int64), enforce_sorted=False)
        return nn.GRU(2, 2, dtype=dtype)(x)

    theirs, ours = attempt(run), attempt(lambda: data_of(case))
    if refused(ours) and not refused(theirs) and lengths and len(lengths) < batch:
        return Verdict("dropped")  # PyTorch drops the other sequences, and check says so
    return same_acceptance("an input", ours, theirs)


# ------------------------------------------------------------------------------------------------------------ closed form


class Outcome(NamedTuple):
    """What went into PyTorch's module and came out: all tensors by name, and the packed batches if there were any."""

    tensors: dict[str, Any]
    packed: Any
    packed_output: Any


def packed(x: Any, config: RNNConfig, lengths: tuple[int, ...] | None, *, enforce_sorted: bool = False) -> Any:
    """The input as it goes into the module: packed where there are lengths."""
    if lengths is None:
        return x
    of_int = torch.tensor(lengths, dtype=torch.int64)
    return nn.utils.rnn.pack_padded_sequence(x, of_int, batch_first=config.batch_first, enforce_sorted=enforce_sorted)


def named_results(config: RNNConfig, returned: Any) -> dict[str, Any]:
    """What a module returned, by name, without packing."""
    if config.is_cell:
        states, end = returned, "1"
        named = {}
    else:
        (output, states), end = returned, "n"
        if isinstance(output, nn.utils.rnn.PackedSequence):
            output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=config.batch_first)
        named = {"output": output}
    states = states if isinstance(states, tuple) else (states,)
    return named | {f"{name}_{end}": state for name, state in zip("hc", states, strict=False)}


def call_module(module: Any, config: RNNConfig, data: DataConfig, x: Any) -> Outcome:
    """One call without states."""
    fed = packed(x, config, data.lengths)
    with torch.inference_mode():
        returned = module(fed)
    named = named_results(config, returned)
    before = {f"{name[0]}_0": state for name, state in named.items() if name != "output"}  # of the same shapes
    return Outcome({"input": x, **before, **named}, fed if data.lengths else None, returned[0] if data.lengths else None)


def judge_closed(case: Case) -> Verdict:
    """Every shape, size, weight, packed size and row of ``h_n`` is what PyTorch returns."""
    config, data = legal(case)
    dtype = getattr(torch, data.dtype)
    module = build(case, dtype=dtype).eval()
    x = torch.randn(input_shape(config, data), dtype=dtype)
    outcome = attempt(lambda: call_module(module, config, data, x))
    try:
        dims = compute_dims(config, data)
    except RnndimsError as error:
        return same_acceptance(f"an input of {data.dtype}", error, outcome)
    if refused(outcome):
        return same_acceptance(f"an input of {data.dtype}", dims, outcome)
    return Verdict("packed" if data.lengths else "run", difference(dims, module, outcome))


def difference(dims: Dims, module: Any, outcome: Outcome) -> str | None:
    """What of the closed form is not what PyTorch returned."""

    def sizes(tensor: Any) -> tuple[Any, ...]:
        return tuple(tensor.shape), tensor.numel(), tensor.numel() * tensor.element_size()

    config, data = dims.config, dims.data
    symbols = {name: getattr(config, name) for name in ("D", "G", "H_out", "num_layers", "proj_size")}
    symbols |= {"H_in": config.input_size, "H_cell": config.hidden_size, "N": data.batch_size}
    symbols["L"] = max(data.lengths) if data.lengths else data.seq_len  # that of the padded output
    everything: dict[str, Any] = {**dims.tensors, **dims.weights}
    del everything["input"]  # with lengths it may be longer than the padded output
    named = dict(module.named_parameters())
    pairs: dict[str, tuple[Any, Any]] = {
        "tensors": (
            {name: (each.shape, each.numel, each.bytes) for name, each in dims.tensors.items()},
            {name: sizes(tensor) for name, tensor in outcome.tensors.items()},
        ),
        "weights": (
            [(each.name, each.shape, each.numel, each.bytes) for each in dims.weights.values()],
            [(name, *sizes(weight)) for name, weight in named.items()],
        ),
        "dims": (
            {
                name: tuple(eval(dim, symbols.copy()) for dim in each.dims)
                for name, each in everything.items()
                if name != "input"
            },
            {name: each.shape for name, each in everything.items() if name != "input"},
        ),
        "totals": (
            (dims.totals.parameters, dims.totals.parameter_bytes),
            (sum(sizes(weight)[1] for weight in named.values()), sum(sizes(weight)[2] for weight in named.values())),
        ),
        "packed sizes": (
            dims.packed and (dims.packed.input_data, dims.packed.output_data, list(dims.packed.batch_sizes)),
            outcome.packed
            and (
                tuple(outcome.packed.data.shape),
                tuple(outcome.packed_output.data.shape),
                outcome.packed.batch_sizes.tolist(),
            ),
        ),
    }
    for what, (ours, theirs) in pairs.items():
        if ours != theirs:
            return f"other {what}: {ours} is {theirs}"
    return different_rows(dims, outcome)


def different_rows(dims: Dims, outcome: Outcome) -> str | None:
    """Which row of ``h_n`` is not where the closed form says."""
    config = dims.config
    rows = 0 if config.is_cell else len(outcome.tensors["h_n"])
    if len(dims.states) != rows:
        return f"another number of rows: {len(dims.states)} is {rows}"
    lengths = torch.tensor(dims.data.lengths or ())
    names = {"output": outcome.tensors.get("output"), "n": torch.arange(len(lengths)), "lengths": lengths}
    for row, state in enumerate(dims.states):
        place = row, row // config.D, ("forward", "reverse")[row % config.D]
        if (state.row, state.layer, state.direction) != place:
            return f"another row: {state} is {place}"
        if (state.in_output is not None) != (state.layer == config.num_layers - 1):
            return f"a row in the output that is not there: {state}"
        if state.in_output is not None and not torch.equal(eval(state.in_output, {}, names), outcome.tensors["h_n"][row]):
            return f"other numbers: h_n[{row}] is not {state.in_output}"
    return None


def draw_macs(rng: random.Random) -> Case:
    """A module and a short input, since every step on ``meta`` takes a millisecond."""
    case = draw_data(rng, draw_module(rng), dtypes=False)
    data = case["data"]
    if "lengths" in data:
        data["lengths"] = [min(2, length) for length in data["lengths"]]
    if "seq_len" in data:
        data["seq_len"] = min(2, data["seq_len"])
    return case


def judge_macs(case: Case) -> Verdict:
    """FLOPs are those that PyTorch's own counter finds without fused kernels, on ``meta``."""
    config, data = legal(case)
    module = build(case, device="meta").eval()
    x = packed(torch.zeros(input_shape(config, data)), config, data.lengths)
    with FlopCounterMode(display=False) as counter:
        module(x.to("meta"))
    totals, flops = compute_dims(config, data).totals, counter.get_total_flops()
    same = totals.flops == flops == totals.macs * 2
    return Verdict("counted", None if same else f"other FLOPs: {totals} is {flops}")
