"""The call in pasted code, and its arguments by PyTorch's signatures."""

import ast
from typing import Any, Final, NoReturn, cast

from ..errors import ConstructorError, shorten
from .code_snippet import UNKNOWN, Snippet, ValueReader, dotted
from .device_and_dtype import METHODS

_SIZES: Final = ("input_size", "hidden_size", "num_layers", "proj_size")
"""Arguments that are ints."""

_LAYER: Final = ("bias", "batch_first", "dropout", "bidirectional", "proj_size", "device", "dtype")
"""The last arguments of all classes with layers."""

SIGNATURES: Final[dict[str, tuple[str, ...]]] = {
    "RNN": ("input_size", "hidden_size", "num_layers", "nonlinearity", *_LAYER),
    "LSTM": ("input_size", "hidden_size", "num_layers", *_LAYER),
    "GRU": ("input_size", "hidden_size", "num_layers", *_LAYER),
    "RNNCell": ("input_size", "hidden_size", "bias", "nonlinearity", "device", "dtype"),
    "LSTMCell": ("input_size", "hidden_size", "bias", "device", "dtype"),
    "GRUCell": ("input_size", "hidden_size", "bias", "device", "dtype"),
}
"""Arguments in the order of PyTorch's signatures. By position ``proj_size`` is always one, but only LSTM has the keyword."""

PREFIXES: Final = ("", "nn.", "torch.nn.", "torch.nn.modules.", "torch.nn.modules.rnn.")
"""What may stand before the name of a class."""


def find_call(snippet: Snippet) -> tuple[ast.Call, list[ast.Call]]:
    """The constructor call in the statement, and the method calls behind it, in the order in which Python runs them.

    Raises:
        ConstructorError: if the statement is no call of a class.
    """
    node: Any = snippet.statement
    methods: list[ast.Call] = []
    while True:
        match node:
            case ast.Expr(value=value) | ast.Assign(value=value) | ast.NamedExpr(value=value):
                node = value
            case ast.Return(value=value) if value is not None:
                node = value
            case ast.AnnAssign(value=value, annotation=annotation):
                node = annotation if value is None else value  # "rnn: LSTM(10, 20)" is how print(model) shows a child
            case ast.Tuple(elts=[value]):
                node = value
            case ast.Call(func=ast.Attribute(value=ast.Call() as inner, attr=attr)) if attr in METHODS:
                methods.append(node)
                node = inner
            case ast.Call(func=ast.Name() | ast.Attribute() as function) if dotted(function) is not None:
                return node, methods[::-1]
            case ast.Name() | ast.Attribute() if (dotted(node) or "").rpartition(".")[2] in SIGNATURES:
                raise snippet.error(
                    f"{snippet.text(node)} is not called", node, fix=f"Write {snippet.text(node)}(input_size, hidden_size)."
                )
            case _:
                raise snippet.error("this is not a constructor call", node, fix="Write it like nn.LSTM(10, 20, num_layers=2).")


def class_name(snippet: Snippet, call: ast.Call) -> str:
    """The class that is called: ``"LSTM"``, ``"GRUCell"``, ...

    Raises:
        ConstructorError: if it is none of PyTorch's recurrent classes.
    """
    path = cast(str, dotted(call.func))
    prefix, dot, name = path.rpartition(".")
    if name in SIGNATURES and prefix + dot in PREFIXES:
        return name
    known = {each.lower(): each for each in SIGNATURES}
    if name.lower() in known and prefix + dot in PREFIXES:
        fix = f"Write {prefix + dot}{known[name.lower()]}(...)."
    else:
        fix = "Use one of nn." + ", nn.".join(SIGNATURES) + "."
    raise snippet.error(f"{shorten(path)} is not one of PyTorch's recurrent modules", call.func, fix=fix)


def bind(snippet: Snippet, call: ast.Call, name: str) -> dict[str, ast.expr]:
    """The expressions of the call by argument, bound by the rules of Python and PyTorch's signature.

    Raises:
        ConstructorError: where Python would raise ``TypeError``, or the arguments are unpacked (``*sizes``).
    """
    positional = SIGNATURES[name]
    keywords = tuple(each for each in positional if each != "proj_size" or name == "LSTM")
    bound: dict[str, ast.expr] = {}
    for position, node in enumerate(call.args):
        if isinstance(node, ast.Starred):
            raise snippet.error(
                f"{snippet.text(node)} unpacks arguments, and rnndims runs no code", node, fix="Write the arguments out."
            )
        if position >= len(positional):
            raise snippet.error(f"{name} has at most {len(positional)} arguments, and this is one more", node, fix="Remove it.")
        bound[positional[position]] = node
    for keyword in call.keywords:
        if keyword.arg is None:
            raise snippet.error(
                f"**{snippet.text(keyword.value)} unpacks arguments, and rnndims runs no code",
                keyword.value,
                fix="Write the arguments out.",
            )
        if keyword.arg in bound:
            raise snippet.error(f"the call has {keyword.arg} twice", keyword, fix="Remove one of them.", field=keyword.arg)
        if keyword.arg not in keywords:
            _refuse_keyword(snippet, name, keyword, keywords)
        bound[keyword.arg] = keyword.value
    missing = [each for each in ("input_size", "hidden_size") if each not in bound]
    if missing:
        raise snippet.error(
            f"{name} is missing {' and '.join(missing)}",
            call,
            fix=f"Write {name}(input_size, hidden_size, ...).",
            field=missing[0],
        )
    return bound


