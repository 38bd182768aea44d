"""Cells as data: all about a made-up cell follows from its definition, and the definitions compute what PyTorch's cells do."""

import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from drawings import check_scene, check_svg
from rich.cells import cell_len

from rnndims import ConfigError, DataConfig, RNNConfig, dims, read_checkpoint
from rnndims.cells import CELLS, Cell
from rnndims.cells.definition import Linear, X, compute_step, gate_sum, new, previous, project, relu, sigmoid, tanh, value
from rnndims.constructor import format_constructor
from rnndims.diagnose.kinds_of_call import classes_of
from rnndims.diagrams import View, build_diagram
from rnndims.drawing import render_plain
from rnndims.drawing.layout import layout
from rnndims.drawing.scene import ASCII, PIXELS, TEXT, Scene
from rnndims.equations import equations, one_matmul, why_not_one_matmul
from rnndims.errors import MachineError
from rnndims.render.documents import dims_document, encode
from rnndims.script import script
from rnndims.torch_runner import run

_f, _n, _h = value("f"), value("n"), previous("h")
MGU: Final = Cell(
    name="mgu",
    class_name="MGU",
    gates={"f": "forget gate f", "n": "new gate n"},
    states={"h": "hidden state"},
    values={
        "f": sigmoid(gate_sum("f")),
        "n": tanh(Linear(X, "n", "input") + Linear(_f * _h, "n", "hidden")),
    },
    new_states={"h": (1 - _f) * _h + _f * _n},
)
"""A minimal gated unit: h' = (1 - f) * h + f * tanh(W_in x + b_in + W_hn (f * h) + b_hn)."""

LEAK: Final = replace(
    MGU,
    name="leak",
    class_name="Leak",
    states={"h": "hidden state", "c": "cell state"},
    values={"f": MGU.values["f"], "n": tanh(gate_sum("n") + _f * _h + previous("c"))},
    new_states={"c": _f * previous("c") + (1 - _f) * _n, "h": new("c") * _n},
)
"""Another one: sums of three, an operation on h that does not lead to the new h, and a second state."""

VIEWS: Final[tuple[View, ...]] = ("unrolled", "cell", "matmul")
CONFIGS: Final = {
    "small": (RNNConfig, {"input_size": 4, "hidden_size": 2}, DataConfig()),
    "large": (RNNConfig, {"input_size": 300, "hidden_size": 512, "num_layers": 2}, DataConfig(9, 64)),
    "both": (RNNConfig, {"input_size": 4, "hidden_size": 3, "bidirectional": True, "bias": False}, DataConfig(lengths=(3, 1))),
    "cell": (RNNConfig, {"input_size": 4, "hidden_size": 2, "is_cell": True}, DataConfig(unbatched=True)),
}


@pytest.fixture(autouse=True)
def mgu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the made-up cell known."""
    monkeypatch.setitem(CELLS, "mgu", MGU)


@pytest.fixture
def leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the other made-up cell known too."""
    monkeypatch.setitem(CELLS, "leak", LEAK)


def test_a_made_up_cell_has_weights_and_costs() -> None:
    """Two gates give weights of 2*H_cell rows, and the parameters, MACs and gate slices that follow by hand."""
    closed = dims(RNNConfig("mgu", 5, 3, 2, bidirectional=True), seq_len=7, batch_size=4)
    assert closed.weights["weight_ih_l0"].shape == (6, 5)
    assert closed.weights["weight_ih_l1_reverse"].shape == (6, 6)
    assert closed.weights["weight_hh_l0"].gates == {"f": (0, 3), "n": (3, 6)}
    assert closed.totals.parameters == 2 * ((6 * 5 + 6 * 3 + 12) + (6 * 6 + 6 * 3 + 12))
    assert closed.totals.macs == 7 * 4 * 2 * ((6 * 5 + 6 * 3) + (6 * 6 + 6 * 3))
    assert list(closed.tensors) == ["input", "h_0", "output", "h_n"]
    assert '"cell":"mgu"' in encode(dims_document(closed))


