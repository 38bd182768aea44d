"""What is seen of running programs: little ones in many styles, run in this process with a recorder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from live_programs import CRASHES, RIGHT, WRONG
from right_programs import LOADERS, MODELS, PACKED, SELECTIONS
from wrong_programs import CARRIED, INPUTS, OUTPUTS, PADDING, STATES, TARGETS

from rnndims.crashes.crash import explain_crash
from rnndims.live.batches import Batch, Part
from rnndims.live.recorder import Recorder
from rnndims.live.trace_report import TracedProblem, TracedWarning

pytestmark = pytest.mark.usefixtures("nothing_is_compiled")

RIGHT = {**RIGHT, **SELECTIONS, **PACKED, **LOADERS, **MODELS}
WRONG = {**WRONG, **STATES, **OUTPUTS, **PADDING, **TARGETS, **INPUTS, **CARRIED}


class Seen(NamedTuple):
    """What was seen of a program."""

    warnings: tuple[TracedWarning, ...]
    problem: TracedProblem | None
    error: Exception | None
    names: dict[str, Any]
    not_watched: list[str]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small programs are slow where threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def watch(code: str, folder: Path) -> Seen:
    """Run a program and say what was seen."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    recorder, error, problem = Recorder(), None, None
    recorder.start(torch)
    try:
        exec(compile(code, str(path), "exec"), names)
    except Exception as raised:  # noqa: BLE001 - a program can fail in any way
        error, problem = raised, explain_crash(raised, recorder)
    finally:
        recorder.stop()
    assert recorder.follower is not None
    return Seen(recorder.follower.warnings, problem, error, names, recorder.not_watched)


@pytest.mark.parametrize("kind", RIGHT)
def test_right_programs_cause_no_word(kind, tmp_path):
    """A program that is right runs to its end, and nothing is said of it."""
    seen = watch(RIGHT[kind], tmp_path)
    assert (seen.error, seen.warnings, seen.not_watched) == (None, (), [])


@pytest.mark.parametrize("kind", RIGHT)
def test_numbers_are_the_same_bits(kind, tmp_path):
    """Weights and the random state after a program are bit for bit those that it has without being watched."""
    seen = watch(RIGHT[kind], tmp_path)
    after, plain = torch.get_rng_state(), {"__name__": "__main__"}
    exec(RIGHT[kind], plain)
    assert torch.equal(after, torch.get_rng_state())
    assert plain.get("digits") == seen.names.get("digits")
    for name, value in plain.items():
        if isinstance(value, torch.nn.Module):
            for one, other in zip(value.parameters(), seen.names[name].parameters(), strict=True):
                assert torch.equal(one, other)


@pytest.mark.parametrize("kind", WRONG)
def test_what_runs_and_is_wrong_is_said_once(kind, tmp_path):
    """A program whose numbers are not what is meant gets one warning, at the code that does it, and with a way out."""
    code, expected = WRONG[kind]
    seen = watch(code, tmp_path)
    assert seen.error is None
    assert [(warning.kind, warning.code) for warning in seen.warnings] == expected
    for warning in seen.warnings:
        assert warning.fix or warning.advice
        line = int(warning.at.rpartition(":")[2])
        assert warning.code
        assert warning.code in code.splitlines()[line - 1]


@pytest.mark.parametrize(
    "kind", ["states of an encoder, viewed for a decoder", "the last step of both directions, behind functions"]
)
def test_the_fix_of_a_warning_runs_where_it_stands(kind, tmp_path):
    """What a warning names is replaced by its fix: the program runs, and nothing is said of it any more."""
    code, _ = WRONG[kind]
    (warning,) = watch(code, tmp_path).warnings
    mended = watch(code.replace(warning.code, warning.fix.replace("h_n", "state")), tmp_path)
    assert (mended.error, mended.warnings) == (None, ())


def test_a_default_device_changes_nothing(tmp_path):
    """A program that sets a default device is followed like any other, and its device is still set afterwards."""
    code, expected = WRONG["the last step of both directions"]
    try:
        seen = watch(f"import torch\ntorch.set_default_device('cpu')\n{code}", tmp_path)
        assert [(warning.kind, warning.code) for warning in seen.warnings] == expected
        assert len(torch.overrides._get_current_function_mode_stack()) == 1
    finally:
        torch.set_default_device(None)


def test_the_device_of_a_block_ends_with_it(tmp_path):
    """A program that calls its RNN in a ``with torch.device`` is followed like any other, and has no device behind it."""
    code, expected = WRONG["the last step of both directions"]
    lines = ["import torch", "with torch.device('cpu'):", *(f"    {line}" for line in code.splitlines())]
    seen = watch("\n".join(lines), tmp_path)
    assert [(warning.kind, warning.code) for warning in seen.warnings] == expected
    assert torch.overrides._get_current_function_mode_stack() == []


