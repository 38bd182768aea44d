"""The names of weights in a file: which module and which of its weights a tensor is, through all that wraps it."""

import re
from collections.abc import Container
from typing import Final, NamedTuple

from ..weight_names import PATTERN


def words(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


WRAPPERS: Final = words(
    "state_dict model_state_dict model_state modelstate module _orig_mod _forward_module _fsdp_wrapped_module"
)
"""First parts of a name that are no part of the model's own names."""

_OPTIMIZER: Final = re.compile(r"(?:[a-z0-9]+_)?optim(?:izer)?s?(?:_[a-z0-9]+)?|grads?|gradients")
_OPTIMIZER_STATE: Final = re.compile(r"(?:[a-z0-9]+_)?optim(?:izer)?s?_(?:states?|state_dicts?|dict)")
_MOMENTS: Final = words(
    "exp_avg exp_avg_sq max_exp_avg_sq exp_inf momentum_buffer square_avg grad_avg acc_delta exp_avg_diff neg_grad_or_diff "
    "first_moment second_moment"
)
_WEIGHT: Final = re.compile(PATTERN)
_ROLE: Final = re.compile(r"_(raw|g|v|u|orig|mask)")
_ORIGINAL: Final = re.compile(r"original([0-9]?)")
_QUANTISED: Final = re.compile(r"_all_weight_values\.[0-9]+\.param|_packed_weight_(?:ih|hh)")


def cost(name: str) -> int:
    """Bytes that ``name`` may take, in memory or as JSON, where a character beyond printable ASCII is an escape or two."""
    return 49 + len(name) * (1 if name.isascii() and name.isprintable() else 12)


class WeightName(NamedTuple):
    """One weight of a module.

    Attributes:
        module: the module's raw name in the file, every wrapper included; empty if the weight is at the root.
        weight: the weight's own name, as in ``nn.LSTM``'s ``state_dict``.
        kind: ``weight_ih``, ``weight_hh``, ``weight_hr``, ``bias_ih`` or ``bias_hh``.
        layer: its layer; ``None`` for a cell's weight.
        reverse: whether it is of the reverse direction.
        role: empty for the weight itself, else what it is to it: ``raw`` (weight dropout), ``g`` and ``v`` (weight_norm),
            ``original``, ``original0``, ``original1`` (parametrizations), ``orig`` and ``mask`` (pruning) and so on.
    """

    module: str
    weight: str
    kind: str
    layer: int | None
    reverse: bool
    role: str


def parse(name: str) -> WeightName | None:
    """What the tensor called ``name`` is to an RNN; ``None`` if it is no weight of one."""
    module, _, last = name.rpartition(".")
    role = ""
    found = _WEIGHT.fullmatch(last)
    if found is None:
        found = _WEIGHT.match(last)
        if found is not None:
            suffix = _ROLE.fullmatch(last, found.end())
            if suffix is None:
                return None
            role = suffix[1]
        else:
            original = _ORIGINAL.fullmatch(last)
            module, _, weight = module.rpartition(".")
            found = _WEIGHT.fullmatch(weight)
            outer, _, word = module.rpartition(".")
            if original is None or found is None or word != "parametrizations":
                return None
            role, module = last, outer
    layer = None if found[2] is None else int(found[2])
    if layer is None and found[1] == "weight_hr":
        return None
    return WeightName(module, found.group(), found[1], layer, found[3] is not None, role)


def quantised_module(name: str) -> str | None:
    """The module that an object called ``name`` has the packed weights of, or ``None``."""
    found = _QUANTISED.search(name)
    if found is None or found.end() != len(name) or (found.start() and name[found.start() - 1] != "."):
        return None
    return name[: max(0, found.start() - 1)]


def is_optimizer_key(key: str) -> bool:
    """Whether a dict under ``key`` holds an optimizer's state or gradients, and not a module of this name."""
    return _OPTIMIZER.fullmatch(key.lower()) is not None or _OPTIMIZER_STATE.fullmatch(key.lower()) is not None


def is_optimizer(name: str, containers: Container[str] = ()) -> bool:
    """Whether a tensor belongs to an optimizer: its state has names like the model's.

    Args:
        name: the tensor's full name.
        containers: names of dicts that ``is_optimizer_key`` holds of. A model may have a module called ``optimizer``, and
            one text of dots cannot tell it from a dict of this name.
    """
    parts = name.split(".")
    if not _MOMENTS.isdisjoint(parts):
        return True
    first = next((place for place, part in enumerate(parts) if part not in WRAPPERS), len(parts))
    if first >= len(parts) - 1:
        return False
    if any(".".join(parts[: place + 1]) in containers for place in range(min(first + 3, len(parts) - 1))):
        return True
    key = parts[first].lower()
    if _OPTIMIZER_STATE.fullmatch(key):
        return True
    return _OPTIMIZER.fullmatch(key) is not None and "state" in parts[first + 1 : -1]


def clean(module: str) -> str:
    """The module's name in the model: without containers and the prefixes of wrappers.

    >>> clean("state_dict.module._orig_mod.encoder.rnn"), clean("model.rnn"), clean("model")
    ('encoder.rnn', 'rnn', 'model')
    """
    parts = [
        part for part in module.split(".") if part not in ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
    ]
    while parts and parts[0] in WRAPPERS:
        del parts[0]
    while len(parts) > 1 and (parts[0] == "model" or parts[0] in WRAPPERS):
        del parts[0]
    return ".".join(parts)
