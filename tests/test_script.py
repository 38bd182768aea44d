"""``--code``: the scripts are run as they are printed, and say what the command says."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Invoke

from rnndims.config import DataConfig, RNNConfig
from rnndims.diagnose import Call, check_shapes
from rnndims.results import compute_dims
from rnndims.script import check_script, script
from rnndims.torch_runner import run, step_through

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
R, D = RNNConfig, DataConfig
CASES = [
    (R("rnn", 4, 2), D()),
    (R("rnn", 4, 2, 2, nonlinearity="relu", bidirectional=True, batch_first=True), D(5, 3)),
    (R("gru", 4, 3, 2, bias=False, dropout=0.5), D(unbatched=True)),
    (R("lstm", 6, 5, 2, bidirectional=True, proj_size=2), D(dtype="float64")),
    (R("lstm", 4, 3, 2, bidirectional=True), D(lengths=(2, 4, 1))),
    (R("gru", 4, 3, batch_first=True), D(6, lengths=(3, 1))),
    (R("lstm", 4, 3, is_cell=True), D()),
    (R("rnn", 4, 3, is_cell=True), D(unbatched=True)),
]
Execute = Callable[[str], tuple[list[str], dict[str, Any]]]


@pytest.fixture
def execute(capsys: pytest.CaptureFixture[str]) -> Execute:
    """Runs a script as it is; gives the lines that it printed and its variables."""

    def call(text: str) -> tuple[list[str], dict[str, Any]]:
        names: dict[str, Any] = {}
        capsys.readouterr()
        exec(compile(text, "script", "exec"), names)
        return capsys.readouterr().out.splitlines(), names

    return call


@pytest.mark.parametrize(("config", "data"), CASES)
def test_run_script_prints_the_shapes_of_the_command(config: RNNConfig, data: DataConfig, execute: Execute) -> None:
    """The script prints every tensor with the shape that rnndims measures, and finds the last rows of h_n in output."""
    lines, _ = execute(script(config, data))
    measured = run(compute_dims(config, data))
    assert [line for line in lines if " is " not in line and line] == [
        f"{name} {shape}" for name, shape in measured.tensors.items()
    ]
    compared = [line for line in lines if " is " in line]
    assert len(compared) == (0 if config.is_cell else config.D)
    assert all(line.endswith(": True") for line in compared)


@pytest.mark.parametrize(("config", "data"), CASES)
@pytest.mark.parametrize("device", ["meta", "auto"])
@pytest.mark.parametrize("task", ["run", "weights", "cell", "concat-demo"])
def test_scripts_run_on_every_device_name(
    config: RNNConfig, data: DataConfig, device: str, task: Any, execute: Execute
) -> None:
    """Every script runs on ``meta``, where nothing has numbers to compare, and on the best device, with the same shapes."""
    if task == "cell":
        config, data = replace(RNNConfig(config.cell, 4, 3, is_cell=True), bias=config.bias), replace(data, lengths=None)
    if task == "concat-demo" and config.is_cell:
        return
    two = replace(config, bidirectional=True) if task == "concat-demo" else config
    lines, names = execute(script(two, data, task, device=device))
    assert lines
    assert not any(": False" in line for line in lines)
    if task == "run":
        measured = run(compute_dims(two, data))
        assert [line for line in lines if " is " not in line and line] == [
            f"{name} {shape}" for name, shape in measured.tensors.items()
        ]
    if device == "meta":
        assert all(
            value.is_meta for name, value in names.items() if isinstance(value, torch.Tensor) and name not in ("lengths", "_")
        )


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (("nn.GRU(3,2,bidirectional=True)", "--linear", "2", "--uses", "h_n[-1]"), ["h_n[-1] (2, 2)", "linear (2, 1)"]),
        (("nn.GRU(3,2,dtype=torch.float64)", "--linear", "2"), ["linear (4, 2, 1)"]),
        (("nn.LSTMCell(3,2)", "--linear", "2", "--input", "2,3"), ["linear (2, 1)"]),
    ],
)
def test_check_scripts_read_what_the_question_reads(invoke: Invoke, options: Any, printed: Any, execute: Execute) -> None:
    """A Linear reads the last use, or else the output, in the dtype of the module."""
    lines, _ = execute(invoke("check", "--input", "4,2,3", *options, "--code").out)
    assert lines[-len(printed) :] == printed


def test_a_lone_cell_state_is_passed_as_such(invoke: Invoke, execute: Execute) -> None:
    """A c_0 without an h_0 stands in the script as (None, c_0), and PyTorch says what check quotes."""
    question = ("check", "nn.LSTM(3,2)", "--input", "4,3,3", "--c0", "1,3,2")
    with pytest.raises(AttributeError) as raised:
        execute(invoke(*question, "--code").out)
    assert invoke(*question, "--json").json["problems"][0]["torch"] in str(raised.value)


@pytest.mark.parametrize(("config", "data"), CASES)
def test_run_script_has_the_numbers_of_the_command(config: RNNConfig, data: DataConfig, execute: Execute) -> None:
    """With the same seed, the script's tensors and weights are those of the command, number for number."""
    measured = run(compute_dims(config, data), seed=7, values=True)
    _, names = execute(script(config, data, seed=7))
    module = names["cell" if config.is_cell else "rnn"]
    found = {**{name: names[name] for name in measured.tensors}, **dict(module.named_parameters())}
    assert measured.values is not None
    for name, values in measured.values.items():
        torch.testing.assert_close(found[name].detach(), torch.tensor(values, dtype=found[name].dtype))


