"""Shapes, states, weights and cost of PyTorch's recurrent modules; what does not fit, and why.

>>> import rnndims
>>> d = rnndims.dims("nn.RNN(10, 20, num_layers=2, bidirectional=True)", seq_len=5, batch_size=3)
>>> d.tensors["output"].shape, d.tensors["h_n"].shape
((5, 3, 40), (4, 3, 20))
>>> d.states[3].in_output
'output[0, :, 20:40]'
>>> d.weights["weight_ih_l1"].shape, d.totals.parameters
((20, 40), 3760)

Everything public is in ``dir(rnndims)``; each name is imported when it is first used. All else is internal and may change.
"""

TYPE_CHECKING = False
"""True for type checkers. `typing` has it too, but the program is here first, and imports nothing until Ctrl-C is settled."""

if TYPE_CHECKING:
    from typing import Any

    from .api import check, diagram, dims, draw, explain_error, parse, run, summary, watch
    from .checkpoint import Checkpoint, read_checkpoint
    from .config import DataConfig, RNNConfig
    from .cost import Totals
    from .diagnose import Diagnosis, Problem, UnknownMessageError
    from .diagrams import Diagram
    from .errors import ConfigError, ConstructorError, DoesNotFitError, FileError, MachineError, RnndimsError
    from .hooks.explain import explain
    from .measurements import Measured, Run
    from .results import Dims
    from .shapes import Packed, StateRow, Tensor, Weight
    from .shown import Summary, Watch

__version__ = "0.1.0"
__all__ = [
    "Checkpoint",
    "ConfigError",
    "ConstructorError",
    "DataConfig",
    "Diagnosis",
    "Diagram",
    "Dims",
    "DoesNotFitError",
    "FileError",
    "MachineError",
    "Measured",
    "Packed",
    "Problem",
    "RNNConfig",
    "RnndimsError",
    "Run",
    "StateRow",
    "Summary",
    "Tensor",
    "Totals",
    "UnknownMessageError",
    "Watch",
    "Weight",
    "check",
    "diagram",
    "dims",
    "draw",
    "explain",
    "explain_error",
    "parse",
    "read_checkpoint",
    "run",
    "summary",
    "watch",
]

_MODULES = {
    "api": ("check", "diagram", "dims", "draw", "explain_error", "parse", "run", "summary", "watch"),
    "checkpoint": ("Checkpoint", "read_checkpoint"),
    "config": ("DataConfig", "RNNConfig"),
    "cost": ("Totals",),
    "diagnose": ("Diagnosis", "Problem", "UnknownMessageError"),
    "diagrams": ("Diagram",),
    "errors": ("ConfigError", "ConstructorError", "DoesNotFitError", "FileError", "MachineError", "RnndimsError"),
    "hooks.explain": ("explain",),
    "hooks.ipython": ("load_ipython_extension", "unload_ipython_extension"),
    "measurements": ("Measured", "Run"),
    "results": ("Dims",),
    "shapes": ("Packed", "StateRow", "Tensor", "Weight"),
    "shown": ("Summary", "Watch"),
}
"""The module that defines each public name; those of ``%load_ext rnndims`` are for IPython alone."""


def __getattr__(name: str) -> "Any":
    """A public name, imported when it is first used (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            from importlib import import_module

            globals()[name] = value = getattr(import_module(f".{module}", __name__), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return __all__
