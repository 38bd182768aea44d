"""What PyTorch says where something has the wrong type: a tuple for a tensor, an argument, a dtype, a device."""

import re
from typing import Final

from ..dtypes import QUANTISED, dtype_name
from .kinds_of_call import PAIR, PAIR_CELL, PAIR_RESULT, SINGLE
from .message_row import ALONE, ALWAYS, IN_RNN, NEAR_RNN, ON_RNN_LINE, Claim, Interpretation, LikelyCause, Match, MessageRow
from .problem import TUPLE_EXPECTED, Problem

# --- tuples ----------------------------------------------------------------------------------------------------------


RNNS_TUPLE: Final = Claim(
    lambda around, _match: around.near or around.sequential or not (around.foreign or around.framed), lambda _around: False
)
"""Where something names an RNN, in an ``nn.Sequential``, or without a traceback: any module may get an RNN's tuple, so
``relu(): argument 'input' (position 1) must be Tensor, not tuple`` counts below ``container.py``, ``self.relu``."""


IN_OR_ON_RNN: Final = Claim(lambda around, _match: around.in_rnn or around.line, lambda _around: False)
"""Where PyTorch's RNN module raised it, of whose call Python 3.13 shows several lines, or the line before names an RNN."""


def interpret_tuple(match: Match) -> Interpretation:
    """``'tuple' object has no attribute 'size'``: a state, or the pair that a module returns."""
    around = match.around
    state = match.problem(
        TUPLE_EXPECTED,
        "If the tuple is the state or the input of nn.GRU or nn.RNN: they take one tensor. Only nn.LSTM takes a tuple, "
        "(h_0, c_0).",
        fix=SINGLE,
        advice="Pass one tensor as the state. Of the (h_n, c_n) of an LSTM, pass h_n.",
    )
    result = match.problem(
        TUPLE_EXPECTED,
        "If the tuple is what an RNN returned, (output, h_n) or (output, (h_n, c_n)): only output is used as a tensor. In "
        "nn.Sequential the next layer gets the whole tuple.",
        tensor="output",
        fix=PAIR_RESULT,
        advice="nn.GRU and nn.RNN return output, h_n. Then use output.",
    )
    if any(tool in around.last for tool in ("torchsummary", "torchstat", "visualtorch", "thop")):
        message = "The summary tool cannot handle modules that return tuples, and every RNN returns one."
        tool = match.problem("other", message, advice="Use torchinfo.summary, or return output alone from forward.")
        return match.likely(tool, result)
    if around.in_rnn:
        return match.likely(state, result)
    if "function" in match.slots:  # linear(), relu(): they take no state
        return match.likely(result)
    if not around.framed:
        return match.likely(state, result)
    return match.likely(result, state)


# --- arguments -------------------------------------------------------------------------------------------------------

_REST: Final = (
    ("bias", ("bool",), "bool"),
    ("num_layers", ("int",), "int"),
    ("dropout", ("float", "int"), "float"),
    ("training", ("bool",), "bool"),
    ("bidirectional", ("bool",), "bool"),
    ("batch_first", ("bool",), "bool"),
)
"""The arguments after the list of weights: name in the constructor, types that PyTorch accepts, the type to use."""


def interpret_arguments(match: Match) -> Interpretation:
    """``lstm() received an invalid combination of arguments - got (Tensor, tuple, list, bool, int, float, bool, int)``."""
    types = [word.strip(" !\n") for word in match.slots.get("types", "").split(",") if word.strip(" !\n")]
    pair = match.slots["function"].lower() == "lstm"
    if not types:
        message = "If an argument of the constructor has the wrong type, such as bidirectional=1 instead of True."
        flag = match.problem("other", message, tensor="module", advice="Pass sizes as int and switches as bool.")
        return match.likely(_wrong_state(match, None, pair=pair), flag)
    at = 2 if types[3:4] in (["list"], ["tuple"]) else 1  # a packed batch comes as two tensors, data and batch_sizes
    problems = []
    if not types[0].endswith(("Tensor", "Parameter")):
        message = f"The input has type {types[0]}. The function behind nn.LSTM, nn.GRU and nn.RNN takes a Tensor."
        advice = "Print type(x) before the call, and pass one tensor."
        problems.append(match.problem("other", message, tensor="input", advice=advice))
    state = types[at] if len(types) > at else None
    if state is not None and (state != "tuple" if pair else not state.endswith(("Tensor", "Parameter"))):
        problems.append(_wrong_state(match, state, pair=pair))
    for (name, accepted, wanted), got in zip(_REST, types[at + 2 :], strict=False):
        if got not in accepted:
            message = f"{name} has type {got}. The call takes only {wanted}."
            is_training = name == "training"
            fix = "model.train()" if is_training else f"{name} = {wanted}({name})"
            advice = "Or model.eval(). Do not set training by hand." if is_training else "Do this before the constructor."
            problems.append(match.problem("other", message, tensor="module", fix=fix, advice=advice))
    if not problems:
        message = "Each argument has the right type, so the mistake is inside the state or the list of weights."
        advice = "Print the types of the states and of the weights: all must be tensors."
        return match.likely(match.problem("other", message, advice=advice))
    return Interpretation(tuple(problems))


