"""A call with a packed batch: first ``pack_padded_sequence``, then the module, which checks less or nothing of it."""

from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Final

from ..config import RNNConfig
from ..phrases import plural, shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call, batch_dim, layout, state_shape
from .kinds_of_call import checks_packed, takes_pair
from .layer_call import (
    also,
    dtype_problems,
    feature_problems,
    join_same,
    mend_kind,
    state_kind_problems,
    take_apart,
    with_argument,
)
from .problem import Caution, Problem, one_problem, without_turn
from .state_shapes import StateMismatch, same_mistake, state_problems, zeros

_ROWS_FIRST: Final = (torch_phrases.WRONG_PARAMETERS, torch_phrases.MISSING_ROWS, torch_phrases.ODD_ROWS)
"""What the C++ code says of the states before it looks at the data."""


def packed_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """Everything that makes packing ``input`` by ``lengths`` and calling the module fail, in PyTorch's order of checks.

    ``pack_padded_sequence`` is first. A batch that is not sorted then sorts the states. A module that checks a
    ``PackedSequence`` looks at dtype, number of dims and features of its data, then at the states; the C++ code behind one that
    does not looks at the rows of the states first. A length beyond the input is found last: packing cuts it off. Where the C++
    code accepts by chance what is wrong, reads memory outside the tensor or crashes, the answer is that it does not fit.
    """
    call, shape, lengths, checked = take_apart(config, call), call.input, call.lengths or (), checks_packed(config)
    packing, kind = _packing_problems(config, call), state_kind_problems(config, call)
    data = dtype_problems(call) + _data_problems(config, call, moves=not packing)
    if not checked:
        data = [_unchecked(config, call, problem) for problem in data]
        if not config.bias:  # then the product compares shapes before dtypes
            data.sort(key=lambda problem: problem.torch != torch_phrases.PRODUCT)
    if packing:
        batch = len(lengths) if packing[0].expected is None or shape is None else shape[batch_dim(config)]
        states = _state_problems(config, call, mend_kind(config, call).states, batch) if batch else []
        return packing + kind + data + [replace(problem, torch=None) for problem in states]
    long = _too_long(config, call)
    if kind:
        states = _state_problems(config, call, mend_kind(config, call).states, len(lengths))
        return (data + kind if checked and call.is_sorted else kind + data) + states + long
    sorting = [] if call.is_sorted else _permuting_problems(config, call)
    named = {problem.tensor for problem in sorting}
    # index_select keeps the sequences of the batch, where a state has more
    sizes = {
        name: state if call.is_sorted else (state[0], len(lengths), *state[2:])
        for name, state in call.states.items()
        if name not in named
    }
    states = _state_problems(config, call, sizes, len(lengths))
    rows = [problem for problem in states if problem.torch in _ROWS_FIRST]
    return sorting + rows + data + [problem for problem in states if problem not in rows] + long


def _data_problems(config: RNNConfig, call: Call, *, moves: bool) -> list[Problem]:
    """What is wrong with the padded input once it is packed; ``moves`` as for ``feature_problems``."""
    shape = call.input
    if shape is None or len(shape) < 2:
        return []
    return feature_problems(config, call, moves=moves) if len(shape) == 3 else [_input_ndim(config, shape)]


def _state_problems(config: RNNConfig, call: Call, sizes: dict[str, Shape], batch: int) -> list[Problem]:
    """States of the wrong size for ``batch`` sequences; ``sizes`` has their shapes after sorting."""
    shape = call.input if call.input is not None and len(call.input) == 3 else None
    problems: list[Problem] = []
    first: StateMismatch | None = None
    for name, got in sizes.items():
        expected = state_shape(config, name, batch)
        if got == expected or (call.h_0 is not None and _is_ignored(config, call, name, expected, got)):
            continue
        torch = _size_phrase(config, sizes, expected, got)
        state = StateMismatch(tensor=name, expected=expected, got=got, torch=torch, config=config, input=shape)
        if first is not None and same_mistake(first, state):
            problems = also(problems, state)
        else:
            problems += state_problems(state)
        first = first or state
    return [without_turn(problem) for problem in problems]  # the batch is the number of lengths, which input has


