"""Why an operation beside an RNN failed: a Linear, a loss, ``cat``, ``view``, attention, by what their tensors really are."""

import ast
from types import TracebackType
from typing import Any

from ..diagnose import Cause, Problem
from ..diagnose.problem import TUPLE_EXPECTED
from ..errors import shorten
from ..phrases import shape_text
from .follower import Follower, Trail, name_of
from .trace_report import TracedProblem
from .user_code import failing_code, find_call, is_users, place

_WORDS = {"N": "sequences", "L": "steps", "D": "directions", "num_layers": "layers"}


def explain_neighbour(error: BaseException, entries: list[TracebackType], follower: Follower) -> TracedProblem | None:
    """What is wrong in an operation that read the results of an RNN; ``None`` if none did.

    Args:
        error: the exception.
        entries: its traceback, the outermost entry first.
        follower: knows what the tensors are.
    """
    failed = _failed_operation(entries, follower)
    users = [entry for entry in entries if is_users(entry.tb_frame, follower.libraries)]
    if failed is None or not users:
        return None
    function, args, kwargs = failed
    operation = _Operation(str(error).strip(), name_of(function) or "", args, kwargs, follower, entries, users[-1])
    problem = operation.explain()
    if problem is None:
        return None
    user = users[-1]
    return TracedProblem(place(user.tb_frame.f_code, user.tb_lineno), operation.code, operation.module, problem)


def _failed_operation(entries: list[TracebackType], follower: Follower) -> tuple[Any, tuple[Any, ...], dict[str, Any]] | None:
    """The function that raised and its arguments: the frame of the follower has them, and that of a ``Linear``."""
    functional = follower.torch.nn.functional
    for entry in reversed(entries):
        names = entry.tb_frame.f_locals
        if entry.tb_frame.f_code.co_name == "__torch_function__" and "function" in names:
            return names["function"], names["args"], names["kwargs"] or {}
        owner = names.get("self")
        if isinstance(owner, follower.torch.nn.Linear) and entry.tb_frame.f_code.co_name == "forward" and "input" in names:
            return functional.linear, (names["input"], owner.weight, owner.bias), {}
    return None


