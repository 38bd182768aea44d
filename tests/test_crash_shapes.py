"""Crashes because of a shape beside an RNN: the cause, the words and the fix, with a recorder and by the exception alone."""

import linecache
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from crash_programs import CRASHES, QUIET, mended

from rnndims.live.crash import explain_crash
from rnndims.live.recorder import Recorder
from rnndims.live.trace_report import TracedProblem

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test in this process may have used torch.compile, after which a program is no longer followed."""
    monkeypatch.setattr("rnndims.live.follower._compiles", lambda: False)


def run(code: str, folder: Path, *, recorded: bool) -> tuple[Exception | None, TracedProblem | None]:
    """Run a program; how it failed, and what is said of it."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    linecache.checkcache(str(path))
    recorder = Recorder() if recorded else None
    if recorder is not None:
        recorder.start(torch)
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(code, str(path), "exec"), names)
    except Exception as error:  # noqa: BLE001 - a program can fail in any way
        return error, explain_crash(error, recorder)
    finally:
        if recorder is not None:
            recorder.stop()
    return None, None


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "exception alone"])
@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_is_explained_and_its_fix_takes_it_away(kind, recorded, tmp_path):
    """The cause, the user's names, and code that runs when it is put into the program's text."""
    crash = CRASHES[kind]
    error, traced = run(crash.code, tmp_path, recorded=recorded)
    assert traced is not None, error
    problem = traced.problem
    words = crash.words.replace(" self.", " ") if recorded and crash.words not in problem.message else crash.words
    assert (problem.cause, problem.fix) == (crash.cause, crash.fix), problem.message
    assert words in problem.message.replace(" self.", " ") or words in problem.message, problem.message
    assert problem.torch
    if problem.fix is None:
        assert problem.advice
    else:
        line = int(traced.at.rpartition(":")[2])
        assert run(mended(crash.code, traced.code, line, problem.fix), tmp_path, recorded=False) == (None, None)


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "exception alone"])
@pytest.mark.parametrize("kind", QUIET)
def test_other_crashes_get_no_word(kind, recorded, tmp_path):
    """Nothing is said of an operation that no RNN has to do with, nor of what the program raises itself."""
    error, traced = run(QUIET[kind], tmp_path, recorded=recorded)
    assert error is not None
    assert traced is None, traced.problem.message


def test_a_real_process_says_the_same(tmp_path):
    """What is found in this process is what the command says of the program."""
    crash = CRASHES["Luong attention, steps first"]
    (tmp_path / "attend.py").write_text(crash.code, encoding="utf-8")
    command = [sys.executable, "-m", "rnndims", "trace", "--quiet", "attend.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert f"fix: {crash.fix}" in " ".join(done.stderr.split())
