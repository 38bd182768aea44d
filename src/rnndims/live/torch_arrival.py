"""Tell when the program imports torch: nothing is imported for it, and a program without torch is left alone."""

import sys
from _frozen_importlib_external import PathFinder  # importlib.machinery, which loads more

TYPE_CHECKING = False
"""True for type checkers; see ``program``."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class _Finder:
    """Finds torch as Python would, once, and has a function called when all of it is loaded."""

    def __init__(self, arrived: "Callable[[], None]") -> None:
        self.arrived = arrived

    def find_spec(self, name: str, path: "Sequence[str] | None", target: "ModuleType | None" = None) -> "ModuleSpec | None":
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        loader: Any = None if spec is None else spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            load = loader.exec_module

            def exec_module(module: "ModuleType") -> None:
                load(module)
                del loader.exec_module
                if hasattr(module, "nn"):  # not a file of the user's that is called torch.py
                    self.arrived()

            loader.exec_module = exec_module
        return spec


def when_torch_arrives(arrived: "Callable[[], None]") -> None:
    """Have ``arrived`` called once: as soon as torch is imported, or at once if it already is."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "nn"):
        arrived()
    else:
        sys.meta_path.insert(0, _Finder(arrived))
