"""``"nn.RNN(10, 20, num_layers=2)"`` <-> ``RNNConfig``: code as people paste it, parsed and never executed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .config import RNNConfig, check_dtype
from .errors import ConfigError, ConstructorError, shorten


class Constructor(NamedTuple):
    """The content of a pasted constructor.

    Attributes:
        cell: the kind of cell: ``"rnn"`` for ``nn.RNN`` and ``nn.RNNCell``.
        is_cell: whether it is the single-step class, ``nn.RNNCell``.
        arguments: the arguments that the code has, under the names of ``RNNConfig``'s fields.
        dtype: name of the dtype of the weights (``"float16"``), or ``None`` if the code sets none.
        device: the device (``"cuda:0"``), or ``None`` if the code sets none, or only running it would tell which.
        names_used: the names with a value that occur in the code.
        spans: for each argument its line of code, and the characters at which it begins and ends in the line.
    """

    cell: str
    is_cell: bool
    arguments: dict[str, Any]
    dtype: str | None
    device: str | None
    names_used: frozenset[str]
    spans: dict[str, tuple[str, int, int]]

    def config(self, **overrides: Any) -> RNNConfig:
        """The configuration; ``overrides`` (fields of ``RNNConfig``) replace arguments of the code.

        Raises:
            ConstructorError: where PyTorch would refuse an argument of the code; the error points at the argument.
            ConfigError: where PyTorch would refuse an override.
        """
        values: dict[str, Any] = {"cell": self.cell, "is_cell": self.is_cell, **self.arguments, **overrides}
        try:
            config = RNNConfig(**values)
            if self.dtype is not None:
                check_dtype(config, self.dtype)
            return config
        except ConfigError as error:
            if error.field not in self.spans or error.field in overrides:
                raise
            line, start, end = self.spans[error.field]
            message, _, fix = error.render().partition("\n")
            raise ConstructorError(message, line=line, start=start, end=end, fix=fix or None, field=error.field) from error


def parse_constructor(code: str, names: Mapping[str, int | float | bool | str] | None = None) -> Constructor:
    """Parse a line such as ``self.rnn = nn.RNN(emb_dim, 512, num_layers=2)``; nothing in it is executed.

    Args:
        code: one call of a recurrent class of ``torch.nn``, with or without an assignment, or a module's ``repr``.
        names: values for the names in it, ``{"emb_dim": 300}``.

    Raises:
        ConstructorError: if the code is anything else, or a name has no value; the error points at the argument.

    >>> parse_constructor("self.rnn = nn.RNN(emb_dim, 512, num_layers=2)", {"emb_dim": 300}).config().input_size
    300
    """
    from .pasted.arguments import bind, class_name, find_call, read_argument, refuse_missing, refused_value
    from .pasted.code_snippet import Snippet, ValueReader
    from .pasted.device_and_dtype import DeviceAndDtype

    snippet = Snippet(code)
    call, methods = find_call(snippet)
    name = class_name(snippet, call)
    nodes = bind(snippet, call, name)
    reader = ValueReader(snippet, names or {})
    weights = DeviceAndDtype(snippet, reader)
    arguments: dict[str, Any] = {}
    refused: dict[str, ConstructorError] = {}
    for argument, node in nodes.items():
        if argument == "device":
            weights.read_device(node)
        elif argument == "dtype":
            weights.read_dtype(node)
        else:
            try:
                arguments[argument] = read_argument(reader, name, argument, node)
            except ConstructorError as error:
                if error.field is None:
                    raise
                refused[argument] = error.with_traceback(None)  # which would keep all that this frame refers to
                arguments[argument] = refused_value(reader, argument, node)
    for method in methods:
        weights.apply(method)
    if reader.missing:
        refuse_missing(snippet, reader, nodes)
    made = Constructor(
        cell=name.removesuffix("Cell").lower(),
        is_cell=name.endswith("Cell"),
        arguments=arguments,
        dtype=weights.dtype,
        device=weights.device,
        names_used=frozenset(reader.used),
        spans={argument: snippet.span(node) for argument, node in nodes.items()},
    )
    if refused:
        raise _first_complaint(made, {field: refused.pop(field) for field in list(refused)})  # none is kept in this frame
    return made


def _first_complaint(made: Constructor, refused: dict[str, ConstructorError]) -> ConstructorError:
    """Of all arguments that are wrong the one of which PyTorch complains first, with what it says."""
    first = next(iter(refused.values()))
    try:
        made.config()
    except ConstructorError as error:
        if error.field not in refused:
            return error
        first = refused[error.field]
        quote = getattr(error.__cause__, "torch", None)
        if quote is not None and "PyTorch" not in first.message:
            first.message += f' (torch: "{quote}")'
    return first


def parse_definition(text: str) -> tuple[str, int | float | bool | str]:
    """``("hid_dim", 512)`` for ``"hid_dim=512"``: a name, dotted or not, and a number, ``True``, ``False`` or a word.

    Raises:
        ConstructorError: where it is anything else.

    >>> parse_definition("args.hidden=2*256")
    ('args.hidden', 512)
    """
    from .pasted.code_snippet import parse_name, parse_word

    left, equals, right = (part.strip() for part in text.partition("="))
    if not (left and equals and right):
        raise ConstructorError(f"--define {shorten(text)}: must be NAME=VALUE", fix="Write it like hid_dim=512.")
    return parse_name(left), parse_word(right)


def format_constructor(config: RNNConfig) -> str:
    """The shortest constructor call for ``config``, ready to paste: sizes by position, the rest by keyword.

    >>> format_constructor(RNNConfig("rnn", 10, 20, num_layers=2, bidirectional=True))
    'nn.RNN(10, 20, num_layers=2, bidirectional=True)'
    """
    arguments = [str(config.input_size), str(config.hidden_size)]
    if config.num_layers != 1:
        arguments.append(f"num_layers={config.num_layers}")
    if config.nonlinearity not in (None, *config.definition.nonlinearities[:1]):
        arguments.append(f"nonlinearity={config.nonlinearity!r}")
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
