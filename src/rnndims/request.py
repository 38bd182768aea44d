"""What the arguments of one question ask for together: the module and its input.

The rules about what goes together are here and in ``file_request``, for plain values: the command line and the public functions
fill them in alike. An argument that is absent from a mapping was not stated. Errors and notes name fields (``hidden_size``);
``name`` turns those of notes, and the error boundary those of errors, into the user's words (``--hidden-size``). Internal:
``rnndims.dims`` and ``rnndims.run`` are the public names.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from .cells import CELLS
from .config import DataConfig, RNNConfig, has_argument, refuse_argument
from .errors import ConfigError, ConstructorError, RnndimsError, Template, shorten

NameOf = Callable[[str], str]
"""Turns a field into the user's word for it."""

DEFAULT_MODULE: Final[dict[str, Any]] = {"cell": "rnn", "input_size": 4, "hidden_size": 2}
"""The module of a question that states none."""


class ModuleRequest(NamedTuple):
    """A module.

    Attributes:
        config: its configuration.
        dtype: the dtype that pasted code or a live module has, ``None`` if neither sets one.
        device: the device that pasted code sets, ``None`` if it sets none.
        notes: what the user should know about how the question was understood.
    """

    config: RNNConfig
    dtype: str | None = None
    device: str | None = None
    notes: tuple[str, ...] = ()


def request_module(
    code: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    define: Mapping[str, int | float | bool | str] | None = None,
    *,
    name: NameOf = str,
) -> ModuleRequest:
    """The module of a question.

    Args:
        code: a pasted constructor.
        arguments: fields of ``RNNConfig`` that were stated. They override the code; without code, the rest is
            ``DEFAULT_MODULE`` and PyTorch's defaults.
        define: values for the names in the code.
        name: for the notes.

    Raises:
        ConstructorError: where the code cannot be read.
        ConfigError: where PyTorch would refuse an argument, or ``define`` has a name that the code has not.
    """
    arguments, define = arguments or {}, define or {}
    if code is None:
        if define:
            raise ConfigError(
                "define", next(iter(define)), "there is no pasted code with this name", fix=Template("Add a {module}.")
            )
        _refuse_unsupported(arguments.get("cell", DEFAULT_MODULE["cell"]), arguments)
        return ModuleRequest(RNNConfig(**{**DEFAULT_MODULE, **arguments}))
    from .constructor import parse_constructor

    try:
        pasted = parse_constructor(code, define)
    except ConstructorError as error:
        from .file_types import CHECKPOINTS

        if code.endswith(CHECKPOINTS):
            fix = f"A checkpoint? `rnndims weights {code}` shows its RNNs, and `rnndims run --weights {code}` runs one."
            raise RnndimsError(error.message, fix=fix) from error
        raise
    for unused in define.keys() - pasted.names_used:
        raise ConfigError("define", unused, "the pasted code has no such name")
    _refuse_unsupported(arguments.get("cell", pasted.cell), arguments)
    written = {"cell": pasted.cell, **pasted.arguments}
    notes = (
        f"{name(field)} {shorten(value)} overrides {field}={shorten(written[field])} of the pasted code"
        for field, value in arguments.items()
        if field in written and written[field] != value
    )
    return ModuleRequest(pasted.config(**arguments), pasted.dtype, pasted.device, tuple(notes))


def _refuse_unsupported(cell: str, arguments: Mapping[str, Any]) -> None:
    """Refuse what PyTorch refuses even at its default: ``proj_size=0``, ``nonlinearity='tanh'`` of a class without it."""
    definition = CELLS.get(cell)
    for field in ("proj_size", "nonlinearity"):
        if definition is not None and field in arguments and not has_argument(field, definition):
            refuse_argument(field, arguments[field], definition, definition.class_name)


def request_data(module: ModuleRequest, arguments: Mapping[str, Any] | None = None) -> DataConfig:
    """The input of a question, of the module's dtype unless another was stated.

    Args:
        module: the module.
        arguments: fields of ``DataConfig`` that were stated.

    Raises:
        ConfigError: where the sizes contradict each other or PyTorch would refuse them.
    """
    values = dict(arguments or {})
    if module.dtype is not None:
        values.setdefault("dtype", module.dtype)
    return DataConfig(**values)
