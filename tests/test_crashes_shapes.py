"""Crashes because of a shape beside an RNN: the cause, the words and the fix, with a recorder and by the exception alone."""

import linecache
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from shape_crash_programs import CRASHES, PLACED, QUIET, mended

from rnndims.crashes.exception_chain import explain_chain
from rnndims.live.recorder import Recorder
from rnndims.live.trace_report import TracedProblem

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("nothing_is_compiled")]

EXPLAINED = {**CRASHES, **(PLACED if sys.version_info >= (3, 11) else {})}


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
        return error, next((found for _, found in explain_chain(error, recorder)), None)
    finally:
        if recorder is not None:
            recorder.stop()
    return None, None


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "exception alone"])
@pytest.mark.parametrize("kind", EXPLAINED)
def test_a_crash_is_explained_and_its_fix_takes_it_away(kind, recorded, tmp_path):
    """The cause, the user's names, and code that runs when it is put into the program's text."""
    crash = EXPLAINED[kind]
    error, traced = run(crash.code, tmp_path, recorded=recorded)
    assert traced is not None, error
    problem = traced.problem
    words = crash.words.replace(" self.", " ") if recorded and crash.words not in problem.message else crash.words
    assert problem.cause == crash.cause, problem.message
    if sys.version_info >= (3, 11):
        assert problem.fix == crash.fix
    else:  # Python 3.10 does not know which part of a line failed: the fix is the whole expression
        assert (crash.fix or "") in (problem.fix or "")
    assert words in problem.message.replace(" self.", " ") or words in problem.message, problem.message
    # of lengths beyond the steps PyTorch says nothing that helps, and of a tuple what Python says
    assert problem.torch or problem.cause in ("packed_lengths", "lstm_tuple_expected")
    if problem.fix is None:
        assert problem.advice
    else:
        line = int(traced.at.rpartition(":")[2])
        fixed = mended(crash.code, traced.code, line, problem.fix, before_loop="before the loop" in (problem.advice or ""))
        assert run(fixed, tmp_path, recorded=False) == (None, None)


@pytest.mark.parametrize("kind", list(CRASHES)[::4])
def test_a_line_is_enough(kind, tmp_path, monkeypatch):
    """Where Python does not say which part of a line failed, the same cause is found, and the fix is of the whole line."""

    def line_of(code, _, number):
        return linecache.getline(code.co_filename, number).strip()

    monkeypatch.setattr("rnndims.live.user_code.code_at", line_of)
    crash = CRASHES[kind]
    _, traced = run(crash.code, tmp_path, recorded=False)
    assert traced is not None
    assert traced.problem.cause == crash.cause
    assert (crash.fix or "") in (traced.problem.fix or "")


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "exception alone"])
@pytest.mark.parametrize("kind", QUIET)
def test_other_crashes_get_no_word(kind, recorded, tmp_path):
    """Nothing is said of an operation that no RNN has to do with, nor of what the program raises itself."""
    error, traced = run(QUIET[kind], tmp_path, recorded=recorded)
    assert error is not None
    assert traced is None, traced.problem.message


def test_a_program_of_two_files_in_a_process_of_its_own(tmp_path):
    """What is found in this process is what the command says of a program, whose model stands in another file."""
    crash = CRASHES["Luong attention, steps first"]
    model, _, use = crash.code.partition("net = Net()")
    (tmp_path / "attention_model.py").write_text(model, encoding="utf-8")
    script = f"import torch\nfrom attention_model import Net\n\nnet = Net(){use}"
    (tmp_path / "attend.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "-m", "rnndims", "trace", "--quiet", "attend.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert f"fix: {crash.fix}" in " ".join(done.stderr.split())
    assert "rnndims: attention_model.py:" in done.stderr


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "exception alone"])
def test_a_function_that_asks_for_its_own_variables_is_explained_in_its_names(recorded, tmp_path):
    """A fix has the user's names in a function too that calls ``locals`` or ``vars``, as each test with an assertion does."""
    code = """
        import torch
        from torch import nn

        def main(words):
            lstm, h_0 = nn.LSTM(10, 20), torch.zeros(1, 3, 20)
            print(len(locals()), end="")
            return lstm(words, h_0)

        main(torch.zeros(5, 3, 10))
    """
    _, traced = run(textwrap.dedent(code), tmp_path, recorded=recorded)
    assert traced is not None
    assert traced.problem.fix == "lstm(words, (h_0, torch.zeros_like(h_0)))"


def test_a_module_of_a_loop_is_not_assigned_to(tmp_path):
    """For a module that a loop takes out of a list, the fix is how to build it: the loop's variable is no place for it."""
    code = """
        import torch
        from torch import nn

        layers = nn.ModuleList(nn.GRU(size, 32, bidirectional=True) for size in (16, 32))
        x = torch.zeros(5, 3, 16)
        for layer in layers:
            x, _ = layer(x)
    """
    _, traced = run(textwrap.dedent(code), tmp_path, recorded=False)
    assert traced is not None
    assert traced.problem.fix == "nn.GRU(64, 32, bidirectional=True)"
