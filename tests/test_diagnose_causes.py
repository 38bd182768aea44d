"""check: the likeliest cause first, fixes that work, what fails silently, and how shapes and uses are written."""

import re
from dataclasses import replace

import pytest
import torch
from check_oracle import build, run_module

from rnndims.config import RNNConfig
from rnndims.diagnose import CAUSES, Call, check_shapes, parse_dtype, parse_shape
from rnndims.diagnose.state_shapes import StateMismatch, same_mistake, state_problems
from rnndims.errors import ConfigError

CONFIG = RNNConfig("lstm", 10, 20, num_layers=2, batch_first=True)


def causes(config: RNNConfig, **stated) -> list[str]:
    """The causes in order, each followed by those of its alternatives."""
    return [cause for problem in check_shapes(config, Call(**stated)).problems for cause in problem.causes]


def test_contract_example():
    """The documented example names the state, its batch dim, both shapes and PyTorch's words."""
    found = check_shapes(CONFIG, Call(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))
    first = found.problems[0]
    assert (first.tensor, first.dim, first.expected, first.got) == ("h_0", 1, (2, 5, 20), (2, 3, 20))
    assert first.cause == "hidden_batch_mismatch"
    assert first.torch == "Expected hidden[0] size (2, 5, 20), got [2, 3, 20]"
    assert [alternative.cause for alternative in first.alternatives] == ["batch_first_mismatch"]
    assert first.certain
    assert not first.alternatives[0].certain
    with pytest.raises(RuntimeError, match=re.escape("Expected hidden[0] size (2, 5, 20), got [2, 3, 20]")):
        run_module(CONFIG, Call(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))


