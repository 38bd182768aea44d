"""Which layout draws which view."""

from ..diagrams import Diagram
from .scene import Metrics, Scene


def layout(diagram: Diagram, m: Metrics, detail: int = 0) -> Scene:
    """The scene of a diagram in the given unit."""
    if diagram.view == "unrolled":
        from .unrolled_layout import layout_unrolled

        return layout_unrolled(diagram, m, detail)
    if diagram.view == "cell":
        from .cell_layout import layout_cell

        return layout_cell(diagram, m, detail)
    from .matmul_layout import layout_matmul

    return layout_matmul(diagram, m, detail)
