"""The device and the dtype that pasted code sets for its weights: ``device=``, ``dtype=`` and ``.to(...)``."""

import ast
from typing import Final

from ..dtypes import ITEMSIZES, dtype_name
from ..errors import ConstructorError
from .code_snippet import Snippet, ValueReader, dotted

_DEVICES: Final = frozenset(
    (
        *("cpu", "cuda", "mps", "meta", "xpu", "xla", "hpu", "mtia", "hip", "ipu", "ve", "fpga", "maia", "lazy"),
        *("vulkan", "mkldnn", "opengl", "opencl", "ideep", "privateuseone"),
    )
)
"""The device types that PyTorch accepts in a string."""

_CAST_METHODS: Final = {"half": "float16", "float": "float32", "double": "float64", "bfloat16": "bfloat16"}
"""Methods of a module that change its dtype, if it is not complex: they convert floats to floats."""

_DEVICE_METHODS: Final = ("cpu", "cuda", "xpu", "ipu", "mtia")
"""Methods of a module that move it to the device of the same name."""

_NEUTRAL_METHODS: Final = ("to", "type", "eval", "train", "requires_grad_", "share_memory", "to_empty")
"""Other methods that return the module; ``to`` may change both, and ``type`` the dtype."""

METHODS: Final = frozenset((*_CAST_METHODS, *_DEVICE_METHODS, *_NEUTRAL_METHODS))
"""The methods that return the module itself, so they may follow a constructor call."""


class DeviceAndDtype:
    """The device and the dtype of the weights, as the arguments and then ``.to(...)``, ``.half()`` and their like say.

    Attributes:
        dtype: torch's name of the dtype; ``None`` if the code sets none.
        device: the device (``"cuda:0"``); ``None`` if the code sets none, or only running it would tell which.
    """

    def __init__(self, snippet: Snippet, reader: ValueReader) -> None:
        self.snippet = snippet
        self.reader = reader
        self.dtype: str | None = None
        self.device: str | None = None

    def read_dtype(self, node: ast.AST) -> None:
        """Read ``dtype=``; a name without a value is noted as missing.

        Raises:
            ConstructorError: if it is no dtype.
        """
        value = self._dtype(node)
        if value is None and not _is_none(node):
            path = dotted(node)
            if path is None or path in ("int", "bool") or path.startswith("torch."):
                raise self._bad_dtype(node)
            self.reader.named(path, node)
        self.dtype = value

    def read_device(self, node: ast.AST) -> None:
        """Read ``device=``; a name without a value is not missing, because no shape depends on it.

        Raises:
            ConstructorError: if it is no device.
        """
        if not self._set_device(node):
            raise self.snippet.error(
                f"{self.snippet.text(node)} is no device",
                node,
                fix="Write a device such as 'cuda:0', or remove it.",
                field="device",
            )

    def apply(self, call: ast.Call) -> None:
        """Apply a method call of ``METHODS`` after the constructor: ``.to("cuda")``, ``.half()``.

        Raises:
            ConstructorError: if an argument of ``.to`` is neither a device nor a dtype.
        """
        method = call.func.attr  # type: ignore[attr-defined]
        if method in _CAST_METHODS:
            if not (self.dtype or "").startswith("complex"):
                self.dtype = _CAST_METHODS[method]
        elif method in _DEVICE_METHODS:
            self._move(method, call)
        elif method == "type" and len(call.args) == 1:
            if self._dtype(call.args[0]) is None:
                raise self._bad_dtype(call.args[0])
            self.dtype = self._dtype(call.args[0])
        elif method == "to_empty":
            for node in (*call.args, *(keyword.value for keyword in call.keywords)):
                self._set_device(node)
        elif method == "to":
            before = self.device
            for node in (*call.args, *(keyword.value for keyword in call.keywords)):
                dtype = self._dtype(node)
                if dtype is not None:
                    self.dtype = dtype
                elif not self._set_device(node) and not self._is_flag(node):
                    raise self.snippet.error(
                        f"{self.snippet.text(node)} is neither a device nor a dtype",
                        node,
                        fix="Write .to('cuda') or .to(torch.float16).",
                    )
            after, self.device = self.device, before
            if after is not None or before is None:
                self._move(after, call)
            else:
                self.device = None

    def _move(self, device: str | None, call: ast.Call) -> None:
        """Note that the module moves; from ``meta`` it cannot, since it has no numbers there.

        Raises:
            ConstructorError: where PyTorch would refuse to move it.
        """
        if (self.device or "").partition(":")[0] == "meta" and device is not None and device.partition(":")[0] != "meta":
            raise self.snippet.error(
                'a module on meta has no numbers to move (torch: "Cannot copy out of meta tensor; no data!")',
                call,
                fix=f"Use .to_empty(device={device!r}), and then load or initialise the weights.",
                field="device",
            )
        self.device = device

    def _is_flag(self, node: ast.AST) -> bool:
        return type(getattr(node, "value", None)) is bool

    def _dtype(self, node: ast.AST) -> str | None:
        path = dotted(node)
        if path is None:
            return None
        if path in self.reader.names and isinstance(self.reader.names[path], str):
            self.reader.used.add(path)
            path = str(self.reader.names[path])
            name = path.removeprefix("torch.")
        elif path in ("float", "complex"):  # Python's own types, which are double precision in torch
            return "float64" if path == "float" else "complex128"
        else:
            name = path.removeprefix("torch.")
            if name == path and name not in ITEMSIZES:
                return None
        name = dtype_name(name)
        return name if name in ITEMSIZES else None

    def _bad_dtype(self, node: ast.AST) -> ConstructorError:
        return self.snippet.error(
            f"dtype {self.snippet.text(node)}: must be one of " + ", ".join(f"torch.{name}" for name in ITEMSIZES),
            node,
            field="dtype",
        )

    def _set_device(self, node: ast.AST) -> bool:
        """Whether ``node`` is a device; ``self.device`` is ``None`` where only running the code would tell which."""
        match node:
            case ast.Constant(value=None):
                self.device = None
            case ast.Constant(value=str(text)):
                return self._set_device_name(text)
            case ast.Constant(value=int(index)) if index is not True and index is not False and index >= 0:
                self.device = f"cuda:{index}"
            case ast.Call(func=function, args=[argument], keywords=[]) if dotted(function) == "torch.device":
                return self._set_device(argument)
            case ast.Call(func=function, args=[ast.Constant(value=str(text)), ast.Constant(value=int(index))], keywords=[]) if (
                dotted(function) == "torch.device"
            ):
                return self._set_device_name(f"{text}:{index}")
            case ast.IfExp(body=body, orelse=orelse):
                known = self._set_device(body) and self._set_device(orelse)
                self.device = None
                return known
            case _:
                path = dotted(node)
                if path is None or path.startswith(("torch.", "nn.")):
                    return False
                self.device = None
                value = self.reader.names.get(path)
                if isinstance(value, str):
                    self.reader.used.add(path)
                    return self._set_device_name(value)
        return True

    def _set_device_name(self, text: str) -> bool:
        kind, colon, index = text.partition(":")
        if kind not in _DEVICES or (colon and not (index.isascii() and index.isdigit() and len(index) <= 3)):
            return False
        self.device = text
        return True


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
