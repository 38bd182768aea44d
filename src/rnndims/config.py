"""The arguments of a module and the sizes of its input: the two frozen configurations and all their rules.

The rules are those of ``torch.nn.modules.rnn`` and ``torch.nn.utils.rnn`` (2.13), which the tests compare against.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, NoReturn

from .cells import CELLS, PROJECTION_REFUSED, Cell
from .dtypes import ITEMSIZES, REAL_FUNCTIONS, dtype_name
from .errors import ConfigError, Field, Template
from .weight_names import Direction

LARGEST: Final = 10**100
"""The largest size, far beyond what any computer holds, so products of sizes have few enough digits for Python to print."""

_TYPED_BY_TORCH: Final = ("input_size", "hidden_size", "bias", "batch_first")
"""The arguments whose type PyTorch's constructor checks with a message of its own."""

_SIZES: Final = ("input_size", "hidden_size", "num_layers", "proj_size")

_NOT_UNPACKED: Final = "empty(): argument 'size' failed to unpack the object at pos"
"""What ``torch.empty`` says of a dim after the first that is no int."""


@dataclass(frozen=True, slots=True)
class RNNConfig:
    """The arguments of one recurrent module of ``torch.nn``, or of its single-step class.

    Fields have PyTorch's names and defaults. ``cell`` is a key of ``cells.CELLS`` (``"rnn"``), and ``is_cell`` picks the
    single-step class (``nn.RNNCell`` instead of ``nn.RNN``), which has no layers, directions or time axis.
    ``nonlinearity`` is ``None`` where the cell has no choice of it.

    >>> config = RNNConfig("rnn", 10, 20, num_layers=2, bidirectional=True)
    >>> config.D, config.G, config.H_out
    (2, 1, 20)

    Raises:
        ConfigError: (a ``ValueError``) where PyTorch's constructor would refuse the same arguments.
    """

    cell: str
    input_size: int
    hidden_size: int
    num_layers: int = 1
    nonlinearity: str | None = None
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: int = 0
    is_cell: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.cell, str) or self.cell not in CELLS:
            raise ConfigError("cell", self.cell, f"must be {_either(CELLS)}")
        if type(self.is_cell) is not bool:
            _refuse_type("is_cell", self.is_cell, "a bool")
        if self.is_cell:
            self._check_step_arguments()
        else:
            self._check_layer_arguments()
        for field in _SIZES:
            if getattr(self, field) > LARGEST:
                _refuse_large(field, getattr(self, field))

    def _check_layer_arguments(self) -> None:
        """The arguments of a class with layers, in the order in which PyTorch complains of them."""
        if not self.definition.projects and not self._no_projection():
            refuse_argument("proj_size", self.proj_size, self.definition, self.class_name)
        self._check_nonlinearity()
        self._check_dropout()
        for field in ("bias", "batch_first"):
            if type(getattr(self, field)) is not bool:
                _refuse_type(field, getattr(self, field), "a bool")
        for field in ("input_size", "hidden_size"):
            value = getattr(self, field)
            if not isinstance(value, int):
                _refuse_type(field, value, "an int")
            if value < 1:
                _refuse_small(field, value, 1)
        if _compared("num_layers", self.num_layers, "<=") <= 0:
            _refuse_small("num_layers", self.num_layers, 1)
        self._check_proj_size()
        if not isinstance(self.num_layers, bool):
            wrong = f"{_quoted_type(self.num_layers)} object cannot be interpreted as an integer".strip()
            object.__setattr__(self, "num_layers", _index("num_layers", self.num_layers, torch=wrong))
        for field, first in (("input_size", False), ("hidden_size", self.G == 1), ("proj_size", True)):
            self._set_size(field, getattr(self, field), first=first)
        if isinstance(self.num_layers, bool):  # PyTorch builds the module, and no call of it runs
            _refuse_type("num_layers", self.num_layers, "an int")
        if type(self.bidirectional) is not bool:
            _refuse_type("bidirectional", self.bidirectional, "a bool")

    def _check_step_arguments(self) -> None:
        """The arguments of a single-step class, in the order in which PyTorch complains of them."""
        self._check_single_step()
        if not self.definition.nonlinearities:
            self._check_nonlinearity()
        hidden = self.hidden_size
        if not hasattr(type(hidden), "__mul__"):
            wrong = f"unsupported operand type(s) for *: 'int' and {type(hidden).__name__!r}"
            _refuse_type("hidden_size", hidden, "an int", torch=wrong)
        self._set_size("hidden_size", hidden, first=True)
        self._set_size("input_size", self.input_size, first=False)
        for field in ("hidden_size", "input_size"):
            if getattr(self, field) < 0:
                _refuse_small(field, getattr(self, field), 0)
        if type(self.bias) is not bool:
            object.__setattr__(self, "bias", bool(self.bias))  # PyTorch's cells only ask whether it is true
        self._check_nonlinearity()  # refused only by a call

    def _set_size(self, field: str, value: Any, *, first: bool) -> None:
        """Note a size as an int where ``torch.empty`` takes it; a bool is none where it is the first dim."""
        if type(value) is int:
            return
        if isinstance(value, bool):
            if value and first and not self.is_cell:
                _refuse_type(field, value, "an int", torch=_found(value))
            object.__setattr__(self, field, int(value))
            return
        if field == "proj_size" and value == 0:  # PyTorch only compares it, so 0.0 is none too
            object.__setattr__(self, field, 0)
            return
        at_first = first and (field != "proj_size" or not value > 0)
        object.__setattr__(self, field, _index(field, value, torch=_found(value) if at_first else _NOT_UNPACKED))

    def _no_projection(self) -> bool:
        return type(self.proj_size) is int and self.proj_size == 0

    def _check_nonlinearity(self) -> None:
        choices = self.definition.nonlinearities
        if choices:
            if self.nonlinearity is None:
                object.__setattr__(self, "nonlinearity", choices[0])
            elif self.nonlinearity not in choices:
                raise ConfigError(
                    "nonlinearity", self.nonlinearity, f"must be {_either(choices)}", torch="Unknown nonlinearity"
                )
        elif self.nonlinearity is not None:
            refuse_argument("nonlinearity", self.nonlinearity, self.definition, self.class_name)

    def _check_proj_size(self) -> None:
        _compared("proj_size", self.proj_size, "<")
        if self.proj_size < 0:
            raise ConfigError(
                "proj_size",
                self.proj_size,
                "must be 0 (no projection) or positive",
                torch="proj_size should be a positive integer or zero to disable projections",
            )
        if self.proj_size >= self.hidden_size:
            raise ConfigError(
                "proj_size",
                self.proj_size,
                Template("must be smaller than {hidden_size} {}", self.hidden_size),
                torch="proj_size has to be smaller than hidden_size",
            )

    def _check_dropout(self) -> None:
        value = self.dropout
        if type(value) is float and 0.0 <= value <= 1.0:
            return
        from numbers import Number  # here, because almost every dropout is a float

        rule, number = "must be a number from 0 to 1", value
        try:
            float(number)
        except (TypeError, ValueError, OverflowError) as error:  # None, "a", an int of 400 digits
            raise ConfigError("dropout", value, rule, torch=str(error)) from None
        try:
            fits = isinstance(value, Number) and not isinstance(value, bool) and 0 <= number <= 1
        except (TypeError, ArithmeticError):  # a Decimal that is no number
            fits = False
        if not fits:
            torch = "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            raise ConfigError("dropout", value, rule, torch=torch)
        object.__setattr__(self, "dropout", float(value))

    def _check_single_step(self) -> None:
        if not self._no_projection():
            refuse_argument("proj_size", self.proj_size, self.definition, self.class_name)
        for field, default in (("num_layers", 1), ("batch_first", False), ("dropout", 0.0), ("bidirectional", False)):
            if getattr(self, field) != default:
                raise ConfigError(
                    field,
                    getattr(self, field),
                    f"{self.class_name} has no such argument: a cell is one layer, one direction, one step",
                    torch="got an unexpected keyword argument",
                    fix=Template("Remove {}: it belongs to nn.{}.", Field(field), self.definition.class_name),
                )

    @property
    def definition(self) -> Cell:
        """What the cell is: its gates, states and equations."""
        return CELLS[self.cell]

    @property
    def class_name(self) -> str:
        """``"RNN"``, or ``"RNNCell"`` for a cell: the name in ``torch.nn``."""
        return self.definition.class_name + ("Cell" if self.is_cell else "")

    @property
    def D(self) -> int:  # noqa: N802 - the symbol of PyTorch's documentation
        """Number of directions: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def G(self) -> int:  # noqa: N802
        """Number of gates, so rows of the weights per hidden unit."""
        return len(CELLS[self.cell].gates)

    @property
    def H_out(self) -> int:  # noqa: N802
        """Width of a hidden state: ``proj_size`` if positive, else ``hidden_size``."""
        return self.proj_size or self.hidden_size

    @property
    def directions(self) -> tuple[Direction, ...]:
        """``("forward",)`` or ``("forward", "reverse")``, in the order of the rows of ``h_n``."""
        return ("forward", "reverse") if self.bidirectional else ("forward",)

    def layer_input_size(self, layer: int) -> int:
        """Width of what layer ``layer`` reads: ``H_in`` for layer 0, else ``D * H_out``."""
        return self.input_size if layer == 0 else self.D * self.H_out

    @classmethod
    def from_module(cls, module: Any) -> "RNNConfig":
        """The configuration of an existing recurrent module of ``torch.nn``; torch is not imported.

        Args:
            module: an instance of the class of one of ``cells.CELLS``, of its single-step class, or of a subclass.

        Raises:
            TypeError: if none of the module's classes is one of these.
        """
        kinds = {cell.class_name + end: cell for end in ("", "Cell") for cell in CELLS.values()}
        for base in type(module).__mro__:
            if base.__name__ in kinds and base.__module__.startswith("torch.nn."):
                break
        else:
            raise TypeError(f"expected an {_either(f'nn.{name}' for name in kinds)}, got {type(module).__name__}")
        cell, is_cell = kinds[base.__name__], base.__name__ not in {cell.class_name for cell in CELLS.values()}
        names = {field.name for field in fields(cls)} - {"cell", "is_cell", "nonlinearity"}
        arguments = {name: getattr(module, name) for name in names if hasattr(module, name)}
        if cell.nonlinearities:
            arguments["nonlinearity"] = module.nonlinearity
        if is_cell:
            arguments["bias"] = bool(arguments["bias"])
        if not arguments.get("proj_size"):
            arguments["proj_size"] = 0  # by position PyTorch takes 0.0 and False too
        return cls(cell=cell.name, is_cell=is_cell, **arguments)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The input of the module: its sizes, layout and dtype.

    ``None`` asks for the default, so after construction ``seq_len`` and ``batch_size`` are ``None`` only where
    the data has no such dim: ``batch_size`` for unbatched data.

    Args:
        seq_len: time steps ``L``; default 3, or the longest of ``lengths``.
        batch_size: sequences ``N``; default 2, or the number of ``lengths``.
        unbatched: a single sequence without a batch dim, ``(L, H_in)``.
        lengths: valid steps of each sequence, in any order: the data is then a packed batch.
        dtype: name of a torch dtype that the modules run in; ``torch.half`` and ``half`` mean ``float16``.

    Raises:
        ConfigError: where the sizes contradict each other or PyTorch would refuse them.
    """

    seq_len: int | None = None
    batch_size: int | None = None
    unbatched: bool = False
    lengths: tuple[int, ...] | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if not isinstance(self.dtype, str) or self.dtype not in ITEMSIZES:
            self._normalise_dtype()
        if type(self.unbatched) is not bool:
            _refuse_type("unbatched", self.unbatched, "a bool")
        for field, smallest in (("seq_len", 1), ("batch_size", 0)):
            value = getattr(self, field)
            if value is None:
                continue
            if type(value) is not int:
                value = _index(field, value)
                object.__setattr__(self, field, value)
            if value < smallest:
                _refuse_small(field, value, smallest)
            if value > LARGEST:
                _refuse_large(field, value)
        if self.unbatched and self.batch_size is not None:
            raise ConfigError(
                "batch_size",
                self.batch_size,
                "unbatched data has no batch dim",
                fix=Template("Remove {batch_size} or {unbatched}."),
            )
        if self.lengths is not None:
            lengths = tuple(each if type(each) is int else _index("lengths", each, "ints") for each in self.lengths)
            object.__setattr__(self, "lengths", lengths)
            self._check_lengths(lengths)
        elif self.seq_len is None:
            object.__setattr__(self, "seq_len", 3)
        if self.batch_size is None and not self.unbatched:
            object.__setattr__(self, "batch_size", 2)

    def _check_lengths(self, lengths: tuple[int, ...]) -> None:
        shown = ",".join(map(str, lengths[:20])) + (",..." if len(lengths) > 20 else "")
        if self.unbatched:
            raise ConfigError(
                "lengths",
                shown,
                "unbatched data is a single sequence: it cannot be packed",
                fix=Template("Remove {lengths} or {unbatched}."),
            )
        if not lengths:
            raise ConfigError("lengths", shown, "must have at least one length", torch="Cannot pack empty tensors.")
        if min(lengths) < 1:
            raise ConfigError(
                "lengths", shown, "every length must be at least 1", torch="Length of all samples has to be greater than 0"
            )
        if self.batch_size is not None and self.batch_size != len(lengths):
            raise ConfigError(
                "lengths",
                shown,
                Template(
                    "{} lengths contradict {batch_size} {}: there is one length for each sequence",
                    len(lengths),
                    self.batch_size,
                ),
                torch="Expected `len(lengths)` to be equal to batch_size",
                fix=Template("Remove {batch_size}: it follows from {lengths}."),
            )
        longest = max(lengths)
        if longest > LARGEST:
            _refuse_large("lengths", longest)
        if self.seq_len is not None and longest > self.seq_len:
            raise ConfigError(
                "lengths",
                shown,
                Template("the longest, {}, is more than {seq_len} {}", longest, self.seq_len),
                fix=Template("Remove {seq_len}, or set it to {} or more.", longest),
            )
        object.__setattr__(self, "batch_size", len(lengths))
        if self.seq_len is None:
            object.__setattr__(self, "seq_len", longest)

    def _normalise_dtype(self) -> None:
        name = dtype_name(self.dtype)
        if name not in ITEMSIZES:
            raise ConfigError("dtype", self.dtype, "must be one of " + ", ".join(ITEMSIZES))
        object.__setattr__(self, "dtype", name)

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return ITEMSIZES[self.dtype]


