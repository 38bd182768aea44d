"""check: whatever it says is well formed: fixes are code, messages are sentences, quotes are PyTorch's, the table is whole."""

import ast
import io
import random
import re
import textwrap
import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
from check_messages import MESSAGES
from check_tracebacks import TRACEBACKS
from fixed_calls import run_fixed
from random_calls import mutate, mutate_lengths, pack, random_config, right_shapes
from torch import nn

from rnndims.config import RNNConfig
from rnndims.diagnose import Call, Diagnosis, Problem, UnknownMessageError, check_shapes, diagnose_error
from rnndims.diagnose.message_row import SLOTS, compile_wording
from rnndims.diagnose.message_search import TABLE

GRU = RNNConfig("gru", 10, 20, num_layers=2, bidirectional=True)
EXPECTATIONS = [
    {"output": (5, 3, 20)},
    {"output": (3, 5, 40)},
    {"output": (5, 3)},
    {"output": (6, 3, 40)},
    {"output": (5, 3, 41)},
    {"h_n": (3, 4, 20)},
    {"h_n": (4, 5, 20)},
    {"h_n": (2, 3, 20)},
    {"h_n": (4, 4, 20)},
    {"h_n": (4, 3, 40)},
    {"c_n": (4, 3, 20)},
    {"linear": 20},
    {"linear": 80},
    {"linear": 200},
    {"linear": 40, "uses": ("h_n[-1]",)},
    {"uses": ("output[-1]", "output[:, 0]", "h_n[0]", "h_n[:, 0]", "h_n.view(3, -1)", "output.view(3, -1)")},
    {"uses": ("output.reshape(-1, 20)", "output.view(5, 3, 2, 20)")},
]


def diagnoses() -> list[Diagnosis]:
    """A broad sample of what can be asked: messages, tracebacks, calls that nearly fit, expectations, uses."""
    found = [diagnose_error(text) for text, cause, _ in (*MESSAGES, *TRACEBACKS) if cause is not None]
    rng = random.Random(1)
    for number in range(1500):
        config = random_config(rng, is_cell=number % 4 == 0)
        call = right_shapes(rng, config)
        for _ in range(rng.choice([1, 1, 2, 3])):
            call = mutate(rng, call)
        if number % 3 == 0 and not config.is_cell:
            lengths = tuple(rng.randint(-1, 5) for _ in range(rng.randint(0, 4)))
            call = Call(call.input, call.h_0, call.c_0, lengths, rng.choice([None, True, False]), call.input_dtype)
        found.append(check_shapes(config, call))
        found.append(check_shapes(config, Call(h_0=call.h_0, c_0=call.c_0)))
    for expected in EXPECTATIONS:
        found.append(check_shapes(GRU, Call(input=(5, 3, 10), **expected)))
        found.append(check_shapes(GRU, Call(input=(5, 3, 10), lengths=(5, 2, 1), **expected)))
    return found


@pytest.fixture(scope="module")
def said() -> list:
    """All problems, alternatives and warnings of the sample."""
    found = diagnoses()
    problems = [problem for diagnosis in found for problem in diagnosis.problems]
    alternatives = [alternative for problem in problems for alternative in problem.alternatives]
    warnings = [caution for diagnosis in found for caution in diagnosis.warnings]
    assert len(problems) > 1000
    assert len(alternatives) > 50
    assert len(warnings) > 10
    return [*problems, *alternatives, *warnings]


