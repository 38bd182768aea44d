"""State dicts and tensors in files, and what PyTorch says of loading them."""

import atexit
import itertools
import os
import random
import re
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from agree_calls import STATES, call_of, draw_call
from agree_modules import LAYERS, attempt, build, configure, draw_module, legal, refused, same_acceptance
from draws import Case, Unsuitable, Verdict
from torch import nn

import rnndims
from rnndims import ConfigError, DoesNotFitError, UnknownMessageError
from rnndims.constructor import format_constructor
from rnndims.diagnose import diagnose_error


@cache
def folder() -> Path:
    """Where this process keeps its files."""
    path = Path(tempfile.mkdtemp(prefix="rnndims-agreement-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def save(name: str, suffix: str, tensors: dict[str, Any]) -> Path:
    """Write tensors into a file, the first one alone into an .npy file."""
    path = folder() / f"{name}.{suffix}"
    if suffix == "npy":
        np.save(path, next(iter(tensors.values())).numpy())
    elif suffix == "safetensors":
        safetensors.torch.save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def draw_stored(rng: random.Random) -> Case:
    """A module to be saved under a name, in a format and a dtype."""
    return {
        **draw_module(rng),
        "prefix": rng.choice(["", "rnn.", "encoder.rnn.", "module.decoder.", "model.layers.3.rnn."]),
        "suffix": rng.choice(["pt", "safetensors"]),
        "dtype": rng.choice(["float32", "float32", "float64", "float16", "bfloat16"]),
        "beside": rng.random() < 0.3,
    }


def judge_stored(case: Case) -> Verdict:
    """A state dict is read back as the configuration it was made with, and what that builds loads it."""
    config, _ = legal(case)
    dtype, prefix = case.get("dtype", "float32"), case.get("prefix", "")
    weights = {name: each.detach() for name, each in build(case, dtype=getattr(torch, dtype)).state_dict().items()}
    beside = {"head.weight": torch.zeros(2, config.hidden_size)} if case.get("beside") else {}
    path = save("stored", case.get("suffix", "pt"), {prefix + name: each for name, each in weights.items()} | beside)
    modules = rnndims.read_checkpoint(path).modules
    if len(modules) != 1:
        return Verdict("read", f"{len(modules)} modules in a file with one: {prefix}")
    found = modules[0]
    wanted = replace(config, batch_first=False, dropout=0.0, nonlinearity=None)  # no weight tells these
    size = sum(each.numel() * each.element_size() for each in weights.values())
    if (replace(found.config, nonlinearity=None), found.dtype, found.bytes) != (wanted, dtype, size):
        return Verdict("read", f"another module in a file: {found.config}, {found.dtype}, {found.bytes} bytes")
    eval(format_constructor(found.config), {"nn": nn}).load_state_dict(weights)
    return Verdict("read")


def draw_files(rng: random.Random) -> Case:
    """A module, an input and states in files, some of them of a wrong shape."""
    case = draw_call(rng, LAYERS, packed=0.0)
    for name in ("input_dtype", "weight_dtype"):
        case.pop(name, None)
    return {**case, "suffix": rng.choice(["pt", "npy", "safetensors"])}


def judge_files(case: Case) -> Verdict:
    """``run`` with files computes what PyTorch computes with the tensors in them, and refuses what it refuses."""
    config, call = call_of(case)
    if config.is_cell or call.input is None or not all((*call.input, *itertools.chain(*call.states.values()))):
        raise Unsuitable
    if len(call.states) == 1 and config.cell == "lstm":
        raise Unsuitable  # the missing one is drawn
    module = build(case).eval()
    weights = save("model", "pt", module.state_dict())
    shapes = {"input": call.input, **call.states}
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    files: dict[str, Any] = {name: save(name, case.get("suffix", "npy"), {name: each}) for name, each in tensors.items()}
    if config.cell == "rnn":
        files["nonlinearity"] = config.nonlinearity
    states = [tensors[name] for name in STATES if name in tensors]
    theirs = attempt(lambda: module(tensors["input"], *([tuple(states) if len(states) == 2 else states[0]] if states else [])))
    try:
        done: Any = rnndims.run(weights=weights, values=True, batch_first=config.batch_first, **files)
    except (DoesNotFitError, ConfigError) as error:
        done = error
    verdict = same_acceptance("the tensors in files", done, theirs)
    if verdict.fault or refused(done) or not states:  # without states they are drawn
        return verdict
    values = torch.tensor(done.measured.values["output"]).reshape(theirs[0].shape)
    same = torch.allclose(values, theirs[0], atol=1e-5)
    return Verdict("run", None if same else f"other numbers from files: {format_constructor(config)}")


FIELDS: Final = ("input_size", "hidden_size", "num_layers", "proj_size", "bidirectional", "bias")

FACT: Final = re.compile(r"\b(\w+) is (\d+) in the model(?:,| and) (\d+) in the checkpoint")
"""``hidden_size is 4 in the model, 5 in the checkpoint``"""


def draw_load(rng: random.Random) -> Case:
    """A module, and a checkpoint of one that differs from it."""
    model = draw_module(rng, LAYERS)
    saved = {"cls": model["cls"], "args": dict(model["args"])}
    for _ in range(rng.choice([1, 1, 2, 3])):
        other, field = draw_module(rng, LAYERS), rng.choice(FIELDS)
        if rng.random() < 0.15:
            saved = other
        elif field in other["args"]:
            saved["args"][field] = other["args"][field]
        else:
            saved["args"].pop(field, None)
    return {**model, "saved": saved, "prefix": rng.choice(["", "rnn"])}


def judge_load(case: Case) -> Verdict:
    """What ``load_state_dict`` says is known; what is stated of both configurations is true, and a difference is named."""
    saved, prefix = case.get("saved", {}), case.get("prefix", "")
    try:
        config, other = configure(case), configure(saved)
    except (ConfigError, TypeError) as error:
        raise Unsuitable from error
    model, stored = build(case, device="meta"), build(saved, device="meta")
    if prefix:
        model, stored = nn.ModuleDict({prefix: model}), nn.ModuleDict({prefix: stored})
    complaint = attempt(lambda: model.load_state_dict(stored.state_dict()))
    if not refused(complaint):
        raise Unsuitable
    text = f"RuntimeError: {complaint}"
    changed = [name for name in FIELDS if getattr(config, name) != getattr(other, name)]
    for how, context in (("alone", None), ("with the module", config)):
        try:
            diagnosis = diagnose_error(text, context)
        except UnknownMessageError:
            return Verdict("unknown", f"a message of load_state_dict is unknown {how}: {text[:500]}")
        said = [each for problem in diagnosis.problems for each in (problem, *problem.alternatives)]
        if "checkpoint_mismatch" not in {each.cause for each in said}:
            return Verdict("known", f"another cause of a message of load_state_dict {how}: {said}")
        words = " ".join(f"{each.message} {each.advice} {each.fix}" for each in said)
        for name, *values in FACT.findall(words):
            truth = [str(getattr(each, name)) for each in (config, other)] if name in FIELDS else values
            if values != truth:
                return Verdict("known", f"a false {name} {how}: {values} is {truth}: {text[:500]}")
        if config.cell == other.cell and changed and not any(name in words for name in changed):
            return Verdict("known", f"no difference is named {how}: {changed}: {said}")
    return Verdict("known")
