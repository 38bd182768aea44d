"""What the tensors of a crashed program are, read from the source of the functions in its traceback; none of it runs.

The frames of a traceback still hold the values of all variables, and their modules. The statements that led to the line that
failed are followed by name (``rnndims.axes``), from the call of the RNN on. Where a variable was bound again since, its value
is the one that is still there; where the sizes disagree with what was followed, only the sizes are believed.
"""

import ast
import inspect
import linecache
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import BuiltinFunctionType, CodeType, FunctionType, TracebackType
from typing import Any, Final

from ..axes.call_results import results_of
from ..axes.computation import elementwise
from ..axes.expressions import UNKNOWN, Reader
from ..axes.named_tensor import (
    Atom,
    AxesError,
    Factor,
    NamedTensor,
    NotFollowedError,
    contiguous_strides,
    plain_tensor,
    unknown_axis,
)
from ..axes.operations import FUNCTIONAL, TORCH, apply
from ..config import DataConfig, RNNConfig
from ..errors import RnndimsError
from ..live.follower import MOST_NUMBERS, Follower, Origin
from ..live.recorder import packed_lengths
from ..live.user_code import bound_to, failing_code, find_call, is_users, plain_dict

MOST_DEPTH: Final = 4
"""Functions inside functions that are read."""

MOST_ITEMS: Final = 1000
"""Items of a tuple or list that are looked at."""

_ELEMENTWISE: Final = frozenset(
    [
        "ReLU",
        "Tanh",
        "Sigmoid",
        "GELU",
        "SiLU",
        "ELU",
        "LeakyReLU",
        "Softplus",
        "Dropout",
        "Dropout1d",
        "Mish",
        "SELU",
        "Hardtanh",
        "ReLU6",
        "Identity",
    ]
)
_NORMS: Final = frozenset(["LayerNorm", "RMSNorm", "BatchNorm1d", "InstanceNorm1d", "GroupNorm"])
_NOT_THERE: Final = object()


@dataclass(frozen=True, slots=True)
class Fact:
    """What one tensor is.

    Attributes:
        value: its axes.
        parts: the results that are in it, each with the call that it comes from: ``("output", origin)``.
        certain: whether it is known and not only likely.
    """

    value: NamedTensor
    parts: tuple[tuple[str, Origin], ...]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Packed:
    """A ``PackedSequence``; ``origin`` is the number of the call that returned it, if an RNN did."""

    lengths: tuple[int, ...] | None
    origin: int | None = None


@dataclass(slots=True)
class World:
    """What the frames of one traceback have in common."""

    torch: Any
    libraries: tuple[str, ...]
    follower: Follower | None = None
    origins: list[Origin] = field(default_factory=list)
    guessed: set[int] = field(default_factory=set)
    known: dict[int, NamedTensor] = field(default_factory=dict)
    trees: dict[str, ast.Module | None] = field(default_factory=dict)

    def fact(self, value: object, tensor: object = None) -> Fact | None:
        """What is known of a tensor that comes from an RNN.

        Args:
            value: what was followed by reading.
            tensor: the tensor itself, if it is still there; the follower may know it.
        """
        trail = None if self.follower is None or tensor is None else self.follower.trail(tensor)
        if trail is not None:
            return Fact(trail.value, tuple((name, trail.origin) for name in sorted(trail.value.sources - {""})))
        if not isinstance(value, NamedTensor):
            return None
        parts = []
        for source in sorted(value.sources - {""}):
            name, _, number = source.partition("#")
            parts.append((name, self.origins[int(number)]))
        sure = not any(int(source.partition("#")[2]) in self.guessed for source in value.sources - {""})
        return Fact(value, tuple(parts), sure) if parts else None

    def tree(self, code: CodeType, names: dict[str, Any]) -> ast.Module | None:
        """The source file of some code."""
        file = code.co_filename
        if file not in self.trees:
            linecache.lazycache(file, names)
            try:
                self.trees[file] = ast.parse("".join(linecache.getlines(file)))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.trees[file] = None
        return self.trees[file]

    def body(self, code: CodeType, names: dict[str, Any]) -> list[ast.stmt]:
        """The statements of a function, or of a module; none where the source is not there."""
        tree = self.tree(code, names)
        if tree is None or code.co_name == "<module>":
            return [] if tree is None else tree.body
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first == code.co_firstlineno:
                    return node.body
        return []

    def is_tensor(self, value: object) -> bool:
        """Whether it is a tensor of torch."""
        return issubclass(type(value), self.torch.Tensor)  # unlike isinstance, it asks the object nothing