def test_a_made_up_cell_has_equations_with_shapes() -> None:
    """Its equations are those of the definition, each tensor with its shape, and biases only where there are any."""
    config, data = RNNConfig("mgu", 4, 2, is_cell=True), DataConfig(batch_size=3)
    written = {e.result.text: " ".join(term.text for term in e.terms) for e in equations(config, data)}
    assert written == {
        "f": "sigmoid( x[t] @ W_if + b_if + h[t-1] @ W_hf + b_hf )",
        "n": "tanh( x[t] @ W_in + b_in + ( f * h[t-1] ) @ W_hn + b_hn )",
        "h[t]": "(1 - f ) * h[t-1] + f * n",
    }
    shapes = {term.text: term.shape for e in equations(config, data) for term in (e.result, *e.terms) if term.shape}
    assert shapes["x[t]"] == (3, 4)
    assert (shapes["W_in"], shapes["W_hn"], shapes["b_hn"]) == ((4, 2), (2, 2), (2,))
    assert {shapes[name] for name in ("f", "n", "h[t-1]", "h[t]")} == {(3, 2)}
    assert not any("b_" in term.text for e in equations(replace(config, bias=False), data) for term in e.terms)
    assert one_matmul(config, data) is None
    assert "the hidden part of n multiplies f * h[t-1]" in why_not_one_matmul(config, data)


def loop_step(parameters: dict[str, Any], x: list[float], h: list[float]) -> list[float]:
    """One step of the made-up cell for one sequence, with loops and ``math`` alone."""

    def total(name: str, vector: list[float], unit: int) -> float:
        weight, bias = parameters[f"W_{name}"], parameters[f"b_{name}"]
        return sum(vector[k] * weight[k][unit] for k in range(len(vector))) + bias[unit]

    units = range(len(h))
    f = [1 / (1 + math.exp(-total("if", x, j) - total("hf", h, j))) for j in units]
    kept = [f[j] * h[j] for j in units]
    n = [math.tanh(total("in", x, j) + total("hn", kept, j)) for j in units]
    return [(1 - f[j]) * h[j] + f[j] * n[j] for j in units]


def test_a_made_up_cell_computes_its_step() -> None:
    """Its step in numbers, by the definition, is that of loops written without it."""
    rng = random.Random(3)
    sizes = {"W_if": (4, 3), "W_in": (4, 3), "W_hf": (3, 3), "W_hn": (3, 3)}
    parameters: dict[str, Any] = {
        name: [[rng.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)] for name, (rows, columns) in sizes.items()
    }
    parameters |= {f"b_{name}": [rng.uniform(-1, 1) for _ in range(3)] for name in ("if", "in", "hf", "hn")}
    x, h = ([[rng.uniform(-2, 2) for _ in range(size)] for _ in range(5)] for size in (4, 3))
    functions = {"sigmoid": lambda a: 1 / (1 + np.exp(-a)), "tanh": np.tanh}
    arrays = {name: np.array(numbers) for name, numbers in parameters.items()}
    results = compute_step(MGU, {"x": np.array(x), "h": np.array(h)}, arrays, functions)
    assert list(results) == ["f", "n", "h"]
    expected = [loop_step(parameters, x[row], h[row]) for row in range(5)]
    np.testing.assert_allclose(results["h"], expected, rtol=1e-12)
    assert not np.allclose(results["h"], h, atol=1e-3)


def pictures(cell: str, case: str, view: View) -> Any:
    make, arguments, data = CONFIGS[case]
    return build_diagram(make(cell, **arguments), data, view)


