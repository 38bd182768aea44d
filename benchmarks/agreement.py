"""Compares rnndims with PyTorch on random modules and calls, legal and illegal, and prints what they disagree on.

    python benchmarks/agreement.py [N] [--seed 0] [--only KIND ...] [--jobs 2] [--plant NAME]

Each kind of case is drawn, asked of both, and where the answers differ made smaller until nothing more can be left out; the
smallest form of each disagreement is printed, and the exit code is 1. What PyTorch does is always the right answer. ``--plant``
makes one formula of rnndims wrong first (``--plant list`` names them): the script must find it.
"""

import argparse
import contextlib
import fractions
import io
import itertools
import json
import os
import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

import numpy as np
import safetensors.torch
import torch
from draws import Case, Kind, Unsuitable, Verdict, hunt, report
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import rnndims
from rnndims import (
    ConfigError,
    ConstructorError,
    DataConfig,
    DoesNotFitError,
    MachineError,
    RNNConfig,
    RnndimsError,
    UnknownMessageError,
)
from rnndims.cli.app import run as command_line
from rnndims.cli.from_jsonl import answer
from rnndims.constructor import format_constructor, parse_constructor
from rnndims.diagnose import Call, Diagnosis, check_shapes, diagnose_error
from rnndims.dtypes import RNN_DTYPES
from rnndims.render.documents import dims_document
from rnndims.results import Dims, compute_dims
from rnndims.script import Task, check_script, script
from rnndims.torch_runner import as_bidirectional, as_cell, concat_module, step_through

LAYERS: Final = ("RNN", "LSTM", "GRU")
CELLS: Final = ("RNNCell", "LSTMCell", "GRUCell")
REFUSALS: Final = (ValueError, TypeError, RuntimeError, IndexError, AttributeError, OverflowError, NotImplementedError)
"""What PyTorch raises where it refuses."""

FACT: Final = re.compile(r"\b(\w+) is (\d+) in the model(?:,| and) (\d+) in the checkpoint")
"""``hidden_size is 4 in the model, 5 in the checkpoint``"""

NOT_FOLLOWED: Final = re.compile(r"cannot follow|needs plain numbers|too long|no expression")
"""An expression of which ``check`` says nothing but that it does not know it."""


# ---------------------------------------------------------------------------------------------------------------- modules


def cell_of(name: str) -> tuple[str, bool]:
    """``("lstm", True)`` for ``"LSTMCell"``."""
    return name.removesuffix("Cell").lower(), name.endswith("Cell")


def configure(case: Case) -> RNNConfig:
    """The configuration of a case, with defaults for what was left out of it."""
    cell, is_cell = cell_of(case.get("cls", "RNN"))
    return RNNConfig(cell, is_cell=is_cell, **{"input_size": 1, "hidden_size": 1, **case.get("args", {})})


def build(case: Case, **more: Any) -> Any:
    """PyTorch's module of a case."""
    return getattr(nn, case.get("cls", "RNN"))(**{"input_size": 1, "hidden_size": 1, **case.get("args", {})}, **more)


def draw_args(rng: random.Random, name: str, largest: int = 5) -> dict[str, Any]:
    """Arguments that PyTorch accepts."""
    args: dict[str, Any] = {"input_size": rng.randint(1, largest), "hidden_size": rng.randint(1, largest)}
    if rng.random() < 0.3:
        args["bias"] = False
    if name.startswith("RNN") and rng.random() < 0.3:
        args["nonlinearity"] = "relu"
    if name.endswith("Cell"):
        return args
    if rng.random() < 0.5:
        args["num_layers"] = rng.randint(2, 3)
    args |= {field: True for field in ("bidirectional", "batch_first") if rng.random() < 0.4}
    if rng.random() < 0.15:
        args["dropout"] = rng.choice([0.25, 0.5, 1.0])
    if name == "LSTM" and args["hidden_size"] > 1 and rng.random() < 0.4:
        args["proj_size"] = rng.randint(1, args["hidden_size"] - 1)
    return args


def draw_module(rng: random.Random, names: tuple[str, ...] = LAYERS + CELLS) -> Case:
    """A module that PyTorch accepts."""
    name = rng.choice(names)
    return {"cls": name, "args": draw_args(rng, name)}


def quoted(error: Any, theirs: BaseException) -> bool:
    """Whether the phrase that rnndims quotes, if any, is part of PyTorch's message."""
    return error.torch is None or str(error.torch).lower() in str(theirs).lower()


VALUES: Final[dict[str, list[Any]]] = {
    "input_size": [1, 4, 7, 0, -1, 2.0, "4", None, True],
    "hidden_size": [1, 4, 7, 0, -1, 2.0, "4", None, True],
    "num_layers": [1, 2, 5, 0, -1],
    "bias": [True, False, True, 1, 0, None],
    "batch_first": [True, False, True, 1, 0, None],
    "dropout": [0, 0.5, 1, 1.0, 0.0, -0.1, 1.1, True, "0.5", float("nan"), None, float("inf")],
    "bidirectional": [True, False],
    "proj_size": [1, 2, 3, 4, 7, -1],
    "nonlinearity": ["tanh", "relu", "relu", "gelu", ""],
}


def draw_constructor(rng: random.Random) -> Case:
    """Arguments that are right, nearly right or wrong."""
    name = rng.choice(LAYERS + CELLS)
    args: dict[str, Any] = {"input_size": rng.randint(1, 6), "hidden_size": rng.randint(1, 6)}
    for field in rng.sample(sorted(VALUES), rng.randint(0, 5)):
        foreign = (field == "nonlinearity" and not name.startswith("RNN")) or (field == "proj_size" and name != "LSTM")
        if not foreign or rng.random() < 0.1:
            args[field] = rng.choice(VALUES[field][:3] if rng.random() < 0.7 else VALUES[field])
    return {"cls": name, "args": args}


def judge_constructor(case: Case) -> Verdict:
    """``RNNConfig`` accepts what PyTorch's constructor accepts, and quotes what it says first."""
    theirs: BaseException | None = None
    try:
        build(case, device="meta")
    except REFUSALS as error:
        theirs = error
    try:
        configure(case)
    except ConfigError as error:
        if theirs is None:
            return Verdict("accepted", f"RNNConfig refuses what PyTorch builds: {error}")
        if not quoted(error, theirs):
            return Verdict("refused", f"RNNConfig quotes another complaint ({error.field}): {error.torch!r}, but it is {theirs}")
        return Verdict("refused")
    if theirs is not None:
        return Verdict("refused", f"RNNConfig accepts what PyTorch refuses: {theirs}")
    return Verdict("accepted")


# ------------------------------------------------------------------------------------------------------------ closed form


def draw_data(rng: random.Random, case: Case, *, packed: float = 0.25) -> Case:
    """A legal input for a module: its layout and sizes."""
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
    if rng.random() < 0.4:
        data["dtype"] = rng.choice(RNN_DTYPES)
    return {**case, "data": data}


def data_of(case: Case) -> DataConfig:
    """The input of a case."""
    data = dict(case.get("data", {}))
    if data.get("lengths") is not None:
        data["lengths"] = tuple(data["lengths"])
    return DataConfig(**data)


def input_shape(config: RNNConfig, data: DataConfig) -> tuple[int, ...]:
    """The shape of an input, as PyTorch's documentation has it."""
    steps, batch, width = data.seq_len or 0, data.batch_size, config.input_size
    if config.is_cell:
        return (width,) if batch is None else (batch, width)
    if batch is None:
        return (steps, width)
    return (batch, steps, width) if config.batch_first else (steps, batch, width)


class Outcome(NamedTuple):
    """What PyTorch returned, by name; the packed batch before and after, if it was one."""

    tensors: dict[str, Any]
    packed: Any = None
    packed_output: Any = None


