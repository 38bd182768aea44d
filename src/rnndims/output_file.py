"""Every file that the program writes: refused before the work if it cannot be written, and then written whole or not at all.

The content goes into a temporary file beside the target. When it is complete, that file gets the target's name.

- A symbolic link stays, and the file that it leads to is written. Vim, Emacs and Git treat links alike, because people make
  them on purpose. (pip replaces the link itself, but pip owns what it replaces.)
- A file that is replaced hands on its permissions and, where the system allows it, its owner and its group. Other hard links
  to it keep the old content.
- Without ``overwrite`` no file loses its content, not even one that another process makes while this one is writing.
- An error, Ctrl-C, or a signal that asks the process to end leaves no temporary file behind. SIGKILL does, and so does a
  signal during a write outside the main thread, where Python allows no handlers.
- When ``write`` returns, the content is on the disk (fsync). The directory is not synced: if the power fails at once, the old
  file may come back, but it is whole.
"""

import errno
import ntpath
import os
import signal
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PureWindowsPath
from types import FrameType
from typing import Any, BinaryIO, Final, TypeAlias

from .errors import FileError, Template, shorten

Content: TypeAlias = "str | bytes | Callable[[BinaryIO], object]"
"""What a file is to hold: text, bytes, or a function that is called with the open file and writes bytes to it."""

InputFile: TypeAlias = "str | os.PathLike[str] | int"
"""A file that the command reads: its path, or its descriptor (0 is standard input)."""

# These and no others: the manual of the GNU C library ("Termination Signals") wants temporary files removed on them, and kept
# on SIGQUIT. SIGBREAK is Ctrl-Break on Windows.
_ENDING: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]

_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

_OTHER_NAME: Final = "Choose another name."
_OVERWRITE: Final = Template("Choose another name, or add {overwrite}.")
_OTHER_DIRECTORY: Final = "Choose another directory."
_NEW_DIRECTORY: Final = "Make that directory first, or choose another one."
_OTHER_DISK: Final = "Choose a directory on another disk."
_MORE_SPACE: Final = "Delete files that you do not need, or choose a directory on another disk."
_REASONS: Final = {
    "EACCES": ("permission is denied", _OTHER_DIRECTORY),
    "EBUSY": ("another program is using it", "Close that program, or choose another name."),
    "EDQUOT": ("your disk quota is used up", _MORE_SPACE),
    "EEXIST": ("another program has made a file of this name meanwhile", _OVERWRITE),
    "EFBIG": ("it is larger than a file is allowed to be here", "Raise the limit (ulimit -f), or choose another disk."),
    "EILSEQ": ("its name has characters that this disk does not allow", _OTHER_NAME),
    "EIO": ("the disk reports an error", _OTHER_DISK),
    "ELOOP": ("its symbolic links lead in a circle", _OTHER_NAME),
    "ENAMETOOLONG": ("its name is too long", "Choose a shorter name."),
    "ENOENT": ("its directory does not exist", _NEW_DIRECTORY),
    "ENOSPC": ("the disk is full", _MORE_SPACE),
    "ENOTDIR": ("a part of its path is a file, not a directory", _OTHER_DIRECTORY),
    "EPERM": ("the system does not allow it", _OTHER_DIRECTORY),
    "EROFS": ("the disk is read-only", _OTHER_DISK),
}
"""For the errors of the system that users meet: what has happened, and the way out."""


