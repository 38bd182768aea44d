"""A call of ``nn.RNNCell`` and its like: one step, a batch (N, H_in) or a single vector (H_in)."""

from dataclasses import replace
from math import prod

from ..config import RNNConfig
from ..phrases import shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call
from .kinds_of_call import broadcasts, result_code, takes_pair
from .layer_call import conversion_advice, join_same, mend_kind, state_kind_problems, taken_apart, unlike_states, with_argument
from .problem import Caution, Problem
from .state_shapes import zeros


def cell_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """Everything that makes ``cell(input, h_0)`` or ``cell(input, (h_0, c_0))`` fail, in PyTorch's order of checks."""
    shape = call.input
    wrong_kind = state_kind_problems(config, call)
    if shape is not None and len(shape) not in (1, 2):
        late = [replace(problem, torch=None) for problem in wrong_kind] if len(shape) != 3 else []
        return [_input_ndim(config, mend_kind(config, call), shape), *late, *_dtypes(config, call)]
    rows = _rows(config, call) if wrong_kind else None
    if rows is not None:
        return _join_states(config, wrong_kind[0], cell_problems(config, rows))
    if wrong_kind:
        return wrong_kind + _tensor_problems(config, mend_kind(config, call))
    return _tensor_problems(config, call)


def _tensor_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """The problems of a call whose states are as many tensors as the cell takes; one that is not stated is right."""
    shape, states = call.input, call.states
    odd = join_same(
        [
            _state_ndim(config, call, index, name, state)
            for index, (name, state) in enumerate(states.items())
            if len(state) not in (1, 2)
        ]
    )
    flat = {name: state for name, state in states.items() if len(state) in (1, 2)}
    if shape is None:
        widths = join_same([problem for name, state in flat.items() for problem in _width(config, name, state)])
        return odd + (widths or ([] if odd else _unlike_states(config, call))) + _dtypes(config, call)
    problems = [] if shape[-1] == config.input_size else [_features(config, shape)]
    for name in flat:
        problems += _sizes(config, call, shape, name)
    early = [problem for problem in problems if not _is_late(config, shape, problem)]
    late = [problem for problem in problems if _is_late(config, shape, problem)]
    dtypes, late = _dtypes(config, call), join_same(late)
    last = dtypes + late if config.cell == "gru" else late + dtypes  # which of the two products PyTorch computes first
    return odd + join_same(early) + last


def _unlike_states(config: RNNConfig, call: Call) -> list[Problem]:
    """Two states that no input fits at once, where no input is stated."""
    if call.h_0 is None or call.c_0 is None or call.h_0 == call.c_0:
        return []
    if len(call.h_0) == 1 and broadcasts(config, "c_0", call.c_0):
        return []
    return [unlike_states(call.h_0, call.c_0, (*call.h_0[:-1], config.hidden_size))]


def _input_ndim(config: RNNConfig, call: Call, shape: Shape) -> Problem:
    """An input that is neither 1-D nor 2-D: one sequence or batch of steps too many, or no numbers at all."""
    width = shape[-1] if shape else 1
    module = None if width == config.input_size else with_argument(config, input_size=width)
    lines = [] if module is None else [module]
    if len(shape) == 3:
        lines += [*_fitting_states(config, call, shape[1:]), *_loop(config, call)]
        advice = f"This calls the cell step by step. nn.{config.class_name.removesuffix('Cell')} takes all steps at once."
    else:
        new = (prod(shape[:-1]), width) if shape else (1,)
        lines += ["x = x.flatten(0, -2)" if shape else "x = x.view(1)", *_fitting_states(config, call, new)]
        advice = "All dims but the last are then the batch." if shape else "Input is then one step with one feature."
    return Problem(
        tensor="input",
        got=shape,
        cause="input_ndim",
        message=f"input is {len(shape)}-D. A cell reads one step: (N, H_in), or (H_in) for one sequence.",
        torch=torch_phrases.input_ndim(config, len(shape)),
        fix="\n".join(lines),
        advice=advice,
    )


