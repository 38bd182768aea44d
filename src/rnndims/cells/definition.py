"""What a cell is, as data: gates, states, and the equations of one step as a small graph of expressions.

An equation is built like the formula in PyTorch's documentation, from what it reads (``X``, ``previous("h")``,
``value("r")``), matrix products with a gate's weights (``Linear``), and ``+``, ``*``, ``1 - z`` and functions:

    n = tanh(Linear(X, "n", "input") + value("r") * Linear(previous("h"), "n", "hidden"))

All else about a cell (weights, costs, equations with shapes, pictures, the step in numbers) is worked out from this.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

Side = Literal["input", "hidden"]

ARITHMETIC: Final = ("add", "mul", "one_minus")
"""Operations that are written with signs; all others but ``project`` are functions, written by their name."""


class Expression:
    """A value of one step. Its shape is (N, H_cell), except for ``x`` (N, H_in) and a projected state (N, H_out)."""

    __slots__ = ()

    def __add__(self, other: "Expression") -> "Operation":
        return Operation("add", (self, other))

    def __mul__(self, other: "Expression") -> "Operation":
        return Operation("mul", (self, other))

    def __rsub__(self, one: int) -> "Operation":
        if one != 1:
            raise ValueError(f"write 1 - value: {one} - value is not supported")
        return Operation("one_minus", (self,))


class Symbol(Expression):
    """A tensor that an expression reads.

    ``kind`` is ``input`` (what the cell reads in this step), ``previous`` (a state before the step), ``value`` (one of
    ``Cell.values``) or ``new`` (a state after the step).
    """

    __slots__ = ("kind", "name")

    def __init__(self, kind: Literal["input", "previous", "value", "new"], name: str) -> None:
        self.kind, self.name = kind, name


class Linear(Expression):
    """``operand @ W.T + b`` with the rows of one gate: of ``weight_ih`` (side ``input``) or ``weight_hh`` (``hidden``)."""

    __slots__ = ("gate", "operand", "side")

    def __init__(self, operand: Expression, gate: str, side: Side) -> None:
        self.operand, self.gate, self.side = operand, gate, side

    @property
    def weight(self) -> str:
        """The weight's name in PyTorch's equations: ``W_ir``, ``W_hr``."""
        return f"W_{self.side[0]}{self.gate}"

    @property
    def bias(self) -> str:
        """The bias's name in PyTorch's equations: ``b_ir``, ``b_hr``."""
        return f"b_{self.side[0]}{self.gate}"

    @property
    def parameter(self) -> str:
        """The kind of parameter that holds the weight: ``weight_ih`` or ``weight_hh``."""
        return f"weight_{self.side[0]}h"


class Operation(Expression):
    """What is done with other values, element by element, or ``project``: the product with ``weight_hr``, if there is one.

    ``name`` is one of ``ARITHMETIC``, ``project``, the name of a function (``sigmoid``, ``tanh``), or ``nonlinearity``: the
    function that the configuration names. ``node`` is the id that a picture gives it.
    """

    __slots__ = ("name", "node", "operands")

    def __init__(self, name: str, operands: tuple[Expression, ...], node: str = "") -> None:
        self.name, self.operands, self.node = name, operands, node

    def called(self, node: str) -> "Operation":
        """The same operation with an id for pictures, which a layout made by hand refers to."""
        return Operation(self.name, self.operands, node)


X: Final = Symbol("input", "x")
"""What the cell reads in this step."""


def previous(state: str) -> Symbol:
    """A state before the step: ``h[t-1]``."""
    return Symbol("previous", state)


def value(name: str) -> Symbol:
    """One of ``Cell.values``, which must be computed before it is read."""
    return Symbol("value", name)


def new(state: str) -> Symbol:
    """A state after the step, ``c[t]``, which must be computed before it is read."""
    return Symbol("new", state)


def sigmoid(operand: Expression) -> Operation:
    """The logistic function, from 0 to 1."""
    return Operation("sigmoid", (operand,))


def tanh(operand: Expression) -> Operation:
    """The hyperbolic tangent, from -1 to 1."""
    return Operation("tanh", (operand,))


def relu(operand: Expression) -> Operation:
    """The larger of 0 and the number."""
    return Operation("relu", (operand,))


def nonlinearity(operand: Expression) -> Operation:
    """The function that the configuration names: one of ``Cell.nonlinearities``."""
    return Operation("nonlinearity", (operand,))


def project(operand: Expression) -> Operation:
    """``operand @ W_hr.T`` where the configuration has a ``proj_size``, else ``operand``."""
    return Operation("project", (operand,))


def gate_sum(gate: str) -> Operation:
    """``x @ W_i.T + b_i + h @ W_h.T + b_h`` of one gate: what most gates apply their function to."""
    return Linear(X, gate, "input") + Linear(previous("h"), gate, "hidden")


def walk(expression: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of, operands first."""
    operands = expression.operands if isinstance(expression, Operation) else ()
    for operand in (expression.operand,) if isinstance(expression, Linear) else operands:
        yield from walk(operand)
    yield expression