def call_module(module: Any, config: RNNConfig, data: DataConfig, x: Any) -> Outcome:
    """One call without states, packed where there are lengths."""
    first, fed = config.batch_first, x
    if data.lengths is not None:
        fed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(data.lengths), batch_first=first, enforce_sorted=False)
    with torch.inference_mode():
        result = module(fed)
    if config.is_cell:
        states = result if isinstance(result, tuple) else (result,)
        named = dict(zip(("h_1", "c_1"), states, strict=False))
        return Outcome({"input": x, "h_0": states[0], **({"c_0": states[1]} if len(states) > 1 else {}), **named})
    output, state = result
    states = state if isinstance(state, tuple) else (state,)
    packed_output = None
    if data.lengths is not None:
        packed_output = output
        output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=first)
    named = {"input": x, "output": output, "h_0": states[0], "h_n": states[0]}
    if len(states) > 1:
        named |= {"c_0": states[1], "c_n": states[1]}
    return Outcome(named, None if data.lengths is None else fed, packed_output)


def judge_closed(case: Case) -> Verdict:
    """Every shape, size, weight, packed size and row of ``h_n`` is what PyTorch returns."""
    try:
        config, data = configure(case), data_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    dtype = getattr(torch, data.dtype)
    module = build(case, dtype=dtype).eval()
    x = torch.randn(input_shape(config, data), dtype=dtype)
    try:
        outcome = call_module(module, config, data, x)
    except REFUSALS as error:
        try:
            compute_dims(config, data)
        except RnndimsError:
            return Verdict("refused")
        return Verdict("refused", f"dims answers where PyTorch refuses the {data.dtype}: {error}")
    dims = compute_dims(config, data)
    return Verdict("packed" if data.lengths else "run", different(dims, module, outcome))


def different(dims: Dims, module: Any, outcome: Outcome) -> str | None:
    """What of the closed form is not what PyTorch returned."""
    expected = {name: tensor.shape for name, tensor in dims.tensors.items()}
    got = {name: tuple(tensor.shape) for name, tensor in outcome.tensors.items()}
    if expected != got:
        return f"other shapes: {expected} is {got}"
    for name, tensor in outcome.tensors.items():
        ours = dims.tensors[name]
        if (ours.numel, ours.bytes) != (tensor.numel(), tensor.numel() * tensor.element_size()):
            return f"other sizes of a tensor: {name} {ours}"
    named = dict(module.named_parameters())
    listed = [(each.name, each.shape, each.numel, each.bytes) for each in dims.weights.values()]
    real = [(n, tuple(w.shape), w.numel(), w.numel() * w.element_size()) for n, w in named.items()]
    if listed != real:
        return f"other weights: {listed} is {real}"
    count = sum(weight.numel() for weight in named.values())
    size = sum(weight.numel() * weight.element_size() for weight in named.values())
    if (dims.totals.parameters, dims.totals.parameter_bytes) != (count, size):
        return f"other parameters: {dims.totals} is {count}, {size} bytes"
    if (dims.packed is None) != (outcome.packed is None):
        return f"other packed batch: {dims.packed}"
    if dims.packed is not None:
        sizes = tuple(outcome.packed.data.shape), tuple(outcome.packed_output.data.shape)
        if (dims.packed.input_data, dims.packed.output_data) != sizes:
            return f"other packed data: {dims.packed} is {sizes}"
        if list(dims.packed.batch_sizes) != outcome.packed.batch_sizes.tolist():
            return f"other batch sizes: {dims.packed} is {outcome.packed.batch_sizes.tolist()}"
    return different_rows(dims, outcome)


def different_rows(dims: Dims, outcome: Outcome) -> str | None:
    """Which row of ``h_n`` is not where the closed form says."""
    if dims.config.is_cell:
        return f"a cell has rows: {dims.states}" if dims.states else None
    h_n, config = outcome.tensors["h_n"], dims.config
    if len(dims.states) != len(h_n):
        return f"other rows: {len(dims.states)} is {len(h_n)}"
    lengths = torch.tensor(dims.data.lengths or ())
    names = {"output": outcome.tensors["output"], "n": torch.arange(len(lengths)), "lengths": lengths}
    for row, state in enumerate(dims.states):
        place = row // config.D, config.directions[row % config.D]
        if (state.row, state.layer, state.direction) != (row, *place):
            return f"another row: {state} is {place}"
        if (state.in_output is not None) != (state.layer == config.num_layers - 1):
            return f"a row in the output that is not there: {state}"
        if state.in_output is not None and not torch.equal(eval(state.in_output, {}, names), h_n[row]):
            return f"other numbers: h_n[{row}] is not {state.in_output}"
    return None


def draw_macs(rng: random.Random) -> Case:
    """A module and a short input, since every step on ``meta`` takes a millisecond."""
    case = draw_data(rng, draw_module(rng))
    data = case["data"]
    data.pop("dtype", None)
    if "seq_len" in data:
        data["seq_len"] = min(2, data["seq_len"])
    if "lengths" in data:
        data["lengths"] = [min(2, length) for length in data["lengths"]]
        data["seq_len"] = 2
    return case


def judge_macs(case: Case) -> Verdict:
    """FLOPs are those that PyTorch's own counter finds without fused kernels, on ``meta``."""
    try:
        config, data = configure(case), data_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    module = build(case, device="meta").eval()
    with FlopCounterMode(display=False) as counter:
        call_module(module, config, data, torch.empty(input_shape(config, data), device="meta"))
    totals, flops = compute_dims(config, data).totals, counter.get_total_flops()
    wrong = totals.flops != flops or totals.macs * 2 != flops
    return Verdict("counted", f"other FLOPs: {totals} is {flops}" if wrong else None)


# ------------------------------------------------------------------------------------------------------------------ input


def draw_input(rng: random.Random) -> Case:
    """Sizes of an input that contradict each other now and then."""
    data: Case = {}
    for field, values in (
        ("seq_len", [1, 2, 3, 5, 0, -1]),
        ("batch_size", [1, 2, 3, 0, -1]),
        ("unbatched", [True, False]),
        ("lengths", [[3, 1], [1, 3], [2], [1, 2, 3], [], [0, 1], [-1], [5, 5]]),
        ("dtype", [*RNN_DTYPES, "torch.half", "double", "int64", "bool", "float8_e4m3fn", "float", "int8", "complex32"]),
    ):
        if rng.random() < 0.45:
            data[field] = rng.choice(values)
    return {"data": data}


def judge_input(case: Case) -> Verdict:
    """``DataConfig`` accepts what packs and runs, with the dtypes in which modules run."""
    data = case.get("data", {})
    lengths, unbatched = data.get("lengths"), data.get("unbatched", False)
    if unbatched and ("batch_size" in data or lengths is not None):
        raise Unsuitable  # a contradiction in what the user says, of which PyTorch knows nothing
    steps = data.get("seq_len", 3 if not lengths else max(1, *lengths))
    batch = data.get("batch_size", 2 if lengths is None else len(lengths))
    name = data.get("dtype", "float32").removeprefix("torch.")
    theirs: BaseException | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dtype = getattr(torch, name)
            x: Any = torch.zeros((steps, 2) if unbatched else (steps, batch, 2), dtype=dtype)
            if lengths is not None:
                x = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths, dtype=torch.int64), enforce_sorted=False)
            nn.GRU(2, 2, dtype=dtype)(x)
    except REFUSALS as error:
        theirs = error
    try:
        data_of(case)
    except ConfigError as error:
        if theirs is None and lengths and len(lengths) < batch:
            return Verdict("dropped")  # PyTorch drops the other sequences, and check says so
        if theirs is None:
            return Verdict("accepted", f"DataConfig refuses what runs: {error}")
        quotes = error.field != "dtype" and not quoted(error, theirs) and sum(map(bool, data.values())) == 1
        return Verdict("refused", f"DataConfig quotes another complaint: {error} but it is {theirs}" if quotes else None)
    if theirs is not None:
        return Verdict("refused", f"DataConfig accepts what PyTorch refuses: {theirs}")
    return Verdict("accepted")


# ------------------------------------------------------------------------------------------------------------------ calls