def bound_names(node: ast.AST) -> set[str]:
    """All names and attributes that a statement binds: ``out``, ``self.hidden``."""
    found = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Store):
            found.add(ast.unparse(child))
        elif isinstance(child, ast.Subscript) and isinstance(child.ctx, ast.Store):
            found |= _root(child.value)
        elif isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and _changes_in_place(child.func.attr):
            found |= _root(child.func.value)
    return found


def _root(node: ast.expr) -> set[str]:
    """The name or attribute that a change of ``node`` changes: ``outs`` of ``outs[t]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return {ast.unparse(node)} if isinstance(node, ast.Name | ast.Attribute) else set()


def _changes_in_place(method: str) -> bool:
    return method in ("append", "extend", "insert") or (method.endswith("_") and not method.startswith("_"))


class FrameReader(Reader):
    """Reads one function: what its variables are at the line that failed.

    Args:
        world: what all frames share.
        objects: the objects that its names stand for, in the end.
        given: what is known of its parameters.
        is_live: whether ``objects`` has the variables of the function itself, and not only what is outside of it.
        depth: how many functions have been read on the way.
    """

    def __init__(
        self, world: World, objects: Mapping[str, Any], given: dict[str, Any], *, is_live: bool, depth: int = 0
    ) -> None:
        super().__init__("", given)
        self.world = world
        self.objects = objects
        self.is_live = is_live
        self.depth = depth
        self.given = set(given)
        self.bindings: dict[str, list[int]] = {}
        self.touched: set[str] = set()
        self.hint: tuple[ast.expr | None, Any] = (None, None)
        self.refused_at: ast.expr | None = None
        self.statement_at: ast.stmt | None = None
        self.made: dict[str, ast.expr] = {}
        self.line: int | None = None

    # ---- statements

    def run(self, body: list[ast.stmt], line: int | None, parameters: set[str]) -> Any:
        """Follow a function up to ``line``, or to its end; the value that it returns.

        Raises:
            NotFollowedError: where it returns in several places.
        """
        path = list(self.path(body, line))
        self.line = line
        for parameter in parameters:
            self.bindings[parameter] = [-1]
        last = path[-1][0] if line is not None and path and path[-1][1] is False else None
        self.statement_at = last
        for at, (statement, whole) in enumerate(path):
            if statement is not last:
                for name in bound_names(statement) if whole else _targets(statement):
                    self.bindings.setdefault(name, []).append(at)
        for at, (statement, whole) in enumerate(path):
            if statement is last:
                break
            if line is None and isinstance(statement, ast.Return) and not whole:
                return UNKNOWN if statement.value is None else self.attempt(statement.value)
            if line is None and whole and any(isinstance(node, ast.Return) for node in ast.walk(statement)):
                raise NotFollowedError("a function that returns in several places is not followed")
            self.follow_statement(statement, at, whole=whole)
        return UNKNOWN

    def path(self, body: list[ast.stmt], line: int | None) -> Iterator[tuple[ast.stmt, bool]]:
        """The statements that ran before ``line``, and the one there; ``True`` where it is only known what one binds."""
        for statement in body:
            if line is not None and statement.lineno > line:
                return
            inside = line is not None and statement.lineno <= line <= (statement.end_lineno or statement.lineno)
            inner = getattr(statement, "body", None)
            if (
                not isinstance(inner, list)
                or isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
                or (inside and line is not None and line < inner[0].lineno)
            ):
                yield statement, False
            elif isinstance(statement, ast.With):
                yield from self.path(inner, line if inside else None)
            elif isinstance(statement, ast.If):
                taken = self.branch(statement, line if inside else None)
                if taken is None:
                    yield statement, True
                else:
                    yield from self.path(taken, line if inside else None)
            elif not inside:
                yield statement, True
            else:
                if isinstance(statement, ast.For | ast.While) and not self.is_first_round(statement, line or 0):
                    yield statement, True
                parts = [inner, *(handler.body for handler in getattr(statement, "handlers", []))]
                parts += [getattr(statement, name, []) for name in ("orelse", "finalbody")]
                for part in parts:
                    if part and line is not None and part[0].lineno <= line <= (part[-1].end_lineno or 0):
                        if part is not inner:
                            yield statement, True
                        elif isinstance(statement, ast.For):
                            yield ast.Assign([statement.target], ast.Constant(None), lineno=statement.lineno), False
                        yield from self.path(part, line)
            if inside:
                return

    def branch(self, statement: ast.If, line: int | None) -> list[ast.stmt] | None:
        """The statements of an ``if`` that ran, if that is known."""
        if line is not None:
            return statement.body if line <= (statement.body[-1].end_lineno or 0) else statement.orelse
        test, turned = statement.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, turned = test.operand, True
        found: object = _NOT_THERE
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot):
            left = self.objects.get(test.left.id, _NOT_THERE) if isinstance(test.left, ast.Name) else _NOT_THERE
            if left is not _NOT_THERE and isinstance(test.comparators[0], ast.Constant) and self.is_live:
                found = (left is None) != isinstance(test.ops[0], ast.IsNot)
        elif isinstance(test, ast.Name | ast.Attribute):
            found = bound_to(test, self.objects)
        if not isinstance(found, bool):
            return None
        return statement.body if found != turned else statement.orelse

    def is_first_round(self, loop: ast.For | ast.While, line: int) -> bool:
        """Whether a loop is in its first round: a name that only its later lines bind is not there yet."""
        later = {name for statement in loop.body if statement.lineno > line for name in bound_names(statement)}
        return self.is_live and any(name.isidentifier() and name not in self.objects for name in later)

    def follow_statement(self, statement: ast.stmt, at: int, *, whole: bool) -> None:
        """One statement that ran."""
        self.touched = set()
        if whole:
            for node in ast.walk(statement):
                config = recurrent(self.callee(node.func)) if isinstance(node, ast.Call) else None
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    self.attempt(node)
                elif config is not None and isinstance(node, ast.Call):
                    self.touch(ast.unparse(node.func), config)
            around = self.line is not None and statement.lineno <= self.line <= (statement.end_lineno or 0)
            for name in bound_names(statement):
                before = self.names.get(name, UNKNOWN) if around else UNKNOWN  # in a loop: most often the same axes
                self.bind(ast.parse(name, mode="eval").body, before, at)
        elif isinstance(statement, ast.Assign):
            self.hint = (statement.value, self.expected(statement.targets[0], at))
            value = self.attempt(statement.value)
            for target in statement.targets:
                if isinstance(target, ast.Subscript):
                    self.change(statement, at)
                self.bind(target, value, at)
                if isinstance(target, ast.Name):
                    self.made[target.id] = statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self.hint = (statement.value, self.expected(statement.target, at))
            self.bind(statement.target, self.attempt(statement.value), at)
        elif isinstance(statement, ast.AugAssign):
            left = ast.parse(ast.unparse(statement.target), mode="eval").body
            self.bind(statement.target, self.attempt(ast.BinOp(left, statement.op, statement.value)), at)
        elif isinstance(statement, ast.Expr):
            self.attempt(statement.value)
            self.change(statement, at)

    def change(self, statement: ast.stmt, at: int) -> None:
        """A statement that changes what names stand for: ``outs.append(h)``, ``outs[t] = h``."""
        for name in bound_names(statement):
            node = ast.parse(name, mode="eval").body
            self.attempt(node)
            self.bind(node, UNKNOWN, at)

    def attempt(self, node: ast.expr) -> Any:
        """The value of an expression; unknown where it cannot be followed."""
        try:
            return self.value(node)
        except (AxesError, RnndimsError, RecursionError):
            return UNKNOWN
        finally:
            self.trail.clear()

    def made_of(self, name: str) -> ast.expr | None:
        """The expression that a name was last bound to, if it was followed."""
        return self.made.get(name)

    def live(self, name: str, at: int) -> Any:
        """The object that a name was bound to by one statement, if it has not been bound again since."""
        if not self.is_live or self.bindings.get(name, [at])[-1] != at:
            return _NOT_THERE
        if name.isidentifier():
            return self.objects.get(name, _NOT_THERE)
        return self.looked_up(ast.parse(name, mode="eval").body)

    def looked_up(self, node: ast.expr) -> Any:
        """The object that a chain of names is bound to."""
        found = bound_to(node, self.objects)
        return _NOT_THERE if found is None else found

    def expected(self, target: ast.expr, at: int) -> Any:
        """The objects that an assignment has bound, in the form of its target."""
        if isinstance(target, ast.Tuple | ast.List):
            return tuple(self.expected(item, at) for item in target.elts)
        return self.live(ast.unparse(target), at) if isinstance(target, ast.Name | ast.Attribute) else _NOT_THERE

    def bind(self, target: ast.expr, value: Any, at: int) -> None:
        """Give a target its value."""
        if isinstance(target, ast.Tuple | ast.List):
            if isinstance(value, NamedTensor) and value.ndim and value.sizes[0] == len(target.elts):
                value = apply("unbind", value)
            is_whole = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
            for number, item in enumerate(target.elts):
                self.bind(item, value[number] if is_whole else UNKNOWN, at)
        elif isinstance(target, ast.Name | ast.Attribute):
            name = ast.unparse(target)
            self.names[name] = self.settled(value, self.live(name, at))

    def settled(self, value: Any, found: Any) -> Any:
        """What was followed, held against the object that is really there."""
        if self.world.is_tensor(found):
            sizes = tuple(found.shape)
            if isinstance(value, NamedTensor) and value.sizes == sizes:
                value = replace(value, strides=tuple(found.stride()))
            else:
                value = self.guess(found) or replace(self.plain(found), sources=frozenset(self.touched))
            if value.sources:
                self.world.known.setdefault(id(found), value)
            return value
        if issubclass(type(found), self.world.torch.nn.utils.rnn.PackedSequence):
            return value if isinstance(value, Packed) else Packed(packed_lengths(found))
        if (
            issubclass(type(found), (tuple, list))
            and len(found) <= MOST_ITEMS
            and any(self.world.is_tensor(item) for item in found)
        ):
            parts = value if isinstance(value, (tuple, list)) and len(value) == len(found) else [UNKNOWN] * len(found)
            return tuple(self.settled(part, item) for part, item in zip(parts, found, strict=True))
        if type(found) in (int, float, bool) and value != found:
            return found
        return value

    def guess(self, tensor: Any) -> NamedTensor | None:
        """Which result of the one RNN that has to do with it a tensor is, by its shape."""
        numbers = {int(source.partition("#")[2]) for source in self.touched}
        if len(numbers) != 1 or not numbers <= self.world.guessed:
            return None
        (number,) = numbers
        config = self.world.origins[number].config
        sizes = tuple(tensor.shape)
        if config.is_cell or len(sizes) != 3:
            return None
        fits = {
            "output": sizes[2] == config.D * config.H_out,
            "h_n": sizes[::2] == (config.D * config.num_layers, config.H_out),
        }
        names = [name for name, fit in fits.items() if fit]
        data = _sizes_of_output(config, sizes) if names == ["output"] else DataConfig(seq_len=1, batch_size=sizes[1] or 1)
        found = self.named_results(config, data, number).get(names[0]) if len(names) == 1 and data is not None else None
        return found if found is not None and found.sizes == sizes else None

    # ---- names

    def source(self, node: ast.expr) -> str:
        """The text of one node."""
        return ast.unparse(node)

    def named(self, word: str) -> Any:
        """What a name stands for here."""
        return self.noted(self.names[word] if word in self.names else self.outside(word, self.objects.get(word, _NOT_THERE)))

    def outside(self, name: str, found: Any) -> Any:
        """A name that no statement on the way has bound: the object that is there now is the one that was there."""
        if found is _NOT_THERE or len(self.bindings.get(name, ())) > 1:
            raise NotFollowedError(f"{name} is not known")
        return self.real(found)

    def real(self, found: Any) -> Any:
        """A value that is there."""
        if self.world.is_tensor(found):
            return self.world.known.get(id(found)) or self.plain(found)
        if isinstance(found, (bool, int, float, str)) or found is None:
            return found
        if issubclass(type(found), self.world.torch.nn.utils.rnn.PackedSequence):
            return Packed(packed_lengths(found))
        if isinstance(found, (tuple, list)) and len(found) <= MOST_ITEMS:
            return type(found)(self.real(item) for item in found) if type(found) in (tuple, list) else tuple(found)
        raise NotFollowedError("it is no tensor and no number")

    def plain(self, tensor: Any) -> NamedTensor:
        """A tensor of which the shape is known."""
        torch = self.world.torch
        kind = "bool" if tensor.dtype == torch.bool else "float" if tensor.is_floating_point() else "int"
        content = None
        if kind == "int" and tensor.device.type == "cpu" and tensor.ndim <= 1 and tensor.numel() <= MOST_NUMBERS:
            content = tuple(tensor.reshape(-1).tolist())
        return replace(plain_tensor(tuple(tensor.shape), kind, content), strides=tuple(tensor.stride()))

    def noted(self, value: Any) -> Any:
        """Remember which results have been read."""
        for tensor in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(tensor, NamedTensor):
                self.touched |= tensor.sources - {""}
            elif isinstance(tensor, Packed) and tensor.origin is not None:
                self.touched.add(f"output#{tensor.origin}")
        return value

    def knows(self, word: str) -> bool:  # noqa: ARG002
        """Whether a name stands for something: here each does."""
        return True

    def attribute(self, node: ast.Attribute) -> Any:
        """``self.hidden``, ``x.shape``."""
        name = ast.unparse(node)
        if name in self.names:
            return self.noted(self.names[name])
        found = self.looked_up(node)
        if found is not _NOT_THERE and not isinstance(found, FunctionType):
            return self.noted(self.outside(name, found))
        return super().attribute(node)

    def step(
        self, node: ast.expr, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], function: Any = None
    ) -> Any:
        """Run one operation; where it is refused, remember which."""
        before = len(self.trail)
        try:
            return super().step(node, name, arguments, keywords, function)
        except AxesError:
            if len(self.trail) > before:
                self.refused_at = node
            raise

    # ---- calls

    def call(self, node: ast.Call) -> Any:
        """A module, a function of torch, or one of the user's, whose source is then read."""
        target = self.callee(node.func)
        torch = self.world.torch
        if isinstance(target, torch.nn.Module):
            return self.of_module(node, target)
        if target is torch.nn.utils.rnn.pack_padded_sequence:
            return self.pack(node)
        if target is torch.nn.utils.rnn.pad_packed_sequence:
            return self.pad(node)
        if not isinstance(target, (FunctionType, BuiltinFunctionType)):
            return super().call(node)
        word, module = target.__name__, target.__module__ or ""
        if isinstance(target, FunctionType) and not module.startswith("torch."):
            owner = bound_to(node.func.value, self.objects) if isinstance(node.func, ast.Attribute) else None
            is_method = owner is not None and not inspect.ismodule(owner)
            arguments, keywords = self.arguments(node)
            return self.of_function(target, ((owner,) if is_method else ()) + arguments, keywords)
        if module in ("torch.nn.functional", "torch._C._nn") and word in FUNCTIONAL:
            return self.functional(node, word)
        if module.startswith("torch") and word in TORCH:
            arguments, keywords = self.arguments(node)
            return self.step(node, word, arguments, keywords, TORCH[word])
        return super().call(node)

    def callee(self, func: ast.expr) -> Any:
        """What is called, if that is known without running anything."""
        if isinstance(func, ast.Call):
            return None
        found = bound_to(func, self.objects) if not self.is_rebound(func) else None
        if found is None and isinstance(func, ast.Attribute):
            owner = bound_to(func.value, self.objects)
            if isinstance(owner, self.world.torch.nn.Module):
                method = inspect.getattr_static(type(owner), func.attr, None)
                return method if isinstance(method, FunctionType) else None
        return found

    def is_rebound(self, func: ast.expr) -> bool:
        """Whether a name stood for something else before."""
        return isinstance(func, ast.Name) and len(self.bindings.get(func.id, ())) > 1

    def of_module(self, node: ast.Call, module: Any) -> Any:
        """What a module returns."""
        config = recurrent(module)
        if config is not None:
            return self.of_rnn(node, config)
        arguments = [self.attempt_inside(argument) for argument in node.args]
        keywords = {keyword.arg or "": self.attempt_inside(keyword.value) for keyword in node.keywords}
        home = _home_of_forward(module)
        if not home.__module__.startswith("torch."):
            forward = home.__dict__["forward"]
            try:
                return self.of_function(forward, (module, *arguments), keywords)
            except NotFollowedError:
                self.touch_inside(module)
                raise
        if len(arguments) == 1 and not keywords:
            return self.layer_result(node, module, home.__name__, arguments[0])
        if home.__name__ == "MultiheadAttention" and arguments and isinstance(arguments[0], NamedTensor):
            return (replace(elementwise(arguments[0]), moved=False), UNKNOWN)
        raise NotFollowedError(f"nn.{home.__name__} is not followed")

    def attempt_inside(self, node: ast.expr) -> Any:
        """An argument; unknown where it cannot be followed, but refused where PyTorch would refuse."""
        try:
            return self.value(node)
        except NotFollowedError:
            return UNKNOWN

    def touch_inside(self, module: Any) -> None:
        """Note that what comes next may be of the one RNN in a module."""
        inside = [
            (name, inner) for name, inner in self.world.torch.nn.Module.named_modules(module) if recurrent(inner) is not None
        ]
        if len(inside) == 1:
            config = recurrent(inside[0][1])
            if config is not None:
                self.touch(inside[0][0], config)

    def touch(self, name: str, config: RNNConfig) -> None:
        """Note that what comes next is made of what a module returns."""
        source = "h_1" if config.is_cell else "output"
        self.touched.add(f"{source}#{self.new_origin(name, config, guessed=True)}")

    def layer_result(self, node: ast.expr, module: Any, kind: str, value: Any) -> Any:
        """What a layer of torch.nn makes of one tensor."""
        if kind == "Sequential":
            for inner in plain_dict(module)["_modules"].values():
                config = recurrent(inner)
                if config is not None:
                    value = self.returned(config, self.sizes_of(config, value), ast.unparse(node))
                else:
                    home = _home_of_forward(inner)
                    if not home.__module__.startswith("torch."):
                        value = self.of_function(home.__dict__["forward"], (inner, value), {})
                    else:
                        value = self.layer_result(node, inner, home.__name__, value)
            return value
        if not isinstance(value, NamedTensor):
            raise NotFollowedError("what it reads is not known")
        if kind == "Linear":
            return self.step(node, "linear", (value, module.in_features, module.out_features), {})
        if kind == "Embedding":
            return replace(plain_tensor((*value.sizes, module.embedding_dim)), sources=value.sources)
        if kind in _ELEMENTWISE:
            return elementwise(value)
        if kind in _NORMS:
            return replace(elementwise(value), moved=False)
        if kind in ("Softmax", "LogSoftmax"):
            return self.step(node, "functional_softmax", (value, module.dim), {})
        if kind == "Flatten":
            return self.step(node, "flatten", (value, module.start_dim, module.end_dim), {})
        if (
            kind == "Conv1d"
            and value.ndim == 3
            and value.sizes[1] == module.in_channels
            and not isinstance(module.padding, str)
        ):
            reach = module.dilation[0] * (module.kernel_size[0] - 1) + 1
            steps = (value.sizes[2] + 2 * module.padding[0] - reach) // module.stride[0] + 1
            axes = (value.axes[0], unknown_axis(module.out_channels, "channels"), unknown_axis(steps))
            sizes = (value.sizes[0], module.out_channels, steps)
            return replace(plain_tensor(sizes), axes=axes, sources=value.sources)
        raise NotFollowedError(f"nn.{kind} is not followed")

    def of_function(self, function: FunctionType, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What a function of the user's returns, by its source."""
        function = inspect.unwrap(function)
        body = self.world.body(function.__code__, function.__globals__) if self.depth < MOST_DEPTH else []
        try:
            bound = inspect.signature(function).bind(*arguments, **keywords)
        except (TypeError, ValueError):
            body = []
        if not body:
            raise NotFollowedError(f"{function.__name__} cannot be read")
        bound.apply_defaults()
        given: dict[str, Any] = {}
        objects: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            is_object = isinstance(value, self.world.torch.nn.Module)
            (objects if is_object else given)[name] = value
        reader = FrameReader(self.world, ChainMap(objects, function.__globals__), given, is_live=False, depth=self.depth + 1)
        try:
            found = reader.run(body, None, set(given))
        finally:
            self.touched |= reader.touched
        if found is UNKNOWN:
            raise NotFollowedError(f"what {function.__name__} returns is not known")
        return found

    # ---- recurrent modules

    def of_rnn(self, node: ast.Call, config: RNNConfig) -> Any:
        """What a recurrent module returns."""
        given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "input"), None)
        value = UNKNOWN if given is None or isinstance(given, ast.Starred) else self.attempt_inside(given)
        name = ast.unparse(node.func)
        if isinstance(value, Packed):
            return self.of_packed(config, value, name)
        data = self.sizes_of(config, value) or (self.sizes_by_results(config) if self.hint[0] is node else None)
        return self.returned(config, data, name)

    def returned(self, config: RNNConfig, data: DataConfig | None, name: str) -> Any:
        """``(output, states)``, or the state of a cell.

        Raises:
            NotFollowedError: without the sizes of its input.
        """
        number = self.new_origin(name, config, data=data, guessed=data is None)
        source = "h_1" if config.is_cell else "output"
        self.touched.add(f"{source}#{number}")
        if data is None:
            raise NotFollowedError("the sizes of the input are not known")
        found = self.named_results(config, data, number)
        if config.is_cell:
            return (found["h_1"], found["c_1"]) if "c_1" in found else found["h_1"]
        return found["output"], (found["h_n"], found["c_n"]) if "c_n" in found else found["h_n"]

    def new_origin(self, name: str, config: RNNConfig, *, data: DataConfig | None = None, guessed: bool = False) -> int:
        """Count one more call of a module."""
        number = len(self.world.origins)
        self.world.origins.append(Origin(name, config, data or DataConfig()))
        if guessed:
            self.world.guessed.add(number)
        return number

    def named_results(self, config: RNNConfig, data: DataConfig, number: int) -> dict[str, NamedTensor]:
        """The results of one call, apart from those of others."""
        return {name: _of_call(value, number) for name, value in results_of(config, data).items()}

    def sizes_of(self, config: RNNConfig, value: Any) -> DataConfig | None:
        """The sizes of an input."""
        if not isinstance(value, NamedTensor) or 0 in value.sizes or value.sizes[-1:] != (config.input_size,):
            return None
        sizes = value.sizes
        if config.is_cell:
            return (
                DataConfig(unbatched=True) if len(sizes) == 1 else DataConfig(batch_size=sizes[0]) if len(sizes) == 2 else None
            )
        return _sizes_of_output(config, (*sizes[:-1], config.D * config.H_out))

    def sizes_by_results(self, config: RNNConfig) -> DataConfig | None:
        """The sizes of the input, by what the call returned."""
        found = self.hint[1]
        if config.is_cell:
            found = found[0] if isinstance(found, tuple) and found else found
            return DataConfig(batch_size=len(found)) if self.world.is_tensor(found) and found.ndim == 2 and len(found) else None
        if not isinstance(found, tuple) or len(found) != 2:
            return None
        output, state = found
        if self.world.is_tensor(output):
            return _sizes_of_output(config, tuple(output.shape))
        state = state[0] if isinstance(state, tuple) and state else state
        if self.world.is_tensor(state) and state.ndim == 3 and state.shape[1]:
            return DataConfig(seq_len=1, batch_size=int(state.shape[1]))
        return None

    def of_packed(self, config: RNNConfig, packed: Packed, name: str) -> Any:
        """What a recurrent module returns for a packed batch."""
        data = None if packed.lengths is None or 0 in packed.lengths else DataConfig(lengths=packed.lengths)
        number = self.new_origin(name, config, data=data)
        self.touched.add(f"output#{number}")
        output = Packed(packed.lengths, number)
        if data is None:
            return output, UNKNOWN
        found = self.named_results(config, data, number)
        return output, (found["h_n"], found["c_n"]) if "c_n" in found else found["h_n"]

    def pack(self, node: ast.Call) -> Packed:
        """``pack_padded_sequence``."""
        arguments, keywords = self.arguments(node)
        lengths = arguments[1] if len(arguments) > 1 else keywords.get("lengths")
        content = lengths.content if isinstance(lengths, NamedTensor) else lengths
        if isinstance(content, (tuple, list)) and content and all(type(length) is int and length > 0 for length in content):
            return Packed(tuple(content))
        return Packed(None)

    def pad(self, node: ast.Call) -> Any:
        """``pad_packed_sequence``."""
        arguments, keywords = self.arguments(node)
        packed = arguments[0] if arguments else keywords.get("sequence")
        batch_first = arguments[1] if len(arguments) > 1 else keywords.get("batch_first", False)
        if not isinstance(packed, Packed) or packed.origin is None or not isinstance(batch_first, bool):
            raise NotFollowedError("what was packed is not known")
        config = replace(self.world.origins[packed.origin].config, batch_first=batch_first)
        data = None if packed.lengths is None else DataConfig(lengths=packed.lengths)
        if data is None and self.hint[0] is node and isinstance(self.hint[1], tuple) and self.world.is_tensor(self.hint[1][0]):
            data = _sizes_of_output(config, tuple(self.hint[1][0].shape))
        self.touched.add(f"output#{packed.origin}")
        if data is None:
            raise NotFollowedError("the lengths are not known")
        return self.named_results(config, data, packed.origin)["output"], plain_tensor(
            (data.batch_size or 1,), "int", packed.lengths
        )