@dataclass(frozen=True, eq=False, repr=False)
class Cell:
    """One kind of cell. All else about it, from its weights to its pictures, is worked out from this.

    Args:
        name: as an option and in JSON, ``"gru"``: lower case, a Python identifier.
        class_name: of its class in ``torch.nn``, without ``Cell``: ``"GRU"``. Where PyTorch lacks it, what texts call it.
        gates: the name in pictures of each gate, by its letter, in the order of the rows of the weights; where PyTorch lacks
            the cell, any order will do.
        states: the name in texts of each state, by its letter, in the order of PyTorch's call. The first is also the output,
            has width ``H_out`` and is called ``h``; all others have width ``H_cell``.
        values: the equations before those of the new states, in the order in which they are computed.
        new_states: the equations of the states after the step, in the order in which they are computed.
        nonlinearities: the functions that ``nonlinearity`` may name, PyTorch's default first.
        kernel_modes: PyTorch's number for this cell in its fused kernels (``mode`` of ``torch._cudnn_rnn``), for each
            nonlinearity, or for ``None``; empty where PyTorch lacks the cell.
        layout: the file in ``drawing/`` that lays out its inside by hand; ``None`` for the automatic layout.

    Raises:
        ValueError: if the equations contradict the rest.
    """

    name: str
    class_name: str
    gates: Mapping[str, str]
    states: Mapping[str, str]
    values: Mapping[str, Expression]
    new_states: Mapping[str, Expression]
    nonlinearities: tuple[str, ...] = ()
    kernel_modes: Mapping[str | None, int] = field(default_factory=dict)
    layout: str | None = None

    def __post_init__(self) -> None:
        if next(iter(self.states), "") != "h" or self.states.keys() != self.new_states.keys():
            raise ValueError(f"{self.name}: the first state must be h, and each state must have an equation")
        if set(self.values) & set(self.states):
            raise ValueError(f"{self.name}: a value has the name of a state")
        known = {("input", "x"), *(("previous", state) for state in self.states)}
        uses = {(gate, side): 0 for gate in self.gates for side in ("input", "hidden")}
        counted: set[int] = set()
        for name, equation in self.equations.items():
            for part in walk(equation):
                if isinstance(part, Symbol) and (part.kind, part.name) not in known:
                    raise ValueError(f"{self.name}: {name} reads {part.kind} {part.name}, which is not computed before it")
                if isinstance(part, Operation) and part.name == "project" and (name != "h" or part is not equation):
                    raise ValueError(f"{self.name}: only the whole equation of h can be projected")
                if isinstance(part, Linear) and id(part) not in counted:
                    counted.add(id(part))
                    if (part.gate, part.side) not in uses:
                        raise ValueError(f"{self.name}: {part.weight} belongs to no gate")
                    uses[part.gate, part.side] += 1
            known.add(("new" if name in self.states else "value", name))
        for (gate, side), count in uses.items():
            if count != 1:
                raise ValueError(f"{self.name}: gate {gate} must have one product on the {side} side, not {count}")

    @property
    def equations(self) -> dict[str, Expression]:
        """All equations by the name of their result, in the order in which they are computed."""
        return {**self.values, **self.new_states}

    @cached_property
    def projects(self) -> bool:
        """Whether PyTorch's class has the argument ``proj_size``."""
        return any(isinstance(part, Operation) and part.name == "project" for part in walk(self.new_states["h"]))

    @cached_property
    def linears(self) -> tuple[Linear, ...]:
        """All products with weights, in the order in which they are computed."""
        parts = (part for equation in self.equations.values() for part in walk(equation))
        return tuple(dict.fromkeys(part for part in parts if isinstance(part, Linear)))

    @cached_property
    def joined_gates(self) -> tuple[str, ...]:
        """The gates whose two products are only added, so one product of ``[x, h]`` does the same.

        Where these are all gates, one matrix product of ``[x, h]`` with all weights is enough for a step.
        """
        parts = (part for equation in self.equations.values() for part in walk(equation))
        joined = {joined_gate(part) for part in parts}
        return tuple(gate for gate in self.gates if gate in joined)

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions that the equations apply, ``nonlinearity`` for the one that the configuration names."""
        parts = (part for equation in self.equations.values() for part in walk(equation))
        names = (part.name for part in parts if isinstance(part, Operation))
        return tuple(dict.fromkeys(name for name in names if name not in (*ARITHMETIC, "project")))

    @property
    def in_torch(self) -> bool:
        """Whether ``torch.nn`` has a class of it: PyTorch has a fused kernel for each of its cells, and a number for that."""
        return bool(self.kernel_modes)

    @property
    def is_one_product(self) -> bool:
        """Whether one matrix product of ``[x, h]`` with the two weights side by side is enough for a step."""
        return len(self.joined_gates) == len(self.gates)

    def factor(self, linear: Linear) -> Symbol | None:
        """The tensor that multiplies a product with weights before anything is added; ``None`` if there is none."""
        parts = (part for equation in self.equations.values() for part in walk(equation))
        for part in parts:
            if isinstance(part, Operation) and part.name == "mul" and linear in part.operands:
                return next((factor for factor in part.operands if isinstance(factor, Symbol)), None)
        return None


def joined_gate(expression: Expression) -> str | None:
    """The gate of ``x @ W_i.T + b_i + h @ W_h.T + b_h``; ``None`` for any other expression."""
    if not isinstance(expression, Operation) or expression.name != "add":
        return None
    first, second = expression.operands
    if not isinstance(first, Linear) or not isinstance(second, Linear) or first.gate != second.gate:
        return None
    read = {(part.side, part.operand.kind, part.operand.name) for part in (first, second) if isinstance(part.operand, Symbol)}
    return first.gate if read == {("input", "input", "x"), ("hidden", "previous", "h")} else None


def plain_gate(expression: Expression) -> str | None:
    """The gate of a function of nothing but its ``joined_gate``, as ``sigmoid(...)``; ``None`` for any other expression."""
    if isinstance(expression, Operation) and len(expression.operands) == 1 and expression.name not in (*ARITHMETIC, "project"):
        return joined_gate(expression.operands[0])
    return None


def compute_step(
    cell: Cell,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    functions: Mapping[str, Callable[[Any], Any]],
    *,
    sums: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One step in numbers, equation by equation, with anything that has ``@``, ``+``, ``*`` and ``1 - a``.

    Args:
        cell: the cell.
        inputs: ``x`` (N, H_in), and the states before the step under their names: ``h`` (N, H_out), others (N, H_cell).
        parameters: the weights under the names of the equations, transposed: ``W_if`` (H_in, H_cell), ``W_hf`` (H_out,
            H_cell), ``W_hr`` (H_cell, proj_size) for a projection; the biases ``b_if``, ``b_hf`` (H_cell,) if there are any.
        functions: each of ``cell.functions``.
        sums: the sums of ``joined_gates`` (N, H_cell), where they are known already; their weights are not needed then.

    Returns:
        The values (N, H_cell) and the new states (``h`` (N, H_out), others (N, H_cell)) by name.

    Raises:
        TypeError: if an equation has a part that is none of this file's expressions.
    """
    results: dict[str, Any] = {}

    def number(part: Expression) -> Any:
        if isinstance(part, Symbol):
            return inputs[part.name] if part.kind in ("input", "previous") else results[part.name]
        if isinstance(part, Linear):
            product = number(part.operand) @ parameters[part.weight]
            return product + parameters[part.bias] if part.bias in parameters else product
        if not isinstance(part, Operation):
            raise TypeError(f"{type(part).__name__} is no expression")
        gate = joined_gate(part)
        if sums is not None and gate is not None:
            return sums[gate]
        operands = [number(operand) for operand in part.operands]
        match part.name:
            case "add":
                return operands[0] + operands[1]
            case "mul":
                return operands[0] * operands[1]
            case "one_minus":
                return 1 - operands[0]
            case "project":
                return operands[0] @ parameters["W_hr"] if "W_hr" in parameters else operands[0]
        return functions[part.name](operands[0])

    for name, equation in cell.equations.items():
        results[name] = number(equation)
    return results