def _wrong_state(match: Match, got: str | None, *, pair: bool) -> Problem:
    if pair:
        message = "nn.LSTM takes its state as a tuple (h_0, c_0)" + (
            ", and got something else." if got is None else f", not as a {got}."
        )
        return match.problem(TUPLE_EXPECTED, message, fix=PAIR)
    if got in (None, "tuple"):
        return match.problem(TUPLE_EXPECTED, "The state is a tuple. Only nn.LSTM takes (h_0, c_0).", fix=SINGLE)
    return match.problem("other", f"The state has type {got}. nn.GRU and nn.RNN take one tensor.", fix=SINGLE)


# --- dtypes ----------------------------------------------------------------------------------------------------------

_C_TYPES: Final = {"long int": "int64", "short int": "int16", "unsigned char": "uint8", "signed char": "int8"}
"""Types of C++ whose names torch does not use; its own (``c10::half``, ``double``) are among the aliases."""


_AUTOCAST: Final = re.compile(r"\bautocast\b")
"""``torch.autocast`` or ``torch.cuda.amp.autocast`` in the code around a message."""


def _dtype(word: str) -> str:
    """Torch's name: ``torch.cuda.HalfTensor`` -> ``float16``, ``c10::Half`` -> ``float16``, ``long int`` -> ``int64``."""
    name = word.removeprefix("torch.").removeprefix("cuda.").rstrip(".").removesuffix("Tensor")
    name = name.lower().removeprefix("c10::")
    return _C_TYPES.get(name) or dtype_name(name)


def interpret_dtypes(match: Match) -> Interpretation:
    """``expected scalar type Float but found Double`` and its like."""
    if "got" not in match.slots:
        message = "input, or a state, has another dtype than the weights."
        return match.likely(match.problem("dtype_mismatch", message, fix="x = x.to(next(rnn.parameters()).dtype)"))
    got, want = _dtype(match.slots["got"]), _dtype(match.slots["expected"])
    if QUANTISED & {got, want}:
        return match.likely(_quantised(match, got, want))
    if _AUTOCAST.search(match.text) and {got, want} <= {"float16", "bfloat16", "float32"}:
        message = f"One tensor is {got}, another {want}, under torch.autocast. It converts what it needs by itself."
        advice = "Leave out .half() and .bfloat16(): input, states and module stay float32."
        return match.likely(match.problem("dtype_mismatch", message, fix=_TO_FLOAT, advice=advice))
    if got == want and ("cuda" in match.slots["got"]) != ("cuda" in match.slots["expected"]):
        message = "One tensor is on the GPU, another on the CPU."
        return match.likely(match.problem("other", message, fix=_TO_DEVICE))
    message = f"input is {got}, and the other tensor is {want}."
    if match.row.claim is not ALWAYS:
        message = f"input or a state is {got} where the weights are {want}, or the reverse."
    number = got if "float" in got and "int" in want else want
    fix = f"x = x.to(torch.{number})"
    advice = f"Convert the states too. Or convert the module: model.to(torch.{got})."
    if want == "float32" and got in ("float64", "float16", "bfloat16"):
        fix = "x = x.float()"
    if "int" in (got + want):
        advice = "Do this if input has numbers. Token ids go through nn.Embedding first."
    return match.likely(match.problem("dtype_mismatch", message, expected=want, got=got, fix=fix, advice=advice))


_QUANTISED: Final = "PyTorch's recurrent modules take no quantised tensor: they run in floating-point numbers."
_QUANTISED_TOO: Final = "Do the same with the states. A quantised tensor cannot be converted with .to(dtype) or .float()."
_DEQUANTIZE: Final = "x = x.dequantize()"


