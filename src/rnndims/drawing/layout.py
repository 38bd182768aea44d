"""Which layout draws which view."""

from importlib import import_module

from ..diagrams import Diagram
from .scene import Metrics, Scene


def layout(diagram: Diagram, m: Metrics, detail: int = 0) -> Scene:
    """The scene of a diagram in the unit of ``m``; the layout of each view says what ``detail`` means."""
    if diagram.view == "unrolled":
        from .unrolled_layout import layout_unrolled

        return layout_unrolled(diagram, m, detail)
    if diagram.view == "cell":
        return _layout_cell(diagram, m, detail)
    from .matmul_layout import layout_matmul

    return layout_matmul(diagram, m, detail)


def _layout_cell(diagram: Diagram, m: Metrics, detail: int) -> Scene:
    """The inside of a cell, by the layout that its definition names.

    In text, ``detail`` 1 leaves out the shapes of biases and gates, 2 those of weights too and writes the activations
    into the gates, and from 3 on the equations are stacked instead.
    """
    if m.text and detail >= 3:
        from .cell_layout import stack_cell

        return stack_cell(diagram, m, detail)
    name = diagram.config.definition.layout or "layered_layout"
    scene: Scene = import_module(f".{name}", __package__).Layout(diagram, m, detail).scene()
    return scene
