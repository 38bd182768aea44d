"""The operation that failed beside an RNN: its name, its tensors as the user's code has them, and what is known of them."""

import ast
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final

from ..axes.expressions import UNKNOWN, Step
from ..axes.named_tensor import AxesError, NamedTensor
from ..live.user_code import bound_to, failing_code, find_call
from ..phrases import shape_text
from ..shapes import Shape
from .frame_reader import Fact, FrameReader, Packed, World, recurrent

_WORDS: Final = {"N": "sequences", "L": "steps", "D": "directions", "num_layers": "layers"}
FEATURES: Final = frozenset({"H_out", "H_cell", "H_in", "features", "channels"})
_BY_PLACE: Final = ("gather", "index_select", "index")
_BINARY: Final = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul"}


@dataclass(slots=True, eq=False)
class Operand:
    """One tensor that an operation reads.

    Attributes:
        node: the user's code for it, a part of the failing expression; ``None`` if it is not written there.
        value: its shape and, where they are known, its axes; ``UNKNOWN`` if not even that, a tuple where it is one.
        fact: what it is, if it comes from an RNN.
        tensor: the tensor itself, if it is still there.
    """

    node: ast.expr | None
    value: Any
    fact: Fact | None = None
    tensor: Any = None

    @property
    def text(self) -> str:
        """The user's code for it."""
        return "" if self.node is None else ast.unparse(self.node)

    @property
    def shape(self) -> Shape | None:
        """Its shape, if it is known."""
        return self.value.sizes if isinstance(self.value, NamedTensor) else None


@dataclass(slots=True, eq=False)
class FailedOperation:
    """One operation that failed.

    Attributes:
        message: what PyTorch says.
        name: PyTorch's name of the operation: ``"linear"``, ``"cat"``.
        operands: its tensors in order.
        expression: the part of the user's line that failed.
        code: its text.
        arguments: the local variables of PyTorch's own function, if it is written in Python.
        layer: the module of torch.nn that failed, if one did, the innermost.
        outer: the module that the user's code called; ``layer``, or an ``nn.Sequential`` around it.
        call: the call of ``outer`` in ``expression``.
        reader: the function that the user's line is in.
        entry: its place in the traceback.
        world: what the frames have in common.
        frames: all the user's functions on the way.
    """

    message: str
    name: str
    operands: list[Operand]
    expression: ast.expr | None
    code: str
    arguments: dict[str, Any]
    layer: Any
    outer: Any
    call: ast.Call | None
    reader: FrameReader
    entry: TracebackType
    world: World
    frames: list[tuple[TracebackType, FrameReader]] = field(default_factory=list)

    @property
    def node(self) -> ast.expr | None:
        """The call or operator that the operands are written in."""
        return self.call if self.call is not None else self.expression

    @property
    def layer_text(self) -> str:
        """What the user's code calls ``layer``: ``self.fc``, ``self.head[2]``; ``""`` if that is not known."""
        if self.call is None or self.layer is None:
            return ""
        path = next((name for name, inner in self.world.torch.nn.Module.named_modules(self.outer) if inner is self.layer), "")
        text = ast.unparse(self.call.func)
        for word in path.split(".") if path else []:
            text += f"[{word}]" if word.isdigit() else f".{word}"
        return text

    def known(self) -> list[Operand]:
        """The operands that come from an RNN."""
        return [operand for operand in self.operands if operand.fact is not None]

    def with_operand(self, operand: Operand, template: str) -> str | None:
        """The failing code with an operand changed: ``template`` has ``_`` in its place."""
        return self.with_operands([(operand, template)])

    def with_operands(self, changes: list[tuple[Operand, str]]) -> str | None:
        """The failing code with several operands changed; ``None`` where one is not written there."""
        if self.expression is None or any(operand.node is None for operand, _ in changes):
            return None
        whole = self.expression
        for operand, template in changes:
            assert operand.node is not None  # noqa: S101 - looked at above
            new = put(template, operand.node)
            whole = replaced(whole, operand.node, new)
        return ast.unparse(ast.fix_missing_locations(whole))


