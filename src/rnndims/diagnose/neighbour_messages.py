"""What PyTorch says where the results of an RNN are used: losses, views, joined and gathered steps, batches that are made."""

import re
from typing import Final

from .kinds_of_call import BOTH_DIRECTIONS
from .message_row import ALONE, NEAR_RNN, Claim, Interpretation, LikelyCause, Match, MessageRow
from .traceback_text import Evidence

# --- claims ----------------------------------------------------------------------------------------------------------


def _beside(around: Evidence, _match: "re.Match[str] | None" = None) -> bool:
    return (around.in_loss or not around.foreign) and (not around.framed or around.near)


BESIDE: Final = Claim(_beside, lambda _around: False)
"""As ``ALONE``, and where a loss raised it in a program with an RNN: ``Expected target size [32, 40], got [32, 16]``."""


def _is_rows_of_steps(around: Evidence, match: "re.Match[str]") -> bool:
    rows, targets = int(match["rows"]), int(match["targets"])
    multiple = rows > targets > 0 and rows % targets == 0
    return _beside(around) if multiple else _beside(around) and around.near


ROWS_OF_STEPS: Final = Claim(_is_rows_of_steps, lambda _around: False)
"""As ``BESIDE``, and without an RNN in sight only where the rows are a multiple of the targets: 512 for 32."""

JOINED_FEATURES: Final = Claim(
    lambda around, match: not around.foreign and (around.near or (not around.framed and match["dim"] == "2")),
    lambda _around: False,
)
"""Near an RNN, or alone where features of 3-D tensors are joined: ``Sizes of tensors must match except in dimension 2``."""


def _are_sequences(_around: Evidence, match: "re.Match[str]") -> bool:
    one, other = (text.replace(" ", "").split(",") for text in (match["one"], match["other"]))
    return len(one) == len(other) <= 2 and one[0] != other[0] and one[1:] == other[1:]


SEQUENCES: Final = Claim(_are_sequences, lambda _around: False)
"""Only of sequences (L) or (L, H_in) whose lengths alone differ: ``got [3, 4] at entry 0 and [5, 4] at entry 1``."""


# --- losses ----------------------------------------------------------------------------------------------------------


def interpret_target(match: Match) -> Interpretation:
    """``Expected target size [32, 40], got [32, 16]``: the loss takes dim 1 for the classes."""
    expected, got = match.shape("expected"), match.shape("got")
    told = f"CrossEntropyLoss takes dim 1 for the classes, so it expects targets {_text(expected)}, and got {_text(got)}."
    if len(got) != len(expected):
        message = f"{told} There is one label for each sequence, and scores for every step."
        fix, advice = "logits = logits[:, -1]", "This takes the last step, with batch_first=True; without it logits[-1]."
        return match.likely(match.problem("other", message, expected=expected, got=got, fix=fix, advice=advice))
    message = f"{told} The output of an RNN or an nn.Linear has the classes in its last dim."
    fix = "loss = criterion(logits.flatten(0, -2), target.flatten())"
    advice = "This makes one row of each step. Or turn it: criterion(logits.transpose(1, 2), target)."
    main = match.problem("other", message, expected=expected, got=got, fix=fix, advice=advice)
    if len(got) != 2 or got[0] == expected[0]:
        return match.likely(main)
    swapped = match.problem(
        "batch_first_mismatch",
        "If the target is (N, L), and the output (L, N, C), or the reverse: their leading dims differ in order.",
        fix="logits = logits.transpose(0, 1)",
        advice="Do this first.",
    )
    return match.likely(main, swapped)