@pytest.mark.parametrize(("config", "data"), CASES)
def test_weights_script_prints_every_parameter(config: RNNConfig, data: DataConfig, execute: Execute) -> None:
    """The script prints the parameters with the shapes that rnndims lists, and their number."""
    lines, _ = execute(script(config, data, "weights"))
    dims = compute_dims(config, data)
    expected = [f"{name} {weight.shape}" for name, weight in dims.weights.items()]
    assert lines == [*expected, f"parameters {dims.totals.parameters}"]


def test_cell_script_steps_through(execute: Execute) -> None:
    """The script calls the cell once for each step, and ends where rnndims ends."""
    config, data = R("lstm", 4, 3, is_cell=True), D(4)
    lines, names = execute(script(config, data, "cell", seed=3))
    assert lines == [f"{t} (2, 4) (2, 3) (2, 3)" for t in range(4)]
    steps = step_through(config, data, seed=3, values=True).steps
    torch.testing.assert_close(names["h"], torch.tensor(steps[-1].h_values))


def test_concat_script_takes_apart_and_joins(execute: Execute) -> None:
    """The script prints both halves and the whole, and that they are the same."""
    lines, _ = execute(script(R("gru", 4, 3, bidirectional=True), D(), "concat-demo"))
    assert lines == ["forward (3, 2, 3)", "reverse (3, 2, 3)", "output (3, 2, 6)", "joined again: True"]


def test_concat_script_without_options_is_the_example(invoke: Invoke, execute: Execute) -> None:
    """Without options the script builds the numbers that concat-demo shows, joins them and takes them apart again."""
    shown = invoke("concat-demo", "--json").json
    lines, names = execute(invoke("concat-demo", "--code").out)
    assert lines[:3] == ["forward (3, 2, 4)", "reverse (3, 2, 4)", "output (3, 2, 8)"]
    assert len(lines[3:]) == 4
    assert all(line.endswith(": True") for line in lines[3:])
    for name in ("forward", "reverse", "output"):
        torch.testing.assert_close(names[name], torch.tensor(shown[name]["values"]))
    first, last = names["forward"].flatten(), names["reverse"].flatten()
    torch.testing.assert_close(torch.cat([first, last]), torch.arange(1, 49) / 10)


def test_concat_script_of_a_module_says_what_it_does_not_do(invoke: Invoke) -> None:
    """With a module the script says that it splits and joins, and does not run the halves."""
    assert "# The module joins its directions itself" in invoke("concat-demo", "-H", "3", "--code").out


def test_script_says_where_it_runs(execute: Execute) -> None:
    """A device is part of the script; meta has no numbers, so no seed either."""
    moved = script(R("gru", 4, 3), D(), device="cuda:1", seed=5)
    assert moved.count(".to('cuda:1')") == 3
    assert moved.count("torch.manual_seed(5)") == 2
    meta = script(R("gru", 4, 3), D(), "weights", device="meta")
    assert "seed" not in meta
    lines, names = execute(meta)
    assert lines[-1] == "parameters 81"
    assert next(names["rnn"].parameters()).is_meta


