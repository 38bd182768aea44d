"""Where in the user's own code something happened: file and line, the failing part of the line, what the code calls a value."""

import ast
import linecache
import os
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from inspect import CO_OPTIMIZED
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

from .ipython_shell import cell_name

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def library_folders() -> tuple[str, ...]:
    """Folders whose code is never the user's: torch, and this package."""
    torch = sys.modules.get("torch")
    file = getattr(torch, "__file__", None)
    return (_PACKAGE,) if file is None else (_PACKAGE, str(Path(file).parent) + os.sep)


def is_users(frame: FrameType, libraries: tuple[str, ...]) -> bool:
    """Whether the frame is the user's code: in no library's folder, and not made by Python or torch.fx themselves."""
    return not frame.f_code.co_filename.startswith((*libraries, "<frozen ", "<eval_with_key>"))


def place(code: CodeType, line: int) -> str:
    """``model.py:10``: the file relative to the working directory if it is in it; ``Cell In[2], line 10`` in a notebook."""
    file = code.co_filename
    cell = cell_name(file)
    if cell is not None:
        return f"{cell}, line {line}"
    if not file.startswith("<"):
        try:
            relative = os.path.relpath(file)
        except (ValueError, OSError):  # another drive on Windows; a working directory that is gone
            relative = file
        file = file if relative.startswith(os.pardir) else relative
    return f"{file}:{line}"


def variables(frame: FrameType) -> dict[str, Any]:
    """The variables of a frame that may still be running, by name; nothing is changed by it, and nothing kept alive.

    Before Python 3.13, a function has one dict of its variables, which is made when it is asked for and stays as it is then:
    what the function deletes would live on in it. ``locals()`` is that dict too, so a function that calls it is not asked.
    """
    code = frame.f_code
    if sys.version_info >= (3, 13) or not code.co_flags & CO_OPTIMIZED:
        return dict(frame.f_locals)
    if {"locals", "vars", "dir", "eval", "exec"} & set(code.co_names):
        return {}
    found = dict(frame.f_locals)
    frame.f_locals.clear()
    return found


def let_go(traceback: TracebackType | None) -> None:
    """Empty what reading the variables of a traceback's frames has left in them, see ``variables``."""
    for entry in traceback_frames(traceback):
        variables(entry.tb_frame)


def traceback_frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    """The entries of a traceback, the outermost first."""
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def failing_code(entry: TracebackType) -> tuple[str, ast.expr | None]:
    """The part of the source that was running in a frame, as text and as an expression.

    Python 3.10 does not know the part, and then it is what the whole line computes.
    """
    linecache.lazycache(entry.tb_frame.f_code.co_filename, entry.tb_frame.f_globals)
    text = code_at(entry.tb_frame.f_code, entry.tb_lasti, entry.tb_lineno)
    found = _expression(text)
    if found is None:
        found = _statement_expression(text)
        text = text if found is None else ast.get_source_segment(text, found) or text
    return text, found


def running_statement(entry: TracebackType) -> ast.stmt | None:
    """The simple statement that was running in a frame."""
    return next((node for node in _statements_around(entry) if not hasattr(node, "body")), None)


