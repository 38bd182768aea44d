"""The public names: what ``dir(rnndims)`` shows, that it is light, and that every example in docs/api.md is true."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_version import says_as_2_13

import rnndims
from rnndims import api

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


NAMES = [
    "Checkpoint",
    "ConfigError",
    "ConstructorError",
    "DataConfig",
    "Diagnosis",
    "Diagram",
    "Dims",
    "DoesNotFitError",
    "FileError",
    "MachineError",
    "Measured",
    "Packed",
    "Problem",
    "RNNConfig",
    "RnndimsError",
    "Run",
    "StateRow",
    "Summary",
    "Tensor",
    "Totals",
    "UnknownMessageError",
    "Watch",
    "Weight",
    "check",
    "diagram",
    "dims",
    "draw",
    "explain",
    "explain_error",
    "parse",
    "read_checkpoint",
    "run",
    "summary",
    "watch",
]


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.usefixtures("nothing_is_compiled")
def test_every_example_of_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of docs/api.md run one after the other, in an empty folder, and their assertions hold."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/api.md", "exec"), names)
    assert len(BLOCKS) >= 10
    assert (tmp_path / "results.safetensors").is_file()


def test_the_page_has_an_example_of_every_function() -> None:
    """Each public function is called in a block of docs/api.md, and each public type is named on the page."""
    code = "\n".join(BLOCKS)
    for name in rnndims.__all__:
        if inspect.isfunction(getattr(rnndims, name)):
            assert f"rnndims.{name}(" in code
        else:
            assert f"`{name}" in PAGE or f"rnndims.{name}" in PAGE, name


def test_dir_shows_the_public_names_and_nothing_else() -> None:
    """``dir(rnndims)`` is ``__all__``, in a new interpreter and after everything was used."""
    assert fresh("import rnndims; print(*dir(rnndims))").split() == NAMES
    assert rnndims.__all__ == NAMES
    for name in rnndims.__all__:
        assert not inspect.ismodule(getattr(rnndims, name)), name
        assert getattr(rnndims, name).__doc__
    assert dir(rnndims) == NAMES


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """What the package does not have is refused as by any module."""
    with pytest.raises(AttributeError, match="module 'rnndims' has no attribute 'dimensions'"):
        rnndims.dimensions  # noqa: B018


def test_importing_the_package_imports_nothing_of_it() -> None:
    """``import rnndims`` loads none of its modules; a name loads what it needs."""
    code = "import sys, rnndims; {}; print(sorted(name for name in sys.modules if name.startswith('rnndims.')))"
    assert fresh(code.format("pass")) == "[]\n"
    assert fresh(code.format("rnndims.RnndimsError")) == "['rnndims.errors']\n"
    loaded = fresh(code.format("rnndims.dims('nn.LSTM(10, 20)')"))
    assert "rnndims.results" in loaded
    assert not re.search("diagnose|checkpoint|render|torch_runner|cli", loaded)


@pytest.mark.parametrize(
    "live",
    [
        nn.RNN(4, 2),
        nn.LSTM(4, 3, 2, bidirectional=True, proj_size=2, batch_first=True),
        nn.GRU(4, 3, bias=False, dtype=torch.float64),
        nn.LSTMCell(4, 3),
    ],
)
def test_a_module_may_be_live_code_or_a_configuration(live: nn.Module) -> None:
    """A live module, its repr and its configuration have the same dims; the dtype is that of its weights."""
    config = rnndims.RNNConfig.from_module(live)
    dtype = str(next(live.parameters()).dtype).removeprefix("torch.")
    wanted = rnndims.dims(config, dtype=dtype)
    assert rnndims.dims(live) == wanted
    assert rnndims.dims(repr(live), dtype=dtype) == wanted
    weights = {name: tuple(weight.shape) for name, weight in live.named_parameters()}
    assert {name: weight.shape for name, weight in wanted.weights.items()} == weights


def test_other_modules_are_a_type_error() -> None:
    """A module that is none of PyTorch's recurrent ones is refused by name."""
    with pytest.raises(TypeError, match="got Linear"):
        rnndims.dims(nn.Linear(3, 4))


def test_code_says_its_dtype() -> None:
    """A dtype in pasted code counts, unless another is stated."""
    assert rnndims.dims("nn.GRU(4, 2, dtype=torch.float64)").data.dtype == "float64"
    assert rnndims.dims("nn.GRU(4, 2, dtype=torch.float64)", dtype="float16").data.dtype == "float16"


