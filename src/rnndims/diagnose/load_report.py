"""The report of ``load_state_dict``: names and sizes that differ, and the arguments of both modules that follow from them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from ..shapes import Shape
from .kinds_of_call import CLASSES

MOST_NAMES: Final = 5_000
"""The most names of each side, and the most sizes, that are read; models with RNNs have some hundred parameters."""

# the name of an RNN's parameter: "encoder.rnn.weight_ih_l0_reverse"
_KEY: Final = r"[\w.]{0,300}(?:weight|bias)_(?:ih|hh|hr)\w{0,40}"
# a shape: "torch.Size([80, 12])"
_SIZE: Final = r"torch\.Size\(\[([\d,\s]{0,60})\]\)"
# "size mismatch for rnn.weight_ih_l0: copying a param with shape torch.Size([80, 12]) from checkpoint, the shape in current
# model is torch.Size([80, 10])", or older
_NEW: Final = re.compile(
    rf"size\s+mismatch\s+for\s+({_KEY}):\s+copying\s+a\s+param\s+(?:with\s+shape|of)\s+{_SIZE}\s+from\s+checkpoint,\s+"
    rf"(?:the\s+shape\s+in\s+current\s+model\s+is|where\s+the\s+shape\s+is)\s+{_SIZE}"
)
# While copying the parameter named rnn.weight_ih_l0, whose dimensions in the model are torch.Size([80, 10]) and whose
# dimensions in the checkpoint are torch.Size([80, 12])
_OLD: Final = re.compile(
    rf"parameter\s+named\s+({_KEY}),\s+whose\s+dimensions\s+in\s+the\s+model\s+are\s+{_SIZE}\s+and\s+whose\s+dimensions\s+in\s+"
    rf"the\s+checkpoint\s+are\s+{_SIZE}"
)
# the lists of names: Missing key(s) in state_dict: "a", "b". / unexpected key "a" in state_dict
_LISTS: Final = re.compile(
    r"(missing|unexpected)\s+keys?(?:\(s\))?\s+in\s+state_dict:([^\n]*)|(unexpected)\s+key\s+([\"']?[\w.]{1,300}[\"']?)\s+in\s+state_dict",
    re.IGNORECASE,
)
# "rnn.weight_ih_l0" in a list
_NAME: Final = re.compile(r"[\"']([\w.]{1,300})[\"']")
# encoder.weight_ih_l1_reverse: module "encoder", kind "weight_ih", layer "1", reverse; a cell's have no layer
_PART: Final = re.compile(
    r"(?:(?P<module>[\w.]*)\.)?(?P<kind>(?:weight|bias)_(?:ih|hh|hr))(?:_l(?P<layer>\d{1,6}))?(?P<reverse>_reverse)?"
)
# the weights that WeightDrop adds: "rnn.weight_hh_l0_raw", "rnn.module.weight_hh_l0"
_DROPPED: Final = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)\w*_raw$|(?:^|\.)module\.weight_hh")


class Part(NamedTuple):
    """A parameter's place in its module: ``("weight_ih", 1, True)``; a cell's parameters have no layer."""

    kind: str
    layer: int | None
    reverse: bool


class Difference(NamedTuple):
    """An argument of the constructor that differs; ``"class"`` stands for the class, with values like ``"LSTM"``."""

    argument: str
    model: int | bool | str
    saved: int | bool | str


class _Sizes(NamedTuple):
    """What one ``weight_hh``, (gates times hidden_size, H_out), tells of its module."""

    class_name: str
    hidden_size: int
    proj_size: int


@dataclass(slots=True)
class ModuleReport:
    """What the report says of the parameters of one RNN.

    Attributes:
        missing: the parameters that only the model has.
        unexpected: the parameters that only the checkpoint has.
        shapes: for each parameter of another shape, the one in the checkpoint and the one in the model.
    """

    missing: set[Part] = field(default_factory=set)
    unexpected: set[Part] = field(default_factory=set)
    shapes: dict[Part, tuple[Shape, Shape]] = field(default_factory=dict)

    @property
    def only_in_model(self) -> bool:
        """Whether the checkpoint has nothing of this module: its first layer is missing."""
        return _is_whole(self.missing)

    @property
    def only_in_checkpoint(self) -> bool:
        """Whether the model has nothing of this module."""
        return _is_whole(self.unexpected)

    def differences(self) -> tuple[Difference, ...]:
        """Every argument that differs, as far as names and shapes tell."""
        found = [*self._sizes(), *self._layers(), *self._switches()]
        order = ("class", "input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")
        return tuple(sorted(found, key=lambda difference: order.index(difference.argument)))

    def _sizes(self) -> list[Difference]:
        found = []
        for part, (saved, model) in self.shapes.items():
            if part.kind == "weight_hh" and (there := _sizes_of(saved)) and (here := _sizes_of(model)):
                if here.class_name != there.class_name:
                    found.append(Difference("class", here.class_name, there.class_name))
                if here.hidden_size != there.hidden_size:
                    found.append(Difference("hidden_size", here.hidden_size, there.hidden_size))
                if here.proj_size != there.proj_size:
                    found.append(Difference("proj_size", here.proj_size, there.proj_size))
                break
        for part, (saved, model) in self.shapes.items():
            first = part.kind == "weight_ih" and not part.layer and len(saved) == len(model) == 2
            if first and saved[1] != model[1]:
                found.append(Difference("input_size", model[1], saved[1]))
                break
        return found

    def _layers(self) -> list[Difference]:
        for parts, in_checkpoint in ((self.missing, False), (self.unexpected, True)):
            layers = {part.layer for part in parts if part.layer and not part.reverse and part.kind == "weight_ih"}
            if layers and not _is_whole(parts):
                return [_difference("num_layers", max(layers) + 1, min(layers), in_checkpoint=in_checkpoint)]
        return []

    def _switches(self) -> list[Difference]:
        found = []
        for parts, in_checkpoint in ((self.missing, False), (self.unexpected, True)):
            lowest = min((part.layer or 0 for part in parts if not part.reverse and part.kind == "weight_ih"), default=None)
            if any(part.reverse and part.kind == "weight_ih" and (lowest is None or part.layer == 0) for part in parts):
                found.append(_difference("bidirectional", True, False, in_checkpoint=in_checkpoint))
            biases = [part for part in parts if part.kind == "bias_ih"]
            if any(Part("weight_ih", part.layer, part.reverse) not in parts for part in biases):
                found.append(_difference("bias", True, False, in_checkpoint=in_checkpoint))
        return found


class LoadReport(NamedTuple):
    """One report.

    Attributes:
        missing: all names that only the model has.
        unexpected: all names that only the checkpoint has.
        shapes: for each RNN parameter of another shape, the one in the checkpoint and the one in the model.
    """

    missing: frozenset[str]
    unexpected: frozenset[str]
    shapes: dict[str, tuple[Shape, Shape]]

    def modules(self) -> dict[str, ModuleReport]:
        """What it says of each RNN, by the RNN's name; ``""`` where the RNN is the model itself."""
        modules: dict[str, ModuleReport] = {}
        for key in sorted(self.missing):
            if parsed := parse_key(key):
                modules.setdefault(parsed[0], ModuleReport()).missing.add(parsed[1])
        for key in sorted(self.unexpected):
            if parsed := parse_key(key):
                modules.setdefault(parsed[0], ModuleReport()).unexpected.add(parsed[1])
        for key, shapes in self.shapes.items():
            if parsed := parse_key(key):
                modules.setdefault(parsed[0], ModuleReport()).shapes[parsed[1]] = shapes
        return modules

    def weight_drop(self) -> frozenset[str]:
        """The names that WeightDrop adds to those of the module that it wraps."""
        return frozenset(key for key in self.missing | self.unexpected if _DROPPED.search(key))


