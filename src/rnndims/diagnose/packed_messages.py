"""What PyTorch says of packed batches and their lengths."""

from typing import Final

from .message_row import (
    FRESH_ADVICE,
    FRESH_FIX,
    IN_PACKING,
    IN_RNN,
    NEAR_RNN,
    Interpretation,
    LikelyCause,
    Match,
    MessageRow,
)


def interpret_length_count(match: Match) -> Interpretation:
    """``Expected `len(lengths)` to be equal to batch_size, but got 3 (batch_size=5)``."""
    got, batch = match.slots.get("got"), match.slots.get("expected")
    message = "The number of lengths is not the number of sequences in the batch dim."
    if got is not None and batch is not None:
        message = f"There are {got} lengths, and {batch} sequences in the batch dim."
    is_multiple = got is not None and batch is not None and int(got) > int(batch) > 0 and int(got) % int(batch) == 0
    fix, advice = "lengths = [len(sequence) for sequence in sequences]", "Each sequence of the batch needs one length."
    if match.around.parallel or is_multiple:
        message += f" {got} is a multiple of {batch}." if is_multiple else ""
        message += " DataParallel splits x, but not a list of lengths."
        fix = "lengths = torch.as_tensor(lengths)"
        advice = "DataParallel splits tensors on dim 0. Use lengths.cpu() inside forward."
    main = match.problem(
        "packed_lengths",
        message,
        dim=0,
        expected=match.size("expected"),
        got=match.size("got"),
        fix=fix,
        advice=advice,
    )
    layout = match.problem(
        "batch_first_mismatch",
        f"If {batch or 'the size that it was compared with'} is the number of steps: x is (N, L, ...), and "
        "pack_padded_sequence was called without batch_first=True, or the reverse.",
        fix="packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)",
        advice="Use the same batch_first as in the module.",
    )
    return match.likely(main, layout)


