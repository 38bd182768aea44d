"""The names of parameters as PyTorch writes them: ``weight_ih_l1_reverse`` <-> kind, layer and direction."""

import re
from typing import Final, Literal, NamedTuple

Direction = Literal["forward", "reverse"]

KINDS: Final = ("weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh")
"""What a parameter does: it multiplies the input (``ih``) or the state (``hh``), projects (``hr``), or is added."""

PATTERN: Final = rf"(?P<kind>{'|'.join(KINDS)})(?:_l(?P<layer>0|[1-9][0-9]{{0,8}})(?P<reverse>_reverse)?)?"
"""Regular expression of a parameter's own name: ``bias_hh`` of a cell, ``weight_ih_l0``, ``weight_hr_l12_reverse``."""


class ParameterName(NamedTuple):
    """The parts of a parameter's name; ``layer`` is ``None`` in a cell."""

    kind: str
    layer: int | None
    direction: Direction


def suffix(layer: int | None, direction: Direction = "forward") -> str:
    """What follows the kind: nothing in a cell, else layer and direction.

    >>> suffix(None), suffix(0), suffix(1, "reverse")
    ('', '_l0', '_l1_reverse')
    """
    if layer is None:
        return ""
    return f"_l{layer}_reverse" if direction == "reverse" else f"_l{layer}"


def parse_parameter(name: str) -> ParameterName | None:
    """The parts of a parameter's own name; ``None`` where PyTorch has no such name.

    >>> parse_parameter("weight_ih_l1_reverse")
    ParameterName(kind='weight_ih', layer=1, direction='reverse')
    >>> parse_parameter("bias_hh").layer, parse_parameter("weight_ih_l01"), parse_parameter("encoder.weight_ih")
    (None, None, None)
    """
    match = re.fullmatch(PATTERN, name)  # compiled at the first name: closed-form answers read none
    if match is None:
        return None
    layer = None if match["layer"] is None else int(match["layer"])
    return ParameterName(match["kind"], layer, "reverse" if match["reverse"] else "forward")
