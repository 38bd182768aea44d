"""check: whatever it says is well formed: fixes are code, messages are sentences, quotes are PyTorch's, the table is whole."""

import ast
import random
import re
import textwrap
from dataclasses import replace

import pytest
from check_messages import MESSAGES
from check_tracebacks import TRACEBACKS
from fixed_calls import run_fixed
from random_calls import mutate, mutate_lengths, pack, random_config, right_shapes

from rnndims.config import RNNConfig
from rnndims.diagnose import Call, Diagnosis, check_shapes, diagnose_error
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
    ],
)
def test_fixes_of_one_mistake_leave_nothing_wrong(config, call):
    """Calls whose fix once failed again: it is applied, and PyTorch runs."""
    run_fixed(config, call, [problem.fix for problem in check_shapes(config, call).problems if problem.fix])


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