def has_argument(field: str, cell: Cell) -> bool:
    """Whether PyTorch's class of this cell takes the argument ``proj_size`` or ``nonlinearity`` at all, be it the default."""
    return cell.projects if field == "proj_size" else bool(cell.nonlinearities)


def refuse_argument(field: str, value: object, cell: Cell, class_name: str) -> NoReturn:
    """Refuse ``proj_size`` or ``nonlinearity`` for a class that has no such argument.

    Args:
        field: which of the two.
        value: its value.
        cell: the cell.
        class_name: the class in ``torch.nn``, which may be a single-step class.

    Raises:
        ConfigError: always; it names the cells that have the argument.
    """
    others = [other for other in CELLS.values() if has_argument(field, other)]
    classes = _either(other.class_name for other in others)
    if field == "proj_size":
        rule, torch = f"{class_name} has no projections; only {classes} has", PROJECTION_REFUSED
    else:
        rule = f"is only an argument of {classes}; the gates of {cell.class_name} have fixed activations"
        torch = "got an unexpected keyword argument 'nonlinearity'"
    fix = Template("Remove {}, or set {cell} to {}.", Field(field), _either(other.name for other in others))
    raise ConfigError(field, value, rule, torch=torch, fix=fix)


def _compared(field: str, value: Any, sign: str) -> Any:
    """A value that Python can compare with an int.

    Raises:
        ConfigError: where it cannot.
    """
    try:
        bool(value <= 0)
    except (TypeError, ValueError, RuntimeError):
        wrong = f"{sign!r} not supported between instances of {_quoted_type(value)}".rstrip()
        _refuse_type(field, value, "an int", torch=wrong)
    return value