def draw_call(rng: random.Random, names: tuple[str, ...], *, packed: bool = False) -> Case:
    """A call of a module that fits, or nearly."""
    case = draw_module(rng, names)
    config = configure(case)
    steps, batch = rng.randint(1, 4), rng.randint(0 if rng.random() < 0.05 else 1, 4)
    unbatched = not packed and rng.random() < 0.25
    data = DataConfig(steps, None if unbatched else batch, unbatched)
    call: Case = {"input": list(input_shape(config, data))}
    lead = [] if unbatched else [batch]
    if not config.is_cell:
        lead = [config.D * config.num_layers, *lead]
    if rng.random() < 0.7:
        call["h_0"] = [*lead, config.H_out]
        if config.cell == "lstm":
            call["c_0"] = [*lead, config.hidden_size]
    if packed:
        call["lengths"] = [rng.randint(1, steps) for _ in range(batch)]
        if call["lengths"] and rng.random() < 0.6:
            call["lengths"][rng.randrange(batch)] = steps
        if rng.random() < 0.5:
            call["lengths"].sort(reverse=True)
        if rng.random() < 0.2:
            call["enforce_sorted"] = rng.random() < 0.5
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
        spoil(rng, call)
    if rng.random() < 0.08:
        case["weight_dtype"] = rng.choice(["float64", "float16", "bfloat16", "complex64"])
        if rng.random() < 0.7:
            call["input_dtype"] = case["weight_dtype"]
    if rng.random() < 0.03:
        call.pop("input", None)
    return {**case, **call}


def spoil(rng: random.Random, call: Case) -> None:
    """Change one thing of a call: a size, a dim more or less, two dims swapped, a state left out or added, a dtype."""
    kind = rng.random()
    if kind < 0.06:
        call["input_dtype"] = rng.choice(["float64", "float16", "int64", "float32", "bool"])
    elif kind < 0.12:
        if "c_0" in call:
            del call["c_0"]
        elif "h_0" in call:
            call["c_0"] = list(call["h_0"])
    elif kind < 0.15:
        call.pop("h_0", None)
    elif kind < 0.3 and call.get("lengths"):
        at = rng.randrange(len(call["lengths"]))
        choice = rng.randrange(4)
        if choice == 0:
            call["lengths"].append(1)
        elif choice == 1:
            del call["lengths"][at]
        else:
            call["lengths"][at] = rng.choice([0, -1, call["lengths"][at] + 1, 5])
    else:
        names = [name for name in ("input", "h_0", "c_0", "input") if name in call]
        if not names:
            return
        name = rng.choice(names)
        shape = call[name]
        if kind < 0.4 and len(shape) < 5:
            shape.insert(rng.randint(0, len(shape)), rng.randint(1, 3))
        elif kind < 0.5 and shape:
            del shape[rng.randrange(len(shape))]
        elif kind < 0.65 and len(shape) > 1:
            i, j = rng.sample(range(len(shape)), 2)
            shape[i], shape[j] = shape[j], shape[i]
        elif shape:
            shape[rng.randrange(len(shape))] = rng.randint(0, 5)
        if name == "h_0" and "c_0" in call and rng.random() < 0.5:
            call["c_0"] = list(shape)


def call_of(case: Case) -> Call:
    """The call of a case, as ``check`` is told about it."""
    shapes = {name: tuple(case[name]) for name in ("input", "h_0", "c_0", "lengths") if case.get(name) is not None}
    more = {name: case[name] for name in ("enforce_sorted", "input_dtype", "weight_dtype") if name in case}
    return Call(**shapes, **more)


def is_unsafe(config: RNNConfig, call: Call) -> bool:
    """Whether PyTorch may read outside of a tensor, so that what it does is chance: it checks neither of these."""
    if config.is_cell:
        states = call.states.values()
        return config.cell != "rnn" and call.input is not None and len(call.input) == 1 and any(len(s) == 2 for s in states)
    if call.lengths is None or config.cell != "lstm" or not call.states:
        return False
    batch = len(call.lengths)
    shapes = {"h_0": (config.D * config.num_layers, batch, config.H_out)}
    shapes["c_0"] = (*shapes["h_0"][:2], config.hidden_size)
    return any(state != shapes[name] for name, state in call.states.items()) and (
        len(set(call.lengths)) < 2 or any(len(state) != 3 for state in call.states.values())
    )


def ask_torch(case: Case, config: RNNConfig, call: Call) -> dict[str, Any] | BaseException:
    """What PyTorch does with a call: the shapes that come out, or what it raises."""
    dtype = getattr(torch, call.weight_dtype)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            module = build(case, dtype=dtype).eval()
            x: Any = torch.zeros(call.input or (), dtype=getattr(torch, call.input_dtype or call.weight_dtype))
            if call.lengths is not None:
                lengths = torch.tensor(call.lengths, dtype=torch.int64)
                x = nn.utils.rnn.pack_padded_sequence(x, lengths, config.batch_first, enforce_sorted=call.is_sorted)
            states = [None if state is None else torch.zeros(state, dtype=dtype) for state in (call.h_0, call.c_0)]
            passed = [] if states == [None, None] else [states[0] if states[1] is None else tuple(states)]
            result = module(x, *passed)
            if config.is_cell:
                result = result if isinstance(result, tuple) else (result,)
                return {name: tuple(each.shape) for name, each in zip(("h_1", "c_1"), result, strict=False)}
            output, state = result
            if call.lengths is not None:
                output, _ = nn.utils.rnn.pad_packed_sequence(output, config.batch_first)
            state = state if isinstance(state, tuple) else (state,)
            named = zip(("output", "h_n", "c_n"), (output, *state), strict=False)
            return {name: tuple(each.shape) for name, each in named}
    except REFUSALS as error:
        return error


def complaint(error: BaseException, call: Call) -> str | None:
    """The tensor that PyTorch's message is about; ``None`` where the message is a raw one that names no tensor."""
    text = str(error)
    if "hidden[1]" in text or "hidden1" in text or "hx[1]" in text:
        return "c_0"
    if found := re.search(r"got \((\d)-D, (\d)-D\)", text):
        wanted = len(call.input or ())
        return "h_0" if int(found[1]) != wanted else "c_0"
    if "'tuple' object" in text:
        return "c_0"
    if "'NoneType' object" in text or "combination of arguments" in text or "must be tuple of Tensors" in text:
        return "h_0"
    if "index out of range in self" in text or "INDICES" in text:
        return None  # the sorting of the input, or of a state
    if re.search(r"hidden|hx |hx\[|index \d is out of bounds|invalid index", text):
        return "h_0"
    if re.search(r"[Ll]engths|pack empty|exceeds dimension size", text):
        return "lengths"
    if re.search(r"input|sequence length", text, re.IGNORECASE):
        return "input"
    return None


def runs_with_any_input(case: Case, config: RNNConfig, call: Call) -> bool:
    """Whether there is an input beside which PyTorch takes these states."""
    sizes = {1, 2, *(size for state in call.states.values() for size in state)}
    width = config.input_size
    if config.is_cell:
        shapes = [(width,), *((size, width) for size in sizes)]
    else:
        shapes = [(1, width), *((size, 1, width) if config.batch_first else (1, size, width) for size in sizes)]
    return any(isinstance(ask_torch(case, config, replace(call, input=shape)), dict) for shape in shapes)


def judge_call(case: Case) -> Verdict:
    """``check`` accepts what PyTorch runs, names the tensor and quotes the words of its first complaint, and knows the results."""
    try:
        config, call = configure(case), call_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    if call.is_empty or (call.input is None and (call.lengths is not None or call.input_dtype is not None)):
        raise Unsuitable
    if is_unsafe(config, call):
        return Verdict("chance")
    diagnosis = check_shapes(config, call)
    if call.input is None:
        runs = runs_with_any_input(case, config, call)
        fault = None if runs == diagnosis.fits else f"states that {'fit' if runs else 'no input fits'}: {diagnosis.problems}"
        return Verdict("no input", fault)
    answer = ask_torch(case, config, call)
    if isinstance(answer, dict):
        if not diagnosis.fits:
            return Verdict("accepted", f"check refuses what PyTorch runs ({diagnosis.problems[0].tensor}): {diagnosis.problems}")
        known = {name: shape for name, shape in diagnosis.results.items() if answer.get(name) != shape}
        return Verdict("accepted", f"other results: {known} is {answer}" if known else None)
    if diagnosis.fits:
        return Verdict("refused", f"check accepts what PyTorch refuses ({complaint(answer, call)}): {answer}")
    first, named = diagnosis.problems[0], complaint(answer, call)
    if named is not None and first.tensor != named:
        return Verdict("refused", f"check names {first.tensor} first, PyTorch {named}: {answer}")
    if first.torch is not None and first.torch not in str(answer):
        return Verdict("refused", f"check quotes other words of {first.tensor}: {first.torch!r}, but it is {answer}")
    return Verdict("refused")


