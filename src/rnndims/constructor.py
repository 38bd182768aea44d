"""``"nn.LSTM(10, 20, num_layers=2)"`` <-> ``RNNConfig``: code as people paste it, parsed and never executed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .config import RNNConfig
from .errors import ConfigError, ConstructorError, shorten


class Constructor(NamedTuple):
    """What a pasted constructor says.

    Attributes:
        cell: ``"rnn"``, ``"lstm"`` or ``"gru"``.
        is_cell: whether it is the single-step class, ``nn.LSTMCell``.
        arguments: the arguments that were given, under the names of ``RNNConfig``'s fields.
        dtype: name of the dtype that the weights get (``"float16"``), or ``None`` if the code does not say.
        device: the device (``"cuda:0"``), or ``None`` if the code does not say which.
        names_used: the names that the code asked for, out of those given.
        places: for each argument its line of code, and where in it the argument begins and ends.
    """

    cell: str
    is_cell: bool
    arguments: dict[str, Any]
    dtype: str | None
    device: str | None
    names_used: frozenset[str]
    places: dict[str, tuple[str, int, int]]

    def config(self, **overrides: Any) -> RNNConfig:
        """The configuration, with ``overrides`` (fields of ``RNNConfig``) in place of what the code says.

        Raises:
            ConstructorError: where PyTorch would refuse an argument of the code; it points at the argument.
            ConfigError: where PyTorch would refuse an override.
        """
        values: dict[str, Any] = {"cell": self.cell, "is_cell": self.is_cell, **self.arguments, **overrides}
        try:
            return RNNConfig(**values)
        except ConfigError as error:
            if error.field not in self.places or error.field in overrides:
                raise
            line, start, end = self.places[error.field]
            message, _, fix = error.render().partition("\n")
            raise ConstructorError(message, line=line, start=start, end=end, fix=fix or None, field=error.field) from error


def parse_constructor(code: str, names: Mapping[str, int | float | bool | str] | None = None) -> Constructor:
    """What a line such as ``self.rnn = nn.LSTM(emb_dim, 512, num_layers=2)`` says; nothing in it is executed.

    Args:
        code: one call of ``nn.RNN``, ``LSTM``, ``GRU`` or a cell, with or without an assignment, or its ``repr``.
        names: values for the names in it, ``{"emb_dim": 300}``.

    Raises:
        ConstructorError: where it is anything else, or a name has no value; it points at the place.

    >>> parse_constructor("self.rnn = nn.LSTM(emb_dim, 512, num_layers=2)", {"emb_dim": 300}).config().input_size
    300
    """
    from .pasted.placement import Placement
    from .pasted.signature import bind, class_name, find_call, read_argument, refuse_missing
    from .pasted.snippet import Snippet
    from .pasted.values import Reader

    snippet = Snippet(code)
    call, methods = find_call(snippet)
    name = class_name(snippet, call)
    nodes = bind(snippet, call, name)
    reader = Reader(snippet, names or {})
    placement = Placement(snippet, reader)
    arguments: dict[str, Any] = {}
    for argument, node in nodes.items():
        if argument == "device":
            placement.read_device(node)
        elif argument == "dtype":
            placement.read_dtype(node)
        else:
            arguments[argument] = read_argument(reader, name, argument, node)
    for method in methods:
        placement.apply(method)
    if reader.missing:
        refuse_missing(snippet, reader, nodes)
    return Constructor(
        cell=name.removesuffix("Cell").lower(),
        is_cell=name.endswith("Cell"),
        arguments=arguments,
        dtype=placement.dtype,
        device=placement.device,
        names_used=frozenset(reader.used),
        places={argument: snippet.place(node) for argument, node in nodes.items()},
    )


def parse_definition(text: str) -> tuple[str, int | float | bool | str]:
    """``("hid_dim", 512)`` for ``"hid_dim=512"``: a name, dotted or not, and a number, ``True``, ``False`` or a word.

    Raises:
        ConstructorError: where it is anything else.

    >>> parse_definition("args.hidden=2*256")
    ('args.hidden', 512)
    """
    from .pasted.values import parse_name, parse_word

    left, equals, right = (part.strip() for part in text.partition("="))
    if not (left and equals and right):
        raise ConstructorError(f"--define {shorten(text)}: must be NAME=VALUE", fix="Write it like hid_dim=512.")
    return parse_name(left), parse_word(right)


def format_constructor(config: RNNConfig) -> str:
    """The shortest constructor call for ``config``, ready to paste: sizes by position, the rest by keyword.

    >>> format_constructor(RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True))
    'nn.LSTM(10, 20, num_layers=2, bidirectional=True)'
    """
    arguments = [str(config.input_size), str(config.hidden_size)]
    if config.num_layers != 1:
        arguments.append(f"num_layers={config.num_layers}")
    if config.nonlinearity == "relu":
        arguments.append("nonlinearity='relu'")
    if not config.bias:
        arguments.append("bias=False")
    if config.batch_first:
        arguments.append("batch_first=True")
    if config.dropout:
        arguments.append(f"dropout={config.dropout}")
    if config.bidirectional:
        arguments.append("bidirectional=True")
    if config.proj_size:
        arguments.append(f"proj_size={config.proj_size}")
    return f"nn.{config.class_name}({', '.join(arguments)})"
