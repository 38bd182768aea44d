"""A pasted model: an ``nn.Sequential`` or classes, of which one RNN is asked about. It is parsed and never executed.

Of a class three things are read where the code leaves no doubt: the line that builds the RNN, the ``nn.Linear`` that reads a
result of it in ``forward``, and the expression of that result. Whatever stands in a branch or a loop is left alone.
"""

import ast
import copy
import re
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeGuard

from ..errors import ConstructorError, Template, shorten
from .arguments import PREFIXES, SIGNATURES
from .code_snippet import UNKNOWN, Snippet, ValueReader, dotted

MAX_CHARACTERS: Final = 20_000
"""Characters of the longest model that is read."""

_CLASS: Final = re.compile(r"^\s*class\s+\w+\b", re.MULTILINE)
_SEQUENTIAL: Final = re.compile(r"\b(?:nn\.)?Sequential\s*\(")
_LAYER_CLASSES: Final = frozenset(name for name in SIGNATURES if not name.endswith("Cell"))


class Linear(NamedTuple):
    """An ``nn.Linear`` after the RNN; ``None`` where a size has no value."""

    in_features: int | None
    out_features: int | None


class ModelCode(NamedTuple):
    """What a pasted model tells.

    Attributes:
        constructor: the call that builds the RNN.
        names: the values of the names in it, from defaults of ``__init__`` and what the user states.
        linear: the ``nn.Linear`` that reads a result of the RNN.
        use: the expression of that result, in terms of ``output``, ``h_n`` and ``c_n``; ``None`` if it is ``output`` itself or
            unknown.
        after: where an ``nn.Sequential`` passes the RNN's whole tuple on, the layer that gets it.
        repaired: the code of the ``nn.Sequential`` with a layer that takes the output out of the tuple.
        embedding_dim: that of an ``nn.Embedding`` whose vectors are the input of the RNN.
        ends_there: whether what ``linear`` returns is what the model returns.
        whole: the code that builds the whole ``nn.Sequential``, where all names in it are known and the RNN is not its last.
    """

    constructor: str
    names: dict[str, Any]
    linear: Linear | None = None
    use: str | None = None
    after: str | None = None
    repaired: str | None = None
    embedding_dim: int | None = None
    ends_there: bool = False
    whole: str | None = None


def is_model(code: str) -> bool:
    """Whether the code is a class or an ``nn.Sequential``, and not one call of a recurrent class."""
    return _CLASS.search(code) is not None or _SEQUENTIAL.search(code) is not None


def read_model(code: str, names: Mapping[str, Any], rnn: str | None = None) -> ModelCode:
    """Read a model.

    Args:
        code: an ``nn.Sequential(...)``, or classes with an ``__init__``.
        names: values for the names in it.
        rnn: which RNN is meant: ``encoder``, ``self.encoder`` or ``Net.encoder`` of a class, its number in an
            ``nn.Sequential``. A model with one RNN needs none.

    Raises:
        ConstructorError: if it cannot be parsed, or it is not clear which RNN is meant.
    """
    if len(code) > MAX_CHARACTERS:
        message = f"the code has {len(code)} characters, and rnndims reads at most {MAX_CHARACTERS} of a model"
        raise ConstructorError(message, fix="Paste only the line that builds the RNN.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(textwrap.dedent(code)).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ConstructorError(
            "this model cannot be read as Python code", fix="Paste the whole class, or only the line that builds the RNN."
        ) from None
    classes = [_Class(node, names) for node in body if isinstance(node, ast.ClassDef)]
    if not classes:
        return _read_sequential(body, names, rnn)
    built = {f"{each.name}.{target.removeprefix('self.')}": (each, target) for each in classes for target in each.recurrent}
    unnamed = sum(each.rnns - len(each.recurrent) for each in classes)
    chosen, target = built[_choose(list(built), rnn, unnamed)]
    return chosen.read(target)


