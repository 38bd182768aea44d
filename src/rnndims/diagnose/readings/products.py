"""Reading the messages of matrix products and element-wise operations, inside the module and after it."""

from ..messages.row import FRESH
from ..problem import Problem
from .reading import Found, Reading


def read_product(reading: Reading) -> Found:
    """``mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)``, ``size mismatch, m1: [32 x 512], m2: [256 x 10]``."""
    b, c, d = (reading.number(name) for name in "bcd")
    inside = _inside(reading, b, c, d)
    if reading.around.in_rnn:
        return inside, []
    linear = _linear(reading, b, c, d)
    if reading.around.in_linear:
        return linear, []
    config = reading.config
    if config is not None and d == config.G * config.hidden_size and c in (config.input_size, config.H_out):
        return [*inside, *linear], []
    return [*linear, *(inside[:1] if _looks_like_gates(c, d) else [])], []


def _looks_like_gates(c: int, d: int) -> bool:
    """Whether (c, d) may be a transposed ``weight_ih``: d gates times hidden units, more than most a Linear has."""
    return d >= 32 and (d % 4 == 0 or d % 3 == 0) and d >= c


def _linear(reading: Reading, b: int, c: int, d: int) -> list[Problem]:
    """An ``nn.Linear`` after the module."""
    named = reading.around.in_linear and reading.around.rnn

    def problem(cause: str, message: str, fix: str) -> Problem:
        head = "" if named else "if this is the nn.Linear after the RNN: "
        return Problem("linear", None, (b,), (c,), cause, f"{head}{message}", fix)  # type: ignore[arg-type]

    if b == 2 * c:
        message = f"it gets {b} = 2*{c} features and was built for {c}: a bidirectional module joins both directions, D*H_out"
        return [problem("bidirectional_linear_mismatch", message, f"nn.Linear({b}, {d})  # 2 * hidden_size")]
    if c == 2 * b:
        message = f"it was built for {c} = 2*{b} features and gets {b}: one direction where two are expected"
        fix = f"torch.cat([h_n[-2], h_n[-1]], dim=-1)  # both directions; or nn.Linear({b}, {d}) if the module has one"
        return [problem("bidirectional_linear_mismatch", message, fix)]
    message = f"it gets {b} features and was built for {c}"
    fix = f"nn.Linear({b}, {d})  # in_features = D * H_out of the module before"
    if b and c and max(b, c) % min(b, c) == 0:
        ratio = max(b, c) // min(b, c)
        message += f", by a factor of {ratio}: often steps or layers flattened into the features"
    return [problem("other", message, fix)]


def _inside(reading: Reading, b: int, c: int, d: int) -> list[Problem]:
    """The RNN's own product, which comes unchecked for packed input: (c, d) is ``weight_ih`` or ``weight_hh``, transposed."""
    config = reading.config
    head = "inside the RNN" if reading.around.in_rnn else "if this is inside the RNN"
    features = Problem(
        "input",
        -1,
        (c,),
        (b,),
        "input_feature_mismatch",
        f"{head}: input has {b} features, the module was built with input_size {c} "
        "(nn.LSTM does not check packed input, so the matrix product complains)",
        f"Set input_size={b}, or make the last dim of x {c}",
    )
    state = Problem(
        "h_0",
        -1,
        (c,),
        (b,),
        "hidden_size_vs_proj",
        f"{head}: the state has {b} features, the module's hidden_size is {c}",
        f"h_0 = torch.zeros(rows, N, {c})",
    )
    if reading.around.recurrent:
        return [state]
    if config is not None and c == config.H_out != config.input_size:
        return [state, features]
    if d in (c, 3 * c, 4 * c) and config is None:
        return [features, state]
    return [features]


def read_unknown_product(reading: Reading) -> Found:
    """``size mismatch at /pytorch/...``: a matrix product without its numbers."""
    inside = reading.problem(
        "input_feature_mismatch",
        "the last dim of input is not the module's input_size",
        "Print x.shape before the call: its last dim must be input_size",
        dim=-1,
    )
    after = Problem(
        "linear",
        None,
        None,
        None,
        "bidirectional_linear_mismatch",
        "the nn.Linear after the module has another in_features: D*H_out, twice hidden_size for a bidirectional module",
        "nn.Linear(2 * hidden_size, ...)  # bidirectional",
    )
    state = Problem("h_0", -1, None, None, "hidden_size_vs_proj", "the last dim of the state is not hidden_size", FRESH)
    if reading.around.in_rnn:
        return [state if reading.around.recurrent else inside], []
    return ([after] if reading.around.in_linear else [inside, after]), []


def read_broadcast(reading: Reading) -> Found:
    """``The size of tensor a (200) must match the size of tensor b (100) at non-singleton dimension 2``."""
    a, b = reading.number("a"), reading.number("b")
    if reading.around.in_rnn:
        message = f"a packed batch and its state have different sizes, {a} and {b}"
        fix = "h_0 = x.new_zeros(rows, batch, hidden_size)  # for each batch anew"
        return [Problem("h_0", 1, None, None, "hidden_batch_mismatch", message, fix)], []
    if 2 in (a / b if b else 0, b / a if a else 0):
        message = f"{max(a, b)} is twice {min(a, b)}: one side has both directions of a bidirectional module, the other one"
        fix = f"Give the other side {max(a, b)} features (2 * hidden_size), or drop bidirectional=True"
        return [reading.problem("bidirectional_linear_mismatch", message, fix), _elsewhere(reading)], []
    return [_elsewhere(reading)], []


def _elsewhere(reading: Reading) -> Problem:
    message = "two tensors of different sizes met after or before the RNN, not inside it"
    return reading.problem("other", message, "Print both shapes on the line that the traceback names")