def judge_message(case: Case) -> Verdict:
    """What PyTorch raises is known, alone, as a traceback, and with the module and the shapes; and is about the same tensor."""
    try:
        config, call = configure(case), call_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    if call.input is None or is_unsafe(config, call):
        raise Unsuitable
    error = ask_torch(case, config, call)
    if isinstance(error, dict):
        raise Unsuitable
    text = "".join(traceback.format_exception(error))
    named = complaint(error, call)
    for how, answer in (
        ("as a traceback", lambda: diagnose_error(text)),
        ("with the module", lambda: diagnose_error(text, config)),
        ("with the call", lambda: diagnose_error(text, config, call)),
    ):
        try:
            diagnosis = answer()
        except UnknownMessageError:
            return Verdict("unknown", f"a message that is unknown {how}: {error}")
        tensors = tensors_of(diagnosis)
        if named is not None and named not in tensors and not tensors & {"h_0", "c_0", "input"}:
            return Verdict("known", f"another tensor {how}: {named} is not among {tensors}: {error}")
    return Verdict("known")


def tensors_of(diagnosis: Diagnosis) -> set[str]:
    """The tensors that a diagnosis names, those of less likely causes too."""
    return {each.tensor for problem in diagnosis.problems for each in (problem, *problem.alternatives)}


def draw_expected(rng: random.Random) -> Case:
    """A call that fits, with shapes that are expected to come out of it, some of them wrong."""
    case = draw_data(rng, draw_module(rng, LAYERS))
    case["data"].pop("dtype", None)
    config = configure(case)
    dims = compute_dims(config, data_of(case))
    expected: Case = {}
    for name in ("output", "h_n", "c_n"):
        if name in dims.tensors and rng.random() < 0.5:
            shape = list(dims.tensors[name].shape)
            if rng.random() < 0.5:
                if rng.random() < 0.3:
                    rng.shuffle(shape)
                else:
                    shape[rng.randrange(len(shape))] = rng.randint(1, 6)
            expected[name] = shape
    if rng.random() < 0.4:
        expected["linear"] = rng.choice([config.D * config.H_out, rng.randint(1, 8)])
    if rng.random() < 0.2:
        expected["input_size"] = rng.randint(1, 6)
    return {**case, "expected": expected}


def judge_expected(case: Case) -> Verdict:
    """Exactly those expectations are called wrong that are not what PyTorch returns, also beside another problem."""
    expected = case.get("expected", {})
    try:
        config, data = configure(case), data_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    if 0 in input_shape(config, data) or not expected:
        raise Unsuitable
    outcome = call_module(build(case), config, data, torch.zeros(input_shape(config, data)))
    real = {name: tuple(outcome.tensors[name].shape) for name in ("output", "h_n", "c_n") if name in outcome.tensors}
    if any(name not in real for name in expected if name not in ("linear", "input_size")):
        raise Unsuitable
    wrong = {name for name in real if name in expected and tuple(expected[name]) != real[name]}
    if expected.get("linear", real["output"][-1]) != real["output"][-1]:
        wrong.add("linear")
    shape = list(input_shape(config, data))
    beside = "input_size" in expected and expected["input_size"] != shape[-1]
    if beside:
        shape[-1] = expected["input_size"]
    call = Call(
        input=tuple(shape),
        lengths=data.lengths,
        linear=expected.get("linear"),
        **{name: tuple(expected[name]) for name in real if name in expected},
    )
    said = tensors_of(check_shapes(config, call))
    outcome_name = "wrong" if wrong else "right"
    if missing := wrong - said:
        where = "beside a problem of input" if beside else "alone"
        return Verdict(outcome_name, f"nothing is said of a wrong {sorted(missing)[0]} {where}: {real}")
    if more := said - wrong - ({"input"} if beside else set()):
        return Verdict(outcome_name, f"a right {sorted(more)[0]} is called wrong: {real}")
    return Verdict(outcome_name)


# ------------------------------------------------------------------------------------------------------------------- uses


