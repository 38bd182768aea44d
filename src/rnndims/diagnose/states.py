"""Why a state has the wrong shape: expected and got, compared dim by dim, as problems in order of likelihood."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..config import RNNConfig
from ..shapes import Shape
from .problem import Cause, Problem

Make = Callable[[Cause, int | None, str, str], Problem]
"""Makes the problem at hand from its cause, dim, message and fix."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known around a wrong state.

    Attributes:
        config: the module.
        input: shape of the input as the module sees it, 3-D.
        parallel: whether the text says that the module is wrapped in ``DataParallel``.
    """

    config: RNNConfig | None = None
    input: Shape | None = None
    parallel: bool = False


def state_problems(tensor: str, expected: Shape, got: Shape, phrase: str, seen: Seen) -> list[Problem]:
    """The likely causes of ``Expected hidden[0] size {expected}, got {got}``, most likely first.

    Args:
        tensor: ``h_0`` or ``c_0``.
        expected: (D*num_layers, N, H).
        got: what was given instead.
        phrase: PyTorch's own words, quoted in the message.
        seen: what else is known.
    """

    def problem(cause: Cause, dim: int | None, message: str, fix: str) -> Problem:
        return Problem(tensor, dim, expected, got, cause, message, fix)

    found = _causes(tensor, expected, got, problem, seen)
    if phrase:
        found[0] = replace(found[0], message=f'{found[0].message} (torch: "{phrase}")')
    return found


def _causes(tensor: str, expected: Shape, got: Shape, problem: Make, seen: Seen) -> list[Problem]:
    if len(got) != len(expected):
        return _wrong_ndim(tensor, expected, got, problem)
    wrong = [dim for dim in range(len(expected)) if expected[dim] != got[dim]]
    if wrong == [0, 1] and got[:2] == (expected[1], expected[0]):
        return [
            problem(
                "batch_first_mismatch",
                None,
                f"{tensor} is laid out batch first {_show(got)}; a state is (D*num_layers, N, H) = {_show(expected)} "
                "whatever batch_first says",
                f"{tensor} = {tensor}.transpose(0, 1).contiguous()",
            )
        ]
    if wrong[:2] == [0, 1] and len(wrong) == 2 and _is_scattered(expected, got):
        return [_scattered(tensor, expected, got, problem)]
    found: list[Problem] = []
    for dim in wrong:
        if dim == 0:
            found += _wrong_rows(tensor, expected, got, problem, seen)
        elif dim == 1:
            found += _wrong_batch(tensor, expected, got, problem, seen)
        else:
            found += _wrong_width(tensor, expected, got, problem, seen)
    if wrong[:2] == [0, 1] and got[0] == expected[1] > 1:
        message = f"dim 0 of {tensor} is {got[0]}, which is the batch size: it looks batch first, but a state is "
        message += f"(D*num_layers, N, H) = {_show(expected)} whatever batch_first says"
        fix = f"{tensor} = {tensor}.transpose(0, 1).contiguous()"
        if got[1] > 16:  # steps rather than layers
            message = f"{tensor} looks like an output (N, L, D*H_out) with batch first, not like a state (D*num_layers, N, H)"
            fix = "output, h_n = encoder(x); decoder(y, h_n)  # h_n, not output"
        found = [problem("batch_first_mismatch", 0, message, fix), *(p for p in found if p.cause != "batch_first_mismatch")]
    return found


def _wrong_ndim(tensor: str, expected: Shape, got: Shape, problem: Make) -> list[Problem]:
    missing = len(got) == len(expected) - 1
    if missing and got == expected[1:] and expected[0] != 1:
        fix = f"{tensor} = {tensor}.unsqueeze(0).repeat({expected[0]}, 1, 1)  # the same start for each of {expected[0]} rows"
    elif missing and got == expected[1:]:
        fix = f"{tensor} = {tensor}.unsqueeze(0)"
    elif missing and got == (expected[0], expected[2]):
        fix = f"{tensor} = {tensor}.unsqueeze(1)"
    else:
        fix = f"{tensor} = torch.zeros{_show(expected)}"
    found = [
        problem(
            "unbatched_2d_vs_3d",
            None,
            f"{tensor} is {len(got)}-D {_show(got)}, batched input needs the {len(expected)}-D "
            f"(D*num_layers, N, H) = {_show(expected)}",
            fix,
        )
    ]
    if missing and got == expected[1:]:
        found.append(
            problem(
                "hidden_layers_or_directions",
                0,
                f"{tensor} has no dim for layers and directions in front: it should have {expected[0]} there",
                fix,
            )
        )
    return found


def _is_scattered(expected: Shape, got: Shape) -> bool:
    """Whether ``DataParallel`` split both on dim 0: ``expected`` lost batch, ``got`` lost rows, by the same factor."""
    return 0 < got[0] < expected[0] and expected[0] % got[0] == 0 and got[1] == expected[1] * (expected[0] // got[0])


def _scattered(tensor: str, expected: Shape, got: Shape, problem: Make) -> Problem:
    gpus = expected[0] // got[0]
    return problem(
        "hidden_batch_mismatch",
        None,
        f"{tensor} lost layers and input lost batch by the same factor {gpus}: DataParallel splits every argument on dim 0, "
        f"but the batch of a state is dim 1; expected {_show(expected)}, got {_show(got)}",
        f"Make the state inside forward: {tensor} = x.new_zeros({expected[0]}, x.size(0), {expected[2]})  "
        "# or DataParallel(model, dim=1)",
    )


def _wrong_rows(tensor: str, expected: Shape, got: Shape, problem: Make, seen: Seen) -> list[Problem]:
    want, have = expected[0], got[0]
    config = seen.config
    meaning = f"num_layers {config.num_layers} * directions {config.D}" if config is not None else "num_layers * directions"
    if have == 2 * want:
        why = f"twice as many: it comes from a bidirectional module, this one has {want}"
        fix = (
            f"{tensor} = {tensor}.view({want}, 2, {got[1]}, {got[2]}).sum(1)  # join the directions, or bidirectional=True here"
        )
    elif have > want:
        why = "too many"
        fix = f"{tensor} = {tensor}[-{want}:].contiguous()  # the last layer's rows, or set num_layers={have}"
    elif have and want % have == 0:
        why = "too few: each layer needs a row of its own, and each direction of a bidirectional one"
        fix = f"{tensor} = {tensor}.repeat({want // have}, 1, 1)  # the same start for all; or num_layers as there"
    else:
        why = "too few: one row for each direction of each layer"
        fix = f"{tensor} = torch.zeros{_show((want, *got[1:]))}"
    return [
        problem(
            "hidden_layers_or_directions",
            0,
            f"dim 0 of {tensor} is {have}, the module has {want} = {meaning} rows: {why}",
            fix,
        )
    ]


def _wrong_batch(tensor: str, expected: Shape, got: Shape, problem: Make, seen: Seen) -> list[Problem]:
    want, have = expected[1], got[1]
    config, shape = seen.config, seen.input
    layout = _batch_first(want, have, problem, seen)
    reason = f"dim 1 of {tensor} is {have}, but input has batch size {want}"
    batch_dim, remarks = "batch_dim", ["batch_dim is 0 with batch_first=True, else 1"]
    if config is not None:
        batch_dim, remarks = ("0" if config.batch_first else "1"), []
        reason += f" (its dim {batch_dim} {'with batch_first=True' if config.batch_first else 'without batch_first'})"
    fix = f"{tensor} = x.new_zeros({expected[0]}, x.size({batch_dim}), {expected[2]})"
    if seen.parallel:
        why = "under DataParallel each replica gets a part of the batch"
        remarks.append("inside forward, from the batch that the replica is given")
    elif shape is not None and config is not None and config.batch_first and shape[1] == have:
        why = f"{have} is input's dim 1, the time axis here"
    elif have > want > 1:
        why = "a smaller last batch, or a state kept from a larger one"
        remarks.append("anew for each batch; or DataLoader(..., drop_last=True)")
        if have % want == 0 and have // want <= 16:
            why += f"; or DataParallel, which splits {have} over {have // want} devices"
    elif have == 1:
        why = "the state was made for one sequence; PyTorch never broadcasts it"
        remarks.append(f"or {tensor}.expand(-1, {want}, -1).contiguous()")
    else:
        why = "the state was made for, or kept from, another batch"
        remarks.append("anew for each batch, or leave the state out: zeros are the default")
        if have and want % have == 0 and 1 < want // have <= 16 and have > 1:
            why += f"; or DataParallel, which split it {want // have} ways while input was not split on its batch dim"
    if remarks:
        fix += "  # " + "; ".join(remarks)
    main = problem("hidden_batch_mismatch", 1, f"{reason}: {why}", fix)
    if layout is None:
        return [main]
    first = _layout_first(want, have, seen)
    return [layout, main] if first else [main, layout]


def _layout_first(want: int, have: int, seen: Seen) -> bool:
    """Whether a mixed-up ``batch_first`` is likelier than a state of another batch size."""
    config, shape = seen.config, seen.input
    if config is not None and shape is not None:
        return not config.batch_first and shape[0] == have
    return want == 1 and have > 1 and not seen.parallel


def _batch_first(want: int, have: int, problem: Make, seen: Seen) -> Problem | None:
    config, shape = seen.config, seen.input
    if config is None or shape is None:
        return problem(
            "batch_first_mismatch",
            1,
            f"if {want} is your sequence length and {have} your batch size, batch_first and the layout of input disagree: "
            f"PyTorch reads the batch off dim 1 of input, or off dim 0 with batch_first=True; the state stays "
            f"(D*num_layers, N, H) either way",
            "Set batch_first=True for input (N, L, H_in), False for (L, N, H_in); or x = x.transpose(0, 1)",
        )
    other = 1 if config.batch_first else 0
    if shape[other] != have or have == want:
        return None
    if config.batch_first:
        return problem(
            "batch_first_mismatch",
            1,
            f"the state says batch {have}, which is dim 1 of input {_show(shape)}: with batch_first=True "
            f"PyTorch takes dim 0, {want}, as the batch",
            "Drop batch_first=True if input is (L, N, H_in), or x = x.transpose(0, 1)",
        )
    return problem(
        "batch_first_mismatch",
        1,
        f"the state says batch {have}, which is dim 0 of input {_show(shape)}: without batch_first=True "
        f"PyTorch takes dim 1, {want}, as the batch",
        "Set batch_first=True: input is (N, L, H_in). The states stay (D*num_layers, N, H).",
    )


def _wrong_width(tensor: str, expected: Shape, got: Shape, problem: Make, seen: Seen) -> list[Problem]:
    want, have = expected[2], got[2]
    config = seen.config
    name = "hidden_size"
    if config is not None and config.proj_size:
        name = "proj_size" if tensor == "h_0" else "hidden_size"
    why = ""
    fix = f"{tensor} = torch.zeros{_show((*got[:2], want))}  # or set {name}={have}"
    if config is not None and config.proj_size and have in (config.hidden_size, config.proj_size):
        why = ": with proj_size, h_0 has proj_size features and c_0 has hidden_size"
        fix = f"{tensor} = torch.zeros{_show((*got[:2], want))}"
    elif have == 2 * want:
        why = ": twice as many, like two directions joined"
        fix = (
            f"Set hidden_size={have} here, or project it: {tensor} = nn.Linear({have}, {want})({tensor})  "
            "# or keep the directions apart as rows"
        )
    elif want == 2 * have:
        why = ": half as many, like one direction of a bidirectional module"
        fix = f"Join the directions: {tensor} = torch.cat([{tensor}[0::2], {tensor}[1::2]], dim=2)  # or set {name}={have}"
    return [
        problem("hidden_size_vs_proj", 2, f"last dim of {tensor} is {have}, the module's {name} is {want}{why}", fix),
    ]


def _show(shape: Shape) -> str:
    return str(tuple(shape))
