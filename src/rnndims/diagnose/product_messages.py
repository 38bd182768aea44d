"""What PyTorch says where sizes do not fit in a matrix product or an element-wise operation, inside the module and after it."""

import re
from typing import Final

from .message_row import ALONE, FRESH_ADVICE, FRESH_FIX, NEAR_RNN, Claim, Interpretation, Match, MessageRow
from .problem import Cause, Problem
from .traceback_text import Evidence


def _is_rnns_product(around: Evidence, match: "re.Match[str]") -> bool:
    if around.foreign or not around.framed or around.near or not around.in_linear:
        return ALONE.holds(around, match)
    if around.whole and not around.after:
        return False
    b, c = int(match["b"]), int(match["c"])
    return b == 2 * c or c == 2 * b


RNNS_PRODUCT: Final = Claim(_is_rnns_product, lambda around: around.in_linear and around.rnn)
"""As ``ALONE``; and below an ``nn.Linear`` whose in_features is wrong by a factor of 2, that of two directions:
``(64x512 and 256x10)`` after ``self.fc(out[:, -1])``."""


def interpret_product(match: Match) -> Interpretation:
    """``mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)``, ``size mismatch, m1: [32 x 512], m2: [256 x 10]``."""
    b, c, d = (match.number(name) for name in "bcd")
    inside, after, config = _inside(match, b, c, d), _after(match, b, c, d), match.config
    if match.around.in_rnn:
        return match.likely(*inside)
    if match.around.in_linear:
        return match.likely(after)
    if config is not None and d == config.G * config.hidden_size and c in (config.input_size, config.H_out):
        return match.likely(*inside, after)
    return match.likely(after, *(inside[:1] if _looks_like_gates(c, d) else []))


def _looks_like_gates(c: int, d: int) -> bool:
    """Whether (c, d) may be a transposed ``weight_ih``: d is gates times hidden units, and most ``nn.Linear`` have fewer."""
    return d >= 32 and (d % 4 == 0 or d % 3 == 0) and d >= c


def _after(match: Match, b: int, c: int, d: int) -> Problem:
    """An ``nn.Linear`` (c, d) after the module that gets ``b`` features."""
    named = match.around.in_linear and match.around.rnn
    cause: Cause = "bidirectional_linear_mismatch"
    advice = None
    if b == 2 * c:
        message = f"it gets {b} = 2*{c} features and was built for {c}. A bidirectional module joins both directions, D*H_out."
    elif c == 2 * b:
        message = f"it gets {b} features and was built for {c} = 2*{b}, as if for two directions."
        advice = "Or give it both directions: torch.cat([h_n[-2], h_n[-1]], dim=-1)."
    else:
        cause = "other"
        message = f"it gets {b} features and was built for {c}."
        advice = "in_features is D * H_out of the module before."
        if b and c and max(b, c) % min(b, c) == 0:
            factor = max(b, c) // min(b, c)
            message += f" They differ by a factor of {factor}. This happens if steps or layers are flattened into the features."
    head = "The nn.Linear after the RNN: " if named else "If this is the nn.Linear after the RNN: "
    return match.problem(
        cause, head + message, tensor="linear", expected=(b,), got=(c,), fix=f"nn.Linear({b}, {d})", advice=advice
    )


def _inside(match: Match, b: int, c: int, d: int) -> list[Problem]:
    """The RNN's own product, which PyTorch does not check for packed input: (c, d) is ``weight_ih.T`` or ``weight_hh.T``."""
    config = match.config
    state_first = config is not None and c == config.H_out != config.input_size
    both = not match.around.recurrent and (state_first or (d in (c, 3 * c, 4 * c) and config is None))

    def when(tensor: str) -> str:
        """When the explanation holds."""
        if match.around.in_rnn:
            return f"If it is {tensor} that does not fit" if both else "Inside the RNN"
        return f"If this is inside the RNN, and {tensor} does not fit" if both else "If this is inside the RNN"

    features = match.problem(
        "input_feature_mismatch",
        f"{when('input')}: input has {b} features, and the module was built with input_size {c}. nn.LSTM does not check packed "
        "input, so the matrix product fails.",
        dim=-1,
        expected=(c,),
        got=(b,),
        advice=f"Build the module with input_size={b}, or give x {c} features.",
    )
    state = match.problem(
        "hidden_size_vs_proj",
        f"{when('the state')}: the state has {b} features, and the module's hidden_size is {c}.",
        tensor="h_0",
        dim=-1,
        expected=(c,),
        got=(b,),
        fix=f"h_0 = torch.zeros(rows, N, {c})",
    )
    if match.around.recurrent:
        return [state]
    if not both:
        return [features]
    return [state, features] if state_first else [features, state]


