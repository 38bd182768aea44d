"""``nn.RNN``, ``LSTM`` and ``GRU`` given a tensor: what PyTorch would complain about, in its order of complaints."""

from dataclasses import replace

from ..config import RNNConfig
from ..shapes import Shape
from .inputs import dtype_problems, feature_problems, input_ndim
from .problem import Observed, Problem
from .states import Seen, state_problems


def layer_problems(config: RNNConfig, seen: Observed) -> list[Problem]:
    """Everything that ``module(input, h_0)`` or ``module(input, (h_0, c_0))`` fails at, the first complaint first.

    The order is that of ``forward``: number of dims of input, kind and number of dims of the states, dtype, features,
    sizes of ``h_0``, then of ``c_0``, and the sequence length last. What cannot be judged after a failure is left out.
    """
    shape = seen.input
    if shape is not None and len(shape) not in (2, 3):
        return [input_ndim(config, shape)]
    found = state_kind(config, seen)
    if found and _is_stacked(config, seen):  # hx[0] and hx[1] exist and have the right number of dims
        return dtype_problems(seen) + feature_problems(config, shape) + found
    if found:
        return found
    ndim = _ndim(seen)
    found = _state_ndim(config, seen, ndim)
    if found:
        return found
    found = dtype_problems(seen) + feature_problems(config, shape)
    if ndim is not None:
        found += _state_sizes(config, seen, ndim)
    if shape is not None and shape[_time_dim(config, shape)] == 0:
        found.append(
            Problem(
                "input",
                _time_dim(config, shape),
                None,
                shape,
                "other",
                'input has no time steps (torch: "Expected sequence length to be larger than 0 in RNN")',
                "Skip empty sequences, or check which dim of input is the time axis.",
            )
        )
    return found


def _time_dim(config: RNNConfig, shape: Shape) -> int:
    return 1 if config.batch_first and len(shape) == 3 else 0


def _ndim(seen: Observed) -> int | None:
    """Number of dims of the call: that of input, or of the states where no input is given."""
    if seen.input is not None:
        return len(seen.input)
    for state in (seen.h_0, seen.c_0):
        if state is not None and len(state) in (2, 3):
            return len(state)
    return None


def state_kind(config: RNNConfig, seen: Observed) -> list[Problem]:
    """A bare tensor where an LSTM wants the tuple ``(h_0, c_0)``, or a tuple where the others want a tensor."""
    if config.cell == "lstm":
        if (seen.h_0 is None) == (seen.c_0 is None):
            return []
        shape, missing = (seen.h_0, "c_0") if seen.c_0 is None else (seen.c_0, "h_0")
        if seen.c_0 is None:
            torch = _bare_tensor_complaint(config, seen)
            message = f'nn.{config.class_name} takes its state as a tuple (h_0, c_0), it got h_0 alone (torch: "{torch}")'
        else:
            message = (
                f"nn.{config.class_name} takes its state as a tuple (h_0, c_0), c_0 was given without h_0 "
                "(torch: \"'NoneType' object has no attribute 'dim'\")"
            )
        given = "h_0" if seen.c_0 is None else "c_0"
        other = f"torch.zeros_like({given})" if not config.proj_size else f"torch.zeros(<the shape of {missing}>)"
        pair = f"(h_0, {other})" if seen.c_0 is None else f"({other}, c_0)"
        fix = f"output, (h_n, c_n) = lstm(x, {pair})"
        if config.is_cell:
            fix = f"h_1, c_1 = cell(x, {pair})"
        return [Problem("h_0", None, None, shape if seen.c_0 is None else None, "lstm_tuple_expected", message, fix)]
    if seen.c_0 is None:
        return []
    module = f"nn.{config.class_name}"
    fix = "h_1 = cell(x, h_0)" if config.is_cell else f"output, h_n = {config.cell}(x, h_0)"
    attribute = "index_select" if seen.lengths is not None and not seen.is_sorted else "dim"
    return [
        Problem(
            "c_0",
            None,
            None,
            seen.c_0,
            "lstm_tuple_expected",
            f"{module} has no cell state: it takes the tensor h_0, not a tuple (h_0, c_0) "
            f"(torch: \"'tuple' object has no attribute '{attribute}'\")",
            f"{fix}  # pass h_0 alone, or use nn.LSTM{'Cell' if config.is_cell else ''}",
        )
    ]


def _is_stacked(config: RNNConfig, seen: Observed) -> bool:
    """Whether a bare ``h_0`` of an LSTM looks like ``torch.stack([h_0, c_0])``, which gets past the first checks."""
    if config.cell != "lstm" or seen.h_0 is None or seen.c_0 is not None or seen.input is None:
        return False
    return len(seen.h_0) == len(seen.input) + 1 and seen.h_0[0] > 1


def _bare_tensor_complaint(config: RNNConfig, seen: Observed) -> str:
    """What PyTorch says when ``h_0`` itself is indexed as if it were the tuple."""
    shape = seen.h_0 or ()
    if not shape:
        return "invalid index of a 0-dim tensor"
    if config.is_cell:
        if not 2 <= len(shape) <= 3:
            return f"LSTMCell: Expected hx[0] to be 1D or 2D, got {len(shape) - 1}D instead"
        return "lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor"
    if shape[0] < 2:
        return f"index {shape[0]} is out of bounds for dimension 0 with size {shape[0]}"
    inner = len(shape) - 1
    if seen.lengths is None and seen.input is not None and inner != len(seen.input):
        kind = "batched 3-D" if len(seen.input) == 3 else "unbatched 2-D"
        dims = len(seen.input)
        return f"For {kind} input, hx and cx should also be {dims}-D but got ({inner}-D, {inner}-D) tensors"
    return "lstm() received an invalid combination of arguments"