def _by_chance(config: RNNConfig, call: Call) -> bool:
    """Whether wrong data of a module that does not check it may run on a CPU: equal lengths take another path there."""
    lengths, dtype = call.lengths or (0,), call.input_dtype or call.weight_dtype
    return not config.proj_size and min(lengths) == max(lengths) and dtype in ("float32", "float16", "bfloat16")


def _too_long(config: RNNConfig, call: Call) -> list[Problem]:
    """A length beyond the input: packing cuts it off, and the module then lacks steps."""
    shape, lengths, time = call.input, call.lengths or (), 1 - batch_dim(config)
    if shape is None or max(lengths) <= shape[time]:
        return []
    return [
        Problem(
            tensor="lengths",
            got=lengths,
            cause="packed_lengths",
            message=f"The longest length is {max(lengths)}, and input has {shape[time]} steps (its dim {time}).",
            torch=None if not checks_packed(config) and _by_chance(config, call) else torch_phrases.TOO_LONG,
            fix=f"lengths = torch.as_tensor(lengths).clamp(max=x.size({time}))",
            advice=f"Or pad x to {max(lengths)} steps.",
        )
    ]


def _packing_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """The first thing that ``pack_padded_sequence`` refuses."""
    shape, lengths, batch = call.input, call.lengths or (), batch_dim(config)

    def problem(message: str, torch: str, fix: str | None, advice: str | None = None) -> list[Problem]:
        return [
            Problem(tensor="lengths", got=lengths, cause="packed_lengths", message=message, torch=torch, fix=fix, advice=advice)
        ]

    counted_first = shape == (0,) and call.is_sorted and not config.batch_first  # PyTorch counts numbers before dims
    if shape is not None and len(shape) < 2 and not counted_first:
        message = f"input is {len(shape)}-D. A padded batch is {layout(config)}."
        fix = f"x = nn.utils.rnn.pad_sequence(sequences{', batch_first=True' if config.batch_first else ''})"
        torch = torch_phrases.OUT_OF_DIMS if shape and (shape[0] or not call.is_sorted) else None
        if config.batch_first and shape and not call.is_sorted and len(lengths) > shape[0]:
            torch = torch_phrases.sorted_input(config) if shape[0] else torch_phrases.NO_AXIS
        return [
            Problem(
                tensor="input",
                got=shape,
                cause="input_ndim",
                message=message,
                torch=torch,
                fix=fix,
            )
        ]
    if not lengths or (shape is not None and 0 in shape):
        what = f"input {shape_text(shape)} has no elements" if lengths and shape is not None else "there are no lengths"
        torch = torch_phrases.NOTHING_TO_PACK
        if shape is not None and 0 not in shape and call.is_sorted:  # no lengths: they are counted first
            torch = torch_phrases.lengths_count(0, shape[batch])
        elif shape is not None and not call.is_sorted and len(lengths) > shape[batch]:  # sorting comes before packing
            torch = torch_phrases.OUT_OF_BOUNDS if shape[batch] else torch_phrases.NO_AXIS
        return problem(f"There is nothing to pack: {what}.", torch, None, "Skip empty batches.")
    if shape is not None and len(lengths) != shape[batch] and (call.is_sorted or len(lengths) > shape[batch]):
        return [_wrong_count(config, call, shape, lengths)]
    problems = _empty_problems(config, call) if min(lengths) < 1 else []
    if call.enforce_sorted and any(a < b for a, b in pairwise(lengths)):
        fix = "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)"
        if config.batch_first:
            fix = "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)"
        problems += problem("lengths are not in decreasing order.", torch_phrases.NOT_SORTED, fix)
    if call.is_sorted and lengths[-1] > 0:  # the last is compared with 0, then the order of all, and then nothing more
        problems.reverse()
    return problems + (_too_long(config, call) if problems else [])