class OutputFile:
    """A file that is going to be written. Make the object before any long work: it is checked here, and again when written.

    The check does not open the target, so a FIFO cannot block it. It makes an empty file in the directory and removes it:
    nothing else tells whether access lists, quotas and mounts allow one.

    Args:
        path: its path as the user typed it (``-`` has no meaning of its own here).
        suffixes: suffixes that it may have, in lower case and with the dot; all suffixes are allowed if there are none.
        overwrite: whether a file that exists may be replaced.
        inputs: files that the command reads, none of which is ever replaced. Where the command reads a directory or an index,
            name the files in it as well.

    Raises:
        FileError: if it cannot be written, or if that would destroy what must not be destroyed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        suffixes: Sequence[str] = (),
        overwrite: bool = False,
        inputs: Iterable[InputFile] = (),
    ) -> None:
        self.path = os.fspath(path)
        self.overwrite = overwrite
        self._suffixes = tuple(suffixes)
        self._inputs = list(inputs)
        target, _ = self._check()
        try:
            with _temporary_file(_name_beside(target), 0o600) as (descriptor, _):
                os.close(descriptor)
        except OSError as error:
            # The directory is there. ENOENT is what /proc says where no file can be made.
            reason, fix = _REASONS["EPERM"] if isinstance(error, FileNotFoundError) else _explain(error)
            raise self._error(f"cannot be written: no file can be made in its directory, because {reason}", fix) from error

    @property
    def suffix(self) -> str:
        """Its suffix in lower case, with the dot; empty if it has none."""
        return PurePath(self.path).suffix.lower()

    def refuse_inputs(self, inputs: Iterable[InputFile]) -> None:
        """Never replace these files either: for a caller that learns on its way which files it reads.

        Raises:
            FileError: if it is one of them.
        """
        self._inputs += inputs
        self._check()

    def write(self, content: Content) -> None:
        """Write it, whole or not at all.

        Args:
            content: text is written as UTF-8; its line ends stay as they are, and what UTF-8 cannot say is escaped as on the
                standard streams.

        Raises:
            FileError: if it cannot be written; what was there before is then unchanged. Errors of a content function that do
                not come from this file are passed on.
        """
        target, old = self._check()
        temporary = _name_beside(target)
        try:
            with _temporary_file(temporary, 0o666 if old is None else 0o600) as (descriptor, made):
                with os.fdopen(descriptor, "wb") as file:
                    if old is not None:
                        _hand_on(old, descriptor)
                    if callable(content):
                        content(file)
                    else:
                        file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
                    file.flush()
                    _sync(descriptor)
                if self.overwrite:
                    temporary.replace(target)
                else:
                    _rename_to_new(temporary, target, made)
        except OSError as error:
            if error.filename is not None and str(error.filename) not in (str(temporary), str(target)):
                raise
            reason, fix = _explain(error)
            outcome = "Nothing was written" if old is None else "The old file is unchanged"
            raise self._error(f"cannot be written: {reason}. {outcome}.", fix) from error

    def _check(self) -> tuple[Path, os.stat_result | None]:
        """The real target behind symbolic links, and what the system says about it if it exists.

        Raises:
            FileError: if it must not be written as things are now.
        """
        if self._suffixes and self.suffix not in self._suffixes:
            raise self._error(f"must end in {_any_of(self._suffixes)}")
        if not self.path or self.path.endswith(("/", os.sep)):
            raise self._error("does not name a file", "Add the name of a file to it.")
        if os.name == "nt" and reserved_on_windows(self.path):
            raise self._error("is a name that Windows keeps for itself", _OTHER_NAME)
        try:
            target = Path(os.path.realpath(self.path))
            old = _status(Path(self.path))  # and not of the target: a pipe behind /dev/stdout has no path of its own
        except OSError as error:
            reason, fix = _explain(error)
            raise self._error(f"cannot be written: {reason}", fix) from error
        except ValueError as error:  # a null character, or a character that the encoding of file names does not have
            raise self._error("has a character that no file name can have here", _OTHER_NAME) from error
        if old is not None:
            self._check_old(target, old)
        elif not target.parent.is_dir():
            raise self._error(f"cannot be written: the directory {shorten(target.parent, 200)} does not exist", _NEW_DIRECTORY)
        return target, old

    def _check_old(self, target: Path, old: os.stat_result) -> None:
        if stat.S_ISDIR(old.st_mode):
            raise self._error("is a directory", "Add the name of a file to it.")
        if not stat.S_ISREG(old.st_mode):
            kind = _KINDS.get(stat.S_IFMT(old.st_mode), "something else")
            raise self._error(f"is {kind}, not an ordinary file", _OTHER_NAME)
        for path in self._inputs:
            with suppress(OSError, ValueError):
                if os.path.samestat(os.stat(path), old):  # noqa: PTH116
                    name = "standard input" if path == 0 else shorten(path, 200)
                    raise self._error(f"is the same file as {name}, which this command uses", _OTHER_NAME)
        if not self.overwrite:
            raise self._error("exists already", _OVERWRITE)
        # The bits also stop root, whom access() always lets through: somebody has protected this file on purpose.
        if not old.st_mode & 0o222 or not os.access(target, os.W_OK):
            raise self._error("is read-only", "Make it writable, or choose another name.")

    def _error(self, message: str, fix: str | None = None) -> FileError:
        return FileError(message, path=self.path, fix=fix)


def reserved_on_windows(path: str) -> bool:
    """Whether Windows would open a device or refuse the name: ``NUL``, ``con.txt``.

    >>> reserved_on_windows("NUL"), reserved_on_windows("null.svg")
    (True, False)
    """
    if hasattr(ntpath, "isreserved"):  # Python 3.13 and later, where the method of PureWindowsPath is deprecated
        return bool(ntpath.isreserved(path))
    return PureWindowsPath(path).is_reserved()


def _any_of(suffixes: Sequence[str]) -> str:
    *first, last = suffixes
    return f"{', '.join(first)} or {last}" if first else last


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _explain(error: OSError) -> tuple[str, str | None]:
    """What has happened, in words that can follow "because"; and the way out."""
    in_use = getattr(error, "winerror", None) == 32  # Windows: ERROR_SHARING_VIOLATION, which Python reports as EACCES
    known = _REASONS.get("EBUSY" if in_use else errno.errorcode.get(error.errno or 0, ""))
    return known or (error.strerror or str(error), None)


def _name_beside(target: Path) -> Path:
    """A name in the same directory that nothing else has: a name can move to another only on one disk."""
    return target.with_name(f".rnndims-{os.urandom(8).hex()}")


@contextmanager
def _temporary_file(path: Path, mode: int) -> Iterator[tuple[int, list[Path]]]:
    """A new file, open for writing; also the list of files that are removed at the end, or if a signal ends the process."""
    made = [path]  # before it exists: a signal may come at any moment

    def remove() -> None:
        for name in made:
            with suppress(OSError):
                name.unlink()

    with _before_the_end(remove):
        try:
            # The system applies the umask or the directory's default access list to the mode.
            yield os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), made
        finally:
            remove()


@contextmanager
def _before_the_end(remove: Callable[[], None]) -> Iterator[None]:
    """Calls ``remove`` if a signal ends the process while the block runs. The signal then does what it would have done.

    Only signals that end the process, or raise ``KeyboardInterrupt``, get another handler here. Ignored ones stay ignored, and
    a handler of the program's own either returns, and the block goes on, or raises, and the block ends.
    """
    before: dict[int, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        remove()
        signal.signal(number, before[number])
        if callable(before[number]):
            before[number](number, frame)
        else:
            signal.raise_signal(number)

    try:
        with suppress(ValueError):  # not the main thread
            for number in _ENDING:
                before[number] = signal.getsignal(number)
                if before[number] in (signal.SIG_DFL, signal.default_int_handler):
                    signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def _hand_on(old: os.stat_result, descriptor: int) -> None:
    """Give the new file the group, the owner and the permissions of the old one, as far as the system allows it."""
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, -1, old.st_gid)
        with suppress(OSError):
            os.fchown(descriptor, old.st_uid, -1)
        with suppress(OSError):
            os.fchmod(descriptor, old.st_mode & 0o777)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network and virtual disks have no such thing
        if errno.errorcode.get(error.errno or 0) not in ("EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"):
            raise


def _rename_to_new(temporary: Path, target: Path, made: list[Path]) -> None:
    """Give ``temporary`` the name ``target``, which no file may have yet: a rename would replace such a file.

    Raises:
        FileExistsError: if one has it.
    """
    try:
        target.hardlink_to(temporary)
    except (OSError, NotImplementedError):  # the name exists; or this disk, or this system, has no hard links
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        made.append(target)  # it is empty as yet
        temporary.replace(target)
        made.remove(target)
