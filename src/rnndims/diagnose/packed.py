"""A packed batch: ``pack_padded_sequence`` first, then the module, which checks less (``nn.LSTM`` nothing at all)."""

from dataclasses import replace
from itertools import pairwise

from ..config import RNNConfig
from ..shapes import Shape
from .inputs import dtype_problems, feature_problems
from .layers import expected_state, state_kind
from .problem import Cause, Observed, Problem
from .states import Seen, state_problems


def packed_problems(config: RNNConfig, seen: Observed) -> list[Problem]:
    """Everything that packing ``input`` by ``lengths`` and calling the module fails at, the first complaint first.

    ``nn.LSTM`` given a ``PackedSequence`` skips its shape checks. Where the C++ code below then accepts by chance, reads
    memory that is not its own or crashes, the answer is that it does not fit.
    """
    found = _packing(config, seen)
    if found:
        return found
    shape, lengths = seen.input, seen.lengths or ()
    if shape is None:
        return []
    found = state_kind(config, seen)
    if found:
        return found
    found = [] if seen.is_sorted else _permuting(config, seen)
    if len(shape) != 3:
        found.append(_data_ndim(config, shape))
        return found
    checks = dtype_problems(seen) + feature_problems(config, shape)
    if config.cell == "lstm":
        checks = [_raw(problem) for problem in checks]
    found += checks
    batch = len(lengths)
    for name, given in (("h_0", seen.h_0), ("c_0", seen.c_0)):
        if given is None or any(problem.tensor == name for problem in found):
            continue
        # index_select took the batch it needs, whatever more there was
        got = given if seen.is_sorted else (given[0], batch, *given[2:])
        expected = expected_state(config, (1, batch, 1) if not config.batch_first else (batch, 1, 1), name)
        if got != expected and not _is_ignored(config, seen, name, expected, got):
            around = Seen(config, (shape[1], shape[0], shape[2]) if config.batch_first else shape)
            found += state_problems(name, expected, got, _phrase(config, expected, got), replace(around, config=config))
    return found


def _packing(config: RNNConfig, seen: Observed) -> list[Problem]:
    shape, lengths = seen.input, seen.lengths or ()

    def problem(cause: Cause, message: str, torch: str, fix: str, tensor: str = "lengths") -> list[Problem]:
        is_input = tensor == "input"
        return [Problem(tensor, None, None, shape if is_input else lengths, cause, f'{message} (torch: "{torch}")', fix)]

    if shape is not None and len(shape) < 2:
        return problem(
            "input_ndim",
            f"input is {len(shape)}-D; a padded batch is (L, N, H_in) or (N, L, H_in)",
            "Dimension out of range (expected to be in range of [-1, 0], but got 1)",
            "x = pad_sequence(sequences, batch_first=True)",
            "input",
        )
    if seen.enforce_sorted and any(a < b for a, b in pairwise(lengths)):
        unsorted = problem(
            "packed_lengths",
            "lengths are not in decreasing order",
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True",
            "pack_padded_sequence(x, lengths, enforce_sorted=False)",
        )
    else:
        unsorted = []
    if not lengths or (shape is not None and 0 in shape):
        message = "there is nothing to pack: " + ("no lengths" if not lengths else f"input {shape} has no elements")
        return problem("packed_lengths", message, "Cannot pack empty tensors.", "Skip empty batches.")
    batch_dim = 0 if config.batch_first else 1
    if shape is not None and len(lengths) != shape[batch_dim] and (seen.is_sorted or len(lengths) > shape[batch_dim]):
        return _wrong_count(config, shape, lengths)
    if min(lengths) < 1:
        return problem(
            "packed_lengths",
            f"length {min(lengths)}: every sequence needs at least one step",
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
            "Drop the empty sequences, or keep = lengths > 0; x = x[:, keep]; lengths = lengths[keep]"
            if not config.batch_first
            else "Drop the empty sequences, or keep = lengths > 0; x = x[keep]; lengths = lengths[keep]",
        )
    if unsorted:
        return unsorted
    if shape is not None and max(lengths) > shape[1 - batch_dim]:
        return problem(
            "packed_lengths",
            f"the longest length is {max(lengths)}, but input has {shape[1 - batch_dim]} steps (its dim {1 - batch_dim})",
            "start (...) + length (1) exceeds dimension size (...)",
            f"lengths = lengths.clamp(max=x.size({1 - batch_dim}))  # or pad x to {max(lengths)} steps",
        )
    return []


