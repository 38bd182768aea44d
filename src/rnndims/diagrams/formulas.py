"""Equations as pictures write them: ``n = tanh(x_t W_in^T + b_in + r * (h_(t-1) W_hn^T + b_hn))``.

The weights stand transposed behind what they multiply, as in ``equations``: each row of ``x_t`` (N, H_in) is one sequence.
"""

from ..cells.definition import Expression, Linear, Symbol
from ..cells.notation import Notation
from ..config import RNNConfig

_TIMES = {"input": "_t", "previous": "_(t-1)", "new": "_t", "value": ""}
"""What follows the name of a symbol: ``x_t``, ``h_(t-1)``, ``c_t``, ``r``."""


class Formulas(Notation[str]):
    """Writes the equations of the cell of ``config``, with its biases and its projection if it has them."""

    def __init__(self, config: RNNConfig) -> None:
        super().__init__(config.nonlinearity)
        self.config = config

    def text(self, expression: Expression) -> str:
        """An expression as one line."""
        return " ".join(self.write(expression)).replace("( ", "(").replace(" )", ")")

    def equation(self, name: str) -> str:
        """One of ``Cell.equations``: ``h_t = (1 - z) * n + z * h_(t-1)``."""
        return f"{self.result(name)} = {self.text(self.config.definition.equations[name])}"

    def result(self, name: str) -> str:
        """The left side of an equation: ``n``, ``h_t``."""
        return self.symbol(Symbol("new" if name in self.config.definition.states else "value", name))

    def word(self, text: str) -> str:
        """The sign, bracket or function itself."""
        return text

    def symbol(self, symbol: Symbol) -> str:
        """``x_t``, ``h_(t-1)``, ``c_t``, ``r``."""
        return symbol.name + _TIMES[symbol.kind]

    def linear(self, linear: Linear) -> list[str]:
        """``x_t W_in^T + b_in``."""
        product = [*self.operand(linear.operand), f"{linear.weight}^T"]
        return [*product, "+", linear.bias] if self.config.bias else product

    def projection(self, operand: Expression) -> list[str]:
        """``(o * tanh(c_t)) W_hr^T``."""
        return [*self.operand(operand), "W_hr^T"] if self.config.proj_size else self.write(operand)
