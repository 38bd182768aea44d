"""The JSON document of ``concat-demo``."""

from collections.abc import Sequence
from typing import Any

from ..measurements import ConcatDemo, Half
from .json import config_document, data_document, head


def concat_document(demo: ConcatDemo, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Both halves, what they give together, the ways back, and the comparison with the module; ``config`` may be null."""
    dims, comparison = demo.dims_of_module, demo.comparison
    return {
        **head("concat-demo"),
        "config": None if dims is None else config_document(dims.config),
        "data": None if dims is None else data_document(dims.data, dims.config),
        "device": demo.device,
        "torch": demo.torch,
        "forward": _half(demo.forward),
        "reverse": _half(demo.reverse),
        "output": {"dims": demo.dims, **_half(demo.output)},
        "ways_back": [way._asdict() for way in demo.ways_back],
        "layers": [layer._asdict() for layer in demo.layers],
        "matches": comparison.matches,
        "exact": None if comparison.max_abs_diff is None else comparison.max_abs_diff == 0,
        "max_abs_diff": comparison.max_abs_diff,
        "tolerance": comparison.tolerance,
        "notes": notes,
    }


def _half(half: Half) -> dict[str, Any]:
    return {"shape": half.shape, "values": half.values}
