"""A pasted model in place of a constructor: its RNN is the module of ``check``, and what stands around the RNN is checked too.

Internal: ``rnndims.check`` and ``rnndims.explain_error`` are the public names.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .config import RNNConfig
from .diagnose import Call, Diagnosis, embedding_problem, sequential_problem
from .errors import ConfigError
from .phrases import shape_text
from .request import ModuleRequest, NameOf, request_module

if TYPE_CHECKING:
    from .pasted.model_code import ModelCode


class ModelRequest(NamedTuple):
    """The module of a question, and the pasted model that it is a part of.

    Attributes:
        module: the RNN.
        model: what the model tells; ``None`` where a constructor was pasted, or nothing.
    """

    module: ModuleRequest
    model: "ModelCode | None" = None

    @property
    def has_own_problem(self) -> bool:
        """Whether something does not fit in the model itself, whatever it is called with."""
        return self.model is not None and (self.model.after is not None or _embeds_wrongly(self.model, self.module.config))

    def place(self, call: Call) -> tuple[Call, tuple[str, ...]]:
        """The call of the RNN where the model gets ``call``, what reads its results if nothing is stated, and notes on that."""
        return (call, ()) if self.model is None else _with_model(self.model, self.module.config, call)

    def complete(self, diagnosis: Diagnosis) -> Diagnosis:
        """The diagnosis with what does not fit around the RNN, where it is not that of a message."""
        model, config = self.model, self.module.config
        if model is None or diagnosis.error is not None:
            return diagnosis
        if model.after is not None:
            first = sequential_problem(model.after, model.repaired)
            diagnosis = replace(diagnosis, problems=(first, *diagnosis.problems), results={})
        if model.embedding_dim is not None and _embeds_wrongly(model, config):
            found = embedding_problem(config, model.embedding_dim)
            others = [each for each in diagnosis.problems if (each.tensor, each.cause) != (found.tensor, found.cause)]
            diagnosis = replace(diagnosis, problems=(found, *others), results={}, uses={})
        return diagnosis


def request_model(
    code: str | None,
    arguments: Mapping[str, Any] | None = None,
    define: Mapping[str, int | float | bool | str] | None = None,
    *,
    rnn: str | None = None,
    name: NameOf = str,
) -> ModelRequest:
    """The module of a question whose code may be a class or an ``nn.Sequential``.

    Args:
        code: the pasted code.
        arguments: as for ``request_module``.
        define: as for ``request_module``.
        rnn: which RNN of the model is meant, where it has several.
        name: as for ``request_module``.

    Raises:
        ConstructorError: where the code cannot be read, or it is not clear which RNN is meant.
        ConfigError: as for ``request_module``, or where ``rnn`` is stated and no model is pasted.
    """
    if code is None or not _is_model(code):
        if rnn is not None:
            raise ConfigError("name", rnn, "it chooses an RNN of a pasted class or nn.Sequential, and none is pasted")
        return ModelRequest(request_module(code, arguments, define, name=name))
    from .constructor import parse_constructor
    from .pasted.model_code import read_model

    stated = define or {}
    for unknown in stated:
        if unknown not in code:
            raise ConfigError("define", unknown, "the pasted code has no such name")
    model = read_model(code, stated, rnn)
    used = parse_constructor(model.constructor, model.names).names_used
    values = {known: value for known, value in model.names.items() if known in used}
    return ModelRequest(request_module(model.constructor, arguments, values, name=name), model)


def _is_model(code: str) -> bool:
    from .pasted.model_code import is_model

    return is_model(code)


def _embeds_wrongly(model: "ModelCode", config: RNNConfig) -> bool:
    """Whether an embedding makes vectors that the RNN does not take."""
    return model.embedding_dim is not None and model.embedding_dim != config.input_size


def _with_model(model: "ModelCode", config: RNNConfig, call: Call) -> tuple[Call, tuple[str, ...]]:
    """The call with what the model does before and after the RNN, where nothing else is stated, and the notes on that."""
    notes: tuple[str, ...] = ()
    tokens, width = call.input, model.embedding_dim
    if tokens is not None and width is not None and not config.is_cell and len(tokens) in (1, 2):
        of_ints = call.input_dtype is not None and "int" in call.input_dtype
        if of_ints or len(tokens) == 1 or tokens[-1] not in (width, config.input_size):
            notes += (
                f"The input {shape_text(tokens)} is what nn.Embedding reads; the RNN gets {shape_text((*tokens, width))}.",
            )
            call = replace(call, input=(*tokens, width), input_dtype=None if of_ints else call.input_dtype)
    if call.input and width is not None and _embeds_wrongly(model, config):
        call = replace(call, input=(*call.input[:-1], width))
    if call.linear is not None or call.uses:
        return call, notes
    if call.loss is not None and not model.ends_there:
        notes += (_UNKNOWN_SCORES,)
        call = replace(call, loss=None, target=None)
    if model.linear is None:
        return call, notes
    if model.use is not None and not model.use:
        return call, (*notes, _UNCERTAIN)
    uses = () if model.use is None else (model.use,)
    linear = model.linear
    return replace(call, uses=uses, linear=linear.in_features, linear_out=linear.out_features), notes


_UNCERTAIN: Final = "What forward does with the results is not certain from the code: state it with --uses and --linear."
_UNKNOWN_SCORES: Final = (
    "The loss is not checked: the code does not show what it gets. State the last result with --uses, or paste the RNN alone."
)