def _refuse_keyword(snippet: Snippet, name: str, keyword: ast.keyword, keywords: tuple[str, ...]) -> NoReturn:
    import difflib

    argument = cast(str, keyword.arg)
    if argument == "proj_size":
        message, fix = "proj_size argument is only supported for LSTM, not RNN or GRU", "Remove it, or use nn.LSTM."
    else:
        close = difflib.get_close_matches(argument, keywords, n=1)
        message = f"{name} has no argument {shorten(argument, 40)}"
        fix = f"Did you mean {close[0]}?" if close else f"It has {', '.join(keywords)}."
    raise snippet.error(message, keyword, fix=fix, field=argument)


def _refuse_at_call(snippet: Snippet, name: str, argument: str, value: Any, node: ast.AST) -> ConstructorError:
    """The error for a value that PyTorch's constructor accepts and every call of the module refuses."""
    function = "rnn_tanh" if name == "RNN" else name.lower()
    kind, fix = ("an int", "Write a number.") if argument == "num_layers" else ("a bool", "Write True or False.")
    return snippet.error(
        f"{argument} must be {kind}: PyTorch's constructor accepts {shorten(repr(value), 40)}, but forward raises TypeError "
        f"({function}() received an invalid combination of arguments)",
        node,
        fix=fix,
        field=argument,
    )


def read_argument(reader: ValueReader, name: str, argument: str, node: ast.AST) -> Any:
    """The value of one argument, converted to the type of the field of ``RNNConfig`` where PyTorch accepts another.

    Args:
        reader: reads the values in the code.
        name: the class.
        argument: PyTorch's name of the argument.
        node: its expression.

    Returns:
        The value; ``UNKNOWN`` if a name in it has none.

    Raises:
        ConstructorError: where PyTorch would refuse the value, in the constructor or in every call.
    """
    snippet = reader.snippet
    if argument == "nonlinearity":
        path = dotted(node)
        if path in ("tanh", "relu") and path not in reader.names:  # how the repr of a cell shows it
            return path
        value = UNKNOWN if path is not None and path.startswith(("torch.", "nn.", "F.")) else reader.read(node)
        if value not in ("tanh", "relu") and not (value is UNKNOWN and reader.missing):
            fourth = " (the 4th argument of RNN is nonlinearity)" if name == "RNN" and type(value) in (bool, int, float) else ""
            raise snippet.error(
                f"nonlinearity {snippet.text(node)}: must be 'tanh' or 'relu'{fourth}", node, field="nonlinearity"
            )
        return value
    value = reader.read(node)
    if value is UNKNOWN:
        return value
    if argument in _SIZES:
        first_dim = argument == "proj_size" or (argument == "hidden_size" and name == "RNN")
        if type(value) is bool:
            if argument == "num_layers":
                raise _refuse_at_call(snippet, name, argument, value, node)
            if value and first_dim:  # torch.empty reads True as 1, except as the first dim
                raise snippet.error(f"{argument} True: must be an int, not bool", node, field=argument)
            return int(value)
        if argument == "proj_size" and value == 0 and type(value) is float:
            return 0
        if type(value) is int and value >= 2**63:
            raise snippet.error(f"{argument} is too large: PyTorch's sizes are 64-bit numbers", node, field=argument)
        if type(value) is float:
            fix = "Divide with // to get an int." if "/" in snippet.text(node) else "Write a whole number without a point."
            raise snippet.error(f"{argument} {value}: must be an int, not float", node, fix=fix, field=argument)
    elif argument == "bidirectional" and type(value) is not bool:
        raise _refuse_at_call(snippet, name, argument, value, node)
    elif argument == "bias" and name.endswith("Cell"):
        return bool(value)
    elif argument == "bias" and type(value) is not bool and name in ("LSTM", "GRU"):
        raise snippet.error(
            f"bias {snippet.text(node)}: must be True or False, not {type(value).__name__}",
            node,
            fix=f"The 4th argument of {name} is bias; only RNN has nonlinearity there." if type(value) is str else None,
            field="bias",
        )
    return value


def refused_value(reader: ValueReader, argument: str, node: ast.AST) -> Any:
    """The value that ``read_argument`` refused, as it is; text that is neither of its choices for ``nonlinearity``."""
    return "?" if argument == "nonlinearity" else reader.read(node)


_PLACEHOLDERS: Final = {
    "bias": "BOOL",
    "batch_first": "BOOL",
    "bidirectional": "BOOL",
    "nonlinearity": "tanh",
    "dtype": "float32",
}
"""What stands for a missing value in the advice: ``-D flag=BOOL``; ``NUMBER`` for all other arguments."""


def refuse_missing(snippet: Snippet, reader: ValueReader, nodes: dict[str, ast.expr]) -> NoReturn:
    """Ask for all names without a value at once.

    Raises:
        ConstructorError: always; it points at the first of them.
    """
    kinds = {dotted(node): _PLACEHOLDERS.get(argument, "NUMBER") for argument, node in nodes.items()}
    missing = list(reader.missing)
    options = [f"{path}={kinds.get(path, 'NUMBER')}" for path in missing]
    definitions = " ".join(f'-D "{each}"' if "'" in each or "[" in each else f"-D {each}" for each in options)
    first = reader.missing[missing[0]]
    names = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    verb = "has" if len(missing) == 1 else "have"
    # Raised without a name here: a name would keep the error, its traceback and all that this frame refers to in a cycle.
    raise snippet.error(f"{names} {verb} no value: add {definitions}", first, missing=tuple(missing))