def running_loop(entry: TracebackType) -> ast.For | ast.While | None:
    """The innermost loop that was running in a frame."""
    around = list(_statements_around(entry))
    functions = [at for at, node in enumerate(around) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = around[functions[-1] if functions else 0 :]
    return next((node for node in reversed(inside) if isinstance(node, ast.For | ast.While)), None)


def _statements_around(entry: TracebackType) -> Iterator[ast.stmt]:
    """All statements that the running line is in, the outermost first."""
    try:
        tree = ast.parse("".join(linecache.getlines(entry.tb_frame.f_code.co_filename, entry.tb_frame.f_globals)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= entry.tb_lineno <= (node.end_lineno or node.lineno):
            yield node


def code_at(code: CodeType, lasti: int, line_number: int) -> str:
    """The part of the source that runs at one instruction; the whole line where Python does not know the part.

    Args:
        code: the code of a frame.
        lasti: the instruction, ``f_lasti`` or ``tb_lasti``.
        line_number: the line.
    """
    line = linecache.getline(code.co_filename, line_number).strip()
    positions = getattr(code, "co_positions", None)
    if positions is not None:
        start, end, column, end_column = next(islice(positions(), lasti // 2, None), (None,) * 4)
        if start is not None and end is not None and column is not None and end_column is not None:
            raw = [linecache.getline(code.co_filename, number).encode() for number in range(start, end + 1)]
            if raw and raw[-1]:
                raw[-1] = raw[-1][:end_column]
                raw[0] = raw[0][column:]
                return b"".join(raw).decode(errors="replace")
    return line


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statement_expression(line: str) -> ast.expr | None:
    """The expression of a simple statement on one line: what is returned, or assigned."""
    try:
        statement = ast.parse(line).body[0]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None
    value = getattr(statement, "value", None)
    return value if isinstance(value, ast.expr) else None


def find_call(expression: ast.expr | None, frame: FrameType, target: object) -> ast.Call | None:
    """The call in ``expression`` whose function is ``target``: ``self.rnn(x)``. Only names and attributes are looked up.

    The frame is one of a traceback: its function has ended, and ``let_go`` follows.
    """
    names = ChainMap(dict(frame.f_locals), frame.f_globals)
    for node in ast.walk(expression) if expression is not None else ():
        if isinstance(node, ast.Call) and bound_to(node.func, names) is target:
            return node
    return None


_SIZES = {
    "N": ("batch_size", "batch", "bs", "bsz", "n_batch", "batch_sz"),
    "L": ("seq_len", "seq_length", "sequence_length", "seqlen", "time_steps", "timesteps", "n_steps"),
    "num_layers": ("num_layers", "n_layers", "nlayers", "layers"),
    "D": ("num_directions", "n_directions", "directions"),
}
_SIZE_OF_WORD = {word: symbol for symbol, words in _SIZES.items() for word in words}


def size_names(text: str, method: str, frame: FrameType, named: Callable[[object, int], str | None]) -> list[str | None]:
    """What the arguments of ``h_n.view(x.size(0), -1)`` say that they are: ``["N", None]``. No code of the user's is run.

    Args:
        text: the code.
        method: ``"view"`` or ``"reshape"``; empty is the answer if the code does not call it once.
        frame: where the code runs.
        named: the symbol of one dim of a tensor, if it is known.
    """
    tree = _expression(text) or _statement_expression(text)
    calls = [
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]
    if not calls or (len(calls) > 1 and calls[0] is not tree):
        return []
    arguments = calls[0].args
    if len(arguments) == 1 and isinstance(arguments[0], (ast.Tuple, ast.List)):
        arguments = arguments[0].elts
    return [_size_name(node, frame, named) for node in arguments]


def _size_name(node: ast.expr, frame: FrameType, named: Callable[[object, int], str | None]) -> str | None:
    if isinstance(node, ast.Name):
        return _SIZE_OF_WORD.get(node.id)
    if isinstance(node, ast.Attribute):
        return _SIZE_OF_WORD.get(node.attr)
    owner, dim = None, None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size" and node.args:
        owner, dim = node.func.value, node.args[0]  # x.size(0)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        owner, dim = node.value.value, node.slice  # x.shape[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
        owner, dim = node.args[0], ast.Constant(0)  # len(x)
    if owner is None or not isinstance(dim, ast.Constant) or type(dim.value) is not int:
        return None
    return named(bound_to(owner, ChainMap(variables(frame), frame.f_globals)), dim.value)


def bound_to(node: ast.expr, names: Mapping[str, Any]) -> object:
    """What a chain of names is bound to: ``self.encoder.rnn``, ``self.layers[0]``; no code of the user's runs for it.

    A property or ``__getattr__`` of the user's own could do anything, so only instance dicts and a module's tables are read.
    """
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        found = plain_dict(bound_to(node.value, names))
        for table in ("_modules", "_parameters", "_buffers"):
            inside = found.get(table)
            if isinstance(inside, dict) and node.attr in inside:
                return inside[node.attr]
        return found.get(node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        modules = plain_dict(bound_to(node.value, names)).get("_modules")
        if isinstance(modules, dict):
            key = node.slice.value
            return list(modules.values())[key] if isinstance(key, int) and key < len(modules) else modules.get(key)
    return None


def plain_dict(owner: object) -> dict[str, Any]:
    """What an object holds itself; nothing of the user's runs for it."""
    try:
        found = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)


def renamed(code: str, names: dict[str, ast.expr]) -> str:
    """Code with the user's expressions in place of names: ``rnn(x.transpose(0, 1))`` -> ``self.rnn(src.transpose(0, 1))``.

    Where a line assigns to such a name and the user's expression cannot be assigned to, the code is left as it is.
    """
    try:
        tree = _Renamer(names).visit(ast.parse(code))
        text = ast.unparse(tree)
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    return text
