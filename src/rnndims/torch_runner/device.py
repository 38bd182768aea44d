"""Which device a name means, and which ones this machine has."""

import warnings
from typing import Any, Final

from ..errors import MachineError

ALWAYS: Final = ("cpu", "meta")
ACCELERATORS: Final = ("cuda", "xpu", "mps")
"""In the order in which ``auto`` prefers them; other back ends work by name."""


def devices(torch: Any) -> list[str]:
    """Names of the devices of this machine, ``["cpu", "meta"]`` at least."""
    found = ["cpu"]
    for kind in ACCELERATORS:
        if not _is_available(torch, kind):
            continue
        found += ["mps"] if kind == "mps" else [f"{kind}:{i}" for i in range(_count(torch, kind))]
    return [*found, "meta"]


def pick_device(torch: Any, name: str) -> Any:
    """The ``torch.device`` called ``name``: ``cpu``, ``meta``, ``cuda``, ``cuda:1``, ``mps``, ..., or ``auto`` for the best.

    Raises:
        MachineError: if there is no such device; the message lists what this machine has.
    """
    if name == "auto":
        return torch.device(next((kind for kind in ACCELERATORS if _is_available(torch, kind)), "cpu"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that PyTorch is about to forget
            device = torch.device(name)
    except (RuntimeError, TypeError, ValueError):
        raise _absent(torch, name, "no device has this name") from None
    kind, index = device.type, device.index
    if kind in ALWAYS or kind == "mps":
        if index:
            raise _absent(torch, name, f"there is only one {kind} device")
        device = torch.device(kind)
    if kind not in ALWAYS:
        if not _is_available(torch, kind):
            raise _absent(torch, name, _why(torch, kind))
        if index is not None and index >= _count(torch, kind):
            raise _absent(torch, name, f"this machine has {_count(torch, kind)} of them, counted from 0")
    return device


def _why(torch: Any, kind: str) -> str:
    if kind == "cuda" and torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return f"this PyTorch ({torch.__version__}) is built without CUDA"
    return f"PyTorch {torch.__version__} finds no usable one here"


def _absent(torch: Any, name: str, why: str) -> MachineError:
    return MachineError(
        why,
        field="device",
        value=name,
        fix=f"This machine has: {', '.join(devices(torch))}. `auto` picks the fastest.",
    )


def _is_available(torch: Any, kind: str) -> bool:
    backend = torch.backends.mps if kind == "mps" else getattr(torch, kind, None)
    ask = getattr(backend, "is_available", None)
    try:
        return bool(ask()) if ask is not None else False
    except (RuntimeError, AssertionError):
        return False


def _count(torch: Any, kind: str) -> int:
    if kind == "mps":
        return 1
    ask = getattr(getattr(torch, kind, None), "device_count", None)
    return int(ask()) if ask is not None else 1
