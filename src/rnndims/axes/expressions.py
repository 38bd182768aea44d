"""Python code that uses an RNN's results, followed axis by axis. The text is parsed, never executed.

``torch.cat([h_n[-2], h_n[-1]], dim=-1)``, ``out.view(x.size(0), -1)``, ``o, (h, c) = lstm(x); fc(o[:, -1])``: names,
assignments, indexing, methods, functions of ``torch`` and ``torch.nn.functional``, some layers of ``torch.nn``, arithmetic of
ints. What cannot be followed has an unknown value; the rest is followed all the same.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..dtypes import BITS, RNN_DTYPES, dtype_name
from ..errors import shorten
from .call_results import ModuleResults, NamedInt, StateOrPair, role
from .computation import ValuesIndices, elementwise, to_float, to_int
from .named_tensor import Atom, ExpressionError, NamedTensor, NotFollowedError, RefusedError, type_name
from .operations import FUNCTIONAL, METHODS, TORCH, apply, call

MAX_TEXT: Final = 2000
"""The longest expression, in characters."""

MAX_NODES: Final = 500
MAX_DEPTH: Final = 60
MAX_NUMBER: Final = 10**200
"""Ints beyond it are not computed with."""

MAX_LIST: Final = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of an expression.

    Attributes:
        name: PyTorch's name; ``"index"`` for ``x[...]``, ``"linear"`` with the sizes of its weight, ``"call"`` for a function
            that is not known.
        text: the part of the expression that it computes.
        arguments: what it was called with, tensors first.
        keywords: the same by name.
        result: a `NamedTensor`, or a tuple of them; ``UNKNOWN`` where it is not known or PyTorch refuses the operation.
    """

    name: str
    text: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    result: Any


@dataclass(frozen=True, slots=True)
class Followed:
    """An expression and what is known of it.

    Attributes:
        text: the expression that has the value: the last one, without the name that it is assigned to.
        value: a `NamedTensor`, a tuple, or a number; ``UNKNOWN`` where it is not known.
        trail: its operations in the order in which Python runs them.
        spelling: for each source in it (``"output"``) the name that the expression uses (``"out"``).
        refused: why PyTorch would refuse it; the trail then ends there.
        gap: the first thing that could not be followed, and has an unknown value.
    """

    text: str
    value: Any
    trail: tuple[Step, ...]
    spelling: Mapping[str, str]
    refused: RefusedError | None = None
    gap: str | None = None


class Unknown:
    """What is not followed: whatever is done with it is not known either."""


UNKNOWN: Final[Any] = Unknown()


class _Opaque:
    """A device, a dtype: something that changes no axis."""