def _choose(names: list[str], wanted: str | None, unnamed: int = 0) -> str:
    """The name of the RNN that is asked about.

    Args:
        names: all RNNs, ``Net.encoder``.
        wanted: what the user states; the last part is enough if no other RNN has it.
        unnamed: how many more RNNs there are that cannot be named, in a list or a branch.

    Raises:
        ConstructorError: if it is none of them, or more than one.
    """
    alone = "aste only the line that builds the RNN, like nn.LSTM(10, 20)."
    if not names and not unnamed:
        raise ConstructorError("no RNN is built in this model", fix=f"P{alone}")
    last = (wanted or "").removeprefix("self.")
    meant = [name for name in names if wanted is None or last in (name, name.partition(".")[2])]
    if len(meant) == 1 and (wanted is not None or not unnamed):
        return meant[0]
    shown = shorten(", ".join(names), 200)
    if not meant and names:
        raise ConstructorError(f"no RNN of this model is called {shorten(last, 60)}: it builds {shown}")
    fix = Template("Choose one with {name}: {}. Or p{}", shown, alone) if names else f"P{alone}"
    raise ConstructorError("more than one RNN is built in this model", fix=fix)


def _class_of(node: ast.AST) -> str | None:
    """``"LSTM"`` for the call ``nn.LSTM(...)``; ``None`` for other code."""
    path = dotted(node.func) if isinstance(node, ast.Call) else None
    if path is None:
        return None
    prefix, dot, name = path.rpartition(".")
    return name if prefix + dot in PREFIXES else None


def _number(node: ast.AST | None, names: Mapping[str, Any]) -> int | None:
    if node is None:
        return None
    reader = ValueReader(Snippet(ast.unparse(node)), names)
    statement = reader.snippet.statement
    try:
        value = reader.read(statement.value) if isinstance(statement, ast.Expr) else UNKNOWN
    except ConstructorError:
        return None
    return value if type(value) is int else None


def _linear(call: ast.Call, names: Mapping[str, Any]) -> Linear:
    bound: dict[str, ast.AST] = dict(zip(("in_features", "out_features"), call.args, strict=False))
    bound |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    return Linear(_number(bound.get("in_features"), names), _number(bound.get("out_features"), names))


# --- nn.Sequential ---------------------------------------------------------------------------------------------------


def _read_sequential(body: list[ast.stmt], names: Mapping[str, Any], rnn: str | None) -> ModelCode:
    calls = [node for node in ast.walk(ast.Module(body, [])) if isinstance(node, ast.Call) and _class_of(node) == "Sequential"]
    if len(body) != 1 or len(calls) != 1:
        raise ConstructorError(
            "this is not one nn.Sequential(...)", fix="Paste the nn.Sequential alone, or the line of the RNN."
        )
    layers = _named_layers(calls[0]) or calls[0].args
    at = int(_choose([str(index) for index, layer in enumerate(layers) if _class_of(layer) in SIGNATURES], rnn))
    constructor = ast.unparse(layers[at])
    before = next((layer for layer in reversed(layers[:at]) if _class_of(layer) not in _SAME_WIDTH), None)
    embedding = _embedding_dim(before, names) if isinstance(before, ast.Call) else None
    if at == len(layers) - 1 or _class_of(layers[at]) not in _LAYER_CLASSES:
        return ModelCode(constructor, dict(names), embedding_dim=embedding)
    after = layers[at + 1]
    reader = next((layer for layer in layers[at + 1 :] if _class_of(layer) not in _SAME_WIDTH), None)
    linear = _linear(reader, names) if reader is not None and _is_linear(reader) else None
    parts = [ast.unparse(layer) for layer in layers]
    parts.insert(at + 1, "Output()")
    repaired = (
        "class Output(nn.Module):\n    def forward(self, results):\n        return results[0]\n"
        f"model = nn.Sequential({', '.join(parts)})"
    )
    named = _class_of(after) or ast.unparse(after)[:40]
    free = {node.id for layer in layers for node in ast.walk(layer) if isinstance(node, ast.Name)} - {"nn", "torch"}
    lines = [f"{name} = {names[name]!r}" for name in sorted(free & names.keys())]
    lines.append(f"model = nn.Sequential({', '.join(map(ast.unparse, layers))})")
    whole = "\n".join(lines) if free <= names.keys() else None
    ends = reader is layers[-1]
    return ModelCode(constructor, dict(names), linear, None, named, repaired, embedding, ends, whole)


