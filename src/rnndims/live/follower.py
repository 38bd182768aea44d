"""Follow the axes of an RNN's results through the operations of a running program, by name.

While it is on, a ``TorchFunctionMode`` sees every operation on a tensor. Where a result of an RNN takes part, the same
operation is done with named axes (``rnndims.axes``), and when a ``Linear`` or a loss reads what came out, it can be said
whether the numbers are the ones that are meant. A mode slows a small model down: it is on for the first calls of each place.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from types import CodeType, FrameType, FunctionType
from typing import Any, Final
from weakref import ref

from ..axes.call_results import NamedInt, results_of, role
from ..axes.expressions import UNKNOWN, Followed, Step
from ..axes.inputs_and_targets import guest, order_of_targets
from ..axes.misuse import Misuse, misuses
from ..axes.named_tensor import AxesError, NamedTensor, plain_tensor
from ..axes.operations import apply
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..errors import RnndimsError
from .batches import Batch
from .program import leave_out_frame
from .rnn_input import judge_input
from .trace_report import TracedWarning
from .user_code import code_at, is_users, library_folders, place, size_names, variables

MOST_NUMBERS: Final = 1000
"""Numbers of a tensor of ints that are read, to know which positions an index selects."""

MOST_WARNINGS: Final = 100

_OPERATORS: Final = {
    "__getitem__": "index",
    "__add__": "add",
    "__radd__": "add",
    "__sub__": "sub",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__truediv__": "div",
    "__matmul__": "matmul",
    "__neg__": "neg",
}
_LOSSES: Final = frozenset(
    {
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cosine_embedding_loss",
        "cross_entropy",
        "ctc_loss",
        "huber_loss",
        "kl_div",
        "l1_loss",
        "multilabel_margin_loss",
        "multilabel_soft_margin_loss",
        "mse_loss",
        "nll_loss",
        "smooth_l1_loss",
        "triplet_margin_loss",
    }
)
_CLASSIFIES: Final = frozenset({"cross_entropy", "nll_loss"})
_COMPARES: Final = frozenset({*_CLASSIFIES, "binary_cross_entropy", "binary_cross_entropy_with_logits", "huber_loss"}) | {
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
}
"""Losses of predictions and targets that belong together one by one."""

_GUESTS: Final = frozenset(
    {"T", "clone", "contiguous", "detach", "flatten", "float", "index", "long", "movedim", "permute"}
) | {
    "reshape",
    "squeeze",
    "swapaxes",
    "t",
    "to",
    "transpose",
    "unsqueeze",
    "view",
}
"""Operations that are followed on tensors which no RNN has made: targets, on their way to a loss."""

_SAME_AXES: Final = frozenset(
    {"alpha_dropout", "batch_norm", "dropout1d", "group_norm", "instance_norm", "layer_norm", "rms_norm"}
)
"""Functions that compute anew along an axis and leave the axes as they are."""

_ROW_ALONE: Final = frozenset({"one_direction", "other_layer"})
"""Kinds of misuse that are likely mistakes where nothing else reads the rest of the state."""

_GETTERS: Final = frozenset({"T", "mT", "data"})


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """One call of a module, whose results are followed.

    Attributes:
        name: the module, as the code calls it: ``encoder.rnn``.
        config: the module.
        data: its input.
        unsorted: the ints by which ``pad_packed_sequence`` puts sequences back in order, if there are any.
        spelling: the names of the user's variables for ``output``, ``h_n``, ``c_n``.
        rows: which rows of ``h_n`` and ``c_n`` are read; ``None`` among them stands for all, and for ``output``.
        given: the input itself, as long as the program keeps it.
        padded: the lengths of the sequences of a batch that is padded and not packed, if they are known.
    """

    name: str
    config: RNNConfig
    data: DataConfig
    unsorted: Any = None
    spelling: dict[str, str] = field(default_factory=dict)
    rows: set[int | None] = field(default_factory=set)
    given: Any = None
    padded: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Operation:
    """One operation that was seen; its text is looked up when it is needed."""

    number: int
    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    result: Any
    code: CodeType
    lasti: int
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """What is known of one tensor: its named axes, the call that it comes from, and the operations on the way."""

    value: NamedTensor
    origin: Origin
    operation: _Operation | None = None
    before: tuple["Trail", ...] = ()

    def operations(self) -> list[_Operation]:
        """All operations on the way, in the order in which they ran."""
        found: dict[int, _Operation] = {}
        todo, done = [self], set()
        while todo:
            here = todo.pop()
            if id(here) in done:
                continue
            done.add(id(here))
            todo += here.before
            if here.operation is not None:
                found[here.operation.number] = here.operation
        return [found[number] for number in sorted(found)]


class Follower:
    """Follows the results of recurrent modules in one process.

    Args:
        torch: the module ``torch``.

    Attributes:
        refused: whether there were calls whose results could not be followed, because of a compiler or another mode.
    """

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.libraries = library_folders()
        self._warnings: list[tuple[Origin, TracedWarning]] = []
        self._said: set[tuple[str, str]] = set()
        self._numbers = count()
        self._known: dict[int, tuple[Any, Trail]] = {}
        self._mode = _make_mode(torch, self)
        self.refused = False
        self._guests: dict[int, tuple[Any, NamedTensor]] = {}
        self._refusal: tuple[tuple[Any, ...], list[tuple[Any, Any]]] = (), []

    @property
    def warnings(self) -> tuple[TracedWarning, ...]:
        """What is wrong; that a row of a state is read alone is said only if no other row is read anywhere."""
        return tuple(warning for origin, warning in self._warnings if warning.kind not in _ROW_ALONE or len(origin.rows) == 1)

    # ---- on and off

    def begin(self) -> None:
        """Follow in this thread from now on, if no compiler is at work, and no mode but followers' and a device's."""
        stack = self.torch.overrides._get_current_function_mode_stack()
        if self._mode in stack:
            return
        # torch imports the module of that mode with the first default device, and not before
        device_mode = getattr(sys.modules.get("torch.utils._device"), "DeviceContext", ())
        alone = all(isinstance(mode, device_mode) or _follows(mode) for mode in stack)
        self.refused |= not alone or _compiles()
        if alone and not self.torch.compiler.is_compiling() and not _compiles():
            # leaving torch.device takes off the top, whatever it is, and set_default_device(None) the bottom: so it is between
            default = getattr(self.torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
            self._relay(stack, [*(mode for mode in stack if mode is default), self._mode], [default])

    def end(self) -> bool:
        """Stop following in this thread; whether it was on."""
        stack = self.torch.overrides._get_current_function_mode_stack()
        if self._mode not in stack:
            return False
        self._relay(stack, [], [self._mode])
        return True

    def _relay(self, stack: list[Any], beneath: list[Any], without: list[Any]) -> None:
        """Lay the modes of this thread anew: those beneath, and the others but those without, none of them left or entered."""
        for _ in stack:
            self.torch.overrides._pop_mode()
        for mode in (*beneath, *(mode for mode in stack if not any(mode is other for other in without))):
            self.torch.overrides._push_mode(mode)

    # ---- what is known of a tensor

    def trail(self, tensor: object) -> Trail | None:
        """What is known of a tensor of the program, if it comes from an RNN."""
        found = self._known.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None

    def know(self, tensor: Any, trail: Trail) -> None:
        """Remember what a tensor is, as long as the program keeps it."""
        key, known = id(tensor), self._known
        if len(known) > 10_000:
            known.clear()

        def forget(_: object) -> None:
            known.pop(key, None)

        known[key] = (ref(tensor, forget), trail)

    def forget(self, tensor: object) -> None:
        """Know nothing of a tensor any more: it was changed in place."""
        self._known.pop(id(tensor), None)

    def results(
        self,
        config: RNNConfig,
        name: str,
        given: Any,
        result: Any,
        lengths: tuple[int, ...] | None,
        frame: FrameType,
        state: Any = None,
        batch: Batch | None = None,
    ) -> None:
        """Name the axes of what a module has just returned.

        Args:
            config: the module.
            name: what the code calls it.
            given: its input.
            result: what it returned.
            lengths: the lengths, if the input is a packed batch.
            frame: the user's code that called it.
            state: the state that was passed, if one was.
            batch: the batch of a loader that the program is at.
        """
        before = self.trail(given)
        if before is not None:
            self._judge(before, frame)
            self._compare_layouts(before, config, name or f"nn.{config.class_name}", frame)
        self._judge_states(state, config, name, frame)
        packed = hasattr(given, "batch_sizes")
        data = _data_of(config, given, lengths)
        if data is None:
            return
        misuse, padded = None, None
        if not packed and before is None:
            with suppress(RuntimeError, AttributeError):  # a tensor that stands for others; a graph that is gone
                misuse, padded = judge_input(config, name or f"nn.{config.class_name}", given, batch, self.torch)
        if packed:
            origin = Origin(name, config, data, given.unsorted_indices)
        else:
            origin = Origin(name, config, data, given=ref(given), padded=padded)
        if misuse is not None:
            self._say(misuse, origin, [], (), frame)
        named = results_of(config, data)
        output: Any
        output, states = (None, result) if config.is_cell else result
        h_n, c_n = states if isinstance(states, tuple) else (states, None)
        h_name, c_name = ("h_1", "c_1") if config.is_cell else ("h_n", "c_n")
        pairs = [(h_n, h_name), (c_n, c_name)]
        if packed:
            pairs.append((output.data, "output"))  # until pad_packed_sequence gives it axes
        elif output is not None:
            pairs.append((output, "output"))
        for tensor, key in pairs:
            if tensor is not None and key in named:
                self.know(tensor, Trail(_as_it_lies(named[key], tensor), origin))

    def _judge_states(self, state: Any, config: RNNConfig, name: str, frame: FrameType) -> None:
        """Note what is wrong in how the states that a module gets were made."""
        states = state if isinstance(state, tuple) else (state,)
        trails = [trail for tensor in states if (trail := self.trail(tensor)) is not None]
        for trail in trails:
            self._judge(trail, frame, only="mixed_axes")
        sources = [set(trail.value.sources) for trail in trails]
        if len(sources) == 2 and sources[0] <= {"c_n", "c_1"} and sources[1] <= {"h_n", "h_1"} and all(sources):
            message = f"{name or config.class_name} takes (h_0, c_0) and gets a cell state first, then a hidden state."
            advice = "An LSTM takes and returns the hidden state first, the cell state second."
            self._say(Misuse("states_swapped", message, advice=advice), trails[0].origin, [], (), frame)

    def attends(self, module: Any, given: Any, frame: FrameType) -> None:
        """Note if attention runs over the batch: of a module that reads another layout than an RNN has returned.

        Args:
            module: an ``nn.MultiheadAttention``, or a layer or stack of an encoder.
            given: its first argument.
            frame: the code that called it.
        """
        before = self.trail(given)
        layer = next(iter(getattr(module, "layers", ())), module)
        layer = getattr(layer, "self_attn", layer)
        if before is None or not hasattr(layer, "batch_first"):
            return
        first, value = layer.batch_first, before.value
        steps = 1 if first else 0
        if value.ndim == 3 and value.is_axis(steps, "N") and value.is_axis(1 - steps, "L") and 1 not in value.sizes[:2]:
            mine, other = ("(N, L, E)", "(L, N, ...)") if first else ("(L, N, E)", "(N, L, ...)")
            message = (
                f"{type(module).__name__} reads {mine} and gets {other} from {_called(before.origin)}: its attention runs over "
                "the batch."
            )
            advice = f"Build it with batch_first={not first}, or transpose its input."
            self._say(Misuse("layout_changed", message, advice=advice), before.origin, [], (), self._user(frame))

    def _compare_layouts(self, before: Trail, config: RNNConfig, name: str, frame: FrameType) -> None:
        """Warn if one RNN reads as steps what another one has returned as sequences."""
        value, steps = before.value, 1 if config.batch_first else 0
        if config.is_cell or value.ndim != 3 or not (value.is_axis(steps, "N") and value.is_axis(1 - steps, "L")):
            return
        if value.sizes[steps] == 1:
            return
        mine, other = ("(N, L, H_in)", "(L, N, ...)") if config.batch_first else ("(L, N, H_in)", "(N, L, ...)")
        message = f"{name} reads {mine} and gets {other} from {_called(before.origin)}: sequences are taken for steps."
        fix = format_constructor(replace(config, batch_first=not config.batch_first))
        self._say(Misuse("layout_changed", message, fix), before.origin, [], (), frame)

    # ---- one operation

    def saw(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Follow one operation that PyTorch has done."""
        name = name_of(function)
        if name is None:
            return
        trails = [trail for tensor in _tensors((args, kwargs)) if (trail := self.trail(tensor)) is not None]
        if not trails:
            if name in _GUESTS:
                self._follow_guest(name, args, kwargs, result)
            return
        first = trails[0]
        frame = self._user(sys._getframe(2))
        if name == "_pad_packed_sequence":
            self._padded(first, args, result)
            return
        if name == "index_select" and len(args) > 2 and args[2] is first.origin.unsorted:
            self._restored(first, args, result)
            return
        self._read(name, args, trails)
        mine = [trail for trail in trails if trail.origin is first.origin]
        try:
            arguments, keywords = self._named(args, first.origin), self._named(kwargs, first.origin)
            if getattr(function, "__module__", "") == "torch.nn.functional" and name != "dropout":
                keywords.pop("inplace", None)
            if name in ("view", "reshape") and len(mine) == 1:
                arguments = self._with_names(name, arguments, first.origin, frame)
            if name in _LOSSES:
                value: Any = None
            elif name == "linear":
                weight = args[1] if len(args) > 1 else kwargs["weight"]
                arguments, keywords = (arguments[0], int(weight.shape[1]), int(weight.shape[0])), {}
                value = apply("linear", *arguments)
            elif name in _SAME_AXES:
                value = replace(arguments[0], moved=False)
            else:
                value = apply(name, *arguments, **keywords)
        except (AxesError, KeyError, AttributeError, TypeError):
            self._changed_in_place(name, args)
            return
        if name in _LOSSES:
            self._judge(first, frame, loss=name)
            if name in _COMPARES:
                self._compare_targets(name, args, kwargs, frame)
            return
        self._changed_in_place(name, args)
        is_tuple = isinstance(value, tuple)
        pairs = list(zip(value, result, strict=False)) if is_tuple else [(value, result)]
        if not all(isinstance(named, NamedTensor) and named.sizes == _sizes(tensor) for named, tensor in pairs):
            return
        laid = tuple(_as_it_lies(named, tensor) for named, tensor in pairs)
        operation = _Operation(
            next(self._numbers),
            name,
            arguments,
            keywords,
            laid if is_tuple else laid[0],
            frame.f_code,
            frame.f_lasti,
            frame.f_lineno,
        )
        for named, (_, tensor) in zip(laid, pairs, strict=True):
            after = Trail(named, first.origin, operation, tuple(mine))
            self.know(tensor, after)
            if name == "linear":
                self._judge(after, frame)

    def _read(self, name: str, args: tuple[Any, ...], trails: list[Trail]) -> None:
        """Note which rows of a state are read."""
        for trail in trails:
            if trail.operation is None and "output" in trail.value.sources:
                trail.origin.rows.add(None)
            if trail.operation is None and trail.value.sources & {"h_n", "c_n"}:
                row = args[1] if name == "index" and len(args) > 1 else None
                row = row[0] if isinstance(row, tuple) and row else row
                rows = trail.origin.config.num_layers * trail.origin.config.D
                trail.origin.rows.add(row % rows if type(row) is int else None)

    def _with_names(self, name: str, arguments: tuple[Any, ...], origin: Origin, frame: FrameType) -> tuple[Any, ...]:
        """The sizes of a view with the names that the code has for them: which is meant where two are equal."""
        given = None if origin.given is None else origin.given()
        layout = ("N", "L") if origin.config.batch_first else ("L", "N")

        def named(tensor: object, dim: int) -> str | None:
            trail = self.trail(tensor)
            if trail is not None and trail.origin is origin:
                return next((n for n in ("N", "L", "num_layers", "D") if trail.value.is_axis(dim, n)), None)
            sizes = _sizes(tensor) or ()
            if given is None or len(sizes) < 2 or not -len(sizes) <= dim < len(sizes) or given.ndim != 3:
                return None
            same = tensor is given or (sizes[:2] == tuple(given.shape[:2]) and sizes[0] != sizes[1])
            return layout[dim % len(sizes)] if same and dim % len(sizes) < 2 else None

        names = size_names(code_at(frame.f_code, frame.f_lasti, frame.f_lineno), name, frame, named)
        first, *sizes = arguments
        packed = len(sizes) == 1 and isinstance(sizes[0], (tuple, list))
        plain = sizes[0] if packed else sizes
        if len(names) != len(plain):
            return arguments
        new = [NamedInt(size, word) if word and type(size) is int else size for size, word in zip(plain, names, strict=True)]
        return (first, tuple(new)) if packed else (first, *new)

    def note_refusal(self, error: BaseException, arguments: Any) -> None:
        """Remember what the tensors of a failed operation are: our frame, which has them, is taken off its traceback.

        Nothing of the program is kept for it: a tensor that is gone by then is stood for by one without numbers.
        """
        if error.args and all(type(word) is str for word in error.args):
            tensors: list[Any] = []
            for tensor in _tensors(arguments):
                stand_in, trail = self.torch.empty_like(tensor, device="meta"), self.trail(tensor)
                if trail is not None:
                    self.know(stand_in, trail)
                tensors.append((ref(tensor), stand_in))
            self._refusal = error.args, tensors

    def refused_tensors(self, error: BaseException) -> list[Any]:
        """The tensors of the operation that raised ``error``, in order; none if it was not seen."""
        words, tensors = self._refusal
        return [tensor() if tensor() is not None else stand_in for tensor, stand_in in tensors] if error.args is words else []

    # ---- tensors that no RNN has made

    def _follow_guest(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Follow targets through what only moves their numbers."""
        tensor = args[0]
        if (tensor.ndim < 2 and id(tensor) not in self._guests) or isinstance(tensor, self.torch.nn.Parameter):
            return
        if any(isinstance(value, self.torch.Tensor) for value in (*args[1:], *kwargs.values())):
            return
        value = self._guest(tensor)
        try:
            value = apply(name, value, *args[1:], **kwargs)
        except (AxesError, KeyError, AttributeError, TypeError):
            return
        if isinstance(value, NamedTensor) and value.sizes == _sizes(result):
            self._remember_guest(result, value)

    def _guest(self, tensor: Any) -> NamedTensor:
        found = self._guests.get(id(tensor))
        if found is not None and found[0]() is tensor:
            return found[1]
        value = _as_it_lies(guest(next(self._numbers), tuple(tensor.shape)), tensor)
        self._remember_guest(tensor, value)
        return value

    def _remember_guest(self, tensor: Any, value: NamedTensor) -> None:
        key, guests = id(tensor), self._guests
        if len(guests) > 1000:
            guests.clear()
        guests[key] = (ref(tensor, lambda _: guests.pop(key, None)), value)

    def _compare_targets(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> None:
        """Note if predictions and targets are flattened in different orders."""
        pair = [args[0] if args else kwargs.get("input"), args[1] if len(args) > 1 else kwargs.get("target")]
        if self.trail(pair[0]) is None and name not in _CLASSIFIES:
            pair.reverse()
        trail, other = self.trail(pair[0]), pair[1]
        if trail is None or self.trail(other) is not None or not isinstance(other, self.torch.Tensor):
            return
        misuse = order_of_targets(trail.value, self._guest(other), classes=name in _CLASSIFIES)
        if misuse is not None:
            self._say(misuse, trail.origin, [], (), frame)

    def _changed_in_place(self, name: str, args: tuple[Any, ...]) -> None:
        if name.endswith("_") and args:
            self.forget(args[0])

    def _padded(self, trail: Trail, args: tuple[Any, ...], result: Any) -> None:
        """``pad_packed_sequence`` gives the steps and sequences of a packed batch their axes."""
        config = replace(trail.origin.config, batch_first=bool(args[2]))
        origin = replace(trail.origin, config=config)
        named = results_of(config, origin.data)["output"]
        if tuple(result[0].shape) == named.sizes:
            self.know(result[0], Trail(_as_it_lies(named, result[0]), origin))

    def _restored(self, trail: Trail, args: tuple[Any, ...], result: Any) -> None:
        """The sequences are put back in the order that they had before packing, in which the lengths are known."""
        if self.trail(args[0]) is trail:
            self.know(result, replace(trail, value=_as_it_lies(trail.value, result)))

    def _named(self, value: Any, origin: Origin) -> Any:
        """Arguments with named tensors in place of tensors."""
        if isinstance(value, self.torch.Tensor):
            trail = self.trail(value)
            return trail.value if trail is not None and trail.origin is origin else self._plain(value, origin)
        if isinstance(value, dict):
            return {key: self._named(item, origin) for key, item in value.items()}
        if isinstance(value, list):
            return [self._named(item, origin) for item in value]
        if isinstance(value, tuple):
            return tuple(self._named(item, origin) for item in value)
        return value

    def _plain(self, tensor: Any, origin: Origin) -> NamedTensor:
        """A tensor that comes from elsewhere. The numbers of few ints are read, as they are an index or lengths."""
        kinds = {self.torch.bool: "bool", self.torch.int64: "int", self.torch.int32: "int"}
        kind = kinds.get(tensor.dtype, "float")
        content = None
        if kind == "int" and tensor.device.type == "cpu" and tensor.ndim <= 1 and tensor.numel() <= MOST_NUMBERS:
            content = tuple(tensor.reshape(-1).tolist())
        named = plain_tensor(tuple(tensor.shape), kind, content)
        lengths = origin.data.lengths
        if content is not None and lengths is not None and tensor.ndim == 1:
            own = {lengths: 0, tuple(length - 1 for length in lengths): -1}.get(content)
            named = replace(named, own_steps=own)
        return named

    # ---- what is wrong

    def _judge(self, trail: Trail, frame: FrameType, *, only: str | None = None, loss: str | None = None) -> None:
        """Note what is wrong, of all kinds or of one, in how a tensor was made that is read now, perhaps by a loss."""
        operations = trail.operations()
        steps = tuple(
            Step(each.name, code_at(each.code, each.lasti, each.line), each.arguments, each.keywords, each.result)
            for each in operations
        )
        if self._layers_for_states(trail, frame):
            return
        self._spell_all(trail.origin, frame)
        spelling = {"output": "output", "h_n": "h_n", "c_n": "c_n", **trail.origin.spelling}
        text = steps[-1].text if steps else self._variable(trail, frame)
        if loss is not None:
            code = code_at(frame.f_code, frame.f_lasti, frame.f_lineno)
            steps = (*steps, Step(loss, code, (trail.value,), {}, UNKNOWN))
        followed = Followed(text, trail.value, steps, spelling)
        try:
            found = misuses(followed, trail.origin.config, trail.origin.data, layout_known=True, padded=trail.origin.padded)
        except RnndimsError:
            return
        for misuse in found:
            if only is not None and misuse.kind != only:
                continue
            if misuse.certain:
                self._say(misuse, trail.origin, operations, steps, frame)
            elif misuse.kind in _ROW_ALONE:
                likely = f"{misuse.message} Nothing else that the module returns is read, so this is likely a mistake."
                self._say(replace(misuse, message=likely), trail.origin, operations, steps, frame)

    def _layers_for_states(self, trail: Trail, frame: FrameType) -> bool:
        """``output, (h, c) = gru(x)``: two rows of ``h_n`` with the names of two states. Whether that is so, and said."""
        config = trail.origin.config
        for operation in trail.operations():
            rows: tuple[Any, ...] = operation.result if operation.name == "unbind" else ()
            whole = len(rows) == 2 and rows[0].sources == {"h_n"} and config.num_layers * config.D == 2
            if not whole or len(config.definition.states) == 2 or operation.code is not frame.f_code:
                continue
            names = ["", ""]
            for name, value in variables(frame).items():
                row = self.trail(value)
                if row is not None and row.operation is operation:
                    names[next(at for at in (0, 1) if row.value is rows[at])] = name
            if role(names[1]) == "c_n" and role(names[0]) in ("hidden", "h_n"):
                kind = "directions" if config.bidirectional else "layers"
                message = f"{names[0]} and {names[1]} are the two {kind} of h_n: nn.{config.class_name} has no cell state."
                right = "torch.cat([h_n[-2], h_n[-1]], dim=-1)" if config.bidirectional else "h_n[-1]"
                advice = f"Write output, h_n = {trail.origin.name or 'rnn'}(...); its last layer is {right}."
                text = code_at(operation.code, operation.lasti, operation.line)
                step = Step("unbind", text, (), {}, operation.result)
                self._say(Misuse("layers_for_states", message, advice=advice), trail.origin, [operation], (step,), frame)
                return True
        return False

    def say_of_call(self, misuse: Misuse, config: RNNConfig, name: str, frame: FrameType) -> None:
        """Add a warning about a call as a whole.

        Args:
            misuse: what is wrong.
            config: the module.
            name: what the code calls it.
            frame: the user's code that called it.
        """
        self._say(misuse, Origin(name, config, DataConfig()), [], (), frame)

    def _say(
        self, misuse: Misuse, origin: Origin, operations: list[_Operation], steps: tuple[Step, ...], frame: FrameType
    ) -> None:
        """Add one warning, at the line of the operation that it is about."""
        named = [
            (len(step.text), each, step)
            for each, step in zip(operations, steps, strict=False)
            if step.text and (step.text in misuse.message or len(operations) == len(steps) == 1)
        ]
        _, operation, step = max(named, key=lambda item: item[0], default=(0, None, None))
        at = place(frame.f_code, frame.f_lineno) if operation is None else place(operation.code, operation.line)
        if (at, misuse.kind) in self._said or len(self._warnings) >= MOST_WARNINGS:
            return
        self._said.add((at, misuse.kind))
        code = code_at(frame.f_code, frame.f_lasti, frame.f_lineno) if step is None else step.text
        warning = TracedWarning(misuse.kind, at, code, origin.name, misuse.message, misuse.fix, misuse.advice, misuse.certain)
        self._warnings.append((origin, warning))

    def _spell_all(self, origin: Origin, frame: FrameType) -> None:
        """Remember what the code calls the results of a call: the variables of the function where they are used."""
        for name, value in variables(frame).items():
            trail = self.trail(value)
            if trail is not None and trail.operation is None and trail.origin is origin:
                for source in trail.value.sources:
                    origin.spelling[source] = name

    def _variable(self, trail: Trail, frame: FrameType) -> str:
        """The name of a variable that holds a result itself."""
        return next((name for name, value in variables(frame).items() if self.trail(value) is trail), "")

    def _user(self, frame: FrameType) -> FrameType:
        at: FrameType | None = frame
        while at is not None and not is_users(at, self.libraries):
            at = at.f_back
        return at or frame


def _called(origin: Origin) -> str:
    """What a message calls a module."""
    return origin.name or f"nn.{origin.config.class_name}"


def _make_mode(torch: Any, follower: Follower) -> Any:
    """The mode that sees every operation; its class can only be made when torch is there."""
    handle = torch.overrides.handle_torch_function.__code__

    class Following(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        follows = True

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            own = sys._getframe()
            caller = own.f_back
            if caller is not None and caller.f_code is handle and caller.f_back is not None:
                caller = caller.f_back.f_back  # a function of torch that is written in Python has asked for this
            if kwargs.get("_stacklevel", 0) > 3:  # a warning of softmax points beyond its caller: four more are on the way now
                kwargs["_stacklevel"] += 4
            try:
                result = _call_in_place_of(caller or own)(function, args, kwargs)
            except BaseException as error:
                with suppress(Exception), torch._C.DisableTorchFunction():
                    follower.note_refusal(error, (args, list(kwargs.values())))
                leave_out_frame(error)
                leave_out_frame(error)  # that of the function in place of the caller
                raise
            # nothing that goes wrong here may reach the program, and no other follower sees what is done here
            with suppress(Exception), torch._C.DisableTorchFunction():
                follower.saw(function, args, kwargs, result)
            return result

    return Following()


_call: Any = lambda function, args, kwargs: function(*args, **kwargs)  # noqa: E731 - on one line, as its copies are

_placed: dict[tuple[str, int], CodeType] = {}
"""By file and line: the code of ``_call`` as if it stood there."""


def _call_in_place_of(frame: FrameType) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]:
    """What calls a function from the file and the line where a frame is: Python says of a warning where its caller stands.

    Whether a warning has been shown is noted in the variables of the caller's module, which are those of the frame too.
    """
    if sys.gettrace() is not None:
        return _call  # type: ignore[no-any-return] # a debugger would stop there once more
    key = frame.f_code.co_filename, frame.f_lineno or 0
    code = _placed.get(key)
    if code is None:
        if len(_placed) > 10_000:
            _placed.clear()
        code = _placed[key] = _call.__code__.replace(co_filename=key[0], co_firstlineno=key[1])
    return FunctionType(code, frame.f_globals)


def _follows(mode: Any) -> bool:
    """Whether a mode is that of a follower: several may watch at a time."""
    return getattr(mode, "follows", False) is True


def _compiles() -> bool:
    """Whether the program has compiled something: a mode would make it compile anew."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")  # optimizers load it as well, and then its one backend is None
    return any(getattr(dynamo, "cached_backends", {}).values())


