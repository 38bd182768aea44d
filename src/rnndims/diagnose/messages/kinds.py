"""What PyTorch says where a tuple, a dtype or a device is the wrong one."""

from typing import Final

from .row import Row

TUPLES: Final = (
    Row(
        (
            "'tuple' object has no attribute '<attribute:tensorish>'",
            "<function:word>(): argument 'input' (position <position:int>) must be Tensor, not tuple",
        ),
        "h_0",
        "A tuple stands where a tensor is needed.",
        reading="tuple_for_tensor",
        claim="bare",
    ),
    Row(
        ("expected Tensor as element <element:int> in argument <argument:int>, but got <got:word>",),
        "h_0",
        "nn.LSTM takes its state as a tuple of two tensors.",
        (
            (
                "lstm_tuple_expected",
                "the state, or the list of weights, has a {got} in it where a tensor belongs",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))  # two tensors; or leave both out",
            ),
        ),
        claim="frame",
    ),
    Row(
        (
            "tuple indices must be integers or slices, not tuple",
            "expected Tensor as element <element:int> in argument <argument:int>, but got tuple",
        ),
        "output",
        "What a module returns, a tuple, was used as if it were output alone.",
        (
            (
                "lstm_tuple_expected",
                "the module returned a tuple, (output, h_n) or (output, (h_n, c_n)), that was used as a tensor",
                "output, (h_n, c_n) = lstm(x)  # output, h_n = gru(x); then use output, as in output[:, -1, :]",
            ),
        ),
        claim="context",
    ),
    Row(
        ("embedding(): argument 'indices' (position <position:int>) must be Tensor, not tuple",),
        "input",
        "nn.Embedding got a tuple: torchtext's batch.text is (text, lengths) with include_lengths=True.",
        (("other", "a tuple stands where token ids are needed", "text, lengths = batch.text  # then embedding(text)"),),
        claim="context",
    ),
    Row(
        ("index 1 is out of bounds for dimension 0 with size 1",),
        "h_0",
        "nn.LSTM takes its state as a tuple and reads hx[0] and hx[1]; indexing a tensor with one row fails at 1.",
        (
            (
                "lstm_tuple_expected",
                "nn.LSTM got the tensor h_0 alone instead of the tuple (h_0, c_0)",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))",
            ),
        ),
        claim="frame",
    ),
    Row(
        ("index 1 is out of bounds for dimension 0 with size 1",),
        "h_0",
        "nn.LSTM takes its state as a tuple and reads hx[0] and hx[1]; indexing a tensor with one row fails at 1.",
        (
            (
                "lstm_tuple_expected",
                "if this is nn.LSTM's state: it got the tensor h_0 alone instead of the tuple (h_0, c_0)",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))",
            ),
        ),
        claim="bare",
    ),
    Row(
        ("<function:rnncall>() received an invalid combination of arguments<types:got>",),
        "h_0",
        "PyTorch compared the types of all arguments with those that the function behind the module takes.",
        reading="arguments",
    ),
    Row(
        (
            "lstm(): argument 'hx' (position <position:int>) must be tuple of Tensors, not <got:word>",
            "lstm_cell(): argument 'hx' (position <position:int>) must be tuple of Tensors, not <got:word>",
            "lstm expects two hidden states",
            "lstm_cell expects two hidden states",
            "lstm_cell() received an invalid combination of arguments",
        ),
        "h_0",
        "nn.LSTM takes its state as a tuple of two tensors.",
        (
            (
                "lstm_tuple_expected",
                "the state of an LSTM is the tuple (h_0, c_0)",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))  # a cell: h, c = cell(x, (h, c))",
            ),
        ),
    ),
    Row(
        (
            "gru_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
            "rnn_tanh_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
            "rnn_relu_cell(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
            "gru(): argument 'hx' (position <position:int>) must be Tensor, not <got:word>",
        ),
        "h_0",
        "nn.GRU and nn.RNN take their state as one tensor.",
        (
            (
                "lstm_tuple_expected",
                "the state is a tuple; only nn.LSTM takes (h_0, c_0)",
                "output, h_n = gru(x, h_0)",
            ),
        ),
    ),
    Row(
        (
            "LSTM.forward() takes from 2 to 3 positional arguments but 4 were given",
            "LSTMCell.forward() takes from 2 to 3 positional arguments but 4 were given",
        ),
        "h_0",
        "nn.LSTM takes two arguments: input, and the tuple (h_0, c_0).",
        (("lstm_tuple_expected", "h_0 and c_0 were passed as two arguments", "output, (h_n, c_n) = lstm(x, (h_0, c_0))"),),
    ),
    Row(
        ("forward() takes from 2 to 3 positional arguments but 4 were given",),
        "h_0",
        "nn.LSTM takes two arguments: input, and the tuple (h_0, c_0).",
        (("lstm_tuple_expected", "h_0 and c_0 were passed as two arguments", "output, (h_n, c_n) = lstm(x, (h_0, c_0))"),),
        claim="line",
    ),
    Row(
        ("values to unpack", "value to unpack"),
        "h_0",
        "nn.LSTM takes its state apart into two tensors.",
        (
            (
                "lstm_tuple_expected",
                "the state of an LSTM is the tuple (h_0, c_0), and something else was given",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))  # a cell: h, c = cell(x, (h, c))",
            ),
        ),
        claim="frame",
    ),
    Row(
        (
            "too many values to unpack (expected <expected:int>)",
            "not enough values to unpack (expected <expected:int>, got <got:int>)",
            "too many values to unpack",
            "need more than <got:int> value to unpack",
            "need more than <got:int> values to unpack",
        ),
        "h_n",
        "Python unpacked what the module returned, or the state that it was given, into the wrong number of names.",
        (
            (
                "lstm_tuple_expected",
                "nn.LSTM returns output, (h_n, c_n); nn.GRU and nn.RNN return output, h_n",
                "output, (h_n, c_n) = lstm(x)  # but output, h_n = gru(x)",
            ),
        ),
        claim="line",
    ),
    Row(
        ("'list' object has no attribute '<attribute:tensorish>'",),
        "h_0",
        "A list stands where PyTorch's RNN code needs a tensor.",
        (
            (
                "lstm_tuple_expected",
                "the state is a list: nn.GRU and nn.RNN take one tensor, nn.LSTM the tuple (h_0, c_0)",
                "output, h_n = gru(x, h_0)  # output, (h_n, c_n) = lstm(x, (h_0, c_0))",
            ),
            ("other", "or the input is a list", "x = torch.stack(list_of_tensors)"),
        ),
        claim="frame",
    ),
    Row(
        ("tuple index out of range", "'NoneType' object has no attribute '<attribute:tensorish>'"),
        "h_0",
        "nn.LSTM reads hx[0] and hx[1]; one of them is not there.",
        (
            (
                "lstm_tuple_expected",
                "the state is not a tuple of two tensors: one is missing or None",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))  # or leave both out",
            ),
        ),
        claim="frame",
    ),
)