def _fitting_states(config: RNNConfig, call: Call, shape: Shape) -> list[str]:
    """The lines that make the states fit an input of ``shape``; none for those that do."""
    expected = (*shape[:-1], config.hidden_size)
    return [zeros(name, expected) for name, state in call.states.items() if state != expected]


def _loop(config: RNNConfig, call: Call) -> list[str]:
    """The lines that call the cell for each step of ``x``."""
    if takes_pair(config):
        start, state = ("state = (h_0, c_0)" if len(call.states) == 2 else "state = None"), "state"
    else:
        start, state = ("h = h_0" if call.h_0 is not None else "h = None"), "h"
    return [start, "for x_t in x:", f"    {state} = cell(x_t, {state})"]


def _state_ndim(config: RNNConfig, call: Call, index: int, name: str, state: Shape) -> Problem:
    expected = None if call.input is None else (*call.input[:-1], config.hidden_size)
    fits = state[:1] != (0,) and state[1:] == expected if expected else len(state) == 3 and state[-1] == config.hidden_size
    advice: str | None
    fix, advice = f"{name} = {name}[-1]", "This takes the last layer."
    if fits and state[0] == 1:
        fix, advice = f"{name} = {name}.squeeze(0)", None
    elif not fits:
        fix = zeros(name, expected) if expected else f"{name} = torch.zeros(N, {config.hidden_size})"
        advice = None if expected else "N is the batch size of input."
    return Problem(
        tensor=name,
        expected=expected,
        got=state,
        cause="input_ndim",
        message=f"{name} is {len(state)}-D. A cell has no layers, so its state is (N, H_cell), or (H_cell) for one sequence.",
        torch=torch_phrases.cell_state_ndim(config, index, len(state)),
        fix=fix,
        advice=advice,
    )


def _features(config: RNNConfig, shape: Shape) -> Problem:
    want, got = config.input_size, shape[-1]
    return Problem(
        tensor="input",
        dim=len(shape) - 1,
        expected=(*shape[:-1], want),
        got=shape,
        cause="input_feature_mismatch",
        message=f"The last dim of input is {got}, and input_size is {want}.",
        torch=torch_phrases.cell_input_size(want, got),
        fix=with_argument(config, input_size=got),
        advice=f"Or give x {want} features.",
    )


def _sizes(config: RNNConfig, call: Call, shape: Shape, name: str) -> list[Problem]:
    """Batch first, then features; a 1-D state beside 2-D input and the reverse are read as PyTorch reads them."""
    index, state = 1 if name == "c_0" else 0, call.states[name]
    expected = (*shape[:-1], config.hidden_size)
    if state == expected:
        return []
    if len(state) != len(shape):
        fits = len(shape) == 1 and call.h_0 is not None and len(call.h_0) < 3 and broadcasts(config, name, state)
        return [] if fits else [_other_ndim(config, call, shape, name)]
    if len(shape) == 2 and state[0] != shape[0]:
        batch = Problem(
            tensor=name,
            dim=0,
            expected=expected,
            got=state,
            cause="hidden_batch_mismatch",
            message=f"{name} has batch size {state[0]}, and input has {shape[0]}.",
            torch=torch_phrases.cell_batch(index, shape[0], state[0]),
            fix=f"{name} = x.new_zeros(x.size(0), {config.hidden_size})",
            advice="Make a new state for each batch.",
        )
        return [batch, *_width(config, name, state, expected)]
    return _width(config, name, state, expected)


