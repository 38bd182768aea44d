"""What the diagrams say, against real PyTorch modules: shapes, rows, equations; and what they leave out."""

import re
from typing import Any

import pytest
import torch
from check_oracle import build as real_module
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnndims.config import DataConfig, RNNConfig
from rnndims.diagrams import Diagram, Node, build_diagram
from rnndims.diagrams.formulas import Formulas
from rnndims.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
MODULES = [
    RNNConfig("rnn", 4, 3),
    RNNConfig("rnn", 4, 3, 2, nonlinearity="relu", bias=False),
    RNNConfig("rnn", 5, 3, 2, bidirectional=True, batch_first=True),
    RNNConfig("gru", 4, 3, 3, bidirectional=True),
    RNNConfig("lstm", 6, 5, 2, bidirectional=True, proj_size=2),
    RNNConfig("lstm", 6, 5, bias=False),
]
CELLS = [
    RNNConfig("rnn", 4, 3, is_cell=True),
    RNNConfig("rnn", 4, 3, nonlinearity="relu", bias=False, is_cell=True),
    RNNConfig("gru", 4, 3, is_cell=True),
    RNNConfig("gru", 4, 3, bias=False, is_cell=True),
    RNNConfig("lstm", 4, 3, is_cell=True),
]
NONLINEAR = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def build(config: RNNConfig) -> nn.Module:
    torch.manual_seed(0)
    return real_module(config)


def nodes(diagram: Diagram, kind: str) -> list[Node]:
    return [node for node in diagram.nodes.values() if node.kind == kind]


@pytest.mark.parametrize("config", MODULES, ids=lambda c: f"{c.cell}-{c.num_layers}x{c.D}")
def test_unrolled_shapes_are_those_of_the_real_tensors(config: RNNConfig) -> None:
    """Every x_t, output[t] and state in the picture has the shape of that slice of what PyTorch takes and returns."""
    module, data = build(config), DataConfig(4, 2)
    given = torch.randn((2, 4, config.input_size) if config.batch_first else (4, 2, config.input_size))
    output, states = module(given)
    diagram = build_diagram(config, data)
    time = 1 if config.batch_first else 0
    assert [node.shape for node in nodes(diagram, "input")] == [tuple(given.select(time, t).shape) for t in range(4)]
    for node in nodes(diagram, "output"):
        assert tuple(eval(node.name, {"output": output}).shape) == node.shape
    found = {"h": states[0], "c": states[1]} if config.cell == "lstm" else {"h": states}
    drawn = {node.name: node.shape for node in nodes(diagram, "state")}
    for letter, state in found.items():
        for row in range(len(state)):
            assert drawn.pop(f"{letter}_0[{row}]") == drawn.pop(f"{letter}_n[{row}]") == tuple(state[row].shape)
    assert not drawn
    for node in nodes(diagram, "state"):
        if node.in_output:
            row = int(node.name.removeprefix("h_n[").removesuffix("]"))
            assert torch.equal(eval(node.in_output, {"output": output}), found["h"][row])


@pytest.mark.parametrize("config", MODULES, ids=lambda c: f"{c.cell}-{c.num_layers}x{c.D}")
def test_weight_sets_are_the_module_s_parameters(config: RNNConfig) -> None:
    """The weights beside the rows of cells are all parameters of the module, each with its layer and direction."""
    diagram = build_diagram(config, DataConfig())
    drawn = {name: shape for each in diagram.weights for name, shape in each.parameters.items()}
    assert drawn == {name: tuple(weight.shape) for name, weight in build(config).named_parameters()}
    for each in diagram.weights:
        reverse = each.direction == "reverse"
        assert all(f"_l{each.layer}" in name and name.endswith("_reverse") == reverse for name in each.parameters)


def test_what_a_layer_reads_is_as_wide_as_its_weights() -> None:
    """An arrow into a cell of layer k carries as many features as weight_ih_l{k} has columns."""
    config = RNNConfig("lstm", 6, 5, 3, bidirectional=True, proj_size=2)
    diagram, module = build_diagram(config, DataConfig()), build(config)
    into = [edge for edge in diagram.edges if diagram.nodes[edge.target].kind == "cell" and edge.kind == "x"]
    assert len(into) == 3 * 2 * 3
    for edge in into:
        layer = diagram.nodes[edge.target].layer
        assert edge.shape is not None
        assert edge.shape[-1] == getattr(module, f"weight_ih_l{layer}").shape[1]