def _named_layers(call: ast.Call) -> list[ast.expr]:
    """The layers of ``nn.Sequential(OrderedDict([("rnn", nn.LSTM(1, 2)), ...]))``; empty where it has another form."""
    inner = call.args[0] if len(call.args) == 1 else None
    if not isinstance(inner, ast.Call) or not (dotted(inner.func) or "").endswith("OrderedDict") or len(inner.args) != 1:
        return []
    pairs = inner.args[0].elts if isinstance(inner.args[0], (ast.List, ast.Tuple)) else []
    return [pair.elts[1] for pair in pairs if isinstance(pair, ast.Tuple) and len(pair.elts) == 2]


_SAME_WIDTH: Final = frozenset(["Dropout", "Dropout1d", "Identity", "LayerNorm", "ReLU", "GELU", "Tanh", "Sigmoid"])
"""Layers that leave every dim of a tensor as it is."""


def _embedding_dim(call: ast.Call, names: Mapping[str, Any]) -> int | None:
    """The ``embedding_dim`` of an ``nn.Embedding``; ``None`` for another call, or where it has no value."""
    if _class_of(call) != "Embedding":
        return None
    stated = next((keyword.value for keyword in call.keywords if keyword.arg == "embedding_dim"), None)
    return _number(call.args[1] if len(call.args) > 1 else stated, names)


def _head(call: ast.Call) -> ast.Call | None:
    """The ``nn.Linear`` that reads what a layer gets: the layer itself, or the first of an ``nn.Sequential`` that counts."""
    layers = call.args if _class_of(call) == "Sequential" else [call]
    first = next((layer for layer in layers if _class_of(layer) not in _SAME_WIDTH), None)
    return first if first is not None and _is_linear(first) else None


def _is_linear(node: ast.AST) -> TypeGuard[ast.Call]:
    return _class_of(node) == "Linear"


# --- a class ---------------------------------------------------------------------------------------------------------


class _Class:
    """A pasted class: what its ``__init__`` builds.

    Attributes:
        name: its name.
        recurrent: the calls that build its RNNs, by what they are assigned to: ``self.encoder``.
        rnns: how many RNNs are built in all, also in lists and branches.
    """

    def __init__(self, node: ast.ClassDef, names: Mapping[str, Any]) -> None:
        self.name = node.name
        self.methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        self.built: dict[str, ast.Call] = {}
        self.known: dict[str, Any] = dict(names)
        if "__init__" in self.methods:
            self._read_init(self.methods["__init__"], names)
        self.recurrent = {target: call for target, call in self.built.items() if _class_of(call) in SIGNATURES}
        inside = ast.walk(self.methods["__init__"]) if "__init__" in self.methods else ()
        self.rnns = sum(_class_of(each) in SIGNATURES for each in inside)

    def _read_init(self, init: ast.FunctionDef, names: Mapping[str, Any]) -> None:
        self.known = {**_defaults(init), **names}
        for statement in map(_plain, init.body):
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target = dotted(statement.targets[0])
                if target is not None and isinstance(statement.value, ast.Call):
                    self.built[target] = statement.value
                elif target is not None and target not in self.known:  # self.hidden_size = hidden_size
                    value = _number(statement.value, self.known)
                    if value is not None:
                        self.known[target] = value

    def read(self, target: str) -> ModelCode:
        """What the class tells of the RNN that is assigned to ``target``."""
        call, known, built = self.recurrent[target], self.known, self.built
        constructor = ast.unparse(call)
        if "forward" not in self.methods or _class_of(call) not in _LAYER_CLASSES:
            return ModelCode(constructor, known)
        layers = {
            each: "Linear" if _head(layer) else "" if _class_of(layer) in _SAME_WIDTH else str(_class_of(layer))
            for each, layer in built.items()
        }
        followed = _Forward(target, _class_of(call) == "LSTM", layers, known)
        expression, linear = followed.follow(self.methods["forward"])
        embedding = built.get(followed.embedding or "")
        width = None if embedding is None else _embedding_dim(embedding, known)
        if linear is None:
            return ModelCode(constructor, known, embedding_dim=width)
        use = None if expression == "output" else expression
        head = _head(built[linear]) or built[linear]
        ends = followed.ends_there and head is built[linear]
        return ModelCode(constructor, known, _linear(head, known), use, embedding_dim=width, ends_there=ends)


