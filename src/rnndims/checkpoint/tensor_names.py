"""The names of tensors in a file: which module a tensor belongs to, and which of its weights it is, without wrappers."""

import re
from typing import Final, NamedTuple

from ..weight_names import PATTERN

WRAPPERS: Final = frozenset(
    (
        *("state_dict", "model_state_dict", "model_state", "modelstate"),  # keys under which people save a state dict
        *("module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module"),  # DataParallel, torch.compile, DeepSpeed, FSDP
    )
)
"""First parts of a name that are no part of the model's own names."""

# A dict's key: "optimizer", "optimizers", "adam_optimizer", "optimizer_G", "grads"
_OPTIMIZER: Final = re.compile(r"(?:[a-z0-9]+_)?optim(?:izer)?s?(?:_[a-z0-9]+)?|grads?|gradients")
# "optimizer_states", "optim_state_dict", "last_optimizer_state"
_OPTIMIZER_STATE: Final = re.compile(r"(?:[a-z0-9]+_)?optim(?:izer)?s?_(?:states?|state_dicts?|dict)")
_MOMENTS: Final = frozenset(
    (
        *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "square_avg", "grad_avg", "acc_delta"),
        *("exp_avg_diff", "neg_grad_or_diff", "first_moment", "second_moment"),
    )
)
"""What optimizers call the tensors that they keep for each weight."""

_WEIGHT: Final = re.compile(PATTERN)
# weight_hh_l0_raw (weight dropout), ..._g and ..._v (weight_norm), ..._orig and ..._mask (pruning), ..._u (spectral_norm)
_ROLE: Final = re.compile(r"_(raw|g|v|u|orig|mask)")
# parametrizations.weight_hh_l0.original0
_ORIGINAL: Final = re.compile(r"original([0-9]?)")
# rnn._all_weight_values.0.param and cell._packed_weight_ih, of dynamically quantised modules
_QUANTISED: Final = re.compile(r"_all_weight_values\.[0-9]+\.param|_packed_weight_(?:ih|hh)")


class WeightName(NamedTuple):
    """What a tensor's name says: one weight of a module, or a part that a weight is computed from.

    Attributes:
        module: the module's raw name in the file, every wrapper included; empty if the weight is at the root.
        weight: the weight's own name, as in the module's ``state_dict``.
        kind: one of ``weight_names.KINDS``: ``weight_ih``, ``bias_hh``, ...
        layer: its layer; ``None`` for a cell's weight.
        reverse: whether it belongs to the reverse direction.
        role: empty for the weight itself; else what the tensor is to the weight: ``raw`` (weight dropout), ``g`` and ``v``
            (weight_norm), ``original``, ``original0``, ``original1`` (parametrizations), ``orig`` and ``mask`` (pruning).
    """

    module: str
    weight: str
    kind: str
    layer: int | None
    reverse: bool
    role: str


def parse_tensor_name(name: str) -> WeightName | None:
    """The parts of a tensor's name that tell which weight of which RNN it is; ``None`` if it belongs to no RNN.

    >>> parse_tensor_name("encoder.rnn.weight_hh_l0_raw")
    WeightName(module='encoder.rnn', weight='weight_hh_l0', kind='weight_hh', layer=0, reverse=False, role='raw')
    >>> parse_tensor_name("fc.weight")
    """
    module, _, last = name.rpartition(".")
    role = ""
    match = _WEIGHT.fullmatch(last)
    if match is None:
        match = _WEIGHT.match(last)
        if match is not None:
            suffix = _ROLE.fullmatch(last, match.end())
            if suffix is None:
                return None
            role = suffix[1]
        else:
            original = _ORIGINAL.fullmatch(last)
            module, _, weight = module.rpartition(".")
            match = _WEIGHT.fullmatch(weight)
            outer, _, word = module.rpartition(".")
            if original is None or match is None or word != "parametrizations":
                return None
            role, module = last, outer
    kind, layer = match["kind"], None if match["layer"] is None else int(match["layer"])
    if layer is None and kind == "weight_hr":  # a cell has no projection
        return None
    return WeightName(module, match.group(), kind, layer, match["reverse"] is not None, role)


def quantised_module(name: str) -> str | None:
    """The module whose packed weights the object called ``name`` holds, or ``None``.

    >>> quantised_module("encoder.rnn._all_weight_values.0.param")
    'encoder.rnn'
    """
    match = _QUANTISED.search(name)
    if match is None or match.end() != len(name) or (match.start() and name[match.start() - 1] != "."):
        return None
    return name[: max(0, match.start() - 1)]


def is_optimizer_container(name: str, key: str) -> bool:
    """Whether the dict or list ``name`` holds an optimizer's state or gradients rather than a module, by its own ``key``.

    A model may have a module called ``optimizer``, and a name with dots alone cannot tell that module from a dict of this
    name. Deep inside a model it is a module: wrappers aside, only the first three keys can be an optimizer's.
    """
    key = key.lower()
    if _OPTIMIZER.fullmatch(key) is None and _OPTIMIZER_STATE.fullmatch(key) is None:
        return False
    parts = name.split(".")
    return len(parts) <= _first_part(parts) + 3


def _first_part(parts: list[str]) -> int:
    """Index of the first part of a name that is no wrapper."""
    return next((index for index, part in enumerate(parts) if part not in WRAPPERS), len(parts))


def is_optimizer(name: str) -> bool:
    """Whether the name of a tensor says that it belongs to an optimizer, whose state has names like the model's."""
    parts = name.split(".")
    if not _MOMENTS.isdisjoint(parts):
        return True
    first = _first_part(parts)
    if first >= len(parts) - 1:
        return False
    key = parts[first].lower()
    if _OPTIMIZER_STATE.fullmatch(key):
        return True
    return _OPTIMIZER.fullmatch(key) is not None and "state" in parts[first + 1 : -1]


def clean(module: str) -> str:
    """The module's name in the model, without the dicts and wrappers around the model.

    >>> clean("state_dict.module._orig_mod.encoder.rnn"), clean("model.rnn"), clean("model")
    ('encoder.rnn', 'rnn', 'model')
    """
    parts = [
        part for part in module.split(".") if part not in ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
    ]
    first = _first_part(parts)
    while first < len(parts) - 1 and (parts[first] == "model" or parts[first] in WRAPPERS):
        first += 1
    return ".".join(parts[first:])