def put(template: str, node: ast.expr) -> ast.expr:
    """``_.transpose(0, 1)`` with the user's code for ``_``."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            return deepcopy(node) if name.id == "_" else name

    found: ast.expr = Put().visit(ast.parse(template, mode="eval").body)
    return found


def replaced(whole: Any, part: ast.expr, new: ast.expr) -> Any:
    """A copy of an expression with one node of it replaced; the other nodes are the same objects."""
    if whole is part:
        return new
    if not any(child is part for child in ast.walk(whole)):
        return whole
    copy = type(whole)(**{name: getattr(whole, name) for name in whole._fields if hasattr(whole, name)})
    for name, value in ast.iter_fields(whole):
        if isinstance(value, ast.expr | ast.keyword):
            setattr(copy, name, replaced(value, part, new))
        elif isinstance(value, list):
            items = [replaced(item, part, new) if isinstance(item, ast.expr | ast.keyword) else item for item in value]
            setattr(copy, name, items)
    return copy


# --- finding it ------------------------------------------------------------------------------------------------------


def failed_operation(
    error: BaseException, entries: list[TracebackType], frames: list[tuple[TracebackType, FrameReader]], world: World
) -> FailedOperation:
    """The operation that raised ``error``, in the innermost of the user's functions or in what it called.

    Args:
        error: the exception.
        entries: its traceback, the outermost entry first.
        frames: the user's functions in it, read; at least one.
        world: what they have in common.
    """
    entry, reader = frames[-1]
    code, expression = failing_code(entry)
    below = entries[entries.index(entry) + 1 :]
    module_class = world.torch.nn.Module
    modules = [owner for each in below if isinstance(owner := each.tb_frame.f_locals.get("self"), module_class)]
    outer, layer = (modules[0], modules[-1]) if modules else (None, None)
    call = None if outer is None else find_call(expression, entry.tb_frame, outer) or _inline_call(expression, outer)
    failed = FailedOperation(str(error).strip(), "", [], expression, code, {}, layer, outer, call, reader, entry, world, frames)
    functions = [each.tb_frame for each in below if each.tb_frame.f_code.co_name not in _ON_THE_WAY]
    if functions and functions[-1].f_code.co_name in _FUNCTIONS:
        last = next((each for each in reversed(functions) if each.f_code.co_name not in _HELPERS), functions[-1])
        failed.name, failed.arguments = last.f_code.co_name, dict(last.f_locals)
        _called_function(failed, last.f_code.co_name)
    elif layer is not None:
        forward = next((each.tb_frame for each in reversed(below) if each.tb_frame.f_locals.get("self") is layer), None)
        failed.name = type(layer).__name__.lower()
        failed.arguments = {} if forward is None else dict(forward.f_locals)
        _called_function(failed, "")
    elif not functions:
        _written_operation(failed, [] if world.follower is None else world.follower.refused_tensors(error))
    return failed


def _inline_call(expression: ast.expr | None, module: Any) -> ast.Call | None:
    """The call of a module that is built where it is called: ``nn.CrossEntropyLoss()(scores, labels)``."""
    for node in ast.walk(expression) if expression is not None else ():
        inner = node.func if isinstance(node, ast.Call) else None
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).rpartition(".")[2] == type(module).__name__:
            return node if isinstance(node, ast.Call) else None
    return None


_ON_THE_WAY: Final = frozenset({"_wrapped_call_impl", "_call_impl", "__call__", "__torch_function__", "forward", "inner"})
_HELPERS: Final = frozenset({"broadcast_tensors", "_check_with", "_check_key_padding_mask", "_conv_forward"})
_FUNCTIONS: Final = frozenset(
    {
        "batch_norm",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "ctc_loss",
        "dropout",
        "einsum",
        "embedding",
        "hardtanh",
        "huber_loss",
        "kl_div",
        "l1_loss",
        "layer_norm",
        "leaky_relu",
        "log_softmax",
        "mse_loss",
        "multi_head_attention_forward",
        "nll_loss",
        "pack_padded_sequence",
        "pad_packed_sequence",
        "relu",
        "sigmoid",
        "smooth_l1_loss",
        "softmax",
        "tanh",
    }
    | _HELPERS
)
_INPUTS: Final = ("input", "x", "log_probs", "query", "key", "value", "target", "targets", "sequence")


def _called_function(failed: FailedOperation, name: str) -> None:
    """The operands of a function of torch that is written in Python, with the code that the user passes for them."""
    if failed.name == "_conv_forward":
        failed.name = "conv1d"
    if failed.call is None and isinstance(failed.expression, ast.expr):
        failed.call = next(
            (
                node
                for node in ast.walk(failed.expression)
                if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
            ),
            None,
        )
    refused = refusal(failed)
    nodes: list[ast.expr | None] = list(failed.call.args) if failed.call is not None else []
    named = {keyword.arg: keyword.value for keyword in failed.call.keywords} if failed.call is not None else {}
    if failed.name == "einsum" and failed.call is not None:
        _written_operation(failed, [])
        return
    for at, key in enumerate(key for key in _INPUTS if key in failed.arguments):
        found = failed.arguments[key]
        node = named.get(key, nodes[at] if at < len(nodes) else None)
        if failed.world.is_tensor(found) or isinstance(found, (tuple, list)):
            through = failed.outer is not None and failed.outer is not failed.layer
            failed.operands.append(
                _operand(failed, None if through else node, found, refused, from_node=node if through else None)
            )


def _operand(
    failed: FailedOperation, node: ast.expr | None, found: Any, refused: Step | None, from_node: ast.expr | None = None
) -> Operand:
    """What is known of a value that is there."""
    reader, world = failed.reader, failed.world
    value = reader.attempt(node) if node is not None else UNKNOWN
    if hasattr(found, "batch_sizes"):
        origin = value.origin if isinstance(value, Packed) else None
        trail = None if world.follower is None else world.follower.trail(found.data)
        origins = [world.origins[origin]] if origin is not None else [] if trail is None else [trail.origin]
        fact = Fact(reader.plain(found.data), (("output", origins[0]),)) if origins else None
        return Operand(node, value, fact, found)
    if isinstance(found, (tuple, list)):
        parts = reader.settled(value, found)
        return Operand(node, parts, None, found)
    sizes = tuple(found.shape)
    turned = failed.name == "multi_head_attention_forward"  # it has turned its arguments when it looks at them
    same = isinstance(value, NamedTensor) and (sorted(value.sizes) == sorted(sizes) if turned else value.sizes == sizes)
    if not same:
        value = world.known.get(id(found), UNKNOWN)
    if not isinstance(value, NamedTensor) and refused is not None and refused.arguments:
        first = refused.arguments[0]
        value = first if isinstance(first, NamedTensor) and first.sizes == sizes else UNKNOWN
    if not isinstance(value, NamedTensor):
        reader.touched = set()
        written = node or from_node
        if written is not None:
            reader.attempt(written)
        value = replace(reader.plain(found), sources=frozenset(reader.touched))
    fact = world.fact(value, found)
    return Operand(node, value if fact is None else fact.value, fact, found)


def refusal(failed: FailedOperation) -> Step | None:
    """The step at which reading the failing expression comes to an end, as PyTorch did."""
    reader = failed.reader
    reader.trail.clear()
    try:
        if failed.expression is not None:
            reader.value(failed.expression)
    except (AxesError, RecursionError):
        return reader.trail[-1] if reader.trail else None
    return None


def _written_operation(failed: FailedOperation, there: list[Any]) -> None:
    """An operation that the user's line does itself: its operands are the parts of the expression.

    Args:
        failed: the operation.
        there: its tensors, if it was watched.
    """
    reader = failed.reader
    node = failed.expression
    reader.refused_at = None
    refused = refusal(failed)
    if refused is not None and reader.refused_at is not None and _contains(node, reader.refused_at):
        node = reader.refused_at  # Python 3.10 knows the line only
    elif "out of bounds" in failed.message and node is not None and _name_of(node) not in _BY_PLACE:
        node = next((part for part in ast.walk(node) if isinstance(part, ast.expr) and _name_of(part) in _BY_PLACE), node)
    node = _innermost(node)
    if node is None:
        return
    failed.call = node if isinstance(node, ast.Call) else None
    if failed.call is None and node is not failed.expression:
        failed.expression, failed.code = node, ast.unparse(node)
    failed.name = _name_of(node)
    written = list(_written(node, reader))
    if len(there) != len(written):
        there = []
    for at, part in enumerate(written):
        found = there[at] if there else bound_to(part, reader.objects)
        tensor = found if failed.world.is_tensor(found) else None
        value = reader.attempt(part)
        if tensor is not None and not isinstance(value, (NamedTensor, tuple)):
            failed.operands.append(_operand(failed, part, tensor, None))
            continue
        fact = None if isinstance(value, tuple) else failed.world.fact(value, tensor)
        if value is UNKNOWN:
            reader.touched = set()
            reader.attempt(part)
        if value is not UNKNOWN and not isinstance(value, (NamedTensor, tuple)):
            continue
        failed.operands.append(Operand(part, value if fact is None else fact.value, fact, tensor))


def _contains(node: ast.expr | None, part: ast.expr) -> bool:
    return node is not None and any(child is part for child in ast.walk(node))


def _innermost(node: ast.expr | None) -> ast.expr | None:
    """The operation of an expression, below what only holds it."""
    while isinstance(node, ast.Starred | ast.Await | ast.NamedExpr):
        node = node.value
    return node


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2] if isinstance(node.func, ast.Attribute | ast.Name) else ""
    if isinstance(node, ast.BinOp):
        return _BINARY.get(type(node.op), "add")
    if isinstance(node, ast.Subscript):
        return "index"
    return "eq" if isinstance(node, ast.Compare) else "attribute" if isinstance(node, ast.Attribute) else ""


def _written(node: ast.expr, reader: FrameReader) -> Iterator[ast.expr]:
    """The parts of an operation that may be tensors."""
    if isinstance(node, ast.Call):
        parts = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        parts += [*node.args, *(keyword.value for keyword in node.keywords)]
    elif isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        parts = [node.value, *(part for part in inside if not isinstance(part, ast.Slice))]
    else:
        parts = [node.value] if isinstance(node, ast.Attribute) else []
    for part in parts:
        for each in part.elts if isinstance(part, ast.List | ast.Tuple) else [part]:
            if not isinstance(each, ast.Constant | ast.Starred):
                value = reader.attempt(each)
                is_none = value is None or isinstance(value, (int, float, str))
                if not is_none and not (value is UNKNOWN and _is_no_tensor(each, reader)):
                    yield each


def _is_no_tensor(node: ast.expr, reader: FrameReader) -> bool:
    """Whether a part is a module of Python, a function, a size."""
    found = bound_to(node, reader.objects)
    return found is not None and not reader.world.is_tensor(found)


# --- whether it concerns an RNN ---------------------------------------------------------------------------------------


def is_read_by_rnn(failed: FailedOperation) -> bool:
    """Whether an RNN would have read what the operation makes, as the source says."""
    module_class = failed.world.torch.nn.Module

    def has_rnn(module: Any) -> bool:
        """Whether a module is an RNN or has one inside."""
        return isinstance(module, module_class) and any(recurrent(each) is not None for each in module_class.modules(module))

    if failed.outer is not failed.layer and has_rnn(failed.outer):
        return True
    for entry, reader in reversed(failed.frames):
        if reader.statement_at is None:
            return False
        body = reader.world.body(entry.tb_frame.f_code, entry.tb_frame.f_globals)
        names = ChainMap(dict(entry.tb_frame.f_locals), entry.tb_frame.f_globals)
        _, expression = failing_code(entry)
        part = failed.call if entry is failed.entry and failed.call is not None else expression
        failing = "" if part is None else ast.unparse(part)
        found, returned = _flows(body, reader.statement_at, failing, names, has_rnn)
        if found:
            return True
        if not returned:
            return False
    return False


def _flows(
    body: list[ast.stmt], start: ast.stmt, failing: str, names: Mapping[str, Any], has_rnn: Callable[[Any], bool]
) -> tuple[bool, bool]:
    """Whether the value of a statement gets to an RNN in this function, and whether the function returns it."""
    marked: set[str] = set()
    begun, returned = False, False
    for statement in (node for each in body for node in ast.walk(each) if isinstance(node, ast.stmt)):
        if statement is start:
            begun = True
            marked = {name for name in _stored(statement) if name.isidentifier()}
            for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
                inside = any(failing and failing == ast.unparse(node) for a in call.args for node in ast.walk(a))
                if inside and has_rnn(bound_to(call.func, names)):
                    return True, False
            returned = isinstance(statement, ast.Return)
            continue
        if not begun or hasattr(statement, "body"):
            continue
        read = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        if not read & marked:
            continue
        for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
            arguments = {node.id for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Name)}
            if arguments & marked and has_rnn(bound_to(call.func, names)):
                return True, False
        marked |= {name for name in _stored(statement) if name.isidentifier()}
        returned = returned or isinstance(statement, ast.Return)
    return False, returned


def _stored(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


# --- words -----------------------------------------------------------------------------------------------------------


def source_words(fact: Fact) -> str:
    """``output of self.rnn (nn.LSTM, bidirectional)``."""
    words: dict[int, tuple[list[str], Any]] = {}
    for name, origin in fact.parts:
        words.setdefault(id(origin), ([], origin))[0].append(name)
    said = []
    for names, origin in words.values():
        config = origin.config
        kind = f"nn.{config.class_name}" + (", bidirectional" if config.bidirectional else "")
        said.append(f"{' and '.join(names)} of {f'{origin.name} ({kind})' if origin.name else kind}")
    return " and ".join(said) or "a result"


def axes_words(value: NamedTensor) -> str:
    """``(N, L, D*H_out) = (8, 12, 40)``."""
    dims = []
    for dim, size in enumerate(value.sizes):
        names = value.names(dim)
        known = "D*num_layers" if names == ("num_layers", "D") else "*".join(names)
        dims.append(str(size) if not names or "?" in names else known)
    inner = ", ".join(dims)
    symbols = f"({inner},)" if len(dims) == 1 else f"({inner})"
    shape = shape_text(value.sizes)
    return shape if symbols == shape else f"{symbols} = {shape}"


def product_words(value: NamedTensor, dim: int) -> str:
    """Why an axis has its size: `` = 2 directions * 64``; ``""`` if there is nothing to say."""
    factors = [factor for factor in value.axes[dim] if factor.size != 1]
    if len(factors) < 2:
        return ""
    words = []
    for factor, name in zip(factors, value.names(dim), strict=False):
        words.append(f"{factor.size} {_WORDS[name]}" if name in _WORDS else str(factor.size))
    return " = " + " * ".join(words) if len(words) == len(factors) else ""


def is_features(value: NamedTensor, dim: int) -> bool:
    """Whether an axis has the numbers of one step: features, also of several steps or tensors side by side."""
    names = value.names(dim)
    known = [name for name in names if name != "?"]
    return bool(known) and known[-1] in FEATURES if "?" not in names else bool(known) and set(known) <= {*FEATURES, "D"}