def _wrong_count(config: RNNConfig, shape: Shape, lengths: tuple[int, ...]) -> list[Problem]:
    batch_dim, count = (0 if config.batch_first else 1), len(lengths)
    batch, time = shape[batch_dim], 1 - batch_dim
    torch = f"Expected `len(lengths)` to be equal to batch_size, but got {count} (batch_size={batch})"
    if len(shape) > 2 and shape[1 - batch_dim] == count:
        word = "with" if config.batch_first else "without"
        fix = "Drop batch_first=True" if config.batch_first else "Set batch_first=True, in pack_padded_sequence too"
        layout = Problem(
            "lengths",
            0,
            (batch,),
            (count,),
            "batch_first_mismatch",
            f"{count} is dim {time} of input {shape}: {word} batch_first=True the batch is dim {batch_dim}, {batch}",
            f"{fix}: input is {'(L, N, H_in)' if config.batch_first else '(N, L, H_in)'}.",
        )
    else:
        layout = None
    message = f'{count} lengths for {batch} sequences (dim {batch_dim} of input): there is one for each (torch: "{torch}")'
    main = Problem(
        "lengths",
        0,
        (batch,),
        (count,),
        "packed_lengths",
        message,
        "lengths = [len(s) for s in sequences]  # one for each row of x",
    )
    return [main] if layout is None else [main, layout]


def _permuting(config: RNNConfig, seen: Observed) -> list[Problem]:
    """States that ``index_select`` cannot sort along their batch dim."""
    found, batch = [], len(seen.lengths or ())
    for name, got in (("h_0", seen.h_0), ("c_0", seen.c_0)):
        if got is None:
            continue
        if len(got) < 2:
            message = f'{name} is {len(got)}-D, it should be (D*num_layers, N, H) (torch: "Dimension out of range")'
            found.append(Problem(name, None, None, got, "unbatched_2d_vs_3d", message, f"{name} = torch.zeros(...)  # 3-D"))
        elif got[1] < batch:
            expected = (config.D * config.num_layers, batch, config.hidden_size if name == "c_0" else config.H_out)
            phrase = f"INDICES element is out of DATA bounds, id={batch - 1} axis_dim={got[1]}"
            found += state_problems(
                name, (*got[:1], batch, *got[2:]) if len(got) == 3 else expected, got, phrase, Seen(config)
            )[:1]
    return found


def _data_ndim(config: RNNConfig, shape: Shape) -> Problem:
    torch = f"input must have 2 dimensions, got {len(shape) - 1}"
    if config.cell == "lstm":
        torch = "an error of broadcasting, because nn.LSTM does not check packed input"
    layout = "(N, L, H_in)" if config.batch_first else "(L, N, H_in)"
    fix = "x = x.unsqueeze(-1)  # one number a step" if len(shape) == 2 else "x = x.flatten(2)"
    message = f'input is {len(shape)}-D, a padded batch is {layout} (torch: "{torch}")'
    return Problem("input", None, None, shape, "input_ndim", message, fix)


def _raw(problem: Problem) -> Problem:
    """The same problem with the words of the C++ code, since ``nn.LSTM`` does not check a packed input."""
    phrase = "mat1 and mat2 shapes cannot be multiplied"
    if problem.cause == "dtype_mismatch":
        phrase = "mat1 and mat2 must have the same dtype"
    head = problem.message.partition(" (torch: ")[0]
    note = "nn.LSTM does not check packed input"
    return replace(problem, message=f'{head}; {note} (torch: "{phrase}")')


def _phrase(config: RNNConfig, expected: Shape, got: Shape) -> str:
    if config.cell != "lstm":
        return f"Expected hidden size {expected}, got {list(got)}"
    if len(got) != 3:
        return "Dimension out of range"
    if got[2] != expected[2]:
        return "mat1 and mat2 shapes cannot be multiplied, or got an incorrect number of RNN parameters"
    if got[0] != expected[0]:
        return "Expected more hidden states in stacked_rnn, or a crash"
    return "The size of tensor a must match the size of tensor b, or a crash"


def _is_ignored(config: RNNConfig, seen: Observed, name: str, expected: Shape, got: Shape) -> bool:
    """A wrong ``c_0`` that the C++ code never looks at closely: more rows, or a size of 1 that broadcasts."""
    lengths = seen.lengths or ()
    if config.cell != "lstm" or name != "c_0" or len(got) != 3 or min(lengths) == max(lengths):
        return False
    batch_fits = got[1] == expected[1] or (got[1] == 1 and not config.bidirectional)
    width_fits = got[2] == expected[2] or (got[2] == 1 and config.proj_size > 1)
    return got[0] >= expected[0] and batch_fits and width_fits


def packed_notes(config: RNNConfig, seen: Observed) -> list[str]:
    """What a packed batch loses in silence."""
    shape, lengths = seen.input, seen.lengths or ()
    if shape is None or len(shape) != 3:
        return []
    notes, batch = [], len(lengths)
    there = shape[0 if config.batch_first else 1]
    if batch < there:
        notes.append(f"{batch} lengths for {there} sequences: enforce_sorted=False drops the other {there - batch} in silence")
    for name, got in (("h_0", seen.h_0), ("c_0", seen.c_0)):
        if got is None or len(got) != 3:
            continue
        expected = (config.D * config.num_layers, batch, config.hidden_size if name == "c_0" else config.H_out)
        if got != expected:
            notes.append(f"{name} is {got}, it should be {expected}: packed, PyTorch does not check it and uses a part of it")
    if not seen.is_sorted and seen.enforce_sorted is None:
        notes.append("lengths are not in decreasing order: pack_padded_sequence needs enforce_sorted=False")
    return notes
