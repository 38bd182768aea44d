"""What PyTorch says of packed batches, and of matrix products inside and after the module."""

from typing import Final

from .row import FRESH, Row

PACKED: Final = (
    Row(
        (
            "'lengths' argument should be a 1D CPU int64 tensor, but got <ndim:int>D <device:word> <dtype:word> tensor",
            "'lengths' argument should be a 1D CPU int64 tensor",
            "Expected object of scalar type Long but got scalar type <dtype:word> for argument #<n:int> 'lengths'",
            "Expected object of data type Long but got data type <dtype:word> for argument #<n:int> 'lengths'",
            "Expected object of backend CPU but got backend <device:word> for argument #<n:int> 'lengths'",
            "Expected object of type torch.LongTensor but found type torch.<dtype:word> for argument #<n:int> 'lengths'",
        ),
        "lengths",
        "pack_padded_sequence takes lengths as a list, or as a 1-D int64 tensor on the CPU.",
        (
            (
                "packed_lengths",
                "lengths are on a GPU, not 1-D, or no integers",
                "pack_padded_sequence(x, lengths.cpu().long(), ...)  # lengths.view(-1) if it is not 1-D",
            ),
        ),
    ),
    Row(
        (
            "lengths` array must be sorted in decreasing order",
            "lengths' array has to be sorted in decreasing order",
            "lengths array has to be sorted in decreasing order",
            "lengths array must be sorted in decreasing order",
            "sequences must be sorted in the order of decreasing length",
        ),
        "lengths",
        "pack_padded_sequence wants the longest sequence first unless enforce_sorted=False.",
        (
            (
                "packed_lengths",
                "lengths are not in decreasing order",
                "pack_padded_sequence(x, lengths, enforce_sorted=False)  # before PyTorch 1.1 sort x and lengths yourself",
            ),
        ),
    ),
    Row(
        ("length of all samples has to be greater than 0",),
        "lengths",
        "A packed sequence has at least one step.",
        (
            (
                "packed_lengths",
                "one of the lengths is 0 or less: an empty sequence",
                "Drop the empty sequences before packing, or lengths = lengths.clamp(min=1)",
            ),
        ),
    ),
    Row(
        (
            "Expected `len(lengths)` to be equal to batch_size, but got <got:int> (batch_size=<expected:int>)",
            "Expected `len(lengths)` to be equal to batch_size, but got <got:int>",
            "lengths array has incorrect size",
        ),
        "lengths",
        "pack_padded_sequence compared the number of lengths with the batch dim of input: 1, or 0 with batch_first=True.",
        reading="length_count",
    ),
    Row(
        ("Cannot pack empty tensors", "received an empty list of sequences"),
        "input",
        "There is nothing to pack: a dim of input is 0.",
        (("packed_lengths", "the batch is empty", "Skip empty batches before packing"),),
    ),
    Row(
        (
            "Expected total_length to be at least the length of the longest sequence in input, but got total_length=<got:int> "
            "and max sequence length being <expected:int>",
        ),
        "lengths",
        "pad_packed_sequence can pad to total_length, not cut.",
        (
            (
                "packed_lengths",
                "total_length is {got}, but the longest sequence has {expected} steps",
                "pad_packed_sequence(packed, total_length={expected})  # or more",
            ),
        ),
    ),
    Row(
        ("batch_sizes should always be on CPU",),
        "lengths",
        "The batch_sizes of a PackedSequence stay on the CPU.",
        (
            (
                "packed_lengths",
                "a PackedSequence was made by hand, or moved piece by piece",
                "packed = packed.to(device)  # moves the data and leaves batch_sizes on the CPU",
            ),
        ),
    ),
    Row(
        ("start (<start:int>) + length (<length:int>) exceeds dimension size (<size:int>)",),
        "lengths",
        "PyTorch read a packed batch beyond its end.",
        (
            (
                "packed_lengths",
                "the longest length is more than the steps of input, so that the data of the packed batch is too short",
                "lengths = lengths.clamp(max=x.size(1))  # x.size(0) without batch_first; or pad x further",
            ),
            ("hidden_batch_mismatch", "or the state has fewer sequences than the packed batch", FRESH),
        ),
        claim="context",
    ),
    Row(
        (
            "'PackedSequence' object has no attribute '<attribute:word>'",
            "linear(): argument 'input' (position <position:int>) must be Tensor, not PackedSequence",
            "must be Tensor, not PackedSequence",
        ),
        "output",
        "The output of a packed batch is a PackedSequence, not a tensor.",
        (
            (
                "other",
                "a PackedSequence stands where a tensor is needed",
                "output, lengths = pad_packed_sequence(output, batch_first=True)",
            ),
        ),
    ),
    Row(
        ("pad_sequence(): argument 'sequences' (position <position:int>) must be tuple of Tensors, not <got:word>",),
        "input",
        "pad_sequence makes one padded batch out of a list of sequences.",
        (
            (
                "other",
                "pad_sequence got a {got}: it takes a list of tensors, one for each sequence, and a padded batch needs none",
                "x = pad_sequence([sequence_1, sequence_2], batch_first=True)  # each (L_i, H_in)",
            ),
        ),
    ),
)

PRODUCTS: Final = (
    Row(
        (
            "mat1 and mat2 shapes cannot be multiplied (<a:int>x<b:int> and <c:int>x<d:int>)",
            "size mismatch, m1: [<a:int> x <b:int>], m2: [<c:int> x <d:int>]",
            "linear(): input and weight.T shapes cannot be multiplied (<a:int>x<b:int> and <c:int>x<d:int>)",
            "a and b must have same reduction dim, but got [<a:int>, <b:int>] X [<c:int>, <d:int>]",
        ),
        "input",
        "A matrix product of ({a}, {b}) and ({c}, {d}): {b} features meet a layer that was built for {c}.",
        reading="product",
        claim="bare",
    ),
    Row(
        (
            "mat1 and mat2 shapes cannot be multiplied",
            "mat1 dim 1 must match mat2 dim 0",
            "size mismatch at /",
            "size mismatch at C:",
        ),
        "input",
        "A matrix product met features of another number than its layer was built for.",
        reading="product_unknown",
        claim="context",
    ),
    Row(
        ("The size of tensor a (<a:int>) must match the size of tensor b (<b:int>) at non-singleton dimension <dim:int>",),
        "output",
        "An element-wise operation met sizes {a} and {b} at dim {dim}.",
        reading="broadcast",
        claim="context",
    ),
    Row(
        ("output with shape <got:shape> doesn't match the broadcast shape <expected:shape>",),
        "h_0",
        "A packed batch and its state have different batch sizes.",
        (("hidden_batch_mismatch", "the state has another batch size than the packed batch", FRESH),),
        claim="frame",
    ),
)
