"""How equations are written: the signs, functions and brackets; subclasses say how tensors and products look."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from .definition import ARITHMETIC, Expression, Linear, Operation, Symbol

T = TypeVar("T")


class Notation(ABC, Generic[T]):
    """Writes expressions as rows of pieces: words (``+``, ``tanh(``, ``)``) and what the subclass writes for tensors."""

    def __init__(self, nonlinearity: str | None) -> None:
        self.nonlinearity = nonlinearity

    @abstractmethod
    def word(self, text: str) -> T:
        """A sign, a bracket, or a function with its opening bracket."""

    @abstractmethod
    def symbol(self, symbol: Symbol) -> T:
        """A tensor."""

    @abstractmethod
    def linear(self, linear: Linear) -> list[T]:
        """A product with a gate's weight, and its bias."""

    @abstractmethod
    def projection(self, operand: Expression) -> list[T]:
        """What ``project`` does with ``operand``."""

    def write(self, expression: Expression) -> list[T]:
        """The pieces of an expression, in order.

        Raises:
            TypeError: if a part of it is no expression of ``definition``.
        """
        if isinstance(expression, Symbol):
            return [self.symbol(expression)]
        if isinstance(expression, Linear):
            return self.linear(expression)
        if not isinstance(expression, Operation):
            raise TypeError(f"{type(expression).__name__} is no expression")
        first, *others = expression.operands
        match expression.name:
            case "add":
                return [*self.write(first), self.word("+"), *self.write(others[0])]
            case "mul":
                return [*self.factor(first), self.word("*"), *self.factor(others[0])]
            case "one_minus":
                return [self.word("(1 -"), *self.factor(first), self.word(")")]
            case "project":
                return self.projection(first)
        return [self.word(f"{self.function(expression.name)}("), *self.write(first), self.word(")")]

    def function(self, name: str) -> str:
        """The name of a function; that of the configuration for ``nonlinearity``."""
        return (self.nonlinearity or name) if name == "nonlinearity" else name

    def factor(self, expression: Expression) -> list[T]:
        """An expression that is multiplied: in brackets if it is a sum."""
        is_sum = isinstance(expression, Linear) or (isinstance(expression, Operation) and expression.name == "add")
        return self.bracketed(expression) if is_sum else self.write(expression)

    def operand(self, expression: Expression) -> list[T]:
        """An expression that a weight multiplies: in brackets, unless it is a single tensor or a function."""
        has_signs = isinstance(expression, Linear) or (
            isinstance(expression, Operation) and expression.name in (*ARITHMETIC[:2], "project")
        )
        return self.bracketed(expression) if has_signs else self.write(expression)

    def bracketed(self, expression: Expression) -> list[T]:
        """An expression in brackets."""
        return [self.word("("), *self.write(expression), self.word(")")]