DTYPES: Final = (
    Row(
        (
            "RNN input dtype (<got:word>) does not match weight dtype (<expected:word>)",
            "input must have the type <expected:word>, got type <got:word>",
        ),
        "input",
        "PyTorch compared the dtype of input with that of the weights.",
        reading="dtypes",
    ),
    Row(
        (
            "Input and hidden tensors are not the same dtype, found input tensor with <got:word> and hidden tensor with "
            "<expected:word>",
            "Input and parameter tensors are not the same dtype, found input tensor with <got:word> and parameter tensor with "
            "<expected:word>",
        ),
        "input",
        "PyTorch compared the dtype of input with that of the state or the weights.",
        reading="dtypes",
    ),
    Row(
        (
            "mat1 and mat2 must have the same dtype, but got <got:word> and <expected:word>",
            "expected m1 and m2 to have the same dtype, but got: <got:ctype> != <expected:ctype>",
            "self and mat2 must have the same dtype, but got <got:word> and <expected:word>",
            "expected scalar type <expected:word> but found <got:word>",
            "Expected object of scalar type <expected:word> but got scalar type <got:word> for argument<n:operand>",
            "Expected object of data type <expected:word> but got data type <got:word> for argument<n:operand>",
            "Expected object of type torch.<expected:word> but found type torch.<got:word> for argument<n:operand>",
            "mat1 and mat2 must have the same dtype",
        ),
        "input",
        "A matrix product met two dtypes.",
        reading="dtypes",
        claim="bare",
    ),
    Row(
        ("\"<op:rnnop>\" not implemented for '<got:word>'",),
        "input",
        "PyTorch has no such kernel for this dtype on this device.",
        (
            (
                "dtype_mismatch",
                "this RNN kernel does not exist for {got} here (half precision on a CPU, or integers)",
                "model = model.float(); x = x.float()  # or run half precision on a GPU",
            ),
        ),
    ),
    Row(
        ("\"<op:word>\" not implemented for '<got:word>'", "get_mkldnn_dtype: unsupported data type"),
        "input",
        "PyTorch has no such kernel for this dtype on this device.",
        (
            (
                "dtype_mismatch",
                "the dtype of input or of the state has no kernel here",
                "model = model.float(); x = x.float()  # states too; or run half precision on a GPU",
            ),
        ),
        claim="context",
    ),
    Row(
        (
            "Input and hidden tensors are not at the same device, found input tensor at <a:word> and hidden tensor at <b:word>",
            "Input and parameter tensors are not at the same device, found input tensor at <a:word> and parameter tensor at "
            "<b:word>",
        ),
        "h_0",
        "PyTorch compared the devices of input and of the state or the weights.",
        (
            (
                "other",
                "two devices: input is on {a}, the other tensor on {b}",
                "h_0 = torch.zeros(rows, N, H, device=x.device)  # and model.to(x.device)",
            ),
        ),
    ),
    Row(
        ("Input and hidden tensors are not at the same device", "Input and parameter tensors are not at the same device"),
        "h_0",
        "PyTorch compared the devices of input and of the state or the weights.",
        (("other", "two devices", "h_0 = torch.zeros(rows, N, H, device=x.device)  # and model.to(x.device)"),),
    ),
    Row(
        ("Expected all tensors to be on the same device",),
        "h_0",
        "Tensors of one operation are on two devices.",
        (("other", "input, state or weights are on different devices", "h_0 = h_0.to(x.device)  # and model.to(x.device)"),),
        claim="context",
    ),
)
