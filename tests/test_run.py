"""The ``run`` command: formula and measurement side by side, in every legal combination, on any device there is."""

import subprocess
import sys

import pytest
import torch


@pytest.mark.parametrize(
    ("options", "output", "h_n"),
    [
        ((), [3, 2, 2], [1, 2, 2]),
        (("--layers", "2"), [3, 2, 2], [2, 2, 2]),
        (("--bidirectional",), [3, 2, 4], [2, 2, 2]),
        (("--layers", "2", "--bidirectional"), [3, 2, 4], [4, 2, 2]),
    ],
)
def test_the_four_classic_cases_are_measured(invoke, options, output, h_n):
    """The textbook shapes are those that PyTorch returned, and the states were compared."""
    document = invoke("run", *options, "--json").json
    for where in (document["tensors"], {k: {"shape": v} for k, v in document["measured"]["tensors"].items()}):
        assert where["output"]["shape"] == output
        assert where["h_n"]["shape"] == h_n
    assert document["measured"]["agrees"] is True
    assert document["measured"]["states_verified"] is True
    assert document["measured"]["torch"] == torch.__version__


COMBINATIONS = [
    (),
    ("--cell", "lstm"),
    ("--cell", "gru", "-l", "2", "-b"),
    ("--cell", "lstm", "-H", "5", "--proj-size", "3", "-l", "2", "-b"),
    ("--no-bias",),
    ("--batch-first", "-b"),
    ("--unbatched", "-l", "2"),
    ("--unbatched", "--batch-first"),
    ("--lengths", "1,3,2"),
    ("--lengths", "3,1", "--batch-first", "-b", "--cell", "lstm"),
    ("--lengths", "2,1", "--seq-len", "6"),
    ("--dropout", "0.5", "-l", "2"),
    ("--nonlinearity", "relu"),
    ("--dtype", "float64"),
    ("--dtype", "bfloat16"),
    ("--batch-size", "0"),
    ("nn.LSTMCell(10, 20)",),
    ("nn.GRUCell(10, 20, bias=False)", "--unbatched"),
    ("--device", "meta", "--lengths", "3,1", "-b"),
    ("--device", "meta", "-H", "1000000", "--layers", "3"),
    ("--device", "auto"),
]


@pytest.mark.parametrize("options", COMBINATIONS, ids=" ".join)
def test_formula_and_measurement_agree(invoke, options):
    """Every combination is run, measured, and agrees; the table says so too."""
    document = invoke("run", *options, "--json").json
    measured = document["measured"]
    assert measured["agrees"] is True
    assert measured["disagreements"] == []
    assert measured["packed"] == document["packed"]
    assert measured["parameters"] == document["totals"]["parameters"]
    assert {name: weight["shape"] for name, weight in document["weights"].items()} == measured["weights"]
    assert "formula and PyTorch agree" in invoke("run", *options).out


def test_a_disagreement_is_said_and_is_no_success(invoke, monkeypatch):
    """If PyTorch returned another shape, the table has a cross, the JSON names it and the code is 1."""
    from dataclasses import replace

    from rnndims import torch_runner

    real = torch_runner.run

    def fake(*args, **kwargs):
        measured = real(*args, **kwargs)
        return replace(measured, tensors={**measured.tensors, "h_n": (9, 9, 9)})

    monkeypatch.setattr(torch_runner, "run", fake)
    result = invoke("run")
    assert result.code == 1
    assert "PyTorch disagrees: h_n" in result.out
    assert "(9, 9, 9)" in result.out
    result = invoke("run", "--json")
    assert (result.code, result.json["measured"]["disagreements"]) == (1, ["h_n"])


def test_values_are_those_of_the_tensors(invoke):
    """--values gives the numbers of every tensor, the last row of h_n equal to its place in output."""
    values = invoke("run", "-l", "2", "-b", "--values", "--json").json["measured"]["values"]
    assert values["h_n"][3] == [row[2:4] for row in values["output"][0]]
    assert torch.tensor(values["input"]).shape == (3, 2, 4)
    assert f"{values['h_n'][0][0][0]:.4f}" in invoke("run", "-l", "2", "-b", "--values").out


def test_the_same_seed_gives_the_same_numbers(invoke):
    """Two runs with one seed are equal, another seed is not."""
    once, again, other = (
        invoke("run", "--values", "--json", "--seed", seed).json["measured"]["values"] for seed in ("7", "7", "8")
    )
    assert once == again
    assert once != other


@pytest.mark.parametrize(
    ("options", "code", "parts"),
    [
        (("--device", "tpu"), 3, ("tpu", "cpu", "meta")),
        (("--device", "cuda:99"), 3, ("cuda:99", "cpu")),
        (("-H", "1000000"), 3, ("memory",)),
        (("-H", "1000000000000", "--device", "meta"), 3, ("weight_hh_l0",)),
        (("--seed", str(2**70)), 2, ("--seed",)),
        (("--values", "--device", "meta"), 2, ("--values", "meta")),
        (("--dtype", "float8"), 2, ("--dtype float8",)),
    ],
)
def test_what_the_machine_cannot_do_is_said(invoke, options, code, parts):
    """An absent device, sizes beyond the memory and the like end in one message, the right code, and no answer."""
    result = invoke("run", *options)
    assert (result.code, result.out) == (code, "")
    for part in parts:
        assert part in result.err


def test_without_torch_the_install_command_is_named():
    """Where torch is not installed, run says how to install it and ends in 3, while dims works."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from rnndims.cli.app import run\n"
        "sys.exit(run(['run']) * 10 + run(['dims', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 30
    assert "pip install torch" in done.stderr
    assert '"command": "dims"' in done.stdout


def test_warnings_of_torch_go_to_standard_error(invoke):
    """Dropout with one layer is accepted, as PyTorch does, and its warning is passed on beside the answer."""
    result = invoke("run", "--dropout", "0.5")
    assert result.code == 0
    assert "non-zero dropout expects num_layers greater than 1" in result.err
    assert "dropout option" not in result.out