def _text(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def interpret_rows(match: Match) -> Interpretation:
    """``Expected input batch_size (512) to match target batch_size (32).``: rows of scores and of labels."""
    rows, targets = match.number("rows"), match.number("targets")
    message = f"The loss got {rows} rows of scores and {targets} labels."
    sizes = (targets,), (rows,)
    if targets and rows > targets and rows % targets == 0:
        times = rows // targets
        steps = match.problem(
            "other",
            f"{message} {rows} is {times} * {targets}: scores of every step, if there are {times} steps, against one label for "
            "each sequence.",
            dim=0,
            expected=sizes[0],
            got=sizes[1],
            fix="logits = linear(h_n[-1])",
            advice="This uses the last layer's last step. If each step has a label, the target needs all of them.",
        )
        if times != 2:
            return match.likely(steps)
        both = match.problem(
            "bidirectional_linear_mismatch",
            "If h_n or output of a bidirectional module was reshaped to (-1, hidden_size): both directions are in the batch, "
            f"2 * {targets}.",
            fix=f"features = {BOTH_DIRECTIONS}",
            advice="This joins the directions in the features.",
        )
        return match.likely(steps, both)
    layout = match.problem(
        "batch_first_mismatch",
        f"{message} If {rows} is the number of steps: output[:, -1] of a module without batch_first=True is one sequence.",
        dim=0,
        expected=sizes[0],
        got=sizes[1],
        fix="logits = linear(output[-1])",
        advice="Or build the module with batch_first=True, if x is (N, L, H_in).",
    )
    return match.likely(layout)


# --- joined tensors --------------------------------------------------------------------------------------------------


def interpret_joined(match: Match) -> Interpretation:
    """``Sizes of tensors must match except in dimension 2. Expected size 3 but got size 2 for tensor number 1 in the list.``"""
    a, b, dim = match.slots["a"], match.slots["b"], match.slots["dim"]
    message = f"The tensors that torch.cat joins along dim {dim} have {a} and {b} in another dim."
    state = match.problem(
        "other",
        "If one of them is h_n: it is (D*num_layers, N, H), without steps. Beside output it needs one layer, repeated for each "
        "step.",
        fix="steps = h_n[-1].expand(output.size(0), -1, -1)\njoined = torch.cat([output, steps], dim=2)",
        advice="With batch_first=True: h_n[-1].unsqueeze(1).expand(-1, output.size(1), -1).",
    )
    padded = match.problem(
        "packed_lengths",
        "If one of them was packed: pad_packed_sequence returns as many steps as the longest sequence has.",
        fix="output, lengths = nn.utils.rnn.pad_packed_sequence(packed, total_length=x.size(0))",
        advice="With batch_first=True it is x.size(1), and batch_first=True here too.",
    )
    advice = f"Print both shapes: all dims but {dim} must be the same."
    return match.likely(match.problem("other", message, advice=advice), state, padded)


_LAST_STEP: Final = (
    "index = (lengths - 1).view(-1, 1, 1).expand(-1, 1, output.size(2))\nlast = output.gather(1, index).squeeze(1)"
)
_LAST_ADVICE: Final = "This is for batch_first=True, with lengths on output's device. h_n[-1] of a packed batch is the same."


def _is_gather(around: Evidence, match: "re.Match[str]") -> bool:
    return match["got"] == match["size"] and NEAR_RNN.holds(around, match) and "gather" in around.code


GATHERED: Final = Claim(_is_gather, lambda _around: False)
"""Only where ``gather`` near an RNN reads one step too far: ``index 7 is out of bounds for dimension 1 with size 7``."""

NEIGHBOUR_MESSAGES: Final = (
    # losses
    MessageRow(
        wordings=("Expected target size <expected:shape>, got <got:shape>",),
        tensor="target",
        explanation="CrossEntropyLoss compared the target with its input without dim 1, the classes.",
        interpret=interpret_target,
        claim=BESIDE,
    ),
    MessageRow(
        wordings=("Expected input batch_size (<rows:int>) to match target batch_size (<targets:int>)",),
        tensor="target",
        explanation="CrossEntropyLoss compared the rows of scores with the labels: {rows} and {targets}.",
        interpret=interpret_rows,
        claim=ROWS_OF_STEPS,
    ),
    MessageRow(
        wordings=("input_lengths must be of size batch_size", "target_lengths must be of size batch_size"),
        tensor="lengths",
        explanation="CTCLoss reads log_probs as (T, N, C), with the batch in dim 1, and needs one length for each sequence.",
        causes=(
            LikelyCause(
                "batch_first_mismatch",
                "The batch size is not dim 1 of log_probs. This happens if log_probs come from a module with batch_first=True.",
                "log_probs = log_probs.transpose(0, 1)",
                "CTCLoss has no batch_first.",
            ),
            LikelyCause(
                "packed_lengths",
                "If log_probs are (T, N, C): the lengths are not N numbers.",
                "input_lengths = torch.full((log_probs.size(1),), log_probs.size(0), dtype=torch.long)",
            ),
        ),
        claim=BESIDE,
    ),
    MessageRow(
        wordings=("Expected input_lengths to have value at most <expected:int>, but got value <got:int>",),
        tensor="lengths",
        explanation="CTCLoss compared the lengths with dim 0 of log_probs, the steps.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "log_probs have {expected} steps, and a length is {got}. A stride or pooling makes sequences shorter.",
                "input_lengths = input_lengths.clamp(max=log_probs.size(0))",
                "Or work the lengths out as the layers before the RNN change them.",
            ),
            LikelyCause(
                "batch_first_mismatch",
                "If {expected} is the batch size: log_probs are (N, T, C), and CTCLoss reads (T, N, C).",
                "log_probs = log_probs.transpose(0, 1)",
            ),
        ),
        claim=BESIDE,
    ),
    # views
    MessageRow(
        wordings=("view size is not compatible with input tensor's size and stride",),
        tensor="output",
        explanation="view needs the numbers of a tensor in one piece and in order.",
        causes=(
            LikelyCause(
                "other",
                "The tensor is a transpose of another one, as the output of a module with batch_first=True can be.",
                "output = output.reshape(-1, output.size(-1))",
                "reshape copies where it must. Or call .contiguous() before view.",
            ),
        ),
        claim=ALONE,
    ),
    # joined tensors
    MessageRow(
        wordings=(
            "Sizes of tensors must match except in dimension <dim:int>. Expected size <a:int> but got size <b:int> for tensor",
            "Sizes of tensors must match except in dimension <dim:int>. Got <a:int> and <b:int>",
        ),
        tensor="output",
        explanation="torch.cat compared all dims but {dim}: {a} and {b} differ.",
        interpret=interpret_joined,
        claim=JOINED_FEATURES,
    ),
    MessageRow(
        wordings=(
            "stack expects each tensor to be equal size, but got <one:shape> at entry <a:int> and <other:shape> at entry",
        ),
        tensor="input",
        explanation="torch.stack, which a DataLoader uses to make a batch, compared the shapes of the sequences.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "The sequences of the batch have different lengths: ({one}) and ({other}).",
                "x = nn.utils.rnn.pad_sequence(sequences, batch_first=True)",
                "In a DataLoader: collate_fn=lambda batch: nn.utils.rnn.pad_sequence(batch, batch_first=True).",
            ),
        ),
        claim=SEQUENCES,
    ),
    MessageRow(
        wordings=("Expected size for first two dimensions of batch2 tensor to be: <expected:shape> but got: <got:shape>",),
        tensor="h_n",
        explanation="torch.bmm compared a batch of matrices (N, a, b) with another one, (N, b, c).",
        causes=(
            LikelyCause(
                "other",
                "The second batch of matrices should begin with {expected}, and begins with {got}. If it is h_n: that is "
                "(D*num_layers, N, H), so the batch is not first.",
                "scores = torch.bmm(output, h_n[-1].unsqueeze(2))",
                "This is dot attention for output (N, L, H): one score for each step.",
            ),
        ),
        claim=NEAR_RNN,
    ),
    # gathered steps
    MessageRow(
        wordings=("Index tensor must have the same number of dimensions as input tensor",),
        tensor="output",
        explanation="gather needs an index with as many dims as the tensor that it reads.",
        causes=(
            LikelyCause(
                "other", "The index of the last steps has another number of dims than output.", _LAST_STEP, _LAST_ADVICE
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "Size does not match at dimension <dim:int> expected index <got:shape> to be no larger than self <expected:shape>",
        ),
        tensor="output",
        explanation="gather compared the index with the tensor that it reads: dim {dim} of the index is larger.",
        causes=(
            LikelyCause(
                "other", "Dim {dim} of the index is larger than that of output ({expected}).", _LAST_STEP, _LAST_ADVICE
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=("index <got:int> is out of bounds for dimension <dim:int> with size <size:int>",),
        tensor="output",
        explanation="gather read step {got} of {size}; steps count from 0.",
        causes=(LikelyCause("packed_lengths", "The last step of a sequence is its length minus 1.", _LAST_STEP, _LAST_ADVICE),),
        claim=GATHERED,
    ),
)
