"""The ``cell`` command: one cell step after step, its equations with shapes, and the proofs against PyTorch's layers."""

import json
import random
import re
from importlib import import_module

import pytest
import torch

from rnndims import ConfigError, DataConfig, RNNConfig
from rnndims.equations import equations, one_matmul
from rnndims.errors import MachineError
from rnndims.results import compute_dims
from rnndims.torch_runner import run, step_through
from rnndims.torch_runner.numerics import compare, full_precision

CELLS = [("rnn", "tanh"), ("rnn", "relu"), ("lstm", None), ("gru", None)]


def config(cell, nonlinearity=None, **arguments):
    """The configuration of a cell, 4 inputs and 2 hidden units unless said otherwise."""
    sizes = {"input_size": 4, "hidden_size": 2, **arguments}
    return RNNConfig(cell, nonlinearity=nonlinearity, is_cell=True, **sizes)


def test_the_article_case(invoke):
    """By default three steps, each with an input of (2, 4) and a state of (2, 2), equal to nn.RNN."""
    document = invoke("cell", "--json").json
    assert [(step["t"], step["input"], step["h"], step["c"]) for step in document["steps"]] == [
        (t, [2, 4], [2, 2], None) for t in range(3)
    ]
    assert document["matches_layer"] is True
    assert document["max_abs_diff"] < 1e-6
    assert document["one_matmul"]["matches"] is True
    assert (document["one_matmul"]["input"], document["one_matmul"]["weight"]) == ([2, 6], [2, 6])
    assert document["config"]["module"] == "nn.RNNCell(4, 2)"


@pytest.mark.parametrize(
    ("cell", "nonlinearity", "dtype"),
    [
        (cell, nonlinearity, dtype)
        for cell, nonlinearity in CELLS
        for dtype in ("float32", "float64", "bfloat16", "complex64")
        if (nonlinearity, dtype) != ("relu", "complex64")  # PyTorch has no ReLU of complex numbers
    ],
)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("unbatched", [True, False])
def test_the_loop_is_the_layer(cell, nonlinearity, dtype, bias, unbatched):
    """The loop over any cell, in any layout and dtype, gives what the layer gives, and so does the one matrix product."""
    found = step_through(config(cell, nonlinearity, bias=bias), DataConfig(4, unbatched=unbatched, dtype=dtype))
    assert found.loop.matches is True
    assert len(found.steps) == 4
    state = (2,) if unbatched else (2, 2)
    assert {step.h for step in found.steps} == {state}
    assert {step.c for step in found.steps} == {state if cell == "lstm" else None}
    assert (found.one_matmul is None) == (cell == "gru")
    assert found.one_matmul is None or found.one_matmul.comparison.matches is True
    assert not found.disagrees()


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_the_states_are_those_of_a_users_own_loop(cell, nonlinearity):
    """A loop over torch.nn's cell, written by hand with the numbers that were handed out, gives the states of every step."""
    found = step_through(config(cell, nonlinearity, hidden_size=3), DataConfig(5, 2, dtype="float64"), seed=3, values=True)
    assert found.values is not None
    assert found.initial is not None
    arguments = {"nonlinearity": nonlinearity} if nonlinearity else {}
    module = getattr(torch.nn, cell.upper() + "Cell")(4, 3, dtype=torch.float64, **arguments)
    module.load_state_dict({name: torch.tensor(numbers).double() for name, numbers in found.values.items()})
    state = tuple(torch.tensor(numbers).double() for numbers in found.initial.values())
    with torch.inference_mode():
        for step in found.steps:
            result = module(torch.tensor(step.input_values).double(), state if cell == "lstm" else state[0])
            state = result if cell == "lstm" else (result,)
            torch.testing.assert_close(torch.tensor(step.h_values).double(), state[0])
            if cell == "lstm":
                torch.testing.assert_close(torch.tensor(step.c_values).double(), state[1])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_cell_and_run_speak_of_the_same_numbers(cell):
    """With one seed the states of cell are the steps of the output of run, from the same weights and input."""
    found = step_through(RNNConfig(cell, 4, 2), DataConfig(), seed=5, values=True)
    measured = run(compute_dims(RNNConfig(cell, 4, 2), DataConfig()), seed=5, values=True)
    assert measured.values is not None
    assert found.values is not None
    torch.testing.assert_close(torch.tensor([s.h_values for s in found.steps]), torch.tensor(measured.values["output"]))
    assert [step.input_values for step in found.steps] == measured.values["input"]
    assert found.values == {name: measured.values[name + "_l0"] for name in found.values}


