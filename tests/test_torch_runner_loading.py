"""Loading PyTorch: quietly, with a message where it is missing or damaged, and ended at once by Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnndims import DataConfig, RNNConfig
from rnndims.errors import MachineError
from rnndims.results import compute_dims
from rnndims.torch_runner import _torch, load_torch, run

LSTM = RNNConfig("lstm", 4, 3)


def test_a_missing_torch_is_a_message_with_the_install_command(monkeypatch):
    """Without torch the error says so, names the command that installs it, and ends in exit code 3."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MachineError, match="not installed") as caught:
        run(compute_dims(LSTM, DataConfig()))
    assert "pip install torch" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("error", [OSError("libc10.so: cannot open"), ImportError("numpy.core"), RuntimeError("no driver")])
def test_a_broken_torch_is_a_message(monkeypatch, error):
    """Whatever importing a damaged torch raises is quoted in a MachineError."""

    def fail(name):
        raise error

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(_torch, "import_module", fail)
    with pytest.raises(MachineError, match="importing it fails") as caught:
        load_torch()
    assert str(error) in str(caught.value)


FAKES = {
    "nothing": ("", "not PyTorch"),
    "missing part": ("import numpy_of_torch\n", "importing it fails: ModuleNotFoundError"),
    "broken library": ("raise OSError('libtorch.so: bad ELF')\n", "importing it fails: OSError: libtorch.so"),
}


@pytest.mark.parametrize("name", FAKES)
def test_what_is_not_torch_is_said_so_by_the_program(tmp_path, name):
    """A package called torch that is none, or is damaged, gives one message, exit code 3 and an empty standard output."""
    source, said = FAKES[name]
    done = program(tmp_path, source)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def fake(folder: Path, source: str) -> dict[str, str]:
    """An environment in which ``import torch`` runs ``source``."""
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(source, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def program(folder: Path, source: str) -> "subprocess.CompletedProcess[str]":
    """``rnndims run`` with such a torch."""
    command = [sys.executable, "-m", "rnndims", "run"]
    return subprocess.run(command, env=fake(folder, source), capture_output=True, text=True, timeout=60, check=False)


SLOW = "import time\nend = time.time() + {}\nwhile time.time() < end:\n    time.sleep(0.01)\nraise OSError('at last')\n"
SWALLOW = """
import time
for turn in range(500):
    try:
        if turn == 1:
            print("x", flush=True)
        time.sleep(0.01)
    except BaseException:
        pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("seconds", "told"), [(0.9, True), (0.0, False)])
def test_a_terminal_is_told_when_loading_takes_long(tmp_path, seconds, told):
    """On a terminal a line says that torch is loading, only if it takes long, and is erased without a trace."""
    import pty

    master, slave = pty.openpty()
    environment = fake(tmp_path, SLOW.format(seconds))
    subprocess.run([sys.executable, "-m", "rnndims", "run"], env=environment, stderr=slave, check=False, timeout=60)
    os.close(slave)
    seen = os.read(master, 4096).decode()
    os.close(master)
    assert ("loading PyTorch" in seen) == told
    assert ("loading PyTorch ...\r\x1b[2K" in seen) == told
    assert seen.rpartition("\x1b[2K")[2].startswith("rnndims: PyTorch is installed")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_while_torch_loads_ends_the_program_at_once(tmp_path):
    """Even where the code being imported swallows every exception, an interrupt ends it with 130, quietly."""
    command = [sys.executable, "-m", "rnndims", "run"]
    process = subprocess.Popen(command, env=fake(tmp_path, SWALLOW), stdout=-1, stderr=-1)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"x"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, err) == (b"", b"")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("command", ["run", "weights", "cell", "concat-demo"])
def test_meta_leaves_nothing_in_the_temporary_directory(tmp_path, command):
    """The device meta, for which PyTorch loads its compiler, makes no folder for the compiler's cache."""
    variables = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    line = [sys.executable, "-m", "rnndims", command, "nn.GRU(3, 4)", "--device", "meta", "--json"]
    environment = {**variables, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)}
    done = subprocess.run(line, capture_output=True, timeout=120, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


LIMITED = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system must enforce a limit of address space")


def limited(megabytes: int, command: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs ``rnndims`` with so much address space."""
    line = f'ulimit -c 0; ulimit -v {megabytes * 1024}; exec "$@"'
    whole = ["bash", "-c", line, "bash", sys.executable, "-m", "rnndims", *command]
    return subprocess.run(whole, env=env, capture_output=True, text=True, timeout=120, check=False)


DEATHS = {
    "abort": "import os\nos.abort()\n",
    "exit": "import os\nos._exit(1)\n",
    "memory": "raise MemoryError\n",
    "system": "raise OSError(12, 'Cannot allocate memory')\n",
    "linker": "raise ImportError('libtorch_cpu.so: failed to map segment from shared object')\n",
    "thread": "nn = None\n",
}


@LIMITED
@pytest.mark.parametrize("death", DEATHS)
def test_too_little_memory_for_torch_is_a_message(tmp_path, death):
    """However a library ends the process where memory ends, the program says so on one line and ends in code 3."""
    done = limited(2000, ["run"], fake(tmp_path, DEATHS[death]))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("rnndims: there is not enough memory for PyTorch within the limit of 2000 MiB")


@LIMITED
@pytest.mark.parametrize("name", FAKES)
def test_what_is_no_torch_is_said_so_under_a_limit_too(tmp_path, name):
    """A package that is none, or is damaged, is not blamed on a limit of memory that is there besides."""
    source, said = FAKES[name]
    done = limited(2000, ["run"], fake(tmp_path, source))
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr


@LIMITED
@pytest.mark.parametrize("megabytes", [60, 200, 400, 450, 500, 600, 700, 1000])
def test_a_limit_of_memory_ends_in_an_answer_or_a_message(megabytes):
    """With so much address space the real PyTorch either answers, or one message says that it cannot."""
    done = limited(megabytes, ["run", "--json"], dict(os.environ))
    assert done.returncode in (0, 3)
    assert bool(done.stdout) == (done.returncode == 0)
    assert ("not enough memory" in done.stderr) == (done.returncode == 3)
    assert "Traceback" not in done.stderr


@LIMITED
def test_without_torch_a_limit_of_memory_is_no_obstacle():
    """The closed form answers with 100 MiB of address space."""
    assert limited(100, ["dims", "--json"], dict(os.environ)).returncode == 0
