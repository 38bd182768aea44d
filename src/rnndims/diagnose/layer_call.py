"""A call of ``nn.RNN`` and its like with tensors: what PyTorch would refuse, in its order of checks."""

from dataclasses import replace
from math import prod

from ..config import RNNConfig
from ..constructor import format_constructor
from ..errors import ConfigError
from ..phrases import shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call, batch_dim, layout, state_for_input, state_shape, state_width
from .kinds_of_call import call_code, pair_class, result_code, takes_pair
from .problem import TUPLE_EXPECTED, Caution, Problem, one_problem, without_turn
from .state_shapes import StateMismatch, add_batch, same_mistake, state_problems, zeros


def layer_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """Everything that makes ``module(input, h_0)`` or ``module(input, (h_0, c_0))`` fail, in PyTorch's order of checks.

    The order is that of ``forward``: number of dims of input, kind and number of dims of the states, dtype, features,
    sizes of ``h_0``, then of ``c_0``, and the sequence length last. What cannot be decided after a failure is left out.
    """
    call, shape = take_apart(config, call), call.input
    kind = state_kind_problems(config, call)
    if shape is not None and len(shape) not in (2, 3):
        late = [replace(problem, torch=None) for problem in kind]  # PyTorch says something else once input is mended
        return [_input_ndim(config, mend_kind(config, call), shape), *late, *dtype_problems(call)]
    if not kind:
        return _tensor_problems(config, call)
    rest = _tensor_problems(config, mend_kind(config, call))
    if not _is_stacked(config, call):
        return kind + rest
    # hx[0] and hx[1] exist and have the right number of dims, so dtype and features are compared before the sizes
    early = [problem for problem in rest if problem.cause in ("dtype_mismatch", "input_feature_mismatch")]
    return early + kind + [problem for problem in rest if problem not in early]


def _tensor_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """The problems of a call whose states are as many tensors as the module takes; one that is not stated is right."""
    shape, ndim = call.input, _ndim(call)
    if ndim is None and call.states:
        return [_odd_state(config, name, state) for name, state in call.states.items()][:1]
    wrong_ndim = _state_ndim_problems(config, call, ndim)
    if wrong_ndim:
        features = feature_problems(config, call, moves=False)  # the fix for the number of dims may move them already
        return wrong_ndim + dtype_problems(call) + features + _step_problems(config, shape)
    features = feature_problems(config, call)
    states = [] if ndim is None or _moves(features) else _state_size_problems(config, call, ndim)
    if features:
        states = [without_turn(problem) for problem in states]  # another constructor is the fix for the features
    if shape is None and ndim == 3 and call.h_0 and call.c_0 and call.h_0[1] != call.c_0[1]:
        states.append(unlike_states(call.h_0, call.c_0, state_shape(config, "c_0", call.h_0[1])))
    return dtype_problems(call) + features + states + _step_problems(config, shape)


def _moves(features: list[Problem]) -> bool:
    """Whether the fix for the features moves or adds dims of input: it is one after which the states fit."""
    return any((problem.fix or "").startswith("x =") for problem in features)


def take_apart(config: RNNConfig, call: Call) -> Call:
    """The call as PyTorch reads it: a bare ``h_0`` that it splits into ``h_0`` and ``c_0`` without a complaint is both of them.

    A module that takes a pair indexes its state. Beside unbatched input, and beside a packed batch that is not sorted, rows of
    the right shape are not looked at again.
    """
    h_0 = call.h_0
    if not takes_pair(config) or h_0 is None or call.c_0 is not None or len(h_0) < 3 or h_0[0] < 2:
        return call
    batch = None if call.lengths is None else len(call.lengths)
    splits = not call.is_sorted if call.lengths is not None else call.input is not None and len(call.input) == 2
    if splits and all(h_0[1:] == state_shape(config, name, batch) for name in ("h_0", "c_0")):
        return replace(call, h_0=h_0[1:], c_0=h_0[1:])
    return call


def layer_warnings(config: RNNConfig, call: Call) -> list[Caution]:
    """What a module accepts although it is no tuple of states."""
    if take_apart(config, call) is call or call.h_0 is None:
        return []
    return [taken_apart(call.h_0)]