@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_beside_an_rnn_is_explained(kind, tmp_path):
    """The cause, the shapes with their names, and a fix in the user's own names that takes the crash away."""
    code, cause, words, fix = CRASHES[kind]
    seen = watch(code, tmp_path)
    assert seen.problem is not None
    problem = seen.problem.problem
    assert (problem.cause, words in problem.message) == (cause, True), problem.message
    assert problem.torch is not None
    assert fix is None or problem.fix == fix
    if fix is not None:
        mended = code.replace(seen.problem.code, fix, 1)
        if fix.startswith("self.fc = "):
            line = next(line for line in code.splitlines() if line.strip().startswith("self.fc = "))
            mended = code.replace(line.strip(), fix)
        elif cause == "state_graph":
            mended = code.replace("    pass\n", f"    {fix}\n")
        assert watch(mended, tmp_path).error is None


def test_nothing_is_left_behind(tmp_path):
    """After a recorder is stopped, the classes are as they were, and no mode is on."""
    classes = (torch.nn.modules.rnn.RNNBase, torch.nn.MultiheadAttention, torch.utils.data.dataloader._BaseDataLoaderIter)
    before = [{**each.__dict__} for each in classes]
    watch(RIGHT["a training loop"], tmp_path)
    assert [{**each.__dict__} for each in classes] == before
    assert torch.overrides._get_current_function_mode_stack() == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda x: x, True),
        (lambda x: x[..., None], True),
        (lambda x: x.double(), True),
        (lambda x: x.to("meta"), True),
        (lambda x: x.transpose(0, 1), False),
        (lambda x: x.transpose(0, 1).contiguous(), False),
        (lambda x: x.reshape(5, 4, 3), False),
        (lambda x: x + 1, False),
        (lambda x: x[1:], False),
    ],
)
def test_a_batch_knows_its_parts(change, part):
    """A tensor of a loader is known as it is, with more dims, and on another device; not with its dims exchanged."""
    x = torch.randn(4, 5, 3)
    batch = Batch(0, shuffled=True, stacked=True, parts=(Part(x),), thread=0)
    assert batch.has(change(x)) == part


@pytest.mark.parametrize("size", [1, 2, 12])
@pytest.mark.parametrize("kind", ["the last step", "state by movedim", "all steps as features", "a mean over the steps"])
def test_right_programs_of_odd_sizes_cause_no_word(kind, size, tmp_path):
    """What is right stays so with one sequence, and with as many sequences as rows or steps."""
    code = RIGHT[kind].replace("torch.randn(8, 12, 10)", f"torch.randn({size}, 12, 10)")
    code = code.replace("randint(3, (8,))", f"randint(3, ({size},))").replace("reshape(8, -1)", f"reshape({size}, -1)")
    seen = watch(code, tmp_path)
    assert (seen.error, seen.warnings) == (None, ())


def test_what_is_likely_is_told_from_what_is_certain(tmp_path):
    """A row that is read alone is likely a mistake, and the message says why; with the other row read there is no word."""
    code, _ = WRONG["one direction"]
    (warning,) = watch(code, tmp_path).warnings
    assert not warning.certain
    assert warning.message.endswith("Nothing else that the module returns is read, so this is likely a mistake.")
    both = code.replace("self.fc(state[-1])", "self.fc(state[-1]) + self.fc(state[-2])")
    assert both != code
    assert watch(both, tmp_path).warnings == ()


def test_each_place_is_followed_once_and_counted_always(tmp_path):
    """A cell in a loop of a thousand steps is one row, and so is a module whose last batch is smaller."""
    code = """
import torch
cell = torch.nn.GRUCell(3, 4)
h = torch.zeros(2, 4)
for t in range(1000):
    h = cell(torch.ones(2, 3), h)
"""
    path = tmp_path / "loop.py"
    path.write_text(code, encoding="utf-8")
    recorder = Recorder()
    recorder.start(torch)
    try:
        exec(compile(code, str(path), "exec"), {"__name__": "__main__"})
    finally:
        recorder.stop()
    assert [(call.name, call.times) for call in recorder.calls] == [("cell", 1000)]


def test_names_are_those_of_the_model(tmp_path):
    """A wrapper around a model adds nothing to a name, and a name of a number alone has its model's before it."""
    code = """
import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.GRU(3, 3), nn.GRU(3, 3)])
    def forward(self, x):
        for layer in self.layers:
            x, _ = layer(x)
        return x
net = nn.DataParallel(Model())
net(torch.ones(5, 2, 3))
chain = nn.Sequential(nn.RNN(3, 4))
chain(torch.ones(5, 2, 3))
alone = nn.LSTM(3, 4)
alone(torch.ones(5, 2, 3))
"""
    recorder = Recorder()
    recorder.start(torch)
    try:
        exec(compile(code, str(tmp_path / "names.py"), "exec"), {"__name__": "__main__"})
    finally:
        recorder.stop()
    assert [call.name for call in recorder.calls] == ["layers.0", "layers.1", "chain.0", "alone"]


def test_a_fault_of_ours_does_not_reach_the_program(tmp_path, monkeypatch):
    """Whatever fails while a call is read, the program goes on, and the report says that something was not read."""
    monkeypatch.setattr("rnndims.live.recorder._describe", lambda *_: 1 / 0)
    monkeypatch.setattr("rnndims.live.follower.results_of", lambda *_: 1 / 0)
    seen = watch(RIGHT["the last step"], tmp_path)
    assert seen.error is None
    assert seen.not_watched == ["Calls of GRU could not be read: ZeroDivisionError."]