def test_a_wrong_cell_is_noticed():
    """If the loop gave other numbers, by less than a thousandth, the comparison would say so."""
    right = torch.linspace(-1, 1, 12).reshape(3, 2, 2)  # the tolerance grows with the largest number
    assert compare(torch, [(right, right.clone())], 6).matches is True
    for dtype, step in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 0.1)):
        other = right.to(dtype).clone()
        other[1, 0, 1] += step
        found = compare(torch, [(right.to(dtype), other)], 6)
        assert found.matches is False
        assert found.max_abs_diff > step / 2
    assert compare(torch, [(right, right[:2])], 6).matches is False
    assert compare(torch, [(torch.tensor([1.0]), torch.tensor([float("inf")]))], 1)[:2] == (False, "Infinity")
    assert compare(torch, [(torch.tensor([float("inf")]), torch.tensor([float("inf")]))], 1)[:2] == (True, 0.0)
    assert compare(torch, [(torch.tensor([float("nan")]), torch.tensor([1.0]))], 1).matches is False


def test_cudnn_is_asked_for_full_precision_and_left_as_it_was():
    """While results are compared on a GPU cuDNN may not round to TF32; afterwards its setting is what it was before."""
    before = torch.backends.cudnn.allow_tf32
    with full_precision(torch, torch.device("cuda")):
        assert torch.backends.cudnn.allow_tf32 is False
    assert torch.backends.cudnn.allow_tf32 == before
    with full_precision(torch, torch.device("cpu")):
        assert torch.backends.cudnn.allow_tf32 == before


def test_the_shapes_under_the_terms_multiply():
    """Evaluated with tensors of the shapes written under them, the terms give the shape of the result."""
    rng = random.Random(2)
    for _ in range(60):
        cell, nonlinearity = rng.choice(CELLS)
        sizes = {"input_size": rng.randint(1, 6), "hidden_size": rng.randint(1, 6), "bias": rng.random() < 0.7}
        data = DataConfig(unbatched=True) if rng.random() < 0.3 else DataConfig(batch_size=rng.randint(1, 5))
        module = config(cell, nonlinearity, **sizes)
        joined = one_matmul(module, data)
        for equation in (*equations(module, data), *([joined] if joined else [])):
            names, source = {}, ""
            for number, term in enumerate(equation.terms):
                if term.shape is None:
                    source += {"*": " * ", "@": " @ ", "+": " + "}.get(term.text, term.text)
                else:
                    names[f"v{number}"] = torch.zeros(term.shape)
                    source += f" v{number} "
            functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
            assert tuple(eval(source, {**functions, **names}).shape) == equation.result.shape, source


def test_the_equations_name_pytorchs_weights():
    """Each gate's terms are those of torch.nn's documentation, and a cell without bias has none."""
    words = [" ".join(term.text for term in equation.terms) for equation in equations(config("gru"), DataConfig())]
    assert words[0] == "sigmoid( x[t] @ W_ir + b_ir + h[t-1] @ W_hr + b_hr )"
    assert words[2] == "tanh( x[t] @ W_in + b_in + r * ( h[t-1] @ W_hn + b_hn ) )"
    assert [equation.result.text for equation in equations(config("lstm"), DataConfig())] == [
        "i",
        "f",
        "g",
        "o",
        "c[t]",
        "h[t]",
    ]
    bare = [term.text for e in equations(config("lstm", bias=False), DataConfig()) for term in e.terms]
    assert not any(text.startswith("b_") for text in bare)


def test_a_gru_says_why_not(invoke):
    """For a GRU there is no single product, and both forms of the answer say why."""
    document = invoke("cell", "--cell", "gru", "--json").json
    assert document["one_matmul"] is None
    assert "reset gate" in document["one_matmul_why_not"]
    assert "not possible for a GRU: the reset gate r multiplies only the hidden part" in invoke("cell", "--cell", "gru").out


