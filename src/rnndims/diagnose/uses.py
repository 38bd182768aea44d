"""How results are used: ``output[:, -1]``, ``h_n.view(3, -1)`` as text, followed dim by dim without running anything."""

from dataclasses import dataclass, replace
from typing import Final

from ..axes.call_results import NamedInt, usual_names
from ..axes.expressions import Followed, follow
from ..axes.misuse import Misuse, misuses
from ..axes.named_tensor import ExpressionError, NamedTensor, RefusedError
from ..config import DataConfig, RNNConfig
from ..errors import ConfigError, shorten
from ..shapes import Shape
from .call import Call, input_data
from .problem import Caution, Problem

_ANY_SIZES: Final = (DataConfig(seq_len=100_003, batch_size=100_019), DataConfig(seq_len=100_043, batch_size=100_049))
"""Two inputs whose sizes occur nowhere: what is said of both does not depend on the input."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is known of one use of the results.

    Attributes:
        text: the expression, of several statements the last one.
        shape: its shape; ``None`` where it is not known, or no tensor.
        source: the tensor that it is a part of: ``output``, ``h_n``; ``None`` where it is of several, or not known.
        width: the last dim of it, or of what an unknown function reads in ``fc(out[:, -1])``; ``None`` where it is not known.
        problem: why PyTorch refuses it.
        warnings: what runs and is wrong.
        notes: what is worth knowing, and what could not be followed.
    """

    text: str
    shape: Shape | None = None
    source: str | None = None
    width: int | None = None
    problem: Problem | None = None
    warnings: tuple[Caution, ...] = ()
    notes: tuple[str, ...] = ()


def read_uses(config: RNNConfig, call: Call, *, runs: bool) -> list[Use]:
    """Follow every use of the results of a call.

    Args:
        config: the module.
        call: the shapes, and the uses.
        runs: whether PyTorch accepts the call. If not, sizes of the results are not known.

    Raises:
        ConfigError: if a use is all that is asked and cannot be read.
    """
    alone = replace(call, uses=(), weight_dtype="float32") == Call()
    return [_read(text, config, call, runs=runs, alone=alone) for text in dict.fromkeys(call.uses)]


def _read(text: str, config: RNNConfig, call: Call, *, runs: bool, alone: bool) -> Use:
    data = input_data(config, call) if runs else None
    inputs = (data,) if data is not None else _ANY_SIZES
    try:
        followed = [_follow(text, config, one) for one in inputs]
    except ExpressionError as error:
        if alone:
            raise ConfigError("uses", text, error.message, fix="Write it like output[:, -1] or h_n.view(3, -1).") from None
        return Use(text, notes=(f"{shorten(text)} {error.message}, so this use is not checked.",))
    layout_known = call.lengths is not None or bool(call.states) or call.h_n is not None or call.c_n is not None
    found = [misuses(one, config, input_, layout_known=layout_known) for one, input_ in zip(followed, inputs, strict=True)]
    said = _said_of_both(found[0], found[-1])
    one, last = (_end(each) for each in (followed[0], followed[-1]))
    shown = followed[0].text
    use = Use(
        shown,
        source=next(iter(one.sources)) if one is not None and len(one.sources) == 1 else None,
        width=one.sizes[-1] if one and last and one.ndim and last.ndim and one.sizes[-1] == last.sizes[-1] else None,
        warnings=_warnings(said),
        notes=_notes(said, followed[0]),
    )
    if data is not None:
        value, refused = followed[0].value, followed[0].refused
        return replace(
            use,
            shape=value.sizes if isinstance(value, NamedTensor) else None,
            problem=None if refused is None else _refused(followed[0], refused, config),
        )
    if followed[0].refused is not None and not said:
        needed = "the shape of input" if call.input is None else "a call that gives results"
        return replace(use, notes=(*use.notes, f"{shorten(shown)} is not checked: its sizes need {needed}."))
    return use


def _said_of_both(one: list[Misuse], other: list[Misuse]) -> list[Misuse]:
    """What is said of an expression for two inputs; a fix that depends on the input becomes advice."""
    found = []
    for misuse, twin in zip(one, other, strict=False):
        if misuse.message == twin.message:
            advice = misuse.advice if misuse.advice == twin.advice else None
            same = replace(misuse, fix=misuse.fix if misuse.fix == twin.fix else None, advice=advice)
            found.append(same if same.fix or same.advice else replace(same, advice="Move dims with transpose or permute."))
    return found


def _follow(text: str, config: RNNConfig, data: DataConfig) -> Followed:
    """Follow a text; ``H`` is the width of the results, and in ``x.view(L, N, H)`` that of the input."""
    names = usual_names(config, data)
    followed = follow(text, names)
    if followed.refused is not None and set(followed.spelling) == {"input"}:
        of_input = follow(text, {**names, "H": NamedInt(config.input_size, "H_in")})
        return followed if of_input.refused else of_input
    return followed


def _end(followed: Followed) -> NamedTensor | None:
    """The value, or what the last unknown function reads."""
    last = followed.trail[-1] if followed.trail else None
    value = last.arguments[0] if last is not None and last.name == "call" else followed.value
    return value if isinstance(value, NamedTensor) else None


def _warnings(found: list[Misuse]) -> tuple[Caution, ...]:
    return tuple(
        Caution(kind=misuse.kind, message=misuse.message, fix=misuse.fix, advice=misuse.advice)
        for misuse in found
        if misuse.certain
    )


def _notes(found: list[Misuse], followed: Followed) -> tuple[str, ...]:
    notes = [misuse.message for misuse in found if not misuse.certain]
    if followed.gap is not None:
        notes.append(f"{shorten(followed.text)} is checked only in part: {followed.gap}.")
    return tuple(notes)


def _refused(followed: Followed, refused: RefusedError, config: RNNConfig) -> Problem:
    """An expression that PyTorch does not run."""
    last = followed.trail[-1] if followed.trail else None
    inside = f" in {last.text}" if last is not None and last.text != followed.text else ""
    tensor = next(iter(followed.spelling), "h_1" if config.is_cell else "output")
    shapes = [argument.sizes for argument in (last.arguments if last is not None else ()) if isinstance(argument, NamedTensor)]
    quoted = refused.kind not in ("TypeError", "SyntaxError")  # of these only the sense is PyTorch's
    return Problem(
        tensor=tensor,
        got=shapes[0] if shapes else None,
        cause="other",
        message=f"{followed.text} fails{inside}: {refused.kind}." if quoted else f"{followed.text} fails{inside}: {refused}.",
        torch=refused.message if quoted else None,
        advice="Use sizes and dims that fit the shape." if quoted else "Look up the arguments in PyTorch's documentation.",
    )
