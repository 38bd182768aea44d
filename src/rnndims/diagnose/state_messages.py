"""What PyTorch says of wrong states, of modules and of cells, and what it means."""

from typing import Final

from ..phrases import plural
from .call import state_shape
from .kinds_of_call import PAIR, PAIR_CELL, takes_pair
from .message_row import (
    ALONE,
    FRESH_ADVICE,
    FRESH_FIX,
    IN_RNN,
    Interpretation,
    LikelyCause,
    Match,
    MessageRow,
)
from .problem import TUPLE_EXPECTED
from .state_shapes import StateMismatch, state_problems, zeros


def interpret_state(match: Match) -> Interpretation:
    """``Expected hidden[0] size (2, 1, 512), got [2, 128, 512]``: compared dim by dim."""
    expected, got, tensor = match.shape("expected"), match.shape("got"), match.row.tensor
    config, shape = match.config, match.call.input
    notes = []
    if config is not None and not config.is_cell and len(expected) == 3:
        own = state_shape(config, tensor, expected[1])
        if own != expected:
            notes.append(
                f"The message expects {plural(expected[0], 'row')} of {expected[2]}, and the constructor makes {own[0]} of "
                f"{own[2]}. It is not this module."
            )
            config = None
    if shape is not None and (len(shape) != 3 or config is None):
        shape = None
    if len(expected) != 3:
        message = f"{tensor} is {got}, and it should be {expected}."
        return match.likely(match.problem("other", message, expected=expected, got=got, fix=zeros(tensor, expected)))
    if expected == got:
        message = "Both shapes are the same, so the message was cut or changed."
        advice = "Paste the whole traceback."
        return match.likely(match.problem("other", message, expected=expected, got=got, advice=advice))
    state = StateMismatch(tensor=tensor, expected=expected, got=got, config=config, input=shape, parallel=match.around.parallel)
    problems = state_problems(state)
    if len(problems) == 1:
        return match.likely(problems[0], *problems[0].alternatives, notes=tuple(notes))
    return Interpretation(tuple(problems), tuple(notes))


def interpret_state_ndims(match: Match) -> Interpretation:
    """``For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors``."""
    batched = "for batched" in match.phrase.lower()
    h, c, want = match.number("got"), match.number("c"), 3 if batched else 2
    if batched:
        message = f"h_0 is {h}-D and c_0 is {c}-D. Batched input needs states (D*num_layers, N, H)."
        fix = "h_0, c_0 = h_0.unsqueeze(0), c_0.unsqueeze(0)"
        advice = "This adds the dim of the layers. If the batch is what is missing, use unsqueeze(1)."
    else:
        message = (
            f"h_0 is {h}-D and c_0 is {c}-D, and input is 2-D, which PyTorch takes as one sequence (L, H_in) without a batch."
        )
        fix, advice = "x = x.unsqueeze(0)", _ONE_STEP
    main = match.problem("unbatched_2d_vs_3d", message, tensor="h_0" if h != want else "c_0", fix=fix, advice=advice)
    if not h == c == want - 1:
        return match.likely(main)
    bare = f"If one {want}-D tensor was passed instead of the tuple (h_0, c_0): PyTorch split it into its rows."
    return match.likely(main, match.problem(TUPLE_EXPECTED, bare, tensor="h_0", fix=PAIR))


def interpret_cell_state_ndim(match: Match) -> Interpretation:
    """``Expected hidden to be 1D or 2D, got 4D instead``, ``Expected hx[1] to be 1D or 2D, got 3D instead``."""
    got, tensor = match.number("got"), "c_0" if "hx[1]" in match.phrase else "h_0"
    message = f"{tensor} is {got}-D. The state of a cell is (N, H_cell), or (H_cell) for one sequence."
    fix, advice = f"{tensor} = {tensor}.squeeze(0)", "This removes a leading dim of 1."
    own = match.problem("input_ndim", message, tensor=tensor, fix=fix, advice=advice)
    if got == 0:
        bare = "If one tensor was passed instead of the tuple (h_0, c_0): PyTorch split it into its numbers."
        return match.likely(match.problem(TUPLE_EXPECTED, bare, tensor="h_0", fix=PAIR_CELL), own)
    layers = "If it comes from a module with layers: it is (D*num_layers, N, H) there, and a cell has no layers."
    fix, advice = f"{tensor} = {tensor}[-1]", "This takes the last layer."
    last = match.problem("hidden_layers_or_directions", layers, tensor=tensor, dim=0, fix=fix, advice=advice)
    return match.likely(own, last)


def interpret_cell_width(match: Match) -> Interpretation:
    """``hidden0 has inconsistent hidden_size: got 21, expected 20``."""
    want, got = match.number("expected"), match.number("got")
    tensor = "c_0" if match.slots.get("index") == "1" else "h_0"
    fix, advice = f"{tensor} = x.new_zeros(x.size(0), {want})", f"Or build the cell with hidden_size={got}."
    width = match.problem(
        "hidden_size_vs_proj",
        f"The cell was built with hidden_size {want}, and PyTorch read {got} off {tensor}: its last dim, if input is a batch.",
        tensor=tensor,
        dim=-1,
        expected=(want,),
        got=(got,),
        fix=fix,
        advice=advice,
    )
    flat = match.problem(
        "unbatched_2d_vs_3d",
        f"If input is 1-D and {tensor} 2-D, ({got}, {want}): PyTorch then reads the state's batch, {got}, as its features.",
        tensor=tensor,
        fix=f"{tensor} = {tensor}[0]",
        advice="This is the state of one sequence. Or give input a batch dim. For an LSTM do both states.",
    )
    return match.likely(width, flat)