PACKED_MESSAGES: Final = (
    # Before the rows of the same words in state_messages.py: here no state exists yet.
    MessageRow(
        wordings=("index_select(): self indexing axis dim should be positive",),
        tensor="input",
        explanation="pack_padded_sequence sorts the sequences by their lengths (enforce_sorted=False), and input has none.",
        causes=(LikelyCause("packed_lengths", "The batch is empty.", advice="Skip empty batches before packing."),),
        claim=IN_PACKING,
    ),
    MessageRow(
        wordings=("index out of range in self", "INDICES element is out of DATA bounds"),
        tensor="lengths",
        explanation="pack_padded_sequence sorts the sequences by their lengths (enforce_sorted=False), and there are more "
        "lengths than sequences in the batch dim.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "There are more lengths than sequences: each sequence has exactly one.",
                "lengths = [len(sequence) for sequence in sequences]",
            ),
            LikelyCause(
                "batch_first_mismatch",
                "If x has as many sequences as there are lengths: they are in the other dim, so batch_first is wrong.",
                "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)",
                "Use the same batch_first as in the module.",
            ),
        ),
        claim=IN_PACKING,
    ),
    MessageRow(
        wordings=(
            "'lengths' argument should be a 1D CPU int64 tensor, but got <ndim:int>D <device:word> <dtype:word> tensor",
            "'lengths' argument should be a 1D CPU int64 tensor",
            "Expected object of scalar type Long but got scalar type <dtype:word> for argument #<n:int> 'lengths'",
            "Expected object of data type Long but got data type <dtype:word> for argument #<n:int> 'lengths'",
            "Expected object of backend CPU but got backend <device:word> for argument #<n:int> 'lengths'",
            "Expected object of type torch.LongTensor but found type torch.<dtype:word> for argument #<n:int> 'lengths'",
        ),
        tensor="lengths",
        explanation="pack_padded_sequence takes lengths as a list, or as a 1-D int64 tensor on the CPU.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "lengths are on a GPU, not 1-D, or not int64.",
                "lengths = lengths.cpu().long().view(-1)",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "lengths` array must be sorted in decreasing order",
            "lengths' array has to be sorted in decreasing order",
            "lengths array has to be sorted in decreasing order",
            "lengths array must be sorted in decreasing order",
            "sequences must be sorted in the order of decreasing length",
        ),
        tensor="lengths",
        explanation="pack_padded_sequence needs the longest sequence first unless enforce_sorted=False.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "lengths are not in decreasing order.",
                "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)",
                "Before PyTorch 1.1, sort x and lengths yourself.",
            ),
        ),
    ),
    MessageRow(
        wordings=("length of all samples has to be greater than 0",),
        tensor="lengths",
        explanation="A packed sequence has at least one step.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "One of the lengths is 0 or less: an empty sequence.",
                "lengths = lengths.clamp(min=1)",
                "An empty sequence is then one step of padding. Or drop the empty sequences before packing.",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "Expected `len(lengths)` to be equal to batch_size, but got <got:int> (batch_size=<expected:int>)",
            "Expected `len(lengths)` to be equal to batch_size, but got <got:int>",
            "lengths array has incorrect size",
        ),
        tensor="lengths",
        explanation="pack_padded_sequence compared the number of lengths with the batch dim of input: 1, or 0 with "
        "batch_first=True.",
        interpret=interpret_length_count,
    ),
    MessageRow(
        wordings=("Cannot pack empty tensors", "received an empty list of sequences"),
        tensor="input",
        explanation="There is nothing to pack: a dim of input is 0.",
        causes=(LikelyCause("packed_lengths", "The batch is empty.", advice="Skip empty batches before packing."),),
    ),
    MessageRow(
        wordings=(
            "Expected total_length to be at least the length of the longest sequence in input, but got total_length=<got:int> "
            "and max sequence length being <expected:int>",
        ),
        tensor="lengths",
        explanation="pad_packed_sequence pads to total_length and never cuts.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "total_length is {got}, and the longest sequence has {expected} steps.",
                "output, lengths = nn.utils.rnn.pad_packed_sequence(packed, total_length={expected})",
                "A larger total_length works too.",
            ),
        ),
    ),
    MessageRow(
        wordings=("batch_sizes should always be on CPU",),
        tensor="lengths",
        explanation="The batch_sizes of a PackedSequence stay on the CPU.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "A PackedSequence was made by hand, or moved piece by piece.",
                "packed = packed.to(device)",
                "This moves the data and leaves batch_sizes on the CPU.",
            ),
        ),
    ),
    MessageRow(
        wordings=("start (<start:int>) + length (<length:int>) exceeds dimension size (<size:int>)",),
        tensor="lengths",
        explanation="PyTorch read a packed batch beyond its end.",
        causes=(
            LikelyCause(
                "packed_lengths",
                "The longest length is more than the steps of input, so the data of the packed batch is too short.",
                "lengths = torch.as_tensor(lengths).clamp(max=x.size(1))",
                "Without batch_first it is x.size(0). Or pad x further.",
            ),
            LikelyCause(
                "hidden_batch_mismatch",
                "If a state is passed: it may have fewer sequences than the packed batch.",
                FRESH_FIX,
                FRESH_ADVICE,
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "'PackedSequence' object has no attribute '<attribute:word>'",
            "linear(): argument 'input' (position <position:int>) must be Tensor, not PackedSequence",
            "must be Tensor, not PackedSequence",
        ),
        tensor="output",
        explanation="The output of a packed batch is a PackedSequence, not a tensor.",
        causes=(
            LikelyCause(
                "other",
                "A PackedSequence is used as if it were a tensor.",
                "output, lengths = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)",
                "Use the same batch_first as in the module.",
            ),
        ),
    ),
    MessageRow(
        wordings=("pad_sequence(): argument 'sequences' (position <position:int>) must be tuple of Tensors, not <got:word>",),
        tensor="input",
        explanation="pad_sequence makes one padded batch out of a list of sequences.",
        causes=(
            LikelyCause(
                "other",
                "pad_sequence got a {got}. It takes a list of tensors (L_i, H_in), one for each sequence.",
                "x = nn.utils.rnn.pad_sequence([sequence_1, sequence_2], batch_first=True)",
                "A batch that is padded already does not need it.",
            ),
        ),
    ),
    MessageRow(
        wordings=("output with shape <got:shape> doesn't match the broadcast shape <expected:shape>",),
        tensor="h_0",
        explanation="A packed batch and its state have different batch sizes.",
        causes=(
            LikelyCause(
                "hidden_batch_mismatch", "The state has another batch size than the packed batch.", FRESH_FIX, FRESH_ADVICE
            ),
        ),
        claim=IN_RNN,
    ),
)
