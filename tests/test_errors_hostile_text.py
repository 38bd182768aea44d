"""What a user types is never a template, and no error is beyond being said."""

import ast
import io
import re
import sys
from pathlib import Path

import pytest
import typer
from conftest import Invoke

from rnndims.cli import app
from rnndims.errors import ConfigError, Field, FileError, RnndimsError, Template, shorten

SOURCE = Path(__file__).parents[1] / "src" / "rnndims"
BRACES = ["{", "}", "{}", "{0}", "{nosuch}", "{nosuch.x[0]}", "{a:>999999999}", "{a!r:{b}}", "%(nosuch)s", "${nosuch}"]
CODE = "nn.LSTM(4, 3)"


def parameters() -> list[tuple[str, str]]:
    """Every command with each of its options and arguments that take a value."""
    pairs = []
    for name in app.COMMANDS:
        command = app.LazyCommands()[name]
        for param in command.params:
            takes_value = param.param_type_name == "argument" or not getattr(param, "is_flag", False)
            if takes_value and param.name not in ("help", "ctx"):
                pairs.append((name, "" if param.param_type_name == "argument" else max(param.opts, key=len)))
    return pairs


PARAMETERS = parameters()


def test_every_command_is_tried() -> None:
    """The list of options that follow is not empty by mistake."""
    assert {command for command, _ in PARAMETERS} == set(app.COMMANDS)
    assert len(PARAMETERS) > 100
    assert ("run", "--weights") in PARAMETERS
    assert ("check", "") in PARAMETERS


@pytest.mark.parametrize(("command", "option"), PARAMETERS, ids=lambda value: value or "argument")
def test_no_value_is_a_template(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, option: str
) -> None:
    """Braces in the value of any option are quoted as they were typed, or lead to no message; nothing is filled in."""
    monkeypatch.chdir(tmp_path)
    if command == "trace":
        monkeypatch.setattr("rnndims.cli.trace._start_anew", lambda _: 0)  # this process would become another program
    (tmp_path / "here{nosuch}.pt").write_bytes(b"no checkpoint")
    values = [
        *BRACES,
        *(f"{text}{end}" for text in ("{", "{nosuch}") for end in (".pt", ".svg", ".safetensors", "=1", "=", ",1")),
    ]
    values += ["here{nosuch}.pt", "here{nosuch}.pt:{0}", "nn.LSTM({nosuch}, 3)", "nn.LSTM(4, {0})", "output[{nosuch}]"]
    for value in values:
        shapes = ["--input", "5,3,4"] if command == "check" and option != "--input" else []
        constructor = [CODE] if option and command != "completion" else []
        done = invoke(command, *constructor, *shapes, *([f"{option}={value}"] if option else [value]))
        said = done.err + done.out
        assert done.code in (0, 1, 2, 3), value
        assert "rnndims itself" not in said, value
        assert "--nosuch" not in said, value
        assert len(said) < 20_000, value
        if "nosuch" in said:
            assert said.count("nosuch") == said.count("{nosuch") + said.count("(nosuch)"), value


def test_a_value_that_names_a_field_stays_as_it_is(invoke: Invoke) -> None:
    """A value like {bias}, which is a field's name in braces, does not become the name of an option."""
    for option, start in (("--lengths", "{bias} is not a whole number"), ("--define", "must be NAME=VALUE")):
        err = invoke("dims", CODE, option, "{bias}").err
        assert start in err
        assert "--bias" not in err


def test_a_template_names_fields_and_keeps_values() -> None:
    """Fields get the user's word wherever they stand; values keep their braces, and plain strings name nothing."""
    text = Template("{hidden_size} {} is not {}, {}", "{bias}", 3, Field("dropout"))
    assert str(text) == "hidden_size {bias} is not 3, dropout"
    assert text.named(lambda field: f"--{field}") == "--hidden_size {bias} is not 3, --dropout"
    error = ConfigError("bias", "{dropout}", "{bias} {0} {", fix="{dropout}")
    assert error.render(str.upper) == "BIAS {dropout}: {bias} {0} {\n{dropout}"