def _state_ndim(config: RNNConfig, seen: Observed, ndim: int | None) -> list[Problem]:
    states = {name: shape for name, shape in (("h_0", seen.h_0), ("c_0", seen.c_0)) if shape is not None}
    wrong = [name for name, shape in states.items() if len(shape) != ndim]
    if not wrong or ndim is None:
        return []
    got = states[wrong[0]]
    kind = "batched 3-D" if ndim == 3 else "unbatched 2-D"
    if config.cell == "lstm":
        ndims = ", ".join(f"{len(shape)}-D" for shape in states.values())
        torch = f"For {kind} input, hx and cx should also be {ndim}-D but got ({ndims}) tensors"
    else:
        torch = f"For {kind} input, hx should also be {ndim}-D but got {len(got)}-D tensor"
    expected = expected_state(config, seen.input, wrong[0]) if seen.input is not None else None
    message = f"{wrong[0]} is {len(got)}-D, input is {ndim}-D: both have a batch dim or neither has one"
    return [
        Problem(
            wrong[0],
            None,
            expected,
            got,
            "unbatched_2d_vs_3d",
            f'{message} (torch: "{torch}")',
            _ndim_fix(config, seen, wrong[0], got),
        )
    ]


def _ndim_fix(config: RNNConfig, seen: Observed, name: str, got: Shape) -> str:
    shape, rows = seen.input, config.D * config.num_layers
    if shape is None:
        return f"{name} = torch.zeros({rows}, N, {_width(config, name)})"
    if len(shape) == 3:
        if len(got) == 2 and got[0] != rows:
            return f"{name} = {name}.expand({rows}, -1, -1).contiguous()  # (D*num_layers, N, H)"
        if len(got) == 2:
            return f"{name} = {name}.unsqueeze(1)  # (D*num_layers, N=1, H)"
        return f"{name} = torch.zeros{expected_state(config, shape, name)}"
    batch_dim = 0 if config.batch_first else 1
    if len(got) == 3 and got[1] == shape[0] > 1:
        return f"x = x.unsqueeze({1 - batch_dim})  # input is one step of {shape[0]} sequences: add the time axis"
    if len(got) == 3 and got[1] == 1:
        return f"x = x.unsqueeze({batch_dim})  # a batch of one; or {name} = {name}.squeeze(1)"
    return f"{name} = torch.zeros{expected_state(config, shape, name)}"


def _width(config: RNNConfig, name: str) -> int:
    return config.hidden_size if name.startswith("c") else config.H_out


def expected_state(config: RNNConfig, shape: Shape, name: str) -> Shape:
    """Shape of ``h_0`` or ``c_0`` for an input: (D*num_layers, N, H), without N for 2-D input."""
    rows, width = config.D * config.num_layers, _width(config, name)
    return (rows, shape[0 if config.batch_first else 1], width) if len(shape) == 3 else (rows, width)


def _state_sizes(config: RNNConfig, seen: Observed, ndim: int) -> list[Problem]:
    found: list[Problem] = []
    full = seen.input if seen.input is not None and len(seen.input) == 3 else None
    around = Seen(config, full)
    for index, (name, got) in enumerate((("h_0", seen.h_0), ("c_0", seen.c_0))):
        if got is None:
            continue
        if seen.input is not None:
            expected = expected_state(config, seen.input, name)
        else:
            rows, width = config.D * config.num_layers, _width(config, name)
            expected = (rows, got[1], width) if ndim == 3 else (rows, width)
        if got == expected:
            continue
        phrase = _size_phrase(config, index, expected, got)
        problems = (
            state_problems(name, expected, got, phrase, around)
            if ndim == 3
            else _unbatched(name, expected, got, phrase, around)
        )
        if name == "c_0" and found and any(p.tensor == "h_0" and p.got == got for p in found):
            message = f'c_0 is {got} too, the same mistake (torch: "{phrase}")'
            problems = [replace(problems[0], message=message)]  # the alternatives are listed at h_0
        found += problems
    return found


def _unbatched(name: str, expected: Shape, got: Shape, phrase: str, around: Seen) -> list[Problem]:
    """A 2-D state, judged with the batch axis that PyTorch adds and reported without it."""
    found = state_problems(name, (expected[0], 1, expected[1]), (got[0], 1, got[1]), phrase, around)
    return [
        Problem(
            p.tensor,
            1 if p.dim == 2 else p.dim,
            expected,
            got,
            p.cause,
            p.message,
            p.fix.replace(f"{got[0]}, 1, ", f"{got[0]}, ").replace(f"({expected[0]}, 1, ", f"({expected[0]}, "),
        )
        for p in found
    ]


def _size_phrase(config: RNNConfig, index: int, expected: Shape, got: Shape) -> str:
    name = f"hidden[{index}]" if config.cell == "lstm" else "hidden"
    if len(expected) == 2:  # PyTorch speaks of the shapes after it has added a batch axis
        expected, got = (expected[0], 1, expected[1]), (got[0], 1, got[1])
    return f"Expected {name} size {expected}, got {list(got)}"