def test_states_enter_and_leave_at_their_proper_ends() -> None:
    """Forward h_0 enters at the first step and h_n leaves the last; in reverse it is the other way round."""
    diagram = build_diagram(RNNConfig("gru", 4, 3, 2, bidirectional=True), DataConfig(5))
    arrows = {(edge.source, edge.target) for edge in diagram.edges}
    for layer, row in ((0, 0), (1, 2)):
        assert (f"h_0_{row}", f"cell_l{layer}_forward_0") in arrows
        assert (f"cell_l{layer}_forward_4", f"h_n_{row}") in arrows
        assert (f"h_0_{row + 1}", f"cell_l{layer}_reverse_4") in arrows
        assert (f"cell_l{layer}_reverse_0", f"h_n_{row + 1}") in arrows
        assert (f"cell_l{layer}_forward_1", f"cell_l{layer}_forward_2") in arrows
        assert (f"cell_l{layer}_reverse_2", f"cell_l{layer}_reverse_1") in arrows


@pytest.mark.parametrize("lengths", [(3, 1), (1, 4, 2), (2, 2)])
def test_packed_steps_have_pytorch_s_batch_sizes(lengths: tuple[int, ...]) -> None:
    """With lengths, x_t has as many rows as pack_padded_sequence has sequences at t, and steps after all of them are empty."""
    data = DataConfig(6, lengths=lengths)
    packed = pack_padded_sequence(torch.zeros(6, len(lengths), 4), torch.tensor(lengths), enforce_sorted=False)
    sizes = packed.batch_sizes.tolist()
    diagram = build_diagram(RNNConfig("rnn", 4, 3), data)
    drawn = nodes(diagram, "input")
    assert [node.shape[0] for node in drawn if node.shape] == sizes
    assert [node.empty for node in drawn] == [t >= max(lengths) for t in range(6)]
    output, _ = pad_packed_sequence(nn.RNN(4, 3)(packed)[0])
    assert [node.shape for node in nodes(diagram, "output")] == [tuple(output[t].shape) for t in range(max(lengths))]
    into = {edge.target: edge.shape for edge in diagram.edges if edge.kind == "y"}
    assert [into[f"output_{t}"] for t in range(max(lengths))] == [(size, 3) for size in sizes]
    for sequence in diagram.sequences:
        assert list(sequence.filled) == [t < lengths[sequence.index] for t in range(6)]


def test_the_middle_is_left_out_and_counted() -> None:
    """100 steps and 12 layers keep both ends; every step and layer is either drawn or counted."""
    diagram = build_diagram(RNNConfig("lstm", 8, 6, 12, bidirectional=True), DataConfig(100))
    assert diagram.steps == (0, 1, None, 98, 99)
    assert diagram.layers == (0, 1, None, 11)
    assert (diagram.left_out_steps, diagram.left_out_layers) == (96, 9)
    assert {node.count for node in nodes(diagram, "more_steps")} == {96}
    assert {node.count for node in nodes(diagram, "more_layers")} == {9}
    assert any("96 of 100 steps are not drawn (2 to 97)" in note for note in diagram.notes)
    assert any("9 of 12 layers are not drawn (2 to 10)" in note for note in diagram.notes)
    assert {"h_n_0", "h_n_1", "h_n_2", "h_n_3", "h_n_22", "h_n_23"} == {n for n in diagram.nodes if n.startswith("h_n")}


def test_sizes_beyond_any_machine_are_drawn_at_once() -> None:
    """A million layers and a billion steps cost no more than a handful."""
    diagram = build_diagram(RNNConfig("gru", 10**9, 10**9, 10**6, bidirectional=True), DataConfig(10**9, 10**6))
    assert len(diagram.nodes) < 200
    assert diagram.nodes["h_n_1999999"].in_output == f"output[0, :, {10**9}:{2 * 10**9}]"


@pytest.mark.parametrize("config", MODULES, ids=lambda c: f"{c.cell}-{c.num_layers}x{c.D}")
def test_graph_is_whole(config: RNNConfig) -> None:
    """Every arrow joins two nodes, every node is on an arrow, and ids are plain."""
    for view in ("unrolled", "cell", "matmul"):
        diagram = build_diagram(config, DataConfig(20), view)  # type: ignore[arg-type]
        ends = {name for edge in diagram.edges for name in (edge.source, edge.target)}
        assert ends <= set(diagram.nodes)
        alone = {name for name in diagram.nodes if name not in ends}
        assert alone <= {"output_more"}
        assert all(name.replace("_", "a").isalnum() and name.isascii() for name in diagram.nodes)