def _quoted_type(value: object) -> str:
    """A type in quotes, as Python's complaints have it; nothing for one that is not Python's own, which they name at length."""
    return repr(type(value).__name__) if type(value).__module__ == "builtins" else ""


def _found(value: object) -> str:
    """What ``torch.empty`` says of the first dim that is no int."""
    name = _quoted_type(value).strip("'")
    element = f", but found element of type {name} at pos 0" if name else ""
    return f"empty(): argument 'size' (position 1) must be tuple of ints{element}"


def _index(field: str, value: Any, wanted: str = "an int", torch: str | None = None) -> int:
    """A whole number as an int, one of NumPy or of torch too; a bool is none."""
    from operator import index

    if isinstance(value, bool):
        _refuse_type(field, value, wanted, torch=torch)
    try:
        return index(value)
    except (TypeError, ValueError, RuntimeError):
        _refuse_type(field, value, wanted, torch=torch)


def check_dtype(config: RNNConfig, dtype: str) -> None:
    """Refuse a dtype in which PyTorch builds this module and cannot run it.

    Raises:
        ConfigError: if a function of the cell exists for real numbers only.
    """
    if not runs_in(config, dtype):
        raise ConfigError(
            "dtype",
            dtype,
            f"PyTorch builds nn.{config.class_name} with {config.nonlinearity} in {dtype}, and cannot run it",
            torch=REAL_FUNCTIONS[str(config.nonlinearity)],
            fix=Template("Use a real dtype, or set {nonlinearity} to tanh."),
        )


