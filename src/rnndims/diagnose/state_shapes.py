"""Why a state has the wrong shape: expected and got, compared dim by dim, as problems with their alternatives."""

from dataclasses import dataclass, replace

from ..config import RNNConfig
from ..constructor import format_constructor
from ..phrases import plural, shape_text
from ..shapes import Shape
from .call import batch_dim, layout
from .problem import Cause, Problem, one_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMismatch:
    """A state that does not have the shape it must have, and what is known beside it.

    Attributes:
        tensor: ``h_0`` or ``c_0``.
        expected: (D*num_layers, N, H), or without N for an unbatched input.
        got: what it has instead.
        torch: what PyTorch says of it.
        config: the module, if it is known.
        input: shape of the input, if it is known and 3-D.
        parallel: whether the text says that the module is wrapped in ``DataParallel``.
    """

    tensor: str
    expected: Shape
    got: Shape
    torch: str | None = None
    config: RNNConfig | None = None
    input: Shape | None = None
    parallel: bool = False

    @property
    def wrong(self) -> tuple[int, ...]:
        """The dims that differ; both shapes have the same number of dims."""
        return tuple(dim for dim in range(len(self.expected)) if self.expected[dim] != self.got[dim])

    def problem(
        self, cause: Cause, message: str, *, dim: int | None = None, fix: str | None = None, advice: str | None = None
    ) -> Problem:
        """A problem of this state."""
        return Problem(
            tensor=self.tensor,
            dim=dim,
            expected=self.expected,
            got=self.got,
            cause=cause,
            message=message,
            torch=self.torch,
            fix=fix,
            advice=advice,
        )


def state_problems(state: StateMismatch) -> list[Problem]:
    """The mistakes in ``Expected hidden[0] size {expected}, got {got}``, one for each wrong dim, or one that explains several.

    PyTorch says its phrase once, so only the first carries it.
    """
    problems = _mistakes(state)
    return [problems[0], *(replace(problem, torch=None) for problem in problems[1:])]


def same_mistake(first: StateMismatch, second: StateMismatch) -> bool:
    """Whether the same dims of both states are wrong, with the same sizes expected and got."""
    if len(first.got) != len(second.got):
        return False
    if len(first.got) != len(first.expected):
        return (first.expected, first.got) == (second.expected, second.got)
    if first.wrong != second.wrong:
        return False
    return all(first.expected[dim] == second.expected[dim] and first.got[dim] == second.got[dim] for dim in first.wrong)


def zeros(name: str, shape: Shape) -> str:
    """The line that makes a state of zeros: ``h_0 = torch.zeros(2, 3, 20)``."""
    return f"{name} = torch.zeros({', '.join(map(str, shape))})"


def add_batch(name: str, expected: Shape) -> tuple[str, str | None]:
    """The line that adds the batch of ``expected`` to a state (D*num_layers, H), and advice on it."""
    fix = f"{name} = {name}.unsqueeze(1)"
    if expected[1] == 1:
        return fix, None
    return f"{fix}.expand(-1, {expected[1]}, -1).contiguous()", "All sequences then start from the same state."


def _mistakes(state: StateMismatch) -> list[Problem]:
    expected, got, name = state.expected, state.got, state.tensor
    if len(got) != len(expected):
        return [_wrong_ndim(state)]
    wrong, batched = state.wrong, len(expected) == 3
    if batched and wrong == (0, 1) and got[:2] == (expected[1], expected[0]):
        message = (
            f"{name} is laid out batch first, {shape_text(got)}. A state is always "
            f"(D*num_layers, N, H) = {shape_text(expected)}, whatever batch_first says."
        )
        return [state.problem("batch_first_mismatch", message, fix=f"{name} = {name}.transpose(0, 1).contiguous()")]
    if batched and wrong == (0, 1) and _is_scattered(expected, got):
        return [_scattered(state)]
    if _is_split(state):
        return [_split(state)]
    problems: list[Problem] = []
    for dim in wrong:
        if dim == 0:
            problems.append(_wrong_rows(state))
        elif dim == len(expected) - 1:
            problems.append(_wrong_width(state))
        else:
            problems.append(_wrong_batch(state))
    if len(problems) > 1:  # a fix for one dim would leave the others wrong
        problems = [_for_all_dims(problem, zeros(name, expected)) for problem in problems]
    if batched and wrong[:2] == (0, 1) and got[0] == expected[1] > 1:
        condition = f"If {name} is (D*num_layers, N, H) as it should be"
        others = [_if(condition, replace(problem, alternatives=())) for problem in problems]
        return [one_problem([_looks_batch_first(state), *others])]
    return problems


