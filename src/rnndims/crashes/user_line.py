"""The line of the user's own that an exception came through, as code that can be quoted, searched and mended."""

import ast
import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from ..config import RNNConfig
from ..diagnose import Problem
from ..errors import RnndimsError
from ..live.trace_report import TracedProblem
from ..live.user_code import failing_code, is_users, library_folders, place

_PYTHON = str(Path(ast.__file__).parent) + os.sep
"""Where Python's own modules lie, and those that are installed."""


@dataclass(frozen=True, slots=True)
class UserLine:
    """A line of the user's that was running.

    Attributes:
        frame: the frame that it ran in.
        at: file and line: ``model.py:31``.
        code: the part of it that was running.
        expression: the same, parsed; ``None`` where it is no expression.
    """

    frame: FrameType
    at: str
    code: str
    expression: ast.expr | None

    def call_of(self, *names: str) -> ast.Call | None:
        """The call in it of a function or method with one of these names, whatever stands before the last dot."""
        for node in ast.walk(self.expression) if self.expression is not None else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                return node
        return None

    def explained(self, problem: Problem, name: str = "") -> TracedProblem:
        """The problem, at this line."""
        return TracedProblem(self.at, self.code, name, problem)


def user_lines(entries: list[TracebackType]) -> Iterator[UserLine]:
    """The user's lines that a traceback goes through, the innermost first; a program that is installed has none but its own."""
    libraries = library_folders()
    found = [entry for entry in reversed(entries) if is_users(entry.tb_frame, libraries)]
    own = [entry for entry in found if not entry.tb_frame.f_code.co_filename.startswith(_PYTHON)]
    for entry in own or found:
        code, expression = failing_code(entry)
        if expression is None:
            code, expression = _header(code)
        yield UserLine(entry.tb_frame, place(entry.tb_frame.f_code, entry.tb_lineno), code, expression)


def _header(code: str) -> tuple[str, ast.expr | None]:
    """What a loop goes through, for a ``for`` statement; other code as it is."""
    for text in (code, f"{code} pass"):  # with its body, or the line alone
        try:
            statement = ast.parse(text).body[0]
        except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
            continue
        if isinstance(statement, ast.For):
            return ast.unparse(statement.iter), statement.iter
    return code, None


def argument(call: ast.Call | None, position: int, keyword: str) -> ast.expr | None:
    """The code of one argument of a call; ``None`` if it has none, or unpacks what it passes."""
    for at, node in enumerate(call.args if call is not None else ()):
        if isinstance(node, ast.Starred):
            return None
        if at == position:
            return node
    return next((each.value for each in call.keywords if each.arg == keyword), None) if call is not None else None


def with_argument(call: ast.Call, old: ast.expr, new: str) -> str:
    """Code in which ``old``, an argument of the call, is ``new``: an assignment if it is a variable, else the whole call.

    >>> call = ast.parse("self.rnn(x, hidden)").body[0].value
    >>> with_argument(call, call.args[0], "x.float()")
    'x = x.float()'
    """
    if isinstance(old, ast.Name):
        return f"{old.id} = {new}"
    return replaced(call, old, new)


def replaced(whole: ast.expr, old: ast.expr, new: str) -> str:
    """The code of ``whole`` with ``new`` in the place of ``old``, one of its parts."""
    memo: dict[int, Any] = {}
    copied = copy.deepcopy(whole, memo)  # a transformer changes what it goes through, and others still need the parts
    part = memo[id(old)]

    class Put(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return ast.parse(new, mode="eval").body if node is part else self.generic_visit(node)

    return ast.unparse(Put().visit(copied))


def postfix(node: ast.expr, text: str) -> str:
    """``node`` with a method or index behind it, in brackets where Python needs them: ``(a + b).float()``."""
    code = ast.unparse(node)
    return f"{code}{text}" if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else f"({code}){text}"


def recurrent_config(owner: object) -> RNNConfig | None:
    """The configuration of an RNN module; ``None`` of anything else."""
    try:
        return RNNConfig.from_module(owner)
    except (TypeError, ValueError, AttributeError, RnndimsError):
        return None


def recurrent_parts(owner: object) -> dict[str, RNNConfig]:
    """The RNN modules in a model, by their names in it; ``""`` is the model itself."""
    if not hasattr(type(owner), "named_modules"):
        return {}
    try:
        named = list(owner.named_modules())  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - a model that is not complete yet
        return {}
    return {name: config for name, part in named if (config := recurrent_config(part)) is not None}


def values_of(frame: FrameType) -> dict[str, Any]:
    """The variables that a line sees, those of its function before those of its module."""
    return {**frame.f_globals, **frame.f_locals}