def _defaults(function: ast.FunctionDef) -> dict[str, Any]:
    """The plain defaults of the arguments: ``hidden_size=128``."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    pairs = list(zip(reversed(arguments), reversed(function.args.defaults), strict=False))
    pairs += [(each, value) for each, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if value]
    return {
        argument.arg: value.value
        for argument, value in pairs
        if isinstance(value, ast.Constant) and type(value.value) in (int, float, bool, str)
    }


_MOST_NODES: Final = 300
"""The largest expression that is followed."""


def _plain(statement: ast.stmt) -> ast.stmt:
    """A statement without its type hint: ``out: Tensor = f(x)`` is ``out = f(x)``."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return ast.copy_location(ast.Assign([statement.target], statement.value), statement)
    return statement


class _Inline(ast.NodeTransformer):
    """Puts expressions for names; ``free`` are the names that have none.

    Layers that change no dim are left out, and sizes such as ``self.hidden_size`` are numbers.
    """

    def __init__(
        self, values: Mapping[str, ast.expr], layers: Mapping[str, str], known: Mapping[str, Any], arguments: set[str]
    ) -> None:
        self.values, self.layers, self.known, self.arguments = values, layers, known, arguments
        self.free: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values:
            self.free.add(node.id)
        return self.values.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = self.known.get(dotted(node) or "")
        return ast.Constant(value) if type(value) is int else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self.layers.get(dotted(node.func) or "?") == "" and len(node.args) == 1 and not node.keywords:
            inside: ast.AST = self.visit(node.args[0])
            return inside
        return self._size_of_argument(node) or self.generic_visit(node)

    def _size_of_argument(self, node: ast.AST) -> ast.expr | None:
        """``x.size(0)`` and ``x.shape[1]`` of the tensor that goes in, as a size of ``input``."""
        of = index = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size" and node.args:
            of, index = node.func.value, node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            of, index = node.value.value, node.slice
        if not isinstance(of, ast.Name) or of.id not in self.arguments or not isinstance(index, ast.Constant):
            return None
        if type(index.value) is not int or index.value not in (0, 1):
            return None
        return ast.Call(ast.Attribute(ast.Name("input", ast.Load()), "size", ast.Load()), [index], [])

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self._size_of_argument(node) or self.generic_visit(node)


_FREE: Final = frozenset(["torch", "nn", "F"])
"""Names that an expression of results may have."""