def _for_all_dims(problem: Problem, fix: str) -> Problem:
    """A mistake in one of several wrong dims: ``fix`` mends them all at once, and so the advice for this one is left out."""
    return replace(problem, fix=fix, advice=None, alternatives=tuple(_for_all_dims(each, fix) for each in problem.alternatives))


def _if(condition: str, problem: Problem) -> Problem:
    """A problem as an alternative, which says when it holds."""
    return replace(problem, message=f"{condition}: {problem.message}")


def _wrong_ndim(state: StateMismatch) -> Problem:
    expected, got, name = state.expected, state.got, state.tensor
    missing = len(got) == len(expected) - 1
    advice: str | None = None
    lacks = ""
    if missing and got == expected[1:]:
        lacks = f" It lacks dim 0, of size {expected[0]}: one row for each direction of each layer."
        fix = f"{name} = {name}.unsqueeze(0)"
        if expected[0] != 1:
            fix += f".repeat({expected[0]}, 1, 1)"
            advice = f"All {expected[0]} rows then start from the same state."
    elif missing and got == (expected[0], expected[2]):
        lacks = " It lacks dim 1, the batch."
        fix, advice = add_batch(name, expected)
    else:
        fix = zeros(name, expected)
    message = (
        f"{name} is {len(got)}-D, {shape_text(got)}. Batched input needs a {len(expected)}-D state, "
        f"(D*num_layers, N, H) = {shape_text(expected)}.{lacks}"
    )
    return state.problem("unbatched_2d_vs_3d", message, fix=fix, advice=advice)


def _looks_batch_first(state: StateMismatch) -> Problem:
    expected, got, name = state.expected, state.got, state.tensor
    always = f"A state is always (D*num_layers, N, H) = {shape_text(expected)}, whatever batch_first says."
    if got[1] > 16:  # steps rather than layers
        return state.problem(
            "batch_first_mismatch",
            f"{name} {shape_text(got)} looks like an output (N, L, D*H_out) with the batch first. {always}",
            dim=0,
            fix="output, h_n = encoder(x)\noutput, h_n = decoder(y, h_n)",
            advice="Pass h_n on, not output.",
        )
    return state.problem(
        "batch_first_mismatch",
        f"dim 0 of {name} is {got[0]}, the batch size, so {name} looks batch first. {always}",
        dim=0,
        fix=zeros(name, expected),
        advice=f"Or transpose it, and give it {plural(expected[0], 'row')} instead of {got[1]}.",
    )


