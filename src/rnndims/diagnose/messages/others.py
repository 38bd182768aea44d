"""What PyTorch says of checkpoints, backends and constructor arguments, and what it only warns of."""

from typing import Final

from .row import Row

CHECKPOINTS: Final = (
    Row(
        (
            "size mismatch for <key:weight>: copying a param",
            "While copying the parameter named <key:weight>, whose dimensions in the model are",
            "Missing key(s) in state_dict: <keys:keys>",
            "Unexpected key(s) in state_dict: <keys:keys>",
            "unexpected key <key:weight> in state_dict",
            "missing keys in state_dict: <keys:keys>",
        ),
        "weight_ih_l0",
        "load_state_dict compared the names and shapes in the checkpoint with those of the module.",
        reading="checkpoint",
    ),
    Row(
        ("'<kind:kind>' object has no attribute '<attribute:member>'",),
        "module",
        "A pickled module keeps its attributes, and another version of PyTorch looks for others.",
        (
            (
                "checkpoint_mismatch",
                "the whole module was saved, with another version of PyTorch than this one: it has no {attribute}",
                "torch.save(model.state_dict(), path)  # in the old version; then build the module anew and load_state_dict",
            ),
        ),
    ),
)

OTHERS: Final = (
    Row(
        ("cudnn RNN backward can only be called in train",),
        "output",
        "cuDNN keeps what the backward pass needs in training mode only.",
        (
            (
                "other",
                "backward through an RNN in eval mode",
                "model.train()  # or torch.backends.cudnn.enabled = False in eval",
            ),
        ),
    ),
    Row(
        ("CUDNN_STATUS_<status:word>",),
        "input",
        "cuDNN refused or failed, without saying why.",
        (
            (
                "other",
                "cuDNN failed ({status}): often a non-contiguous input or state, too little memory, or a wrong shape before",
                "x = x.contiguous(); h_0 = h_0.contiguous()  # then run once on the CPU: its messages say more",
            ),
        ),
        claim="bare",
    ),
    Row(
        ("Trying to backward through the graph a second time",),
        "h_0",
        "The graph of an earlier step was freed by its backward.",
        (
            (
                "other",
                "most likely the state is kept between batches with the graph of the batch before",
                "h = h.detach()  # for an LSTM: h, c = h.detach(), c.detach(), before each batch",
            ),
        ),
        claim="context",
    ),
    Row(
        (
            "LSTM with projections is not",
            "LSTM with projections is only supported",
            "batch_first is not supported for packed sequences",
            "quantized LSTM requires biases",
        ),
        "input",
        "This backend has no such LSTM.",
        (("other", "the device or backend lacks this kind of LSTM", "Run it on the CPU, or drop proj_size"),),
    ),
    Row(
        (
            "Unknown nonlinearity",
            "Unrecognized RNN mode",
            "proj_size has to be smaller than hidden_size",
            "proj_size should be a positive integer or zero to disable projections",
            "proj_size argument is only supported for LSTM, not RNN or GRU",
            "hidden_size must be greater than zero",
            "num_layers must be greater than zero",
            "input_size must be greater than zero",
            "bias should be of type bool, got",
            "batch_first should be of type bool, got",
            "input_size should be of type int, got",
            "hidden_size should be of type int, got",
        ),
        "module",
        "The constructor refused an argument.",
        (
            (
                "other",
                "an argument of the constructor has a value or type that it cannot have",
                "nn.LSTM(input_size, hidden_size, num_layers, bias=True, batch_first=False)  # positive ints, then bools",
            ),
        ),
    ),
    Row(
        ("dropout should be a number in range [0, 1]",),
        "module",
        "The constructor refused an argument.",
        (
            (
                "other",
                "dropout is a probability from 0 to 1, not a bool",
                "nn.LSTM(input_size, hidden_size, num_layers, dropout=0.5)",
            ),
        ),
    ),
    Row(
        (
            "RNN module weights are not part of single contiguous chunk of memory",
            "weights are not part of single contiguous chunk",
        ),
        "module",
        "A warning: the weights were moved or replaced one by one, which costs memory at every call.",
        (("other", "the weights do not lie in one piece", "rnn.flatten_parameters()  # at the start of forward"),),
        warning=True,
    ),
    Row(
        ("dropout option adds dropout after all but last recurrent layer",),
        "module",
        "A warning: dropout acts between layers, and there is one layer only.",
        (("other", "dropout has no effect with one layer", "num_layers=2, or nn.Dropout(p) after the module"),),
        warning=True,
    ),
)
