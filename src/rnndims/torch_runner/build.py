"""The configured module and its input, as PyTorch objects with seeded numbers."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config import RNNConfig
from ..constructor import format_constructor
from ..errors import ConfigError, MachineError, RnndimsError, shorten
from ..results import Dims


class Inputs(NamedTuple):
    """The arguments of one call: ``input``, ``h_0``, ``c_0`` where there is a cell state. Shapes as in ``shapes.tensors``."""

    input: Any
    h_0: Any
    c_0: Any | None

    @property
    def state(self) -> Any:
        """``h_0``, or ``(h_0, c_0)``: the second argument of the module."""
        return self.h_0 if self.c_0 is None else (self.h_0, self.c_0)

    def named(self) -> dict[str, Any]:
        """The tensors by name; without ``c_0`` where there is none."""
        return {name: tensor for name, tensor in self._asdict().items() if tensor is not None}


def build_module(torch: Any, config: RNNConfig, dtype: str, device: Any, seed: int) -> Any:
    """The ``torch.nn`` module of ``config`` in evaluation mode, with PyTorch's own initial weights.

    The weights are drawn on the CPU, so ``seed`` means the same on every device. The global random state is left as it was.
    On ``meta`` there are shapes, but no numbers.

    Args:
        torch: the module.
        config: the module to build.
        dtype: torch's name of the dtype of its weights.
        device: a ``torch.device``.
        seed: of the weights.

    Raises:
        MachineError: if this PyTorch has no such class.
        ConfigError: if PyTorch does not accept the seed.
    """
    arguments: dict[str, Any] = {"bias": config.bias}
    if config.definition.nonlinearities:
        arguments["nonlinearity"] = config.nonlinearity
    if not config.is_cell:
        arguments.update(
            num_layers=config.num_layers,
            batch_first=config.batch_first,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        if config.proj_size:
            arguments["proj_size"] = config.proj_size
    built_on = "meta" if device.type == "meta" else "cpu"
    make = getattr(torch.nn, config.class_name, None)
    if make is None:
        raise MachineError(
            f"PyTorch {torch.__version__} has no nn.{config.class_name}",
            fix="`rnndims dims`, `diagram` and `check` answer without PyTorch.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_seed(seed))
        module = make(config.input_size, config.hidden_size, device=built_on, dtype=getattr(torch, dtype), **arguments)
    return module.to(device).eval()


def make_inputs(torch: Any, dims: Dims, device: Any, seed: int) -> Inputs:
    """Seeded normal numbers for ``input``, ``h_0`` and ``c_0``; drawn on the CPU, so the same on every device.

    The states are not zero, so a row of ``h_n`` that was computed differs from one that was not.
    """
    expected = {name: dims.tensors[name].shape for name in Inputs._fields if name in dims.tensors}
    dtype = getattr(torch, dims.data.dtype)
    if device.type == "meta":
        made = {name: torch.empty(shape, dtype=dtype, device="meta") for name, shape in expected.items()}
    else:
        generator = torch.Generator().manual_seed(check_seed(seed))
        made = {name: torch.randn(shape, dtype=dtype, generator=generator).to(device) for name, shape in expected.items()}
    return Inputs(made["input"], made["h_0"], made.get("c_0"))


def check_seed(seed: int) -> int:
    """``seed``, if PyTorch accepts it.

    Raises:
        ConfigError: if it is not an int of 64 bits.
    """
    if type(seed) is not int or not -(2**63) <= seed < 2**64:
        raise ConfigError("seed", seed, "must be a whole number of 64 bits", torch="Overflow when unpacking long")
    return seed


@contextlib.contextmanager
def torch_errors(torch: Any, dims: Dims, device: Any) -> Iterator[list[str]]:
    """Turn what PyTorch raises in the block into a ``MachineError``; yields a list that holds its warnings at the end.

    Raises:
        MachineError: if PyTorch fails, or memory runs out.
    """
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with torch.inference_mode():
                yield said
        except RnndimsError:
            raise
        except MemoryError as error:
            raise _out_of_memory(device) from error
        except (RuntimeError, TypeError, ValueError, AssertionError, OverflowError) as error:
            if "out of memory" in str(error) or "not enough memory" in str(error):
                raise _out_of_memory(device) from error
            first = str(error).strip().partition("\n")[0]
            module = f"{format_constructor(dims.config)} in {dims.data.dtype}"
            raise MachineError(
                f"PyTorch cannot run {module} on device {device}: {shorten(first, 200)}",
                fix="Try another dtype or device.",
            ) from error
        finally:
            texts = (str(warning.message).partition(" (Triggered internally")[0] for warning in caught)
            said += dict.fromkeys(shorten(text, 400) for text in texts)


def _out_of_memory(device: Any) -> MachineError:
    return MachineError(f"device {device} ran out of memory", fix="Ask for smaller sizes, or use the device meta.")
