"""Compares rnndims with PyTorch on random modules and calls, legal and illegal, and prints what they disagree on.

    python benchmarks/agreement.py [--draws 20000] [--seed 0] [--jobs 2] [--only KIND ...] [--plant NAME]

Each kind of case is drawn, asked of both, and where the answers differ made smaller until nothing more can be left out; the
smallest form of each disagreement is printed, and the exit code is 1. What PyTorch does is always the right answer. ``--plant``
makes one formula of rnndims wrong first: the script must find it.
"""

import sys
from dataclasses import replace
from typing import Final

import torch
from agree_answers import draw_question, draw_run, judge_command, judge_line, judge_run
from agree_calls import draw_call, draw_expected, draw_use, judge_call, judge_expected, judge_message, judge_use
from agree_code import draw_live, draw_script, draw_text, judge_check_script, judge_format, judge_live, judge_script, judge_text
from agree_files import draw_files, draw_load, draw_stored, judge_files, judge_load, judge_stored
from agree_modules import (
    CELLS,
    LAYERS,
    draw_constructor,
    draw_data,
    draw_input,
    draw_macs,
    draw_module,
    judge_closed,
    judge_constructor,
    judge_input,
    judge_macs,
)
from draws import Kind, Plant, main

KINDS: Final = (
    Kind("constructor", 24, draw_constructor, judge_constructor),
    Kind("closed", 22, lambda rng: draw_data(rng, draw_module(rng)), judge_closed),
    Kind("macs", 0.5, draw_macs, judge_macs),
    Kind("input", 8, draw_input, judge_input),
    Kind("layers", 28, lambda rng: draw_call(rng, LAYERS, packed=0.0), judge_call),
    Kind("packed", 18, lambda rng: draw_call(rng, LAYERS, packed=1.0), judge_call),
    Kind("cells", 16, lambda rng: draw_call(rng, CELLS), judge_call),
    Kind("messages", 5, draw_call, judge_message),
    Kind("expected", 10, draw_expected, judge_expected),
    Kind("uses", 16, draw_use, judge_use),
    Kind("text", 12, draw_text, judge_text),
    Kind("format", 8, lambda rng: draw_module(rng, largest=rng.choice([5, 60])), judge_format),
    Kind("live", 3, draw_live, judge_live),
    Kind("stored", 4, draw_stored, judge_stored),
    Kind("files", 2, draw_files, judge_files),
    Kind("load", 4, draw_load, judge_load),
    Kind("scripts", 3, draw_script, judge_script),
    Kind("checkscripts", 4, draw_call, judge_check_script),
    Kind("run", 2, draw_run, judge_run),
    Kind("lines", 6, draw_question, judge_line),
    Kind("commands", 2, draw_question, judge_command),
)
"""Every kind of case, and its share of the draws: what PyTorch does quickly is drawn often."""

CONFIG: Final = "rnndims.config:RNNConfig"

PLANTS: Final = {
    "gates": Plant("closed", CONFIG, "G", lambda _: property(lambda _: 3)),
    "halves": Plant("closed", "rnndims.shapes", "_in_output", lambda f: lambda *args: f(*args).replace("0:", "1:")),
    "bytes": Plant("closed", "rnndims.config", "ITEMSIZES", lambda sizes: {**sizes, "bfloat16": 4}),
    "macs": Plant("macs", "rnndims.cost", "macs", lambda f: lambda config, data: f(config, data) + 1),
    "dropout": Plant("constructor", CONFIG, "_check_dropout", lambda _: lambda _: None),
    "lengths": Plant("input", "rnndims.config:DataConfig", "_check_lengths", lambda _: lambda *_: None),
    "batch first": Plant("layers", "rnndims.diagnose.call", "batch_dim", lambda _: lambda _: 1),
    "phrase": Plant("layers", "rnndims.diagnose.torch_phrases", "input_size", lambda f: lambda want, got: f(got, want)),
    "packed": Plant("packed", "rnndims.diagnose.packed_call", "_packing_problems", lambda _: lambda *_: []),
    "expected": Plant("expected", "rnndims.diagnose", "expectation_problems", lambda f: lambda *args: f(*args)[1:]),
    "checkpoint": Plant("stored", "rnndims.checkpoint.recognise", "_infer", lambda f: lambda *a: replace(f(*a), bias=True)),
    "measured": Plant("run", "rnndims.cost", "parameters", lambda f: lambda config: f(config) + 1),
    "line": Plant("lines", "rnndims.cli.from_jsonl", "DataConfig", lambda f: lambda **_: f()),
}
"""Formulas that can be made wrong."""


def prepare() -> None:
    """One thread for each process, since all of them are busy."""
    torch.set_num_threads(1)


if __name__ == "__main__":
    sys.exit(main(__doc__, KINDS, PLANTS, prepare))