def name_of(function: Any) -> str | None:
    """The name of an operation as ``axes.apply`` knows it."""
    name = getattr(function, "__name__", None)
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", None)
        return {"data": "detach"}.get(name, name) if name in _GETTERS else None
    if name in ("softmax", "log_softmax") and getattr(function, "__module__", "") == "torch.nn.functional":
        return "functional_softmax"
    return None if name is None else _OPERATORS.get(name, name)


def _tensors(value: Any) -> Iterator[Any]:
    """All that may be tensors in the arguments of an operation, in order."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif hasattr(value, "dtype"):
        yield value


def _sizes(tensor: Any) -> tuple[int, ...] | None:
    return tuple(tensor.shape) if hasattr(tensor, "shape") else None


def _as_it_lies(named: NamedTensor, tensor: Any) -> NamedTensor:
    """With the strides that the tensor really has."""
    strides: Callable[[], Any] = tensor.stride
    return replace(named, strides=tuple(strides()))


def _data_of(config: RNNConfig, given: Any, lengths: tuple[int, ...] | None) -> DataConfig | None:
    """The sizes of the input; ``None`` where a packed batch has no readable lengths, or there is nothing in it."""
    try:
        if hasattr(given, "batch_sizes"):
            return None if lengths is None else DataConfig(lengths=lengths)
        sizes = tuple(given.shape)
        if config.is_cell:
            return DataConfig(unbatched=True) if len(sizes) == 1 else DataConfig(batch_size=sizes[0])
        if len(sizes) == 2:
            return DataConfig(seq_len=sizes[0], unbatched=True)
        steps, batch = (sizes[1], sizes[0]) if config.batch_first else sizes[:2]
        return DataConfig(seq_len=steps, batch_size=batch)
    except RnndimsError:
        return None
