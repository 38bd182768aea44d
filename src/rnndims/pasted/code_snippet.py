"""Pasted Python code as one parsed statement, and the plain values in it: literals, names with a value, arithmetic of both.

``ast`` parses the code; it is never compiled, imported or executed. Every error points at what is wrong.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import ConstructorError, shorten

MAX_CHARACTERS: Final = 4000
"""Characters of the longest code that is read."""

_MAX_DEPTH: Final = 50
"""How deep expressions may be nested."""

_MAX_BITS: Final = 128
"""Bits of the largest number that arithmetic may yield: no size has more than 63."""

_WHOLE_LINE: Final = "Paste the whole line that builds the module, and nothing else."

# What people paste in front of the code:
_PROMPT: Final = re.compile(r"^\s*(>>>|\.\.\.) ?")  # ">>> rnn = nn.RNN(10,", "...               20)"
_LABEL: Final = re.compile(r"^(\(\w+\)|'[\w.]+'|\"[\w.]+\")\s*:(?!=)\s*")  # "(rnn): RNN(10, 20)", "'rnn': nn.RNN(10, 20)"


class _Unknown:
    """The type of ``UNKNOWN``."""


UNKNOWN: Final = _Unknown()
"""The value of an expression that contains a name without a value."""

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
"""What an expression is instead of a plain value, by the class of its node in ``ast``."""


class Snippet:
    """A piece of pasted code: its lines, and its one statement.

    Args:
        code: what was pasted: prompts, a label such as ``(rnn):``, indentation and comments may be around it.

    Raises:
        ConstructorError: where it is too long, is not Python, or is not one statement.
    """

    def __init__(self, code: str) -> None:
        self.lines = _clean(code)
        self.statement = self._parse()

    def error(
        self,
        message: str,
        node: ast.AST,
        *,
        fix: str | None = None,
        field: str | None = None,
        missing: tuple[str, ...] = (),
    ) -> ConstructorError:
        """An error to raise that points at ``node``."""
        line, start, end = self.span(node)
        return ConstructorError(message, line=line, start=start, end=end, fix=fix, field=field, missing=missing)

    def span(self, node: Any) -> tuple[str, int, int]:
        """The line of ``node``, and the characters at which ``node`` begins and ends in it."""
        line = self.lines[node.lineno - 1]
        start = _characters(line, node.col_offset)
        end = _characters(line, node.end_col_offset) if node.end_lineno == node.lineno else len(line)
        return line, start, max(end, start + 1)

    def text(self, node: ast.AST) -> str:
        """The code of ``node``, shortened to one printable line."""
        line, start, end = self.span(node)
        return shorten(line[start:end], 40)

    def _parse(self) -> ast.stmt:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse("\n".join(self.lines)).body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (ValueError, MemoryError, RecursionError) as error:
            raise ConstructorError(f"this cannot be read as Python code: {_reason(error)}", fix=_WHOLE_LINE) from None
        if not body and any(line.strip() for line in self.lines):
            raise ConstructorError("this is only a comment", fix="Remove the # if the code is commented out.")
        if not body:
            raise ConstructorError("this text has no code in it", fix="Write a constructor: nn.RNN(10, 20).")
        if len(body) > 1:
            raise self.error(
                "this is a second statement, and rnndims reads one", body[1], fix="Paste only the line that builds the module."
            )
        return body[0]

    def _syntax_error(self, error: SyntaxError) -> ConstructorError:
        message = f"this cannot be read as Python code: {shorten(error.msg, 100)}"
        number = error.lineno or 0
        if not 1 <= number <= len(self.lines):
            return ConstructorError(message, fix=_WHOLE_LINE)
        line = self.lines[number - 1]
        start = min(max((error.offset or 1) - 1, 0), len(line))
        end = error.end_offset - 1 if error.end_lineno == number and error.end_offset else start + 1
        return ConstructorError(message, line=line, start=start, end=min(max(end, start + 1), len(line)), fix=_WHOLE_LINE)


def _clean(code: str) -> list[str]:
    """The lines of ``code`` without prompts, the label in front of it, and odd spaces."""
    if len(code) > MAX_CHARACTERS:
        raise ConstructorError(
            f"the code has {len(code)} characters, and rnndims reads at most {MAX_CHARACTERS}",
            fix="Paste only the line that builds the module.",
        )
    text = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    lines = text.split("\n")
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = [_PROMPT.sub("", line) for line in lines]
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            lines[number] = _LABEL.sub("", line.lstrip())
            break
    return lines


def _characters(line: str, column: int) -> int:
    """How many characters the first ``column`` UTF-8 bytes of ``line`` are."""
    return column if line.isascii() else len(line.encode()[:column].decode(errors="ignore"))


def _reason(error: BaseException) -> str:
    if isinstance(error, (MemoryError, RecursionError)):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "it is not valid text"
    return shorten(error, 100)


class ValueReader:
    """Reads the plain values in a snippet.

    Args:
        snippet: the code.
        names: the values of names in it.

    Attributes:
        missing: each name that has no value, and its first node.
        used: the keys of ``names`` that occur in the code.
    """

    def __init__(self, snippet: Snippet, names: Mapping[str, Any]) -> None:
        self.snippet = snippet
        self.names = names
        self.missing: dict[str, ast.AST] = {}
        self.used: set[str] = set()

    def read(self, node: ast.AST, depth: int = 0) -> Any:
        """The value at ``node``: an int, float, bool, str or ``None``; ``UNKNOWN`` if a name in it has no value.

        Raises:
            ConstructorError: where it is anything else.
        """
        if depth > _MAX_DEPTH:
            raise self.snippet.error(f"this is nested more than {_MAX_DEPTH} levels deep", node, fix="Write its value.")
        depth += 1
        match node:
            case ast.Constant(value=value) if value is None or type(value) in (int, float, bool, str):
                return self._bounded(value, node)
            case ast.Name() | ast.Attribute() | ast.Subscript() if (path := dotted(node)) is not None:
                return self.named(path, node)
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
            f"{self.snippet.text(node)} {what}, and rnndims runs no code",
            node,
            fix="Write its value there, or write a name and add -D NAME=VALUE.",
        )

    def named(self, path: str, node: ast.AST) -> Any:
        """The value of the name ``path``, which ``names`` has in full (``self.hidden``) or by its last part (``hidden``).

        Returns:
            ``UNKNOWN`` if ``names`` has neither; the name is then added to ``missing``.

        Raises:
            ConstructorError: if the value is no number, bool or text.
        """
        last = path.rpartition("[")[2].strip("]'") if path.endswith("]") else path.rpartition(".")[2]
        for key in (path, last):
            if key in self.names:
                self.used.add(key)
                value = self.names[key]
                if type(value) not in (int, float, bool, str):
                    raise self.snippet.error(
                        f"the value of {shorten(key)} is a {type(value).__name__}, not a number, a bool or a text", node
                    )
                return self._bounded(value, node)
        self.missing.setdefault(path, node)
        return UNKNOWN

    def _number(self, node: ast.AST, depth: int) -> Any:
        value = self.read(node, depth)
        if value is UNKNOWN or isinstance(value, (int, float)):
            return value
        raise self.snippet.error(f"{self.snippet.text(node)} is no number, and rnndims computes only with numbers", node)

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
            raise self.snippet.error(f"{self.snippet.text(node)} is a complex number, and no argument can be one", node)
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
                raise self.snippet.error(f"{self.snippet.text(node)} compares values that have no order", node) from None
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
    """``args.hidden`` or ``config['hidden']`` as ``dotted`` spells the same name in code.

    Raises:
        ConstructorError: where it is no name.
    """
    statement = Snippet(text).statement
    name = dotted(statement.value) if isinstance(statement, ast.Expr) else None
    if name is None:
        raise ConstructorError(f"{shorten(text)} is not a name", fix="Write it like hid_dim=512 or args.hidden_size=512.")
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
    value = ValueReader(snippet, {}).read(statement.value) if isinstance(statement, ast.Expr) else None
    if isinstance(value, (int, float, bool, str)):
        return value
    raise ConstructorError(f"{shorten(text)} is not a number, True, False or a word")
