"""The only file that imports torch: quietly, quickly, and with a clear message where it is missing."""

import contextlib
import gc
import os
import signal
import sys
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


def load_torch(*, quick: bool = False) -> Any:
    """The ``torch`` module.

    Args:
        quick: for a short-lived process with the terminal to itself. Garbage collection is off while torch is loaded, and
            skips what was loaded afterwards, which halves the time; a line on a terminal says if loading is slow; and Ctrl-C
            ends the process at once with exit code 130.

    Raises:
        MachineError: if torch is not installed, or its installation is broken.
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


@contextlib.contextmanager
def _quick_import() -> Iterator[None]:
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
