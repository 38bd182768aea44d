"""A diagram as PNG, where a converter is installed (``pip install "rnndims[png]"``)."""

from ..diagrams import Diagram
from ..errors import MachineError
from .svg import render_svg

ZOOM = 2
"""Pixels of the PNG for each pixel of the SVG."""


def render_png(diagram: Diagram) -> bytes:
    """The diagram as a PNG file: its SVG in light colours, twice as large.

    Raises:
        MachineError: if no converter is installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise MachineError(
            "PNG needs a converter that is not installed (resvg-py)",
            fix='Install it with: pip install "rnndims[png]", or write SVG instead.',
        ) from error
    return bytes(svg_to_bytes(svg_string=render_svg(diagram), zoom=ZOOM, monospace_family="DejaVu Sans Mono"))
