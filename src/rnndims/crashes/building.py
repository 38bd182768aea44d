"""A constructor of an RNN that PyTorch refuses: what ``check`` says of it, with the arguments that it really got."""

import ast
import re
from difflib import get_close_matches
from types import FrameType, TracebackType
from typing import Any

from ..constructor import parse_constructor
from ..diagnose import Problem
from ..errors import ConstructorError, shorten
from ..live.trace_report import TracedProblem
from ..pasted.arguments import SIGNATURES
from .user_line import UserLine, user_lines, values_of

_PLAIN = (bool, int, float, str, type(None))

_CLASS = r"(?:RNN|LSTM|GRU)(?:Cell)?"
# the beginning of: LSTMCell.__init__() takes from 3 to 6 positional arguments but 7 were given
_SIGNATURE = re.compile(rf"\b{_CLASS}\.__init__\(\)")

# the whole of: hidden_size should be of type int, got: float
_TYPE = re.compile(r"(?P<field>\w+) should be of type (?P<wanted>\w+), got: (?P<got>\w+)")
_NO_NUMBERS = (None, "NoneType", "str", "list", "tuple", "dict", "Size")
# "Did you mean batch_first?"
_MEANT = re.compile(r"Did you mean (\w+)\?")


def explain_building(error: BaseException, entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """Why a recurrent module could not be built; ``None`` where none was being built, or ``check`` has nothing against it."""
    if not isinstance(error, (TypeError, ValueError)) or not entries:
        return None
    line = next(user_lines(entries), None)
    if line is None:
        return None
    last = entries[-1].tb_frame
    if not _builds(last) and not (last is line.frame and _SIGNATURE.search(str(error))):
        return None
    call = _constructor_call(line)
    built = _arguments(entries, line, call)
    if built is None:
        return None
    name, arguments = built
    code = f"nn.{name}({', '.join(arguments)})"
    try:
        parse_constructor(code).config()
    except ConstructorError as refused:
        return line.explained(_problem(refused, error, call, name))
    return None


def _builds(frame: FrameType) -> bool:
    return frame.f_code.co_name == "__init__" and frame.f_globals.get("__name__") == "torch.nn.modules.rnn"


def _constructor_call(line: UserLine) -> ast.Call | None:
    """The call of the class, as the user writes it: the innermost one that names the class."""
    for node in ast.walk(line.expression) if line.expression is not None else ():
        if isinstance(node, ast.Call) and re.fullmatch(_CLASS, ast.unparse(node.func).rpartition(".")[2]):
            return node
    return None


def _arguments(entries: list[TracebackType], line: UserLine, call: ast.Call | None) -> tuple[str, list[str]] | None:
    """The class, and the arguments as code: from the frame of its ``__init__``, else read off the user's line."""
    for entry in entries:
        names = entry.tb_frame.f_locals
        if not _builds(entry.tb_frame):
            continue
        kind = next((each.__name__ for each in type(names.get("self")).__mro__ if re.fullmatch(_CLASS, each.__name__)), None)
        if kind is None:
            return None
        if "args" in names and "kwargs" in names:  # nn.RNN, nn.LSTM, nn.GRU
            given = dict(names["kwargs"])
            if "nonlinearity" in vars(names["self"]):  # nn.RNN has taken it out of them
                given["nonlinearity"] = vars(names["self"])["nonlinearity"]
            return kind, _as_code(tuple(names["args"]), given)
        return kind, _as_code((), {name: names[name] for name in ("input_size", "hidden_size", "bias") if name in names})
    if call is None or any(isinstance(node, ast.Starred) for node in call.args) or not all(k.arg for k in call.keywords):
        return None
    known = values_of(line.frame)
    positional = tuple(_value(node, known) for node in call.args)
    keywords = {str(keyword.arg): _value(keyword.value, known) for keyword in call.keywords}
    return ast.unparse(call.func).rpartition(".")[2], _as_code(positional, keywords)


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """The value of a literal or a variable; any other expression is a size, as good as another."""
    if isinstance(node, ast.Constant):
        return node.value
    value = known.get(node.id, 1) if isinstance(node, ast.Name) else 1
    return value if isinstance(value, _PLAIN) else 1


def _as_code(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """Arguments as code that can be parsed; device and dtype do not matter."""
    shown = [repr(value) if isinstance(value, _PLAIN) else f"{type(value).__name__}()" for value in args]
    for name, value in kwargs.items():
        if name not in ("device", "dtype"):
            shown.append(f"{name}={value!r}" if isinstance(value, _PLAIN) else f"{name}={type(value).__name__}()")
    return shown


def _problem(refused: ConstructorError, error: BaseException, call: ast.Call | None, kind: str) -> Problem:
    field, message, advice = refused.field, refused.message.partition(' (torch: "')[0].rstrip("."), refused.fix
    wrong_type = _TYPE.fullmatch(str(error))
    if wrong_type is not None:  # of NumPy's numbers and tensors too, which are no code
        field, wanted, got = wrong_type.groups()
        message, advice = f"{field} must be of type {wanted}, and is of type {got}", None
    fix = None if call is None or field is None else _mended(call, kind, field, advice or "", wrong_type and wrong_type["got"])
    by_position = SIGNATURES[kind].index(field) if field in SIGNATURES[kind] else 0
    if advice is None and call is not None and 2 <= by_position < len(call.args):
        advice = f"By position nn.{kind} takes {', '.join(SIGNATURES[kind])}."
    return Problem(
        tensor="module",
        cause="other",
        message=f"nn.{message}." if message.startswith(kind) else f"nn.{kind}: {message}.",
        torch=shorten(str(error), 200),
        fix=fix,
        advice=None if fix else advice,
    )


def _mended(call: ast.Call, kind: str, field: str, advice: str, got: str | None) -> str | None:
    """The constructor with the argument mended, where it is clear what is meant."""
    if any(isinstance(node, ast.Starred) for node in call.args) or not all(keyword.arg for keyword in call.keywords):
        return None
    named = dict(zip(SIGNATURES[kind], call.args, strict=False)) | {str(each.arg): each.value for each in call.keywords}
    meant = _MEANT.fullmatch(advice)
    if meant is not None and field in named:
        for other in [name for name in named if name not in SIGNATURES[kind]]:  # PyTorch names one, and others may be wrong too
            close = [meant[1]] if other == field else get_close_matches(other, SIGNATURES[kind], n=1)
            if not close or close[0] in named:
                return None
            named[close[0]] = named.pop(other)
    elif field == "proj_size" and kind not in ("LSTM", "LSTMCell"):
        named.pop(field, None)
    elif field in ("bias", "batch_first") and _is_fraction(named.get(field)) and "dropout" not in named:
        named["dropout"] = named.pop(field)
    elif field == "dropout" and _is_fraction(named.get("bidirectional")):
        named["dropout"], named["bidirectional"] = named["bidirectional"], named["dropout"]
    elif field in ("input_size", "hidden_size", "num_layers") and field in named and got not in _NO_NUMBERS:
        node = named[field]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            named[field] = ast.BinOp(node.left, ast.FloorDiv(), node.right)
        else:
            named[field] = ast.Call(ast.Name("int"), [node], [])
    else:
        return None
    by_position = SIGNATURES[kind][: min(2, len(call.args))]
    ordered = sorted(named.items(), key=lambda item: SIGNATURES[kind].index(item[0]))
    written = [ast.unparse(node) if name in by_position else f"{name}={ast.unparse(node)}" for name, node in ordered]
    return f"{ast.unparse(call.func)}({', '.join(written)})"


def _is_fraction(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)
