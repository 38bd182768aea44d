"""A pasted model: an ``nn.Sequential``, or a class with one RNN. It is parsed and never executed.

Of a class three things are read where the code leaves no doubt: the line that builds the RNN, the ``nn.Linear`` that reads a
result of it in ``forward``, and the expression of that result. Whatever stands in a branch or a loop is left alone.
"""

import ast
import copy
import re
import textwrap
import warnings
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from ..errors import ConstructorError
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
    """

    constructor: str
    names: dict[str, Any]
    linear: Linear | None = None
    use: str | None = None
    after: str | None = None
    repaired: str | None = None


def is_model(code: str) -> bool:
    """Whether the code is a class or an ``nn.Sequential``, and not one call of a recurrent class."""
    return _CLASS.search(code) is not None or _SEQUENTIAL.search(code) is not None


def read_model(code: str, names: Mapping[str, Any]) -> ModelCode:
    """Read a model.

    Args:
        code: an ``nn.Sequential(...)``, or one class with an ``__init__``.
        names: values for the names in it.

    Raises:
        ConstructorError: if it cannot be parsed, or has not exactly one RNN.
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
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    if classes:
        found = [model for node in classes if (model := _read_class(node, names))]
        if len(found) == 1:
            return found[0]
        raise _not_one(len(found))
    return _read_sequential(body, names)


def _not_one(count: int) -> ConstructorError:
    message = "no RNN is built in this model" if count == 0 else "more than one RNN is built in this model"
    return ConstructorError(message, fix="Paste only the line that builds the RNN, like nn.LSTM(10, 20).")


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


def _read_sequential(body: list[ast.stmt], names: Mapping[str, Any]) -> ModelCode:
    calls = [node for node in ast.walk(ast.Module(body, [])) if isinstance(node, ast.Call) and _class_of(node) == "Sequential"]
    if len(body) != 1 or len(calls) != 1:
        raise ConstructorError(
            "this is not one nn.Sequential(...)", fix="Paste the nn.Sequential alone, or the line of the RNN."
        )
    layers = calls[0].args
    recurrent = [index for index, layer in enumerate(layers) if _class_of(layer) in SIGNATURES]
    if len(recurrent) != 1:
        raise _not_one(len(recurrent))
    at = recurrent[0]
    constructor = ast.unparse(layers[at])
    if at == len(layers) - 1 or _class_of(layers[at]) not in _LAYER_CLASSES:
        return ModelCode(constructor, dict(names))
    after = layers[at + 1]
    linear = next((_linear(layer, names) for layer in layers[at + 1 :] if _is_linear(layer)), None)
    parts = [ast.unparse(layer) for layer in layers]
    parts.insert(at + 1, "Output()")
    repaired = (
        "class Output(nn.Module):\n    def forward(self, results):\n        return results[0]\n"
        f"model = nn.Sequential({', '.join(parts)})"
    )
    return ModelCode(constructor, dict(names), linear, None, _class_of(after) or ast.unparse(after)[:40], repaired)


def _is_linear(node: ast.AST) -> TypeGuard[ast.Call]:
    return _class_of(node) == "Linear"


# --- a class ---------------------------------------------------------------------------------------------------------


def _read_class(node: ast.ClassDef, names: Mapping[str, Any]) -> ModelCode | None:
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    if "__init__" not in methods:
        return None
    known = {**_defaults(methods["__init__"]), **names}
    built: dict[str, ast.Call] = {}
    for statement in methods["__init__"].body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = dotted(statement.targets[0])
            if target is not None and isinstance(statement.value, ast.Call):
                built[target] = statement.value
            elif target is not None and target not in known:  # self.hidden_size = hidden_size
                value = _number(statement.value, known)
                if value is not None:
                    known[target] = value
    inside = [each for each in ast.walk(methods["__init__"]) if _class_of(each) in SIGNATURES]
    recurrent = {name: call for name, call in built.items() if _class_of(call) in SIGNATURES}
    if not inside:
        return None
    if len(inside) != 1 or len(recurrent) != 1:
        raise _not_one(2)
    name, call = next(iter(recurrent.items()))
    constructor = ast.unparse(call)
    if "forward" not in methods or _class_of(call) not in _LAYER_CLASSES:
        return ModelCode(constructor, known)
    linears = {each for each, layer in built.items() if _is_linear(layer)}
    expression, layer = _follow(methods["forward"], name, linears)
    if layer is None:
        return ModelCode(constructor, known)
    return ModelCode(constructor, known, _linear(built[layer], known), None if expression == "output" else expression)


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


class _Inline(ast.NodeTransformer):
    """Puts expressions for names; ``free`` are the names that have none."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values
        self.free: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values:
            self.free.add(node.id)
        return self.values.get(node.id, node)


def _follow(forward: ast.FunctionDef, rnn: str, linears: set[str]) -> tuple[str, str | None]:
    """The expression that the first Linear reads, and the Linear's name; ``None`` where the code leaves a doubt."""
    values: dict[str, ast.expr] = {}
    seen = False
    for statement in forward.body:
        call = _rnn_call(statement, rnn)
        if call is not None:
            if seen:
                return "", None
            seen = True
            bound = _bind_results(statement)
            if bound is None:
                return "", None
            values |= bound
            continue
        if isinstance(statement, (ast.Assign, ast.Return)) and statement.value is not None:
            for each in ast.walk(statement.value):
                if isinstance(each, ast.Call) and dotted(each.func) in linears and len(each.args) == 1 and seen:
                    return _expression(each.args[0], values), dotted(each.func)
            if isinstance(statement, ast.Assign):
                _assign(statement, values)
            continue
        if seen and not isinstance(statement, ast.Expr):
            return "", None  # a branch or a loop may change what follows
    return "", None


def _rnn_call(statement: ast.stmt, rnn: str) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Assign) else None
    return value if isinstance(value, ast.Call) and dotted(value.func) == rnn else None


def _bind_results(statement: ast.stmt) -> dict[str, ast.expr] | None:
    """The names of the results: ``out, (h, c) = self.lstm(x)``, ``out, _ = self.gru(x)``."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return None
    bound: dict[str, ast.expr] = {}
    first, state = target.elts
    pairs = [(first, "output")]
    if isinstance(state, ast.Tuple) and len(state.elts) == 2:
        pairs += [(state.elts[0], "h_n"), (state.elts[1], "c_n")]
    else:
        pairs.append((state, "h_n"))
    for node, name in pairs:
        if not isinstance(node, ast.Name):
            return None
        bound[node.id] = ast.Name(name, ast.Load())
    return bound


def _assign(statement: ast.Assign, values: dict[str, ast.expr]) -> None:
    names = [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    inline = _Inline(values)
    value = inline.visit(copy.deepcopy(statement.value))
    unknown = inline.free - {"torch"} or len(names) != 1 or sum(1 for _ in ast.walk(value)) > _MOST_NODES
    for name in names:
        if unknown:
            values.pop(name, None)
        else:
            values[name] = value


def _expression(node: ast.expr, values: dict[str, ast.expr]) -> str:
    inline = _Inline(values)
    value = inline.visit(copy.deepcopy(node))
    return "" if inline.free - {"torch"} else ast.unparse(value)
