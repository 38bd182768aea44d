"""Pasted Python code as one parsed statement, every complaint pointing at its place.

Code is parsed by ``ast`` and never compiled, imported or executed.
"""

from typing import TYPE_CHECKING, Any, Final

from ..errors import ConstructorError, shorten

if TYPE_CHECKING:
    import ast

MAX_CHARACTERS: Final = 4000


class Snippet:
    """The lines of a piece of code, and its one statement.

    Args:
        code: what was pasted: prompts, a label such as ``(rnn):``, indentation and comments may be around it.

    Raises:
        ConstructorError: where it is too long, is not Python, or is not one statement.
    """

    def __init__(self, code: str) -> None:
        self.lines = _clean(code)
        self.statement = self._parse()

    def error(self, message: str, node: "ast.AST", *, fix: str | None = None, field: str | None = None) -> ConstructorError:
        """An error to raise that points at ``node``."""
        line, start, end = self.place(node)
        return ConstructorError(message, line=line, start=start, end=end, fix=fix, field=field)

    def place(self, node: Any) -> tuple[str, int, int]:
        """The line of ``node``, and where in it ``node`` begins and ends, in characters."""
        line = self.lines[node.lineno - 1]
        start = _characters(line, node.col_offset)
        end = _characters(line, node.end_col_offset) if node.end_lineno == node.lineno else len(line)
        return line, start, max(end, start + 1)

    def text(self, node: "ast.AST") -> str:
        """What stands at ``node``, shortened to one printable line."""
        line, start, end = self.place(node)
        return shorten(line[start:end], 40)

    def _parse(self) -> "ast.stmt":
        import ast
        import warnings

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse("\n".join(self.lines)).body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (ValueError, MemoryError, RecursionError) as error:
            raise ConstructorError(f"this cannot be read as Python code: {_reason(error)}") from None
        if not body and any(line.strip() for line in self.lines):
            raise ConstructorError("there is only a comment in it, no code", fix="Take the # off if it is commented out.")
        if not body:
            raise ConstructorError("there is no code in it", fix="Write a constructor: nn.LSTM(10, 20).")
        if len(body) > 1:
            raise self.error("a second statement", body[1], fix="Give the one line that builds the module.")
        return body[0]

    def _syntax_error(self, error: SyntaxError) -> ConstructorError:
        message = f"this cannot be read as Python code: {shorten(error.msg, 100)}"
        number = error.lineno or 0
        if not 1 <= number <= len(self.lines):
            return ConstructorError(message)
        line = self.lines[number - 1]
        start = min(max((error.offset or 1) - 1, 0), len(line))
        end = error.end_offset - 1 if error.end_lineno == number and error.end_offset else start + 1
        return ConstructorError(message, line=line, start=start, end=min(max(end, start + 1), len(line)))


def _clean(code: str) -> list[str]:
    import re

    if len(code) > MAX_CHARACTERS:
        raise ConstructorError(
            f"this is {len(code)} characters of code, more than {MAX_CHARACTERS}",
            fix="Give the one line that builds the module.",
        )
    text = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    lines = text.split("\n")
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = [re.sub(r"^\s*(>>>|\.\.\.) ?", "", line) for line in lines]
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            lines[number] = re.sub(r"^(\(\w+\)|'[\w.]+'|\"[\w.]+\")\s*:(?!=)\s*", "", line.lstrip())
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