def test_all_steps_share_one_set_of_weights(invoke):
    """Every weight is listed once, with all steps that use it, however many there are."""
    document = invoke("cell", "-t", "7", "--cell", "lstm", "--json").json
    assert {tuple(weight["used_in_steps"]) for weight in document["weights"].values()} == {(0, 7)}
    module = torch.nn.LSTMCell(4, 2)
    assert {name: tuple(weight["measured"]) for name, weight in document["weights"].items()} == {
        name: tuple(weight.shape) for name, weight in module.named_parameters()
    }
    assert document["parameters"] == sum(p.numel() for p in module.parameters())
    text = invoke("cell", "-t", "7", "--cell", "lstm").out
    assert "One set of weights, the same in all steps, t = 0 to 6" in text
    assert text.count("├── weight_ih") == 1


def test_shapes_stand_under_their_terms(invoke):
    """In the text each shape begins in the column of its term, and the operators are repeated between the shapes."""
    lines = invoke("cell").out.splitlines()
    above = next(i for i, line in enumerate(lines) if line.startswith("h[t]"))
    assert " ".join(lines[above].split()) == "h[t] = tanh( x[t] @ W_ihᵀ + b_ih + h[t-1] @ W_hhᵀ + b_hh )"
    assert " ".join(lines[above + 1].split()) == "(2, 2) (2, 4) @ (4, 2) + (2,) + (2, 2) @ (2, 2) + (2,)"
    for term in ("h[t]", "x[t]", "W_ih", "b_ih", "h[t-1]", "W_hh", "b_hh"):
        assert lines[above + 1][lines[above].index(term)] == "("


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_no_shape_is_cut_at_any_width(invoke, monkeypatch, columns, cell):
    """However narrow the terminal, parentheses are closed on the line on which they open under the terms."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = invoke("cell", "--cell", cell, "-i", "512", "-H", "1000", "-n", "64", "-t", "2", "--device", "meta").out
    for line in out.partition("One step")[2].partition("The same step")[0].splitlines():
        assert "…" not in line
        shapes = re.sub(r"\(\d+,( \d+)?\)", "", line)
        assert "," not in shapes, line
        assert len(line) <= max(columns, 40), line
    assert "(64, 1000)" in out
    assert "(512, 1000)" in out
    if columns >= 80:
        assert re.search(r"\(64, 512\) +@ \(512, 1000\) +\+ \(1000,\)", out)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_plain_ascii_is_enough(invoke, monkeypatch, cell):
    """On a terminal that knows ASCII alone every glyph has a stand-in."""
    from rnndims.render import console

    made = console.make_console

    def ascii_console(*args, **options):
        result = made(*args, **options)
        monkeypatch.setattr(type(result), "encoding", "ascii")
        return result

    monkeypatch.setattr(console, "make_console", ascii_console)
    out = invoke("cell", "--cell", cell).out
    assert out.isascii()
    assert ".T" in out


REFUSED = [
    (("--layers", "2"), 2, "--layers 2: RNNCell has no such argument"),
    (("-b",), 2, "--bidirectional: RNNCell has no such argument"),
    (("--batch-first",), 2, "--batch-first"),
    (("nn.LSTM(4, 3, proj_size=2)",), 2, "it has a projection"),
    (("--cell", "lstm", "--proj-size", "1"), 2, "LSTMCell has no projections"),
    (("--lengths", "3,1"), 2, "--lengths 3,1: a cell reads a single step"),
    (("-t", "20001"), 2, "--seq-len 20001"),
    (("-t", "0"), 2, "--seq-len 0"),
    (("nn.GRUCell(0, 3)",), 2, "--input-size 0"),
    (("--device", "foo"), 3, "This machine has: cpu"),
    (("--device", "meta", "--values"), 2, "meta has shapes but no numbers"),
    (("-H", "10000000"), 3, "of memory"),
    (("--nonlinearity", "relu", "--dtype", "complex64"), 2, "clamp is not supported for complex types"),
]


@pytest.mark.parametrize(("options", "code", "said"), REFUSED)
def test_what_a_cell_cannot_do_is_one_message(invoke, options, code, said):
    """What has no answer ends in one message, its exit code, and an empty standard output."""
    result = invoke("cell", *options)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("code", ["nn.RNN(2, 2, 1, batch_first=True)", "nn.LSTM(2, 3, 1, True, True, 0.5)"])
@pytest.mark.filterwarnings("ignore:dropout option")
def test_a_pasted_layer_is_stepped_through_by_its_cell(invoke, code):
    """What means nothing to a cell is left out of a pasted layer, and the loop gives what the layer gives."""
    document = invoke("cell", code, "--json").json
    assert document["matches_layer"]
    assert document["config"]["is_cell"]
    assert any("batch_first is left out" in note for note in document["notes"])


def test_a_pasted_layer_that_is_more_than_a_cell_is_refused_as_pasted(invoke):
    """The message names the layer and what it has more, and no option that nobody typed."""
    result = invoke("cell", "nn.LSTM(2, 2, 2, bidirectional=True)")
    assert result.code == 2
    assert "2 layers, two directions" in result.err
    assert "--layers" not in result.err


def test_meta_has_shapes_without_numbers(invoke):
    """On meta the steps have shapes of any size, and nothing is said to match."""
    document = invoke("cell", "--device", "meta", "-H", "1000000", "--json").json
    assert document["steps"][2]["h"] == [2, 1000000]
    assert document["steps"][2]["h_values"] is None
    assert document["matches_layer"] is None
    assert document["max_abs_diff"] is None


def test_numbers_are_kept_where_they_are_few_or_asked_for(invoke):
    """The states of small cells come with their numbers, those of large ones with --values alone."""
    assert "[" in invoke("cell").out.partition("Step by step")[2]
    large = ("cell", "-H", "150", "-n", "9", "--json")
    assert invoke(*large).json["steps"][0]["h_values"] is None
    full = invoke(*large, "--values").json
    assert torch.tensor(full["steps"][0]["h_values"]).shape == (9, 150)
    assert torch.tensor(full["values"]["weight_hh"]).shape == (150, 150)
    assert "--values shows the numbers" in invoke(*large[:-1]).out


def test_values_show_what_each_step_reads(invoke):
    """--values prints the input of every step beside the states that come of it."""
    steps = invoke("cell", "--values", "--json").json["steps"]
    shown = invoke("cell", "--values").out.partition("Step by step")[2]
    for step in steps:
        assert all(f"{number:.4f}" in shown for row in step["input_values"] for number in row)
    assert f"{steps[0]['input_values'][0][0]:.4f}" not in invoke("cell").out


def test_pasted_layers_are_taken_for_their_cell(invoke):
    """nn.LSTM(8, 3) as code is stepped through as nn.LSTMCell(8, 3)."""
    document = invoke("cell", "nn.LSTM(8, 3)", "--json").json
    assert document["config"]["module"] == "nn.LSTMCell(8, 3)"
    assert document["layer"] == "nn.LSTM(8, 3)"
    assert document["steps"][0]["c"] == [2, 3]


def test_a_disagreement_would_be_exit_code_1(invoke, monkeypatch):
    """If PyTorch's cell did not do what its layer does, the program would say so and return 1."""
    cell = import_module("rnndims.torch_runner.step_through")

    monkeypatch.setattr(cell, "copy_weights", lambda torch, layer, module: module.bias_ih.mul_(2))
    result = invoke("cell")
    assert result.code == 1
    assert "✗ the loop gives other numbers than " in result.out
    assert json.loads(invoke("cell", "--json").out)["matches_layer"] is False


