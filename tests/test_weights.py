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


OPERANDS = {"x_t": "x", "h_{t-1}": "before", "h_{t+1}": "before", "(o_t * tanh(c_t))": "(o * torch.tanh(c))"}
"""What stands on the left of a product, as Python."""


def step(cell: str, size: int, sums: dict, names: dict):
    """One step of a cell by PyTorch's documentation, from the sums of each product and its bias; h before a projection."""
    before = names["before"]
    if cell == "RNN":
        return torch.tanh(sums["ih"] + sums["hh"])
    if cell == "GRU":
        (ir, iz, i_n), (hr, hz, hn) = (sums[kind].split(size, -1) for kind in ("ih", "hh"))
        z = torch.sigmoid(iz + hz)
        return (1 - z) * torch.tanh(i_n + torch.sigmoid(ir + hr) * hn) + z * before
    i, f, g, o = (sums["ih"] + sums["hh"]).split(size, -1)
    names["c"] = torch.sigmoid(f) * names["c"] + torch.sigmoid(i) * torch.tanh(g)
    names["o"] = torch.sigmoid(o)
    return names["o"] * torch.tanh(names["c"])


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(
    "code",
    [
        "nn.RNN(4, 3, num_layers=2, bidirectional=True)",
        "nn.GRU(4, 3, num_layers=2)",
        "nn.LSTM(4, 3, num_layers=2, bidirectional=True, proj_size=2)",
    ],
)
def test_expressions_are_what_pytorch_computes(invoke, code):
    """The expression of each parameter, evaluated for every layer, direction and step, gives the output of the module."""
    torch.manual_seed(0)
    module = eval(code, {"nn": torch.nn})
    written = {
        name: weight["applied"]["expression"] for name, weight in invoke("weights", code, "--json").json["weights"].items()
    }
    x = torch.randn(5, 2, 4)
    reads = x
    for layer in range(2):
        outputs = []
        for end in ["", "_reverse"][: 1 + module.bidirectional]:
            suffix, hidden = f"_l{layer}{end}", torch.zeros(2, module.proj_size or 3)
            names = {"torch": torch, **dict(module.named_parameters()), "before": hidden, "c": torch.zeros(2, 3)}
            rows = []
            for t in range(5)[:: -1 if end else 1]:
                names |= {"x": x[t], "below": reads[t]}

                def value(name, names=names, layer=layer):
                    code = written[name].replace(f"output_t of layer {layer - 1}", "below")
                    for operand, python in OPERANDS.items():
                        code = code.replace(operand, python)
                    return eval(code, names)

                sums = {kind: value(f"bias_{kind}{suffix}") for kind in ("ih", "hh")}
                names["before"] = step(type(module).__name__, 3, sums, names)
                if module.proj_size:
                    names["before"] = value(f"weight_hr{suffix}")
                rows.append(names["before"])
            outputs.append(torch.stack(rows[:: -1 if end else 1]))
        reads = torch.cat(outputs, -1)
    torch.testing.assert_close(reads, module(x)[0])


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
