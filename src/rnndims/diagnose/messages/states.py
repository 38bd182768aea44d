"""What PyTorch says of wrong states."""

from typing import Final

from .row import FRESH, Row

_STATE = "PyTorch compared the shape of {tensor} with (D*num_layers, N, H), where it reads N off the input."

STATES: Final = (
    Row(("Expected hidden[0] size <expected:shape>, got <got:shape>",), "h_0", _STATE, reading="state"),
    Row(("Expected hidden[1] size <expected:shape>, got <got:shape>",), "c_0", _STATE, reading="state"),
    Row(
        (
            "Expected hidden size <expected:shape>, got <got:shape>",
            "Expected hidden state size <expected:shape>, got <got:shape>",
            "Expected hx size <expected:shape>, got <got:shape>",
        ),
        "h_0",
        _STATE,
        reading="state",
    ),
    Row(("Expected cell size <expected:shape>, got <got:shape>",), "c_0", _STATE, reading="state"),
    Row(
        ("Expected h_0 size(0) to be <expected:int> (num_layers * num_directions), but got <got:int>",),
        "h_0",
        "PyTorch compared dim 0 of h_0 with num_layers * directions.",
        (
            (
                "hidden_layers_or_directions",
                "dim 0 of h_0 is {got}, the module has {expected} = num_layers * directions rows",
                "h_0 = torch.zeros({expected}, N, H)",
            ),
        ),
    ),
    Row(
        (
            "For batched 3-D input, hx should also be 3-D but got <got:int>-D tensor",
            "For batched 3-D input, hx[<index:int>] (<which:word>) should be 3-D but got <got:int>-D tensor",
        ),
        "h_0",
        "Input is 3-D, so it has a batch dim; the state must have one too.",
        (
            (
                "unbatched_2d_vs_3d",
                "the state is {got}-D, batched input needs (D*num_layers, N, H)",
                "h_0 = h_0.unsqueeze(0)  # if it lacks the layers; h_0.unsqueeze(1) if it lacks the batch",
            ),
        ),
    ),
    Row(
        ("For unbatched 2-D input, hx should also be 2-D but got <got:int>-D tensor",),
        "h_0",
        "Input is 2-D, which PyTorch takes as one sequence (L, H_in) without a batch; the state must have no batch dim either.",
        (
            (
                "unbatched_2d_vs_3d",
                "the state is {got}-D but input is 2-D: input lost, or never had, its batch or its time dim",
                "x = x.unsqueeze(0)  # (1, ., H_in): one step of a batch, or with batch_first=True a batch of one",
            ),
        ),
    ),
    Row(
        (
            "For batched 3-D input, hx and cx should also be 3-D but got (<got:int>-D, <c:int>-D) tensors",
            "For unbatched 2-D input, hx and cx should also be 2-D but got (<got:int>-D, <c:int>-D) tensors",
        ),
        "h_0",
        "h_0 and c_0 must have a batch dim if input is 3-D, and none if it is 2-D.",
        reading="state_ndims",
    ),
    Row(
        (
            "Expected more hidden states in stacked_rnn",
            "Odd number of params or hiddens given to a bidirectional RNN",
        ),
        "h_0",
        "PyTorch needs one row of the state for each direction of each layer; packed input skips the check before.",
        (
            (
                "hidden_layers_or_directions",
                "dim 0 of h_0 and c_0 is not num_layers * directions",
                "h_0 = torch.zeros(num_layers * (2 if bidirectional else 1), N, H)  # c_0 too",
            ),
        ),
    ),
    Row(
        ("got an incorrect number of RNN parameters", "Expected more weights in stacked_rnn"),
        "h_0",
        "PyTorch guesses from h_0 and c_0 whether the LSTM has projections: it has if their last dims differ. The weights say "
        "otherwise.",
        (
            (
                "hidden_size_vs_proj",
                "the last dims of h_0 and c_0 differ without proj_size, or are equal with it",
                "h_0 = torch.zeros(rows, N, proj_size or hidden_size); c_0 = torch.zeros(rows, N, hidden_size)",
            ),
            (
                "other",
                "the list of weights is not the module's own",
                "Let nn.LSTM pass its own weights, do not edit _flat_weights.",
            ),
        ),
    ),
    Row(
        ("index out of range in self",),
        "h_0",
        "PyTorch sorts the state along its batch dim the way the packed sequences are sorted, and ran out of it.",
        (
            ("hidden_batch_mismatch", "the state has fewer sequences than the packed batch", FRESH),
            ("packed_lengths", "there are more lengths than sequences", "lengths = [len(s) for s in sequences]"),
        ),
        claim="frame",
    ),
    Row(
        ("INDICES element is out of DATA bounds, id=<id:int> axis_dim=<got:int>",),
        "h_0",
        "PyTorch sorts the state along its batch dim the way the packed sequences are sorted, and ran out of it.",
        (
            (
                "hidden_batch_mismatch",
                "the state has batch {got}, the packed batch has more sequences",
                FRESH,
            ),
            ("packed_lengths", "there are more lengths than sequences, {got}", "lengths = [len(s) for s in sequences]"),
        ),
        claim="bare",
    ),
    Row(
        ("rnn: hx is not contiguous", "rnn: cx is not contiguous", "rnn: input is not contiguous"),
        "h_0",
        "cuDNN needs the numbers of a state in one piece, in order.",
        (("other", "the state is a slice or a transpose", "h_0 = h_0.contiguous(); c_0 = c_0.contiguous()"),),
    ),
    Row(
        ("inconsistent tensor size",),
        "h_0",
        "PyTorch added what it made of the input and of the state, and their batch sizes differ.",
        (("hidden_batch_mismatch", "the state has another batch size than the input", FRESH),),
        claim="frame",
    ),
)
