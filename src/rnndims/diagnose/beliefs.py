"""What the user believes comes out, and how he uses it: wrong beliefs are problems, silent failures are notes."""

from ..config import DataConfig, RNNConfig
from ..shapes import Shape, tensors
from .problem import Cause, Observed, Problem
from .use_notes import use_notes
from .uses import Use, read_use


def belief_problems(config: RNNConfig, seen: Observed) -> list[Problem]:
    """The believed shapes of ``output``, ``h_n``, ``c_n`` and the ``in_features`` after them, against what comes out."""
    found: list[Problem] = []
    real = results(config, seen)
    believed = {"output": seen.output, "h_n": seen.h_n, "c_n": seen.c_n}
    for name, got in believed.items():
        if got is None:
            continue
        expected = real.get("h_1" if config.is_cell and name != "c_n" else "c_1" if config.is_cell else name)
        if name == "c_n" and config.cell != "lstm":
            message = f"nn.{config.class_name} returns no cell state"
            found.append(Problem(name, None, None, got, "lstm_tuple_expected", message, f"output, h_n = {config.cell}(x)"))
        elif expected is not None and got != expected and _silent(config, seen, name, expected, got) is None:
            found.append(_wrong_belief(config, name, expected, got))
    problem = None if seen.linear is None else _linear(config, seen, seen.linear, real)
    return found if problem is None else [*found, problem]


def results(config: RNNConfig, seen: Observed) -> dict[str, Shape]:
    """Shape of everything that comes out, by name; empty where no input is given."""
    shape = seen.input
    if shape is None or 0 in shape[:-1]:
        return {}
    if config.is_cell:
        data = DataConfig(batch_size=shape[0]) if len(shape) == 2 else DataConfig(unbatched=True)
    elif len(shape) == 2:
        data = DataConfig(seq_len=shape[0], unbatched=True)
    else:
        batch_dim = 0 if config.batch_first else 1
        lengths = seen.lengths
        data = DataConfig(shape[1 - batch_dim], len(lengths) if lengths else shape[batch_dim], lengths=lengths)
    return {name: tensor.shape for name, tensor in tensors(config, data).items()}


def _silent(config: RNNConfig, seen: Observed, name: str, expected: Shape, got: Shape) -> str | None:
    """The note for a wrong belief about a state that explains itself: PyTorch would run and return the other shape."""
    if name == "output" or len(got) != 3 or len(expected) != 3 or config.is_cell:
        return None
    rows, batch, width = expected
    if got == (batch, rows, width) and batch != rows:
        return (
            f"{name} is {expected}, not batch first {got}: batch_first never touches the states. "
            f"Use {name}.transpose(0, 1) for (N, D*num_layers, H), never {name}.view({batch}, {rows}, {width}), "
            "which mixes the sequences"
        )
    shape = seen.input
    other = 1 if config.batch_first else 0
    if shape is not None and got == (rows, shape[other], width):
        return f"{name} is {expected}, you expect batch {shape[other]}, which is dim {other} of input {shape}: " + (
            "with batch_first=True PyTorch takes dim 0 as the batch; drop it if input is (L, N, H_in)"
            if config.batch_first
            else "without batch_first=True PyTorch takes dim 1 as the batch and runs over dim 0 as time, in silence; "
            "set batch_first=True if input is (N, L, H_in)"
        )
    return None


def _wrong_belief(config: RNNConfig, name: str, expected: Shape, got: Shape) -> Problem:
    def problem(cause: Cause, dim: int | None, why: str, fix: str) -> Problem:
        return Problem(name, dim, expected, got, cause, f"{name} comes out as {expected}, not {got}: {why}", fix)

    if len(expected) != len(got):
        why = f"it is {len(expected)}-D, as input is" if name == "output" else "rows of layers and directions come first"
        return problem("unbatched_2d_vs_3d", None, why, f"Expect {expected}.")
    wrong = [dim for dim in range(len(got)) if got[dim] != expected[dim]]
    last = len(got) - 1
    if wrong == [0, 1] and got[:2] == (expected[1], expected[0]) and name == "output":
        layout = "(N, L, D*H_out)" if config.batch_first else "(L, N, D*H_out)"
        return problem(
            "batch_first_mismatch",
            None,
            f"its layout is that of input, {layout}",
            "output.transpose(0, 1)  # or change batch_first, and the layout of input with it",
        )
    if wrong[0] == last:
        if name == "output" and config.bidirectional and got[last] * 2 == expected[last]:
            why = f"a bidirectional module joins both directions: D*H_out = 2*{config.H_out}"
            return problem("bidirectional_linear_mismatch", last, why, f"Expect {expected[last]} features after it.")
        if name == "output" and not config.bidirectional and got[last] == expected[last] * 2:
            why = "the module has one direction"
            return problem("bidirectional_linear_mismatch", last, why, "Set bidirectional=True, or expect half the features.")
        width = "proj_size" if config.proj_size and not name.startswith("c") else "hidden_size"
        times = "2*" if name == "output" and config.bidirectional else ""
        return problem(
            "hidden_size_vs_proj", last, f"its last dim is {times}{width} = {expected[last]}", f"Expect {expected[last]}."
        )
    if name == "output":
        return problem(
            "other", wrong[0], "its leading dims are those of input (with lengths, the longest length)", f"Expect {expected}."
        )
    if wrong[0] == 0 and not config.is_cell:
        why = f"dim 0 is num_layers {config.num_layers} * directions {config.D}, whatever the batch is"
        return problem("hidden_layers_or_directions", 0, why, f"Expect {expected}.")
    return problem("hidden_batch_mismatch", wrong[0], f"the batch is {expected[wrong[0]]}", f"Expect {expected}.")