class _Forward:
    """What ``forward`` does, as far as the code leaves no doubt.

    Args:
        rnn: the name of the RNN, ``self.lstm``.
        pair: whether its state is a tuple.
        layers: the other layers by name, each with its class; ``""`` for one that changes no dim.
        known: values of names and attributes.
    """

    def __init__(self, rnn: str, pair: bool, layers: Mapping[str, str], known: Mapping[str, Any]) -> None:
        self.rnn, self.pair, self.layers = rnn, pair, layers
        self.known = {name: value for name, value in known.items() if "." in name}
        self.values: dict[str, ast.expr] = {}
        self.arguments: set[str] = set()
        """The first argument of forward, as long as it has its leading dims."""
        self.embedding: str | None = None
        """The layer whose vectors are the input of the RNN."""
        self.ends_there = False
        """Whether ``forward`` returns what the Linear returns."""

    def follow(self, forward: ast.FunctionDef) -> tuple[str, str | None]:
        """The expression that the first Linear reads, and the Linear's name; ``None`` where the code leaves a doubt."""
        seen = False
        self.arguments = {each.arg for each in forward.args.args[1:2]}
        statements = [_plain(statement) for statement in forward.body]
        for at, statement in enumerate(statements):
            call = _rnn_call(statement, self.rnn)
            if call is not None:
                bound = None if seen else _bind_results(statement, self.pair)
                if not seen and call.args:
                    self.embedding = self._embedding(call.args[0])
                if bound is None:
                    return "", None
                seen = True
                self.arguments -= bound.keys()
                self.values = {name: value for name, value in self.values.items() if not _is_embedded(value)} | bound
            elif isinstance(statement, (ast.Assign, ast.Return)) and statement.value is not None:
                linear = self._innermost(statement.value) if seen else None
                if linear is not None:
                    self.ends_there = linear is statement.value and _is_returned(statements[at : at + 2])
                    return self._expression(linear.args[0]), dotted(linear.func)
                if isinstance(statement, ast.Assign):
                    self._assign(statement)
            elif seen and not isinstance(statement, ast.Expr):
                return "", None  # a branch or a loop may change what follows
            elif not isinstance(statement, ast.Expr):
                stored = {
                    each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
                }
                self.values = {name: value for name, value in self.values.items() if name not in stored}
                self.arguments -= stored
        return "", None

    def _innermost(self, node: ast.expr) -> ast.Call | None:
        """The call of a Linear that is made first: of ``self.fc2(F.relu(self.fc1(x)))`` that of ``fc1``."""
        calls = [
            each
            for each in ast.walk(node)
            if isinstance(each, ast.Call) and self.layers.get(dotted(each.func) or "?") == "Linear" and len(each.args) == 1
        ]
        inner = [each for each in calls if not any(other in ast.walk(each.args[0]) for other in calls)]
        return inner[0] if len(inner) == 1 else None

    def _inline(self, node: ast.expr) -> tuple[ast.expr, set[str]]:
        inline = _Inline(self.values, self.layers, self.known, self.arguments)
        value = inline.visit(copy.deepcopy(node))
        return value, inline.free

    def _embedding(self, node: ast.expr) -> str | None:
        """The embedding whose vectors an expression has, as they are."""
        value, _ = self._inline(node)
        if isinstance(value, ast.Call) and value.args and (dotted(value.func) or "").endswith("pack_padded_sequence"):
            value = value.args[0]
        name = dotted(value.func) if isinstance(value, ast.Call) else None
        return name if name and self.layers.get(name) == "Embedding" else None

    def _assign(self, statement: ast.Assign) -> None:
        names = [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        value, free = self._inline(statement.value)
        target = statement.targets[0]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            pairs = list(zip(target.elts, value.elts, strict=True))  # h, c = hidden
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Call) and value.args:
            padded = (dotted(value.func) or "").endswith("pad_packed_sequence") and _is_output(value.args[0])
            pairs = [(target.elts[0], value.args[0])] if padded else []
            free = set() if padded else free
        else:
            pairs = [(target, value)] if len(names) == 1 else []
        self.values = {name: each for name, each in self.values.items() if name not in names}
        embeds = self._embedding(statement.value) is not None
        self.arguments = self.arguments | set(names) if embeds else self.arguments - set(names)
        if (embeds or not free - _FREE) and sum(1 for _ in ast.walk(value)) <= _MOST_NODES and len(statement.targets) == 1:
            self.values |= {each.id: part for each, part in pairs if isinstance(each, ast.Name)}

    def _expression(self, node: ast.expr) -> str:
        value, free = self._inline(node)
        return "" if free - _FREE else ast.unparse(value)


def _is_output(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "output"


def _is_returned(statements: Sequence[ast.stmt]) -> bool:
    """Whether the value of the first statement is returned, by itself or by the second."""
    first = statements[0]
    if isinstance(first, ast.Return):
        return True
    if len(statements) < 2 or not isinstance(first, ast.Assign) or not isinstance(statements[1], ast.Return):
        return False
    name, value = dotted(first.targets[0]), statements[1].value
    return name is not None and value is not None and dotted(value) == name


def _is_embedded(node: ast.expr) -> bool:
    """Whether an expression has a call of a layer: what goes into the RNN."""
    return any(isinstance(each, ast.Name) and each.id == "self" for each in ast.walk(node))


def _rnn_call(statement: ast.stmt, rnn: str) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Assign) else None
    return value if isinstance(value, ast.Call) and dotted(value.func) == rnn else None


def _bind_results(statement: ast.stmt, pair: bool) -> dict[str, ast.expr] | None:
    """The names of the results: ``out, (h, c) = self.lstm(x)``, ``out, _ = self.gru(x)``, ``out, hidden = self.lstm(x)``."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return None
    first, state = target.elts
    h_n, c_n = ast.Name("h_n", ast.Load()), ast.Name("c_n", ast.Load())
    pairs: list[tuple[ast.expr, ast.expr]] = [(first, ast.Name("output", ast.Load()))]
    if pair and isinstance(state, ast.Tuple) and len(state.elts) == 2:
        pairs += [(state.elts[0], h_n), (state.elts[1], c_n)]
    else:
        pairs.append((state, ast.Tuple([h_n, c_n], ast.Load()) if pair else h_n))
    if not all(isinstance(node, ast.Name) for node, _ in pairs):
        return None
    return {node.id: value for node, value in pairs if isinstance(node, ast.Name)}