@says_as_2_13
def test_check_takes_tensors_for_shapes() -> None:
    """A tensor stands for its shape, and its dtype is compared with that of the weights."""
    lstm, x = nn.LSTM(3, 4), torch.zeros(5, 2, 3)
    fits = rnndims.check(lstm, input=x, h_0=(1, 2, 4), c_0=torch.zeros(1, 2, 4))
    assert fits.ok
    assert fits.results["output"] == tuple(lstm(x)[0].shape)
    wrong = rnndims.check(lstm, input=x.double())
    assert wrong.problems[0].cause == "dtype_mismatch"
    with pytest.raises(ValueError, match="dtype"):
        lstm(x.double())


@pytest.mark.parametrize("shape", [5, (1, "a"), (2, -1, 3), 1.5])
def test_what_is_no_shape_is_refused_by_name(shape: Any) -> None:
    """A value that is no shape is a ConfigError that names the argument."""
    with pytest.raises(rnndims.ConfigError) as caught:
        rnndims.check("nn.GRU(3, 4)", input=shape)
    assert caught.value.field == "input"


def test_uses_may_be_one_string() -> None:
    """A single use is a use, and not its letters."""
    call = {"input": (5, 3, 10)}
    one = rnndims.check("nn.GRU(10, 20, batch_first=True)", uses="output[-1]", **call)
    assert one == rnndims.check("nn.GRU(10, 20, batch_first=True)", uses=["output[-1]"], **call)


def test_check_takes_what_reads_the_results() -> None:
    """A target, a loss, a decoder and attention are checked as the command checks them, live modules and tensors too."""
    lstm, x = nn.LSTM(10, 20, batch_first=True), torch.zeros(3, 5, 10)
    output, _ = lstm(x)
    labels = torch.zeros(3, 5, dtype=torch.long)
    problem = rnndims.check(lstm, input=x, target=labels, loss="ce").problems[0]
    with pytest.raises(RuntimeError) as raised:
        nn.CrossEntropyLoss()(output, labels)
    assert problem.torch == str(raised.value)
    assert rnndims.check(lstm, input=x, target=torch.zeros_like(output), loss="mse").ok
    assert rnndims.check(lstm, input=x, decoder=nn.LSTM(7, 20)).ok
    assert rnndims.check(lstm, input=x, decoder="nn.GRU(7, 20)").problems[0].cause == "lstm_tuple_expected"
    assert rnndims.check(lstm, input=x, attention=True).ok
    assert not rnndims.check(lstm, input=x, decoder=nn.LSTM(7, 20, proj_size=3), attention=True).ok
    told = rnndims.explain_error(str(raised.value), lstm, input=x, target=labels, loss="ce")
    assert told.error is not None
    assert any(each.tensor == "target" for each in told.problems)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"target": (3, 5)}, "target"),
        ({"loss": "ce"}, "loss"),
        ({"target": (3, 5), "loss": "nll"}, "loss"),
        ({"target": (3, "a"), "loss": "ce"}, "target"),
    ],
)
def test_a_loss_and_its_target_belong_together(arguments: dict[str, Any], field: str) -> None:
    """One without the other, or a loss that is not known, is a ConfigError that names the argument."""
    with pytest.raises(rnndims.ConfigError) as caught:
        rnndims.check("nn.GRU(3, 4)", input=(5, 3, 3), **arguments)
    assert caught.value.field == field


def test_explain_error_narrows_down_with_the_shapes() -> None:
    """The message of a real failing call is explained, and the module and shapes give the tensor its numbers."""
    gru, x = nn.GRU(10, 20), torch.zeros(5, 3, 7)
    with pytest.raises(RuntimeError) as caught:
        gru(x)
    diagnosis = rnndims.explain_error(str(caught.value), gru, input=x)
    assert diagnosis.error is not None
    assert (diagnosis.problems[0].tensor, diagnosis.problems[0].expected) == ("input", (5, 3, 10))
    with pytest.raises(rnndims.UnknownMessageError):
        rnndims.explain_error("nothing of that kind")


def test_parse_refuses_names_that_the_code_has_not() -> None:
    """A value for a name that is not in the code, and a name without a value, are errors."""
    with pytest.raises(rnndims.ConfigError, match="hid"):
        rnndims.parse("nn.GRU(3, 4)", hid=5)
    with pytest.raises(rnndims.ConstructorError, match="hid"):
        rnndims.parse("nn.GRU(3, hid)")


