"""A call of ``nn.RNNCell`` and its like: one step, a batch (N, H_in) or a single vector (H_in)."""

from dataclasses import replace

from ..config import RNNConfig
from ..phrases import shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call
from .kinds_of_call import broadcasts, takes_pair
from .layer_call import join_same, state_kind_problems, taken_apart, unlike_states, with_argument
from .problem import Caution, Problem
from .state_shapes import zeros


def cell_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """Everything that makes ``cell(input, h_0)`` or ``cell(input, (h_0, c_0))`` fail, in PyTorch's order of checks."""
    shape, states = call.input, call.states
    if shape is not None and len(shape) not in (1, 2):
        return [_input_ndim(config, shape)]
    wrong_kind = state_kind_problems(config, call)
    rows = _rows(config, call) if wrong_kind else None
    if rows is not None:
        return _join_states(wrong_kind[0], cell_problems(config, rows))
    if wrong_kind:
        return wrong_kind
    problems = [
        _state_ndim(config, index, name, state)
        for index, (name, state) in enumerate(states.items())
        if len(state) not in (1, 2)
    ]
    if problems:
        return join_same(problems)
    if shape is None:
        widths = join_same([problem for name, state in states.items() for problem in _width(config, name, state)])
        return (widths or _unlike_states(config, call)) + _dtypes(config, call)
    if shape[-1] != config.input_size:
        problems.append(_features(config, shape))
    for name, state in states.items():
        problems += _sizes(config, shape, name, state)
    early = [problem for problem in problems if not _is_late(config, shape, problem)]
    late = [problem for problem in problems if _is_late(config, shape, problem)]
    return join_same(early) + _dtypes(config, call) + join_same(late)


def _unlike_states(config: RNNConfig, call: Call) -> list[Problem]:
    """Two states that no input fits at once, where no input is stated."""
    if call.h_0 is None or call.c_0 is None or call.h_0 == call.c_0:
        return []
    if len(call.h_0) == 1 and broadcasts(config, "c_0", call.c_0):
        return []
    return [unlike_states(call.h_0, call.c_0, (*call.h_0[:-1], config.hidden_size))]


def _input_ndim(config: RNNConfig, shape: Shape) -> Problem:
    advice = None
    if len(shape) == 3:
        pair = takes_pair(config)
        fix = f"for x_t in x:\n    {'h, c' if pair else 'h'} = cell(x_t, {'(h, c)' if pair else 'h'})"
        advice = f"This calls the cell step by step. nn.{config.class_name.removesuffix('Cell')} takes all steps at once."
    else:
        fix = "x = x.view(-1, H_in)" if shape else "x = x.view(1)"
    return Problem(
        tensor="input",
        got=shape,
        cause="input_ndim",
        message=f"input is {len(shape)}-D. A cell reads one step: (N, H_in), or (H_in) for one sequence.",
        torch=torch_phrases.input_ndim(config, len(shape)),
        fix=fix,
        advice=advice,
    )


def _state_ndim(config: RNNConfig, index: int, name: str, state: Shape) -> Problem:
    advice: str | None
    fix, advice = f"{name} = {name}[-1]", "This takes the last layer."
    if not state:
        fix, advice = f"{name} = torch.zeros(N, {config.hidden_size})", None
    elif len(state) == 3 and state[0] == 1:
        fix, advice = f"{name} = {name}.squeeze(0)", None
    return Problem(
        tensor=name,
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


def _sizes(config: RNNConfig, shape: Shape, name: str, state: Shape) -> list[Problem]:
    """Batch first, then features; a 1-D state beside 2-D input and the reverse are read as PyTorch reads them."""
    index = 1 if name == "c_0" else 0
    expected = (*shape[:-1], config.hidden_size)
    if state == expected:
        return []
    if len(state) != len(shape):
        return [] if len(shape) == 1 and broadcasts(config, name, state) else [_other_ndim(config, shape, name, state)]
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


def _other_ndim(config: RNNConfig, shape: Shape, name: str, state: Shape) -> Problem:
    """A state with a batch dim beside an input without one, or the reverse."""
    index, hidden = 1 if name == "c_0" else 0, config.hidden_size
    if len(shape) == 1:
        torch: str | None = torch_phrases.cell_hidden_size(index, hidden, state[0])
        if state[0] == hidden:  # the check compares dim 0, so only the operation itself fails
            torch = torch_phrases.PRODUCT if name == "h_0" and state[1] != hidden else None
        fix = "x = x.unsqueeze(0)"
        advice = f"Input is then a batch of one. Or make the state 1-D: {name} = x.new_zeros({hidden})."
    else:
        same = state[0] == shape[0]
        torch = torch_phrases.OUT_OF_DIMS if same else torch_phrases.cell_batch(index, shape[0], state[0])
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


def _join_states(kind: Problem, problems: list[Problem]) -> list[Problem]:
    """``problems`` with ``kind``, the bare tensor, in place of those of its rows, in the words of the first of them."""
    first = next((problem for problem in problems if problem.tensor in ("h_0", "c_0")), None)
    kept = [problem for problem in problems if problem is first or problem.tensor not in ("h_0", "c_0")]
    return [replace(kind, torch=first.torch) if problem is first and first is not None else problem for problem in kept]


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
            advice=f"Or convert the cell: cell.to(torch.{got})." if "float" in got else None,
        )
    ]