def draw_use(rng: random.Random) -> Case:
    """An expression of a result: indices, reshapes and reductions, right and wrong."""
    case = draw_data(rng, draw_module(rng, LAYERS), packed=0.0)
    case["data"].pop("dtype", None)
    config, data = configure(case), data_of(case)
    name = rng.choice(["output", "h_n", *(["c_n"] if config.cell == "lstm" else [])])
    shape = list(compute_dims(config, data).tensors[name].shape)
    steps = [draw_step(rng, shape) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    return {**case, "name": name, "steps": steps}


def draw_step(rng: random.Random, shape: list[int]) -> str:
    """One operation on a tensor of about this shape."""

    def number(low: int = -4, high: int = 3) -> int:
        return rng.randint(low, high)

    def item() -> str:
        choice = rng.random()
        if choice < 0.35:
            return str(number(-3, 3))
        if choice < 0.6:
            return ":"
        if choice < 0.85:
            bounds = [rng.choice(["", str(number(-5, 5))]) for _ in range(2)]
            step = rng.choice(["", "", ":", ":1", ":2", ":-1", ":0"])
            return f"{bounds[0]}:{bounds[1]}{step}"
        return rng.choice(["...", "None", "[0, -1]", "True", "1.0"]) if rng.random() < 0.6 else "..."

    total = 1
    for size in shape:
        total *= size
    choice = rng.random()
    if choice < 0.4:
        return f"[{', '.join(item() for _ in range(rng.choice([1, 1, 2, 2, 3, 4])))}]"
    if choice < 0.6:
        sizes = rng.choice([shape[::-1], [shape[0], -1], [-1, shape[-1]], [total], [-1], [shape[0] * shape[1], -1], [2, -1, 2]])
        return f".{rng.choice(['view', 'reshape'])}({', '.join(map(str, sizes))})"
    if choice < 0.75:
        return rng.choice(
            [
                f".transpose({number(-3, 2)}, {number(-3, 2)})",
                f".permute({', '.join(map(str, rng.sample(range(3), 3)))})",
                f".permute({number(-3, 2)}, {number(-3, 2)}, {number(-3, 2)})",
                ".contiguous()",
                ".detach()",
                ".transpose(0, 1).contiguous()",
            ]
        )
    if choice < 0.9:
        return rng.choice(
            [
                f".squeeze({number(-3, 2)})",
                ".squeeze()",
                f".unsqueeze({number()})",
                f".flatten({number(-3, 2)})",
                f".flatten({number(-3, 2)}, {number(-3, 2)})",
                ".flatten()",
                f".flatten(start_dim={number(0, 2)})",
            ]
        )
    return rng.choice(
        [
            f".mean({number(-3, 2)})",
            f".mean(dim={number(-3, 2)})",
            f".sum(dim=({number(0, 1)}, {number(1, 2)}))",
            ".mean()",
            ".sum()",
            f".sum({number(-3, 2)})",
        ]
    )


def judge_use(case: Case) -> Verdict:
    """An expression is accepted where PyTorch evaluates it, with the width that it has there."""
    try:
        config, data = configure(case), data_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    shape = input_shape(config, data)
    if 0 in shape or not case.get("steps"):
        raise Unsuitable
    tensors = call_module(build(case), config, data, torch.zeros(shape)).tensors
    name = case.get("name", "output")
    if name not in tensors:
        raise Unsuitable
    text = name + "".join(case["steps"])
    real: Any = None
    theirs: BaseException | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            real = eval(text, {"torch": torch}, tensors)
    except (*REFUSALS, SyntaxError) as error:
        theirs = error
    last = re.split(r"[.(\[]", case["steps"][-1].lstrip(".["))[0] if not case["steps"][-1].startswith("[") else "index"
    try:
        diagnosis = check_shapes(config, Call(input=shape, uses=(text,)))
    except ConfigError as error:
        if NOT_FOLLOWED.search(str(error)):
            return Verdict("not followed")
        fault = None if theirs is not None else f"a use is refused that PyTorch evaluates ({last}): {text}: {error}"
        return Verdict("refused", fault)
    if not diagnosis.fits:
        fault = None if theirs is not None else f"a use is refused that PyTorch evaluates ({last}): {text}: {diagnosis.problems}"
        return Verdict("refused", fault)
    if theirs is not None:
        return Verdict("accepted", f"a use is accepted that PyTorch refuses ({last}): {text}: {theirs}")
    if real.dim() == 0 or real.shape[-1] == 0:
        return Verdict("accepted")
    for width, fits in ((real.shape[-1], True), (real.shape[-1] + 1, False)):
        said = check_shapes(config, Call(input=shape, uses=(text,), linear=width))
        if said.fits != fits:
            return Verdict("accepted", f"another width of a use ({last}): {text}: is {tuple(real.shape)}, and Linear({width})")
    return Verdict("accepted")


# ------------------------------------------------------------------------------------------------------------------- code

METHODS: Final = (
    ".half()",
    ".double()",
    ".float()",
    ".bfloat16()",
    ".eval()",
    ".to(torch.float16)",
    ".to(dtype=torch.float64)",
    ".cpu()",
    ".to('meta')",
    ".train()",
    ".requires_grad_(False)",
    ".type(torch.float64)",
)
CODES: Final[dict[str, list[str]]] = {
    **dict.fromkeys(("input_size", "hidden_size", "num_layers"), ["1", "3", "8"] * 4 + ["0", "-1", "True", "2.0", "None", "'3'"]),
    **dict.fromkeys(
        ("bias", "batch_first", "bidirectional"), ["True", "False"] * 4 + ["0", "1", "None", "'relu'", "0.0", "not 1", "1 < 2"]
    ),
    "nonlinearity": ["'tanh'", "'relu'"] * 4 + ["None", "'gelu'", "True", "1"],
    "dropout": ["0", "0.5", "1", "0."] * 3 + ["True", "'0.5'", "1.5", "-0.1", "None", "1e400", "1/4", "1e-3"],
    "proj_size": ["0", "2"] * 3 + ["0.0", "False", "True", "8", "-1", "1.0", "None"],
    "hidden_dim": ["3"],
    "dtype": ["torch.float64", "torch.float16", "torch.float32", "torch.complex64", "torch.complex128", "None", "torch.int64"],
    "device": ["'cpu'", "'meta'", "None", "torch.device('cpu')"],
}
ORDER: Final = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")


def draw_text(rng: random.Random) -> Case:
    """A constructor as code, with arguments that are right, nearly right, or wrong."""
    name = rng.choice(LAYERS + CELLS)
    order = [*ORDER]
    if name == "RNN":
        order.insert(3, "nonlinearity")
    if name.endswith("Cell"):
        order = ["input_size", "hidden_size", "bias", "nonlinearity"][: 4 if name == "RNNCell" else 3]
    count = rng.choice((0, 1, 2, 2, 2, 2, 3, 4, 5, len(order)))
    tame = rng.random() < 0.5

    def value(argument: str) -> str:
        return rng.choice(CODES[argument][:3] if tame else CODES[argument])

    positional = [value(argument) for argument in order[:count]]
    keywords = {
        argument: value(argument)
        for argument in order[count:]
        if rng.random() < 0.35 or argument in ("input_size", "hidden_size")
    }
    if rng.random() < 0.1:
        argument = rng.choice(list(CODES))
        keywords[argument] = value(argument)
    if rng.random() < 0.2:
        argument = rng.choice(["dtype", "device"])
        keywords[argument] = value(argument)
    methods = [rng.choice(METHODS) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    return {"cls": name, "positional": positional, "keywords": keywords, "methods": methods}


def works(module: Any) -> bool:
    """Whether a module can be called: PyTorch checks many an argument only then, and a cell's nonlinearity on real data."""
    if getattr(module, "nonlinearity", "tanh") not in ("tanh", "relu"):
        return False
    if getattr(module, "proj_size", 0) and not isinstance(module, nn.LSTM):
        return False
    steps = (1,) if isinstance(module, nn.RNNBase) else ()
    weight = next(module.parameters())
    try:
        module.eval()(torch.zeros(*steps, 1, module.input_size, dtype=weight.dtype, device=weight.device))
    except REFUSALS:
        return False
    return True


def judge_text(case: Case) -> Verdict:
    """Code is read where PyTorch builds a module from it that can be called, and says the same of each argument and dtype."""
    arguments = [*case.get("positional", []), *(f"{name}={code}" for name, code in case.get("keywords", {}).items())]
    code = f"nn.{case.get('cls', 'RNN')}({', '.join(arguments)}){''.join(case.get('methods', []))}"
    module: Any = None
    theirs: BaseException | None = None
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = eval(code, {"nn": nn, "torch": torch})
            if not works(module):
                theirs = TypeError("it cannot be called")
    except (*REFUSALS, SyntaxError) as error:
        theirs = error
    try:
        pasted = parse_constructor(code)
        config = pasted.config()
    except ConstructorError as error:
        return Verdict("refused", None if theirs is not None else f"code is refused that PyTorch runs: {code}: {error}")
    if theirs is not None:
        return Verdict("accepted", f"code is read that PyTorch refuses: {code}: {theirs}")
    for field in (*ORDER, "nonlinearity"):
        if hasattr(module, field) and getattr(config, field) != getattr(module, field):
            if field == "bias" and config.is_cell and config.bias == bool(module.bias):
                continue
            return Verdict("accepted", f"another {field}: {code}: {getattr(config, field)} is {getattr(module, field)}")
    dtype = str(next(module.parameters()).dtype).removeprefix("torch.")
    if (pasted.dtype or "float32") != dtype:
        return Verdict("accepted", f"another dtype: {code}: {pasted.dtype} is {dtype}")
    return Verdict("accepted")


def draw_legal(rng: random.Random) -> Case:
    """A module that PyTorch accepts, large now and then."""
    name = rng.choice(LAYERS + CELLS)
    args = draw_args(rng, name, rng.choice([5, 5, 60]))
    if "dropout" in args:
        args["dropout"] = rng.choice([args["dropout"], rng.random(), 1e-9])
    return {"cls": name, "args": args}


def judge_format(case: Case) -> Verdict:
    """The code of a configuration builds that module, is read back as that configuration, and so is the module's ``repr``."""
    try:
        config = configure(case)
    except ConfigError as error:
        raise Unsuitable from error
    code = format_constructor(config)
    with torch.device("meta"):
        module = eval(code, {"nn": nn})
    for how, again in (
        ("the module", RNNConfig.from_module(module)),
        ("parse", parse_constructor(code).config()),
        ("repr", parse_constructor(repr(module)).config()),
        ("live", RNNConfig.from_module(build(case, device="meta"))),
    ):
        if again != config:
            return Verdict("same", f"code by {how} is another configuration: {code}: {again}")
    return Verdict("same")


# ----------------------------------------------------------------------------------------------------------- live modules

NUMBERS: Final[dict[str, list[Any]]] = {
    "num_layers": [1, np.int64(2), np.int32(1)],
    "dropout": [0, np.float32(0.5), np.float64(0.25), fractions.Fraction(1, 2), 1],
    "proj_size": [0, 0.0, np.int64(1), 1],
    "bidirectional": [True, False, 1, 0],
    "input_size": [1, 4, True],
    "hidden_size": [2, 4],
}


class Encoder(nn.LSTM):
    """A subclass, as users have them."""


def draw_live(rng: random.Random) -> Case:
    """A module made with whatever numbers PyTorch takes, and moved or converted."""
    name = rng.choice(LAYERS + CELLS)
    args = draw_args(rng, name)
    for field in rng.sample(sorted(NUMBERS), 2):
        if name.endswith("Cell") and field not in ("input_size", "hidden_size"):
            continue
        if field != "proj_size" or name == "LSTM":
            args[field] = rng.choice(NUMBERS[field])
    moves = [rng.choice(METHODS) for _ in range(rng.choice([0, 0, 1, 2]))]
    return {"cls": name, "args": args, "methods": moves, "subclass": rng.random() < 0.2}


def judge_live(case: Case) -> Verdict:
    """The public functions say of a live module what it is and does."""
    make = Encoder if case.get("subclass") and case.get("cls") == "LSTM" else getattr(nn, case.get("cls", "RNN"))
    args = {"input_size": 1, "hidden_size": 1, **case.get("args", {})}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = make(**args)
            for method in case.get("methods", []):
                module = eval(f"module{method}", {"torch": torch}, {"module": module})
            weight = next(module.parameters())
            lead = (3, 2) if isinstance(module, nn.RNNBase) else (2,)
            x = torch.zeros(*lead, module.input_size, dtype=weight.dtype, device=weight.device)
            module.eval()(x)
    except REFUSALS as error:
        raise Unsuitable from error
    dims = rnndims.dims(module)
    if {name: each.shape for name, each in dims.weights.items()} != {n: tuple(p.shape) for n, p in module.named_parameters()}:
        return Verdict("asked", f"other weights of a live module: {dims.config}")
    if dims.data.dtype != str(weight.dtype).removeprefix("torch."):
        return Verdict("asked", f"another dtype of a live module: {dims.data.dtype}")
    if dims.totals.parameter_bytes != sum(p.numel() * p.element_size() for p in module.parameters()):
        return Verdict("asked", f"other bytes of a live module: {dims.totals}")
    shape = list(x.shape)
    if dims.config.batch_first:
        shape[:2] = shape[1::-1]
    if tuple(shape) != dims.tensors["input"].shape:
        return Verdict("asked", f"another input of a live module: {dims.tensors['input']}")
    diagnosis = rnndims.check(module, input=x)
    if not diagnosis.ok:
        return Verdict("asked", f"a call of a live module is refused: {diagnosis.problems}")
    if isinstance(module, nn.RNNBase):
        rnndims.draw(rnndims.diagram(module))
    return Verdict("asked")


# ------------------------------------------------------------------------------------------------------------------ files


def folder() -> Path:
    """Where this process keeps its files: in memory if the machine has such a place."""
    name = f"rnndims-agreement-{os.getpid()}"
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    path = base / name
    if not path.exists():
        path.mkdir()
        import atexit
        import shutil

        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def draw_stored(rng: random.Random) -> Case:
    """A module to be saved under a name, in a format and a dtype."""
    return {
        **draw_module(rng),
        "prefix": rng.choice(["", "rnn.", "encoder.rnn.", "module.decoder.", "model.layers.3.rnn."]),
        "format": rng.choice(["pt", "safetensors"]),
        "dtype": rng.choice(["float32", "float32", "float64", "float16", "bfloat16"]),
        "beside": rng.random() < 0.3,
    }


def judge_stored(case: Case) -> Verdict:
    """A state dict is read back as the configuration it was made with, and what that builds loads it."""
    try:
        config = configure(case)
    except ConfigError as error:
        raise Unsuitable from error
    dtype = case.get("dtype", "float32")
    module = build(case, dtype=getattr(torch, dtype))
    prefix = case.get("prefix", "")
    state = {prefix + name: tensor.detach() for name, tensor in module.state_dict().items()}
    if case.get("beside"):
        state["head.weight"] = torch.zeros(2, config.hidden_size)
    path = folder() / f"stored.{case.get('format', 'pt')}"
    if path.suffix == ".pt":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    modules = rnndims.read_checkpoint(path).modules
    if len(modules) != 1:
        return Verdict("read", f"{len(modules)} modules in a file with one: {state.keys()}")
    found = modules[0]
    wanted = replace(config, batch_first=False, dropout=0.0, nonlinearity=None)
    if replace(found.config, nonlinearity=None) != wanted:
        return Verdict("read", f"another configuration in a file: {found.config} is {wanted}")
    if found.dtype != dtype or found.bytes != sum(p.numel() * p.element_size() for p in module.parameters()):
        return Verdict("read", f"another dtype or size in a file: {found.dtype}, {found.bytes} bytes")
    again = eval(format_constructor(found.config), {"nn": nn})
    again.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in state.items() if name != "head.weight"})
    return Verdict("read")


