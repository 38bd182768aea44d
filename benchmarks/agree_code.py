"""Constructors as code, live modules and scripts, and what PyTorch makes of them."""

import contextlib
import fractions
import io
import random
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from agree_calls import ask_torch, call_of
from agree_modules import (
    CELLS,
    LAYERS,
    arguments,
    attempt,
    build,
    call_once,
    class_name,
    draw_data,
    draw_module,
    legal,
    refused,
    same_acceptance,
)
from draws import Case, Unsuitable, Verdict
from torch import nn

import rnndims
from rnndims import ConfigError, RNNConfig
from rnndims.constructor import format_constructor, parse_constructor
from rnndims.results import compute_dims
from rnndims.script import Task, check_script, script
from rnndims.torch_runner import as_bidirectional, as_cell

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
"""Methods of a module that return it."""

SIZES: Final = ["1", "3", "8"] * 4 + ["0", "-1", "True", "2.0", "None", "'3'"]
FLAGS: Final = ["True", "False"] * 4 + ["0", "1", "None", "'relu'", "0.0", "not 1", "1 < 2"]
CODES: Final[dict[str, list[str]]] = {
    "input_size": SIZES,
    "hidden_size": SIZES,
    "num_layers": SIZES,
    "bias": FLAGS,
    "batch_first": FLAGS,
    "bidirectional": FLAGS,
    "nonlinearity": ["'tanh'", "'relu'"] * 4 + ["None", "'gelu'", "True", "1"],
    "dropout": ["0", "0.5", "1", "0."] * 3 + ["True", "'0.5'", "1.5", "-0.1", "None", "1e400", "1/4", "1e-3"],
    "proj_size": ["0", "2"] * 3 + ["0.0", "False", "True", "8", "-1", "1.0", "None"],
    "hidden_dim": ["3"],
    "dtype": ["torch.float64", "torch.float16", "torch.float32", "torch.complex64", "torch.complex128", "None", "torch.int64"],
    "device": ["'cpu'", "'meta'", "None", "torch.device('cpu')"],
}
"""Code for each argument: the first three are nearly always right."""

ORDER: Final = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"]
"""The arguments of LSTM and GRU in their order."""


def draw_text(rng: random.Random) -> Case:
    """A constructor as code, with arguments that are right, nearly right, or wrong."""
    name = rng.choice(LAYERS + CELLS)
    order = ["input_size", "hidden_size", "bias"] if name.endswith("Cell") else [*ORDER]
    if name.startswith("RNN"):
        order.insert(3, "nonlinearity")
    count = rng.choice((0, 1, 2, 2, 2, 2, 3, 4, 5, len(order)))
    tame = rng.random() < 0.5
    keywords = [argument for argument in order[count:] if rng.random() < 0.35 or argument.endswith("_size")]
    keywords += [rng.choice(list(CODES))] * (rng.random() < 0.1) + [rng.choice(["dtype", "device"])] * (rng.random() < 0.2)

    def value(argument: str) -> str:
        return rng.choice(CODES[argument][:3] if tame else CODES[argument])

    return {
        "cls": name,
        "positional": [value(argument) for argument in order[:count]],
        "keywords": {argument: value(argument) for argument in keywords if argument != "proj_size" or name == "LSTM"},
        "methods": [rng.choice(METHODS) for _ in range(rng.choice([0, 0, 0, 1, 2]))],
    }


def judge_text(case: Case) -> Verdict:
    """Code is read where PyTorch builds a module from it that can be called, and says the same of each argument and dtype."""
    keywords = (f"{name}={code}" for name, code in case.get("keywords", {}).items())
    code = f"nn.{class_name(case)}({', '.join((*case.get('positional', []), *keywords))}){''.join(case.get('methods', []))}"

    def make() -> Any:
        module = eval(code, {"nn": nn, "torch": torch})
        call_once(module)
        return module

    module, ours = attempt(make), attempt(lambda: parse_constructor(code).config())
    verdict = same_acceptance("code", ours, module)
    if verdict.outcome == "refused" or verdict.fault:
        return verdict._replace(fault=verdict.fault and f"{verdict.fault} -- {code}")
    for field in (*ORDER, "nonlinearity"):
        own, real = getattr(ours, field), getattr(module, field, None)
        if hasattr(module, field) and own != (bool(real) if field == "bias" else real):
            return Verdict("accepted", f"another {field}: {code}: {own} is {real}")
    dtype = str(next(module.parameters()).dtype).removeprefix("torch.")
    read = parse_constructor(code).dtype or "float32"
    return Verdict("accepted", f"another dtype: {code}: {read} is {dtype}" if read != dtype else None)


def judge_format(case: Case) -> Verdict:
    """The code of a configuration builds that module, is read back as that configuration, and so is the module's ``repr``."""
    config, _ = legal(case)
    code = format_constructor(config)
    with torch.device("meta"):
        module = eval(code, {"nn": nn})
    for how, again in (
        ("its module", RNNConfig.from_module(module)),
        ("the drawn module", RNNConfig.from_module(build(case, device="meta"))),
        ("its code", parse_constructor(code).config()),
        ("its repr", parse_constructor(repr(module)).config()),
    ):
        untold = how == "its repr" and not config.is_cell  # the repr of a layer does not tell its nonlinearity
        if (replace(again, nonlinearity=config.nonlinearity) if untold else again) != config:
            return Verdict("same", f"{how} is another configuration: {code}: {again}")
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
"""Numbers that PyTorch takes."""


