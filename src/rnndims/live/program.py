"""Run a user's program in this process as ``python`` would: a file, a folder or zip file, or a module with ``-m``.

The program finds what it would find under ``python``: ``sys.argv``, ``sys.path``, a ``__main__`` module of its own that stays
until the very end, its exceptions and exit code. What runs it is cut off the traceback of an exception that nobody caught.
"""

import builtins
import io
import os
import sys
from _frozen_importlib_external import SourceFileLoader, SourcelessFileLoader  # importlib.machinery, which loads more

TYPE_CHECKING = False
"""True for type checkers. Only what Python has loaded anyway is imported here: a ``random.py`` of the user's is found first."""

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import CodeType, TracebackType
    from typing import Any

_Module = type(sys)
_Code = type((lambda: None).__code__)


class NoProgramError(Exception):
    """There is no such file or module to run; ``python`` would end with the same message and exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def run_file(path: str, arguments: list[str], crashed: "Callable[[BaseException], None]", shown: "Callable[[], None]") -> None:
    """Run a Python file, or a folder or zip file that has a ``__main__.py``.

    Args:
        path: the file, as it was typed.
        arguments: what follows it on the command line.
        crashed: called with an exception that nobody caught, ...
        shown: ... and called when its traceback has been printed.

    Raises:
        NoProgramError: if it cannot be opened, or is a folder without a ``__main__.py``.
        BaseException: what the program raises.
    """
    sys.argv = [path, *arguments]
    if os.path.isdir(path) or _is_archive(path):  # noqa: PTH112 - pathlib is not loaded yet
        folder = os.path.abspath(path)  # noqa: PTH100
        _put_first(folder)
        code, spec = _archive_main(folder)
        _run(code, os.path.join(folder, "__main__.py"), spec, crashed, shown)  # noqa: PTH118
        return
    _put_first(os.path.dirname(os.path.realpath(path)))  # noqa: PTH120
    full = os.path.abspath(path)  # noqa: PTH100
    loader: Any = SourceFileLoader("__main__", full)
    try:
        with io.open_code(full) as file:
            source = file.read()
    except OSError as error:
        raise NoProgramError(f"can't open file {full!r}: [Errno {error.errno}] {error.strerror}", 2) from None
    if path.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", full)
        code = loader.get_code("__main__")
        _run(code, full, None, crashed, shown, loader)
        return
    _run(source, full, None, crashed, shown, loader)


def run_module(
    name: str, arguments: list[str], crashed: "Callable[[BaseException], None]", shown: "Callable[[], None]"
) -> None:
    """Run a module, or the ``__main__`` of a package, as ``python -m`` does.

    Args:
        name: its name, with dots.
        arguments: as for ``run_file``.
        crashed: as for ``run_file``.
        shown: as for ``run_file``.

    Raises:
        NoProgramError: if there is no such module.
        BaseException: what the program raises.
    """
    import runpy

    details: Any = getattr(runpy, "_get_module_details")  # noqa: B009 - what runpy.run_module itself uses; no public name
    failed: Any = getattr(runpy, "_Error")  # noqa: B009
    sys.argv = ["-m", *arguments]
    _put_first(os.getcwd())  # noqa: PTH109
    try:
        _, spec, code = details(name, failed)
    except failed as error:
        raise NoProgramError(str(error), 1) from None
    sys.argv[0] = spec.origin
    _run(code, spec.origin, spec, crashed, shown)


def _put_first(folder: str) -> None:
    """Put the folder where ``python`` puts that of its script, in place of the one that is there now."""
    if getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
        return
    sys.path[0] = folder


def _is_archive(path: str) -> bool:
    """Whether the file is a zip file with a program in it."""
    if not os.path.isfile(path) or path.endswith((".py", ".pyc")):  # noqa: PTH113
        return False
    from pkgutil import get_importer

    return type(get_importer(path)).__name__ == "zipimporter"


def _archive_main(path: str) -> "tuple[CodeType, ModuleSpec]":
    """The code of ``__main__.py`` in a folder or zip file.

    Raises:
        NoProgramError: if it has none.
    """
    from pkgutil import get_importer

    finder: Any = get_importer(path)
    spec = finder.find_spec("__main__") if finder is not None else None
    if spec is None or spec.loader is None:
        raise NoProgramError(f"can't find '__main__' module in {path!r}", 1)
    code: CodeType = spec.loader.get_code("__main__")
    return code, spec


def _run(
    program: "bytes | CodeType",
    file: str,
    spec: "ModuleSpec | None",
    crashed: "Callable[[BaseException], None]",
    shown: "Callable[[], None]",
    loader: "Any" = None,
) -> None:
    """Run the program as ``__main__``; an exception passes on, and ``sys.excepthook`` is made to cut it."""
    main = _Module("__main__")
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    main.__dict__.update(
        __builtins__=builtins,
        __file__=file,
        __cached__=None if spec is None else spec.cached,
        __loader__=loader if spec is None else spec.loader,
        __spec__=spec,
        __package__=None if spec is None else spec.parent,
    )
    sys.modules["__main__"] = main
    try:
        code = program if isinstance(program, _Code) else compile(program, file, "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102 - the program that the user asks to run
    except SystemExit:
        raise
    except BaseException as error:
        crashed(error)
        without_own_frames(error)
        _cut_when_shown(shown)
        raise


def without_own_frames(error: BaseException) -> None:
    """Take the frames of this package out of the traceback, and out of those of the exceptions that led to it."""
    package = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120
    todo: list[BaseException | None] = [error]
    done: set[int] = set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in done:
            continue
        done.add(id(one))
        todo += [one.__cause__, one.__context__]
        kept = []
        entry: TracebackType | None = one.__traceback__
        while entry is not None:
            if not entry.tb_frame.f_code.co_filename.startswith(package):
                kept.append(entry)
            entry = entry.tb_next
        for before, after in zip(kept, [*kept[1:], None]):  # noqa: B905 - as long as each other
            before.tb_next = after
        one.__traceback__ = kept[0] if kept else None


def leave_out_frame(error: BaseException) -> None:
    """Take the frame that catches ``error`` and raises it again off the traceback. Python 3.10 puts it back."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def _show(title: str, error: BaseException) -> None:
    """Write an exception as Python does where a program's own hook fails."""
    if sys.stderr is not None:
        sys.stderr.write(title)
    sys.__excepthook__(type(error), error, error.__traceback__)


def _cut_when_shown(shown: "Callable[[], None]") -> None:
    """Wrap the program's own ``sys.excepthook``: the traceback that it gets is the one that ``python`` would give it."""
    hook = sys.excepthook

    def cut_hook(kind: type[BaseException], error: BaseException, _: "TracebackType | None") -> None:
        without_own_frames(error)
        try:
            hook(kind, error, error.__traceback__)
        except SystemExit:
            raise
        except BaseException as another:  # noqa: BLE001 - Python itself reports it in this way, with this function in it
            without_own_frames(another)
            another.__context__ = None
            _show("Error in sys.excepthook:\n", another)
            _show("\nOriginal exception was:\n", error)
        shown()

    sys.excepthook = cut_hook