class _Layer:
    """A layer of ``torch.nn`` with its arguments: a function of one tensor."""

    def __init__(self, name: str, run: Callable[[NamedTensor], Any], arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.run = run
        self.arguments = arguments


def read_statements(text: str) -> list[ast.expr | ast.Assign]:
    """The expressions and assignments of a text, one a line or with ``;`` between them.

    Raises:
        ExpressionError: if it is something else, or too long, or too deep.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"is longer than {MAX_TEXT} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1if 1else 2` and odd escapes are warned of while they are read
            body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("is no Python expression") from None
    todo: list[tuple[ast.AST, int]] = [(statement, 0) for statement in body]
    count = 0
    while todo:
        here, depth = todo.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionError("has too many parts")
        todo += [(child, depth + 1) for child in ast.iter_child_nodes(here) if not isinstance(child, ast.expr_context)]
    found: list[ast.expr | ast.Assign] = []
    for statement in body:
        if not isinstance(statement, ast.Expr | ast.Assign):
            raise ExpressionError("has a statement that is neither an expression nor an assignment")
        found.append(statement.value if isinstance(statement, ast.Expr) else statement)
    if not found:
        raise ExpressionError("is no Python expression")
    return found


def follow(text: str, names: Mapping[str, Any]) -> Followed:
    """Follow an expression, or several statements of which the last has the value.

    Args:
        text: Python code; it is not executed.
        names: what its names stand for: `NamedTensor` values, ints, tuples of them. `usual_names` has all those in use.

    Returns:
        The result with its shape and axes, and every operation on the way, as far as it can be followed and runs.

    Raises:
        ExpressionError: if the text cannot be read.

    >>> from rnndims.config import DataConfig, RNNConfig
    >>> from rnndims.axes.call_results import usual_names
    >>> names = usual_names(RNNConfig("gru", 3, 4, bidirectional=True), DataConfig())
    >>> print(follow("torch.cat([hn[-2], hn[-1]], dim=-1)", names).value)
    (N) (D H_out)
    >>> print(follow("hn.view(5, 5)", names).refused)
    shape '[5, 5]' is invalid for input of size 16
    """
    statements = read_statements(text)
    reader = Reader(text.strip(), names)
    value, refused = UNKNOWN, None
    try:
        for statement in statements:
            value = reader.statement(statement)
    except RefusedError as error:
        value, refused = UNKNOWN, error
    if not _is_value(value):
        value = UNKNOWN
    gap = None if value is not UNKNOWN else reader.gap or "it is no tensor"
    last = statements[-1]
    shown = reader.source(last.value if isinstance(last, ast.Assign) else last)
    return Followed(shown, value, tuple(reader.trail), reader.spelling, refused, None if refused else gap)


def _is_value(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_value(item) for item in value)
    return not isinstance(value, (ModuleResults, _Layer, _Opaque, Unknown))


def _has_unknown(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_has_unknown(item) for item in value)
    if isinstance(value, slice):
        return _has_unknown((value.start, value.stop, value.step))
    return value is UNKNOWN


class Reader:
    """Works out the value of each node; names stand for `NamedTensor` values, ints and tuples of them."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self.text = text
        self.names = dict(names)
        self.trail: list[Step] = []
        self.spelling: dict[str, str] = {}
        self.gap: str | None = None

    def statement(self, node: ast.expr | ast.Assign) -> Any:
        """The value of an expression or an assignment; the names that are assigned have it from then on."""
        value = self.value(node.value if isinstance(node, ast.Assign) else node)
        for target in node.targets if isinstance(node, ast.Assign) else ():
            self.assign(target, value)
        return value

    def assign(self, target: ast.expr, value: Any) -> None:
        """Give the names of a target their values."""
        if isinstance(target, ast.Tuple | ast.List) and not any(isinstance(item, ast.Starred) for item in target.elts):
            if isinstance(value, NamedTensor):
                value = apply("unbind", value)
            if isinstance(value, (tuple, list)) and len(value) != len(target.elts):
                few = "not enough" if len(value) < len(target.elts) else "too many"
                raise RefusedError(f"{few} values to unpack (expected {len(target.elts)})", "ValueError")
            for at, item in enumerate(target.elts):
                self.assign(item, value[at] if isinstance(value, (tuple, list)) else UNKNOWN)
        elif isinstance(target, ast.Name):
            self.names[target.id] = value
        else:
            self.missed(f"{shorten(ast.unparse(target))} = is not followed")

    def missed(self, what: str) -> Any:
        """Remember what is not followed first; its value is unknown."""
        self.gap = self.gap or what
        return UNKNOWN

    def value(self, node: ast.expr) -> Any:
        """The value of one node; a name that may be a pair is the state."""
        found = self.raw(node)
        return found.h_n if isinstance(found, StateOrPair) else found

    def raw(self, node: ast.expr) -> Any:
        """The value of one node; a name that may be a pair is left as it is."""
        reader = _READERS.get(type(node))
        if reader is None:
            return self.missed(f"{shorten(self.source(node))} is not followed")
        try:
            return getattr(self, reader)(node)
        except NotFollowedError as error:
            return self.missed(error.message)

    def step(
        self, node: ast.expr, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], function: Any = None
    ) -> Any:
        """Run one operation and note it."""
        if _has_unknown((*arguments, *keywords.values())):
            return UNKNOWN
        try:
            result = apply(name, *arguments, **keywords) if function is None else call(function, name, arguments, keywords)
        except RefusedError:
            self.trail.append(Step(name, self.source(node), arguments, keywords, UNKNOWN))
            raise
        if isinstance(result, (NamedTensor, tuple)) and name not in ("size", "shape"):
            self.trail.append(Step(name, self.source(node), arguments, keywords, result))
        return result

    def source(self, node: ast.expr) -> str:
        """The text of one node."""
        return ast.get_source_segment(self.text, node) or ast.unparse(node)

    # ---- leaves

    def constant(self, node: ast.Constant) -> Any:
        """A number, a text, ``None``, ``...``."""
        if isinstance(node.value, (bool, int, float, str)) or node.value in (None, ...):
            if isinstance(node.value, int):
                _bounded(node.value)
            return node.value
        raise NotFollowedError(f"a {type(node.value).__name__} is not followed")

    def name(self, node: ast.Name) -> Any:
        """A name."""
        return self.named(node.id)

    def named(self, word: str) -> Any:
        """What a name stands for; the trail remembers how the results are spelt."""
        known = word if word in self.names else role(word)
        if known not in self.names:
            raise NotFollowedError(f"{shorten(word)} is no known name of a result, the input or a size")
        value = self.names[known]
        for tensor in (value.h_n, value.c_n) if isinstance(value, StateOrPair) else (value,):
            if isinstance(tensor, NamedTensor):
                for source in tensor.sources:
                    self.spelling.setdefault(source, word)
        return value

    def sequence(self, node: ast.Tuple | ast.List) -> Any:
        """A tuple or a list."""
        found: list[Any] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                found += self.several(item.value)
            else:
                found.append(self.value(item))
        if len(found) > MAX_LIST:
            raise NotFollowedError("a list of so many items is not followed")
        return tuple(found) if isinstance(node, ast.Tuple) else found

    def several(self, node: ast.expr) -> list[Any]:
        """The items of what stands behind a ``*``."""
        value = self.value(node)
        if isinstance(value, NamedTensor):
            return list(self.step(node, "unbind", (value,), {}))
        if not isinstance(value, (tuple, list)) or len(value) > MAX_LIST:
            raise NotFollowedError("* before this is not followed")
        return list(value)

    # ---- operators

    def binary(self, node: ast.BinOp) -> Any:
        """``a + b``, ``a @ b``."""
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, NamedTensor) or isinstance(right, NamedTensor):
            name = _OPERATORS.get(type(node.op))
            if name is None:
                raise NotFollowedError(f"{type(node.op).__name__} of tensors is not followed")
            return self.step(node, name, (left, right), {})
        if isinstance(node.op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
        if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return left + right
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise NotFollowedError("arithmetic of this kind is not followed")
        return _arithmetic(node.op, left, right)

    def unary(self, node: ast.UnaryOp) -> Any:
        """``-a``, ``~mask``."""
        value = self.value(node.operand)
        if isinstance(value, NamedTensor):
            if isinstance(node.op, ast.UAdd) and value.kind != "bool":
                return value
            if isinstance(node.op, ast.Invert) and value.kind == "bool":
                return elementwise(value)
            if isinstance(node.op, ast.USub):
                return self.step(node, "neg", (value,), {})
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if isinstance(node.op, ast.USub):
                return -value
            if isinstance(node.op, ast.UAdd):
                return value
        raise NotFollowedError(f"{type(node.op).__name__} of this is not followed")

    def compare(self, node: ast.Compare) -> Any:
        """``a > b``."""
        name = _COMPARISONS.get(type(node.ops[0])) if len(node.ops) == 1 else None
        left, right = self.value(node.left), self.value(node.comparators[0])
        if name is None or not (isinstance(left, NamedTensor) or isinstance(right, NamedTensor)):
            raise NotFollowedError("a comparison of this kind is not followed")
        return self.step(node, name, (left, right), {})

    # ---- indexing

    def subscript(self, node: ast.Subscript) -> Any:
        """``a[...]``."""
        value = self.raw(node.value)
        if isinstance(value, StateOrPair):
            which = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if type(which) is int and which in (0, 1):
                return self.part_of_pair(node, (value.h_n, value.c_n)[which])
            value = value.h_n
        at = self.index(node.slice)
        if isinstance(value, NamedTensor):
            return self.step(node, "index", (value, at), {})
        if not isinstance(value, (tuple, list)):
            raise NotFollowedError("an index of this is not followed")
        if at is UNKNOWN or isinstance(at, NamedTensor):
            raise NotFollowedError("an index of this kind is not followed")
        if not isinstance(at, (int, slice)):
            raise RefusedError(f"tuple indices must be integers or slices, not {type_name(at)}", "TypeError")
        try:
            return self.part_of_pair(node, value[at])
        except (IndexError, ValueError, TypeError) as error:
            raise RefusedError(str(error), type(error).__name__) from None

    def part_of_pair(self, node: ast.Subscript, value: Any) -> Any:
        """A state that is taken from a tuple is called so from then on: ``hidden[0]``, not ``hidden``."""
        if (
            isinstance(value, NamedTensor)
            and isinstance(node.value, ast.Name)
            and any(value is known for known in self.names.values())
        ):
            self.spelling.update(dict.fromkeys(value.sources, self.source(node)))
        return value

    def index(self, node: ast.expr) -> Any:
        """What stands between the brackets."""
        if isinstance(node, ast.Slice):
            bounds = [None if bound is None else self.value(bound) for bound in (node.lower, node.upper, node.step)]
            if any(isinstance(bound, NamedTensor) for bound in bounds):
                raise NotFollowedError("a slice up to the value of a tensor is not followed")
            return slice(*bounds)
        if isinstance(node, ast.Tuple):
            return tuple(self.index(item) for item in node.elts)
        return self.value(node)

    # ---- attributes and calls

    def attribute(self, node: ast.Attribute) -> Any:
        """``a.shape``, ``self.out``."""
        path = _path(node)
        if path[:1] == ["self"] and len(path) == 2:
            return self.named(path[1])
        if path[:1] == ["torch"] and len(path) == 2 and _dtype_kind(node):
            return _Opaque()
        if path and not self.knows(path[0]) and isinstance(self.names.get(node.attr), NamedInt):
            return self.names[node.attr]  # args.hidden_size
        value = self.value(node.value)
        if isinstance(value, NamedTensor):
            if node.attr in ("T", "mT"):
                return self.step(node, node.attr, (value,), {})
            if node.attr == "shape":
                return shape_of(value)
            if node.attr == "ndim":
                return value.ndim
            if node.attr == "data":
                return value
            if node.attr in ("dtype", "device"):
                return _Opaque()
        if isinstance(value, ValuesIndices) and node.attr in ("values", "indices"):
            return getattr(value, node.attr)
        self.check_tuple(value, node.attr)
        raise NotFollowedError(f".{shorten(node.attr)} is not followed")

    def check_tuple(self, value: Any, attribute: str) -> None:
        """Refuse what is asked of a tuple as if it were a tensor: ``state.shape`` of ``(h_n, c_n)``."""
        if isinstance(value, (tuple, list)) and attribute not in ("index", "count", "append", "numel"):
            name = type(value).__name__ if not isinstance(value, ValuesIndices) else "torch.return_types.max"
            raise RefusedError(f"'{name}' object has no attribute '{shorten(attribute)}'", "AttributeError")

    def call(self, node: ast.Call) -> Any:
        """A function, a method, a layer or the module itself."""
        path = _path(node.func)
        word = path[-1] if path else ""
        if path in (["len"], ["tuple"], ["list"], ["int"]):
            return self.builtin(node, word)
        target = self.module(node.func, path)
        if target is not None:
            return self.results(node, target)
        if isinstance(node.func, ast.Call):
            return self.layer_call(node)
        if word == "pad_packed_sequence" and "lengths" in self.names:
            return self.padded(node)
        if path[:-1] in ([], ["torch"]) and word in TORCH:
            arguments, keywords = self.arguments(node)
            return self.step(node, word, arguments, keywords, TORCH[word])
        if path[:-1] in _FUNCTIONAL or (len(path) == 1 and word in FUNCTIONAL):
            return self.functional(node, word)
        if path[:-1] in (["nn"], ["torch", "nn"]):
            return self.layer(node, word)
        of_self = len(path) == 2 and path[0] == "self"
        if isinstance(node.func, ast.Attribute) and not of_self and (not path or word in METHODS or self.knows(path[0])):
            return self.method(node, node.func)
        return self.other_function(node, ".".join(path))

    def knows(self, word: str) -> bool:
        """Whether a name stands for something here."""
        return word in self.names or role(word) in self.names

    def other_function(self, node: ast.Call, name: str) -> Any:
        """A function of the user's, ``self.fc(out[:, -1])``: what it reads is known, and what it returns is not.

        Dropout, a norm or an activation by its name changes no axis.
        """
        arguments, keywords = self.arguments(node)
        if len(arguments) == 1 and isinstance(arguments[0], NamedTensor) and not keywords:
            if _ELEMENTWISE_NAME.search(name):
                return elementwise(arguments[0])
            self.trail.append(Step("call", self.source(node), arguments, keywords, UNKNOWN))
        raise NotFollowedError(f"what {shorten(name or self.source(node.func))} returns is not known")

    def module(self, func: ast.expr, path: list[str]) -> ModuleResults | None:
        """The module, if the call is one of it: ``rnn(x)``, ``self.bi_lstm(x)``, ``nn.GRU(3, 4)(x)``."""
        inner = func.func if isinstance(func, ast.Call) else None
        if inner is not None:
            path = _path(inner)
            if path[:-1] not in (["nn"], ["torch", "nn"]):
                return None
        elif path[:-1] not in ([], ["self"]):
            return None
        found = self.names.get(path[-1]) if path else None
        known = self.names.get("module")
        if path and inner is None and found is None and isinstance(known, ModuleResults):
            names_it = re.search(f"rnn|{known.config.cell}", path[-1].lower())
            found = known if names_it else None
        if not isinstance(found, ModuleResults):
            return None
        if isinstance(func, ast.Call):
            self.check_constructor(func, found)
        return found

    def check_constructor(self, node: ast.Call, module: ModuleResults) -> None:
        """Refuse to take another module for the one whose results are known."""
        arguments, keywords = self.arguments(node)
        built = {**dict(zip(("input_size", "hidden_size", "num_layers"), arguments, strict=False)), **keywords}
        if len(arguments) > 3 or any(
            isinstance(value, float) or getattr(module.config, word, built) != value for word, value in built.items()
        ):
            raise NotFollowedError("the results of a module with other arguments are not known")

    def results(self, node: ast.Call, target: ModuleResults) -> Any:
        """What the module returns for its own input, or for one of which nothing is known."""
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "input"), None)
        if first is None or isinstance(first, ast.Starred):
            raise NotFollowedError("a call of the module without its input is not followed")
        gap = self.gap
        value = self.value(first)
        self.gap = gap
        if value is not UNKNOWN and (not isinstance(value, NamedTensor) or value != target.argument):
            raise NotFollowedError("what the module returns is known for its own input only")
        return target.returned

    def padded(self, node: ast.Call) -> Any:
        """``pad_packed_sequence(packed, batch_first=True)``: output in the layout that it is asked for, and the lengths."""
        given = [keyword.value for keyword in node.keywords if keyword.arg == "batch_first"] or node.args[1:2]
        batch_first = self.value(given[0]) if given else False
        module = self.names.get("module")
        if not isinstance(batch_first, bool) or not isinstance(module, ModuleResults):
            raise NotFollowedError("pad_packed_sequence with these arguments is not followed")
        output = self.named("output")
        turned = batch_first != module.config.batch_first
        return (apply("transpose", output, 0, 1) if turned else output), self.named("lengths")

    def builtin(self, node: ast.Call, word: str) -> Any:
        """``len``, ``int``, ``tuple``, ``list``."""
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise NotFollowedError(f"{word}() of this is not followed")
        value = self.value(node.args[0])
        if word == "int":
            if isinstance(value, int):
                return value
        elif isinstance(value, NamedTensor) and word == "len":
            if value.ndim == 0:
                raise RefusedError("len() of a 0-d tensor", "TypeError")
            return shape_of(value)[0]
        elif isinstance(value, NamedTensor):
            parts = self.step(node, "unbind", (value,), {})
            return parts if word == "tuple" else list(parts)
        elif isinstance(value, (tuple, list)):
            return len(value) if word == "len" else tuple(value) if word == "tuple" else list(value)
        raise NotFollowedError(f"{word}() of this is not followed")

    def method(self, node: ast.Call, func: ast.Attribute) -> Any:
        """A method of a tensor."""
        value = self.value(func.value)
        name = func.attr
        self.check_tuple(value, name)
        if not isinstance(value, NamedTensor) or name not in METHODS:
            raise NotFollowedError(f".{shorten(name)}() is not followed")
        if name in ("to", "cuda", "cpu"):
            return _converted(value, node)
        arguments, keywords = self.arguments(node)
        if name == "size":
            at = call(METHODS[name], name, (value, *arguments), keywords)
            if isinstance(at, tuple):
                return shape_of(value)
            dim = next(iter((*arguments, *keywords.values())))
            return shape_of(value)[dim]
        return self.step(node, name, (value, *arguments), keywords, METHODS[name])

    def functional(self, node: ast.Call, word: str) -> Any:
        """A function of ``torch.nn.functional``."""
        arguments, keywords = self.arguments(node)
        if word == "linear":
            weight = arguments[1] if len(arguments) > 1 else keywords.get("weight")
            first = arguments[0] if arguments else keywords.get("input")
            if not isinstance(weight, NamedTensor) or weight.ndim != 2:
                raise NotFollowedError("the size of this weight is not known")
            return self.step(node, "linear", (first, weight.sizes[1], weight.sizes[0]), {})
        if word not in FUNCTIONAL:
            raise NotFollowedError(f"functional.{shorten(word)} is not followed")
        return self.step(node, word, arguments, keywords, FUNCTIONAL[word])

    def layer(self, node: ast.Call, word: str) -> _Layer:
        """A layer of ``torch.nn`` that is built."""
        if isinstance(self.names.get(word), ModuleResults):
            raise NotFollowedError(f"nn.{shorten(word)}(...) is a module, not what it returns")
        arguments, keywords = self.arguments(node)
        if word == "Linear":
            sizes = list(arguments[:2]) + [keywords[key] for key in ("in_features", "out_features") if key in keywords]
            if len(sizes) != 2:
                raise RefusedError("Linear.__init__() missing 'in_features' or 'out_features'", "TypeError")
            return _Layer("linear", lambda x: apply("linear", x, *sizes), tuple(sizes))
        if word in ("Softmax", "LogSoftmax"):
            dims = [*arguments, *keywords.values()]
            if len(dims) > 1 or (keywords and "dim" not in keywords):
                raise NotFollowedError(f"nn.{shorten(word)} with these arguments is not followed")
            return _Layer("softmax", lambda x: apply("functional_softmax", x, *dims), tuple(dims))
        if word == "Flatten":
            both = {"start_dim": 1, **dict(zip(("start_dim", "end_dim"), arguments, strict=False)), **keywords}
            return _Layer("flatten", lambda x: apply("flatten", x, **both), tuple(both.values()))
        if word in _ELEMENTWISE_LAYERS:
            constants = [*arguments, *keywords.values()]
            if len(constants) > 1 or not all(isinstance(value, (int, float)) for value in constants):
                raise NotFollowedError(f"nn.{shorten(word)} with these arguments is not followed")
            if word == "Dropout" and constants and not 0 <= constants[0] <= 1:
                raise RefusedError(f"dropout probability has to be between 0 and 1, but got {constants[0]}", "ValueError")
            return _Layer(word, elementwise, ())
        if word == "Identity":
            return _Layer(word, lambda x: x, ())
        raise NotFollowedError(f"nn.{shorten(word)} is not followed")

    def layer_call(self, node: ast.Call) -> Any:
        """A layer that is built and called: ``nn.Linear(4, 2)(x)``."""
        layer = self.value(node.func)
        if layer is UNKNOWN:
            return self.other_function(node, "")
        arguments, keywords = self.arguments(node)
        if _has_unknown(arguments):
            return UNKNOWN
        if not isinstance(layer, _Layer) or keywords or len(arguments) != 1 or not isinstance(arguments[0], NamedTensor):
            raise NotFollowedError("a call of this kind is not followed")
        given = (arguments[0], *layer.arguments)
        try:
            result = layer.run(arguments[0])
        except RefusedError:
            self.trail.append(Step(layer.name, self.source(node), given, {}, UNKNOWN))
            raise
        self.trail.append(Step(layer.name, self.source(node), given, {}, result))
        return result

    def arguments(self, node: ast.Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, by place and by name."""
        found: list[Any] = []
        for argument in node.args:
            found += self.several(argument.value) if isinstance(argument, ast.Starred) else [self.value(argument)]
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise NotFollowedError("** is not followed")
            if keyword.arg in keywords:
                raise RefusedError(f"keyword argument repeated: {shorten(keyword.arg)}", "SyntaxError")
            if keyword.arg in ("device", "requires_grad"):
                continue
            if keyword.arg == "dtype":
                self.check_dtype(node, keyword.value)
                continue
            keywords[keyword.arg] = self.value(keyword.value)
        if len(found) > MAX_LIST:
            raise NotFollowedError("so many arguments are not followed")
        return tuple(found), keywords

    def check_dtype(self, node: ast.Call, dtype: ast.expr) -> None:
        """A dtype that changes what can be done with the result is not followed."""
        makes_ints = _path(node.func)[-1:] in (["arange"], ["tensor"])
        if _dtype_kind(dtype) != ("int" if makes_ints else "float"):
            raise NotFollowedError("this dtype is not followed")


def _dtype_kind(node: ast.expr) -> str | None:
    """``"int"`` or ``"float"`` for ``torch.long``, ``torch.float16`` and their like."""
    path = _path(node)
    if path[:1] != ["torch"] or len(path) != 2:
        return None
    name = dtype_name(path[1])
    if name in BITS and name.startswith(("int", "uint")):
        return "int"
    return "float" if name in RNN_DTYPES and name.startswith(("float", "bfloat")) else None


def _converted(x: NamedTensor, node: ast.Call) -> NamedTensor:
    """``x.to(device)``, ``x.to(torch.long)``: devices change nothing, a dtype may change the kind."""
    found = apply("to", x)
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        kind = _dtype_kind(argument)
        if kind is not None:
            found = to_int(found) if kind == "int" else to_float(found)
        elif not (
            _path(argument)[-1:] == ["device"]
            or (isinstance(argument, ast.Constant) and isinstance(argument.value, (str, int)))
        ):
            raise NotFollowedError("to() of this is not followed")
    assert isinstance(found, NamedTensor)  # noqa: S101 - for the type checker
    return found


def shape_of(x: NamedTensor) -> tuple[int, ...]:
    """The shape, each size with the name of its axis where that is one whole atom."""
    found: list[int] = []
    for dim, size in enumerate(x.sizes):
        factor = x.axes[dim][0] if len(x.axes[dim]) == 1 else None
        named = factor is not None and factor.is_whole and isinstance(factor.of, Atom) and factor.of.name != "?"
        found.append(NamedInt(size, factor.of.name) if named and factor and isinstance(factor.of, Atom) else size)
    return tuple(found)


def _path(node: ast.expr) -> list[str]:
    """``torch.nn.functional`` as its words; empty if it is no path of names."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    return [node.id, *reversed(words)] if isinstance(node, ast.Name) else []


def _bounded(value: int) -> int:
    if abs(value) > MAX_NUMBER:
        raise NotFollowedError("numbers of so many digits are not followed")
    return value


def _arithmetic(operator: ast.operator, left: Any, right: Any) -> Any:
    if any(isinstance(value, float) for value in (left, right)) and not isinstance(
        operator, (ast.Add, ast.Sub, ast.Mult, ast.Div)
    ):
        raise NotFollowedError("arithmetic of floats is not followed")
    try:
        if isinstance(operator, ast.Add):
            found = left + right
        elif isinstance(operator, ast.Sub):
            found = left - right
        elif isinstance(operator, ast.Mult):
            found = left * right
        elif isinstance(operator, ast.FloorDiv):
            found = left // right
        elif isinstance(operator, ast.Mod):
            found = left % right
        elif isinstance(operator, ast.Div):
            found = left / right
        elif isinstance(operator, ast.Pow) and 0 <= right <= 64 and abs(left) <= 10**20:
            found = left**right
        else:
            raise NotFollowedError(f"{type(operator).__name__} is not followed")
    except (ZeroDivisionError, OverflowError) as error:
        raise RefusedError(str(error), type(error).__name__) from None
    return _bounded(found) if isinstance(found, int) else found


_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.MatMult: "matmul",
    ast.Mod: "remainder",
    ast.FloorDiv: "remainder",
    ast.Pow: "remainder",
    ast.BitAnd: "logical",
    ast.BitOr: "logical",
}
_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_FUNCTIONAL: Final = (["F"], ["functional"], ["nn", "functional"], ["torch", "nn", "functional"])
_ELEMENTWISE_NAME: Final = re.compile(r"drop|norm|(?:^|[._])(?:bn|ln|act|activation)\d*$|relu|tanh", re.IGNORECASE)
"""Names of functions that change no axis: ``self.dropout``, ``layer_norm``, ``self.bn1``."""

_ELEMENTWISE_LAYERS: Final = frozenset(
    {"ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "ELU", "LeakyReLU", "Softplus", "Dropout", "Mish", "SELU", "Hardtanh"}
)
_READERS: Final[dict[type[ast.expr], str]] = {
    ast.Constant: "constant",
    ast.Name: "name",
    ast.Tuple: "sequence",
    ast.List: "sequence",
    ast.BinOp: "binary",
    ast.UnaryOp: "unary",
    ast.Compare: "compare",
    ast.Subscript: "subscript",
    ast.Attribute: "attribute",
    ast.Call: "call",
}
