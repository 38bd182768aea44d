"""Every error that rnndims raises on purpose, and its exit code.

An error carries data (the argument, its value, the rule, the way out); the command line turns it into one message.
"""

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Final

_BRACES: Final = re.compile(r"\{([a-z0-9_]*)\}")
"""A field or a value in a template: ``{hidden_size}``, ``{}``."""


class ExitCode(IntEnum):
    """What the process returns to the shell."""

    OK = 0
    DOES_NOT_FIT = 1
    USAGE = 2
    MACHINE = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Field(str):
    """The name of a field, as a value of a ``Template``."""

    __slots__ = ()


class Template(str):
    """A rule or a fix that names fields: the command line says ``--hidden-size`` where Python says ``hidden_size``.

    Only the pattern, a constant, is searched for braces. A value is put in as it is, whatever braces it has, so nothing that
    a user typed is ever a template; nor is any other string.

    Args:
        pattern: ``{hidden_size}`` in it is a field, ``{}`` the next of the values.
        values: text, numbers, or ``Field("hidden_size")`` where the program decides which field it is.

    >>> text = Template("must be smaller than {hidden_size} {}", "{bias}")
    >>> str(text), text.named(lambda field: f"--{field}")
    ('must be smaller than hidden_size {bias}', 'must be smaller than --hidden_size {bias}')
    """

    _parts: tuple[str, ...]

    def __new__(cls, pattern: str, *values: object) -> "Template":
        """Put the values into the pattern."""
        # Text and names in turn: ["must be smaller than ", "hidden_size", " ", "", ""].
        pieces, rest = _BRACES.split(pattern), iter(values)
        parts: list[str] = []
        for at, piece in enumerate(pieces):
            value = next(rest) if at % 2 and not piece else Field(piece) if at % 2 else piece
            parts.append(value if isinstance(value, str) else str(value))
        made = super().__new__(cls, "".join(parts))
        made._parts = tuple(parts)
        return made

    def named(self, name: Callable[[str], str]) -> str:
        """The text with the user's word for each field."""
        return "".join(name(part) if isinstance(part, Field) else part for part in self._parts)


class RnndimsError(Exception):
    """Root of all errors raised on purpose.

    Args:
        message: what is wrong and which rule says so, in one sentence.
        fix: what to do instead, if it is known.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def render(self, name: Callable[[str], str] = str) -> str:
        """The message and the way out as one text; ``name`` turns a field (`hidden_size`) into the user's word for it."""
        return self._with_fix(self.message, name)

    def _with_fix(self, text: str, name: Callable[[str], str]) -> str:
        return text if self.fix is None else f"{text}\n{_named(self.fix, name)}"

    def __str__(self) -> str:
        return self.render()


class ConfigError(RnndimsError, ValueError):
    """An argument has a value that a rule forbids.

    ``rule`` and ``fix`` name other fields by a ``Template``.

    Args:
        field: the field's name, PyTorch's own word.
        value: its value.
        rule: the rule that it breaks, without a full stop.
        torch: the phrase of PyTorch's own error for it, if PyTorch has one.
        fix: the way out.
    """

    def __init__(self, field: str, value: object, rule: str, *, torch: str | None = None, fix: str | None = None) -> None:
        self.field = field
        self.value = value
        self.rule = rule
        self.torch = torch
        super().__init__(rule, fix=fix)

    def render(self, name: Callable[[str], str] = str) -> str:
        """``field value: rule (torch: "...")``, and the way out on a line of its own."""
        text = f"{_stated(name(self.field), self.value)}: {_named(self.rule, name)}"
        if self.torch is not None:
            text += f' (torch: "{self.torch}")'
        return self._with_fix(text, name)


