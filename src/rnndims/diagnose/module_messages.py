"""What PyTorch says of the module itself: its constructor, its backend, its backward pass, and what it only warns of."""

import re
from typing import Final

from .checkpoint_messages import DROPOUT_ADVICE, DROPOUT_FIX
from .message_row import ALONE, IN_RNN, NEAR_RNN, Interpretation, LikelyCause, Match, MessageRow

# a module that moves to the GPU, where no input exists yet: "flatten_parameters", "in _apply", "model.cuda()"
_MOVING: Final = re.compile(r"flatten_(?:parameters|weight)|\bin _apply\b|\.cuda\(|\.to\(device")


def interpret_cudnn(match: Match) -> Interpretation:
    """``cuDNN error: CUDNN_STATUS_NOT_INITIALIZED``: while the module moves, or in a call."""
    status = match.slots["status"]
    start = match.text.rfind("CUDNN_STATUS_" + status)
    if (match.around.framed and "flatten_" in match.around.code) or _MOVING.search(match.text[max(0, start - 600) : start]):
        message = f"cuDNN failed ({status}) when the module's weights were put in one piece: no input is involved."
        driver = match.problem(
            "other",
            f"{message} The driver, CUDA and this build of PyTorch do not fit each other or the GPU, or its memory is full.",
            tensor="module",
            fix="print(torch.version.cuda, torch.backends.cudnn.version(), torch.cuda.get_device_name())",
            advice="See whether nvidia-smi shows free memory and a driver for that CUDA. If so, install another build.",
        )
        return match.likely(driver)
    message = (
        f"cuDNN failed ({status}). Input or a state may not be contiguous, memory may be too small, or an earlier shape may be "
        "wrong."
    )
    fix = "x, h_0 = x.contiguous(), h_0.contiguous()"
    advice = "If it fails again, run it once on the CPU: the messages there say more."
    return match.likely(match.problem("other", message, fix=fix, advice=advice))


def interpret_flatten(match: Match) -> Interpretation:
    """``RNN module weights are not part of single contiguous chunk of memory``"""
    fix = "rnn.flatten_parameters()"
    if match.around.parallel:
        message = "DataParallel copies the module to each GPU, weight by weight, so they do not lie in one piece there."
        return match.likely(match.problem("other", message, fix=fix, advice="Call it at the start of forward, on each GPU."))
    message = "The weights do not lie in one piece of memory."
    main = match.problem("other", message, fix=fix, advice="Call it at the start of forward.")
    replaced = match.problem(
        "other",
        "If weights are replaced after that, as weight dropout does in each call: flatten_parameters cannot help.",
        advice="The warning does no harm but for memory. Weight dropout with nn.utils.parametrize has the same cost.",
    )
    return match.likely(main, replaced)


MODULE_MESSAGES: Final = (
    MessageRow(
        wordings=(
            "RNN backward can only be called in train",  # of cuDNN and of MIOpen
            "backward_input can only be called in training mode",
            "backward_weight can only be called in training mode",
        ),
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
        interpret=interpret_cudnn,
        claim=ALONE,
    ),
    # github.com/clarinsi/classla/issues/12: in _cudnn_rnn_flatten_weight, of model.cuda()
    MessageRow(
        wordings=("no kernel image is available for execution on the device",),
        tensor="module",
        explanation="This build of PyTorch has no code for this GPU.",
        causes=(
            LikelyCause(
                "other",
                "PyTorch was built for other GPUs than this one. It is not about shapes.",
                "print(torch.cuda.get_arch_list(), torch.cuda.get_device_capability())",
                "Install a build of PyTorch whose list has the GPU's number.",
            ),
        ),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("Trying to backward through the graph a second time",),
        tensor="h_0",
        explanation="backward freed the graph of an earlier batch, and something still belongs to that graph.",
        causes=(
            LikelyCause(
                "other",
                "The state is kept from one batch to the next, and with it the graph of the earlier batch.",
                "h = h.detach()",
                "Do this before each batch. For an LSTM: h, c = h.detach(), c.detach().",
            ),
            LikelyCause(
                "other",
                "If no state is kept: backward is called twice for one forward pass, or a tensor is computed outside the loop.",
                advice="Add the losses and call backward once, or compute the tensor in each pass.",
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=("one of the variables needed for gradient computation has been modified by an inplace operation",),
        tensor="h_0",
        explanation="backward needs the numbers of the forward pass, and some have been overwritten since.",
        causes=(
            LikelyCause(
                "other",
                "The state is kept from one batch to the next with its graph, and the optimizer has changed the weights since.",
                "h = h.detach()",
                "Do this before each batch. For an LSTM: h, c = h.detach(), c.detach(). retain_graph=True is then not needed.",
            ),
            LikelyCause(
                "other",
                "If a state or an output is changed in place, as in h[0] = ... or h += ...: backward needs the old numbers.",
                "h = h.clone()",
                "Do this before the change, or collect the steps in a list and use torch.stack.",
            ),
        ),
        claim=NEAR_RNN,
    ),
    # github.com/pytorch/pytorch/issues/90440
    MessageRow(
        wordings=("Placeholder storage has not been allocated on MPS device",),
        tensor="input",
        explanation="A kernel of the Apple GPU got a tensor that is not there.",
        causes=(
            LikelyCause(
                "other",
                "The module is on the GPU (mps), and input or a state is still on the CPU, or the reverse.",
                "device = next(rnn.parameters()).device\nx, h_0 = x.to(device), h_0.to(device)",
                "Do the same with c_0.",
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "cannot assign '<got:word>' as parameter '<key:weight>'",
            "cannot assign '<got:word>' object to parameter '<key:weight>'",
        ),
        tensor="module",
        explanation="Under the name of a parameter, a module takes only an nn.Parameter.",
        causes=(
            LikelyCause(
                "other",
                "{key} was set to a tensor that is no parameter ({got}). Weight dropout does this.",
                DROPOUT_FIX,
                DROPOUT_ADVICE,
            ),
            LikelyCause(
                "other",
                "If {key} should get new numbers: set it to a parameter.",
                "lstm.weight_hh_l0 = nn.Parameter(value)",
            ),
        ),
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
        interpret=interpret_flatten,
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
