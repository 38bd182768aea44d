"""What PyTorch says of the module itself: its constructor, its backend, its backward pass, and what it only warns of."""

from typing import Final

from .message_row import ALONE, NEAR_RNN, LikelyCause, MessageRow

MODULE_MESSAGES: Final = (
    MessageRow(
        wordings=("cudnn RNN backward can only be called in train",),
        tensor="output",
        explanation="cuDNN keeps what the backward pass needs in training mode only.",
        causes=(
            LikelyCause(
                "other",
                "backward was called while the RNN was in eval mode.",
                "model.train()",
                "Or, in eval mode, torch.backends.cudnn.enabled = False.",
            ),
        ),
    ),
    MessageRow(
        wordings=("CUDNN_STATUS_<status:word>",),
        tensor="input",
        explanation="cuDNN refused or failed, without saying why.",
        causes=(
            LikelyCause(
                "other",
                "cuDNN failed ({status}). Input or a state may not be contiguous, memory may be too small, or an earlier shape "
                "may be wrong.",
                "x, h_0 = x.contiguous(), h_0.contiguous()",
                "If it fails again, run it once on the CPU: the messages there say more.",
            ),
        ),
        claim=ALONE,
    ),
    MessageRow(
        wordings=("Trying to backward through the graph a second time",),
        tensor="h_0",
        explanation="backward freed the graph of an earlier batch, and the state still belongs to that graph.",
        causes=(
            LikelyCause(
                "other",
                "The state is kept from one batch to the next, and with it the graph of the earlier batch.",
                "h = h.detach()",
                "Do this before each batch. For an LSTM: h, c = h.detach(), c.detach().",
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "LSTM with projections is not",
            "LSTM with projections is only supported",
            "batch_first is not supported for packed sequences",
            "quantized LSTM requires biases",
        ),
        tensor="input",
        explanation="This backend has no such LSTM.",
        causes=(
            LikelyCause(
                "other", "The device or backend lacks this kind of LSTM.", advice="Run it on the CPU, or drop proj_size."
            ),
        ),
    ),
    MessageRow(
        wordings=(
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
        tensor="module",
        explanation="The constructor refused an argument.",
        causes=(
            LikelyCause(
                "other",
                "An argument of the constructor has a value or type that it cannot have.",
                "nn.LSTM(input_size, hidden_size, num_layers, bias=True, batch_first=False)",
                "Sizes must be ints above 0, and switches must be bools.",
            ),
        ),
    ),
    MessageRow(
        wordings=("dropout should be a number in range [0, 1]",),
        tensor="module",
        explanation="The constructor refused an argument.",
        causes=(
            LikelyCause(
                "other",
                "dropout is a probability from 0 to 1, not a bool.",
                "nn.LSTM(input_size, hidden_size, num_layers, dropout=0.5)",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "RNN module weights are not part of single contiguous chunk of memory",
            "weights are not part of single contiguous chunk",
        ),
        tensor="module",
        explanation="A warning: the weights were moved or replaced one by one, which costs memory at every call.",
        causes=(
            LikelyCause(
                "other",
                "The weights do not lie in one piece of memory.",
                "rnn.flatten_parameters()",
                "Call it at the start of forward.",
            ),
        ),
        is_warning=True,
    ),
    MessageRow(
        wordings=("dropout option adds dropout after all but last recurrent layer",),
        tensor="module",
        explanation="A warning: dropout acts between layers, and there is one layer only.",
        causes=(
            LikelyCause(
                "other", "dropout has no effect with one layer.", advice="Use num_layers=2, or nn.Dropout(p) after the module."
            ),
        ),
        is_warning=True,
    ),
)