def _other_ndim(config: RNNConfig, call: Call, shape: Shape, name: str) -> Problem:
    """A state with a batch dim beside an input without one, or the reverse."""
    index, hidden, state = 1 if name == "c_0" else 0, config.hidden_size, call.states[name]
    fix, advice = zeros(name, (*shape[:-1], hidden)), "Make a new state for each input."
    if len(shape) == 1:
        torch: str | None = torch_phrases.cell_hidden_size(index, hidden, state[0])
        if state[0] == hidden:  # the check compares dim 0, so only the operation itself fails
            torch = torch_phrases.PRODUCT if name == "h_0" and state[1] != hidden else None
        if all(each == (1, hidden) for each in call.states.values()):
            fix = "x = x.unsqueeze(0)"
            advice = f"Input is then a batch of one. Or make the state 1-D: {name} = x.new_zeros({hidden})."
    else:
        same = state[0] == shape[0]
        torch = torch_phrases.OUT_OF_DIMS if same else torch_phrases.cell_batch(index, shape[0], state[0])
        if state == (hidden,):
            fix, advice = f"{name} = {name}.expand({shape[0]}, -1)", "All sequences then start from the same state."
    return Problem(
        tensor=name,
        expected=(*shape[:-1], hidden),
        got=state,
        cause="unbatched_2d_vs_3d",
        message=f"{name} is {len(state)}-D, and input is {len(shape)}-D: either both have a batch dim or neither has one.",
        torch=torch,
        fix=fix,
        advice=advice,
    )


def _rows(config: RNNConfig, call: Call) -> Call | None:
    """The call as PyTorch reads it where it splits a bare ``h_0`` beside a 1-D input: its first two rows are h_0 and c_0."""
    h_0, shape = call.h_0, call.input
    bare = takes_pair(config) and call.c_0 is None and h_0 is not None and len(h_0) in (2, 3) and h_0[0] > 1
    if not bare or h_0 is None or shape is None or len(shape) != 1:
        return None
    return replace(call, h_0=h_0[1:], c_0=h_0[1:])


def _join_states(config: RNNConfig, kind: Problem, problems: list[Problem]) -> list[Problem]:
    """``problems`` with ``kind``, the bare tensor, in place of those of its rows, in the words of the first of them."""
    first = next((problem for problem in problems if problem.tensor in ("h_0", "c_0")), None)
    kept = [problem for problem in problems if problem is first or problem.tensor not in ("h_0", "c_0")]
    if first is None:
        return kept
    joined = replace(kind, torch=first.torch, fix=result_code(config), advice="Zeros are the default.")
    return [joined if problem is first else problem for problem in kept]


def _is_late(config: RNNConfig, shape: Shape, problem: Problem) -> bool:
    """Whether PyTorch's checks miss it, because they compare the wrong dims, and only the matrix product fails."""
    got = problem.got
    return len(shape) == 1 and isinstance(got, tuple) and len(got) == 2 and got[0] == config.hidden_size


def cell_warnings(config: RNNConfig, call: Call) -> list[Caution]:
    """What a cell accepts although its state has another number of dims than its input."""
    shape, hidden = call.input, config.hidden_size
    if shape is None or len(shape) != 1:
        return []
    if _rows(config, call) is not None and call.h_0 is not None:
        return [taken_apart(call.h_0)]
    return [
        Caution(
            kind="broadcast_state",
            message=f"{name} {shape_text(state)} is 2-D beside a 1-D input. PyTorch broadcasts it, and the result is 2-D.",
            advice=f"Make it ({hidden},).",
        )
        for name, state in call.states.items()
        if len(state) == 2
    ]


def _width(config: RNNConfig, name: str, state: Shape, expected: Shape | None = None) -> list[Problem]:
    want, got = config.hidden_size, state[-1]
    if got == want:
        return []
    expected = expected or (*state[:-1], want)
    return [
        Problem(
            tensor=name,
            dim=len(state) - 1,
            expected=expected,
            got=state,
            cause="hidden_size_vs_proj",
            message=f"The last dim of {name} is {got}, and hidden_size is {want}.",
            torch=torch_phrases.cell_hidden_size(1 if name == "c_0" else 0, want, got),
            fix=zeros(name, expected),
            advice=f"Or build the cell with hidden_size={got}.",
        )
    ]


def _dtypes(config: RNNConfig, call: Call) -> list[Problem]:
    got, want = call.input_dtype, call.weight_dtype
    if got is None or got == want:
        return []
    return [
        Problem(
            tensor="input",
            expected=want,
            got=got,
            cause="dtype_mismatch",
            message=f"input is {got}, and the weights are {want}.",
            torch=torch_phrases.product_dtype(config),
            fix=f"x = x.to(torch.{want})",
            advice=conversion_advice("cell: cell", want, got),
        )
    ]