@pytest.mark.parametrize(
    ("config", "call", "cause"),
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
def test_first_cause(config, call, cause):
    """The likeliest cause comes first for the mistakes people make."""
    assert causes(config, **call)[0] == cause
    assert cause in CAUSES


def test_one_mistake_is_one_problem():
    """The same mistake in both states is one problem, which says so and mends both; two mistakes are two problems."""
    same = check_shapes(CONFIG, Call(input=(4, 5, 10), h_0=(2, 7, 20), c_0=(2, 7, 20))).problems
    assert [problem.tensor for problem in same] == ["h_0"]
    assert "c_0 (2, 7, 20) has the same mistake." in same[0].message
    assert same[0].fix == "h_0 = x.new_zeros(2, x.size(0), 20)\nc_0 = x.new_zeros(2, x.size(0), 20)"
    projected = RNNConfig("lstm", 10, 20, num_layers=2, proj_size=5)
    widths = check_shapes(projected, Call(input=(5, 4, 10), h_0=(2, 7, 5), c_0=(2, 7, 20))).problems
    assert [(problem.tensor, problem.dim) for problem in widths] == [("h_0", 1)]
    different = check_shapes(CONFIG, Call(input=(4, 5, 10), h_0=(2, 7, 20), c_0=(2, 4, 21))).problems
    assert [(problem.tensor, problem.dim) for problem in different] == [("h_0", 1), ("c_0", 2)]
    two = check_shapes(CONFIG, Call(input=(4, 5, 10), h_0=(3, 7, 20), c_0=(2, 4, 20))).problems
    assert [problem.dim for problem in two] == [0, 1]
    assert [problem.torch is None for problem in two] == [False, True]


@pytest.mark.parametrize(
    ("config", "call"),
    [
        (CONFIG, Call(input=(4, 5, 10), h_0=(4, 2, 20), c_0=(2, 4, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(2, 7, 20), c_0=(2, 4, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(2, 7, 20), c_0=(2, 7, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(4, 2, 20), c_0=(4, 2, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(4, 4, 20), c_0=(2, 4, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(1, 4, 20), c_0=(2, 4, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(2, 20), c_0=(2, 20))),
        (CONFIG, Call(input=(5, 10), h_0=(1, 20), c_0=(1, 20))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(4, 4, 10), c_0=(4, 4, 10))),
        (CONFIG, Call(input=(4, 5, 10), h_0=(2, 4, 40), c_0=(2, 4, 40))),
        (CONFIG, Call(input=(4, 10, 5))),
        (CONFIG, Call(input=(1, 4, 5, 10))),
        (RNNConfig("gru", 10, 20), Call(input=(4, 5, 10), h_0=(5, 20))),
        (RNNConfig("gru", 10, 20), Call(input=(3, 10), h_0=(1, 3, 20))),
        (RNNConfig("gru", 10, 20), Call(input=(3, 2, 10), input_dtype="float64")),
        (RNNConfig("gru", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(4, 20))),
        (RNNConfig("rnn", 10, 20, is_cell=True), Call(input=(10,), h_0=(1, 20))),
    ],
)
def test_fixes_work(config, call):
    """The code of the fix, executed as it stands, makes the real call succeed."""
    scope = {"torch": torch, "nn": torch.nn, "x": torch.zeros(call.input, dtype=getattr(torch, call.input_dtype or "float32"))}
    scope |= {name: torch.zeros(shape) for name, shape in call.states.items()}
    fixed = check_shapes(config, call).problems[0].fix
    assert fixed is not None
    exec(fixed, scope)
    if scope["x"].shape[-1] != config.input_size:  # four dims made into three: another input_size is left to the user
        assert len(call.input) == 4
        return
    states = [scope[name] for name in call.states]
    build(config)(scope["x"], *([tuple(states)] if len(states) == 2 else states))


BOTH = RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True)
ONE = RNNConfig("gru", 10, 20)
CAT = "torch.cat([h_n[-2], h_n[-1]], dim=-1)"


@pytest.mark.parametrize(
    ("config", "call", "kind", "fix"),
    [
        (BOTH, {"uses": ("output[-1]",)}, "reverse_half_of_last_step", CAT),
        (replace(BOTH, batch_first=True), {"uses": ("output[:, -1]",)}, "reverse_half_of_last_step", CAT),
        (replace(BOTH, batch_first=True), {"uses": ("output[-1]",)}, "sequence_instead_of_step", CAT),
        (ONE, {"uses": ("output[:, -1]",)}, "sequence_instead_of_step", "nn.GRU(10, 20, batch_first=True)"),
        (ONE, {"uses": ("output[:, -1]",), "h_0": (1, 3, 20)}, "sequence_instead_of_step", "output[-1]"),
        (ONE, {"uses": ("h_n[:, -1]",)}, "sequence_instead_of_step", "h_n[-1]"),
        (ONE, {"lengths": (5, 2, 1), "uses": ("output[-1]",)}, "padding_as_last_step", "h_n[-1]"),
        (BOTH, {"uses": ("h_n.view(3, -1)",)}, "mixed_axes", "h_n.transpose(0, 1).reshape(3, -1)"),
        (BOTH, {"uses": ("output.view(3, -1)",)}, "mixed_axes", "output.transpose(0, 1).reshape(3, -1)"),
        (BOTH, {"uses": ("output.reshape(-1, 20)",)}, "split_directions", "output.reshape(-1, 40)"),
        (ONE, {"lengths": (2, 5)}, "dropped_sequences", None),
    ],
)
def test_what_runs_and_is_wrong_is_a_warning(config, call, kind, fix):
    """What PyTorch runs without a word and gets wrong is a warning with what to use instead: it fits, and not all is well."""
    diagnosis = check_shapes(config, Call(input=(5, 3, 10), **call))
    assert diagnosis.fits
    assert not diagnosis.ok
    assert [(caution.kind, caution.fix) for caution in diagnosis.warnings] == [(kind, fix)]
    assert diagnosis.warnings[0].fix or diagnosis.warnings[0].advice


def test_a_wrong_linear_does_not_hide_the_warning():
    """A size that does not fit after the module leaves the warning about the use in place."""
    diagnosis = check_shapes(BOTH, Call(input=(5, 3, 10), uses=("output[-1]",), linear=20))
    assert [problem.cause for problem in diagnosis.problems] == ["bidirectional_linear_mismatch"]
    assert [caution.kind for caution in diagnosis.warnings] == ["reverse_half_of_last_step"]


@pytest.mark.parametrize(
    ("config", "call", "words"),
    [
        (ONE, {"input": (3, 5, 10), "h_n": (1, 3, 20)}, "Without batch_first=True PyTorch takes dim 1 as the batch"),
        (
            replace(ONE, batch_first=True),
            {"input": (3, 5, 10), "h_n": (1, 5, 20)},
            "With batch_first=True PyTorch takes dim 0 as the batch",
        ),
        (replace(ONE, num_layers=2), {"input": (5, 3, 10), "h_n": (3, 2, 20)}, "does not change the states"),
    ],
)
def test_a_wrong_expectation_of_a_state_is_a_problem(config, call, words):
    """An expected h_n that shows how the user reads the layout is wrong, though PyTorch runs: a problem with both shapes."""
    (problem,) = check_shapes(config, Call(**call)).problems
    assert (problem.tensor, problem.got, problem.cause) == ("h_n", call["h_n"], "batch_first_mismatch")
    assert words in problem.message
    assert problem.torch is None


@pytest.mark.parametrize(
    ("config", "call", "words"),
    [
        (BOTH, {"input": (5, 3, 10), "uses": ("h_n[-1]",)}, "the reverse direction of layer 1 alone"),
        (replace(ONE, num_layers=2), {"input": (5, 3, 10), "uses": ("h_n[0]",)}, "layer 0 of 2"),
        (replace(ONE, dropout=0.5), {"input": (5, 3, 10)}, "no effect with one layer"),
        (ONE, {"input": (5, 10)}, "unbatched"),
        (ONE, {"input": (5, 5, 10)}, "cannot show a wrong batch_first"),
        (ONE, {"input": (5, 3, 10), "lengths": (2, 5, 1)}, "needs enforce_sorted=False"),
    ],
)
def test_what_is_worth_knowing_is_a_note(config, call, words):
    """What may be as it is meant is a note, and nothing is wrong."""
    diagnosis = check_shapes(config, Call(**call))
    assert diagnosis.ok
    assert any(words in note for note in diagnosis.notes), diagnosis.notes


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

    call = Call(input=(5, 3, 10), uses=(use,))
    diagnosis = check_shapes(config, call)
    assert diagnosis.notes == ()
    assert diagnosis.ok
    output, h_n = run_module(config, call)
    assert diagnosis.uses == {use: tuple(eval(use, {"output": output, "h_n": h_n}).shape)}


def test_linear_follows_the_expression():
    """in_features is compared with the expression that the Linear reads, if ``uses`` has one."""
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


@pytest.mark.parametrize("use", ["", "output[", "output[-1]" * 999, "import os", "def f(): pass"])
def test_unreadable_expressions(use):
    """What cannot be read is an error if it is all that is asked; otherwise a note names it, and the rest is said."""
    with pytest.raises(ConfigError):
        check_shapes(ONE, Call(uses=(use,)))
    diagnosis = check_shapes(ONE, Call(input=(5, 3, 10), h_n=(2, 3, 20), uses=(use, "output[:, -1]")))
    assert "this use is not checked" in diagnosis.notes[0]
    assert [problem.tensor for problem in diagnosis.problems] == ["h_n"]
    assert [caution.kind for caution in diagnosis.warnings] == ["sequence_instead_of_step"]


STATES = [
    ((2, 64, 256), (64, 256), "h_0 = h_0.unsqueeze(0).repeat(2, 1, 1)"),
    ((1, 64, 256), (64, 256), "h_0 = h_0.unsqueeze(0)"),
    ((2, 64, 256), (2, 256), "h_0 = h_0.unsqueeze(1).expand(-1, 64, -1).contiguous()"),
    ((2, 1, 256), (2, 256), "h_0 = h_0.unsqueeze(1)"),
    ((2, 64, 256), (5, 7), "h_0 = torch.zeros(2, 64, 256)"),
    ((2, 64, 256), (256,), "h_0 = torch.zeros(2, 64, 256)"),
    ((2, 64, 256), (1, 2, 64, 256), "h_0 = torch.zeros(2, 64, 256)"),
    ((1, 5, 20), (5, 17, 20), "output, h_n = encoder(x)\noutput, h_n = decoder(y, h_n)"),
    ((1, 5, 20), (5, 16, 20), "h_0 = torch.zeros(1, 5, 20)"),
    ((2, 64, 256), (64, 2, 256), "h_0 = h_0.transpose(0, 1).contiguous()"),
    ((1, 3, 20), (2, 3, 10), "h_0 = torch.cat([h_0[0::2], h_0[1::2]], dim=-1)"),
    ((1, 3, 20), (2, 3, 20), "h_0 = h_0.view(1, 2, 3, 20).sum(1)"),
    ((2, 3, 20), (5, 3, 20), "h_0 = h_0[-2:].contiguous()"),
    ((4, 3, 20), (2, 3, 20), "h_0 = h_0.repeat(2, 1, 1)"),
    ((3, 5, 20), (2, 5, 20), "h_0 = torch.zeros(3, 5, 20)"),
    ((2, 5, 20), (0, 5, 20), "h_0 = torch.zeros(2, 5, 20)"),
    ((1, 3, 20), (1, 3, 40), "h_0 = nn.Linear(40, 20)(h_0)"),
    ((1, 3, 20), (1, 3, 10), "h_0 = torch.zeros(1, 3, 20)"),
]


@pytest.mark.parametrize(("expected", "got", "fix"), STATES)
def test_the_fix_of_a_state_keeps_its_numbers_where_it_can(expected, got, fix):
    """What is done with a state follows from both shapes, and afterwards it has the right one."""
    state = StateMismatch(tensor="h_0", expected=expected, got=got)
    problem = state_problems(state)[0]
    assert problem.fix == fix
    names = {"torch": torch, "nn": torch.nn, "h_0": torch.zeros(got)}
    if "encoder" not in fix:
        exec(fix, names)
        assert names["h_0"].shape == expected


MISTAKES = [
    ((4, 32, 512), (2, 64, 512), ["hidden_batch_mismatch"]),  # DataParallel split both on dim 0
    ((4, 32, 512), (1, 128, 512), ["hidden_batch_mismatch"]),
    ((8, 3, 20), (4, 6, 20), ["hidden_batch_mismatch"]),
    ((2, 3, 20), (0, 4, 20), ["hidden_layers_or_directions", "hidden_batch_mismatch"]),
    ((4, 32, 512), (1, 64, 512), ["hidden_layers_or_directions", "hidden_batch_mismatch"]),
    ((2, 1, 20), (1, 5, 20), ["hidden_layers_or_directions", "batch_first_mismatch"]),
    ((1, 5, 20), (5, 3, 20), ["batch_first_mismatch"]),
    ((1, 2, 20), (2, 3, 20), ["batch_first_mismatch"]),
    ((1, 5, 20), (5, 3, 21), ["batch_first_mismatch"]),
    ((2, 3, 20), (5, 7, 21), ["hidden_layers_or_directions", "hidden_batch_mismatch", "hidden_size_vs_proj"]),
    ((2, 3, 20), (5, 3, 21), ["hidden_layers_or_directions", "hidden_size_vs_proj"]),
    ((2, 3, 20), (2, 4, 20), ["hidden_batch_mismatch"]),
    ((1, 20), (2, 20), ["hidden_layers_or_directions"]),
    ((1, 20), (1, 21), ["hidden_size_vs_proj"]),
]


@pytest.mark.parametrize(("expected", "got", "causes"), MISTAKES)
def test_each_wrong_dim_of_a_state_is_a_mistake(expected, got, causes):
    """Dims are compared one by one unless one cause explains several; PyTorch's words are said once, one fix mends all dims."""
    problems = state_problems(StateMismatch(tensor="h_0", expected=expected, got=got, torch="words"))
    assert [problem.cause for problem in problems] == causes
    assert [problem.torch for problem in problems] == ["words", *[None] * (len(causes) - 1)]
    if len(causes) > 1:
        assert {problem.fix for problem in problems} == {f"h_0 = torch.zeros({', '.join(map(str, expected))})"}
        assert all(problem.advice is None for problem in problems)


BATCH, LAYOUT = "hidden_batch_mismatch", "batch_first_mismatch"
LAST, OTHER = "the last batch is smaller", "was made for another batch"
BATCHES = [
    (None, None, 5, 7, LAST, [BATCH, LAYOUT]),
    (None, None, 2, 3, LAST, [BATCH, LAYOUT]),
    (None, None, 1, 3, OTHER, [LAYOUT, BATCH]),
    (None, None, 1, 2, OTHER, [LAYOUT, BATCH]),
    (None, None, 1, 0, OTHER, [BATCH, LAYOUT]),
    (None, None, 5, 1, "is for one sequence", [BATCH, LAYOUT]),
    (None, None, 5, 2, OTHER, [BATCH, LAYOUT]),
    (None, None, 2, 4, "it split input, and not the state, over 2 devices", [BATCH, LAYOUT, BATCH]),
    (None, None, 4, 2, "it split the state, and not input, over 2 devices", [BATCH, LAYOUT, BATCH]),
    (None, None, 32, 2, "over 16 devices", [BATCH, LAYOUT, BATCH]),
    (None, None, 34, 2, OTHER, [BATCH, LAYOUT]),
    (replace(ONE, batch_first=True), (5, 3, 10), 5, 3, "3 is dim 1 of input, the time axis here", [BATCH, LAYOUT]),
    (
        replace(ONE, batch_first=True),
        (5, 3, 10),
        5,
        3,
        "but with batch_first=True PyTorch takes dim 0, of size 5",
        [BATCH, LAYOUT],
    ),
    (replace(ONE, batch_first=True), (5, 3, 10), 5, 4, OTHER, [BATCH]),
    (ONE, (3, 5, 10), 5, 3, "but without batch_first=True PyTorch takes dim 1, of size 5", [LAYOUT, BATCH]),
    (ONE, (3, 5, 10), 5, 4, OTHER, [BATCH]),
]


@pytest.mark.parametrize(("config", "input_", "want", "have", "words", "causes"), BATCHES)
def test_why_a_state_has_another_batch(config, input_, want, have, words, causes):
    """What the two batch sizes, the input and the module tell of the reason, the likeliest first; the wrong dim is always 1."""
    state = StateMismatch(tensor="h_0", expected=(1, want, 20), got=(1, have, 20), config=config, input=input_)
    (problem,) = state_problems(state)
    explanations = (problem, *problem.alternatives)
    assert [each.cause for each in explanations] == causes
    assert {each.dim for each in explanations} == {1}
    assert any(words in each.message for each in explanations)
    for each in explanations:
        if config is not None and each.cause == LAYOUT:
            assert each.fix == ("nn.GRU(10, 20)" if config.batch_first else "nn.GRU(10, 20, batch_first=True)")


@pytest.mark.parametrize(("want", "have"), [(1, 3), (4, 2)])
def test_a_state_under_data_parallel(want, have):
    """Where the text tells of DataParallel that is the reason, and no other is made of it."""
    state = StateMismatch(tensor="h_0", expected=(1, want, 20), got=(1, have, 20), parallel=True)
    (problem,) = state_problems(state)
    assert problem.causes == (BATCH, LAYOUT)
    assert "each replica gets only a part of the batch" in problem.message


def test_twice_the_rows_are_two_directions_only_of_a_module_with_one():
    """A bidirectional module has both directions already: twice as many rows are those of more layers."""
    for config, fix in ((ONE, "h_0 = h_0.view(1, 2, 5, 20).sum(1)"), (BOTH, "h_0 = h_0[-4:].contiguous()")):
        rows = config.D * config.num_layers
        (problem,) = state_problems(StateMismatch(tensor="h_0", expected=(rows, 5, 20), got=(2 * rows, 5, 20), config=config))
        assert problem.fix == fix


PROJECTED = RNNConfig("lstm", 10, 20, proj_size=5)


@pytest.mark.parametrize(
    ("tensor", "want", "have", "words", "advice"),
    [
        ("h_0", 5, 0, "the module's proj_size is 5.", None),
        ("h_0", 5, 1, "the module's proj_size is 5.", "Or build the module with proj_size=1."),
        ("h_0", 5, 19, "the module's proj_size is 5.", "Or build the module with proj_size=19."),
        ("h_0", 5, 20, "h_0 has proj_size features and c_0 has hidden_size.", None),
        ("h_0", 5, 21, "the module's proj_size is 5.", None),
        ("c_0", 20, 5, "h_0 has proj_size features and c_0 has hidden_size.", None),
        ("c_0", 20, 6, "the module's hidden_size is 20.", "Or build the module with hidden_size=6."),
        ("c_0", 20, 4, "the module's hidden_size is 20.", None),
    ],
)
def test_a_projected_module_is_advised_only_where_it_can_be_built(tensor, want, have, words, advice):
    """Sizes that PyTorch's constructor takes are advised: 0 < proj_size < hidden_size."""
    (problem,) = state_problems(StateMismatch(tensor=tensor, expected=(1, 3, want), got=(1, 3, have), config=PROJECTED))
    assert problem.message.endswith(words)
    assert problem.advice == advice
    if advice is not None:
        argument, size = advice.removeprefix("Or build the module with ").rstrip(".").split("=")
        torch.nn.LSTM(10, **{"hidden_size": 20, "proj_size": 5, argument: int(size)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("have", "words"),
    [
        (40, "joined have twice as many features."),
        (10, "has half as many features."),
        (22, "hidden_size is 20."),
        (18, "is 20."),
    ],
)
def test_twice_or_half_the_width_are_directions(have, words):
    """Two directions joined, or one alone, are named where the width is exactly twice or half."""
    (problem,) = state_problems(StateMismatch(tensor="h_0", expected=(1, 3, 20), got=(1, 3, have)))
    assert problem.message.endswith(words)
    assert problem.dim == 2


@pytest.mark.parametrize(("width", "advice"), [(0, None), (1, "Or build the module with hidden_size=1.")])
def test_another_width_is_advised_where_a_module_can_have_it(width, advice):
    """Without the module at hand any hidden_size above 0 may be right."""
    (problem,) = state_problems(StateMismatch(tensor="h_0", expected=(1, 3, 20), got=(1, 3, width)))
    assert problem.advice == advice


def test_when_two_states_have_the_same_mistake():
    """The same sizes are wrong in the same dims, or both have the same wrong number of dims."""

    def state(expected, got):
        return StateMismatch(tensor="h_0", expected=expected, got=got)

    first = state((1, 3, 20), (1, 4, 20))
    assert same_mistake(first, state((1, 3, 5), (1, 4, 5)))  # another width, and the same batch is wrong
    for other in (
        state((1, 3, 5), (1, 5, 5)),
        state((1, 2, 5), (1, 4, 5)),
        state((1, 3, 20), (1, 4, 21)),
        state((1, 3, 20), (4, 20)),
    ):
        assert not same_mistake(first, other)
    flat = state((1, 3, 20), (3, 20))
    assert same_mistake(flat, state((1, 3, 20), (3, 20)))
    assert not same_mistake(flat, state((1, 3, 20), (4, 20)))
    assert not same_mistake(flat, state((1, 3, 5), (3, 20)))
