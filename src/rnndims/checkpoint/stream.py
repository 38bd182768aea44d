"""A file from a stranger, opened without trust and read in bounded pieces."""

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import FileError

_PIECE: Final = 1 << 16


def open_regular(path: Path) -> BinaryIO:
    """``path`` opened for reading, if it is an ordinary file.

    A FIFO, a device, a socket or a directory is refused before anything could wait for it or read it without end.

    Raises:
        FileError: if it is none, or cannot be opened.
    """
    try:
        _check_regular(path, path.stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise FileError(_reason(error), path=path) from error
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _check_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )
    kind = next((word for test, word in kinds if test(mode)), "no file")
    raise FileError(f"is {kind}, and only an ordinary file is read", path=path)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, OSError):
        return f"cannot be opened: {error.strerror or error}"
    return "is no file name: it has a null character"


class Stream:
    """The bytes of ``file`` from ``begin`` to ``end``, each read at most once and large ones skipped unread."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        self._file = file
        self._next = begin
        self._end = end
        self._buffer = b""
        self._at = 0

    @property
    def position(self) -> int:
        """Place in the file of the next byte."""
        return self._next - len(self._buffer) + self._at

    def part(self, begin: int, size: int) -> "Stream":
        """The ``size`` bytes of the same file from place ``begin`` on."""
        return Stream(self._file, begin, begin + size)

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes.

        Raises:
            FileError: if the file ends before.
        """
        at = self._at
        stop = at + count
        if stop > len(self._buffer):
            self._fill(count)
            at, stop = 0, count
        self._at = stop
        return self._buffer[at:stop]

    def _fill(self, count: int) -> None:
        if self.position + count > self._end:
            raise FileError("ends in the middle: it is truncated or damaged")
        rest = self._buffer[self._at :]
        wanted = min(max(count - len(rest), _PIECE), self._end - self._next)
        self._file.seek(self._next)
        fresh = self._file.read(wanted)
        self._next += len(fresh)
        self._buffer, self._at = rest + fresh, 0
        if len(self._buffer) < count:
            raise FileError("ends in the middle: it is truncated or damaged")

    def skip(self, count: int) -> None:
        """Pass over ``count`` bytes without reading them."""
        position = self.position + count
        if position > self._end:
            raise FileError("ends in the middle: it is truncated or damaged")
        if self._at + count <= len(self._buffer):
            self._at += count
        else:
            self._buffer, self._at, self._next = b"", 0, position

    def line(self, limit: int = 4096) -> bytes:
        """The bytes up to the next newline, without it."""
        while (stop := self._buffer.find(b"\n", self._at)) < 0:
            held = len(self._buffer) - self._at
            if held > limit:
                break
            self._fill(held + 1)
        if stop < 0 or stop - self._at > limit:
            raise FileError("is damaged: a line in its pickle does not end")
        found = self._buffer[self._at : stop]
        self._at = stop + 1
        return found