def taken_apart(h_0: Shape) -> Caution:
    """The warning of a bare ``h_0`` whose first two rows become the states."""
    return Caution(
        kind="state_taken_apart",
        message=f"h_0 {shape_text(h_0)} is one tensor, and a tuple (h_0, c_0) is needed. PyTorch uses row 0 of it as h_0 and "
        "row 1 as c_0.",
        fix="h_0, c_0 = h_0[0], h_0[1]",
        advice="Pass them as (h_0, c_0).",
    )


def _time_dim(config: RNNConfig, shape: Shape) -> int:
    return 1 - batch_dim(config) if len(shape) == 3 else 0


def _ndim(call: Call) -> int | None:
    """Number of dims of the call: that of input, or of the states where no input is stated."""
    if call.input is not None:
        return len(call.input)
    return next((len(state) for state in call.states.values() if len(state) in (2, 3)), None)


def _odd_state(config: RNNConfig, name: str, state: Shape) -> Problem:
    """A state with a number of dims that no input fits, where no input is stated."""
    rows, width = config.D * config.num_layers, state_width(config, name)
    return Problem(
        tensor=name,
        got=state,
        cause="unbatched_2d_vs_3d",
        message=f"{name} is {len(state)}-D. A state is 3-D, (D*num_layers, N, H), or 2-D, (D*num_layers, H), for one sequence.",
        fix=f"{name} = torch.zeros({rows}, N, {width})",
        advice="N is the batch size of input.",
    )


def unlike_states(h_0: Shape, c_0: Shape, expected: Shape) -> Problem:
    """Two states of different batches, where no input is stated; ``expected`` is the shape of ``c_0`` beside this ``h_0``."""
    both = len(h_0) == len(c_0)
    why = "one has a batch dim and the other has none"
    if both:
        dim = len(h_0) - 2
        why = f"their batch sizes are {h_0[dim]} and {c_0[dim]} (dim {dim})"
    return Problem(
        tensor="c_0",
        dim=len(h_0) - 2 if both else None,
        expected=expected,
        got=c_0,
        cause="hidden_batch_mismatch" if both else "unbatched_2d_vs_3d",
        message=f"No input fits both h_0 {shape_text(h_0)} and c_0 {shape_text(c_0)}: {why}.",
        fix=zeros("c_0", expected),
        advice="Or make h_0 fit c_0.",
    )