class ConstructorError(RnndimsError, ValueError):
    """Pasted code that is not one constructor call with plain values, or that PyTorch would refuse.

    Args:
        message: what is wrong.
        line: the line of code, as it was pasted.
        start: where the guilty part begins in ``line``, in characters.
        end: where it ends (exclusive).
        fix: the way out.
        field: the argument, by PyTorch's name, if it is one.
        missing: the names that have no value, if that is what is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        line: str = "",
        start: int = 0,
        end: int = 0,
        fix: str | None = None,
        field: str | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        self.line = line
        self.start = start
        self.end = end
        self.field = field
        self.missing = missing
        super().__init__(message, fix=fix)

    def render(self, name: Callable[[str], str] = str) -> str:
        """The message, the line with carets under the guilty part, and the way out."""
        text = f"{self.message}\n{point_at(self.line, self.start, self.end)}" if self.line else self.message
        return self._with_fix(text, name)


class FileError(RnndimsError):
    """A file that cannot be read or written, or that is not safe to read.

    Args:
        message: what is wrong with it, a sentence whose subject is the file.
        path: the file; readers of its parts may leave it to their caller.
        fix: the way out.
    """

    def __init__(self, message: str, *, path: object = None, fix: str | None = None) -> None:
        self.path = path
        super().__init__(message, fix=fix)

    def render(self, name: Callable[[str], str] = str) -> str:
        """``path: message``, and the way out on a line of its own."""
        text = self.message if self.path is None else f"{shorten(self.path, 200)}: {self.message}"
        return self._with_fix(text, name)


class _FieldError(RnndimsError):
    """An error that may be about one argument.

    Args:
        message: what is wrong.
        fix: the way out; a ``Template`` where it names fields.
        field: the argument that it is about, if it is one, ...
        value: ... and its value: both are put in front of the message.
    """

    def __init__(self, message: str, *, fix: str | None = None, field: str | None = None, value: object = None) -> None:
        self.field = field
        self.value = value
        super().__init__(message, fix=fix)

    def render(self, name: Callable[[str], str] = str) -> str:
        """``field value: message``, and the way out on a line of its own."""
        text = self.message if self.field is None else f"{_stated(name(self.field), self.value)}: {self.message}"
        return self._with_fix(text, name)


class DoesNotFitError(_FieldError):
    """What the user brings does not fit the module: the question is sound, and this is the answer."""

    exit_code = ExitCode.DOES_NOT_FIT


class MachineError(_FieldError):
    """The question is sound, but this machine cannot answer it (no torch, no such device, not enough memory)."""

    exit_code = ExitCode.MACHINE


def shorten(value: object, limit: int = 60) -> str:
    """``value`` as one printable line of at most ``limit`` characters: control characters escaped, the middle left out."""
    try:
        text = str(value)
    except ValueError:  # an int with more digits than Python agrees to print
        text = "(a number of thousands of digits)"
    except Exception:  # noqa: BLE001 - an object of the user's may raise anything, and an error must be said all the same
        text = f"(a {type(value).__name__} that cannot be printed)"
    if len(text) > 2 * limit:  # escapes are no shorter: what is between the ends does not show, and may be long
        text = text[:limit] + text[-limit:]
    text = escape(text)
    if len(text) > limit:
        half = (limit - 3) // 2
        text = f"{text[:half]}...{text[-half:]}"
    return text or "''"


def escape(text: str) -> str:
    """``text`` with everything that could control a terminal (newlines, colours, direction marks) written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def point_at(line: str, start: int, end: int, width: int = 72) -> str:
    """``line`` and, below it, carets under ``line[start:end]``: two lines of at most ``width`` columns, indented by two.

    Whatever is not plain ASCII is escaped, so a column is a character in every terminal, font and encoding.
    """
    shown = [" " if c == "\t" else c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in line]
    before, marked, after = ("".join(part) for part in (shown[:start], shown[start:end], shown[max(start, end) :]))
    if len(before) + len(marked) + len(after) > width:
        if len(marked) > width // 2:
            marked, after = marked[: width // 2], "..."
        if len(before) > width // 3:
            before = "..." + before[3 - width // 3 :]
        room = width - len(before) - len(marked)
        after = after if len(after) <= room else after[: room - 3] + "..."
    return f"  {before}{marked}{after}".rstrip() + f"\n  {' ' * len(before)}{'^' * max(1, len(marked))}"


def _stated(name: str, value: object) -> str:
    """A field or option with its value, as the user would write it: ``--layers 0``, ``--no-bidirectional``, ``bias 1``."""
    if value is True and (name.startswith("--") or name.isupper()):  # an option, or the argument CONSTRUCTOR, as such
        return name
    if value is False and name.startswith("--"):
        return f"--no-{name[2:]}"
    return f"{name} {shorten(value)}"


def _named(text: str, name: Callable[[str], str]) -> str:
    """``text`` with the user's word for each field that it names; what is no ``Template`` names none."""
    return text.named(name) if isinstance(text, Template) else text