def interpret_unknown_product(match: Match) -> Interpretation:
    """``size mismatch at /pytorch/...``: a matrix product without its numbers."""
    inside = match.problem(
        "input_feature_mismatch",
        "The last dim of input is not the module's input_size.",
        dim=-1,
        advice="Print x.shape before the call: its last dim must be input_size.",
    )
    after = match.problem(
        "bidirectional_linear_mismatch",
        "If it is the nn.Linear after the module: it needs in_features D*H_out, twice hidden_size for a bidirectional module.",
        tensor="linear",
        fix="nn.Linear(2 * hidden_size, ...)",
        advice="For one direction it is hidden_size.",
    )
    if match.around.recurrent:
        message = "The last dim of the state is not hidden_size."
        fix, advice = FRESH_FIX, FRESH_ADVICE
        return match.likely(match.problem("hidden_size_vs_proj", message, tensor="h_0", dim=-1, fix=fix, advice=advice))
    if match.around.in_rnn:
        return match.likely(inside)
    return match.likely(after) if match.around.in_linear else match.likely(inside, after)


def interpret_broadcast(match: Match) -> Interpretation:
    """``The size of tensor a (200) must match the size of tensor b (100) at non-singleton dimension 2``."""
    a, b = match.number("a"), match.number("b")
    if match.around.in_rnn:
        message = f"A packed batch and its state have different sizes, {a} and {b}."
        return match.likely(
            match.problem("hidden_batch_mismatch", message, tensor="h_0", dim=1, fix=FRESH_FIX, advice=FRESH_ADVICE)
        )
    met = f"two tensors of sizes {a} and {b} met before or after the RNN, not inside it."
    advice = "Print both shapes on the line that the traceback names."
    if b != 2 * a and a != 2 * b:
        return match.likely(match.problem("other", f"Here {met}", advice=advice))
    elsewhere = match.problem("other", f"If these sizes are not features: {met}", advice=advice)
    message = (
        f"{max(a, b)} is twice {min(a, b)}. If one side is the output of a bidirectional module, it has both directions, and "
    )
    message += "the other side has one."
    way_out = f"Give the other side {max(a, b)} features (2 * hidden_size), or use one direction."
    return match.likely(match.problem("bidirectional_linear_mismatch", message, advice=way_out), elsewhere)


PRODUCT_MESSAGES: Final = (
    MessageRow(
        wordings=(
            "mat1 and mat2 shapes cannot be multiplied (<a:int>x<b:int> and <c:int>x<d:int>)",
            "size mismatch, m1: [<a:int> x <b:int>], m2: [<c:int> x <d:int>]",
            "linear(): input and weight.T shapes cannot be multiplied (<a:int>x<b:int> and <c:int>x<d:int>)",
            "a and b must have same reduction dim, but got [<a:int>, <b:int>] X [<c:int>, <d:int>]",
        ),
        tensor="input",
        explanation="PyTorch multiplied matrices ({a}, {b}) and ({c}, {d}): {b} features meet a layer that was built for {c}.",
        interpret=interpret_product,
        claim=RNNS_PRODUCT,
    ),
    MessageRow(
        wordings=(
            "mat1 and mat2 shapes cannot be multiplied",
            "mat1 dim 1 must match mat2 dim 0",
            "size mismatch at /",
            "size mismatch at C:",
        ),
        tensor="input",
        explanation="PyTorch multiplied matrices whose sizes do not fit: the layer was built for another number of features.",
        interpret=interpret_unknown_product,
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "The size of tensor a (<a:int>) must match the size of tensor b (<b:int>) at non-singleton dimension <dim:int>",
        ),
        tensor="output",
        explanation="An element-wise operation met sizes {a} and {b} at dim {dim}.",
        interpret=interpret_broadcast,
        claim=NEAR_RNN,
    ),
)
