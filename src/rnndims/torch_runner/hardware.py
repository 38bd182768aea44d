"""What this machine has: which devices there are, and whether a module fits into their free memory."""

import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from .. import cost
from ..errors import MachineError, shorten
from ..results import Dims
from ..shapes import Tensor, Weight

ALWAYS: Final = ("cpu", "meta")
"""Devices that every PyTorch has."""

ACCELERATORS: Final = ("cuda", "xpu", "mps")
"""Device types in the order in which ``auto`` tries them; others work if they are named."""


def devices(torch: Any) -> list[str]:
    """Names of this machine's devices, ``["cpu", "meta"]`` at least."""
    names = ["cpu"]
    for kind in ACCELERATORS:
        if not _is_available(torch, kind):
            continue
        names += ["mps"] if kind == "mps" else [f"{kind}:{i}" for i in range(_count(torch, kind))]
    return [*names, "meta"]


def pick_device(torch: Any, name: str) -> Any:
    """The ``torch.device`` called ``name``: ``cpu``, ``meta``, ``cuda``, ``cuda:1``, ``mps``, ..., or ``auto`` for the best.

    Raises:
        MachineError: if there is no such device; the message lists what this machine has.
    """
    if name == "auto":
        return torch.device(next((kind for kind in ACCELERATORS if _is_available(torch, kind)), "cpu"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that PyTorch will remove
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
    return f"PyTorch {torch.__version__} cannot use such a device on this machine"


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


LIMIT: Final = 2**63 - 1
"""The largest size, and the most bytes: PyTorch counts both in signed 64-bit integers."""

STEP_OVERHEAD: Final = 700
"""Bytes that PyTorch's own bookkeeping takes for each step and direction where it runs step by step (measured)."""


def check_countable(dims: Dims) -> None:
    """Refuse what PyTorch cannot even describe: a tensor or weight of 2**63 bytes or more.

    Raises:
        MachineError: with the name of the largest.
    """
    sized: list[Tensor | Weight] = [*dims.tensors.values(), *dims.weights.values()]
    largest = max(sized, key=lambda each: each.bytes)
    longest = max(max(each.shape, default=0) for each in sized)
    if largest.bytes > LIMIT or longest > LIMIT:
        raise MachineError(
            f"{largest.name} {shorten(largest.shape)} has {human(largest.bytes)}, more than PyTorch can count in 64 bits",
            fix="Ask for smaller sizes. `rnndims dims` computes any size without PyTorch.",
        )


def estimate(dims: Dims) -> int:
    """Bytes that building and running the module takes at its peak: parameters, tensors, and PyTorch's workspace.

    The workspace was measured on the CPU: for each direction the gates of all steps of one layer, two of its outputs and a
    copy of the input (one more to pack it), what is projected, a reordered copy of the weights, and bookkeeping for each
    step.
    """
    config, data = dims.config, dims.data
    itemsize, rows = data.itemsize, config.G * config.hidden_size
    tensors = sum(tensor.bytes for tensor in dims.tensors.values())
    widest = config.layer_input_size(config.num_layers - 1) if config.num_layers > 1 else 0
    layer = rows * (max(config.input_size, widest) + config.H_out) * itemsize
    steps = cost.valid_steps(config, data)
    outputs = steps * config.D * config.H_out * itemsize
    workspace = layer + config.D * steps * rows * itemsize + (2 * config.D + 1) * outputs
    workspace += (config.D + (data.lengths is not None)) * dims.tensors["input"].bytes
    if config.proj_size:
        workspace += config.D * steps * config.hidden_size * itemsize
    if not config.is_cell:
        workspace += (data.seq_len or 0) * config.D * STEP_OVERHEAD
    return dims.totals.parameter_bytes + tensors + workspace


def check_fits(torch: Any, dims: Dims, device: Any, copies: int = 1) -> None:
    """Refuse what does not fit into the free memory of ``device`` (and of the host, where the numbers are drawn).

    Args:
        torch: the module.
        dims: the module to build, and its input.
        device: a ``torch.device``; ``meta`` needs no memory.
        copies: how many such modules are alive at the same time.

    Raises:
        MachineError: before anything is allocated.
    """
    check_countable(dims)
    if device.type == "meta":
        return
    need = copies * estimate(dims)
    free = available_on(torch, device)
    where = f"device {device}"
    if device.type == "cpu":
        where = "this machine"
    else:
        drawn = dims.totals.parameter_bytes + sum(tensor.bytes for tensor in dims.tensors.values())
        host = available()
        if host is not None and drawn > host:
            need, free, where = drawn, host, "this machine"
    if free is not None and need > free:
        raise MachineError(
            f"this takes about {human(need)} of memory, and {where} has {human(free)} free",
            fix="Ask for smaller sizes, or use the device meta: it computes shapes and allocates nothing.",
        )


def available_on(torch: Any, device: Any) -> int | None:
    """Free bytes on ``device``; ``None`` if they cannot be read."""
    if device.type in ("cpu", "mps"):
        return available()
    backend = getattr(torch, device.type, None)
    ask = getattr(backend, "mem_get_info", None)
    try:
        return int(ask(device)[0]) if ask is not None else None
    except (RuntimeError, AssertionError, ValueError):
        return None


def available() -> int | None:
    """Bytes that this process can still allocate before the machine swaps; ``None`` if they cannot be read."""
    known = [value for value in (_meminfo(), _cgroup(), _address_space()) if value is not None]
    if not known:
        fallback = _windows() if sys.platform == "win32" else _physical()
        known = [] if fallback is None else [fallback]
    return max(0, min(known)) if known else None


def _meminfo() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _cgroup() -> int | None:
    """Bytes that the container may still allocate: its limit, less the memory in use that cannot be freed."""
    folders = []
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folders.append(("/sys/fs/cgroup", path, "memory.max", "memory.current", "inactive_file"))
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            folders.append(("/sys/fs/cgroup/memory", path, *names))
    left: list[int] = []
    for root, path, limit_name, used_name, cache_name in folders:
        folder = Path(root) / path.lstrip("/")
        for level in (folder, *folder.parents):
            limit, used = _number(level / limit_name), _number(level / used_name)
            if limit is not None and used is not None:
                cache = [line.split()[1] for line in _lines(str(level / "memory.stat")) if line.startswith(cache_name + " ")]
                left.append(limit - used + (int(cache[0]) if cache else 0))
            if level == Path(root):
                break
    return min(left, default=None)


def _address_space() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return None
    pages = _lines("/proc/self/statm")
    used = int(pages[0].split()[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0
    return soft - used


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in ("total", "free", "t_page", "f_page", "t_virtual", "f_virtual", "extended")
            ),
        )

    status = Status()
    status.length = ctypes.sizeof(Status)
    windll: Any = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    lines = _lines(str(path))
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def human(size: int) -> str:
    """``size`` bytes in the largest unit of which there are ten or more: ``58 KiB``."""
    amount, unit = size, "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if amount < 10 * 1024:
            break
        amount, unit = amount // 1024, larger
    return f"{amount} {unit}" if amount < 10**15 else f"10^{len(str(amount)) - 1} {unit}"