def _input_ndim(config: RNNConfig, call: Call, shape: Shape) -> Problem:
    """An input that is neither 2-D nor 3-D, with the way to 2-D or 3-D that leaves the least to be mended."""
    ways: list[tuple[str, Shape, str]] = []
    size, last = config.input_size, shape[-1] if shape else 1
    if len(shape) > 3:
        joins = "This joins all dims but batch and time into H_in. If one of them is a second time axis, keep only one."
        ways.append(("x = x.flatten(2)", (*shape[:2], prod(shape[2:])), joins))
        if last == size:
            leading = prod(shape[:-2])
            ways.append(("x = x.flatten(0, -3)", (leading, *shape[-2:]), f"This joins the dims before {shape[-2:]} into one."))
        pairs = [pair for pair in ((1, 2), (1, 3), (2, 3)) if len(shape) == 4 and shape[pair[0]] * shape[pair[1]] == size]
        if len(pairs) == 1:  # pictures (N, C, H, W): channels and rows are the features of a column
            (a, b), steps = pairs[0], 6 - sum(pairs[0])
            order = (0, steps, a, b) if config.batch_first else (steps, 0, a, b)
            advice = f"This joins dims {a} and {b} into H_in = {size}; dim 0 is the batch, and dim {steps} is time."
            ways.append((f"x = x.permute{order}.flatten(2)", (shape[order[0]], shape[order[1]], size), advice))
    elif last == size or not last:
        ways.append(
            ("x = x.unsqueeze(0)" if shape else "x = x.view(1, 1)", (1, last), "Input is then one step of one sequence.")
        )
    elif last % size == 0:
        ways.append((f"x = x.view(-1, {size})", (last // size, size), f"Input is then one sequence of {last // size} steps."))
    else:
        fix = "x = x.unsqueeze(0)" if shape else "x = x.view(1, 1)"
        ways.append((fix, (1, last), "Input is then one step of one sequence."))
    ways.sort(key=lambda way: len(layer_problems(config, replace(call, input=way[1]))))
    fix, new, advice = ways[0]
    return Problem(
        tensor="input",
        got=shape,
        cause="input_ndim",
        message=f"input is {len(shape)}-D. nn.{config.class_name} takes {layout(config)} or, for one sequence, (L, H_in).",
        torch=torch_phrases.input_ndim(config, len(shape)),
        fix=fix_input(config, call, fix, new),
        advice=advice,
    )


def fix_input(config: RNNConfig, call: Call, fix: str, shape: Shape) -> str | None:
    """Code that changes input, with what must then change too: the module for its features, and states that do not fit it.

    Args:
        config: the module.
        call: the call.
        fix: the code, which makes input ``shape``.
        shape: the new shape of input.

    Returns:
        The statements, one a line; ``None`` where there are then no steps, or PyTorch has no module for such features.
    """
    if shape[_time_dim(config, shape)] == 0:
        return None
    lines = [fix]
    if shape[-1] != config.input_size:
        module = with_argument(config, input_size=shape[-1])
        if module is None:
            return None
        lines = [module, fix]
    for name, state in call.states.items():
        if name in ("h_0", "c_0")[: 1 + takes_pair(config)] and state != (expected := state_for_input(config, name, shape)):
            lines.append(zeros(name, expected))
    return "\n".join(lines)


def _step_problems(config: RNNConfig, shape: Shape | None) -> list[Problem]:
    """An input without time steps."""
    dim = _time_dim(config, shape) if shape is not None else 0
    if shape is None or shape[dim]:
        return []
    return [
        Problem(
            tensor="input",
            dim=dim,
            got=shape,
            cause="other",
            message=f"input has no time steps: its dim {dim} is 0.",
            torch=torch_phrases.NO_STEPS,
            advice="Skip empty sequences, or check which dim of input is the time axis.",
        )
    ]


def dtype_problems(call: Call) -> list[Problem]:
    """Input and weights of two dtypes."""
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
            torch=torch_phrases.dtypes(want, got),
            fix=f"x = x.to(torch.{want})",
            advice=conversion_advice("module: model", want, got),
        )
    ]


def conversion_advice(module: str, want: str, got: str) -> str | None:
    """What else than the input may change: the module's dtype, or, where autocast has its own way, nothing."""
    if want == "float32" and got in ("float16", "bfloat16"):
        return (
            f"Or convert the {module}.to(torch.{got}). Under torch.autocast leave the input in float32: it converts by itself."
        )
    return f"Or convert the {module}.to(torch.{got})." if "float" in got else None


def with_argument(config: RNNConfig, **arguments: object) -> str | None:
    """The constructor with other arguments, to paste; ``None`` where PyTorch would refuse them."""
    try:
        return format_constructor(replace(config, **arguments))  # type: ignore[arg-type]
    except ConfigError:
        return None


def feature_problems(config: RNNConfig, call: Call, *, moves: bool = True) -> list[Problem]:
    """A last dim of input that is not ``input_size``; ``moves`` says whether a fix may move or add dims."""
    shape = call.input
    if shape is None or shape[-1] == config.input_size:
        return []
    want, got, last = config.input_size, shape[-1], len(shape) - 1
    module = with_argument(config, input_size=got)
    fix, advice = module, f"Or give x {want} features." if module else f"Give x {want} features."
    elsewhere = [dim for dim in range(last) if shape[dim] == want]
    why = f" {want} is dim {elsewhere[0]} of input." if elsewhere else ""
    moved = next((dim for dim in elsewhere if moves and _still_fits(config, call, _swapped(shape, dim, last))), None)
    numbers = moves and want == 1 and last == 1 and _still_fits(config, call, (*shape, 1))  # (N, L) without features
    if moved is not None:
        fix, advice = f"x = x.transpose({moved}, {last})", "This puts the features last."
        why = f" {want} is dim {moved} of input."
    elif numbers:
        fix = "x = x.unsqueeze(-1)"
        advice = "Do this if each number is a step of its own." + (f" If a step has {got} numbers: {module}." if module else "")
    main = Problem(
        tensor="input",
        dim=last,
        expected=(*shape[:-1], want),
        got=shape,
        cause="input_feature_mismatch",
        message=f"The last dim of input is {got}, and input_size is {want}.{why}",
        torch=torch_phrases.input_size(want, got),
        fix=fix,
        advice=advice,
    )
    if len(shape) == 3 or call.lengths is not None:
        return [main]
    batch = "(N, L)" if want == 1 else "(N, L) or (N, H_in)"
    unbatched = Problem(
        tensor="input",
        got=shape,
        cause="unbatched_2d_vs_3d",
        message=f"If input is a batch {batch}: PyTorch takes 2-D input {shape_text(shape)} as one sequence (L, H_in).",
        fix="x = x.unsqueeze(-1)" if numbers else None,
        advice="Build the module with batch_first=True then."
        if want == 1
        else f"Add the missing dim then, and give x {want} features.",
    )
    return [one_problem([main, unbatched])]


def _swapped(shape: Shape, one: int, other: int) -> Shape:
    sizes = list(shape)
    sizes[one], sizes[other] = sizes[other], sizes[one]
    return tuple(sizes)


def _still_fits(config: RNNConfig, call: Call, shape: Shape) -> bool:
    """Whether an input of another shape fits the states and lengths, and has steps."""
    batch, time = batch_dim(config), 1 - batch_dim(config)
    if shape[time if len(shape) == 3 else 0] == 0:
        return False
    if call.lengths and (len(shape) != 3 or len(call.lengths) != shape[batch] or max(call.lengths) > shape[time]):
        return False
    return all(state == state_for_input(config, name, shape) for name, state in call.states.items())


def state_kind_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """A bare tensor where the module needs a tuple ``(h_0, c_0)``, or a tuple where it needs one tensor."""
    if not takes_pair(config):
        return [] if call.c_0 is None else [_tuple_for_tensor(config, call)]
    if (call.h_0 is None) == (call.c_0 is None):
        return []
    stated, missing = ("h_0", "c_0") if call.c_0 is None else ("c_0", "h_0")
    shape = call.states[stated]
    fix = call_code(config, **{missing: _other_state(config, stated, missing)})
    if stated == "h_0" and mend_kind(config, call).c_0 is not None:
        fix = call_code(config, h_0="h_0[0]", c_0="h_0[1]")
    torch: str | None
    said = ""
    alone = call.input is None and call.lengths is None and not config.is_cell and stated == "h_0"
    if alone and take_apart(config, replace(call, input=(1, config.input_size))).c_0 is not None:
        said = " Beside 2-D input PyTorch uses row 0 of it as h_0 and row 1 as c_0, without an error."
    if stated == "c_0":
        torch = _none_state(call)
    elif call.lengths is None:
        known = call.input is not None and (config.is_cell or len(call.input) in (2, 3))
        torch = torch_phrases.bare_tensor(config, shape, call.input if known else None)
    elif call.is_sorted:
        torch = torch_phrases.invalid_combination(config)
    else:
        torch = torch_phrases.bare_sorted(shape, len(call.lengths))
    return [
        Problem(
            tensor="h_0",
            got=call.h_0,
            cause=TUPLE_EXPECTED,
            message=f"nn.{config.class_name} takes its state as a tuple (h_0, c_0), and {stated} alone is passed.{said}",
            torch=torch,
            fix=fix,
            advice="Or leave both states out: zeros are the default.",
        )
    ]


def _other_state(config: RNNConfig, stated: str, missing: str) -> str:
    """Code for the state that is missing beside the one that is stated."""
    if not config.proj_size or config.is_cell:
        return f"torch.zeros_like({stated})"
    return f"{stated}.new_zeros(*{stated}.shape[:-1], {state_width(config, missing)})"


def mend_kind(config: RNNConfig, call: Call) -> Call:
    """The call with the states that the module takes: one tensor, or both. A pair that is stacked in ``h_0`` is taken apart."""
    if not takes_pair(config):
        return replace(call, c_0=None)
    h_0 = call.h_0
    if call.c_0 is not None or h_0 is None or len(h_0) < 2 or h_0[0] != 2:
        return call
    whole = replace(call, h_0=h_0[1:], c_0=h_0[1:])
    if config.is_cell:
        right = call.input is not None and h_0[1:] == (*call.input[:-1], config.hidden_size)
    elif call.lengths is not None or call.input is None:
        batch = h_0[2] if call.lengths is None and len(h_0) == 4 else len(call.lengths or ())
        right = all(h_0[1:] == state_shape(config, name, batch) for name in ("h_0", "c_0"))
    else:
        right = len(call.input) in (2, 3) and all(
            h_0[1:] == state_for_input(config, name, call.input) for name in ("h_0", "c_0")
        )
    return whole if right else call


def _none_state(call: Call) -> str:
    """What PyTorch says of ``(None, c_0)``."""
    if call.lengths is None:
        return torch_phrases.NONE_STATE
    return torch_phrases.NONE_PACKED if call.is_sorted else torch_phrases.NONE_SORTED


def _tuple_for_tensor(config: RNNConfig, call: Call) -> Problem:
    attribute = "dim" if call.lengths is None else "size" if call.is_sorted else "index_select"
    return Problem(
        tensor="c_0",
        got=call.c_0,
        cause=TUPLE_EXPECTED,
        message=f"nn.{config.class_name} has no cell state. It takes the tensor h_0, and a tuple (h_0, c_0) is passed.",
        torch=torch_phrases.tuple_attribute(attribute),
        fix=result_code(config) if call.h_0 is None else call_code(config),
        advice=f"Pass h_0 alone, or use {pair_class(config)}.",
    )


def _is_stacked(config: RNNConfig, call: Call) -> bool:
    """Whether a bare ``h_0`` looks like ``torch.stack([h_0, c_0])``, which gets past the first checks."""
    if not takes_pair(config) or call.h_0 is None or call.c_0 is not None or call.input is None:
        return False
    return len(call.h_0) == len(call.input) + 1 and call.h_0[0] > 1


def _state_ndim_problems(config: RNNConfig, call: Call, ndim: int | None) -> list[Problem]:
    states = call.states
    wrong = [name for name, shape in states.items() if len(shape) != ndim]
    if not wrong or ndim is None:
        return []
    name, *others = wrong
    got = states[name]
    fix, advice = _input_fix(config, call, name, got) or _state_fixes(config, call, wrong)
    message = f"{name} is {len(got)}-D, and input is {ndim}-D: either both have a batch dim or neither has one."
    if others and len(states[others[0]]) == len(got):
        message += f" {others[0]} has the same mistake."
    return [
        Problem(
            tensor=name,
            expected=None if call.input is None else state_for_input(config, name, call.input),
            got=got,
            cause="unbatched_2d_vs_3d",
            message=message,
            torch=torch_phrases.state_ndims(config, ndim, tuple(map(len, states.values()))),
            fix=fix,
            advice=advice,
        )
    ]


def _input_fix(config: RNNConfig, call: Call, name: str, got: Shape) -> tuple[str, str] | None:
    """Code that adds to 2-D input the dim that 3-D states have, and advice; ``None`` where the states are wrong instead."""
    shape, batch = call.input, batch_dim(config)
    if shape is None or len(shape) != 2 or len(got) != 3:
        return None
    for dim in (1 - batch, batch):
        new = (*shape[:dim], 1, *shape[dim:])
        if any(state != state_for_input(config, each, new) for each, state in call.states.items()) or not shape[0]:
            continue
        if dim == batch:
            advice = f"Input is then a batch of one. Or remove the batch dim of the state: {name}.squeeze(1)."
            return f"x = x.unsqueeze({dim})", advice
        return f"x = x.unsqueeze({dim})", f"Do this if input is one step of {shape[0]} sequences: it lacks the time axis."
    return None


def _state_fixes(config: RNNConfig, call: Call, wrong: list[str]) -> tuple[str, str | None]:
    """Code that gives the states the shapes they must have, and advice on the first."""
    fixes = {name: _state_fix(config, call, name, state) for name, state in call.states.items()}
    done = [name for name, state in call.states.items() if call.input and state == state_for_input(config, name, call.input)]
    first = fixes[wrong[0]][1]
    return "\n".join(fix for name, (fix, _) in fixes.items() if name in wrong or name not in done), first


def _state_fix(config: RNNConfig, call: Call, name: str, got: Shape) -> tuple[str, str | None]:
    """Code that gives a state the shape it must have, and advice on it."""
    shape, rows = call.input, config.D * config.num_layers
    if shape is None:
        return f"{name} = torch.zeros({rows}, N, {state_width(config, name)})", None
    expected = state_for_input(config, name, shape)
    if len(shape) == 3 and got == expected[1:]:
        return f"{name} = {name}.expand({rows}, -1, -1).contiguous()", "The state is then (D*num_layers, N, H)."
    if len(shape) == 3 and got == (expected[0], expected[-1]):
        return add_batch(name, expected)
    return zeros(name, expected), None


def _state_size_problems(config: RNNConfig, call: Call, ndim: int) -> list[Problem]:
    problems: list[Problem] = []
    batched = call.input if call.input is not None and len(call.input) == 3 else None
    first: StateMismatch | None = None
    for index, (name, got) in enumerate((("h_0", call.h_0), ("c_0", call.c_0))):
        if got is None:
            continue
        if call.input is not None:
            expected = state_for_input(config, name, call.input)
        else:
            expected = state_shape(config, name, got[1] if ndim == 3 else None)
        if got == expected:
            continue
        torch = torch_phrases.state_size(config, index, expected, got)
        state = StateMismatch(tensor=name, expected=expected, got=got, torch=torch, config=config, input=batched)
        if first is not None and same_mistake(first, state):
            problems = also(problems, state)
        else:
            problems += state_problems(state)
        first = first or state
    return problems


def also(problems: list[Problem], state: StateMismatch) -> list[Problem]:
    """The problems of ``h_0`` where ``c_0`` has the same mistakes: the first says so, and each fix mends both."""
    said = f" {state.tensor} {shape_text(state.got)} has the same mistake."
    joined = [_mending_both(mine, other) for mine, other in zip(problems, state_problems(state), strict=True)]
    return [replace(joined[0], message=joined[0].message + said), *joined[1:]]


def join_same(problems: list[Problem]) -> list[Problem]:
    """``problems`` without those of ``c_0`` that ``h_0`` has too, of the same sizes; that of ``h_0`` stands for both."""
    joined: list[Problem] = []
    for problem in problems:
        twin = next(
            (each for each in joined if (each.tensor, problem.tensor) == ("h_0", "c_0") and _alike(each, problem)), None
        )
        if twin is None:
            joined.append(problem)
        else:
            said = "" if problem.got is None else f" c_0 {_shown(problem.got)} has the same mistake."
            joined[joined.index(twin)] = replace(_mending_both(twin, problem), message=twin.message + said)
    return joined


def _alike(one: Problem, other: Problem) -> bool:
    """Whether two problems say the same of two tensors."""
    sizes = [(each.cause, each.dim, each.expected, each.got, len(each.alternatives)) for each in (one, other)]
    return sizes[0] == sizes[1]


def _shown(got: Shape | str) -> str:
    return got if isinstance(got, str) else shape_text(got)


def _mending_both(mine: Problem, other: Problem) -> Problem:
    """One mistake in two states: its fix, and those of its alternatives, mend both."""
    fixes = [fix for fix in dict.fromkeys((mine.fix, other.fix)) if fix is not None]
    pairs = zip(mine.alternatives, other.alternatives, strict=True)
    return replace(mine, fix="\n".join(fixes) or None, alternatives=tuple(_mending_both(a, b) for a, b in pairs))