def test_every_fix_is_code(said):
    """Every fix is valid Python without a comment, and says something; in words it would be advice."""
    fixes = {each.fix for each in said if each.fix is not None}
    assert len(fixes) > 100
    for fix in fixes:
        assert ast.parse(fix).body
        assert "#" not in fix


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", ["layer", "cell", "packed", "float64"])
def test_the_call_runs_with_all_fixes(kind):
    """Once every fix is applied PyTorch runs the call; where one problem has other explanations, with the fix of each too."""
    rng = random.Random(7)
    ran = 0
    for _ in range(500):
        config = random_config(rng, is_cell=kind == "cell")
        call = right_shapes(rng, config)
        call = pack(rng, config, call) if kind == "packed" else call
        for _ in range(rng.randint(1, 2)):
            call = mutate_lengths(rng, call) if call.lengths and rng.random() < 0.4 else mutate(rng, call)
        if kind == "float64":
            call = replace(call, weight_dtype="float64", input_dtype=rng.choice(["float64", "float32"]))
        if kind == "packed" and (not call.lengths or len(call.input or ()) != 3):
            continue
        problems = check_shapes(config, call).problems
        ways = [[problem.fix for problem in problems]]
        if len(problems) == 1:
            ways += [[other.fix] for other in problems[0].alternatives if other.fix is not None]
        for fixes in ways:
            if fixes and None not in fixes:
                run_fixed(config, call, fixes)
                ran += 1
    assert ran > 100


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(
    ("config", "call"),
    [
        (RNNConfig("gru", 1, 20), Call(input=(5, 3, 2))),
        (RNNConfig("gru", 10, 20, num_layers=2), Call(input=(5, 3, 10), h_0=(2, 2))),
        (RNNConfig("lstm", 10, 20, num_layers=2), Call(input=(5, 3, 10), h_0=(2, 4, 20))),
        (RNNConfig("lstm", 10, 20, num_layers=2), Call(input=(5, 3, 10), h_0=(2, 2, 3, 20))),
        (RNNConfig("lstm", 10, 20, proj_size=5), Call(input=(5, 4, 10), h_0=(1, 3, 5))),
        (RNNConfig("gru", 10, 20), Call(input=(5, 10, 3), h_0=(1, 3, 20))),
        (RNNConfig("gru", 10, 20), Call(input=(5, 3, 2, 10))),
        (RNNConfig("gru", 10, 20), Call(input=(5, 3, 2, 5))),
        (RNNConfig("rnn", 3, 4), Call(input=(4,))),
        (RNNConfig("gru", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(2, 3, 20))),
        (RNNConfig("gru", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(1, 3, 20))),
        (RNNConfig("gru", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(0, 3, 20))),
        (RNNConfig("gru", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(1, 1, 3, 20))),
    ],
)
def test_fixes_of_one_mistake_leave_nothing_wrong(config, call):
    """Calls whose fix once failed again: it is applied, and PyTorch runs."""
    run_fixed(config, call, [problem.fix for problem in check_shapes(config, call).problems if problem.fix])


def placeholders(*, cell: bool, many: bool) -> dict[str, Any]:
    """What the names in the fix of a message may be in a program.

    Args:
        cell: whether the program calls a cell, step by step; else it calls a module with layers.
        many: whether its input has a dim more: all steps for a cell, the dim of ``torch.vmap`` for a module.
    """
    shape = ((5, 3, 10) if many else (3, 10)) if cell else ((4, 5, 3, 10) if many else (5, 3, 10))
    sequences = [torch.zeros(length, 10) for length in (5, 4, 2)]
    state = (3, 20) if cell else (1, 3, 20)
    gru = nn.GRUCell(10, 20) if cell and many else nn.GRU(10, 20)
    path = io.BytesIO()
    torch.save(gru.state_dict(), path)
    path.seek(0)
    sizes = {"N": 3, "H": 20, "D": 1, "rows": 1, "num_layers": 1, "input_size": 10, "hidden_size": 20, "proj_size": 0}
    options = {"bidirectional": False, "dropout": 0.5, "bias": 1, "batch_dim": 1, "device": "cpu", "path": path}
    tensors = {"x": torch.zeros(shape), "h_0": torch.zeros(state), "c_0": torch.zeros(state), "h": torch.zeros(3, 20)}
    results = {"output": torch.zeros(3, 5, 20), "h_n": torch.zeros(1, 3, 20), "log_probs": torch.zeros(5, 3, 9)}
    modules = {"rnn": gru, "gru": gru, "encoder": gru, "model": gru, "lstm": nn.LSTM(10, 20)}
    modules["cell"] = gru if cell and many else nn.LSTMCell(10, 20)
    lengths = {"lengths": torch.tensor([5, 4, 2]), "input_lengths": torch.tensor([9, 5, 2])}
    packed = {"packed": nn.utils.rnn.pack_sequence(sequences), "sequences": sequences, "list_of_tensors": sequences[:1]}
    others = {"sequence_1": sequences[0], "sequence_2": sequences[1], "value": torch.zeros(80, 20)}
    others |= {"batch": type("Batch", (), {"text": (torch.zeros(3), torch.zeros(3))})}
    return {"torch": torch, "nn": nn, **sizes, **options, **tensors, **results, **modules, **lengths, **packed, **others}