def templates_with_values(source: str) -> list[str]:
    """Calls of ``Template`` whose pattern is no constant."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Template" and not isinstance(call.args[0], ast.Constant)
    ]


def test_every_pattern_is_a_constant() -> None:
    """No pattern is put together from anything but words of the program."""
    assert [found for path in SOURCE.rglob("*.py") for found in templates_with_values(path.read_text(encoding="utf-8"))] == []
    assert templates_with_values('Template(f"{value} {{field}}")') != []


def plain_fields(source: str) -> list[str]:
    """Texts with a field in braces that an error gets as they are, where it would be said with its braces."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.endswith("Error"):
            texts = [*call.args, *(keyword.value for keyword in call.keywords)]
            for text in texts:
                words = text.values if isinstance(text, ast.JoinedStr) else [text]
                constants = [str(word.value) if isinstance(word, ast.Constant) else "x" for word in words]
                if not isinstance(text, ast.Call) and re.search(r"\{[a-z_]+\}", "".join(constants)):
                    found.append(ast.unparse(text))
    return found


def test_every_text_that_names_a_field_is_a_template() -> None:
    """No error gets a text like "Remove {lengths}." that is no template: it would be said with the braces."""
    assert [found for path in SOURCE.rglob("*.py") for found in plain_fields(path.read_text(encoding="utf-8"))] == []
    assert plain_fields('raise ConfigError("a", 1, "b", fix="Remove {lengths}.")') == ["'Remove {lengths}.'"]
    assert plain_fields('raise FileError(f"{a} is {{b}}", fix=f"Remove {{{field}}}.")') != []
    assert plain_fields('raise FileError(f"{a} is", fix=Template("Remove {b}."))') == []


class Unprintable:
    """An object whose text cannot be had."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error

    __repr__ = __str__


class UnprintableError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class UnrenderableError(RnndimsError):
    """An error that cannot say itself."""

    def render(self, name: object = None) -> str:
        """Fail."""
        raise RecursionError


class Panic(BaseException):
    """As errors of libraries in Rust: no Exception."""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UnprintableError(), 3, "UnprintableError"),
        (UnrenderableError("x"), 2, "UnrenderableError"),
        (Panic("made up"), 3, "Panic: made up"),
        (ConfigError("bias", Unprintable(ValueError()), "is odd"), 2, "is odd"),
        (ConfigError("bias", Unprintable(TypeError()), "is odd"), 2, "a Unprintable that cannot be printed"),
        (FileError("is odd", path=Unprintable(RuntimeError())), 2, "is odd"),
        (OSError(5, Unprintable(RuntimeError())), 3, "OSError"),
        (MemoryError(), 3, "not enough memory"),
        (SystemError("error return without exception set"), 3, "not enough memory"),
        (SystemError("bad call"), 3, "SystemError: bad call"),
        (RecursionError(), 3, "RecursionError"),
        (ZeroDivisionError("{0} \x1b[2J"), 3, r"{0} \x1b[2J"),
        (typer.BadParameter("{0} {"), 2, "{0} {"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("traceback", ["", "1"])
def test_the_boundary_does_not_raise(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str, traceback: str
) -> None:
    """Whatever is raised in a command ends as a message and its exit code, even if it cannot be printed."""
    import rnndims.cli.dims as command

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(command, "compute_dims", fail)
    monkeypatch.setenv("RNNDIMS_TRACEBACK", traceback)
    done = invoke("dims")
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_an_interrupt_while_an_error_is_said(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a message is made ends in its own code."""
    monkeypatch.setattr(app, "_explain", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert invoke("dims", "--layers", "0").code == 130


def test_shorten_never_raises() -> None:
    """A value that cannot be printed is named by its type."""
    assert shorten(Unprintable(RuntimeError())) == "(a Unprintable that cannot be printed)"
    assert shorten(10**5000) == "(a number of thousands of digits)"


@pytest.mark.parametrize("command", [["dims", "--from-jsonl", "-"], ["check", "--error", "-"]])
def test_standard_input_without_a_descriptor_is_read(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """What stands in for standard input in a test or a notebook is read like the real one."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"cell": "nosuch"}\n')))
    done = invoke(*command)
    assert done.code == 2
    assert "closed" not in done.err
    assert "cannot be read" not in done.err