def _empty_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """Lengths below 1."""
    lengths = call.lengths or ()
    keep = "x = x[keep]" if config.batch_first else "x = x[:, keep]"
    fix: str | None = f"lengths = torch.as_tensor(lengths)\nkeep = lengths > 0\n{keep}\nlengths = lengths[keep]"
    advice = "This drops the empty sequences."
    if call.states:
        fix = "lengths = torch.as_tensor(lengths).clamp(min=1)"
        advice = "This gives each empty sequence one step of padding: leave its results out."
    elif max(lengths) < 1:
        fix, advice = None, "Skip empty batches."
    return [
        Problem(
            tensor="lengths",
            got=lengths,
            cause="packed_lengths",
            message=f"One of the lengths is {min(lengths)}. A packed sequence has at least one step.",
            torch=torch_phrases.EMPTY_SEQUENCE,
            fix=fix,
            advice=advice,
        )
    ]


def _wrong_count(config: RNNConfig, call: Call, shape: Shape, lengths: tuple[int, ...]) -> Problem:
    batch, count = batch_dim(config), len(lengths)
    sequences, time = shape[batch], 1 - batch
    main = Problem(
        tensor="lengths",
        dim=0,
        expected=(sequences,),
        got=(count,),
        cause="packed_lengths",
        message=f"lengths has {plural(count, 'item')}, and input has {plural(sequences, 'sequence')} (its dim {batch}). Each "
        "sequence needs one.",
        torch=torch_phrases.lengths_count(count, sequences) if call.is_sorted else torch_phrases.sorted_input(config),
        fix="lengths = [len(sequence) for sequence in sequences]",
    )
    if len(shape) < 3 or shape[time] != count:
        return main
    turned = replace(config, batch_first=not config.batch_first)
    with_or_without = "with" if config.batch_first else "without"
    swapped = Problem(
        tensor="lengths",
        dim=0,
        expected=(sequences,),
        got=(count,),
        cause="batch_first_mismatch",
        message=f"If input is {layout(turned)}: {count} is dim {time} of input {shape_text(shape)}, and {with_or_without} "
        f"batch_first=True the batch is dim {batch}, of size {sequences}.",
        fix=with_argument(config, batch_first=turned.batch_first),
        advice="pack_padded_sequence needs the same batch_first.",
    )
    return one_problem([main, swapped])


def _permuting_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """States that ``index_select`` cannot sort along their batch dim."""
    problems, batch = [], len(call.lengths or ())
    for name, got in call.states.items():
        whole = state_shape(config, name, batch)
        if len(got) < 2:
            problems.append(
                Problem(
                    tensor=name,
                    expected=whole,
                    got=got,
                    cause="unbatched_2d_vs_3d",
                    message=f"{name} is {len(got)}-D. Beside a packed batch a state is (D*num_layers, N, H).",
                    torch=torch_phrases.OUT_OF_DIMS if got else None,
                    fix=zeros(name, whole),
                )
            )
        elif got[1] < batch:
            expected = (got[0], batch, *got[2:]) if len(got) == 3 else whole
            torch = torch_phrases.OUT_OF_BOUNDS if got[1] else torch_phrases.NO_AXIS
            state = StateMismatch(tensor=name, expected=expected, got=got, torch=torch, config=config)
            first = without_turn(state_problems(state)[0])
            problems.append(
                first if expected == whole == (whole[0], batch, *got[2:]) else replace(first, fix=zeros(name, whole))
            )
    return join_same(problems)


def _input_ndim(config: RNNConfig, shape: Shape) -> Problem:
    unchecked = "" if checks_packed(config) else f" nn.{config.class_name} does not check it, so an operation inside it fails."
    if len(shape) == 2:
        fix, width, advice = "x = x.unsqueeze(-1)", 1, "Do this before packing; each step is then one number."
    else:
        fix, width, advice = "x = x.flatten(2)", prod(shape[2:]), "Do this before packing."
    module = None if width == config.input_size else with_argument(config, input_size=width)
    return Problem(
        tensor="input",
        got=shape,
        cause="input_ndim",
        message=f"input is {len(shape)}-D. A padded batch is {layout(config)}.{unchecked}",
        torch=torch_phrases.packed_ndim(len(shape)) if checks_packed(config) else None,
        fix=fix if module is None else f"{module}\n{fix}",
        advice=advice,
    )


