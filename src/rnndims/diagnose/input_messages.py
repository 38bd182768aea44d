"""What PyTorch says of a wrong input of a module or a cell: its dims, its features, its steps."""

from typing import Final

from .kinds_of_call import PAIR
from .message_row import ALONE, IN_RNN, NEAR_RNN, Interpretation, LikelyCause, Match, MessageRow
from .problem import TUPLE_EXPECTED

_LAYOUTS: Final = "(L, N, H_in), or (N, L, H_in) with batch_first=True"


def interpret_input_ndim(match: Match) -> Interpretation:
    """``input must have 3 dimensions, got 2``, ``RNN: Expected input to be 2D or 3D, got 4D instead``."""
    got = match.number("got")
    if got == 2:
        message = f"input is 2-D. A batch of sequences is 3-D: {_LAYOUTS}."
        advice = "Input is then one step of a batch or, with batch_first=True, a batch of one."
        one = "If input is one sequence (L, H_in): PyTorch before 1.11 takes it only with a batch dim."
        advice_of_one = "Input is then (L, N=1, H_in). Newer versions take (L, H_in) as it is."
        return match.likely(
            match.problem("input_ndim", message, fix="x = x.unsqueeze(0)", advice=advice),
            match.problem("unbatched_2d_vs_3d", one, fix="x = x.unsqueeze(1)", advice=advice_of_one),
        )
    if got < 2:
        message = f"input is {got}-D. It should be {_LAYOUTS}, or (L, H_in) for one sequence."
        advice = "Input is then one step of one sequence. For a sequence of numbers use x.view(-1, 1, 1)."
        return match.likely(match.problem("input_ndim", message, fix="x = x.view(1, 1, -1)", advice=advice))
    message = f"input is {got}-D. It should be {_LAYOUTS}."
    if "must have" in match.phrase and got > 3:
        message += f" PyTorch 1.11 to 1.13 count one dim too many in this message, so it may be {got - 1}-D."
    advice = "This joins all dims but batch and time into H_in. A dim of size 1 goes away with x.squeeze(dim)."
    return match.likely(match.problem("input_ndim", message, fix="x = x.flatten(2)", advice=advice))


def interpret_packed_ndim(match: Match) -> Interpretation:
    """``input must have 2 dimensions, got 3``: the data of a packed batch."""
    got = match.number("got")
    message = f"The packed input was made from a {got + 1}-D tensor. A padded batch is 3-D: {_LAYOUTS}."
    if got < 2:
        advice = "Do this before packing; each step is then one number."
        return match.likely(match.problem("input_ndim", message, fix="x = x.unsqueeze(-1)", advice=advice))
    advice = "Do this before packing; it joins all dims but batch and time into H_in."
    return match.likely(match.problem("input_ndim", message, fix="x = x.flatten(2)", advice=advice))


def interpret_features(match: Match) -> Interpretation:
    """``input.size(-1) must be equal to input_size. Expected 10, got 28``."""
    want, got, config = match.number("expected"), match.number("got"), match.config
    notes = []
    if config is not None and config.input_size != want:
        notes.append(
            f"The message expects input_size {want}, and the constructor has {config.input_size}. It is not this module."
        )
    message = f"The last dim of input is {got}, and the module was built with input_size {want}."
    build = f"Build the module with input_size={got}, or give x {want} features."
    fix, advice = None, build
    if want == 1:
        fix, advice = "x = x.unsqueeze(-1)", "Do this if each number is a step of its own."
    elif got == 1:
        fix, advice = "x = x.transpose(1, 2)", f"Do this if dim 1 of x is {want}. Print x.shape to see."
    else:
        advice += " x has what the layer before makes: embedding_dim of an nn.Embedding, D*H_out of an RNN."
    size = (want,), (got,)
    features = match.problem("input_feature_mismatch", message, dim=-1, expected=size[0], got=size[1], fix=fix, advice=advice)
    if want != 1:
        return match.likely(features, notes=tuple(notes))
    batch = f"If 2-D input is meant as a batch (N, L): PyTorch takes it as one sequence (L, H_in) with {got} features."
    other = match.problem(
        "unbatched_2d_vs_3d",
        batch,
        fix="x = x.unsqueeze(-1)",
        advice="Input is then (N, L, 1). Build the module with batch_first=True.",
    )
    return match.likely(features, other, notes=tuple(notes))


def interpret_matrices(match: Match) -> Interpretation:
    """``matrices expected, got 1D, 2D tensors``: of PyTorch 0.1 to 0.3, where the line of code tells input and state apart."""
    got = match.number("got")
    message = f"The state of one layer is {got}-D, and it should be (N, H)."
    advice = "The state is then (D*num_layers, 1, H), for a batch of one. A cell's is h_0.unsqueeze(0)."
    fix = "h_0 = h_0.unsqueeze(1)"
    if match.around.recurrent:
        return match.likely(match.problem("unbatched_2d_vs_3d", message, tensor="h_0", fix=fix, advice=advice))
    step = f"The input of one step is {got}-D. It should be (N, H_in)."
    return match.likely(
        match.problem("input_ndim", step, fix="x = x.unsqueeze(0)", advice="This adds the missing batch dim."),
        match.problem("unbatched_2d_vs_3d", f"If it is the state: {message}", tensor="h_0", fix=fix, advice=advice),
    )


