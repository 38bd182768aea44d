"""check: the likeliest cause first, fixes that work, what fails silently, and how shapes and uses are written."""

import re
from dataclasses import replace

import pytest
import torch
from check_oracle import build, call

from rnndims.config import RNNConfig
from rnndims.diagnose import CAUSES, Observed, check_shapes, parse_dtype, parse_shape
from rnndims.errors import ConfigError

CONFIG = RNNConfig("lstm", 10, 20, num_layers=2, batch_first=True)


def causes(config: RNNConfig, **seen) -> list[str]:
    """The causes in order."""
    return [problem.cause for problem in check_shapes(config, Observed(**seen)).problems]


def test_contract_example():
    """The documented example names the state, its batch dim, both shapes and PyTorch's words."""
    found = check_shapes(CONFIG, Observed(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))
    first = found.problems[0]
    assert (first.tensor, first.dim, first.expected, first.got) == ("h_0", 1, (2, 5, 20), (2, 3, 20))
    assert first.cause == "hidden_batch_mismatch"
    assert "Expected hidden[0] size (2, 5, 20), got [2, 3, 20]" in first.message
    assert "batch_first_mismatch" in [problem.cause for problem in found.problems]
    with pytest.raises(RuntimeError, match=re.escape("Expected hidden[0] size (2, 5, 20), got [2, 3, 20]")):
        call(CONFIG, Observed(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))


@pytest.mark.parametrize(
    ("config", "seen", "cause"),
    [
        (
            replace(CONFIG, batch_first=False),
            {"input": (3, 5, 10), "h_0": (2, 3, 20), "c_0": (2, 3, 20)},
            "batch_first_mismatch",
        ),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 7, 20), "c_0": (2, 7, 20)}, "hidden_batch_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 2, 20), "c_0": (4, 2, 20)}, "batch_first_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 4, 20), "c_0": (4, 4, 20)}, "hidden_layers_or_directions"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 4, 40), "c_0": (2, 4, 40)}, "hidden_size_vs_proj"),
        (CONFIG, {"input": (4, 5, 12)}, "input_feature_mismatch"),
        (CONFIG, {"input": (1, 4, 5, 10)}, "input_ndim"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 20), "c_0": (2, 20)}, "unbatched_2d_vs_3d"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 4, 20)}, "lstm_tuple_expected"),
        (CONFIG, {"input": (4, 5, 10), "input_dtype": "float64"}, "dtype_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "lengths": (5, 4, 3)}, "packed_lengths"),
        (CONFIG, {"input": (4, 5, 10), "lengths": (6, 4, 3, 1)}, "packed_lengths"),
        (replace(CONFIG, bidirectional=True), {"input": (4, 5, 10), "linear": 20}, "bidirectional_linear_mismatch"),
        (replace(CONFIG, bidirectional=True), {"input": (4, 5, 10), "output": (4, 5, 20)}, "bidirectional_linear_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "output": (5, 4, 20)}, "batch_first_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_n": (1, 4, 20)}, "hidden_layers_or_directions"),
        (replace(CONFIG, proj_size=5), {"input": (4, 5, 10), "linear": 20}, "hidden_size_vs_proj"),
        (CONFIG, {"input": (4, 0, 10)}, "other"),
    ],
)
def test_first_cause(config, seen, cause):
    """The likeliest cause comes first for the mistakes people make."""
    assert causes(config, **seen)[0] == cause
    assert cause in CAUSES


def test_fixes_work():
    """The code of the fix, executed as it stands, makes the real call succeed."""
    cases = [
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 2, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 7, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 4, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (1, 4, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 10, 5)}),
        (RNNConfig("gru", 10, 20), {"input": (4, 5, 10), "h_0": (5, 20)}),
        (RNNConfig("gru", 10, 20), {"input": (3, 10), "h_0": (1, 3, 20)}),
        (RNNConfig("gru", 1, 20, batch_first=True), {"input": (3, 7, 2, 1)}),
        (RNNConfig("gru", 10, 20), {"input": (3, 2, 10), "input_dtype": "float64"}),
    ]
    for config, shapes in cases:
        seen = Observed(**shapes)
        found = check_shapes(config, seen)
        scope = {"torch": torch, "x": torch.zeros(seen.input, dtype=getattr(torch, seen.input_dtype or "float32"))}
        scope |= {name: torch.zeros(shape) for name in ("h_0", "c_0") if (shape := getattr(seen, name)) is not None}
        exec(found.problems[0].fix, scope)
        states = [scope[name] for name in ("h_0", "c_0") if name in scope]
        module = build(config)
        if config.input_size == 1:
            continue
        module(scope["x"], *([tuple(states)] if len(states) == 2 else states))