def interpret_kernel(match: Match) -> Interpretation:
    """``"addmm_impl_cpu_" not implemented for 'Half'`` and its like."""
    got = _dtype(match.slots.get("got", ""))
    if got in QUANTISED:
        return match.likely(_quantised(match, got, ""))
    message = "The dtype of input or of the state has no kernel here."
    advice = "Convert the states too. Or run half precision on a GPU."
    if match.row.claim is ALWAYS:  # the kernel is an RNN's
        message = (
            f"This RNN has no kernel for {match.slots['got']} here. There is none for half precision on a CPU, and none for "
            "integers."
        )
        advice = "Or run half precision on a GPU."
    return match.likely(match.problem("dtype_mismatch", message, fix=_TO_FLOAT, advice=advice))


def _quantised(match: Match, got: str, want: str) -> Problem:
    message = f"A tensor is {got if got in QUANTISED else want}. {_QUANTISED}"
    return match.problem("dtype_mismatch", message, fix=_DEQUANTIZE, advice=_QUANTISED_TOO)


# --- rows ------------------------------------------------------------------------------------------------------------

_TO_DEVICE: Final = "model = model.to(x.device)\nh_0 = h_0.to(x.device)"
_ON_DEVICE: Final = "model = model.to(x.device)\nh_0 = torch.zeros(rows, N, H, device=x.device)"
_PAIR_STATE: Final = "nn.LSTM takes its state as a tuple of two tensors, (h_0, c_0)."
_TWO_ARGUMENTS: Final = LikelyCause(TUPLE_EXPECTED, "h_0 and c_0 were passed as two arguments.", PAIR)
_BARE: Final = "nn.LSTM takes its state as a tuple and reads hx[0] and hx[1]. A tensor with one row has no hx[1]."
_NO_KERNEL: Final = "PyTorch has no such kernel for this dtype on this device."
_TO_FLOAT: Final = "model = model.float()\nx = x.float()"

