"""Evaluates the indexing expressions of ``shapes.states`` on a real tensor, as they are written."""

import ast
from typing import Any


def evaluate(expression: str, names: dict[str, Any]) -> Any:
    """The value of an indexing expression such as ``output[lengths-1, n, 0:2]``; only indexing, slices, ``-`` and integers.

    Raises:
        ValueError: if there is anything else in it.
    """
    return _value(ast.parse(expression, mode="eval").body, names)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _value(left, names) - _value(right, names)
        case ast.Slice(lower=lower, upper=upper, step=None):
            return slice(lower and _value(lower, names), upper and _value(upper, names))
        case ast.Tuple(elts=parts):
            return tuple(_value(part, names) for part in parts)
        case ast.Subscript(value=ast.Name() as base, slice=index):
            return _value(base, names)[_value(index, names)]
    raise ValueError(f"not an indexing expression: {ast.unparse(node)}")
