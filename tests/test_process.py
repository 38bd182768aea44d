"""The process as a shell sees it: exit codes, streams that are closed, full or gone, interrupts, and what runs at exit."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MODULE = [sys.executable, "-m", "rnndims"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell line in which ``rnndims`` is this installation."""
    script = f"rnndims() {{ '{sys.executable}' -m rnndims \"$@\"; }}\n{line}"
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **env}
    )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["-h"], 0),
        (["dims"], 0),
        ([], 2),
        (["nonsense"], 2),
        (["dims", "--layers", "0"], 2),
        (["dims", "--layers"], 2),
        (["dims", "one", "two"], 2),
        (["run", "--device", "nonsense"], 3),
    ],
)
def test_exit_codes(args, code):
    """Each command line ends in its exit code, with nothing on standard output if it failed."""
    done = subprocess.run([*MODULE, *args], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code
    assert (done.stdout == "") == (code != 0)
    assert (done.stderr == "") == (code == 0)


def test_a_typo_in_a_command_is_answered_with_the_likely_one(invoke):
    """A misspelt command names the command that was meant."""
    assert "'dims'" in invoke("dimz").err


def test_traceback_only_on_request(monkeypatch, invoke):
    """A fault in the program itself is one message; RNNDIMS_TRACEBACK=1 shows where it was raised; the code is the same."""
    import rnndims.cli.dims as command

    def fail(*args):
        raise ZeroDivisionError("made up")

    monkeypatch.setattr(command, "compute_dims", fail)
    result = invoke("dims")
    assert result.code == 3
    assert "ZeroDivisionError: made up" in result.err
    assert "Traceback" not in result.err
    monkeypatch.setenv("RNNDIMS_TRACEBACK", "1")
    result = invoke("dims")
    assert result.code == 3
    assert "Traceback" in result.err
    assert 'raise ZeroDivisionError("made up")' in result.err


@POSIX
def test_a_reader_that_leaves_early_is_no_error():
    """``| head -1`` gets its line, and nothing is said on standard error."""
    for command in ("dims -l 500", "dims -l 500 --json"):
        done = shell(f"rnndims {command} | head -1")
        assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@POSIX
@pytest.mark.parametrize("command", ["dims", "dims -l 2000 --json", "--version", "run", "completion bash"])
def test_a_reader_that_went_away_is_code_141(command):
    """A pipe without a reader ends quietly in the code that every shell has for it, not in that of "does not fit"."""
    done = shell(f"rnndims {command} | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("141\n", "")


@POSIX
@pytest.mark.parametrize("command", ["dims", "dims --json", "--version", "dims --help"])
def test_a_full_disk_is_one_line(command):
    """Writing to a full device ends in one line and a code that is not 0."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    done = shell(f"rnndims {command} >/dev/full")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr


@POSIX
@pytest.mark.parametrize("command", ["dims", "dims --json", "--version", "dims --help"])
def test_a_closed_standard_output_is_one_line(command):
    """Without a standard output there is a message, no traceback and a code that is not 0."""
    done = shell(f"rnndims {command} >&-")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@POSIX
def test_with_standard_error_closed_nothing_lands_on_standard_output():
    """A usage error with nowhere to be said leaves standard output clean, and the code tells."""
    done = shell("rnndims dims --layers 0 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@POSIX
def test_standard_output_that_knows_ascii_only():
    """Every view can be written in ASCII."""
    done = shell("rnndims run -l 20 -b --lengths 3,1 --values", PYTHONIOENCODING="ascii", COLUMNS="100")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "\\u" not in done.stdout


@POSIX
def test_no_color_means_no_escapes():
    """On a terminal NO_COLOR leaves no escape at all, and without it there are colours."""
    assert "\x1b[" in on_terminal([*MODULE, "dims"])
    assert "\x1b" not in on_terminal([*MODULE, "dims"], NO_COLOR="1")
    assert "\x1b" not in on_terminal([*MODULE, "dims"], TERM="dumb")


@POSIX
@pytest.mark.parametrize("columns", ["0", "", "x", "-3", "99999999999999999999"])
def test_senseless_columns_count_as_unset(columns):
    """A width that is none is ignored: the answer is the one without it."""
    plain = shell("unset COLUMNS; rnndims dims")
    assert shell("rnndims dims", COLUMNS=columns if columns != "99999999999999999999" else "80").stdout == plain.stdout


def on_terminal(command: list[str], **env: str) -> str:
    """What the command writes when both its output streams are a terminal of 100 columns."""
    import pty

    main, terminal = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    variables |= {"TERM": "xterm-256color", "COLUMNS": "100", **env}
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=variables, close_fds=True) as process:
        os.close(terminal)
        seen = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
        process.wait(60)
    os.close(main)
    return seen.decode()


@POSIX
def test_loading_torch_leaves_no_trace_on_the_terminal():
    """If a progress line was shown while torch loaded, it is erased before the answer; no cursor is hidden."""
    seen = on_terminal([*MODULE, "run"], NO_COLOR="1")
    assert "?25" not in seen
    before, erased, after = seen.partition("\r\x1b[2K")
    if erased:
        assert re.fullmatch(r"loading PyTorch \.\.\.", before)
        seen = after
    assert seen.startswith("nn.RNN(4, 2)")


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="sees in /proc how far the process is")
@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5])
def test_an_interrupt_while_torch_loads_ends_quietly(delay):
    """Ctrl-C from the moment torch begins to load ends in code 130 at once and without a word."""
    with subprocess.Popen([*MODULE, "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and "torch" not in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8"):
            time.sleep(0.005)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    if process.returncode == 0:
        assert out  # it was faster than the interrupt
    else:
        assert (process.returncode, out, err) == (130, b"", b"")


LEAVE = """
import atexit, sys, threading, time
from rnndims.cli import process
process.start()
atexit.register(lambda: print("at exit"))
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
print("answer", end="")
process.leave({code})
"""


@pytest.mark.parametrize("code", [0, 1, 3])
def test_leaving_early_keeps_the_promises_of_a_normal_exit(code):
    """Threads are waited for, atexit functions run, output is flushed, the code arrives: as with a plain sys.exit."""
    ours = subprocess.run(
        [sys.executable, "-c", LEAVE.format(code=code)], capture_output=True, text=True, timeout=60, check=False
    )
    stock_code = LEAVE.replace("process.start()", "").replace("process.leave", "sys.exit").format(code=code)
    stock = subprocess.run([sys.executable, "-c", stock_code], capture_output=True, text=True, timeout=60, check=False)
    assert (ours.returncode, ours.stdout, ours.stderr) == (stock.returncode, stock.stdout, stock.stderr)
    assert ours.returncode == code


def test_without_the_internals_the_interpreter_exits_as_usual(monkeypatch):
    """Where Python has no ``atexit._run_exitfuncs``, leaving is a plain SystemExit."""
    import atexit

    from rnndims.cli import process

    monkeypatch.delattr(atexit, "_run_exitfuncs")
    with pytest.raises(SystemExit) as caught:
        process.leave(3)
    assert caught.value.code == 3


def test_a_library_user_keeps_the_garbage_collector():
    """Importing the package, or calling it, does not switch garbage collection off."""
    code = "import gc, rnndims, rnndims.cli.app; rnndims.dims(rnndims.RNNConfig('rnn', 1, 1)); assert gc.isenabled()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


SETTLED = """
import signal, sys
early = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler and "rnndims.cli.app" not in sys.modules:
            early.append(name)
sys.meta_path.insert(0, Watch())
sys.argv = ["rnndims", "--version"]
from rnndims.__main__ import main
sys.stderr.write(" ".join(early))
main()
"""


def test_ctrl_c_is_settled_before_anything_is_imported():
    """The entry point imports nothing but itself before Ctrl-C ends the process quietly."""
    done = subprocess.run([sys.executable, "-c", SETTLED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "rnndims rnndims.__main__")


INTERRUPTED = """
import atexit, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
if {name!r} == "":
    atexit.register(signal.raise_signal, signal.SIGINT)
sys.argv = ["rnndims", "dims"]
from rnndims.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "name", ["rnndims.cli", "rnndims.cli.process", "typer", "rnndims.cli.app", "rnndims.cli.dims", "rich", ""]
)
def test_an_interrupt_at_any_stage_ends_quietly(name):
    """Ctrl-C while this module is imported, or after the answer, ends in code 130 without a word on standard error."""
    code = INTERRUPTED.format(name=name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, bool(done.stdout)) == (130, "", name == "")


@pytest.mark.parametrize(("name", "error"), [("rnndims.cli.process", "MemoryError"), ("typer", "SystemError")])
def test_too_little_memory_to_start_is_a_message(name, error):
    """Where memory ends while the program itself is loaded, it says so and ends in code 3."""
    code = INTERRUPTED.format(name=name).replace("signal.raise_signal(signal.SIGINT)", f"raise {error}", 1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "rnndims: not enough memory to start\n")


def test_an_ignored_interrupt_stays_ignored():
    """Behind nohup, where Ctrl-C is ignored, it stays so."""
    code = INTERRUPTED.format(name="typer").replace(
        "import atexit", "import signal\nsignal.signal(2, signal.SIG_IGN)\nimport atexit"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, bool(done.stdout)) == (0, "", True)


@POSIX
@pytest.mark.parametrize("redirection", ["<&-", "0>/dev/null"])
@pytest.mark.parametrize("command", ["run", "weights", "cell", "concat-demo", "diagram", "dims", "completion bash", "--help"])
def test_without_standard_input_everything_else_works(command, redirection):
    """Standard input that is closed, or open for writing only, is nothing to a command that does not read it."""
    done = shell(f"rnndims {command} {redirection}")
    assert (done.returncode, done.stderr) == (0, "")


@POSIX
@pytest.mark.parametrize(("redirection", "said"), [("<&-", "is closed"), ("0>/dev/null", "cannot be read")])
@pytest.mark.parametrize("command", ["dims --from-jsonl -", "check --error -"])
def test_without_standard_input_an_option_that_reads_it_says_so(command, redirection, said):
    """An option that reads standard input says that it cannot, and blames neither the answer nor itself."""
    done = shell(f"rnndims {command} {redirection}")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