def draw_user(rng: random.Random) -> Case:
    """A module, an input and states in files, some of them of a wrong shape."""
    case = draw_call(rng, LAYERS)
    for name in ("input_dtype", "weight_dtype", "lengths", "enforce_sorted"):
        case.pop(name, None)
    return {**case, "format": rng.choice(["pt", "npy", "safetensors"])}


def judge_user(case: Case) -> Verdict:
    """``run`` with files computes what PyTorch computes with the tensors in them, and refuses what it refuses."""
    try:
        config, call = configure(case), call_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    if call.input is None or not all((*call.input, *itertools.chain(*call.states.values()))):
        raise Unsuitable
    module = build(case).eval()
    path = folder()
    torch.save(module.state_dict(), path / "model.pt")
    tensors = {"input": torch.randn(call.input), **{name: torch.randn(shape) for name, shape in call.states.items()}}
    suffix = case.get("format", "npy")
    files = {name: path / f"{name}.{suffix}" for name in tensors}
    for name, tensor in tensors.items():
        if suffix == "npy":
            np.save(files[name], tensor.numpy())
        elif suffix == "pt":
            torch.save(tensor, files[name])
        else:
            safetensors.torch.save_file({name: tensor}, files[name])
    if config.cell == "lstm" and (call.h_0 is None) != (call.c_0 is None):
        raise Unsuitable  # the missing one is drawn
    more = {"nonlinearity": config.nonlinearity} if config.cell == "rnn" else {}
    theirs: BaseException | None = None
    try:
        with torch.inference_mode():
            states = [tensors[name] for name in ("h_0", "c_0") if name in tensors]
            output, _ = module(tensors["input"], *([tuple(states) if len(states) == 2 else states[0]] if states else []))
    except REFUSALS as error:
        theirs = error
    try:
        arguments: dict[str, Any] = {**files, **more}
        done = rnndims.run(weights=path / "model.pt", values=True, batch_first=config.batch_first, **arguments)
    except (DoesNotFitError, ConfigError) as error:
        return Verdict("refused", None if theirs is not None else f"files are refused that fit: {error}")
    if theirs is not None:
        return Verdict("run", f"files are run that do not fit: {theirs}")
    if states:  # without them they are drawn
        values = torch.tensor((done.measured.values or {})["output"])
        if not torch.allclose(values.reshape(output.shape), output, atol=1e-5):
            return Verdict("run", f"other numbers from files: {format_constructor(config)}")
    return Verdict("run")


def draw_load(rng: random.Random) -> Case:
    """A module, and a checkpoint of one that differs from it."""
    model = draw_module(rng, LAYERS)
    saved = {"cls": model["cls"], "args": dict(model["args"])}
    for _ in range(rng.choice([1, 1, 2, 3])):
        other = draw_module(rng, LAYERS)
        if rng.random() < 0.15:
            saved = other
        field = rng.choice(["input_size", "hidden_size", "num_layers", "bidirectional", "proj_size", "bias"])
        if field in other["args"]:
            saved["args"][field] = other["args"][field]
        else:
            saved["args"].pop(field, None)
    return {**model, "saved": saved, "prefix": rng.choice(["", "rnn."])}