def _linear(config: RNNConfig, seen: Observed, features: int, real: dict[str, Shape]) -> Problem | None:
    """An ``nn.Linear`` after the module whose ``in_features`` is not the width of what it is given."""
    what, width = "output", (1 if config.is_cell else config.D) * config.H_out
    for use in (read_use(text, config, real) for text in seen.uses):
        if use.shape:
            what, width = use.text, use.shape[-1]
    if config.is_cell and what == "output":
        what = "h_1"
    if width == features:
        return None
    both = what == "output" or what.startswith("output[")
    if config.bidirectional and width == 2 * features and both:
        cause: Cause = "bidirectional_linear_mismatch"
        why = f": a bidirectional module joins both directions, D*H_out = 2*{config.H_out}"
    elif not config.bidirectional and features == 2 * width:
        cause, why = "bidirectional_linear_mismatch", ": the module has one direction only"
    elif features == 2 * width and not both:
        cause = "bidirectional_linear_mismatch"
        why = f": {what} has one direction; torch.cat([h_n[-2], h_n[-1]], dim=-1) has both"
    elif config.proj_size and features == config.D * config.hidden_size:
        cause, why = "hidden_size_vs_proj", f": with proj_size={config.proj_size} the width is proj_size, not hidden_size"
    else:
        cause, why = "other", ""
    fix = f"nn.Linear({width}, ...)"
    if cause == "bidirectional_linear_mismatch" and config.bidirectional:
        fix = f"nn.Linear({width}, ...)  # 2 * hidden_size" if both else f"nn.Linear({width}, ...)"
    shape = real.get("output", ())
    if what == "output" and len(shape) == 3 and features == shape[0 if not config.batch_first else 1] * shape[2]:
        fix = f"{fix}  # or flatten first, which ties it to {shape[0 if not config.batch_first else 1]} steps"
    message = f"the last dim of {what} is {width}, in_features is {features}{why}"
    return Problem(
        "linear", None, (width,), (features,), cause, f'{message} (torch: "mat1 and mat2 shapes cannot be multiplied")', fix
    )


def belief_notes(config: RNNConfig, seen: Observed, *, fits: bool) -> list[str]:
    """What runs and gives the wrong numbers; ``fits`` says that there are no problems."""
    notes = []
    if config.dropout and config.num_layers == 1 and not config.is_cell:
        notes.append(
            f"dropout={config.dropout} has no effect with one layer: it acts between layers "
            '(torch warns: "dropout option adds dropout after all but last recurrent layer")'
        )
    shape = seen.input
    if shape is not None and len(shape) == 2 and not config.is_cell and seen.lengths is None:
        first = " and batch_first has no effect" if config.batch_first else ""
        notes.append(
            f"2-D input {shape} is taken as one sequence (L, H_in) of {shape[0]} steps, unbatched{first}; "
            f"if it is a batch, add the missing dim: x.unsqueeze({1 if config.batch_first else 0})"
        )
    if fits:
        real = results(config, seen)
        for name, got in (("h_n", seen.h_n), ("c_n", seen.c_n)):
            note = _silent(config, seen, name, real[name], got) if got is not None and name in real else None
            if note:
                notes.append(note)
        notes += _square(config, seen, real)
        for text in seen.uses:
            use: Use = read_use(text, config, real)
            notes += use_notes(use, config, seen.lengths)
    return notes


def _square(config: RNNConfig, seen: Observed, real: dict[str, Shape]) -> list[str]:
    """A batch as long as the sequences: nothing in the shapes tells the two axes apart."""
    shape = seen.input
    if shape is None or len(shape) != 3 or shape[0] != shape[1] or shape[0] < 2 or config.is_cell or "output" not in real:
        return []
    axes = "(N, L, H_in)" if config.batch_first else "(L, N, H_in)"
    return [f"batch and sequence length are both {shape[0]}: a wrong batch_first would not be noticed; input is read as {axes}"]
