"""Whole commands and questions in JSON Lines, and the closed form that they must show."""

import contextlib
import io
import json
import random
from typing import Any, Final

from agree_modules import (
    arguments,
    attempt,
    class_name,
    configure,
    data_of,
    draw_constructor,
    draw_data,
    draw_input,
    draw_module,
    legal,
    refused,
)
from draws import Case, Unsuitable, Verdict

import rnndims
from rnndims import ConfigError, MachineError, RNNConfig
from rnndims.cli.app import run as command_line
from rnndims.cli.from_jsonl import answer
from rnndims.constructor import format_constructor
from rnndims.render.documents import dims_document
from rnndims.results import compute_dims
from rnndims.torch_runner import as_bidirectional, as_cell, concat_module, step_through


def draw_run(rng: random.Random) -> Case:
    """A module that is run, stepped through, or taken apart."""
    case = draw_data(rng, draw_module(rng))
    return {**case, "device": rng.choice(["cpu", "cpu", "meta"]), "task": rng.choice(["run", "run", "cell", "concat-demo"])}


def judge_run(case: Case) -> Verdict:
    """``run``, ``cell`` and ``concat-demo`` find no difference from what PyTorch computes, and refuse nothing that it runs."""
    task, device = case.get("task", "run"), case.get("device", "cpu")
    config, data = legal(case)
    try:
        if task == "cell":
            steps = step_through(as_cell(config, data), data, device=device)
            return Verdict("stepped", "a step differs from the layer" if steps.disagrees() else None)
        if task == "concat-demo":
            joined = concat_module(compute_dims(as_bidirectional(config), data), device=device)
            return Verdict("joined", "joined halves differ from the output" if joined.disagrees() else None)
        done = rnndims.run(config, device=device, **case.get("data", {}))
    except ConfigError as error:
        raise Unsuitable from error
    except MachineError as error:
        relu = config.nonlinearity == "relu" and "complex" in data.dtype
        return Verdict("refused", None if relu else f"run refuses what PyTorch runs: {error}")
    if wrong := done.measured.disagreements(done.dims):
        return Verdict("run", f"measured otherwise: {wrong}")
    verified = None if device == "meta" or config.is_cell else True
    empty = 0 in done.dims.tensors["input"].shape
    fault = None if empty or done.measured.states_verified is verified else "the rows of h_n are not verified"
    return Verdict("run", fault)


def draw_question(rng: random.Random) -> Case:
    """A question with legal or illegal values."""
    kind = rng.random()
    case = draw_data(rng, draw_module(rng)) if kind < 0.7 else draw_constructor(rng)
    if kind > 0.85:
        case |= draw_input(rng)
    return {**case, "code": rng.random() < 0.3}


def wanted_answer(case: Case) -> tuple[RNNConfig | None, Any]:
    """The configuration of a question, and the closed form as a document; ``None`` where there is none."""
    config = attempt(lambda: configure(case))
    if refused(config):
        return None, None
    document = attempt(lambda: json.loads(json.dumps(dims_document(compute_dims(config, data_of(case))))))
    return config, None if refused(document) else without_notes(document)


def without_notes(document: Any) -> Any:
    """A document without its notes, which depend on how the question is asked."""
    return {name: part for name, part in document.items() if name != "notes"}


FLAG: Final = (bool,)
STRICT: Final = {"bias": FLAG, "batch_first": FLAG, "bidirectional": FLAG, "nonlinearity": (str,), "dropout": (int, float)}
"""The types of values in a line of JSON, which is stricter than Python; all others are ints."""


def judge_line(case: Case) -> Verdict:
    """A line of JSON is answered with the closed form, and refused where there is none."""
    config, wanted = wanted_answer(case)
    args, name = arguments(case), class_name(case)
    if wanted is not None and any(type(value) not in STRICT.get(field, (int,)) for field, value in args.items()):
        raise Unsuitable
    question: dict[str, Any] = {"cell": name.removesuffix("Cell").lower(), "is_cell": name.endswith("Cell"), **args}
    if case.get("code") and config is not None:
        question = {"module": format_constructor(config)}
    question |= case.get("data", {})
    got = json.loads(answer(json.dumps(question).encode(), 7))
    if wanted is None:
        return Verdict("refused", None if "error" in got else f"a line is answered that is no configuration: {question}")
    if "error" in got:
        return Verdict("answered", f"a line is refused that is a configuration: {got['error']['message']}")
    return Verdict("answered", f"another answer to a line: {question}" if without_notes(got) != wanted else None)


def words_of(case: Case, config: RNNConfig) -> list[str]:
    """The command line of a question."""
    words = [format_constructor(config)]
    if not case.get("code") and not config.is_cell:
        words = [
            "--cell",
            config.cell,
            "-i",
            str(config.input_size),
            "-H",
            str(config.hidden_size),
            "-l",
            str(config.num_layers),
        ]
        words += ["-b"] * config.bidirectional + ["--batch-first"] * config.batch_first + ["--no-bias"] * (not config.bias)
        words += ["--dropout", repr(config.dropout)] if config.dropout else []
        words += ["--proj-size", str(config.proj_size)] if config.proj_size else []
        words += ["--nonlinearity", "relu"] if config.nonlinearity == "relu" else []
    for name, value in case.get("data", {}).items():
        option = f"--{name.replace('_', '-')}"
        if value is True or name == "unbatched":
            words += [option] * bool(value)
        else:
            words.append(f"{option}={','.join(map(str, value)) if name == 'lengths' else value}")
    return words


def judge_command(case: Case) -> Verdict:
    """``dims --json`` is answered with the closed form, and refused where there is none."""
    config, wanted = wanted_answer(case)
    if config is None:
        raise Unsuitable
    words = words_of(case, config)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command_line(["dims", "--json", *words])
    if wanted is None:
        return Verdict("refused", None if code == 2 else f"a command ends with {code} where there is no answer: {words}")
    if code != 0:
        return Verdict("answered", f"a command line is refused: {words}: {err.getvalue()}")
    return Verdict("answered", f"another answer: {words}" if without_notes(json.loads(out.getvalue())) != wanted else None)