CALLS = [
    ("nn.LSTM(10, 20, 2)", ["--input", "5,3,10", "--h0", "2,3,20", "--c0", "2,3,20", "--linear", "20"]),
    ("nn.GRU(10, 20, batch_first=True)", ["--input", "3,5,10", "--lengths", "2,5,1"]),
    ("nn.LSTM(10, 20, 2)", ["--input", "5,3,10", "--h0", "2,5,20", "--c0", "2,5,20"]),
    ("nn.LSTM(10, 20)", ["--input", "5,3,10", "--h0", "1,3,20"]),
    ("nn.RNN(10, 20)", ["--input", "5,3,9"]),
    ("nn.GRUCell(10, 20)", ["--input", "3,10", "--h0", "3,21"]),
    ("nn.GRU(10, 20)", ["--input", "5,3,10", "--input-dtype", "int64"]),
    ("nn.GRU(10, 20)", ["--input", "5,3,10", "--linear", "21"]),
]


READERS = [
    ("nn.LSTM(10, 20, batch_first=True)", ["--target", "3,5", "--loss", "ce"], "target"),
    ("nn.LSTM(10, 20, batch_first=True)", ["--uses", "output[:, -1]", "--target", "3", "--loss", "ce"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--target", "3,20", "--loss", "ce"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--target", "3,5,20", "--loss", "ce"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--linear", "20", "--target", "3,5", "--loss", "ce"], "target"),
    ("nn.LSTM(10, 20, batch_first=True)", ["--linear", "20", "--target", "3,7", "--loss", "ce"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--linear", "20", "--target", "3,5,4", "--loss", "mse"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--target", "3,5,7", "--loss", "mse"], "target"),
    ("nn.LSTM(10, 20, batch_first=True)", ["--target", "3,2", "--loss", "ctc"], "output"),
    ("nn.LSTM(10, 20)", ["--target", "5,2", "--loss", "ctc"], ""),
    ("nn.LSTM(10, 20)", ["--target", "4,2", "--loss", "ctc"], "target"),
    ("nn.LSTM(10, 20, batch_first=True)", ["--uses", "output.size(0)", "--target", "3,5,20", "--loss", "mse"], ""),
    ("nn.LSTM(10, 20, batch_first=True)", ["--uses", "F.relu(h_n[-1])", "--linear", "20"], ""),
    ("nn.LSTM(10, 20)", ["--decoder", "nn.LSTM(7, 20, batch_first=True)"], ""),
    ("nn.LSTM(10, 20)", ["--decoder", "nn.GRU(7, 20)"], "h_0"),
    ("nn.GRU(10, 20)", ["--decoder", "nn.LSTM(7, 20)"], "h_0"),
    ("nn.GRU(10, 20)", ["--decoder", "nn.GRUCell(7, 20)"], "h_0"),
    ("nn.GRU(10, 20, bidirectional=True)", ["--decoder", "nn.GRU(7, 20)"], "h_0"),
    ("nn.GRU(10, 20, batch_first=True)", ["--attention"], ""),
    ("nn.GRU(10, 20, bidirectional=True)", ["--attention"], "h_n"),
    ("nn.GRU(10, 20)", ["--decoder", "nn.GRU(7, 20)", "--attention"], ""),
    ("nn.LSTM(10, 20, 2, dtype=torch.float64)", ["--decoder", "nn.LSTM(7, 20, 2)", "--attention"], ""),
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(("code", "arguments", "tensor"), READERS)
def test_check_script_has_what_reads_the_results(
    invoke: Invoke, execute: Execute, code: str, arguments: list[str], tensor: str
) -> None:
    """The loss, the decoder and the attention run in the script where check finds no problem, and fail where it finds one."""
    question = ("check", code, "--input", "3,5,10", *arguments)
    problems = invoke(*question, "--json").json["problems"]
    assert [problem["tensor"] for problem in problems] == ([tensor] if tensor else [])
    text = invoke(*question, "--code").out
    if not problems:
        lines, _ = execute(text)
        for option, start in [("--loss", "loss ()"), ("--decoder", "decoder_h_n ("), ("--attention", "attention (")]:
            assert (option in arguments) == any(line.startswith(start) for line in lines)
        return
    with pytest.raises((RuntimeError, ValueError, IndexError, AttributeError, TypeError)) as raised:
        execute(text)
    assert problems[0]["torch"] is None or problems[0]["torch"] in str(raised.value)


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_check_scripts_agree_with_check(execute: Execute) -> None:
    """Random modules with random targets, decoders and attention: the script fails exactly where check finds a problem."""
    rng, counts = random.Random(8), [0, 0]
    for _ in range(300):
        many = {"num_layers": rng.choice([1, 2]), "bidirectional": rng.random() < 0.4, "batch_first": rng.random() < 0.5}
        config = R(rng.choice(["rnn", "lstm", "gru"]), 2, rng.choice([1, 3]), **many)
        call = Call(input=(3, 4, 2))
        kind = rng.choice(["ce", "mse", "ctc", "decoder", "attention"])
        if kind == "decoder":
            call = replace(call, decoder=replace(config, hidden_size=rng.choice([config.hidden_size, 2]), batch_first=False))
        elif kind == "attention":
            call = replace(call, attention=True)
        else:
            wide = config.D * config.H_out
            target = rng.choice([(3,), (4,), (3, 4), (4, 3), (3, wide), (3, 4, wide), (3, 4, 5), (4, 1), (3, 4, 1), ()])
            linear = rng.choice([{}, {"linear": wide}, {"linear": wide, "linear_out": 5}])
            call = replace(call, target=(target or (1,)) if kind == "ctc" else target, loss=kind, **linear)
        text, fits = check_script(config, call), check_shapes(config, call).fits
        counts[fits] += 1
        if fits:
            execute(text)
        else:
            with pytest.raises((RuntimeError, ValueError, IndexError)):
                execute(text)
    assert min(counts) > 50


@pytest.mark.parametrize(("code", "arguments"), CALLS)
def test_check_script_makes_the_call(invoke: Invoke, execute: Execute, code: str, arguments: list[str]) -> None:
    """The script of check runs where check says that all fits, and fails in PyTorch where check says that it does not."""
    text = invoke("check", code, *arguments, "--code").out
    if invoke("check", code, *arguments).code == 0:
        lines, _ = execute(text)
        assert all(re.fullmatch(r"\w+ \(.*\)", line) for line in lines)
    else:
        with pytest.raises((RuntimeError, ValueError, IndexError)):
            execute(text)


def test_check_without_a_call_has_no_script(invoke: Invoke) -> None:
    """An error text alone is no call that could be made again."""
    done = invoke("check", "--error", "Expected hidden size (2, 3, 20), got [2, 5, 20]", "--code")
    assert (done.code, done.out) == (2, "")
    assert "--input" in done.err


@pytest.mark.parametrize("command", ["run", "dims", "weights", "cell", "concat-demo"])
def test_commands_print_scripts_without_torch(invoke: Invoke, command: str, execute: Execute) -> None:
    """--code prints a script and nothing else, and it runs."""
    done = invoke(command, "nn.GRU(5, 3)", "-t", "4", "--code")
    assert (done.code, done.err) == (0, "")
    lines, _ = execute(done.out)
    assert any(re.fullmatch(r"\S+ \(.*\)", line) for line in lines)


@pytest.mark.parametrize("pair", [("--json", "--code"), ("--json", "--export=a.svg"), ("--code", "--export=a.svg")])
def test_an_answer_has_one_form(invoke: Invoke, pair: tuple[str, str]) -> None:
    """--json, --code and --export cannot be combined."""
    done = invoke("dims", *pair)
    assert (done.code, done.out) == (2, "")
    assert "cannot be combined" in done.err


def test_the_script_of_a_checkpoint_builds_its_module(invoke: Invoke, execute: Execute, tmp_path: Path) -> None:
    """Of the one RNN in a file, or of the one that is named, the script prints the weights that the file has."""
    file = str(tmp_path / "m\n.pt")  # whatever is in its name stays in the comment
    model = torch.nn.ModuleDict({"a": torch.nn.LSTM(3, 4, 2, bidirectional=True), "b": torch.nn.GRU(2, 5, dtype=torch.float64)})
    torch.save(model.state_dict(), file)
    for name, module in model.items():
        lines, names = execute(invoke("weights", file, "--name", name, "--code").out)
        expected = [f"{key} {tuple(weight.shape)}" for key, weight in module.named_parameters()]
        assert lines[: len(expected)] == expected
        assert names["rnn"].weight_ih_l0.dtype == module.weight_ih_l0.dtype
    refused = invoke("weights", file, "--code")
    assert (refused.code, refused.out) == (2, "")
    assert "there are 2 RNNs in this file" in refused.err
    assert "--name: a, b" in refused.err


def test_a_diagram_has_a_script_and_a_file(invoke: Invoke, execute: Execute, tmp_path: Path) -> None:
    """``diagram --code`` prints the script of what is drawn, and ``--export`` writes the picture as ``--output`` does."""
    lines, _ = execute(invoke("diagram", "nn.LSTM(3, 4)", "--code").out)
    assert "output (3, 2, 4)" in lines
    file = tmp_path / "o.svg"
    assert invoke("diagram", "nn.LSTM(3, 4)", "--export", str(file)).code == 0
    assert "<svg" in file.read_text(encoding="utf-8")
    refused = invoke("diagram", "--code", "--json")
    assert (refused.code, refused.out) == (2, "")