class _Operation:
    """One operation that failed, with what is known of its tensors."""

    def __init__(
        self,
        message: str,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        follower: Follower,
        entries: list[TracebackType],
        user: TracebackType,
    ) -> None:
        self.message = message
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.follower = follower
        self.code, self.expression = failing_code(user)
        self.user = user
        # the layer that calls the function: the outermost module below the user's own line
        below = entries[entries.index(user) + 1 :]
        owners = (entry.tb_frame.f_locals.get("self") for entry in below)
        self.owner = next((owner for owner in owners if isinstance(owner, follower.torch.nn.Module)), None)
        self.call = None if self.owner is None else find_call(self.expression, user.tb_frame, self.owner)
        self.module = ast.unparse(self.call.func) if self.call is not None else ""

    def explain(self) -> Problem | None:
        """What is wrong; ``None`` if no tensor of it comes from an RNN."""
        known = [(tensor, trail) for tensor in self.tensors() if (trail := self.follower.trail(tensor)) is not None]
        if not known:
            return None
        if self.name == "linear":
            first = self.args[0] if self.args else self.kwargs.get("input")
            return self.tuple_of_states(known[0][1]) if isinstance(first, tuple) else self.linear(known[0][1])
        if self.name == "ctc_loss" and known[0][1].value.is_axis(0, "N") and known[0][1].value.ndim == 3:
            return self.ctc(known[0][1])
        if self.name == "view" and "contiguous" in self.message:
            return self.view(known[0][1])
        if self.name in ("cross_entropy", "nll_loss"):
            return self.classes(known[0][1])
        return self.other(known)

    def tensors(self) -> list[Any]:
        """All tensors among the arguments, in order."""
        found: list[Any] = []
        todo: list[Any] = [*self.args, *self.kwargs.values()]
        while todo:
            value = todo.pop(0)
            if isinstance(value, (tuple, list)):
                todo = [*value, *todo]
            elif isinstance(value, self.follower.torch.Tensor):
                found.append(value)
        return found

    def problem(self, tensor: str, cause: Cause, message: str, **fields: Any) -> Problem:
        """A problem with PyTorch's words."""
        return Problem(tensor=tensor, cause=cause, message=message, torch=shorten(self.message, 300), **fields)

    # ---- words

    def source(self, trail: Trail) -> str:
        """``output of self.rnn (nn.LSTM, bidirectional)``."""
        config = trail.origin.config
        kind = f"nn.{config.class_name}" + (", bidirectional" if config.bidirectional else "")
        names = sorted(trail.value.sources - {""}) or ["a result"]
        of = f"{trail.origin.name} ({kind})" if trail.origin.name else kind
        return f"{' and '.join(names)} of {of}"

    def axes(self, trail: Trail) -> str:
        """``(N, L, D*H_out) = (8, 12, 40)``."""
        dims = []
        for dim, size in enumerate(trail.value.sizes):
            names = trail.value.names(dim)
            known = "D*num_layers" if names == ("num_layers", "D") else "*".join(names)
            dims.append(str(size) if not names or "?" in names else known)
        inner = ", ".join(dims)
        symbols = f"({inner},)" if len(dims) == 1 else f"({inner})"
        shape = shape_text(trail.value.sizes)
        return shape if symbols == shape else f"{symbols} = {shape}"

    def product(self, trail: Trail, dim: int) -> str:
        """Why an axis has its size: ``2 directions * 64``; ``""`` if there is nothing to say."""
        factors = [factor for factor in trail.value.axes[dim] if factor.size != 1]
        if len(factors) < 2:
            return ""
        words = []
        for factor, name in zip(factors, trail.value.names(dim), strict=False):
            words.append(f"{factor.size} {_WORDS[name]}" if name in _WORDS else str(factor.size))
        return " = " + " * ".join(words) if len(words) == len(factors) else ""

    # ---- operations

    def linear(self, trail: Trail) -> Problem:
        """A ``Linear`` of another size than its input's last axis."""
        weight = self.args[1] if len(self.args) > 1 else self.kwargs["weight"]
        takes, gives = int(weight.shape[1]), int(weight.shape[0])
        name = self.module or "nn.Linear"
        value = trail.value
        if value.ndim == 0 or value.sizes[-1] == takes:
            return self.other([(self.args[0], trail)])
        got = value.sizes[-1]
        config, last = trail.origin.config, value.names(value.ndim - 1)
        message = f"{name} takes {takes} features; {self.source(trail)} has {got}{self.product(trail, value.ndim - 1)}."
        features = bool(last) and last[-1] in ("H_out", "H_cell", "features") and "?" not in last
        both = config.bidirectional and takes == config.H_out and "D" in last
        if not features:
            message = (
                f"{name} reads the last dim, {takes} features; its input is {self.axes(trail)}, from {self.source(trail)}."
            )
        return self.problem(
            "linear",
            "bidirectional_linear_mismatch" if both else "neighbour_shape",
            message,
            expected=(takes,),
            got=(got,),
            fix=f"{self.module or 'linear'} = nn.Linear({got}, {gives})" if features else None,
            advice=None if features else "Put the features last, with transpose or permute.",
        )

    def tuple_of_states(self, trail: Trail) -> Problem:
        """A ``Linear`` that gets all that an RNN returned, or both states of an LSTM."""
        name, argument = self.module or "nn.Linear", self.argument(0)
        config = trail.origin.config
        states = trail.value.sources <= {"h_n", "c_n", "h_1", "c_1"}
        what = "both states" if states else "output and the state"
        of = f"{trail.origin.name} (nn.{config.class_name})" if trail.origin.name else f"nn.{config.class_name}"
        first = f"{argument}[0]" + ("[-1]" if states and not config.is_cell else "")
        return self.problem(
            "input",
            TUPLE_EXPECTED,
            f"{name} takes one tensor; {argument} is the tuple of {what} of {of}.",
            fix=self.with_argument(first),
        )

    def view(self, trail: Trail) -> Problem:
        """A view of numbers that do not lie in one row."""
        code = self.code.replace(".view(", ".reshape(")
        message = f"view needs numbers that lie one behind the other; {self.axes(trail)}, from {self.source(trail)}, was only "
        message += "turned or cut: its numbers still lie as before."
        fix = code if code.count(".reshape(") == 1 else None
        return self.problem("input", "contiguity", message, got=trail.value.sizes, fix=fix, advice="reshape copies them.")

    def classes(self, trail: Trail) -> Problem:
        """Cross-entropy: the classes are dim 1, and there is one target for each row."""
        target = self.args[1] if len(self.args) > 1 else self.kwargs.get("target")
        value, shape = trail.value, tuple(getattr(target, "shape", ()))
        named = self.argument(0)
        if value.ndim == 3 and len(shape) == 2 and shape == value.sizes[:2]:
            message = f"The loss takes the classes as dim 1; {named} is {self.axes(trail)}, with the classes last."
            return self.problem(
                "input",
                "loss_shape",
                message,
                expected=(value.sizes[0], value.sizes[2], value.sizes[1]),
                got=value.sizes,
                fix=self.with_argument(f"{named}.transpose(1, 2)"),
            )
        if value.ndim == 2 and len(shape) == 1 and shape[0] != value.sizes[0]:
            rows = self.product(trail, 0)
            message = (
                f"The loss takes one target for each row; {named} has {value.sizes[0]} rows{rows}, and there are {shape[0]}"
            )
            return self.problem("input", "loss_shape", f"{message} targets.", expected=shape[:1], got=value.sizes[:1])
        message = f"{named} is {self.axes(trail)}, and the target is {shape_text(shape)}."
        return self.problem("input", "loss_shape", message, got=value.sizes)

    def ctc(self, trail: Trail) -> Problem:
        """The CTC loss takes the steps first, whatever ``batch_first`` says."""
        named, sizes = self.argument(0), trail.value.sizes
        return self.problem(
            "log_probs",
            "loss_shape",
            f"The CTC loss takes (L, N, classes), the steps first; {named} is {self.axes(trail)}.",
            expected=(sizes[1], sizes[0], sizes[2]),
            got=sizes,
            fix=self.with_argument(f"{named}.transpose(0, 1)"),
        )

    def other(self, known: list[tuple[Any, Trail]]) -> Problem:
        """Any other operation: what its tensors are."""
        parts = []
        for tensor in self.tensors()[:6]:
            trail = self.follower.trail(tensor)
            name = self.variable(tensor)
            if trail is not None:
                parts.append(f"{name + ' is ' if name else ''}{self.axes(trail)}, from {self.source(trail)}")
            elif self.module == "" or not any(tensor is parameter for parameter in self.parameters()):
                parts.append(f"{name or 'another tensor'} is {shape_text(tuple(tensor.shape))}")
        sizes = known[0][1].value.sizes
        message = f"PyTorch cannot do this with these shapes: {'; '.join(parts)}."
        return self.problem(self.variable(known[0][0]) or "input", "neighbour_shape", message, got=sizes)

    def parameters(self) -> list[Any]:
        """The parameters of the layer that was called."""
        return [] if self.owner is None else list(self.owner.parameters())

    def variable(self, tensor: Any) -> str:
        """The user's variable for a tensor."""
        return next((name for name, value in self.user.tb_frame.f_locals.items() if value is tensor), "")

    def argument(self, place: int) -> str:
        """The code of an argument of the call that failed."""
        calls = [self.call] if self.call is not None else [self.expression]
        for node in calls:
            if isinstance(node, ast.Call) and len(node.args) > place and not isinstance(node.args[place], ast.Starred):
                return ast.unparse(node.args[place])
        return "input"

    def with_argument(self, code: str) -> str | None:
        """The call that failed with another first argument."""
        node = self.call if self.call is not None else self.expression
        if not isinstance(node, ast.Call) or not node.args:
            return None
        rest = [ast.unparse(argument) for argument in node.args[1:]]
        rest += [ast.unparse(keyword) for keyword in node.keywords]
        return f"{ast.unparse(node.func)}({', '.join([code, *rest])})"