def read_report(text: str) -> LoadReport:
    """The last report of ``load_state_dict`` in ``text``, or what a part of one says."""
    region = text[max(text.rfind("Error(s) in loading state_dict"), 0) :]
    shapes = {found[1]: (_shape(found[2]), _shape(found[3])) for found in islice(_NEW.finditer(region), MOST_NAMES)}
    shapes |= {found[1]: (_shape(found[3]), _shape(found[2])) for found in islice(_OLD.finditer(region), MOST_NAMES)}
    missing: set[str] = set()
    unexpected: set[str] = set()
    for entry in _LISTS.finditer(region):
        names = missing if (entry[1] or "").lower() == "missing" else unexpected
        names.update(found[1] for found in islice(_NAME.finditer(entry[2] or entry[4] or ""), MOST_NAMES - len(names)))
    return LoadReport(frozenset(missing), frozenset(unexpected), shapes)


def parse_key(key: str) -> tuple[str, Part] | None:
    """``("encoder", Part("weight_ih", 1, True))`` for ``encoder.weight_ih_l1_reverse``; ``None`` for other names."""
    part = _PART.fullmatch(key)
    if part is None:
        return None
    layer = None if part["layer"] is None else int(part["layer"])
    return part["module"] or "", Part(part["kind"], layer, part["reverse"] is not None)


def _shape(text: str) -> Shape:
    return tuple(int(size) for size in text.replace(",", " ").split())


def _sizes_of(shape: Shape) -> _Sizes | None:
    """The class and sizes of a module with such a ``weight_hh``: a projected one has fewer columns than hidden units."""
    if len(shape) != 2 or not all(shape):
        return None
    rows, columns = shape
    gates, rest = divmod(rows, columns)
    if rest == 0 and gates in CLASSES:
        return _Sizes(CLASSES[gates], columns, 0)
    most = max(CLASSES)  # only nn.LSTM, which has the most gates, has projections
    return _Sizes(CLASSES[most], rows // most, columns) if rows % most == 0 and columns < rows // most else None


def _is_whole(parts: Iterable[Part]) -> bool:
    """Whether the weights of a first layer are among ``parts``: then the other side has nothing of the module."""
    first = {(part.kind, part.layer) for part in parts if not part.layer and not part.reverse}
    return any({("weight_ih", layer), ("weight_hh", layer)} <= first for layer in (0, None))


def _difference(argument: str, more: int | bool, less: int | bool, *, in_checkpoint: bool) -> Difference:
    """An argument whose larger value is the checkpoint's if ``in_checkpoint``, else the model's."""
    return Difference(argument, less, more) if in_checkpoint else Difference(argument, more, less)
