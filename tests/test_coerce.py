"""Options are read as stock Typer reads them, but without pydantic."""

import subprocess
import sys

import pytest
import typer
from typer.core import TyperCommand

from rnndims.cli.coerce import Command

TEXTS = [
    *("1", "0", "-3", "+3", " 7 ", "007", "1_000", "1__0", "_1", "1_", "10.0", "10.", "10.5", "-2.000", ".0", "1e3", "0x10"),
    *(
        "",
        " ",
        "abc",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1.5",
        "-0.25",
        "1e-3",
        "1_0.5",
        "٣",
        "½",
        "１",
        "True",
        "1,0",
        "3 4",
        "--",
        "9" * 400,
    ),
    *("1.0.0", "+-1", "1 000", "1\n", "\t2", "1e400", "NaN", "infinity", "0b1", "1.0_0", "-0", "+0.0", "00.0"),
]


def verdict(cls: type, annotation: type, text: str) -> tuple[str, object]:
    """What a command of class ``cls`` with one option of this type makes of ``text``: its value, or that it refuses it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    seen: list[object] = []

    def command(value: annotation = typer.Option(None, "--value")) -> None:  # type: ignore[valid-type]  # noqa: B008
        seen.append(value)

    app.command(cls=cls)(command)
    try:
        typer.main.get_command(app).main(args=[f"--value={text}"], prog_name="test", standalone_mode=False)
    except typer.BadParameter:
        return "refused", None
    return "taken", repr(seen[0])


@pytest.mark.parametrize("annotation", [int, float, str])
def test_verdicts_and_values_are_those_of_stock_typer(annotation):
    """For each odd text both take it or refuse it alike, and the values are equal."""
    differing = {
        text: (ours, stock)
        for text in TEXTS
        if (ours := verdict(Command, annotation, text)) != (stock := verdict(TyperCommand, annotation, text))
    }
    assert differing == {}


def test_the_comparison_can_fail():
    """Python's own int and Typer's do differ on these texts, so their agreement is no accident."""
    assert verdict(TyperCommand, int, "10.0") == ("taken", "10")
    assert verdict(TyperCommand, int, "٣") == ("refused", None)


def test_without_the_internal_typers_own_way_is_used(monkeypatch):
    """Where Typer's parameters have no ``_runtime_param``, a value is read by Typer itself."""
    from rnndims.cli import coerce

    monkeypatch.setattr(coerce, "parser_of", lambda annotation: None)
    assert verdict(Command, int, "12") == ("taken", "12")
    assert verdict(Command, int, "x") == ("refused", None)


@pytest.mark.parametrize(
    "command",
    [
        ["dims", "-l", "2", "--dropout", "0.5", "--cell", "GRU", "--json"],
        ["dims", "--help"],
        ["run", "--help"],
        ["check", "nn.RNN(4, 2)", "--input", "3,2,4"],
        ["diagram", "--max-steps", "5"],
    ],
)
def test_pydantic_stays_out(command):
    """A command line with options of every kind does not load pydantic."""
    code = f"import sys; from rnndims.cli.app import run; code = run({command!r}); sys.exit(code or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