def runs_somewhere(fix: str, problem: Problem) -> str | None:
    """What the fix fails with in all programs in which it may be meant; ``None`` if it runs in one of them."""
    code, failed = fix.replace(", ...)", ", 2)"), ""
    if "super()" in code:
        code = f"class Mine(nn.LSTM):\n    def __init__(self):\n{textwrap.indent(code, ' ' * 8)}\nMine()"
    for cell, many in ((False, False), (False, True), (True, True), (True, False)):
        names = placeholders(cell=cell, many=many)
        variants = [names, {**names, "cell": nn.GRUCell(10, 20)}, {**names, "output": names["packed"]}]
        if isinstance(problem.got, tuple) and problem.tensor in names:
            variants.append({**names, problem.tensor: torch.zeros(problem.got)})
        for variant in variants:
            try:
                exec(code, variant)
            except Exception as error:  # noqa: BLE001 - whatever it is
                failed = f"{type(error).__name__}: {error}"
            else:
                return None
    return failed


GPU = "torch.cuda.get_device_capability()"
"""What only a machine with a GPU can run."""


def test_every_fix_for_a_message_runs():
    """The fix of every message, of every other explanation, and of every row of the table is code that runs."""
    fixes: dict[str, Problem] = {}
    configs = [None, GRU, *(RNNConfig(cell, 10, 20, is_cell=is_cell) for cell in ("lstm", "rnn") for is_cell in (False, True))]
    for text, cause, _ in (*MESSAGES, *TRACEBACKS):
        for config in configs if cause is not None else ():
            try:
                problems = diagnose_error(text, config).problems
            except UnknownMessageError:
                continue
            fixes |= {each.fix: each for main in problems for each in (main, *main.alternatives) if each.fix is not None}
    for row in TABLE:
        for cause in row.causes:
            if cause.fix is not None:  # slots are numbers in a fix
                fix = re.sub(r"\{\w+\}", "7", cause.fix)
                fixes.setdefault(fix, Problem(tensor=row.tensor, cause=cause.cause, message=cause.message))
    assert len(fixes) > 80
    allow_rnn = torch._dynamo.config.allow_rnn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            failed = {
                fix: error for fix, problem in fixes.items() if GPU not in fix and (error := runs_somewhere(fix, problem))
            }
        finally:
            torch._dynamo.config.allow_rnn = allow_rnn
    assert failed == {}
    assert callable(torch.cuda.get_device_capability)


def test_every_message_is_sentences(said):
    """Messages and advice end with a full stop, quote no words of PyTorch's and leave no slot open; there is a way out."""
    for each in said:
        for text in (each.message, each.advice):
            if text is not None:
                assert text.endswith("."), text
                assert "torch:" not in text, text
                assert "{" not in text, text
                assert not re.search(r"\b(given|taken|chosen|seen|fed|so that|the same way)\b|1 rows|  ", text), text
        assert each.fix or each.advice, each


def test_an_alternative_says_when_it_holds(said):
    """An alternative is never certain, has none of its own, and its message begins with what would decide for it."""
    for main in said:
        for alternative in getattr(main, "alternatives", ()):
            assert not alternative.certain
            assert alternative.alternatives == ()
            assert alternative.message.startswith("If "), (main, alternative)


@pytest.mark.parametrize("kind", SLOTS)
def test_slots_match_their_examples(kind):
    """The example of each kind of slot is matched by it, and it holds the value that is named there."""
    found = compile_wording(f"(<x:{kind}>").fullmatch("(" + SLOTS[kind].example)
    assert found is not None
    assert found["x"] == SLOTS[kind].value


def test_rows_are_whole():
    """A row has causes or a function that finds them, wordings of its own, and slots in its texts that all wordings have."""
    seen: dict[tuple[str, object], object] = {}
    for row in TABLE:
        assert bool(row.causes) != bool(row.interpret), row.wordings
        if row.interpret is not None:
            assert "``" in (row.interpret.__doc__ or ""), "an interpreter's docstring shows a message"
        slots = set.intersection(*(set(re.findall(r"<(\w+):", wording)) for wording in row.wordings))
        texts = [row.explanation, *(text for cause in row.causes for text in cause[1:] if text)]
        for text in texts:
            assert set(re.findall(r"\{(\w+)\}", text)) <= slots, (row.wordings, text)
        for wording in row.wordings:
            compile_wording(wording)
            assert (wording, row.claim) not in seen, wording
            seen[wording, row.claim] = row


def test_shapes_of_the_view_stay_whole(invoke, monkeypatch):
    """On 40, 80 and 120 columns no line ends inside a shape or a call; a list of nine types may be longer than a line."""
    texts = [text for text, _, _ in MESSAGES[::3] if "combination of arguments" not in text]
    for columns in ("40", "80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        for text in texts:
            out = invoke("check", "--error", text).out
            for line in textwrap.dedent(out).splitlines():
                assert not re.search(r"(\w[(\[][^)\]]*|[(\[][\w*]+(, [\w*]+)*,)$", line), out