def interpret_cell_batch(match: Match) -> Interpretation:
    """``Input batch size 3 doesn't match hidden0 batch size 5``."""
    batch, got, config = match.number("expected"), match.number("got"), match.config
    index = match.slots.get("index", "")
    tensor = "c_0" if index == "1" else "h_0"
    message = f"dim 0 of {tensor} is {got}, and input has batch size {batch}."
    fix = f"{tensor} = x.new_zeros(x.size(0), {'hidden_size' if config is None else config.hidden_size})"
    other_batch = match.problem(
        "hidden_batch_mismatch", message, tensor=tensor, dim=0, expected=(batch,), got=(got,), fix=fix, advice=FRESH_ADVICE
    )
    flat = f"If {tensor} is 1-D and {got} is its hidden_size: 2-D input needs a state (N, H_cell)."
    one_dim = match.problem("unbatched_2d_vs_3d", flat, tensor=tensor, fix=f"{tensor} = {tensor}.unsqueeze(0)")
    bare = f"If one tensor was passed instead of the tuple (h_0, c_0): PyTorch used its first row, {got} numbers, as h_0."
    pair = [match.problem(TUPLE_EXPECTED, bare, tensor="h_0", fix=PAIR_CELL)] if index == "0" else []
    if config is not None and config.hidden_size == got != batch:
        return match.likely(*(pair if takes_pair(config) else []), one_dim, other_batch)
    return match.likely(other_batch, *pair)


_COMPARED_H: Final = "PyTorch compared the shape of h_0 with (D*num_layers, N, H_out), where N is the batch size of input."
_COMPARED_C: Final = "PyTorch compared the shape of c_0 with (D*num_layers, N, H_cell), where N is the batch size of input."
_SORTED: Final = "PyTorch sorts the sequences of the state in the order of the packed batch, and the state has too few."
_ONE_STEP: Final = "Input is then one step of a batch or, with batch_first=True, a batch of one."
_FEWER: Final = LikelyCause(
    "hidden_batch_mismatch", "The state has fewer sequences than the packed batch.", FRESH_FIX, FRESH_ADVICE
)
_MORE_LENGTHS: Final = LikelyCause(
    "packed_lengths",
    "If there are more lengths than sequences: each sequence has exactly one.",
    "lengths = [len(sequence) for sequence in sequences]",
)

