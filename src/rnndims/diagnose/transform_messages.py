"""What PyTorch says of an RNN that is compiled, scripted, exported, quantised or mapped over, and of its second derivative."""

from typing import Final

from .kinds_of_call import PAIR
from .message_row import ALONE, NEAR_RNN, Interpretation, LikelyCause, Match, MessageRow
from .problem import TUPLE_EXPECTED


def interpret_onnx_state(match: Match) -> Interpretation:
    """``Input initial_h must have shape {1,2,512}. Actual:{1,1,512}``: of the exported model, (directions, N, H)."""
    expected = tuple(int(size) for size in match.slots["expected"].split(","))
    got = tuple(int(size) for size in match.slots["got"].split(","))
    wrong = [dim for dim, (want, has) in enumerate(zip(expected, got, strict=False)) if want != has]
    tensor = "c_0" if "initial_c" in match.phrase else "h_0"
    dim = wrong[0] if len(wrong) == 1 and len(expected) == len(got) else None
    if dim == 1:
        message = f"{tensor} has batch size {got[1]}, and input has {expected[1]}."
        fixed = "If the model makes its state inside forward: export writes zeros of the batch size of that time into the file."
        main = match.problem(
            "hidden_batch_mismatch", message, tensor=tensor, dim=1, expected=expected, got=got, advice=_STATE_AS_INPUT
        )
        inside = match.problem("hidden_batch_mismatch", fixed, tensor=tensor, dim=1, advice=_STATE_AS_INPUT)
        return match.likely(main, inside)
    message = f"{tensor} is {got}, and each RNN of the exported model needs {expected}: (directions, N, H)."
    advice = "Pass the state in that shape. An exported RNN has one layer, so a state of several layers is split by layer."
    problem = match.problem("other", message, tensor=tensor, dim=dim, expected=expected, got=got, advice=advice)
    return match.likely(problem)


_STATE_AS_INPUT: Final = "Make h_0 (and c_0) inputs of forward, export again, and pass zeros of the batch size at hand."
_WITHOUT_CUDNN: Final = "with torch.backends.cudnn.flags(enabled=False):\n    output, h_n = rnn(x)"

