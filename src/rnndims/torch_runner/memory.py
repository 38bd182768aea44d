"""How much memory a run needs, in closed form, and how much the machine has: refused before the machine swaps."""

import os
import sys
from pathlib import Path
from typing import Any, Final

from .. import cost, shapes
from ..config import DataConfig, RNNConfig
from ..errors import MachineError, shorten

LIMIT: Final = 2**63 - 1
"""PyTorch counts sizes and bytes in signed 64-bit integers."""

STEP_OVERHEAD: Final = 700
"""Bytes that PyTorch's own bookkeeping takes for each step and direction where it runs step by step (measured)."""


def check_countable(config: RNNConfig, data: DataConfig) -> None:
    """Refuse what PyTorch cannot even describe: a tensor or weight of 2**63 bytes or more.

    Raises:
        MachineError: naming the largest of them.
    """
    sizes: list[tuple[int, str, shapes.Shape]] = [(t.bytes, t.name, t.shape) for t in shapes.tensors(config, data).values()]
    rows, above = config.G * config.hidden_size, config.layer_input_size(config.num_layers - 1)
    suffix = "" if config.is_cell else "_l0"
    for name, width in (
        (f"weight_ih{suffix}", config.input_size),
        (f"weight_hh{suffix}", config.H_out),
        (f"weight_ih_l{config.num_layers - 1}" if suffix else "weight_ih", above),
    ):
        sizes.append((rows * width * data.itemsize, name, (rows, width)))
    size, name, shape = max(sizes)
    longest = max(max(shape) for _, _, shape in sizes if shape)
    if size > LIMIT or longest > LIMIT:
        raise MachineError(
            f"{name} {shorten(shape)} has {human(size)}, more than the 64 bits that PyTorch counts in",
            fix="Ask for smaller sizes; `rnndims dims` computes any size without PyTorch.",
        )


def estimate(config: RNNConfig, data: DataConfig) -> int:
    """Bytes that building and running the module takes at its peak: parameters, tensors, and PyTorch's workspace.

    The workspace is what the CPU kernels were seen to take: for each direction the gates of all steps of one layer, two of
    its outputs and a copy of the input (one more to pack it), what is projected, a reordered copy of the weights, and
    bookkeeping for each step.
    """
    itemsize, rows = data.itemsize, config.G * config.hidden_size
    named = shapes.tensors(config, data)
    tensors = sum(tensor.bytes for tensor in named.values())
    parameters = cost.parameters(config) * itemsize
    widest = config.layer_input_size(config.num_layers - 1) if config.num_layers > 1 else 0
    layer = rows * (max(config.input_size, widest) + config.H_out) * itemsize
    steps = cost.valid_steps(config, data)
    outputs = steps * config.D * config.H_out * itemsize
    workspace = layer + config.D * steps * rows * itemsize + (2 * config.D + 1) * outputs
    workspace += (config.D + (data.lengths is not None)) * named["input"].bytes
    if config.proj_size:
        workspace += config.D * steps * config.hidden_size * itemsize
    if not config.is_cell:
        workspace += (data.seq_len or 0) * config.D * STEP_OVERHEAD
    return parameters + tensors + workspace


def check_fits(torch: Any, config: RNNConfig, data: DataConfig, device: Any, copies: int = 1) -> None:
    """Refuse what does not fit into the free memory of ``device`` (and of the host, where the numbers are drawn).

    Args:
        torch: the module.
        config: the module to build.
        data: what it is fed.
        device: a ``torch.device``; ``meta`` needs no memory.
        copies: how many such modules are alive at the same time.

    Raises:
        MachineError: before anything is allocated.
    """
    check_countable(config, data)
    if device.type == "meta":
        return
    need = copies * estimate(config, data)
    free = available_on(torch, device)
    where = f"device {device}"
    if device.type == "cpu":
        where = "this machine"
    else:
        drawn = cost.parameters(config) * data.itemsize + sum(t.bytes for t in shapes.tensors(config, data).values())
        host = available()
        if host is not None and drawn > host:
            need, free, where = drawn, host, "this machine"
    if free is not None and need > free:
        raise MachineError(
            f"this takes about {human(need)} of memory, and {where} has {human(free)} free",
            fix="Ask for smaller sizes, or use the device meta, which computes shapes without allocating anything.",
        )


def available_on(torch: Any, device: Any) -> int | None:
    """Free bytes on ``device``, ``None`` where it does not tell."""
    if device.type in ("cpu", "mps"):
        return available()
    backend = getattr(torch, device.type, None)
    ask = getattr(backend, "mem_get_info", None)
    try:
        return int(ask(device)[0]) if ask is not None else None
    except (RuntimeError, AssertionError, ValueError):
        return None


def available() -> int | None:
    """Bytes that this process can still get without the machine swapping, ``None`` where that cannot be found out."""
    found = [_meminfo(), _cgroup(), _address_space()]
    known = [value for value in found if value is not None]
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
    """What the container may still take: its limit, less what is used and cannot be given back."""
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
        for place in (folder, *folder.parents):
            limit, used = _number(place / limit_name), _number(place / used_name)
            if limit is not None and used is not None:
                cache = [line.split()[1] for line in _lines(str(place / "memory.stat")) if line.startswith(cache_name + " ")]
                left.append(limit - used + (int(cache[0]) if cache else 0))
            if place == Path(root):
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
    """``size`` bytes in the largest unit of which there are ten or more."""
    amount, unit = size, "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if amount < 10 * 1024:
            break
        amount, unit = amount // 1024, larger
    return f"{amount} {unit}" if amount < 10**15 else f"10^{len(str(amount)) - 1} {unit}"