@pytest.mark.parametrize("width", [40, 80, 120, 180])
@pytest.mark.parametrize("case", CONFIGS)
def test_a_made_up_cell_is_drawn_as_text(width: int, case: str) -> None:
    """At every width its inside is drawn with all its weights and equations, and no line is too long."""
    for kind in ("text", "ascii"):
        text = render_plain(pictures("mgu", case, "cell"), kind, width)  # type: ignore[arg-type]
        assert max(cell_len(line) for line in text.splitlines()) <= width
        assert "too narrow" not in text
        for word in ("W_if", "W_hf", "W_in", "W_hn", "tanh"):
            assert word in text
        assert text.isascii() or kind == "text"


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_collides_in_the_pictures_of_a_made_up_cell(case: str, view: View) -> None:
    """In characters at every level of detail and in SVG, no text, box or line of any view lies on another."""
    diagram = pictures("mgu", case, view)
    for m in (TEXT, TEXT._replace(glyphs=ASCII)):
        for detail in (40, 80, 120) if view == "matmul" else range(5):
            check_scene(layout(diagram, m, detail))
    check_svg(render_plain(diagram, "svg"))


def joined_boxes(scene: Scene) -> set[tuple[str, str]]:
    """The pairs of boxes that the lines of a scene join, where lines that cross are not joined."""
    lines = [(start, end, arrow) for arrow in scene.arrows for start, end in pairwise(arrow.points)]

    def on(point: tuple[float, float], line: Any) -> bool:
        (x0, y0), (x1, y1), _ = line
        return min(x0, x1) <= point[0] <= max(x0, x1) and min(y0, y1) <= point[1] <= max(y0, y1)

    pairs = set()
    for source in scene.boxes:
        reached = [line for line in lines if line[0][0] == source.right and source.y < line[0][1] < source.bottom]
        for line in reached:  # grows while it is read
            touching = (o for o in lines if on(o[0], line) or on(o[1], line) or on(line[0], o) or on(line[1], o))
            reached += [other for other in touching if other not in reached]
        for _, (x, y), arrow in reached:
            pairs |= {(source.node, box.node) for box in scene.boxes if arrow.head and x == box.x and box.y < y < box.bottom}
    return pairs


@pytest.mark.usefixtures("leak")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", ["mgu", "leak", "rnn", "lstm", "lstm projected", "gru"])
def test_the_plain_layout_joins_what_the_equations_join(monkeypatch: pytest.MonkeyPatch, cell: str, bias: bool) -> None:
    """Followed from box to box, lines lead where the arrows of the diagram do, and nowhere else; boxes and lines keep apart."""
    cell, _, projected = cell.partition(" ")
    monkeypatch.setitem(CELLS, cell, replace(CELLS[cell], layout=None))
    config = RNNConfig(cell, 4, 2, bias=bias, proj_size=1 if projected else 0)
    diagram = build_diagram(config, DataConfig(), "cell")
    for m, details in ((TEXT, range(3)), (PIXELS, range(1))):
        for detail in details:
            scene = layout(diagram, m, detail)
            assert joined_boxes(scene) == {(edge.source, edge.target) for edge in diagram.edges}
            gap = m.pick(2, 20)
            for one, other in combinations(scene.boxes, 2):
                apart = one.right < other.x or other.right < one.x
                assert apart or one.bottom + gap <= other.y or other.bottom + gap <= one.y
            flat = [sorted(ends) for arrow in scene.arrows for ends in pairwise(arrow.points) if ends[0][1] == ends[1][1]]
            for (one, one_end), (other, other_end) in combinations(flat, 2):
                side_by_side = min(one_end[0], other_end[0]) - max(one[0], other[0]) > 1
                assert not side_by_side or abs(one[1] - other[1]) > m.pick(0, 6) or one[1] == other[1]
            if m is TEXT:
                check_scene(scene)
    check_svg(render_plain(diagram, "svg"))