def judge_load(case: Case) -> Verdict:
    """What ``load_state_dict`` says is known; what is stated of both configurations is true, and a difference is named."""
    saved = case.get("saved", {})
    try:
        config, other = configure(case), configure(saved)
    except (ConfigError, TypeError) as error:
        raise Unsuitable from error
    wrapped, source = nn.ModuleDict(), nn.ModuleDict()
    prefix = case.get("prefix", "").rstrip(".")
    with torch.device("meta"):
        model, stored = build(case), build(saved)
    if prefix:
        wrapped[prefix], source[prefix] = model, stored
        model, stored = wrapped, source
    try:
        model.load_state_dict(stored.state_dict())
    except RuntimeError as error:
        text = f"RuntimeError: {error}"
    else:
        raise Unsuitable
    fields = ("input_size", "hidden_size", "num_layers", "proj_size")
    for how, known in (("alone", None), ("with the module", config)):
        try:
            diagnosis = diagnose_error(text, known)
        except UnknownMessageError:
            return Verdict("unknown", f"a message of load_state_dict is unknown {how}: {text[:500]}")
        said = [each for problem in diagnosis.problems for each in (problem, *problem.alternatives)]
        if "checkpoint_mismatch" not in {each.cause for each in said}:
            return Verdict("known", f"another cause of a message of load_state_dict {how}: {said}")
        words = " ".join(f"{each.message} {each.advice} {each.fix}" for each in said)
        for name, ours, theirs in FACT.findall(words):
            if name in fields and (int(ours), int(theirs)) != (getattr(config, name), getattr(other, name)):
                truth = f"{getattr(config, name)} and {getattr(other, name)}"
                return Verdict("known", f"a false {name} {how}: {ours} and {theirs} is {truth}: {text[:500]}")
        changed = [name for name in (*fields, "bidirectional", "bias") if getattr(config, name) != getattr(other, name)]
        if config.cell == other.cell and changed and not any(name in words for name in changed):
            return Verdict("known", f"no difference is named {how}: {changed}: {said}")
    return Verdict("known")


# ---------------------------------------------------------------------------------------------------------------- scripts


def draw_script(rng: random.Random) -> Case:
    """A command that can print a script, with a module and an input."""
    task = rng.choice(["run", "weights", "cell", "concat-demo"])
    names = {"cell": CELLS, "concat-demo": LAYERS}.get(task, LAYERS + CELLS)
    case = draw_data(rng, draw_module(rng, names), packed=0.0 if task == "cell" else 0.25)
    return {**case, "task": task, "device": rng.choice(["cpu", "cpu", "meta"])}