TRANSFORM_MESSAGES: Final = (
    # Reported as "derivative for _cudnn_rnn_backward is not implemented" and, of nn.LSTMCell, "derivative for
    # _thnn_fused_lstm_cell_backward is not implemented" (github.com/pytorch/pytorch/issues/25315 and /20449); today with
    # quotes ("the derivative for '_cudnn_rnn_backward' is not implemented. Double backwards is not supported for CuDNN RNNs
    # due to ...", /5261); before 0.4 "CudnnRNNLegacyBackward is not differentiable twice" (/5239) and "GRUFused is not
    # differentiable twice" (github.com/Khrylx/PyTorch-RL/issues/1).
    MessageRow(
        wordings=(
            "derivative for <operation:rnnbackward> is not implemented",
            "<operation:rnnop> is not differentiable twice",
            "Double backwards is not supported for CuDNN RNNs",
        ),
        tensor="output",
        explanation="The gradient of a gradient was asked for (a gradient penalty, a Hessian), and the fast kernels of RNNs "
        "have none.",
        causes=(
            LikelyCause(
                "other",
                "The RNN ran on cuDNN or with a fused kernel, whose backward pass cannot be differentiated again.",
                _WITHOUT_CUDNN,
                "Run the forward pass like this where a second derivative is needed; it is slower. In PyTorch 1.3 and older "
                "the RNN must be on the CPU.",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "TorchDynamo purposely graph breaks on RNN",  # github.com/pytorch/pytorch/issues/118740
            "Dynamo purposely graph breaks on RNN",
            "Attempted to wrap RNN, GRU, or LSTM",
            "Dynamo does not support RNN, GRU, or LSTM",
        ),
        tensor="module",
        explanation="torch.compile leaves nn.RNN, nn.LSTM and nn.GRU out of its graphs, and fullgraph=True forbids that.",
        causes=(
            LikelyCause(
                "other",
                "A model with an RNN is compiled or exported as one graph.",
                "torch._dynamo.config.allow_rnn = True",
                "Do this before compiling. Or leave out fullgraph=True: the RNN then runs as it is, between compiled parts.",
            ),
        ),
    ),
    MessageRow(
        wordings=("Batching rule not implemented for aten::<function:rnncall>",),
        tensor="input",
        explanation="torch.vmap has no rule for the function behind nn.RNN, nn.LSTM and nn.GRU.",
        causes=(
            LikelyCause(
                "other",
                "The RNN is called under torch.vmap.",
                "B, L, N, H_in = x.shape\noutput, h_n = rnn(x.transpose(0, 1).reshape(L, B * N, H_in))\n"
                "output = output.view(L, B, N, -1).transpose(0, 1)",
                "This puts the mapped dim B into the batch instead, without batch_first. For weights that differ, loop.",
            ),
        ),
    ),
    MessageRow(
        wordings=("Exporting a model to ONNX with a batch_size other than 1, with a variable length with <kind:word>",),
        tensor="h_0",
        explanation="A warning: without h_0 and c_0 as inputs, the exported RNN starts from zeros of a fixed batch size.",
        causes=(
            LikelyCause(
                "other",
                "The exported {kind} may fail on another batch size than that of the export.",
                advice="Make h_0 (and c_0) inputs of forward and export again, or export with a batch of 1. It does no harm "
                "where the batch size never changes.",
            ),
        ),
        is_warning=True,
    ),
    # of ONNX Runtime: onnxruntime/core/providers/cpu/rnn/lstm_base.cc, quoted in github.com/openvinotoolkit/openvino/pull/33023
    MessageRow(
        wordings=(
            "Input initial_h must have shape {<expected:sizes>}. Actual:{<got:sizes>}",
            "Input initial_c must have shape {<expected:sizes>}. Actual:{<got:sizes>}",
        ),
        tensor="h_0",
        explanation="ONNX Runtime compared the initial state with (directions, N, H), where N is the batch size of input.",
        interpret=interpret_onnx_state,
    ),
    # github.com/pytorch/pytorch/issues/74953
    MessageRow(
        wordings=("The number of rows in the packB should be equal to K",),
        tensor="input",
        explanation="A quantised matrix product met another number of features than its weights have.",
        causes=(
            LikelyCause(
                "hidden_size_vs_proj",
                "Dynamic quantisation does not support proj_size: the quantised LSTM has no projection.",
                "quantised = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)",
                "This leaves the LSTM as it is. Or build it without proj_size.",
            ),
            LikelyCause(
                "input_feature_mismatch",
                "If the module has no proj_size: input has another number of features than the module was built for.",
                advice="Print x.shape before the call.",
            ),
        ),
        claim=ALONE,
    ),
    # github.com/pytorch/pytorch/issues/27963
    MessageRow(
        wordings=("assert batch_sizes is None",),
        tensor="input",
        explanation="The dynamically quantised LSTM of PyTorch 1.3 takes no packed batch.",
        causes=(
            LikelyCause(
                "other",
                "A packed batch was passed to a quantised LSTM.",
                "x, lengths = nn.utils.rnn.pad_packed_sequence(packed)",
                "Pass the padded batch x instead, or use PyTorch 1.4 or later.",
            ),
        ),
    ),
    MessageRow(
        wordings=(
            "Expected a value of type 'Optional[Tuple[Tensor, Tensor]]' for argument 'hx' but instead found type '<got:word>",
        ),
        tensor="h_0",
        explanation="TorchScript compared the type of the state with that which nn.LSTM takes.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED, "The state has type {got}, and nn.LSTM takes a tuple of two tensors, (h_0, c_0).", PAIR
            ),
        ),
    ),
    MessageRow(
        wordings=("'RecursiveScriptModule' object has no attribute 'forward'",),
        tensor="module",
        explanation="torch.jit.script compiles no forward where nothing calls it. That of a lone nn.LSTM or nn.GRU has two "
        "forms, for tensors and for packed batches.",
        causes=(
            LikelyCause(
                "other",
                "A scripted module was called that has no forward of its own.",
                "scripted = torch.jit.trace(rnn, x)",
                "Or script a module of your own whose forward calls the RNN.",
            ),
        ),
        claim=NEAR_RNN,
    ),
)