STATE_MESSAGES: Final = (
    MessageRow(
        wordings=("Expected hidden[0] size <expected:shape>, got <got:shape>",),
        tensor="h_0",
        explanation=_COMPARED_H,
        interpret=interpret_state,
    ),
    MessageRow(
        wordings=(
            "Expected hidden[1] size <expected:shape>, got <got:shape>",
            "Expected cell size <expected:shape>, got <got:shape>",
        ),
        tensor="c_0",
        explanation=_COMPARED_C,
        interpret=interpret_state,
    ),
    MessageRow(
        wordings=(
            "Expected hidden size <expected:shape>, got <got:shape>",
            "Expected hidden state size <expected:shape>, got <got:shape>",
            "Expected hx size <expected:shape>, got <got:shape>",
        ),
        tensor="h_0",
        explanation=_COMPARED_H,
        interpret=interpret_state,
    ),
    MessageRow(
        wordings=("Expected h_0 size(0) to be <expected:int> (num_layers * num_directions), but got <got:int>",),
        tensor="h_0",
        explanation="PyTorch compared dim 0 of h_0 with num_layers * directions.",
        causes=(
            LikelyCause(
                "hidden_layers_or_directions",
                "dim 0 of h_0 is {got}, and the module has {expected} rows there (num_layers * directions).",
                "h_0 = torch.zeros({expected}, N, H)",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "For batched 3-D input, hx should also be 3-D but got <got:int>-D tensor",
            "For batched 3-D input, hx[<index:int>] (<which:word>) should be 3-D but got <got:int>-D tensor",
        ),
        tensor="h_0",
        explanation="Input is 3-D, so it has a batch dim, and the state must have one too.",
        causes=(
            LikelyCause(
                "unbatched_2d_vs_3d",
                "The state is {got}-D. Batched input needs a state (D*num_layers, N, H).",
                "h_0 = h_0.unsqueeze(0)",
                "This adds the dim of the layers. If the batch is what is missing, use h_0.unsqueeze(1).",
            ),
        ),
    ),
    MessageRow(
        wordings=("For unbatched 2-D input, hx should also be 2-D but got <got:int>-D tensor",),
        tensor="h_0",
        explanation="PyTorch takes 2-D input as one sequence (L, H_in) without a batch, so the state must have no batch.",
        causes=(
            LikelyCause(
                "unbatched_2d_vs_3d",
                "The state is {got}-D, and input is 2-D: input has no batch dim, or no time dim.",
                "x = x.unsqueeze(0)",
                _ONE_STEP,
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "For batched 3-D input, hx and cx should also be 3-D but got (<got:int>-D, <c:int>-D) tensors",
            "For unbatched 2-D input, hx and cx should also be 2-D but got (<got:int>-D, <c:int>-D) tensors",
        ),
        tensor="h_0",
        explanation="h_0 and c_0 must have a batch dim if input is 3-D, and none if it is 2-D.",
        interpret=interpret_state_ndims,
    ),
    MessageRow(
        wordings=(
            "Expected more hidden states in stacked_rnn",
            "Odd number of params or hiddens given to a bidirectional RNN",
        ),
        tensor="h_0",
        explanation="PyTorch needs one row of the state for each direction of each layer. Beside packed input it does not "
        "check that first.",
        causes=(
            LikelyCause(
                "hidden_layers_or_directions",
                "dim 0 of h_0 and c_0 is not num_layers * directions.",
                "rows = num_layers * (2 if bidirectional else 1)\nh_0 = torch.zeros(rows, N, H)\nc_0 = torch.zeros(rows, N, H)",
            ),
        ),
    ),
    MessageRow(
        wordings=("got an incorrect number of RNN parameters", "Expected more weights in stacked_rnn"),
        tensor="h_0",
        explanation="If the last dims of h_0 and c_0 differ, PyTorch expects the weights of an LSTM with projections, else "
        "those of one without. It got the others.",
        causes=(
            LikelyCause(
                "hidden_size_vs_proj",
                "The last dims of h_0 and c_0 differ without proj_size, or are equal with it.",
                "h_0 = torch.zeros(rows, N, proj_size or hidden_size)\nc_0 = torch.zeros(rows, N, hidden_size)",
            ),
            LikelyCause(
                "other",
                "If _flat_weights was edited: the list of weights is not the module's own.",
                advice="Let nn.LSTM pass its own weights.",
            ),
        ),
    ),
    MessageRow(
        wordings=("index out of range in self", "index_select(): self indexing axis dim should be positive"),
        tensor="h_0",
        explanation=_SORTED,
        causes=(_FEWER, _MORE_LENGTHS),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("INDICES element is out of DATA bounds, id=<id:int> axis_dim=<got:int>",),
        tensor="h_0",
        explanation=_SORTED,
        causes=(
            LikelyCause(
                "hidden_batch_mismatch",
                "The state has batch size {got}, and the packed batch has more sequences.",
                FRESH_FIX,
                FRESH_ADVICE,
            ),
            LikelyCause(
                "packed_lengths",
                "If there are more lengths than sequences: there are {got} sequences, and each has exactly one length.",
                "lengths = [len(sequence) for sequence in sequences]",
            ),
        ),
        claim=ALONE,
    ),
    MessageRow(
        wordings=("rnn: hx is not contiguous", "rnn: cx is not contiguous", "rnn: input is not contiguous"),
        tensor="h_0",
        explanation="cuDNN needs the numbers of a tensor in one piece and in order.",
        causes=(
            LikelyCause(
                "other",
                "The tensor is a slice or a transpose of another one.",
                "h_0 = h_0.contiguous()",
                "hx is h_0. Do the same with c_0 (cx) or x (input) if the message names it.",
            ),
        ),
    ),
    MessageRow(
        wordings=("inconsistent tensor size",),
        tensor="h_0",
        explanation="PyTorch added the products of the input and of the state, and their batch sizes differ.",
        causes=(LikelyCause("hidden_batch_mismatch", "The state has another batch size than input.", FRESH_FIX, FRESH_ADVICE),),
        claim=IN_RNN,
    ),
    # cells
    MessageRow(
        wordings=(
            "Expected hidden to be 1D or 2D, got <got:int>D",
            "Expected hx[<index:int>] to be 1D or 2D, got <got:int>D",
            "Expected hidden to be 1-D or 2-D but received <got:int>-D tensor",
        ),
        tensor="h_0",
        explanation="PyTorch counted the dims of the state: a cell's is (N, H_cell) or (H_cell).",
        interpret=interpret_cell_state_ndim,
    ),
    MessageRow(
        wordings=(
            "hidden<index:index> has inconsistent hidden_size: got <got:int>, expected <expected:int>",
            "hidden<index:index> has inconsistent hidden_size: got <got:int> expected <expected:int>",
        ),
        tensor="h_0",
        explanation="PyTorch compared the last dim of a cell's state with its hidden_size.",
        interpret=interpret_cell_width,
    ),
    MessageRow(
        wordings=(
            "Input batch size <expected:int> doesn't match hidden<index:index> batch size <got:int>",
            "Input batch size <expected:int> does not match hidden<index:index> batch size <got:int>",
        ),
        tensor="h_0",
        explanation="PyTorch compared dim 0 of a cell's input and state: the batch.",
        interpret=interpret_cell_batch,
    ),
)
