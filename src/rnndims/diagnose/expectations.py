"""What the user expects to come out, and the ``nn.Linear`` that reads it: a wrong expectation is a problem."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..config import RNNConfig
from ..constructor import format_constructor
from ..phrases import shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call, batch_dim, layout, result_shapes
from .kinds_of_call import BOTH_DIRECTIONS, result_code, takes_pair
from .problem import TUPLE_EXPECTED, Cause, Problem

if TYPE_CHECKING:
    from .uses import Use


_SIZES_STAY: Final = frozenset(
    {"input_feature_mismatch", "dtype_mismatch", "hidden_size_vs_proj", "hidden_layers_or_directions", TUPLE_EXPECTED}
)
"""Causes that have nothing to do with the layout of the input."""


def expectation_problems(config: RNNConfig, call: Call, uses: Sequence["Use"] = ()) -> list[Problem]:
    """The expected shapes of ``output``, ``h_n``, ``c_n`` and the ``in_features`` after them, against what comes out.

    Args:
        config: the module.
        call: what is expected.
        uses: what is known of the uses of the results; an ``nn.Linear`` reads the last one.
    """
    problems: list[Problem] = []
    shapes = result_shapes(config, call)
    for name, got in (("output", call.output), ("h_n", call.h_n), ("c_n", call.c_n)):
        if got is None:
            continue
        if name == "c_n" and not takes_pair(config):
            message = f"nn.{config.class_name} returns no cell state."
            problems.append(Problem(tensor=name, got=got, cause=TUPLE_EXPECTED, message=message, fix=result_code(config)))
            continue
        expected = shapes.get(_result_name(config, name))
        if expected is not None and got != expected:
            problems.append(
                _other_layout(config, call, name, expected, got) or _wrong_result(config, name, expected, got, call.lengths)
            )
    linear = None if call.linear is None else _wrong_linear(config, call.linear, uses, shapes)
    return problems if linear is None else [*problems, linear]


def expectations_besides(config: RNNConfig, call: Call, refused: Sequence[Problem]) -> list[Problem]:
    """What is expected of a call that PyTorch refuses, and does not come out however the call is mended.

    Rows and widths are decided by the module alone. The other dims are those of the input, if nothing is wrong with its layout.

    Args:
        config: the module.
        call: the call, and what is expected.
        refused: why PyTorch refuses it.
    """
    expected = expectation_problems(config, replace(call, uses=(), lengths=None))
    if call.lengths is None and all(map(_layout_stays, refused)):
        return expected
    return [problem for problem in expected if problem.tensor == "linear" or _never_comes_out(config, call, problem)]


def _layout_stays(problem: Problem) -> bool:
    """Whether a problem leaves no doubt about which dim of the input is the batch, and which is time."""
    moved = problem.cause == "input_feature_mismatch" and (problem.fix or "").startswith("x =")
    return not moved and _SIZES_STAY.issuperset(problem.causes)


def _never_comes_out(config: RNNConfig, call: Call, problem: Problem) -> bool:
    """Whether the module returns no such shape for any input: by its number of dims, its last dim, or its rows."""
    expected, got = problem.expected, problem.got
    if not expected or got is None or isinstance(got, str) or isinstance(expected, str):
        return False
    possible = (1, 2) if config.is_cell else (2, 3) if call.lengths is None else (3,)
    if len(got) not in possible:
        return True
    return expected[-1] != got[-1] or (not config.is_cell and problem.tensor != "output" and expected[0] != got[0])


def _result_name(config: RNNConfig, name: str) -> str:
    """PyTorch's name of a result: a cell returns ``h_1`` and ``c_1``."""
    if not config.is_cell:
        return name
    return "c_1" if name == "c_n" else "h_1"


