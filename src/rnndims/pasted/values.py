"""The plain values in pasted code: literals, names that were given, and arithmetic of both."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import ConstructorError, shorten
from .code_snippet import Snippet

_MAX_DEPTH: Final = 50
_MAX_BITS: Final = 128


class _Unknown:
    """The type of ``UNKNOWN``."""


UNKNOWN: Final = _Unknown()
"""The value of an expression with a name in it that nobody gave."""

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "FloorDiv": operator.floordiv,
    "Div": operator.truediv,
    "Mod": operator.mod,
    "Pow": operator.pow,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}
_NOT_PLAIN: Final = {
    "Call": "is a call",
    "JoinedStr": "is an f-string",
    "TemplateStr": "is a template string",
    "Lambda": "is a lambda",
    "NamedExpr": "is an assignment",
    "Starred": "is an unpacked sequence",
}


class Reader:
    """Reads values: literals, names that were given, and arithmetic of both.

    Args:
        snippet: where the code stands.
        names: what names stand for.

    Attributes:
        missing: each name that nobody gave, and where it stands first.
        used: the keys of ``names`` that the code asked for.
    """

    def __init__(self, snippet: Snippet, names: Mapping[str, Any]) -> None:
        self.snippet = snippet
        self.names = names
        self.missing: dict[str, ast.AST] = {}
        self.used: set[str] = set()

    def read(self, node: ast.AST, depth: int = 0) -> Any:
        """The value at ``node``: an int, float, bool, str or ``None``; ``UNKNOWN`` if a name in it is missing.

        Raises:
            ConstructorError: where it is anything else.
        """
        if depth > _MAX_DEPTH:
            raise self.snippet.error("this is nested too deeply", node)
        depth += 1
        match node:
            case ast.Constant(value=value) if value is None or type(value) in (int, float, bool, str):
                return self._bounded(value, node)
            case ast.Name() | ast.Attribute() | ast.Subscript() if (path := dotted(node)) is not None:
                return self.name(path, node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self.read(operand, depth)
                return UNKNOWN if value is UNKNOWN else not value
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                value = self._number(operand, depth)
                return UNKNOWN if value is UNKNOWN else -value if isinstance(sign, ast.USub) else +value
            case ast.BinOp(op=op) if type(op).__name__ in _OPERATORS:
                return self._arithmetic(node, depth)
            case ast.Compare():
                return self._compare(node, depth)
            case ast.BoolOp(op=op, values=nodes):
                values = [self.read(each, depth) for each in nodes]
                if any(value is UNKNOWN for value in values):
                    return UNKNOWN
                stops = isinstance(op, ast.Or)
                return next((value for value in values if bool(value) is stops), values[-1])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = self.read(test, depth)
                if condition is not UNKNOWN:
                    return self.read(body if condition else orelse, depth)
                self.read(body, depth)
                self.read(orelse, depth)
                return UNKNOWN
        what = _NOT_PLAIN.get(type(node).__name__, "is not a plain value")
        raise self.snippet.error(
            f"{self.snippet.text(node)} {what}, and nothing is evaluated here",
            node,
            fix="Write its value, or a name and give that: -D NAME=VALUE.",
        )

    def name(self, path: str, node: ast.AST) -> Any:
        """What the name ``path`` stands for: given in full (``self.hidden``) or by its last part (``hidden``)."""
        last = path.rpartition("[")[2].strip("]'") if path.endswith("]") else path.rpartition(".")[2]
        for key in (path, last):
            if key in self.names:
                self.used.add(key)
                value = self.names[key]
                if type(value) not in (int, float, bool, str):
                    raise self.snippet.error(f"{shorten(key)} is given as a {type(value).__name__}, not as a plain value", node)
                return self._bounded(value, node)
        self.missing.setdefault(path, node)
        return UNKNOWN

    def _number(self, node: ast.AST, depth: int) -> Any:
        value = self.read(node, depth)
        if value is UNKNOWN or isinstance(value, (int, float)):
            return value
        raise self.snippet.error(f"{self.snippet.text(node)} is no number to compute with", node)

    def _arithmetic(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self._number(node.left, depth), self._number(node.right, depth)
        if left is UNKNOWN or right is UNKNOWN:
            return UNKNOWN
        operation = type(node.op).__name__
        if operation == "Pow" and abs(right) > _MAX_BITS:
            raise self._too_large(node)
        try:
            value = _OPERATORS[operation](left, right)
        except (ArithmeticError, ValueError) as error:
            raise self.snippet.error(f"{self.snippet.text(node)} has no value: {error}", node) from None
        if isinstance(value, complex):
            raise self.snippet.error(f"{self.snippet.text(node)} is a complex number", node)
        return self._bounded(value, node)

    def _compare(self, node: ast.Compare, depth: int) -> Any:
        operands = [self.read(each, depth) for each in (node.left, *node.comparators)]
        if any(value is UNKNOWN for value in operands):
            return UNKNOWN
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            compare = _COMPARISONS.get(type(op).__name__)
            try:
                if compare is None:
                    raise TypeError
                if not compare(left, right):
                    return False
            except TypeError:
                raise self.snippet.error(f"{self.snippet.text(node)} is no comparison of numbers", node) from None
        return True

    def _bounded(self, value: Any, node: ast.AST) -> Any:
        if type(value) is int and value.bit_length() > _MAX_BITS:
            raise self._too_large(node)
        return value

    def _too_large(self, node: ast.AST) -> ConstructorError:
        return self.snippet.error(f"{self.snippet.text(node)} is too large for a size", node)


def dotted(node: ast.AST) -> str | None:
    """``self.hidden`` or ``config['hidden']`` for such a chain of names, ``None`` for anything else."""
    parts: list[str] = []
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=node, attr=attr):
                parts.append(f".{attr}")
            case ast.Subscript(value=node, slice=ast.Constant(value=str(key))) if key.isidentifier():
                parts.append(f"['{key}']")
            case ast.Subscript(value=node, slice=ast.Constant(value=int(key))) if 0 <= key < 1000:
                parts.append(f"[{int(key)}]")
            case ast.Subscript(value=node, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(key)))) if (
                key < 1000
            ):
                parts.append(f"[-{int(key)}]")
            case _:
                return None
        if len(parts) > _MAX_DEPTH:
            return None
    return node.id + "".join(reversed(parts))


def parse_name(text: str) -> str:
    """``args.hidden`` or ``config['hidden']`` in the spelling that ``dotted`` gives the same name in code.

    Raises:
        ConstructorError: where it is no name.
    """
    statement = Snippet(text).statement
    name = dotted(statement.value) if isinstance(statement, ast.Expr) else None
    if name is None:
        raise ConstructorError(f"{shorten(text)}: is not a name", fix="Write it like hid_dim=512 or args.hidden_size=512.")
    return name


def parse_word(text: str) -> int | float | bool | str:
    """A number (or arithmetic of numbers), ``True``, ``False``, or a word such as ``relu``, ``float16`` or ``cuda:0``.

    Raises:
        ConstructorError: where it is anything else.
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text != "None" and text[0].isalpha() and text.isascii() and all(c.isalnum() or c in "_.:" for c in text):
        return text
    snippet = Snippet(text)
    statement = snippet.statement
    value = Reader(snippet, {}).read(statement.value) if isinstance(statement, ast.Expr) else None
    if isinstance(value, (int, float, bool, str)):
        return value
    raise ConstructorError(f"{shorten(text)}: is not a number, True, False or a word")