def _unchecked(config: RNNConfig, call: Call, problem: Problem) -> Problem:
    """The same problem with the words of the C++ code, since the module does not check packed input."""
    if problem.cause == "input_ndim":
        return replace(problem, torch=None if _by_chance(config, call) else _odd_data_phrase(config, call))
    says = "a matrix product inside it fails"
    torch: str | None = torch_phrases.PRODUCT
    if problem.cause == "dtype_mismatch":
        torch = torch_phrases.product_dtype(config)
    if _by_chance(config, call):
        says, torch = "a matrix product inside it fails or, as all lengths are equal, reads wrong numbers", None
    return replace(
        problem,
        message=f"{problem.message} nn.{config.class_name} does not check packed input, so {says}.",
        torch=torch,
        alternatives=tuple(replace(other, torch=None) for other in problem.alternatives),
    )


def _odd_data_phrase(config: RNNConfig, call: Call) -> str | None:
    """What the product says of data that is no matrix, which the C++ code takes if its last dim happens to fit."""
    shape = call.input or ()
    steps = sum(min(length, shape[1 - batch_dim(config)]) for length in call.lengths or ())
    width = steps if len(shape) == 2 else shape[-1]
    return None if width == config.input_size else torch_phrases.PRODUCT


def _size_phrase(config: RNNConfig, sizes: dict[str, Shape], expected: Shape, got: Shape) -> str | None:
    """What PyTorch says of a state of the wrong size; ``None`` where it may also crash."""
    if checks_packed(config):
        return torch_phrases.state_size(config, 0, expected, got)
    if len(got) != 3:
        return None
    widths = {state[2] for state in sizes.values() if len(state) == 3}
    if (len(widths) > 1) != bool(config.proj_size):  # PyTorch expects a projection where the states have two widths
        return torch_phrases.WRONG_PARAMETERS
    if got[2] != expected[2]:
        return torch_phrases.PRODUCT
    return torch_phrases.missing_rows(config, got[0]) if got[0] < expected[0] else None


def _is_ignored(config: RNNConfig, call: Call, name: str, expected: Shape, got: Shape) -> bool:
    """A wrong ``c_0`` that the C++ code accepts: it has more rows, or a size of 1 that broadcasts."""
    lengths = call.lengths or ()
    if not takes_pair(config) or name != "c_0" or len(got) != 3 or min(lengths) == max(lengths):
        return False
    one = not config.bidirectional  # a size of 1 broadcasts, but the two directions are joined
    batch_fits = got[1] == expected[1] or (got[1] == 1 and one)
    width_fits = got[2] == expected[2] or (got[2] == 1 and config.proj_size > 1 and one)
    return got[0] >= expected[0] and batch_fits and width_fits


def packed_warnings(config: RNNConfig, call: Call) -> list[Caution]:
    """What a packed batch loses although PyTorch accepts it."""
    shape, lengths = call.input, call.lengths or ()
    if shape is None or len(shape) != 3:
        return []
    warnings, batch, sequences = [], len(lengths), shape[batch_dim(config)]
    if batch < sequences:
        message = (
            f"lengths has {plural(batch, 'item')}, and input has {sequences} sequences. enforce_sorted=False drops the other "
            f"{sequences - batch}."
        )
        warnings.append(Caution(kind="dropped_sequences", message=message, advice="Pass one length for each sequence."))
    for name, got in call.states.items():
        expected = state_shape(config, name, batch)
        if len(got) == 3 and got != expected:
            message = (
                f"{name} is {shape_text(got)} and should be {shape_text(expected)}. PyTorch does not check it beside a packed "
                "batch, and uses a part of it."
            )
            warnings.append(Caution(kind="state_in_part", message=message, fix=zeros(name, expected)))
    return warnings


def packed_notes(call: Call) -> list[str]:
    """What to know about the packing."""
    if call.is_sorted or call.enforce_sorted is not None:
        return []
    return ["lengths are not in decreasing order, so pack_padded_sequence needs enforce_sorted=False."]
