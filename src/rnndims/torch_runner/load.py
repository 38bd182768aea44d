"""What the user brings instead of seeded numbers: trained weights, an input, initial states, a place for the results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checkpoint.file_tensors import FileTensor
from ..errors import ConfigError, RnndimsError, shorten
from .build import Inputs
from .files import check_compressed, save, to_torch

Roles = Mapping[str, FileTensor]


@dataclass(frozen=True, slots=True)
class Given:
    """What is given, all of it by tensors of files.

    Attributes:
        weights: for each parameter of the module the tensors it is made of, by role (see ``checkpoint.tensor_names``).
        inputs: ``input``, ``h_0``, ``c_0``, as far as they are given. Where any is, missing states are zero, as in PyTorch's
            own call, and a missing input is seeded; where none is, all are seeded.
        save: where to keep the results.
        overwrite: whether ``save`` may be there already.
    """

    weights: Mapping[str, Roles] = field(default_factory=dict)
    inputs: Mapping[str, FileTensor] = field(default_factory=dict)
    save: Path | None = None
    overwrite: bool = False

    def fill(self, torch: Any, module: Any) -> None:
        """Load the weights into ``module``, strictly: nothing missing, nothing left over, every shape as it is.

        Raises:
            RnndimsError: where they do not fit, lie deep in compressed data, or cannot be computed from what the file has.
        """
        if not self.weights:
            return
        targets = dict(module.named_parameters())
        given = {name if name in targets else f"{name}_l0": roles for name, roles in self.weights.items()}
        missing, left = targets.keys() - given.keys(), given.keys() - targets.keys()
        if missing or left:
            raise RnndimsError(f"the weights do not fit: missing {sorted(missing)}, left over {sorted(left)}")
        check_compressed(tensor for roles in given.values() for tensor in roles.values())
        with torch.no_grad():
            for name, target in targets.items():
                weight = _compose(torch, name, given[name])
                if weight.shape != target.shape:
                    raise RnndimsError(f"{name} is {tuple(weight.shape)} in the file and {tuple(target.shape)} in the module")
                target.copy_(weight)

    def replace(self, torch: Any, inputs: Inputs, *, layered: bool = True) -> Inputs:
        """``inputs`` with those that are given put in; ``layered`` says whether states have a leading dim for layers."""
        if not self.inputs:
            return inputs
        made = {name: self._state(torch, name, tensor, layered) for name, tensor in inputs.named().items()}
        return Inputs(made["input"], made["h_0"], made.get("c_0"))

    def _state(self, torch: Any, name: str, seeded: Any, layered: bool) -> Any:
        given = self.inputs.get(name)
        if given is None:
            return seeded if name == "input" else torch.zeros_like(seeded)
        tensor = to_torch(torch, given).to(seeded.device, seeded.dtype)
        if layered and tensor.dim() == seeded.dim() - 1 and name != "input":
            tensor = tensor.unsqueeze(0)
        if tensor.shape != seeded.shape:
            raise RnndimsError(f"{name} is {tuple(tensor.shape)} and should be {tuple(seeded.shape)}")
        return tensor

    def keep(self, tensors: Mapping[str, Any]) -> None:
        """Write the results, if a place was given."""
        if self.save is not None:
            if any(tensor.is_meta for tensor in tensors.values()):
                raise ConfigError("save", self.save, "device meta has shapes but no numbers", fix="Leave out {save}.")
            save(self.save, tensors, overwrite=self.overwrite)


def _compose(torch: Any, name: str, roles: Roles) -> Any:
    """A weight from the tensors it is stored as."""
    if "raw" in roles or "" in roles:  # beside a raw weight, the other is a copy with some of it dropped
        return to_torch(torch, roles["raw" if "raw" in roles else ""])
    if "orig" in roles and "mask" in roles:
        return to_torch(torch, roles["orig"]) * to_torch(torch, roles["mask"])
    magnitude, direction = ("g", "v") if "g" in roles else ("original0", "original1")
    if magnitude in roles and direction in roles and "orig" not in roles:
        g, v = to_torch(torch, roles[magnitude]), to_torch(torch, roles[direction])
        if g.dim() == v.dim() and g.shape[0] == v.shape[0] and g.numel() == v.shape[0]:
            return torch._weight_norm(v, g, 0)
    raise RnndimsError(
        f"{shorten(name)} is stored in parts ({', '.join(sorted(roles))}), and how to compute it from these is not known",
        fix="Remove the parametrization before saving (torch.nn.utils.parametrize.remove_parametrizations).",
    )