def runs_in(config: RNNConfig, dtype: str) -> bool:
    """Whether PyTorch can run the module in this dtype, which is one of ``ITEMSIZES``."""
    return config.nonlinearity not in REAL_FUNCTIONS or not dtype.startswith("complex")


def _refuse_type(field: str, value: object, wanted: str, *, torch: str | None = None) -> NoReturn:
    """Refuse a value of a wrong type; ``wanted`` is like ``"an int"``."""
    if torch is None and field in _TYPED_BY_TORCH:
        torch = f"{field} should be of type {wanted.rsplit(maxsplit=1)[-1]}"
    raise ConfigError(
        field,
        value if value != "" else "''",
        f"must be {wanted}, not {type(value).__name__}",
        torch=torch,
    )


def _refuse_small(field: str, value: int, smallest: int) -> NoReturn:
    """Refuse a size below ``smallest``, which is 0 or 1."""
    torch = "Trying to create tensor with negative dimension"
    if smallest and field != "seq_len":
        torch = f"{field} must be greater than zero"
    if field == "seq_len" and value == 0:
        torch = "Expected sequence length to be larger than 0 in RNN"
    raise ConfigError(field, value, f"must be {smallest} or more", torch=torch)


def _refuse_large(field: str, value: int) -> NoReturn:
    """Refuse a size above ``LARGEST``."""
    raise ConfigError(field, value, "must be at most 10**100")


def _either(names: Iterable[str]) -> str:
    """``"a"``, ``"a or b"``, ``"a, b or c"``."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