def random_cell(rng: random.Random) -> Cell:
    """A cell of one to five gates and one or two states, whose equations are drawn by lot."""
    states = {"h": "hidden state", "c": "cell state"} if rng.random() < 0.5 else {"h": "hidden state"}
    known: list[Any] = [previous(state) for state in states]
    functions: list[Callable[[Any], Any]] = [tanh, sigmoid, lambda one: 1 - one]

    def lot(depth: int) -> Any:
        kind = rng.random() if depth else 0
        if kind < 0.3:
            return rng.choice(known)
        if kind < 0.8:
            left, right = lot(depth - 1), lot(depth - 1)
            return left + right if kind < 0.55 else left * right
        return rng.choice(functions)(lot(depth - 1))

    values = {}
    for gate in "abdeg"[: rng.randint(1, 5)]:
        read = Linear(X, gate, "input")
        kinds = [
            lambda gate, _: gate_sum(gate),
            lambda gate, read: read + rng.choice(known) * Linear(previous("h"), gate, "hidden"),
            lambda gate, read: read + Linear(lot(2), gate, "hidden") + lot(1),
        ]
        values[gate] = sigmoid(rng.choice(kinds)(gate, read))
        known.append(value(gate))
    new_states = {}
    for state in reversed(states):
        new_states[state] = lot(3)
        known.append(new(state))
    return Cell("lot", "Lot", dict.fromkeys(values, "gate"), states, values, new_states)