TYPE_MESSAGES: Final = (
    # tuples
    MessageRow(
        wordings=(
            "'tuple' object has no attribute '<attribute:tensorish>'",
            "<function:word>(): argument 'input' (position <position:int>) must be Tensor, not tuple",
        ),
        tensor="h_0",
        explanation="The code uses a tuple as if it were a tensor.",
        interpret=interpret_tuple,
        claim=RNNS_TUPLE,
    ),
    MessageRow(
        wordings=("expected Tensor as element <element:int> in argument <argument:int>, but got <got:word>",),
        tensor="h_0",
        explanation=_PAIR_STATE,
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "The state, or the list of weights, has an item of type {got}; all items must be tensors.",
                PAIR,
                "Pass two tensors, or leave both states out.",
            ),
        ),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=(
            "tuple indices must be integers or slices, not tuple",
            "expected Tensor as element <element:int> in argument <argument:int>, but got tuple",
        ),
        tensor="output",
        explanation="What a module returns, a tuple, was used as if it were output alone.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "A module's result was used as a tensor, and it is a tuple: (output, h_n) or (output, (h_n, c_n)).",
                PAIR_RESULT,
                "nn.GRU and nn.RNN return output, h_n. Then use output, as in output[:, -1, :].",
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=("embedding(): argument 'indices' (position <position:int>) must be Tensor, not tuple",),
        tensor="input",
        explanation="nn.Embedding got a tuple. With include_lengths=True torchtext's batch.text is (text, lengths).",
        causes=(
            LikelyCause(
                "other",
                "A tuple was passed where a tensor of token ids is needed.",
                "text, lengths = batch.text",
                "Then call embedding(text).",
            ),
        ),
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=(
            "iteration over a 0-d tensor",
            "invalid index of a 0-dim tensor",
            "index 0 is out of bounds for dimension 0 with size 0",
        ),
        tensor="h_0",
        explanation="An LSTM takes its state as a tuple (h_0, c_0) and reads its two items. This tensor has none.",
        causes=(
            LikelyCause(TUPLE_EXPECTED, "The state is one tensor, 0-D or without rows, instead of the tuple (h_0, c_0).", PAIR),
        ),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("index 1 is out of bounds for dimension 0 with size 1",),
        tensor="h_0",
        explanation=_BARE,
        causes=(LikelyCause(TUPLE_EXPECTED, "nn.LSTM got the tensor h_0 alone instead of the tuple (h_0, c_0).", PAIR),),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("index 1 is out of bounds for dimension 0 with size 1",),
        tensor="h_0",
        explanation=_BARE,
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "If this is nn.LSTM's state: it got the tensor h_0 alone instead of the tuple (h_0, c_0).",
                PAIR,
            ),
        ),
        claim=ALONE,
    ),
    # arguments
    MessageRow(
        wordings=("<function:rnncall>() received an invalid combination of arguments<types:got>",),
        tensor="h_0",
        explanation="PyTorch compared the types of all arguments with those that the function behind the module takes.",
        interpret=interpret_arguments,
    ),
    MessageRow(
        wordings=(
            "lstm(): argument 'hx' (position <position:int>) must be tuple of Tensors, not <got:word>",
            "lstm expects two hidden states",
        ),
        tensor="h_0",
        explanation=_PAIR_STATE,
        causes=(LikelyCause(TUPLE_EXPECTED, "The state is not a tuple of two tensors.", PAIR),),
    ),
    MessageRow(
        wordings=(
            "lstm_cell(): argument 'hx' (position <position:int>) must be tuple of Tensors, not <got:word>",
            "lstm_cell expects two hidden states",
            "lstm_cell() received an invalid combination of arguments",
        ),
        tensor="h_0",
        explanation="nn.LSTMCell takes its state as a tuple of two tensors, (h_0, c_0).",
        causes=(LikelyCause(TUPLE_EXPECTED, "The state is not a tuple of two tensors.", PAIR_CELL),),
    ),
    MessageRow(
        wordings=(
            "gru_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
            "rnn_tanh_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
            "rnn_relu_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
        ),
        tensor="h_0",
        explanation="nn.GRUCell and nn.RNNCell take their state as one tensor.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED, "The state has type {got}. Only nn.LSTMCell takes a tuple, (h_0, c_0).", "h_1 = cell(x, h_0)"
            ),
        ),
    ),
    MessageRow(
        wordings=("gru(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",),
        tensor="h_0",
        explanation="nn.GRU and nn.RNN take their state as one tensor.",
        causes=(LikelyCause(TUPLE_EXPECTED, "The state has type {got}. Only nn.LSTM takes a tuple, (h_0, c_0).", SINGLE),),
    ),
    MessageRow(
        wordings=(
            "LSTM.forward() takes from 2 to 3 positional arguments but 4 were given",
            "LSTMCell.forward() takes from 2 to 3 positional arguments but 4 were given",
        ),
        tensor="h_0",
        explanation="nn.LSTM takes two arguments: input, and the tuple (h_0, c_0).",
        causes=(_TWO_ARGUMENTS,),
    ),
    MessageRow(
        wordings=("forward() takes from 2 to 3 positional arguments but 4 were given",),
        tensor="h_0",
        explanation="nn.LSTM takes two arguments: input, and the tuple (h_0, c_0).",
        causes=(_TWO_ARGUMENTS,),
        claim=ON_RNN_LINE,
    ),
    MessageRow(
        wordings=("values to unpack", "value to unpack"),
        tensor="h_0",
        explanation="nn.LSTM unpacks its state into two tensors.",
        causes=(LikelyCause(TUPLE_EXPECTED, "The state is not a tuple of two tensors.", PAIR),),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=(
            "too many values to unpack (expected <expected:int>)",
            "not enough values to unpack (expected <expected:int>, got <got:int>)",
            "too many values to unpack",
            "need more than <got:int> value to unpack",
            "need more than <got:int> values to unpack",
        ),
        tensor="h_n",
        explanation="Python unpacked what a module returned, or its state, into the wrong number of names.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "nn.LSTM returns output, (h_n, c_n). nn.GRU and nn.RNN return output, h_n.",
                PAIR_RESULT,
                "For nn.GRU and nn.RNN: output, h_n = gru(x).",
            ),
        ),
        claim=ON_RNN_LINE,
    ),
    MessageRow(
        wordings=("'list' object has no attribute '<attribute:tensorish>'",),
        tensor="h_0",
        explanation="PyTorch's RNN code got a list where it needs a tensor.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "The state is a list. nn.GRU and nn.RNN take one tensor, nn.LSTM a tuple (h_0, c_0).",
                SINGLE,
                f"For nn.LSTM: {PAIR}.",
            ),
            LikelyCause("other", "If the input is a list: a module takes one tensor.", "x = torch.stack(list_of_tensors)"),
        ),
        claim=IN_RNN,
    ),
    MessageRow(
        wordings=("tuple index out of range", "'NoneType' object has no attribute '<attribute:tensorish>'"),
        tensor="h_0",
        explanation="nn.LSTM reads hx[0] and hx[1], and one of them is missing.",
        causes=(
            LikelyCause(
                TUPLE_EXPECTED,
                "The state is not a tuple of two tensors: one is missing or None.",
                PAIR,
                "Or leave both states out: zeros are the default.",
            ),
        ),
        claim=IN_RNN,
    ),
    # dtypes
    MessageRow(
        wordings=(
            "RNN input dtype (<got:word>) does not match weight dtype (<expected:word>)",
            "input must have the type <expected:word>, got type <got:word>",
        ),
        tensor="input",
        explanation="PyTorch compared the dtype of input with that of the weights.",
        interpret=interpret_dtypes,
    ),
    MessageRow(
        wordings=(
            "Input and hidden tensors are not the same dtype, found input tensor with <got:word> and hidden tensor with "
            "<expected:word>",
            "Input and parameter tensors are not the same dtype, found input tensor with <got:word> and parameter tensor with "
            "<expected:word>",
        ),
        tensor="input",
        explanation="PyTorch compared the dtype of input with that of the state or the weights.",
        interpret=interpret_dtypes,
    ),
    MessageRow(
        wordings=(
            "mat1 and mat2 must have the same dtype, but got <got:word> and <expected:word>",
            "expected m1 and m2 to have the same dtype, but got: <got:ctype> != <expected:ctype>",
            "self and mat2 must have the same dtype, but got <got:word> and <expected:word>",
            "expected scalar type <expected:word> but found <got:word>",
            "Expected object of scalar type <expected:word> but got scalar type <got:word> for argument<n:operand>",
            "Expected object of data type <expected:word> but got data type <got:word> for argument<n:operand>",
            "Expected object of type torch.<expected:word> but found type torch.<got:word> for argument<n:operand>",
            "mat1 and mat2 must have the same dtype",
        ),
        tensor="input",
        explanation="A matrix product met two dtypes.",
        interpret=interpret_dtypes,
        claim=ALONE,
    ),
    MessageRow(
        wordings=("clamp is not supported for complex types",),
        tensor="input",
        explanation="relu is computed with clamp, and complex numbers have no order.",
        causes=(
            LikelyCause(
                "dtype_mismatch",
                "The module has nonlinearity='relu', and its weights and input are complex.",
                advice="Use nonlinearity='tanh', which has complex numbers, or a real dtype for the module and for x.",
            ),
        ),
        claim=IN_OR_ON_RNN,
    ),
    MessageRow(
        wordings=("\"<op:rnnop>\" not implemented for '<got:word>'",),
        tensor="input",
        explanation=_NO_KERNEL,
        interpret=interpret_kernel,
    ),
    MessageRow(
        wordings=("\"<op:word>\" not implemented for '<got:word>'", "get_mkldnn_dtype: unsupported data type"),
        tensor="input",
        explanation=_NO_KERNEL,
        interpret=interpret_kernel,
        claim=NEAR_RNN,
    ),
    MessageRow(
        wordings=("Could not run '<op:word>' with arguments from the 'Quantized<device:word>' backend",),
        tensor="input",
        explanation=_NO_KERNEL,
        causes=(LikelyCause("dtype_mismatch", _QUANTISED, _DEQUANTIZE, _QUANTISED_TOO),),
        claim=NEAR_RNN,
    ),
    # devices
    MessageRow(
        wordings=(
            "Input and hidden tensors are not at the same device, found input tensor at <a:word> and hidden tensor at <b:word>",
            "Input and parameter tensors are not at the same device, found input tensor at <a:word> and parameter tensor at "
            "<b:word>",
        ),
        tensor="h_0",
        explanation="PyTorch compared the devices of input and of the state or the weights.",
        causes=(LikelyCause("other", "input is on {a}, and the other tensor is on {b}.", _ON_DEVICE),),
    ),
    MessageRow(
        wordings=(
            "Input and hidden tensors are not at the same device",
            "Input and parameter tensors are not at the same device",
        ),
        tensor="h_0",
        explanation="PyTorch compared the devices of input and of the state or the weights.",
        causes=(LikelyCause("other", "input and the other tensor are on two devices.", _ON_DEVICE),),
    ),
    MessageRow(
        wordings=("Expected all tensors to be on the same device",),
        tensor="h_0",
        explanation="Tensors of one operation are on two devices.",
        causes=(LikelyCause("other", "input, state and weights are not all on the same device.", _TO_DEVICE),),
        claim=NEAR_RNN,
    ),
)