def evaluate(diagram: Diagram, given: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The numbers that flow through a cell view when its nodes are computed as they say."""
    values = dict(given)
    sources: dict[str, list[str]] = {}
    for edge in diagram.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    operands = {"x_t": "x", "h_(t-1)": "h_prev"}

    def value(name: str) -> torch.Tensor:
        if name in values:
            return values[name]
        node = diagram.nodes[name]
        inputs = [value(source) for source in sources[name]]
        if node.kind == "projection":
            found = inputs[0] @ weights[node.parts[0].parameter].T
        elif node.parts:
            found = torch.zeros(())
            for term in node.parts:
                rows = slice(*term.rows)
                weight = weights[term.parameter][rows]
                assert tuple(weight.shape) == term.shape
                found = found + values[operands[term.operand]] @ weight.T
                if term.bias is not None:
                    bias = weights[term.parameter.replace("weight", "bias")][rows]
                    assert tuple(bias.shape) == term.bias_shape
                    found = found + bias
            found = NONLINEAR[node.activation](found) if node.activation else found
        elif node.name == "mul":
            found = inputs[0] * inputs[1]
        elif node.name == "add":
            found = inputs[0] + inputs[1]
        elif node.name == "one_minus":
            found = 1 - inputs[0]
        elif node.name == "tanh":
            found = torch.tanh(inputs[0])
        else:
            (found,) = inputs
        assert tuple(found.shape) == node.shape, name
        values[name] = found
        return found

    return {name: value(name) for name in diagram.nodes}


@pytest.mark.parametrize("config", CELLS, ids=lambda c: f"{c.cell}-{c.nonlinearity}-{c.bias}")
def test_cell_view_computes_what_the_cell_computes(config: RNNConfig) -> None:
    """Following the arrows with the cell's own weights gives the numbers that the PyTorch cell returns."""
    cell = build(config)
    x, h, c = torch.randn(2, 4), torch.randn(2, 3), torch.randn(2, 3)
    expected = cell(x, (h, c) if config.cell == "lstm" else h)
    found = evaluate(
        build_diagram(config, DataConfig(), "cell"), {"x": x, "h_prev": h, "c_prev": c}, dict(cell.named_parameters())
    )
    if config.cell == "lstm":
        torch.testing.assert_close(found["c_next"], expected[1])
        expected = expected[0]
    torch.testing.assert_close(found["h_next"], expected)


@pytest.mark.parametrize("layer", [0, 1])
def test_cell_view_of_a_projected_layer_computes_one_step_of_it(layer: int) -> None:
    """With proj_size and in any layer, the picture is one step of the real module."""
    config = RNNConfig("lstm", 6, 5, 2, proj_size=2)
    module = build(config)
    x = torch.randn(1, 2, 6)
    h, c = torch.randn(2, 2, 2), torch.randn(2, 2, 5)
    output, (h_n, c_n) = module(x, (h, c))
    read = x[0] if layer == 0 else h_n[0]
    given = {"x": read, "h_prev": h[layer], "c_prev": c[layer]}
    found = evaluate(build_diagram(config, DataConfig(1), "cell", layer=layer), given, dict(module.named_parameters()))
    torch.testing.assert_close(found["h_next"], h_n[layer])
    torch.testing.assert_close(found["c_next"], c_n[layer])
    assert tuple(output[0].shape) == found["h_next"].shape


@pytest.mark.parametrize("config", [c for c in CELLS if c.bias], ids=lambda c: c.cell)
def test_matmul_blocks_multiply_to_the_gates(config: RNNConfig) -> None:
    """The blocks have the shapes of the real matrices, and one joined product gives the same as the two."""
    cell, diagram = build(config), build_diagram(config, DataConfig(), "matmul")
    weights = dict(cell.named_parameters())
    x, h = torch.randn(2, 4), torch.randn(2, 3)
    joined = torch.cat([x, h], dim=1)
    columns = diagram.nodes["gates_joined"].shape[1]  # type: ignore[index]
    w_joined = torch.cat([weights["weight_ih"], weights["weight_hh"]], dim=1).T[:, :columns]
    bias = (weights["bias_ih"] + weights["bias_hh"])[:columns]
    real = {"x": x, "h": h, "w_ih": weights["weight_ih"].T, "w_hh": weights["weight_hh"].T, "joined": joined}
    real |= {"w_joined": w_joined, "bias_joined": bias, "gates_joined": joined @ w_joined + bias}
    for name, matrix in real.items():
        assert diagram.nodes[name].shape == tuple(matrix.shape), name
    biases = ("bias_ih", "bias_hh") if config.cell == "gru" else ("bias",)
    assert {diagram.nodes[name].shape for name in biases} == {tuple(weights["bias_ih"].shape)}
    separate = (x @ real["w_ih"] + weights["bias_ih"]) + (h @ real["w_hh"] + weights["bias_hh"])
    torch.testing.assert_close(real["gates_joined"], separate[:, :columns])
    gates = diagram.nodes["gates_joined"].gates
    assert list(gates) == {"rnn": ["h"], "lstm": ["i", "f", "g", "o"], "gru": ["r", "z"]}[config.cell]


@pytest.mark.parametrize("config", [c for c in CELLS if c.bias], ids=lambda c: f"{c.cell}-{c.nonlinearity}")
def test_what_follows_the_products_is_what_the_cell_does(config: RNNConfig) -> None:
    """The equations below the matrix products, computed as they are written, end in the h_t of the real cell."""
    cell, diagram = build(config), build_diagram(config, DataConfig(), "matmul")
    weights, x, h, c = dict(cell.named_parameters()), torch.randn(2, 4), torch.randn(2, 3), torch.randn(2, 3)
    from_x = x @ weights["weight_ih"].T + weights["bias_ih"]
    from_h = h @ weights["weight_hh"].T + weights["bias_hh"]
    note = next(note for note in diagram.notes if note.startswith("afterwards: "))
    for written, name in (("n from x_t", "n_x"), ("n from h_(t-1)", "n_h"), ("h_(t-1)", "h"), ("c_(t-1)", "c")):
        note = note.replace(written, name)
    names: dict[str, Any] = {"h": h, "c": c, "tanh": torch.tanh}
    if config.cell == "rnn":
        assert f"h_t = {config.nonlinearity} of this" in note
        assert {diagram.nodes[name].name for name in ("gates", "gates_joined")} == {f"before {config.nonlinearity}"}
        names["h_t"] = getattr(torch, config.nonlinearity or "")(from_x + from_h)
    for gate, (start, stop) in diagram.nodes["w_ih"].gates.items() if config.cell != "rnn" else ():
        names[gate] = (torch.tanh if gate == "g" else torch.sigmoid)((from_x + from_h)[:, start:stop])
        names |= {"n_x": from_x[:, start:stop], "n_h": from_h[:, start:stop]}
    for target, expression in re.findall(r"\b(n|c_t|h_t) = ([^;,]*)[;,]", note) if config.cell != "rnn" else ():
        names[target] = eval(expression, names)
    real = cell(x, (h, c))[0] if config.cell == "lstm" else cell(x, h)
    torch.testing.assert_close(names["h_t"], real)
    assert note.endswith("h_t (2, 3)")


def test_impossible_requests_are_refused() -> None:
    """A layer that does not exist, or a picture of nothing, is an error that names the option."""
    config = RNNConfig("rnn", 4, 3, 2)
    with pytest.raises(ConfigError) as caught:
        build_diagram(config, DataConfig(10**9), max_steps=10**9)
    assert caught.value.field == "max_steps"
    for arguments, field in (({"layer": 2}, "layer"), ({"layer": -1}, "layer"), ({"max_steps": 0}, "max_steps")):
        with pytest.raises(ConfigError) as caught:
            build_diagram(config, DataConfig(), "cell", **arguments)  # type: ignore[arg-type]
        assert caught.value.field == field


def test_a_cell_is_drawn_from_the_inside() -> None:
    """nn.LSTMCell has nothing to unroll, so its picture is the cell view, with names without _l0."""
    diagram = build_diagram(RNNConfig("lstm", 4, 3, is_cell=True), DataConfig())
    assert diagram.view == "cell"
    assert {term.parameter for node in diagram.nodes.values() for term in node.parts} == {"weight_ih", "weight_hh"}


@pytest.mark.parametrize("code", ["nn.RNNCell(3, 5)", "nn.LSTMCell(3, 5)", "nn.GRUCell(3, 5)"])
def test_the_formulas_of_pictures_are_pytorchs_in_numbers(code: str) -> None:
    """What the boxes of a cell say, with the shapes beside it, can be multiplied as it stands and gives PyTorch's numbers."""
    cell = eval(code, {"nn": torch.nn})
    config = RNNConfig.from_module(cell)
    gates = config.definition.gates
    names: dict[str, Any] = {"torch": torch, "x_t": torch.randn(2, 3), "h_0": torch.randn(2, 5), "c_0": torch.randn(2, 5)}
    for kind, parameter in (("W_i", "weight_ih"), ("W_h", "weight_hh"), ("b_i", "bias_ih"), ("b_h", "bias_hh")):
        names |= {kind + gate: part for gate, part in zip(gates, getattr(cell, parameter).chunk(len(gates)), strict=True)}
    formulas = Formulas(config)
    for name in config.definition.equations:
        result, _, right = formulas.equation(name).partition(" = ")
        python = re.sub(r"(\S+) (W_\w+)\^T", r"\1 @ \2.T", right).replace("_(t-1)", "_0").replace("sigmoid", "torch.sigmoid")
        names[result] = eval(python.replace("tanh", "torch.tanh"), names)
    expected = cell(names["x_t"], names["h_0"] if len(config.definition.states) == 1 else (names["h_0"], names["c_0"]))
    torch.testing.assert_close(names["h_t"], expected[0] if isinstance(expected, tuple) else expected)