@pytest.mark.parametrize("seed", range(40))
def test_the_plain_layout_draws_cells_drawn_by_lot(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever the equations, lines lead where they should, nothing collides, and all views and equations can be written."""
    monkeypatch.setitem(CELLS, "lot", random_cell(random.Random(seed)))
    config, data = RNNConfig("lot", 4, 2), DataConfig()
    diagram = build_diagram(config, data, "cell")
    for m in (TEXT, PIXELS):
        scene = layout(diagram, m)
        assert joined_boxes(scene) == {(edge.source, edge.target) for edge in diagram.edges}
        if m is TEXT:
            check_scene(scene)
    for view in VIEWS:
        check_svg(render_plain(build_diagram(config, data, view), "svg"))
    assert len(equations(config, data)) == len(config.definition.equations)


@pytest.mark.usefixtures("leak")
def test_arrows_carry_a_state_only_on_its_own_way() -> None:
    """Sums and products from a state to the same state after the step are marked as its way, all other arrows are not."""
    diagram = build_diagram(RNNConfig("leak", 4, 2), DataConfig(), "cell")
    kinds = {(edge.source, edge.target): edge.kind for edge in diagram.edges}
    carried = {pair for pair, kind in kinds.items() if kind == "c"}
    assert carried == {("c_prev", "add_2"), ("c_prev", "mul_2"), ("mul_2", "add_3"), ("add_3", "c_next")}
    assert kinds["h_prev", "mul_1"] == "h"
    assert kinds["mul_1", "add_1"] == kinds["add_1", "add_2"] == "flow"
    stacked = render_plain(diagram, "text", 45)
    assert "n = tanh(xₜ W_inᵀ + b_in" in stacked
    assert "+ f ⊙ hₜ₋₁" in stacked


@pytest.mark.parametrize("kind", ["dot", "mermaid"])
def test_graphviz_and_mermaid_have_all_nodes_of_a_made_up_cell(kind: Any) -> None:
    """Each node and each arrow of its inside is in both languages, and the state's own way is marked as such."""
    diagram = pictures("mgu", "small", "cell")
    text = render_plain(diagram, kind)
    arrow = r"(\w+) (?:->|-->|==>)(?:\|[^|]*\|)? (\w+)"
    assert {(edge.source, edge.target) for edge in diagram.edges} <= set(re.findall(arrow, text))
    carried = [(edge.source, edge.target) for edge in diagram.edges if edge.kind == "h"]
    assert ("mul_2", "add_2") in carried
    assert ("mul_1", "n_h") not in carried


def test_matrix_products_of_a_made_up_cell_are_its_own() -> None:
    """A product with something other than x and h has blocks of its own, and only the gates that can be joined are."""
    diagram = pictures("mgu", "small", "matmul")
    assert diagram.nodes["w_hh"].gates == {"f": (0, 2)}
    assert diagram.nodes["value_n"].name == "f * h_(t-1)"
    assert (diagram.nodes["w_n"].shape, diagram.nodes["w_n"].gates) == ((2, 2), {"n": (0, 2)})
    assert diagram.nodes["w_joined"].gates == {"f": (0, 2)}
    assert diagram.notes[0] == "n stays apart: W_hn is multiplied by f * h_(t-1), so only f can be one product"
    assert "n = tanh((n from x_t) + (n from f * h_(t-1)))" in diagram.notes[1]


def test_layouts_are_named_after_their_cell() -> None:
    """The layout that a definition names is a file that is there, and its name is the cell's."""
    for name in ("rnn", "lstm", "gru"):
        assert CELLS[name].layout == f"{name}_layout"
        assert find_spec(f"rnndims.drawing.{CELLS[name].layout}") is not None


FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


def equation_parameters(config: RNNConfig, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The module's parameters under the names of the equations, transposed, cut by hand into blocks of H_cell rows."""
    found = {}
    for name, tensor in module.named_parameters():
        kind, side = name.removesuffix("_l0").split("_")
        if side == "hr":
            found["W_hr"] = tensor.T
            continue
        for number, gate in enumerate(config.definition.gates):
            rows = tensor[number * config.hidden_size : (number + 1) * config.hidden_size]
            found[f"{'W' if kind == 'weight' else 'b'}_{side[0]}{gate}"] = rows.T if kind == "weight" else rows
    return found


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_the_definitions_compute_what_pytorch_computes() -> None:
    """Over random configurations the step by the definition is that of torch.nn's cell, or of its projected layer."""
    rng = random.Random(5)
    seen = set()
    for number in range(80):
        torch.manual_seed(number)
        cell = rng.choice(["rnn", "lstm", "gru"])
        arguments: dict[str, Any] = {"bias": rng.random() < 0.5}
        sizes, batch = (rng.randint(1, 7), rng.randint(2, 7)), rng.randint(1, 5)
        if cell == "rnn":
            arguments["nonlinearity"] = rng.choice(["tanh", "relu"])
        if cell == "lstm" and rng.random() < 0.5:
            arguments["proj_size"] = rng.randint(1, sizes[1] - 1)
        config = RNNConfig(cell, *sizes, is_cell="proj_size" not in arguments, **arguments)
        seen.add((cell, *sorted(name for name, on in arguments.items() if on)))
        module = getattr(torch.nn, config.class_name)(*sizes, dtype=torch.float64, **arguments)
        x = torch.randn(batch, sizes[0], dtype=torch.float64)
        states = {
            name: torch.randn(batch, config.H_out if name == "h" else sizes[1], dtype=torch.float64)
            for name in config.definition.states
        }
        functions = {**FUNCTIONS, "nonlinearity": getattr(torch, config.nonlinearity or "tanh")}
        with torch.no_grad():
            results = compute_step(config.definition, {"x": x, **states}, equation_parameters(config, module), functions)
            lead = () if config.is_cell else (None,)
            given = tuple(state[lead] for state in states.values())
            wanted = module(x[lead], given if len(given) > 1 else given[0])
            wanted = wanted if config.is_cell else wanted[1]
        for name, state in zip(states, wanted if len(given) > 1 else (wanted,), strict=True):
            torch.testing.assert_close(results[name], state.reshape(results[name].shape), rtol=1e-10, atol=1e-12)
    assert {("lstm", "bias", "proj_size"), ("lstm", "proj_size"), ("gru",), ("rnn", "nonlinearity")} <= seen


def test_what_a_cell_cannot_do_is_refused_by_its_definition() -> None:
    """A cell without a projection, or without a choice of functions, refuses both; what there is names the made-up cell too."""
    for arguments, words in (
        ({"proj_size": 1}, "MGU has no projections; only LSTM has"),
        ({"nonlinearity": "relu"}, "is only an argument of RNN; the gates of MGU have fixed activations"),
        ({"is_cell": True, "num_layers": 2}, "MGUCell has no such argument"),
    ):
        with pytest.raises(ConfigError, match=words):
            RNNConfig("mgu", 4, 2, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"must be rnn, .* or mgu"):
        RNNConfig("ugm", 4, 2)


def test_a_cell_that_pytorch_does_not_have_cannot_be_run() -> None:
    """To run a made-up cell ends in one message that names it."""
    with pytest.raises(MachineError, match=r"has no nn\.MGU"):
        run(dims(RNNConfig("mgu", 4, 2)))


def test_which_gates_can_be_joined_follows_from_the_equations() -> None:
    """Gates whose two products are only added are joined: all of them, some, or those that read h itself."""
    joined = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z"), "mgu": ("f",)}
    assert {name: CELLS[name].joined_gates for name in joined} == joined
    assert [name for name in joined if CELLS[name].is_one_product] == ["rnn", "lstm"]


def test_a_cell_that_pytorch_lacks_is_in_no_file_message_or_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint's weights are never said to be of a made-up cell, no message names its class, and no script builds it."""
    for name, count in (("one", 1), ("two", 2), ("three", 3), ("four", 4)):
        gates = dict.fromkeys("abcd"[:count], "a gate")
        h = sigmoid(gate_sum("a"))
        for gate in list(gates)[1:]:
            h = sigmoid(gate_sum(gate)) * sigmoid(h)
        cell = Cell(
            name=name, class_name=name.upper(), gates=gates, states={"h": "hidden state"}, values={}, new_states={"h": h}
        )
        monkeypatch.setitem(CELLS, name, cell)
    for rows, module in ((8, "nn.RNN(5, 8)"), (24, "nn.GRU(5, 8)"), (32, "nn.LSTM(5, 8)"), (16, None)):
        path = tmp_path / f"{rows}.pt"
        torch.save({"weight_ih_l0": torch.zeros(rows, 5), "weight_hh_l0": torch.zeros(rows, 8)}, path)
        modules = read_checkpoint(path).modules
        assert [format_constructor(replace(each.config, bias=True)) for each in modules] == ([module] if module else [])
    assert classes_of(CELLS.values()) == {1: "RNN", 4: "LSTM", 3: "GRU"}
    with pytest.raises(ConfigError, match=r"PyTorch has no nn\.MGU"):
        script(RNNConfig("mgu", 4, 2), DataConfig())


def test_a_definition_says_which_functions_it_applies() -> None:
    """The functions of a cell are those of its equations, each once, under torch's name for it."""
    assert {name: CELLS[name].functions for name in ("rnn", "gru", "mgu")} == {
        "rnn": ("nonlinearity",),
        "gru": ("sigmoid", "tanh"),
        "mgu": ("sigmoid", "tanh"),
    }
    light = replace(MGU, name="light", values={"f": MGU.values["f"], "n": relu(gate_sum("n"))})
    assert light.functions == ("sigmoid", "relu")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"new_states": {}}, "each state must have an equation"),
        ({"states": {"c": "cell state"}, "new_states": {"c": _f}}, "the first state must be h"),
        ({"values": {"n": MGU.values["n"], "f": MGU.values["f"]}}, "n reads value f, which is not computed before it"),
        ({"new_states": {"h": new("h") * _n}}, "h reads new h"),
        ({"gates": {"f": "forget gate f"}}, "belongs to no gate"),
        ({"gates": {**MGU.gates, "o": "output gate o"}}, "gate o must have one product on the input side, not 0"),
        ({"values": {**MGU.values, "g": tanh(gate_sum("f"))}}, "gate f must have one product on the input side, not 2"),
        ({"values": {**MGU.values, "p": project(_f)}}, "only the whole equation of h can be projected"),
        ({"values": {**MGU.values, "h": _f * _f}}, "a value has the name of a state"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    """Whoever defines a cell is told at once what does not fit together."""
    with pytest.raises(ValueError, match=words):
        replace(MGU, **changes)
