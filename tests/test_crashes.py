"""Why a program ended, apart from the shapes of an RNN's neighbours: with and without a recorder, and the fix applied."""

import ast
import multiprocessing.pool
import re
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from crash_programs import CRASHES, GRAPHS, HEAD, SILENT, Crash

from rnndims.config import RNNConfig
from rnndims.crashes.crash import explain_crash
from rnndims.crashes.meetings import explain_meeting
from rnndims.live.recorder import Recorder
from rnndims.live.trace_report import TracedProblem

pytestmark = pytest.mark.usefixtures("nothing_is_compiled")


def run(code: str, folder: Path, *, watched: bool = False) -> tuple[Exception | None, TracedProblem | None]:
    """Run a program: the exception that ended it, and what is said of it."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    recorder = Recorder() if watched else None
    if recorder is not None:
        recorder.start(torch)
    try:
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(code, str(path), "exec"), names)
    except Exception as error:  # noqa: BLE001 - a program can fail in any way
        return error, explain_crash(error, recorder)
    finally:
        if recorder is not None:
            recorder.stop()
    return None, None


def mended(crash: Crash, problem: TracedProblem) -> str:
    """The program with the fix applied."""
    code, fix = HEAD + crash.code, problem.problem.fix
    assert fix is not None
    lines = code.split("\n")
    number = int(problem.at.rpartition(":")[2]) - 1
    indent = re.match(r" *", lines[number])[0]  # type: ignore[index]
    if crash.applied == "instead":
        return code.replace(problem.code, fix, 1)
    if crash.applied == "as":
        target = fix.partition(" = ")[0]
        return "\n".join(
            re.match(r" *", line)[0] + fix if line.strip().startswith(f"{target} = ") else line  # type: ignore[index]
            for line in lines
        )
    if crash.applied == "collate" and "collate_fn=collate" in fix:
        function, _, call = fix.rpartition("\n")
        lines[number] = lines[number].replace(problem.code, call)
        return "\n".join([*lines[:number], function, *lines[number:]])
    if crash.applied == "below backward":
        return re.sub(r"^( *)(.*backward\(.*)$", rf"\1\2\n\1{fix}", code, flags=re.MULTILINE)
    if crash.applied == "below":
        number += 1
    return "\n".join([*lines[:number], *(indent + line for line in fix.split("\n")), *lines[number:]])


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "frames alone"])
@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_is_explained(kind, watched, tmp_path):
    """Cause, certainty and message are right, and with the fix the program runs to its end."""
    crash = CRASHES[kind]
    error, found = run(HEAD + crash.code, tmp_path, watched=watched)
    assert error is not None
    assert found is not None, error
    problem = found.problem
    assert (problem.cause, crash.words in problem.message) == (crash.cause, True), problem.message
    assert problem.torch is None or problem.torch[:20] in " ".join(str(error).split())
    assert problem.certain == (crash.certain and (watched or kind not in GRAPHS))
    if crash.fix is None:
        assert problem.advice or problem.fix or kind in ("no size", "an activation that is none")
        return
    if crash.applied != "collate":
        assert problem.fix == crash.fix
    assert run(mended(crash, found), tmp_path) == (None, None)


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "frames alone"])
@pytest.mark.parametrize("kind", SILENT)
def test_an_exception_elsewhere_causes_no_word(kind, watched, tmp_path):
    """Where no RNN has to do with an exception, nothing is said, though the program has one."""
    error, found = run(HEAD + SILENT[kind], tmp_path, watched=watched)
    assert error is not None
    assert found is None, found.problem.message


ON_CPU, ON_GPU = (SimpleNamespace(device=torch.device(name), dtype=torch.float32) for name in ("cpu", "cuda:0"))


@pytest.mark.parametrize(
    ("weight", "given", "state", "fix"),
    [
        (ON_GPU, ON_CPU, ON_GPU, "x = x.to(self.lstm.weight_ih_l0.device)"),
        (ON_CPU, ON_GPU, ON_GPU, "self.lstm.to(x.device)"),
        (ON_GPU, ON_GPU, ON_CPU, "h, c = h.to(x.device), c.to(x.device)"),
        (ON_GPU, ON_GPU, ON_GPU, None),
    ],
)
def test_devices_that_meet(weight, given, state, fix):
    """What is on the CPU beside a GPU is moved: the input to the weights, a model and a state to the input."""
    module = SimpleNamespace(parameters=lambda: iter([weight]), named_parameters=lambda: iter([("weight_ih_l0", weight)]))
    error = RuntimeError("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!")
    call = ast.parse("self.lstm(x, (h, c))", mode="eval").body
    assert isinstance(call, ast.Call)
    found = explain_meeting(error, module, RNNConfig("lstm", 3, 4), (given, (state, state)), {}, call)
    assert (found and found.fix) == fix


def in_child(error: Exception) -> str:
    """What a worker process leaves of an exception."""
    return "".join(traceback.format_exception(error))


def test_a_worker_leaves_a_text(tmp_path):
    """An exception of a worker process is read from the text of its traceback, whoever sends it."""
    error, _ = run(HEAD + "rnn = nn.GRU(3, 4)\nrnn(torch.randn(5, 2, 7))", tmp_path)
    assert error is not None
    text = in_child(error)
    for sent in (
        RuntimeError(f"Caught RuntimeError in DataLoader worker process 0.\nOriginal {text}"),
        multiprocessing.pool.rebuild_exc(RuntimeError("7"), text),
    ):
        found = explain_crash(sent)
        assert found is not None
        assert (found.problem.cause, Path(found.at.rpartition(":")[0]).name) == ("input_feature_mismatch", "program.py")
        assert found.code == "rnn(torch.randn(5, 2, 7))"
    assert (
        explain_crash(
            RuntimeError(
                "Caught KeyError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\nKeyError: 'rnn'"
            )
        )
        is None
    )


WORKER = """
if __name__ == "__main__":
    rnn, data = nn.GRU(3, 4, batch_first=True), [(torch.zeros(n, 3), n) for n in (3, 5)]
    loader = DataLoader(data, batch_size=2, num_workers=1)
    for x, y in loader:
        rnn(x)
"""


def test_a_batch_of_a_worker_is_explained(tmp_path):
    """Sequences that a worker process could not stack are explained by its text and the loader in the program."""
    error, found = run(HEAD + WORKER, tmp_path)
    assert error is not None
    assert found is not None
    assert found.problem.fix is not None
    assert found.problem.fix.endswith("loader.collate_fn = collate")
    lines = (HEAD + WORKER).split("\n")
    at = int(found.at.rpartition(":")[2]) - 1
    lines[at:at] = ["    " + line for line in found.problem.fix.split("\n")]
    assert run("\n".join(lines), tmp_path) == (None, None)
