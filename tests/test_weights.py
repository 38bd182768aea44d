"""The ``weights`` command for a configuration: each parameter of the built module, its parts, and how it is applied."""

import pytest
import torch


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("nn.RNN(4, 2)", {"weight_ih_l0": ["W_ih"], "bias_hh_l0": ["b_hh"]}),
        ("nn.LSTM(4, 3, proj_size=2)", {"weight_ih_l0": ["W_ii", "W_if", "W_ig", "W_io"], "weight_hr_l0": ["W_hr"]}),
        ("nn.GRU(4, 2)", {"weight_hh_l0": ["W_hr", "W_hz", "W_hn"], "bias_ih_l0": ["b_ir", "b_iz", "b_in"]}),
        ("nn.LSTMCell(4, 2)", {"weight_hh": ["W_hi", "W_hf", "W_hg", "W_ho"]}),
    ],
)
def test_parts_have_the_names_of_pytorchs_equations(invoke, code, names):
    """The rows of a parameter are divided into the parts that PyTorch's documentation names, without gap or overlap."""
    weights = invoke("weights", code, "--json").json["weights"]
    for name, parts in names.items():
        slices = weights[name]["slices"]
        assert list(slices) == parts
        edges = [edge for pair in slices.values() for edge in pair]
        assert edges[0] == 0
        assert edges[-1] == weights[name]["shape"][0]
        assert edges[1:-1:2] == edges[2:-1:2]


@pytest.mark.parametrize("code", ["nn.RNN(4, 2, 2, bidirectional=True)", "nn.LSTM(5, 4, proj_size=3)", "nn.GRU(3, 2)"])
@pytest.mark.parametrize("unbatched", [False, True])
def test_how_a_parameter_is_applied_is_what_pytorch_accepts(invoke, code, unbatched):
    """Tensors of the shapes shown can be multiplied or added, and give the shape shown."""
    options = ("--unbatched",) if unbatched else ("--batch-size", "7")
    for name, weight in invoke("weights", code, *options, "--json").json["weights"].items():
        left, right = (torch.zeros(shape) for shape in weight["applied"]["shapes"])
        product = left + right if name.startswith("bias") else left @ right
        assert list(product.shape) == weight["applied"]["result"]


def test_layer_one_reads_both_directions(invoke):
    """In two bidirectional layers the second layer's input weights are as wide as both directions of the first."""
    result = invoke("weights", "--layers", "2", "--bidirectional")
    assert result.code == 0
    for name in ("weight_ih_l1", "weight_ih_l1_reverse"):
        line = next(line for line in result.out.splitlines() if f" {name} " in line)
        assert "(2, 4)" in line
    assert "reads both directions of layer 0" in result.out


def test_a_module_that_is_other_than_the_formula_is_shown_as_it_is(invoke, monkeypatch):
    """The shapes in the tree are those of the module that was built; one that differs from the formula is said to."""
    from dataclasses import replace

    from rnndims import torch_runner

    real = torch_runner.run

    def fake(*args, **kwargs):
        measured = real(*args, **kwargs)
        return replace(measured, weights={**measured.weights, "weight_ih_l0": (9, 9)})

    monkeypatch.setattr(torch_runner, "run", fake)
    result = invoke("weights")
    assert result.code == 1
    assert "PyTorch disagrees: weight_ih_l0" in result.out
    assert "81 parameters" in result.out
    assert "the formula gives (2, 4)" in result.out


def test_values_are_the_numbers_of_the_parameters(invoke):
    """--values prints every parameter row by row, a complex number as one number."""
    numbers = invoke("weights", "--values", "--json").json["measured"]["values"]
    out = invoke("weights", "--values").out
    assert f"{numbers['weight_ih_l0'][1][3]:.4f}" in out
    out = invoke("weights", "--values", "--dtype", "complex64", "--no-bias").out
    assert "j, " in out


@pytest.mark.parametrize("width", [20, 40, 60, 80])
@pytest.mark.parametrize("options", [("-l", "2", "-b"), ("-l", "12", "-b", "--cell", "lstm", "-H", "300", "--proj-size", "20")])
def test_no_expression_is_cut(invoke, monkeypatch, width, options):
    """At any width every expression stands whole in the table, over lines of its own if need be."""
    document = invoke("weights", *options, "--json").json
    monkeypatch.setenv("COLUMNS", str(width))
    out = invoke("weights", *options).out.translate(dict.fromkeys(map(ord, "│├└─"), " "))
    flat = " ".join(out.split())
    for weight in list(document["weights"].values())[:8]:
        assert f"{weight['applied']['expression']}:" in flat
        for shape in (*weight["applied"]["shapes"], weight["applied"]["result"]):
            assert str(tuple(shape)) in flat