def _other_layout(config: RNNConfig, call: Call, name: str, expected: Shape, got: Shape) -> Problem | None:
    """An expected state that shows a wrong idea of the layout: PyTorch runs and returns another shape."""
    if name == "output" or len(got) != 3 or len(expected) != 3:
        return None
    rows, batch, width = expected
    if got == (batch, rows, width) and batch != rows:
        return Problem(
            tensor=name,
            expected=expected,
            got=got,
            cause="batch_first_mismatch",
            message=f"{name} comes out as {shape_text(expected)}, not batch first as {shape_text(got)}: batch_first does "
            "not change the states.",
            fix=f"{name} = {name}.transpose(0, 1)",
            advice=f"Do not use {name}.view({batch}, {rows}, {width}): it mixes the sequences.",
        )
    other = 1 - batch_dim(config)
    if call.input is None or got != (rows, call.input[other], width):
        return None
    turned = replace(config, batch_first=not config.batch_first)
    with_or_without = "With" if config.batch_first else "Without"
    return Problem(
        tensor=name,
        dim=1,
        expected=expected,
        got=got,
        cause="batch_first_mismatch",
        message=f"{name} comes out as {shape_text(expected)}. You expect batch size {got[1]}, which is dim {other} of input "
        f"{shape_text(call.input)}. {with_or_without} batch_first=True PyTorch takes dim {1 - other} as the batch and "
        f"dim {other} as time, without an error.",
        fix=format_constructor(turned),
        advice=f"Do this if input is {layout(turned)}.",
    )


def _wrong_result(config: RNNConfig, name: str, expected: Shape, got: Shape, lengths: tuple[int, ...] | None = None) -> Problem:
    def problem(cause: Cause, dim: int | None, why: str, *, fix: str | None = None, advice: str | None = None) -> Problem:
        return Problem(
            tensor=name,
            dim=dim,
            expected=expected,
            got=got,
            cause=cause,
            message=f"{name} comes out as {shape_text(expected)}, not {shape_text(got)}: {why}.",
            fix=fix,
            advice=advice if fix or advice else f"Expect {shape_text(expected)}.",
        )

    if len(expected) != len(got):
        why = f"it is {len(expected)}-D, as input is" if name == "output" else "rows of layers and directions come first"
        return problem("unbatched_2d_vs_3d", None, why)
    wrong = [dim for dim in range(len(got)) if got[dim] != expected[dim]]
    last = len(got) - 1
    if wrong == [0, 1] and got[:2] == (expected[1], expected[0]) and name == "output":
        why = f"its layout is that of input, {layout(config, 'D*H_out')}"
        advice = "Or change batch_first, and the layout of input with it."
        return problem("batch_first_mismatch", None, why, fix="output = output.transpose(0, 1)", advice=advice)
    if wrong[0] == last and name == "output" and config.bidirectional and got[last] * 2 == expected[last]:
        why = f"a bidirectional module joins both directions, D*H_out = 2*{config.H_out}"
        return problem("bidirectional_linear_mismatch", last, why)
    if wrong[0] == last and name == "output" and not config.bidirectional and got[last] == expected[last] * 2:
        advice = f"Build the module with bidirectional=True, or expect {shape_text(expected)}."
        return problem("bidirectional_linear_mismatch", last, "the module has one direction", advice=advice)
    if wrong[0] == last:
        width = "proj_size" if config.proj_size and not name.startswith("c") else "hidden_size"
        times = "2*" if name == "output" and config.bidirectional else ""
        return problem("hidden_size_vs_proj", last, f"its last dim is {times}{width} = {expected[last]}")
    time = 1 - batch_dim(config)
    if name == "output" and lengths and wrong == [time] and got[time] > expected[time]:
        first = ", batch_first=True" if config.batch_first else ""
        fix = f"output, lengths = nn.utils.rnn.pad_packed_sequence(output{first}, total_length={got[time]})"
        why = f"pad_packed_sequence pads to the longest length, {expected[time]}, unless it is told a total_length"
        return problem("packed_lengths", time, why, fix=fix)
    if name == "output":
        return problem("other", wrong[0], "its leading dims are those of input, with lengths the longest length")
    if wrong[0] == 0 and not config.is_cell:
        why = f"dim 0 is num_layers {config.num_layers} * directions {config.D}, whatever the batch is"
        return problem("hidden_layers_or_directions", 0, why)
    return problem("hidden_batch_mismatch", wrong[0], f"the batch size is {expected[wrong[0]]}")