def _sizes_of_output(config: RNNConfig, sizes: tuple[int, ...]) -> DataConfig | None:
    """The sizes of the input, by the shape of ``output``."""
    if 0 in sizes or len(sizes) not in (2, 3) or sizes[-1] != config.D * config.H_out:
        return None
    if len(sizes) == 2:
        return DataConfig(seq_len=sizes[0], unbatched=True)
    steps, batch = (sizes[1], sizes[0]) if config.batch_first else sizes[:2]
    return DataConfig(seq_len=steps, batch_size=batch)


def _of_call(value: NamedTensor, number: int) -> NamedTensor:
    """The same result, with the number of its call in the names of its sources."""

    def renamed(factor: Factor) -> Factor:
        assert isinstance(factor.of, Atom)  # noqa: S101 - results are made of whole axes
        return replace(factor, of=replace(factor.of, source=f"{factor.of.source}#{number}"))

    axes = tuple(tuple(renamed(factor) for factor in axis) for axis in value.axes)
    sources = frozenset(f"{source}#{number}" for source in value.sources)
    return replace(value, axes=axes, sources=sources, strides=value.strides or contiguous_strides(value.sizes))


def _targets(statement: ast.stmt) -> set[str]:
    """What a simple statement binds, itself."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    return bound_names(statement)


def _home_of_forward(module: Any) -> type:
    """The class that has the ``forward`` of a module."""
    return next((cls for cls in type(module).__mro__ if "forward" in cls.__dict__), type(module))


def recurrent(owner: object) -> RNNConfig | None:
    """The configuration of a recurrent module; ``None`` of anything else."""
    try:
        return RNNConfig.from_module(owner)
    except (TypeError, RnndimsError, AttributeError):
        return None


def read_frames(world: World, entries: list[TracebackType]) -> list[tuple[TracebackType, FrameReader]]:
    """Read the user's functions in a traceback, the outermost first."""
    found: list[tuple[TracebackType, FrameReader]] = []
    given: dict[str, Any] = {}
    users = [entry for entry in entries if is_users(entry.tb_frame, world.libraries)]
    own = [entry for entry in users if "site-packages" not in entry.tb_frame.f_code.co_filename]
    for entry in own or users:
        frame = entry.tb_frame
        code = frame.f_code
        parameters = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        if found:
            given = _passed(*found[-1], entry, world)
        reader = FrameReader(world, ChainMap(dict(frame.f_locals), frame.f_globals), given, is_live=True)
        reader.run(world.body(code, frame.f_globals), entry.tb_lineno, parameters)
        found.append((entry, reader))
    return found


def _passed(outer: TracebackType, reader: FrameReader, entry: TracebackType, world: World) -> dict[str, Any]:
    """What the call in the outer frame passed to the parameters of the next one."""
    _, expression = failing_code(outer)
    code, names = entry.tb_frame.f_code, entry.tb_frame.f_locals
    wanted = list(code.co_varnames[: code.co_argcount])
    owner = names.get(wanted[0]) if wanted else None
    node: ast.expr | None = expression
    if isinstance(owner, world.torch.nn.Module):
        wanted = wanted[1:]
        node = find_call(expression, outer.tb_frame, owner) or expression
    if not isinstance(node, ast.Call) or any(isinstance(argument, ast.Starred) for argument in node.args):
        return {}
    pairs = [*zip(wanted, node.args, strict=False), *((k.arg, k.value) for k in node.keywords if k.arg in wanted)]
    found = {name: reader.attempt(value) for name, value in pairs if name is not None}
    return {name: value for name, value in found.items() if isinstance(value, NamedTensor) and value.sources}