def _is_scattered(expected: Shape, got: Shape) -> bool:
    """Whether ``DataParallel`` split both on dim 0: ``expected`` lost batch, ``got`` lost rows, by the same factor."""
    return 0 < got[0] < expected[0] and expected[0] % got[0] == 0 and got[1] == expected[1] * (expected[0] // got[0])


def _scattered(state: StateMismatch) -> Problem:
    expected, got, name = state.expected, state.got, state.tensor
    return state.problem(
        "hidden_batch_mismatch",
        f"{name} has too few rows and input too few sequences, both by a factor of {expected[0] // got[0]}. DataParallel is "
        "the likely cause: it splits every argument on dim 0, and the batch of a state is dim 1.",
        fix=f"{name} = x.new_zeros({expected[0]}, x.size(0), {expected[2]})",
        advice="Make the state inside forward (x.size(0) is the batch with batch_first=True, x.size(1) without). "
        "With input (L, N, H_in), DataParallel(model, dim=1) splits both on the batch.",
    )


def _is_split(state: StateMismatch) -> bool:
    """Whether twice the rows have half the width: two directions that should be joined."""
    expected, got = state.expected, state.got
    return state.wrong == (0, len(expected) - 1) and got[0] == 2 * expected[0] and expected[-1] == 2 * got[-1]


def _split(state: StateMismatch) -> Problem:
    expected, got, name = state.expected, state.got, state.tensor
    return state.problem(
        "hidden_layers_or_directions",
        f"{name} has {got[0]} rows of {got[-1]}, and the module needs {expected[0]} of {expected[-1]}: half the rows, each "
        "twice as wide. Two directions that are joined have that shape.",
        fix=f"{name} = torch.cat([{name}[0::2], {name}[1::2]], dim=-1)",
    )


_TWICE = " A bidirectional module has twice as many."
_DEEPER = "This keeps the rows of the last layers. To use all of them, make this module as deep as the one before."


def _last_rows(name: str, rows: int) -> str:
    return f"{name} = {name}[-{rows}:].contiguous()"


def of_one_direction(problem: Problem) -> Problem:
    """The problem of a state that is known to be of a module with one direction: twice the rows are then twice the layers."""
    if problem.fix is None or problem.expected is None or _TWICE not in problem.message or ".sum(1)" not in problem.fix:
        return problem
    names = [line.partition(" = ")[0] for line in problem.fix.splitlines()]
    fix = "\n".join(_last_rows(name, int(problem.expected[0])) for name in names)
    return replace(problem, message=problem.message.replace(_TWICE, ""), fix=fix, advice=_DEEPER)


def _wrong_rows(state: StateMismatch) -> Problem:
    expected, got, name, config = state.expected, state.got, state.tensor, state.config
    want, have, rest = expected[0], got[0], got[1:]
    meaning = "num_layers * directions" if config is None else f"num_layers {config.num_layers} * directions {config.D}"
    message = f"dim 0 of {name} is {have}, and the module has {plural(want, 'row')} there ({meaning})."
    advice = None
    if have == 2 * want and (config is None or not config.bidirectional):
        message += _TWICE
        fix = f"{name} = {name}.view({want}, 2, {', '.join(map(str, rest))}).sum(1)"
        advice = "This adds the two directions. To keep both, make this module bidirectional too."
    elif have > want:
        fix, advice = _last_rows(name, want), _DEEPER
    elif have and want % have == 0:
        message += " Each direction of each layer needs a row of its own."
        fix = f"{name} = {name}.repeat({', '.join(map(str, (want // have, *(1 for _ in rest))))})"
        advice = "Several rows then start from the same state."
    else:
        message += " Each direction of each layer needs a row of its own."
        fix = zeros(name, (want, *rest))
    return state.problem("hidden_layers_or_directions", message, dim=0, fix=fix, advice=advice)


def _wrong_batch(state: StateMismatch) -> Problem:
    expected, got, name, config = state.expected, state.got, state.tensor, state.config
    want, have = expected[1], got[1]
    dim, advice = "batch_dim", ["batch_dim is 0 with batch_first=True, else 1."]
    message = f"{name} has batch size {have} (its dim 1), and input has {want}"
    if config is not None:
        dim, advice = str(batch_dim(config)), []
        message += f" (its dim {dim}, {'with batch_first=True' if config.batch_first else 'without batch_first'})"
    message += "."
    why, more = _why_other_batch(state)
    main = state.problem(
        "hidden_batch_mismatch",
        f"{message} {why}",
        dim=1,
        fix=f"{name} = x.new_zeros({expected[0]}, x.size({dim}), {expected[2]})",
        advice=" ".join([*advice, *more]) or None,
    )
    explanations = [main]
    swapped = _swapped_layout(state)
    if swapped is not None:
        explanations.insert(0 if _layout_is_likelier(state) else 1, swapped)
        if explanations[0] is swapped:
            read = "has the layout that the module reads" if config is None else f"is {layout(config)} as the module reads it"
            explanations[1] = _if(f"If input {read}", main)
    parallel = _unequal_split(state)
    return one_problem(explanations if parallel is None else [*explanations, parallel])


def _why_other_batch(state: StateMismatch) -> tuple[str, list[str]]:
    """Why a state may have another batch size, and what to do about it."""
    want, have, config, shape = state.expected[1], state.got[1], state.config, state.input
    if state.parallel:
        return "Under DataParallel each replica gets only a part of the batch.", [
            "Make the state inside forward, from the part of the batch that the replica gets."
        ]
    if shape is not None and config is not None and config.batch_first and shape[1] == have:
        return f"{have} is dim 1 of input, the time axis here.", []
    if have > want > 1:
        return "This happens if the last batch is smaller, or the state was kept from a larger batch.", [
            "Make a new state for each batch, or use DataLoader(..., drop_last=True)."
        ]
    if have == 1:
        return "The state is for one sequence, and PyTorch does not repeat it for the others.", [
            f"To start each sequence from this state, use {state.tensor}.expand(-1, {want}, -1).contiguous()."
        ]
    return "The state was made for another batch, or kept from one.", [
        "Make a new state for each batch, or leave it out: zeros are the default."
    ]


def _unequal_split(state: StateMismatch) -> Problem | None:
    """``DataParallel`` as an explanation where one batch size is a multiple of the other."""
    want, have = state.expected[1], state.got[1]
    smaller, larger = min(want, have), max(want, have)
    if state.parallel or smaller < 2 or larger % smaller or larger // smaller > 16:
        return None
    what = "input, and not the state," if have > want else "the state, and not input,"
    return state.problem(
        "hidden_batch_mismatch",
        f"If the model is wrapped in DataParallel: it split {what} over {larger // smaller} devices.",
        dim=1,
        advice="Make the state inside forward, from the part of the batch that the replica gets.",
    )


def _layout_is_likelier(state: StateMismatch) -> bool:
    """Whether a mixed-up ``batch_first`` is likelier than a state of another batch size."""
    config, shape = state.config, state.input
    if config is not None and shape is not None:
        return not config.batch_first and shape[0] == state.got[1]
    return state.expected[1] == 1 and state.got[1] > 1 and not state.parallel


def _swapped_layout(state: StateMismatch) -> Problem | None:
    """A mixed-up ``batch_first`` as the explanation of another batch size."""
    want, have, config, shape = state.expected[1], state.got[1], state.config, state.input
    if config is None or shape is None:
        return state.problem(
            "batch_first_mismatch",
            f"If {want} is your sequence length and {have} your batch size: batch_first and the layout of input disagree. "
            "PyTorch reads the batch off dim 1 of input, or off dim 0 with batch_first=True; the state is "
            "(D*num_layers, N, H) either way.",
            dim=1,
            fix="x = x.transpose(0, 1)",
            advice="Or change batch_first: True for input (N, L, H_in), False for (L, N, H_in).",
        )
    other = 1 - batch_dim(config)
    if shape[other] != have or have == want:
        return None
    turned = replace(config, batch_first=not config.batch_first)
    with_or_without = "with" if config.batch_first else "without"
    return state.problem(
        "batch_first_mismatch",
        f"If input is {layout(turned)}: the state's batch {have} is dim {other} of input {shape_text(shape)}, but "
        f"{with_or_without} batch_first=True PyTorch takes dim {1 - other}, of size {want}, as the batch.",
        dim=1,
        fix=format_constructor(turned),
        advice="Or turn input: x = x.transpose(0, 1). The states stay (D*num_layers, N, H).",
    )


def _wrong_width(state: StateMismatch) -> Problem:
    expected, got, name, config = state.expected, state.got, state.tensor, state.config
    want, have = expected[-1], got[-1]
    argument = "proj_size" if config is not None and config.proj_size and name == "h_0" else "hidden_size"
    message = f"The last dim of {name} is {have}, and the module's {argument} is {want}."
    fix = zeros(name, (*got[:-1], want))
    buildable = have > 0
    if config is not None and argument == "proj_size":
        buildable = 0 < have < config.hidden_size
    elif config is not None:
        buildable = have > config.proj_size
    advice = f"Or build the module with {argument}={have}." if buildable else None
    if config is not None and config.proj_size and have in (config.hidden_size, config.proj_size):
        message += " With proj_size, h_0 has proj_size features and c_0 has hidden_size."
        advice = None
    elif have == 2 * want:
        message += " Two directions that are joined have twice as many features."
        fix = f"{name} = nn.Linear({have}, {want})({name})"
        advice = f"Or build this module with hidden_size={have}, or keep the directions apart as rows."
    elif want == 2 * have:
        message += " One direction of a bidirectional module has half as many features."
    return state.problem("hidden_size_vs_proj", message, dim=len(expected) - 1, fix=fix, advice=advice)