def _wrong_linear(config: RNNConfig, features: int, uses: Sequence["Use"], shapes: dict[str, Shape]) -> Problem | None:
    """An ``nn.Linear`` after the module whose ``in_features`` is not the width of its input."""
    what, width = "h_1" if config.is_cell else "output", (1 if config.is_cell else config.D) * config.H_out
    is_output = not config.is_cell
    if uses:
        if uses[-1].width is None:
            return None
        what, width, is_output = uses[-1].text, uses[-1].width, uses[-1].source == "output"
    if width == features:
        return None
    cause: Cause = "bidirectional_linear_mismatch"
    advice = None
    if config.bidirectional and width == 2 * features and is_output:
        why = f" A bidirectional module joins both directions, D*H_out = 2*{config.H_out}."
    elif not config.bidirectional and features == 2 * width:
        why = " The module has one direction only."
    elif features == 2 * width and not is_output:
        why, advice = f" {what} has one direction.", f"Or join both directions of the last layer: {BOTH_DIRECTIONS}."
    elif config.proj_size and features == config.D * config.hidden_size:
        cause, why = "hidden_size_vs_proj", f" With proj_size={config.proj_size} the width is proj_size, not hidden_size."
    else:
        cause, why = "other", ""
    shape = shapes.get("output", ())
    steps = shape[1 - batch_dim(config)] if len(shape) == 3 else 0
    if what == "output" and steps and features == steps * shape[2]:
        advice = f"Or flatten steps and features before it; the model then works with {steps} steps only."
    return Problem(
        tensor="linear",
        expected=(width,),
        got=(features,),
        cause=cause,
        message=f"The last dim of {what} is {width}, and in_features is {features}.{why}",
        torch=torch_phrases.PRODUCT,
        fix=f"nn.Linear({width}, ...)",
        advice=advice,
    )


def call_notes(config: RNNConfig, call: Call) -> list[str]:
    """What is worth knowing about the module and its input."""
    notes: list[str] = []
    shape = call.input
    if config.is_cell:
        return notes
    if config.dropout and config.num_layers == 1:
        notes.append(
            f"dropout={config.dropout} has no effect with one layer: it acts between layers. "
            f'PyTorch warns: "{torch_phrases.DROPOUT_OF_ONE_LAYER}"'
        )
    if config.dropout and config.num_layers > 1 and call.weight_dtype.startswith("complex"):
        notes.append(
            f"In training this fails: PyTorch has no dropout for {call.weight_dtype} "
            f'(torch: "{torch_phrases.COMPLEX_DROPOUT}"). After module.eval() it runs.'
        )
    if shape is not None and len(shape) == 2 and call.lengths is None:
        first = ", and batch_first has no effect" if config.batch_first else ""
        notes.append(
            f"PyTorch takes 2-D input {shape_text(shape)} as one unbatched sequence (L, H_in) of {shape[0]} steps{first}. "
            f"If it is a batch, add the missing dim: x.unsqueeze({1 - batch_dim(config)})."
        )
    return notes


def square_notes(config: RNNConfig, call: Call) -> list[str]:
    """A batch size equal to the sequence length: nothing in the shapes tells the two dims apart."""
    shape = call.input
    if config.is_cell or shape is None or len(shape) != 3 or shape[0] != shape[1] or shape[0] < 2:
        return []
    return [
        f"Batch size and sequence length are both {shape[0]}, so the shapes cannot show a wrong batch_first. PyTorch takes "
        f"input as {layout(config)}."
    ]
