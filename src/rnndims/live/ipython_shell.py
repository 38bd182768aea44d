"""The shell of IPython or of a notebook that the program runs in: only one that is there is asked, none is loaded."""

import sys
from typing import Any


def running_shell() -> Any:
    """The ``InteractiveShell``, or ``None``."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if find is None else find()


def cell_name(file: str) -> str | None:
    """What IPython calls a cell by the file of its code, as its tracebacks do: ``Cell In[2]``; ``None`` for other code."""
    name = getattr(getattr(running_shell(), "compile", None), "format_code_name", None)
    words = None if name is None else name(file)
    return None if words is None else " ".join(words)