def test_silent_failures_are_notes():
    """What PyTorch runs without a word and gets wrong is a note, and the verdict stays 'fits'."""
    both = RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True)
    one = RNNConfig("gru", 10, 20)
    cases = [
        (one, {"input": (3, 5, 10), "h_n": (1, 3, 20)}, "batch_first=True"),
        (replace(one, num_layers=2), {"input": (5, 3, 10), "h_n": (3, 2, 20)}, "never touches the states"),
        (both, {"input": (5, 3, 10), "uses": ("output[-1]",)}, "torch.cat([h_n[-2], h_n[-1]], dim=-1)"),
        (replace(both, batch_first=True), {"input": (3, 5, 10), "uses": ("output[:, -1]",)}, "has read one step only"),
        (replace(both, batch_first=True), {"input": (3, 5, 10), "uses": ("output[-1]",)}, "one sequence of the batch"),
        (one, {"input": (5, 3, 10), "uses": ("output[:, -1]",)}, "one sequence of the batch"),
        (one, {"input": (5, 3, 10), "lengths": (5, 2, 1), "uses": ("output[-1]",)}, "padding"),
        (both, {"input": (5, 3, 10), "uses": ("h_n.view(3, -1)",)}, "h_n.transpose(0, 1).reshape(3, -1)"),
        (both, {"input": (5, 3, 10), "uses": ("output.view(3, -1)",)}, "output.transpose(0, 1).reshape(3, -1)"),
        (both, {"input": (5, 3, 10), "uses": ("output.reshape(-1, 20)",)}, "two rows of each step"),
        (both, {"input": (5, 3, 10), "uses": ("h_n[-1]",)}, "reverse direction only"),
        (replace(one, dropout=0.5), {"input": (5, 3, 10)}, "no effect with one layer"),
        (one, {"input": (5, 10)}, "unbatched"),
        (one, {"input": (5, 5, 10)}, "would not be noticed"),
        (one, {"input": (5, 3, 10), "lengths": (2, 5)}, "drops the other 1 in silence"),
    ]
    for config, shapes, words in cases:
        found = check_shapes(config, Observed(**shapes))
        assert found.ok, (shapes, found.problems)
        assert any(words in note for note in found.notes), (shapes, found.notes)


@pytest.mark.parametrize(
    "use",
    [
        "output[-1]",
        "h_n.transpose(0, 1).reshape(3, -1)",
        "h_n.view(2, 2, 3, 20)[-1]",
        "output.view(5, 3, 2, 20)",
        "output.mean(0)",
    ],
)
def test_right_uses_get_no_note(use):
    """Expressions that are right are left alone; the shapes they give are torch's."""
    config = RNNConfig("gru", 10, 20, num_layers=2, bidirectional="-1]" not in use or "view" in use)
    from rnndims.diagnose.beliefs import results
    from rnndims.diagnose.uses import read_use

    seen = Observed(input=(5, 3, 10), uses=(use,))
    assert check_shapes(config, seen).notes == ()
    output, h_n = call(config, seen)
    assert read_use(use, config, results(config, seen)).shape == tuple(eval(use).shape)
    assert (output, h_n) is not None


def test_linear_follows_the_expression():
    """in_features is held against the expression that feeds the Linear, where one is given."""
    config = RNNConfig("gru", 10, 20, bidirectional=True)
    shape = (5, 3, 10)
    assert causes(config, input=shape, linear=40) == []
    assert causes(config, input=shape, linear=20, uses=("h_n[-1]",)) == []
    assert causes(config, input=shape, linear=40, uses=("h_n[-1]",)) == ["bidirectional_linear_mismatch"]
    assert causes(config, input=shape, linear=40, uses=("h_n.transpose(0, 1).reshape(3, -1)",)) == []
    assert causes(config, linear=20) == ["bidirectional_linear_mismatch"]


def test_shapes_as_people_write_them():
    """Every usual way to write a shape is understood, everything else is refused in one sentence."""
    for text in ("5,3,10", "(5, 3, 10)", "[5, 3, 10]", "torch.Size([5, 3, 10])", "5x3x10", "5, 3, 10,", " 5×3×10 "):
        assert parse_shape("input", text) == (5, 3, 10)
    assert parse_shape("input", "torch.Size([])") == ()
    assert parse_shape("input", "(7,)") == (7,)
    for text in ("", "5,,3", "-1,3", "a,b", "5 3", "1.5,2", "5;3", "9" * 30, ",", "(5", "5,3)", "٣,4", "1," * 100 + "1"):
        with pytest.raises(ConfigError):
            parse_shape("input", text)
    assert parse_dtype("input_dtype", "torch.double") == "float64"
    with pytest.raises(ConfigError):
        parse_dtype("input_dtype", "float65")


@pytest.mark.parametrize(
    "use", ["", "output[", "__import__('os')", "x[-1]", "output.data", "output[-1]" * 99, "output.view(7, 7)"]
)
def test_hostile_expressions(use):
    """An expression that cannot be followed is refused, never evaluated."""
    with pytest.raises(ConfigError):
        check_shapes(RNNConfig("gru", 10, 20), Observed(input=(5, 3, 10), uses=(use,)))
