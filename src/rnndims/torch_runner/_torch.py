"""The only file that imports torch: quietly, quickly, and with a clear message where it is missing."""

import contextlib
import gc
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import FrameType
from typing import Any, Final

from ..errors import ExitCode, MachineError, shorten

INSTALL: Final = "Install it with: pip install torch"
"""The way out where torch is missing."""

NOTICE_AFTER: Final = 0.3
"""Seconds after which a line on standard error says that PyTorch is being loaded."""


PLENTY: Final = 16 << 30
"""Bytes of address space within which every build of PyTorch can be loaded; those with CUDA map most of them."""


MARGIN: Final = 64 << 20
"""Bytes that are left to this process where loading was tried in a child: several times what the rest of a command takes."""


def load_torch(*, quick: bool = False) -> Any:
    """The ``torch`` module.

    Args:
        quick: for a short-lived process with the terminal to itself. Garbage collection is off while torch is loaded, and
            skips what was loaded afterwards, which halves the time; a line on a terminal says if loading is slow; and Ctrl-C
            ends the process at once with exit code 130. Under a low limit of memory (``ulimit -v``), loading is tried in a
            child process first.

    Raises:
        MachineError: if torch is not installed, its installation is broken, or there is not enough memory for it.
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        with _quick_import() if quick else contextlib.nullcontext():
            torch = _import()
    return torch


def _import() -> Any:
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy", category=UserWarning)
    try:
        torch = import_module("torch")
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise MachineError("PyTorch is not installed, and this answer needs it", fix=INSTALL) from error
        raise _broken(error) from error
    except Exception as error:  # a damaged library can fail in any way
        if _lacks_memory(error):
            raise _no_memory() from error
        raise _broken(error) from error
    if not hasattr(torch, "nn"):
        where = getattr(torch, "__file__", None) or "a folder called torch"
        raise MachineError(f"`import torch` finds {shorten(where, 200)}, which is not PyTorch", fix=f"Rename it. {INSTALL}")
    return torch


def _broken(error: Exception) -> MachineError:
    return MachineError(
        f"PyTorch is installed, but importing it fails: {type(error).__name__}: {shorten(error, 300)}",
        fix="Install it again with: pip install --force-reinstall torch",
    )


def _no_memory() -> MachineError:
    limit = _memory_limit()
    where = "on this machine" if limit is None else f"within the limit of {limit >> 20} MiB on this process"
    return MachineError(
        f"there is not enough memory for PyTorch {where}",
        fix="Ask for `rnndims dims`, which needs no PyTorch" + ("." if limit is None else ", or raise the limit (ulimit -v)."),
    )


def _lacks_memory(error: Exception) -> bool:
    """Whether this is what Python, the dynamic linker or a C library raises where memory ends."""
    words = ("Cannot allocate memory", "failed to map segment")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def _memory_limit() -> int | None:
    """Bytes of address space and data that this process may have, ``None`` if there is no limit."""
    return min((soft for _, soft, _ in _memory_limits()), default=None)


def _memory_limits() -> list[tuple[int, int, int]]:
    """Each limit of memory on this process: its number in ``resource``, the limit in bytes, and what it may be raised to."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    limits = [(kind, *resource.getrlimit(kind)) for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return [each for each in limits if each[1] != resource.RLIM_INFINITY]


def _try_in_child() -> None:
    """Load torch in a child process, if memory is limited so much that loading it may end this one.

    Libraries in C++ abort the process where memory ends, and OpenBLAS ends it with exit code 1: no ``except`` helps there. How
    much they need differs by version, build and machine, so it is tried. The child also multiplies, which starts the threads,
    and it gets a little less memory than there is: what it can do, this process can do after it.

    Raises:
        MachineError: if the child died, or found no memory.
    """
    limit = _memory_limit()
    if limit is None or limit > PLENTY or not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        lacking = True
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            _lower_limits()
            _import_numpy()
            torch = _import()
            torch.nn.LSTM(1, 1)(torch.ones(1, 1) @ (torch.ones(1, 512) @ torch.ones(512, 512))[:, :1])
            lacking = False
        except MachineError as error:  # what is not there, or is broken, is said by the parent
            lacking = error.fix is not None and "ulimit" in error.fix
        finally:
            os._exit(int(lacking))
    if os.waitpid(child, 0)[1]:
        raise _no_memory()


def _import_numpy() -> None:
    """Load NumPy, which torch does without where its import fails: its libraries take memory too.

    Raises:
        MachineError: if there is not enough.
    """
    try:
        import_module("numpy")
    except Exception as error:  # it is optional, and torch works without it
        if _lacks_memory(error):
            raise _no_memory() from error


def _lower_limits() -> None:
    import resource

    for kind, soft, hard in _memory_limits():
        resource.setrlimit(kind, (max(0, soft - MARGIN), hard))


@contextlib.contextmanager
def _quick_import() -> Iterator[None]:
    _try_in_child()
    # On meta, PyTorch 2.13 loads its compiler, which makes a folder for its cache at once. Nothing is compiled here, and a
    # folder that exists already need not be made.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())
    collecting = gc.isenabled()
    gc.disable()
    notice = _Notice("loading PyTorch ...")
    try:
        with notice, _exit_on_interrupt(notice):
            yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _exit_on_interrupt(notice: "_Notice") -> Iterator[None]:
    """Ctrl-C ends the process: code that is being imported may ignore a ``KeyboardInterrupt`` or print a traceback."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def leave(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        notice.erase()
        os._exit(ExitCode.INTERRUPTED)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Notice:
    """One line on standard error, only on a terminal and only while a slow block runs; it is erased afterwards."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._timer: threading.Timer | None = None
        self._shown = False
        self._over = False

    def __enter__(self) -> "_Notice":
        try:
            terminal = sys.stderr is not None and sys.stderr.isatty()
        except ValueError:  # closed
            terminal = False
        if terminal:
            self._timer = threading.Timer(NOTICE_AFTER, self._show)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join(1)
        self.erase()

    def _show(self) -> None:
        if not self._over:
            self._shown = True
            self._write(self._text)

    def erase(self) -> None:
        self._over = True
        if self._shown:
            self._shown = False
            self._write("\r\x1b[2K")

    @staticmethod
    def _write(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), text.encode("ascii"))