@pytest.mark.parametrize("format", ["text", "ascii", "svg", "dot", "mermaid"])
@pytest.mark.parametrize("view", ["unrolled", "cell", "matmul"])
def test_every_view_can_be_drawn_in_every_format(view: Any, format: Any) -> None:  # noqa: A002
    """A diagram becomes a document of each format; another format is a ConfigError."""
    picture = api.diagram("nn.GRU(4, 2)", view)
    assert len(api.draw(picture, format)) > 100
    with pytest.raises(rnndims.ConfigError, match="must be one of text"):
        api.draw(picture, "gif")


def test_run_measures_what_dims_computes() -> None:
    """The closed form in a Run is that of ``dims``, and PyTorch agrees with it."""
    for module in ("nn.LSTM(4, 3, bidirectional=True)", rnndims.RNNConfig("gru", 4, 3), nn.RNNCell(4, 3)):
        run = rnndims.run(module, seq_len=4)
        assert run.dims == rnndims.dims(module, seq_len=4)
        assert run.measured.disagreements(run.dims) == []


def test_run_reads_files_as_the_command_does(tmp_path: Path) -> None:
    """Weights and input from files give what the trained module gives."""
    gru, x = nn.GRU(3, 4), torch.randn(5, 2, 3)
    torch.save(gru.state_dict(), tmp_path / "model.pt")
    torch.save({"x": x, "other": x}, tmp_path / "x.pt")
    run = rnndims.run(weights=tmp_path / "model.pt", input=f"{tmp_path / 'x.pt'}:x", values=True)
    assert run.measured.values is not None
    with torch.inference_mode():
        torch.testing.assert_close(torch.tensor(run.measured.values["output"]), gru(x)[0])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, rnndims.ConfigError, "there must be a module"),
        ({"module": "nn.GRU(3, 4)", "weights": "model.pt"}, rnndims.ConfigError, "Remove module"),
        ({"module": "nn.GRU(3, 4)", "batch_first": True}, rnndims.ConfigError, "Write it into module"),
        ({"module": "nn.GRU(3, 4)", "name": "enc"}, rnndims.ConfigError, "there is no checkpoint"),
        ({"module": "nn.GRU(3, 4)", "save": "out.pt"}, rnndims.FileError, "must end in .safetensors"),
        ({"weights": "missing.pt"}, rnndims.FileError, "no such file"),
        ({"module": "nn.GRU(3, 4)", "device": "cuda:99"}, rnndims.MachineError, "device cuda:99"),
    ],
)
def test_run_refuses_what_does_not_go_together(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    """Arguments that contradict each other are refused in the words of the library: fields, no options."""
    with pytest.raises(error) as caught:
        rnndims.run(**arguments)
    assert said in str(caught.value)
    assert "--" not in str(caught.value)


def test_tensors_that_do_not_fit_are_said(tmp_path: Path) -> None:
    """An input of another width is a DoesNotFitError."""
    torch.save(torch.zeros(5, 2, 9), tmp_path / "x.pt")
    with pytest.raises(rnndims.DoesNotFitError):
        rnndims.run("nn.GRU(3, 4)", input=tmp_path / "x.pt")


TYPED = """
import rnndims

d: rnndims.Dims = rnndims.dims("nn.LSTM(10, 20)", seq_len=5)
shape: tuple[int, ...] = d.tensors["output"].shape
c: rnndims.RNNConfig = rnndims.parse("nn.GRU(a, 2)", a=3)
ok: bool = rnndims.check(c, input=(1, 2, 3), uses=["output[-1]"]).ok
text: str = rnndims.draw(rnndims.diagram(c, "cell"), "svg")
r: rnndims.Run = rnndims.run(c, lengths=[3, 1])
names: list[str] = [module.name for module in rnndims.read_checkpoint("model.pt").modules]
decorated: list[int] = [rnndims.explain(len)("text"), rnndims.explain()(len)("text")]
with rnndims.explain():
    pass
reveal_type(rnndims.explain_error("text").problems[0])
rnndims.dims(3)
rnndims.dims(c, steps=4)
rnndims.diagram(c, "cells")
"""


def test_the_types_are_those_of_the_functions(tmp_path: Path) -> None:
    """Mypy sees the types behind the lazy names: it accepts right calls and refuses wrong ones."""
    (tmp_path / "typed.py").write_text(TYPED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*command, str(tmp_path / "typed.py")], capture_output=True, text=True, timeout=120, check=False)
    said = [line.partition("typed.py:")[2] for line in done.stdout.splitlines() if "typed.py:" in line]
    assert [re.sub(r":.*\[", " [", line) for line in said if "error" in line] == [
        "15 [arg-type]",
        "16 [call-arg]",
        "17 [arg-type]",
    ], done.stdout
    assert 'Revealed type is "rnndims.diagnose.problem.Problem"' in done.stdout