def test_a_wrong_matrix_product_is_noticed(invoke, monkeypatch):
    """If the weights stood side by side in the wrong order, the program would say so and return 1."""
    cell = import_module("rnndims.torch_runner.step_through")

    join = cell.join
    monkeypatch.setattr(cell, "join", lambda torch, module, x, h, c, config: join(torch, module, x, -h, c, config))
    for kind in ("rnn", "lstm"):
        result = invoke("cell", "--cell", kind)
        assert result.code == 1
        assert "other numbers than in the cell" in result.out
        assert "✓ the loop gives" in result.out


def test_errors_come_before_torch():
    """What a cell has no argument for is refused without loading torch, by a ConfigError that names the field."""
    with pytest.raises(ConfigError) as caught:
        step_through(RNNConfig("gru", 4, 2, num_layers=2), DataConfig())
    assert caught.value.field == "num_layers"
    with pytest.raises(MachineError):
        step_through(RNNConfig("gru", 4, 2), DataConfig(), device="foo")


SIGNS = {"σ(": "torch.sigmoid(", "tanh(": "torch.tanh(", "relu(": "torch.relu(", "⊙": "*", "ᵀ": ".T", "x[t]": "x"}


TIMES = (("[t-1]", "_0"), ("[t]", "_1"))


def printed_equations(out: str, heading: str) -> list[tuple[str, str]]:
    """Name and right side of each equation below a heading, as Python: every second line has their shapes."""
    lines = out.split(f"{heading}\n")[1].split("\n\n", maxsplit=1)[0].split("\n")[::2]
    equations = []
    for name, equals, code in (line.partition(" = ") for line in lines):
        for sign, python in {
            **SIGNS,
            **{f"{state}{time}": f"{state}{number}" for state in "hc" for time, number in TIMES},
        }.items():
            code = code.replace(sign, python)  # noqa: PLW2901
        equations += [(name.strip().replace("[t]", "_1"), code)] if equals else []
    return equations


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "code", ["nn.RNNCell(3, 5)", "nn.RNNCell(3, 5, nonlinearity='relu')", "nn.LSTMCell(3, 5)", "nn.GRUCell(3, 5)"]
)
def test_printed_equations_are_pytorchs_in_numbers(invoke, monkeypatch, code, bias):
    """The equations as they are printed, evaluated from top to bottom, give the numbers of the cell; as one product too."""
    monkeypatch.setenv("COLUMNS", "400")
    code = code if bias else code.replace("5", "5, bias=False")
    cell = eval(code, {"nn": torch.nn})
    gates = list(RNNConfig.from_module(cell).definition.gates)
    names = {"torch": torch, "x": torch.randn(2, 3), "h_0": torch.randn(2, 5), "c_0": torch.randn(2, 5)}
    single = len(gates) == 1
    for kind, parameter in (("W_i", "weight_ih"), ("W_h", "weight_hh"), ("b_i", "bias_ih"), ("b_h", "bias_hh")):
        if bias or kind.startswith("W"):
            parts = getattr(cell, parameter).chunk(len(gates))
            names |= {kind + ("h" if single else gate): part for gate, part in zip(gates, parts, strict=True)}
    out = invoke("cell", code).out
    state = (names["h_0"], names["c_0"]) if "LSTM" in code else names["h_0"]
    expected = cell(names["x"], state)
    results = expected if isinstance(expected, tuple) else (expected,)
    for name, right in printed_equations(out, "One step"):
        names[name] = eval(right, names)
    for name, result in zip(("h_1", "c_1"), results, strict=False):
        torch.testing.assert_close(names[name], result)
    if "GRU" in code:
        return
    joined = {name: names[name] for name in ("torch", "x", "h_0", "c_0")}
    joined |= {"xh": torch.cat([names["x"], names["h_0"]], 1), "W": torch.cat([cell.weight_ih, cell.weight_hh], 1)}
    joined |= {"b": cell.bias_ih + cell.bias_hh} if bias else {}
    for name, right in printed_equations(out, "The same step as one matrix product"):
        parts = right.replace("[x, h_0]", "xh").replace("[weight_ih | weight_hh]", "W").replace("(bias_ih + bias_hh)", "b")
        value = eval(parts, joined)
        joined |= dict(zip(name.split("|"), value.chunk(len(gates), 1), strict=True)) if "|" in name else {name: value}
    for gate in gates if "LSTM" in code else ():
        torch.testing.assert_close(joined[gate], names[gate])
    if "RNN" in code:
        torch.testing.assert_close(joined["h_1"], results[0])