def executed(code: str) -> list[str]:
    """What a script prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, "script", "exec"), {})
    return printed.getvalue().splitlines()


def judge_script(case: Case) -> Verdict:
    """A script runs as it is printed, and prints the shapes of the closed form."""
    task: Task = case.get("task", "run")
    try:
        config, data = configure(case), data_of(case)
        if task == "cell":
            config = as_cell(config, data)
        if task == "concat-demo":
            config = as_bidirectional(config)
        dims = compute_dims(config, data)
    except ConfigError as error:
        raise Unsuitable from error
    relu = config.nonlinearity == "relu" and "complex" in data.dtype
    try:
        lines = executed(script(config, data, task, device=case.get("device", "cpu")))
    except Exception as error:  # noqa: BLE001 - whatever a script raises, a user sees it
        if relu:
            return Verdict("refused")
        return Verdict("failed", f"a script of {task} fails on {case.get('device', 'cpu')}: {error}")
    if any(line.endswith(": False") for line in lines):
        return Verdict("run", f"a script of {task} says False: {lines}")
    shapes: dict[str, Any] = {name: tensor.shape for name, tensor in dims.tensors.items()}
    if task == "weights":
        shapes = {name: weight.shape for name, weight in dims.weights.items()}
        shapes["parameters"] = dims.totals.parameters
    if task == "cell":
        expected = [shapes[name] for name in ("input", "h_0", "c_0") if name in shapes]
        shapes = {str(t): " ".join(map(str, expected)) for t in range(data.seq_len or 0)}
    if task == "concat-demo":
        half = (*shapes["output"][:-1], config.H_out)
        shapes = {"forward": half, "reverse": half, "output": shapes["output"]}
    wanted = [f"{name} {shape}" for name, shape in shapes.items()]
    printed = [line for line in lines if line and ":" not in line and " is " not in line]
    fault = f"a script of {task} prints other shapes: {printed} is {wanted}" if printed != wanted else None
    return Verdict("run", fault)


def judge_check_script(case: Case) -> Verdict:
    """The script of ``check`` fails with the message that the diagnosis quotes, or prints the shapes that it has."""
    try:
        config, call = configure(case), call_of(case)
    except ConfigError as error:
        raise Unsuitable from error
    if call.input is None or is_unsafe(config, call):
        raise Unsuitable
    answer = ask_torch(case, config, call)
    code = check_script(config, call)
    try:
        lines = executed(code)
    except REFUSALS as error:
        if isinstance(answer, dict):
            return Verdict("failed", f"a script of check fails where PyTorch runs: {error}")
        same = str(error) == str(answer)
        return Verdict("failed", None if same else f"a script of check fails in another way: {error}, but it is {answer}")
    if not isinstance(answer, dict):
        return Verdict("run", f"a script of check runs where PyTorch fails: {answer}")
    wanted = [f"{name} {shape}" for name, shape in answer.items()]
    return Verdict("run", f"a script of check prints other shapes: {lines} is {wanted}" if lines != wanted else None)


# --------------------------------------------------------------------------------------------------------------- commands


def draw_run(rng: random.Random) -> Case:
    """A module that is run, stepped through, or taken apart."""
    case = draw_data(rng, draw_module(rng))
    return {**case, "device": rng.choice(["cpu", "cpu", "meta"]), "task": rng.choice(["run", "run", "cell", "concat"])}


def judge_run(case: Case) -> Verdict:
    """``run``, ``cell`` and ``concat-demo`` find no difference; they refuse what PyTorch cannot run, and nothing else."""
    task, device = case.get("task", "run"), case.get("device", "cpu")
    try:
        config, data = configure(case), data_of(case)
        if task == "cell":
            config = as_cell(config, data)
        if task == "concat":
            config = as_bidirectional(config)
        dims = compute_dims(config, data)
    except ConfigError as error:
        raise Unsuitable from error
    relu = config.nonlinearity == "relu" and "complex" in data.dtype
    try:
        if task == "cell":
            steps = step_through(config, data, device=device)
            fault = f"a step differs from the layer: {format_constructor(config)}" if steps.disagrees() else None
            return Verdict("stepped", fault)
        if task == "concat":
            joined = concat_module(dims, device=device)
            return Verdict("joined", f"halves differ: {format_constructor(config)}" if joined.disagrees() else None)
        measured = rnndims.run(config, device=device, **case.get("data", {})).measured
    except MachineError as error:
        return Verdict("refused", None if relu else f"run refuses what PyTorch runs: {error}")
    if wrong := measured.disagreements(dims):
        return Verdict("run", f"measured otherwise: {wrong}")
    expected = None if device == "meta" or config.is_cell else True
    if measured.states_verified is not expected and 0 not in dims.tensors["input"].shape:
        return Verdict("run", f"rows of h_n are not verified: {measured.states_verified}")
    return Verdict("run")


def draw_question(rng: random.Random) -> Case:
    """A question with legal or illegal values, for a line of JSON and for the command line."""
    case = draw_constructor(rng)
    if rng.random() < 0.7:
        case = draw_data(rng, draw_module(rng))
    elif rng.random() < 0.5:
        case |= draw_input(rng)
    return {**case, "how": rng.choice(["json", "json", "json", "command"]), "code": rng.random() < 0.3}


def judge_question(case: Case) -> Verdict:
    """A line of JSON and a command line are answered with the closed form, and refused where it is refused."""
    cell, is_cell = cell_of(case.get("cls", "RNN"))
    args = {"input_size": 1, "hidden_size": 1, **case.get("args", {})}
    data = case.get("data", {})
    if any(isinstance(value, float) and value != value for value in args.values()):
        raise Unsuitable
    wanted: Any = None
    try:
        config = RNNConfig(cell, is_cell=is_cell, **args)
        wanted = json.loads(json.dumps(dims_document(compute_dims(config, data_of(case)))))
    except RnndimsError:
        config = None
    if case.get("how") == "command":
        return judge_command(case, config, wanted)
    if any(isinstance(args[name], bool) for name in ("input_size", "hidden_size")) or (is_cell and type(args.get("bias", True)) is not bool):
        raise Unsuitable  # a line of JSON is stricter than Python
    question: dict[str, Any] = {"cell": cell, "is_cell": is_cell, **args, **data}
    if case.get("code") and config is not None:
        question = {"module": format_constructor(config), **data}
    got = json.loads(answer(json.dumps(question).encode(), 7))
    if wanted is None:
        return Verdict("refused", None if "error" in got else f"a line is answered that is no configuration: {question}")
    if "error" in got:
        return Verdict("answered", f"a line is refused that is a configuration: {got['error']['message']}")
    got.pop("notes", None), wanted.pop("notes", None)
    return Verdict("answered", f"another answer to a line: {question}" if got != wanted else None)


def judge_command(case: Case, config: RNNConfig | None, wanted: Any) -> Verdict:
    """The same for ``rnndims dims --json`` in this process."""
    if config is None:
        raise Unsuitable
    data = case.get("data", {})
    words = [format_constructor(config)]
    if not case.get("code") and not config.is_cell:
        words = ["--cell", config.cell, "-i", str(config.input_size), "-H", str(config.hidden_size), "-l", str(config.num_layers)]
        words += ["-b"] * config.bidirectional + ["--batch-first"] * config.batch_first + ["--no-bias"] * (not config.bias)
        words += ["--dropout", repr(config.dropout)] if config.dropout else []
        words += ["--proj-size", str(config.proj_size)] if config.proj_size else []
        words += ["--nonlinearity", "relu"] if config.nonlinearity == "relu" else []
    for option, value in data.items():
        if option == "unbatched":
            words += ["--unbatched"] * bool(value)
        elif option == "lengths":
            words += ["--lengths", ",".join(map(str, value))]
        else:
            words += [f"--{option.replace('_', '-')}={value}"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line(["dims", "--json", *words])
    if wanted is None:
        return Verdict("refused", None if code in (2, 3) else f"a command ends with {code} where there is no answer: {words}")
    if code != 0:
        return Verdict("answered", f"a command line is refused: {words}: {err.getvalue()}")
    got = json.loads(out.getvalue())
    got.pop("notes", None), wanted.pop("notes", None)
    return Verdict("answered", f"another answer to a command line: {words}" if got != wanted else None)


KINDS: Final = (
    Kind("constructor", 24, draw_constructor, judge_constructor),
    Kind("closed", 22, lambda rng: draw_data(rng, draw_module(rng)), judge_closed),
    Kind("macs", 0.5, draw_macs, judge_macs),
    Kind("input", 8, draw_input, judge_input),
    Kind("layers", 28, lambda rng: draw_call(rng, LAYERS), judge_call),
    Kind("packed", 18, lambda rng: draw_call(rng, LAYERS, packed=True), judge_call),
    Kind("cells", 16, lambda rng: draw_call(rng, CELLS), judge_call),
    Kind("messages", 5, lambda rng: draw_call(rng, LAYERS + CELLS, packed=rng.random() < 0.3), judge_message),
    Kind("expected", 10, draw_expected, judge_expected),
    Kind("uses", 16, draw_use, judge_use),
    Kind("text", 22, draw_text, judge_text),
    Kind("format", 8, draw_legal, judge_format),
    Kind("live", 4, draw_live, judge_live),
    Kind("stored", 4, draw_stored, judge_stored),
    Kind("files", 2, draw_user, judge_user),
    Kind("load", 4, draw_load, judge_load),
    Kind("scripts", 4, draw_script, judge_script),
    Kind("checkscripts", 3, lambda rng: draw_call(rng, LAYERS + CELLS, packed=rng.random() < 0.3), judge_check_script),
    Kind("run", 3, draw_run, judge_run),
    Kind("questions", 8, draw_question, judge_question),
)
"""Every kind of case, and its share of the draws: what PyTorch does quickly is drawn often."""


# ------------------------------------------------------------------------------------------------------- planted mistakes


def _wrong(path: str, change: Callable[[Any], Any]) -> Callable[[], Any]:
    """A patch of ``module.name`` (or ``module.Class.name``) by what ``change`` makes of it."""

    def start() -> Any:
        owner, _, name = path.rpartition(".")
        module, _, inner = owner.partition(":")
        target: Any = __import__(module, fromlist=["_"])
        for part in filter(None, inner.split(".")):
            target = getattr(target, part)
        return mock.patch.object(target, name, change(target.__dict__[name]))

    return start


PLANTS: Final[dict[str, tuple[str, Callable[[], Any]]]] = {
    "gates": ("closed", _wrong("rnndims.config:RNNConfig.G", lambda _: property(lambda self: 3))),
    "row order": ("closed", _wrong("rnndims.config:RNNConfig.directions", lambda _: property(lambda self: ("reverse",) * self.D))),
    "halves": ("closed", _wrong("rnndims.shapes:._in_output", lambda f: lambda *a: f(*a).replace("0:", "1:"))),
    "packed sizes": ("closed", _wrong("rnndims.shapes:.packed", lambda f: lambda *a: (p := f(*a)) and p._replace(batch_sizes=p.batch_sizes[::-1]))),
    "bytes": ("closed", _wrong("rnndims.config:.ITEMSIZES", lambda sizes: {**sizes, "bfloat16": 4})),
    "macs": ("macs", _wrong("rnndims.cost:.macs", lambda f: lambda c, d: f(c, d) + c.proj_size * c.hidden_size)),
    "dropout": ("constructor", _wrong("rnndims.config:RNNConfig._check_dropout", lambda _: lambda self: None)),
    "projection": ("constructor", _wrong("rnndims.config:RNNConfig._check_proj_size", lambda _: lambda self: None)),
    "lengths": ("input", _wrong("rnndims.config:DataConfig._check_lengths", lambda _: lambda self, lengths: None)),
    "batch first": ("layers", _wrong("rnndims.diagnose.call:.state_for_input", lambda f: lambda c, n, s: f(replace(c, batch_first=False), n, s))),
    "phrase": ("layers", _wrong("rnndims.diagnose.torch_phrases:.input_size", lambda f: lambda want, got: f(got, want))),
    "order": ("layers", _wrong("rnndims.diagnose.layer_call:.feature_problems", lambda f: lambda *a: [])),
    "cell": ("cells", _wrong("rnndims.diagnose.cell_call:._sizes", lambda f: lambda *a: [])),
    "packed": ("packed", _wrong("rnndims.diagnose.packed_call:._packing_problems", lambda f: lambda *a: [])),
    "expectation": ("expected", _wrong("rnndims.diagnose:.expectation_problems", lambda f: lambda *a: f(*a)[1:])),
    "code": ("format", _wrong("rnndims.config:.LARGEST", lambda _: 3)),
    "reading": ("text", _wrong("rnndims.constructor:.parse_constructor", lambda f: f)),
    "checkpoint": ("stored", _wrong("rnndims.checkpoint.recognise:._infer", lambda f: lambda *a: replace(f(*a), bias=True))),
    "script": ("scripts", _wrong("rnndims.script:._SHAPE_LINES", lambda _: 'print("{name}", tuple({name}.shape[1:]))')),
    "measured": ("run", _wrong("rnndims.cost:.parameters", lambda f: lambda c: f(c) + 1)),
    "line": ("questions", _wrong("rnndims.cli.from_jsonl:.DataConfig", lambda f: lambda **a: f())),
}
"""Formulas that can be made wrong: the kind that must find it, and the patch."""


@contextlib.contextmanager
def planted(name: str) -> Iterator[str]:
    """One formula is wrong inside; yields the kind of cases that must find it."""
    kind, patch = PLANTS[name]
    with patch():
        yield kind


def prepare() -> None:
    """One thread for each process, and no warnings: all of them are PyTorch's advice."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")


def main() -> int:
    """Draw, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", metavar="N", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="KIND", nargs="+", choices=[kind.name for kind in KINDS])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plant", metavar="NAME")
    options = parser.parse_args()
    if options.plant is not None and options.plant not in PLANTS:
        print("\n".join(f"{name:<14} found by {kind}" for name, (kind, _) in PLANTS.items()))
        return 0 if options.plant == "list" else 2
    kinds = [kind for kind in KINDS if options.only is None or kind.name in options.only]
    start = time.monotonic()
    with planted(options.plant) if options.plant else contextlib.nullcontext():
        tallies = hunt(kinds, options.count, seed=options.seed, jobs=options.jobs, setup=prepare)
    print(report(tallies, time.monotonic() - start))
    return 1 if any(tally.faults for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