class Encoder(nn.LSTM):
    """A subclass, as users have them."""


def draw_live(rng: random.Random) -> Case:
    """A module made with whatever numbers PyTorch takes, and moved or converted."""
    case = draw_module(rng)
    fields = ["input_size", "hidden_size"] if case["cls"].endswith("Cell") else sorted(NUMBERS)
    for field in rng.sample(fields, 2):
        if field != "proj_size" or case["cls"] == "LSTM":
            case["args"][field] = rng.choice(NUMBERS[field])
    case["methods"] = [rng.choice(METHODS) for _ in range(rng.choice([0, 0, 1, 2]))]
    return {**case, "subclass": rng.random() < 0.2}


def judge_live(case: Case) -> Verdict:
    """The public functions say of a live module what it is and does."""
    make = Encoder if case.get("subclass") and class_name(case) == "LSTM" else getattr(nn, class_name(case))

    def use() -> Any:
        module = make(**arguments(case))
        for method in case.get("methods", []):
            module = eval(f"module{method}", {"torch": torch, "module": module})
        call_once(module)
        return module

    module = attempt(use)
    if refused(module):
        raise Unsuitable
    dims = rnndims.dims(module)
    parameters = dict(module.named_parameters())
    dtype = next(iter(parameters.values())).dtype
    said = (
        {name: each.shape for name, each in dims.weights.items()},
        dims.data.dtype,
        dims.totals.parameter_bytes,
    )
    real = (
        {name: tuple(each.shape) for name, each in parameters.items()},
        str(dtype).removeprefix("torch."),
        sum(each.numel() * each.element_size() for each in parameters.values()),
    )
    if said != real:
        return Verdict("asked", f"another live module: {said} is {real}")
    diagnosis = rnndims.check(module, input=torch.zeros(dims.tensors["input"].shape, dtype=dtype))
    if not diagnosis.fits:
        return Verdict("asked", f"a call of a live module is refused: {diagnosis.problems}")
    if isinstance(module, nn.RNNBase):
        rnndims.draw(rnndims.diagram(module))
    return Verdict("asked")


# ---------------------------------------------------------------------------------------------------------------- scripts


def draw_script(rng: random.Random) -> Case:
    """A command that can print a script, with a module and an input."""
    task = rng.choice(["run", "weights", "cell", "concat-demo"])
    names = {"cell": CELLS, "concat-demo": LAYERS}.get(task, LAYERS + CELLS)
    case = draw_data(rng, draw_module(rng, names), packed=0.0 if task == "cell" else 0.25)
    return {**case, "task": task, "device": rng.choice(["cpu", "cpu", "meta"])}


def executed(code: str) -> Any:
    """The lines that a script prints, or the error that it ends with."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        error = attempt(lambda: exec(compile(code, "script", "exec"), {}))
    return error or printed.getvalue().splitlines()


def judge_script(case: Case) -> Verdict:
    """A script runs as it is printed, and prints the shapes of the closed form."""
    task: Task = case.get("task", "run")
    config, data = legal(case)
    try:
        config = {"cell": lambda: as_cell(config, data), "concat-demo": lambda: as_bidirectional(config)}.get(
            task, lambda: config
        )()
        dims = compute_dims(config, data)
        code = script(config, data, task, device=case.get("device", "cpu"))
    except ConfigError as error:
        raise Unsuitable from error
    lines = executed(code)
    if refused(lines):
        return Verdict("failed", f"a script of {task} fails on {case.get('device', 'cpu')}: {lines}")
    if any(line.endswith(": False") for line in lines):
        return Verdict("run", f"a script of {task} says False: {lines}")
    shapes: dict[str, Any] = {name: tensor.shape for name, tensor in dims.tensors.items()}
    if task == "weights":
        shapes = {name: weight.shape for name, weight in dims.weights.items()} | {"parameters": dims.totals.parameters}
    elif task == "cell":
        states = " ".join(str(shapes[name]) for name in ("input", "h_0", "c_0") if name in shapes)
        shapes = {str(step): states for step in range(data.seq_len or 0)}
    elif task == "concat-demo":
        half = (*shapes["output"][:-1], config.H_out)
        shapes = {"forward": half, "reverse": half, "output": shapes["output"]}
    wanted = [f"{name} {shape}" for name, shape in shapes.items()]
    printed = [line for line in lines if line and ":" not in line and " is " not in line]
    return Verdict("run", f"a script of {task} prints other shapes: {printed} is {wanted}" if printed != wanted else None)


def judge_check_script(case: Case) -> Verdict:
    """The script of ``check`` fails as the call does, or prints the shapes that come out of it."""
    config, call = call_of(case)
    if call.input is None:
        raise Unsuitable
    if config.dropout and config.num_layers > 1 and call.weight_dtype.startswith("complex"):
        raise Unsuitable  # there is no such dropout; the script trains, and what is asked of PyTorch does not
    theirs, ours = ask_torch(case, config, call), executed(check_script(config, call))
    verdict = same_acceptance("the call of a script of check", ours, theirs)
    if verdict.fault:
        return verdict
    wanted = str(theirs) if refused(theirs) else str([f"{name} {shape}" for name, shape in theirs.items()])
    return verdict._replace(
        fault=f"a script of check says otherwise: {ours}, but it is {wanted}" if str(ours) != wanted else None
    )