INPUT_MESSAGES: Final = (
    MessageRow(
        wordings=("input must have 3 dimensions, got <got:int>", "input should have 3 dimensions, got <got:int>"),
        tensor="input",
        explanation="PyTorch counted the dims of input: 3-D is a batch of sequences.",
        interpret=interpret_input_ndim,
    ),
    MessageRow(
        wordings=("input must have 2 dimensions, got <got:int>",),
        tensor="input",
        explanation="PyTorch counted the dims of a packed batch's data, (all steps, H_in), so the padded batch was not 3-D.",
        interpret=interpret_packed_ndim,
    ),
    MessageRow(
        wordings=(
            "<kind:class>: Expected input to be 2D or 3D, got <got:int>D",
            "<kind:class>: Expected input to be 2-D or 3-D but received <got:int>-D tensor",
            "<kind:class>: Expected input to be 2-D or 3-D but got <got:int>-D tensor",
        ),
        tensor="input",
        explanation="PyTorch counted the dims of input: 3-D is a batch of sequences, 2-D one sequence (L, H_in).",
        interpret=interpret_input_ndim,
    ),
    MessageRow(
        wordings=(
            "<kind:class>Cell: Expected input to be 1D or 2D, got <got:int>D",
            "<kind:class>Cell: Expected input to be 1-D or 2-D but received <got:int>-D tensor",
            "Expected input to be 1D or 2D, got <got:int>D",
        ),
        tensor="input",
        explanation="PyTorch counted the dims of input: a cell reads one step, (N, H_in) or (H_in).",
        causes=(
            LikelyCause(
                "input_ndim",
                "input is {got}-D. A cell reads one step: (N, H_in), or (H_in) for one sequence.",
                "for x_t in x:\n    h = cell(x_t, h)",
                "This calls the cell step by step. nn.LSTM, nn.GRU and nn.RNN take all steps at once.",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "dimension out of range (expected to be in range of [<low:int>, <high:int>], but got <got:int>)",
            "dimension specified as <got:int> but tensor has no dimensions",
        ),
        tensor="input",
        explanation="PyTorch asked a tensor for a dim that it does not have: it has fewer dims than the RNN code expects.",
        causes=(
            LikelyCause(
                "input_ndim",
                "A tensor has no dim {got}. Often input, or the state, is not 3-D.",
                advice="Print x.shape before the call. x.unsqueeze(0) adds a dim in front, x.unsqueeze(-1) one at the end.",
            ),
            LikelyCause(
                TUPLE_EXPECTED,
                "If the state of an nn.LSTM is one tensor: it must be the tuple (h_0, c_0).",
                PAIR,
            ),
        ),
        claim=ALONE,
    ),
    MessageRow(
        wordings=("Expected 3D tensor, got <got:int>D", "Expected 3-D tensor, got <got:int>-D"),
        tensor="input",
        explanation="A batch of sequences is 3-D.",
        causes=(
            LikelyCause(
                "input_ndim", "A tensor is {got}-D where 3-D is needed.", "x = x.unsqueeze(0)", "This adds a dim in front."
            ),
        ),
        claim=ALONE,
    ),
    MessageRow(
        wordings=(
            "input.size(-1) must be equal to input_size. Expected <expected:int>, got <got:int>",
            "input.size(-1) must be equal to input_size. Expected <expected:int>, got torch.Size([<got:int>])",
        ),
        tensor="input",
        explanation="PyTorch compared the last dim of input with the module's input_size.",
        interpret=interpret_features,
    ),
    MessageRow(
        wordings=(
            "input has inconsistent input_size: got <got:int> expected <expected:int>",
            "input has inconsistent input_size: got <got:int>, expected <expected:int>",
        ),
        tensor="input",
        explanation="PyTorch compared the last dim of a cell's input with its input_size.",
        interpret=interpret_features,
    ),
    MessageRow(
        wordings=("name 'fn' is not defined",),
        tensor="input",
        explanation="A bug of PyTorch 0.3: input.size(-1) is not input_size, and the code that says so fails.",
        causes=(
            LikelyCause(
                "input_feature_mismatch",
                "The last dim of input is not the module's input_size.",
                advice="Print x.shape: its last dim must be input_size.",
            ),
        ),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("Expected sequence length to be larger than 0 in RNN",),
        tensor="input",
        explanation="The time axis of input is empty.",
        causes=(
            LikelyCause(
                "other",
                "input has no time steps: its dim 0 is 0, or its dim 1 with batch_first=True.",
                advice="Skip empty sequences, or check which dim of input is the time axis.",
            ),
        ),
    ),
    MessageRow(
        wordings=("matrices expected, got <got:int>D, <other:int>D tensors",),
        tensor="input",
        explanation="PyTorch multiplied the input or the state with the weights. Both are matrices, the batch first.",
        interpret=interpret_matrices,
        claim=NEAR_RNN,
    ),
)
