"""Option values without pydantic: a TyperCommand that reads them in plain Python.

Typer 0.29 reads every option by pydantic, whose import costs as much as Typer's own. This file does the same for the few types
that rnndims uses: int, float, str, Path, a list of str and a choice. It relies on one internal of Typer, ``_runtime_param``.
A Typer without it reads the options in its own way. The tests hold that both read alike.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand

from ..errors import shorten

LONGEST = 4300
"""Digits of the longest whole number that Python reads (``sys.get_int_max_str_digits()``)."""


class PlainMixin:
    """Makes a Typer command read its options without pydantic, ``--help`` included."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, each with a reader of its own where this Typer has ``_runtime_param``."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "_runtime_param", self) is None:
                parse = parser_of(param.type_descriptor.annotation)
                if parse is not None:
                    param._runtime_param = _Plain(parse)
        return params


class Command(PlainMixin, TyperCommand):
    """A TyperCommand that needs no pydantic to read its options."""


class _Plain:
    """Stands in for Typer's RuntimeParam."""

    def __init__(self, parse: Callable[[Any], Any]) -> None:
        self.parse = parse

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple else None
        try:
            return self.parse(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None


def parser_of(annotation: Any) -> Callable[[Any], Any] | None:
    """The function from a command-line string to a value of this type; ``None`` for a type that is left to Typer."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return lambda value: parse_choice(value, choices)
    if annotation == list[str]:
        return list
    parsers: dict[Any, Callable[[Any], Any]] = {int: parse_int, float: parse_float, str: str, bool: bool, Path: Path}
    return parsers.get(annotation)


def parse_int(value: Any) -> int:
    """A whole number as Typer reads it: ASCII digits, also with a sign, single underscores, or ``.0`` behind.

    Raises:
        ValueError: saying what it is instead.
    """
    if isinstance(value, int):
        return int(value)
    text = str(value).strip()
    whole, point, fraction = text.partition(".")
    if text.isascii() and (not point or (whole.lstrip("+-").isdigit() and fraction and not fraction.strip("0"))):
        try:
            return int(whole)
        except ValueError:
            pass
    raise ValueError(
        f"{shorten(text)!r} is not a whole number"
        if len(text) < LONGEST
        else f"the number is too large: it has {len(text)} characters"
    )


def parse_float(value: Any) -> float:
    """A number as Typer reads it.

    Raises:
        ValueError: saying what it is instead.
    """
    try:
        if isinstance(value, (int, float)) or str(value).isascii():
            return float(value)
    except ValueError:
        pass
    raise ValueError(f"{shorten(value)!r} is not a number")


def parse_choice(value: Any, choices: tuple[str, ...]) -> str:
    """One of ``choices``, in any case.

    Raises:
        ValueError: naming the choices.
    """
    for choice in choices:
        if str(value).casefold() == choice:
            return choice
    raise ValueError(f"{shorten(value)!r} is not one of {', '.join(choices)}")
