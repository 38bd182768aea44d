"""What is wrong in an expression of an RNN's results though PyTorch runs it: the shape fits and the numbers are not what is
meant.

The rules look at what the axes are made of, never at sizes alone. A rule is silent where the expression could be meant: with
one sequence, one step, or sizes that are equal by chance, nothing is said that is not certain.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from ..config import DataConfig, RNNConfig
from ..phrases import shape_text
from .call_results import NamedInt
from .computation import implicit_dim
from .expressions import Followed, Step
from .named_tensor import Atom, Axis, NamedTensor, Own, Pool, Position

_STATES: Final = frozenset({"h_n", "c_n"})
_RESHAPES: Final = frozenset({"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"})
_SOFTMAX: Final = frozenset({"softmax", "log_softmax", "functional_softmax"})
_MEETINGS: Final = frozenset({"add", "sub", "mul", "div", "maximum", "minimum", "subtract", "multiply", "divide"})
_FEATURES: Final = frozenset({"H_out", "H_cell", "H_in"})


@dataclass(frozen=True, slots=True)
class Misuse:
    """One thing that runs and is wrong.

    Attributes:
        kind: its name, one of `KINDS`.
        text: the part of the expression that does it.
        message: what the numbers are and why that is not what is meant, in one sentence.
        fix: code that gives what is meant, if that is known.
        certain: whether it is wrong whatever is meant. Otherwise it is likely a mistake.
    """

    kind: str
    text: str
    message: str
    fix: str | None
    certain: bool = True


KINDS: Final[dict[str, str]] = {
    "mixed_state": "a view of h_n or c_n mixes layers, directions and sequences",
    "sequences_joined": "features of several sequences become one row",
    "view_for_transpose": "a view or reshape where a transpose is meant",
    "sequence_pairs": "two sequences are joined where the two directions are meant",
    "directions_as_rows": "the two directions of a step become two rows",
    "directions_interleaved": "the directions are split as (H, 2) instead of (2, H)",
    "axis_misnamed": "an axis is called by one name and holds another",
    "reverse_at_last_step": "the reverse half at the last step has read one step",
    "forward_at_first_step": "the forward half at the first step has read one step",
    "padding_step": "the last step is padding of shorter sequences",
    "one_sequence": "one sequence of the batch is taken instead of one step",
    "one_feature": "one feature is taken instead of one step",
    "one_direction": "a state of one direction only",
    "not_last_layer": "a state that is not of the last layer",
    "rows_of_two_layers": "states of different layers and directions are joined",
    "layers_for_directions": "two layers are joined as if they were two directions",
    "same_row_twice": "the same state is joined with itself",
    "directions_in_batch": "the two directions are put one after the other in the batch",
    "softmax_over_batch": "softmax over the sequences of the batch",
    "pooled_over_batch": "a mean, sum or maximum over the sequences of the batch",
    "softmax_over_padding": "softmax over padded steps",
    "pooled_over_padding": "a mean or maximum over padded steps",
    "axes_meet": "different axes of equal size meet element by element",
}
"""Every kind of misuse, with what it is."""


def misuses(followed: Followed, config: RNNConfig, data: DataConfig) -> list[Misuse]:
    """What in a followed expression is wrong though it runs; empty for correct idioms, and where it is not certain enough.

    Args:
        followed: an expression of the results of one call, from `follow`.
        config: the module of the call.
        data: its input.

    >>> from rnndims.axes import follow, usual_names
    >>> config, data = RNNConfig("gru", 3, 4, num_layers=2, bidirectional=True), DataConfig(batch_size=3)
    >>> [wrong.kind for wrong in misuses(follow("h_n.view(3, -1)", usual_names(config, data)), config, data)]
    ['mixed_state']
    >>> misuses(follow("h_n.transpose(0, 1).reshape(3, -1)", usual_names(config, data)), config, data)
    []
    """
    return _Judge(followed, config, data).judge()


class _Judge:
    def __init__(self, followed: Followed, config: RNNConfig, data: DataConfig) -> None:
        self.followed = followed
        self.config = config
        self.data = data
        self.trail = followed.trail
        self.steps = max(data.lengths) if data.lengths else (data.seq_len or 0)
        self.batch = data.batch_size or 0
        self.uneven = data.lengths is not None and min(data.lengths) < max(data.lengths)

    def judge(self) -> list[Misuse]:
        found: list[Misuse] = []
        rules: tuple[Callable[[], Iterator[Misuse]], ...] = (
            self.reshapes,
            self.used_values,
            self.joined_states,
            self.over_axes,
            self.meetings,
        )
        for rule in rules:
            for misuse in rule():
                if all((misuse.kind, misuse.message) != (other.kind, other.message) for other in found):
                    found.append(misuse)
        return found

    # ---- words

    def spelled(self, source: str) -> str:
        """The name of a tensor as the expression writes it."""
        return self.followed.spelling.get(source, source)

    def both(self, state: str = "h_n") -> str:
        """Code for both directions of the last layer's state."""
        name = self.spelled(state)
        return f"torch.cat([{name}[-2], {name}[-1]], dim=-1)"

    def last_state(self, state: str = "h_n") -> str:
        """Code for the state of the last layer, of both directions if there are two."""
        return self.both(state) if self.config.bidirectional else f"{self.spelled(state)}[-1]"

    def layout(self, source: str) -> str:
        """``(N, L, D*H_out)``."""
        if source in _STATES:
            width = "H_cell" if source == "c_n" else "H_out"
            return f"(D*num_layers, {width})" if self.data.unbatched else f"(D*num_layers, N, {width})"
        width = "H_in" if source == "input" else "D*H_out"
        if self.data.unbatched:
            return f"(L, {width})"
        return f"(N, L, {width})" if self.config.batch_first else f"(L, N, {width})"

    # ---- views and reshapes

    def reshapes(self) -> Iterator[Misuse]:
        """Each run of reshapes, judged by what it begins with and what it ends with."""
        begins: dict[int, NamedTensor] = {}
        went_on = {id(step.arguments[0]) for step in self.trail if step.name in _RESHAPES and step.arguments}
        for step in self.trail:
            if step.name not in _RESHAPES or not isinstance(step.arguments[0], NamedTensor):
                continue
            x, result = step.arguments[0], step.result
            start = begins.get(id(x), x)
            begins[id(result)] = start
            if id(result) not in went_on and start.moved and len(start.sources) == 1 and start.numel:
                misuse = self.reshape(step, start, result)
                if misuse is not None:
                    yield misuse

    def reshape(self, step: Step, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        (source,) = x.sources
        rules = (self.mixing, self.misnamed, self.swapped, self.joining, self.pairing, self.splitting)
        return next((misuse for rule in rules if (misuse := rule(step, source, x, result)) is not None), None)

    def mixing(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Cuts of the new shape that fall across the old axes."""
        before = {factor.of for axis in x.axes for factor in axis}
        pools = [f.of for axis in result.axes for f in axis if isinstance(f.of, Pool) and f.of not in before]
        names = {atom.name for pool in pools for atom in pool.atoms()}
        if source in _STATES:
            if "N" in names and names & {"num_layers", "D"}:
                return Misuse(
                    "mixed_state",
                    step.text,
                    f"{step.text} mixes layers, directions and sequences: {self.spelled(source)} is {self.layout(source)} and "
                    "a view "
                    "does not move axes",
                    self.rows_of_batch(source, x),
                )
            if names == {"num_layers", "D"}:
                return Misuse(
                    "mixed_state",
                    step.text,
                    f"{step.text} mixes layers and directions: row r of {self.spelled(source)} is layer r // D, direction r % "
                    "D, so "
                    "num_layers comes before D",
                    self.split_rows(source),
                )
            return None
        if {"N", "L"} <= names and any(size in (self.batch, self.steps) and size > 1 for size in result.sizes):
            return self.for_transpose(step, source, x, result)
        return None

    def rows_of_batch(self, source: str, x: NamedTensor) -> str | None:
        return f"{self.spelled(source)}.transpose(0, 1).reshape({self.batch}, -1)" if _untouched(x) else None

    def split_rows(self, source: str) -> str:
        lead = "" if self.data.unbatched else f"{self.batch}, "
        return f"{self.spelled(source)}.view({self.config.num_layers}, {self.config.D}, {lead}-1)"

    def for_transpose(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse:
        """The fix takes the axes where they are: (L, N, ...) transposed is (N, L, ...)."""
        fix = None
        if _untouched(x) and x.ndim == 3:
            first = result.sizes[0]
            rest = shape_text(result.sizes[1:]).strip("(),")
            keeps = first == x.sizes[1] and prod(result.sizes) == x.numel
            if keeps and result.ndim == 3 and result.sizes == (x.sizes[1], x.sizes[0], x.sizes[2]):
                fix = f"{self.spelled(source)}.transpose(0, 1)"
            elif keeps:
                fix = f"{self.spelled(source)}.transpose(0, 1).reshape({first}, {'-1' if result.ndim == 2 else rest})"
            elif first == x.sizes[0] and result.ndim == 2:
                fix = f"{self.spelled(source)}.reshape({first}, -1)"
        return Misuse(
            "view_for_transpose",
            step.text,
            f"{step.text} mixes the sequences of the batch: {self.spelled(source)} is {self.layout(source)} and a view does "
            "not move "
            "axes",
            fix,
        )

    def misnamed(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """``view(N, L, -1)`` where the first axis is L, also with N = L: the names of the sizes say what is meant."""
        if step.name not in ("view", "reshape"):
            return None
        sizes: Sequence[Any] = step.arguments[1:]
        sizes = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
        for dim, size in enumerate(sizes):
            if not isinstance(size, NamedInt) or size <= 1 or size.name not in ("N", "L", "num_layers", "D"):
                continue
            atom = next((a for a in _atoms(x) if a.name == size.name and a.source == source), None)
            if atom is None or atom.size != size or result.is_axis(dim, size.name):
                continue
            held = " and ".join(dict.fromkeys(name for name in result.names(dim) if name != "?"))
            if source in _STATES and size.name == "N":
                return Misuse(
                    "mixed_state",
                    step.text,
                    f"{step.text} mixes layers, directions and sequences: axis {dim} is called {size.name} and holds {held}; "
                    f"{self.spelled(source)} is {self.layout(source)} and a view does not move axes",
                    self.rows_of_batch(source, x),
                )
            if {size.name, *result.names(dim)} >= {"N", "L"}:
                return self.for_transpose(step, source, x, result)
            return Misuse(
                "axis_misnamed",
                step.text,
                f"axis {dim} of {step.text} is called {size.name} and holds {held}: a view does not move axes",
                self.split_rows(source) if source in _STATES and size.name in ("num_layers", "D") else None,
            )
        return None

    def swapped(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Two neighbours in the other order, by sizes that are not equal, and the axes not moved."""
        if x.ndim < 2 or result.ndim < 2 or step.name not in ("view", "reshape", "view_as", "reshape_as"):
            return None
        first, second = x.sizes[:2]
        if first == second or 1 in (first, second) or result.sizes[:2] != (second, first):
            return None
        if {*x.names(0), *x.names(1)} >= {"N", "L"} and x.ndim == 3:
            return self.for_transpose(step, source, x, result)
        if source in _STATES and x.is_axis(1, "N") and _is_rows(x, 0):
            return Misuse(
                "mixed_state",
                step.text,
                f"{step.text} mixes layers, directions and sequences: {self.spelled(source)} is {self.layout(source)} and a "
                "view does "
                "not move axes",
                self.rows_of_batch(source, x),
            )
        return None

    def joining(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """As many rows as sequences, but a row is not a sequence: it holds features of several."""
        if result.ndim < 2 or self.batch < 2 or result.sizes[0] != self.batch or x.sizes[0] == self.batch:
            return None
        if not any(x.is_axis(dim, "N") for dim in range(1, x.ndim)):
            return None
        if not any(_holds(axis, "N") and _FEATURES & _names(axis) for axis in result.axes[1:]):
            return None
        if source in _STATES:
            return Misuse(
                "mixed_state",
                step.text,
                f"{step.text} mixes layers, directions and sequences: {self.spelled(source)} is {self.layout(source)} and a "
                "view does "
                "not move axes",
                self.rows_of_batch(source, x),
            )
        return self.for_transpose(step, source, x, result)

    def pairing(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """``h_n.view(..., 2 * H)``: what lies next to a sequence's state is another sequence, not the other direction."""
        if source not in _STATES or not self.config.bidirectional or step.name not in ("view", "reshape") or result.ndim < 2:
            return None
        width = self.config.hidden_size if source == "c_n" else self.config.H_out
        if result.sizes[-1] != 2 * width or not _holds(result.axes[-1], "N") or not _is_rows(x, 0):
            return None
        return Misuse(
            "sequence_pairs",
            step.text,
            f"{step.text} joins the states of two sequences, not the two directions: {self.spelled(source)} is "
            f"{self.layout(source)}",
            self.both(source),
        )

    def splitting(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Directions of ``output`` that become rows, or are split the wrong way round."""
        if (
            source != "output"
            or not self.config.bidirectional
            or not _holds(x.axes[-1], "D")
            or step.name not in ("view", "reshape")
        ):
            return None
        width, last = self.config.H_out, result.ndim - 1
        lead = ", ".join(map(str, x.sizes[:-1]))
        halves = f"{self.spelled(source)}.{step.name}({lead}, 2, {width})"
        if result.ndim == x.ndim + 1 and width != 2 and result.sizes[-2:] == (width, 2) and result.sizes[:-2] == x.sizes[:-1]:
            return Misuse(
                "directions_interleaved",
                step.text,
                f"{step.text} does not split the directions: the {2 * width} features are all of the forward direction first, "
                "then "
                f"all of the reverse one, so they split as (2, {width})",
                halves if _untouched(x) else None,
            )
        if result.ndim < 2 or not result.is_axis(last, "H_out") or width == 1:
            return None
        names = _names(result.axes[last - 1])
        if "D" in names and names & {"N", "L"}:
            return Misuse(
                "directions_as_rows",
                step.text,
                f"{step.text} makes two rows of each step, one for each direction; a step has {2 * width} features",
                f"{self.spelled(source)}.reshape(-1, {2 * width})" if _untouched(x) else None,
            )
        return None

    # ---- values that are used: the result, and what a Linear reads

    def used_values(self) -> Iterator[Misuse]:
        """What is selected from the results, where it ends up."""
        value = self.followed.value
        text = self.followed.text
        uses: list[tuple[str, NamedTensor]] = []
        for step in self.trail:
            if step.name == "linear" and isinstance(step.arguments[0], NamedTensor):
                uses.append((step.text, step.arguments[0]))
                yield from self.features(step)
            if (
                step.name in ("cat", "concat", "concatenate")
                and step.arguments
                and isinstance(step.arguments[0], (tuple, list))
            ):
                parts = [part for part in step.arguments[0] if isinstance(part, NamedTensor)]
                alone = [part for part in parts if part.sources == {"output"}]
                if len(alone) == 1 and len(parts) > 1 and not any("output" in p.sources for p in parts if p is not alone[0]):
                    uses.append((step.text, alone[0]))
        values = value if isinstance(value, (tuple, list)) else (value,)
        if len(values) == 1:
            uses += [(text, used) for used in values if isinstance(used, NamedTensor)]
        for where, used in uses:
            if used.moved and len(used.sources) == 1 and used.numel:
                (source,) = used.sources
                if source == "output":
                    yield from self.output_selection(where, used)
                elif source in _STATES:
                    yield from self.state_selection(where, used, source)

    def features(self, step: Step) -> Iterator[Misuse]:
        """A Linear whose features hold the batch."""
        x = step.arguments[0]
        if x.moved and _holds(x.axes[-1], "N") and not x.is_axis(x.ndim - 1, "N") and self.batch > 1:
            yield Misuse(
                "sequences_joined",
                step.text,
                f"{step.text} reads the features of all {self.batch} sequences of the batch as one row",
                None,
            )

    def output_selection(self, text: str, x: NamedTensor) -> Iterator[Misuse]:
        """A step of ``output``, or a sequence where a step is meant."""
        at = {key.name: position for key, position in x.fixed.items() if isinstance(key, Atom) and not x.holds(key)}
        step, whole = at.get("L"), {name for name in ("N", "L", "D", "H_out") if _walks(x, name)}
        if "L" not in whole and self.steps > 1 and "H_out" in whole:
            yield from self.selected_step(text, step, at, whole)
        written = [item for step in self.trail for item in _selected(step, "output", "N", self.config)]
        if "L" in whole and self.batch > 1 and -1 in written and at.get("N") == self.batch - 1:
            last = "[-1]" if not self.config.batch_first else "[:, -1]"
            yield Misuse(
                "one_sequence",
                text,
                f"{text} takes one sequence of the batch, not one step: {self.spelled('output')} is {self.layout('output')}; "
                "the last "
                f"step is {self.spelled('output')}{last}",
                self.last_state() if self.config.bidirectional or self.uneven else f"{self.spelled('output')}{last}",
            )
        written = [item for step in self.trail for item in _selected(step, "output", "H_out", self.config)]
        width = self.config.D * self.config.H_out
        if self.data.unbatched and "L" in whole and -1 in written and width > 1 and "H_out" not in whole:
            yield Misuse(
                "one_feature",
                text,
                f"{text} takes the last feature of every step: unbatched {self.spelled('output')} is {self.layout('output')}; "
                "the last "
                f"step is {self.spelled('output')}[-1]",
                self.last_state() if self.config.bidirectional else f"{self.spelled('output')}[-1]",
            )

    def selected_step(self, text: str, step: Position, at: dict[str, Position], whole: set[str]) -> Iterator[Misuse]:
        lengths = self.data.lengths
        name = self.spelled("output")
        if lengths and step == self.steps - 1:
            chosen = range(self.batch) if "N" in whole else [n for n in (at.get("N"),) if isinstance(n, int)]
            short = [n for n in chosen if lengths[n] < self.steps]
            if short and not (at.get("D") == 1 and "D" not in whole):
                yield Misuse(
                    "padding_step",
                    text,
                    f"{text} reads step {self.steps - 1}, which is padding for {_sequences(short)}",
                    self.last_state(),
                )
        both = "D" in whole
        if not self.config.bidirectional:
            return
        if step in (self.steps - 1, Own.LAST) and (both or at.get("D") == 1):
            if step is Own.LAST and lengths and max(lengths) == 1:
                return
            half = "its reverse half" if both else "the reverse direction"
            yield Misuse(
                "reverse_at_last_step",
                text,
                f"{text} is no summary of {half}: at the last step the reverse direction has read one step only",
                self.both(),
            )
        elif step == 0 and at.get("D") == 0 and not both:
            yield Misuse(
                "forward_at_first_step",
                text,
                f"{text} is no summary: at the first step of {name} the forward direction has read one step only",
                self.both(),
            )

    def state_selection(self, text: str, x: NamedTensor, source: str) -> Iterator[Misuse]:
        """A row of a state, or a sequence where a row is meant."""
        layers, directions = self.config.num_layers, self.config.D
        name = self.spelled(source)
        rows = [item for step in self.trail for item in _selected(step, source, "rows", self.config)]
        at = {key.name: position for key, position in x.fixed.items() if isinstance(key, Atom) and not x.holds(key)}
        one_row = not _walks(x, "num_layers") and not _walks(x, "D")
        if len(rows) == 1 and one_row and layers * directions > 1:
            row = rows[0] % (layers * directions)
            layer, direction = divmod(row, directions)
            which = "forward" if direction == 0 else "reverse"
            if layer != layers - 1:
                only = f", {which} direction only" if directions == 2 else ""
                yield Misuse(
                    "not_last_layer",
                    text,
                    f"{text} is layer {layer} of {layers}{only}: row r of {name} is layer r // D, direction r % D",
                    self.last_state(source),
                    certain=rows[0] in (0, layers - 1),
                )
            elif directions == 2 and rows[0] != -2:
                yield Misuse(
                    "one_direction",
                    text,
                    f"{text} is the {which} direction only, of layer {layer}; the other direction is left out",
                    self.both(source),
                )
        sequences = [item for step in self.trail for item in _selected(step, source, "N", self.config)]
        if -1 in sequences and not one_row and at.get("N") == self.batch - 1 and self.batch > 1:
            yield Misuse(
                "one_sequence",
                text,
                f"{text} takes one sequence of the batch: {name} is {self.layout(source)} with batch_first too; the last "
                "layer is "
                f"{name}[-1]",
                self.last_state(source),
            )

    # ---- cat and stack of states

    def joined_states(self) -> Iterator[Misuse]:
        """Rows of h_n or c_n put together."""
        for step in self.trail:
            if step.name not in ("cat", "concat", "concatenate", "stack"):
                continue
            parts = step.arguments[0] if step.arguments else step.keywords.get("tensors")
            if not isinstance(parts, (tuple, list)) or len(parts) < 2:
                continue
            if all(isinstance(part, NamedTensor) and part.moved and len(part.sources) == 1 for part in parts):
                yield from self.joined(step, list(parts))

    def joined(self, step: Step, parts: list[NamedTensor]) -> Iterator[Misuse]:
        (source,) = parts[0].sources
        if source not in _STATES or any(part.sources != {source} or part.axes != parts[0].axes for part in parts):
            return
        rows = [row for part in parts if (row := self.row(part)) is not None]
        if len(rows) != len(parts):
            return
        name, last = self.spelled(source), self.config.num_layers - 1
        layers, directions = {layer for layer, _ in rows}, {direction for _, direction in rows}
        both = self.config.bidirectional
        if len(set(rows)) < len(rows) and all(part.fixed == parts[0].fixed for part in parts):
            yield Misuse(
                "same_row_twice",
                step.text,
                f"{step.text} joins the same row of {name} with itself",
                self.both(source) if both else None,
            )
            return
        if both and len(rows) == 2:
            if layers != {last} and len(layers) == 1:
                yield Misuse(
                    "not_last_layer",
                    step.text,
                    f"{step.text} joins the two directions of layer {min(layers)} of {last + 1}: row r of {name} is layer r "
                    "// D, "
                    "direction r % D",
                    self.both(source),
                )
                return
            if len(layers) == 2 and len(directions) == 2:
                yield Misuse(
                    "rows_of_two_layers",
                    step.text,
                    f"{step.text} joins {_row_text(rows[0])} and {_row_text(rows[1])}: row r of {name} is layer r // D, "
                    "direction r % D",
                    self.both(source),
                )
                return
        elif not both and len(rows) == 2 and len(layers) == 2 and step.name != "stack":
            yield Misuse(
                "layers_for_directions",
                step.text,
                f"{step.text} joins layers {rows[0][0]} and {rows[1][0]}: the module has one direction, and its last layer is "
                f"{name}[-1]",
                f"{name}[-1]",
                certain=False,
            )
        if both and step.name != "stack" and len(rows) == 2 and not self.data.unbatched:
            dim = _argument(step, 1, "dim", 0)
            dim = step.keywords.get("axis", dim)
            if isinstance(dim, int) and parts[0].ndim == 2 and parts[0].is_axis(dim % 2, "N") and self.batch > 0:
                yield Misuse(
                    "directions_in_batch",
                    step.text,
                    f"{step.text} puts the two directions one after the other in the batch: {2 * self.batch} rows for "
                    f"{self.batch} "
                    "sequences",
                    self.both(source),
                )

    def row(self, x: NamedTensor) -> tuple[int, int] | None:
        """Layer and direction of a selected row of a state."""
        if _walks(x, "num_layers") or _walks(x, "D"):
            return None
        found = []
        for name, size in (("num_layers", self.config.num_layers), ("D", self.config.D)):
            position: Position = next(
                (p for key, p in x.fixed.items() if isinstance(key, Atom) and key.name == name), 0 if size == 1 else None
            )
            if not isinstance(position, int):
                return None
            found.append(position)
        return found[0], found[1]

    # ---- softmax and reductions

    def over_axes(self) -> Iterator[Misuse]:
        """Softmax, means and maxima over the batch or over padding."""
        changed = any(step.name in ("relu", "exp", "square", "abs", "sigmoid") for step in self.trail)
        final = self.followed.value
        masked_later = isinstance(final, NamedTensor) and final.masked
        for step in self.trail:
            x = step.arguments[0] if step.arguments else step.keywords.get("x")
            if (
                not isinstance(x, NamedTensor)
                or not x.sources & {"output", "h_n", "c_n", "input"}
                or x.masked
                or x.kind != "float"
            ):
                continue
            dim = self.single_dim(step, x)
            if dim is None or x.sizes[dim] < 2:
                continue
            batches = sum(_holds(axis, "N") for axis in x.axes)
            if x.is_axis(dim, "N") and batches == 1 and x.ndim > 1:
                yield from self.over_batch(step, x)
            elif (
                x.is_axis(dim, "L")
                and self.uneven
                and x.sizes[dim] == self.steps
                and "output" in x.sources
                and not masked_later
            ):
                yield from self.over_padding(step, x, changed=changed)

    def single_dim(self, step: Step, x: NamedTensor) -> int | None:
        """The one axis that a softmax or a reduction runs over; ``None`` if it is another operation, or over several axes."""
        if step.name not in _SOFTMAX | {"mean", "sum", "max", "amax"}:
            return None
        dim = _argument(step, 1, "dim", None)
        dim = step.keywords.get("axis", dim)
        if dim is None and step.name in _SOFTMAX:
            dim = implicit_dim(x.ndim)
        if isinstance(dim, (tuple, list)) and len(dim) == 1:
            dim = dim[0]
        return dim % x.ndim if isinstance(dim, int) and x.ndim and -x.ndim <= dim < x.ndim else None

    def over_batch(self, step: Step, x: NamedTensor) -> Iterator[Misuse]:
        if step.name in _SOFTMAX:
            others = [dim for dim in range(x.ndim) if not x.is_axis(dim, "N") and x.sizes[dim] > 1]
            if others:
                yield Misuse(
                    "softmax_over_batch",
                    step.text,
                    f"{step.text} runs over the {self.batch} sequences of the batch: the numbers of different sequences sum "
                    "to 1",
                    None,
                )
        elif x.moved and (step.name == "mean" or any(_walks(x, "L") for _ in (0,))):
            better = next((dim for dim in range(x.ndim) if x.is_axis(dim, "L")), None)
            (source,) = x.sources if len(x.sources) == 1 else ("",)
            yield Misuse(
                "pooled_over_batch",
                step.text,
                f"{step.text} runs over the {self.batch} sequences of the batch"
                + (f": {self.spelled(source)} is {self.layout(source)}" if source and _untouched(x) else ""),
                f"{self.spelled(source)}.{step.name}(dim={better})"
                if source and better is not None and _untouched(x)
                else None,
            )

    def over_padding(self, step: Step, x: NamedTensor, *, changed: bool) -> Iterator[Misuse]:
        assert self.data.lengths is not None  # noqa: S101 - uneven lengths
        short = [n for n, length in enumerate(self.data.lengths) if length < self.steps]
        if step.name in _SOFTMAX:
            yield Misuse(
                "softmax_over_padding",
                step.text,
                f"{step.text} gives weight to the padding of {_sequences(short)}: fill it with -inf before",
                None,
            )
        elif step.name == "mean":
            yield Misuse(
                "pooled_over_padding",
                step.text,
                f"{step.text} divides by {self.steps} steps for {_sequences(short)} too, which are shorter",
                self.mean_of_lengths(x),
            )
        elif step.name in ("max", "amax") and x.moved and not changed:
            yield Misuse(
                "pooled_over_padding",
                step.text,
                f"{step.text} takes the zeros of the padding into account for {_sequences(short)}: fill it with -inf before",
                None,
            )

    def mean_of_lengths(self, x: NamedTensor) -> str | None:
        if not _untouched(x) or x.sources != {"output"}:
            return None
        return f"{self.spelled('output')}.sum({1 if self.config.batch_first else 0}) / lengths.unsqueeze(-1)"

    # ---- element by element

    def meetings(self) -> Iterator[Misuse]:
        """Axes of different meaning that broadcasting puts together because their sizes are equal."""
        for step in self.trail:
            if step.name not in _MEETINGS or len(step.arguments) < 2:
                continue
            a, b = step.arguments[:2]
            if not isinstance(a, NamedTensor) or not isinstance(b, NamedTensor):
                continue
            for back in range(1, min(a.ndim, b.ndim) + 1):
                one, other = _label(a, a.ndim - back), _label(b, b.ndim - back)
                size = a.sizes[-back]
                if one and other and one != other and size == b.sizes[-back] and size > 1:
                    yield Misuse(
                        "axes_meet",
                        step.text,
                        f"{step.text} lets {one} meet {other}: both are {size}, so it runs, and the numbers do not belong "
                        "together",
                        None,
                    )
                    break


# ---- what axes hold


def _names(axis: Axis) -> set[str]:
    return {atom.name for factor in axis if factor.size != 1 for atom in factor.atoms()}


def _holds(axis: Axis, name: str) -> bool:
    return name in _names(axis)


def _walks(x: NamedTensor, name: str) -> bool:
    return any(_holds(axis, name) for axis in x.axes)


def _atoms(x: NamedTensor) -> set[Atom]:
    return {atom for axis in x.axes for factor in axis for atom in factor.atoms()}


def _untouched(x: NamedTensor) -> bool:
    """Whether it is a result as it was returned: every axis whole, nothing fixed."""
    return not x.fixed and all(factor.is_whole for axis in x.axes for factor in axis) and x.ndim in (2, 3) and x.moved


def _is_rows(x: NamedTensor, dim: int) -> bool:
    """Whether an axis is that of all rows of a state, ``num_layers`` and ``D`` together."""
    names = [factor.of.name for factor in x.axes[dim] if isinstance(factor.of, Atom)]
    return names == ["num_layers", "D"] and all(factor.is_whole for factor in x.axes[dim])


def _label(x: NamedTensor, dim: int) -> str | None:
    """N, L, or the rows of a state, if the axis is one of these and whole."""
    if x.is_axis(dim, "N"):
        return "the batch"
    if x.is_axis(dim, "L"):
        return "the steps"
    return "the rows of the state" if _is_rows(x, dim) else None


def _selected(step: Step, source: str, name: str, config: RNNConfig) -> list[int]:
    """The ints, as written, by which a step selects from the axis ``name`` (or ``"rows"``) of an otherwise whole ``source``."""
    x = step.arguments[0] if step.arguments else None
    if step.name not in ("index", "select") or not isinstance(x, NamedTensor) or x.sources != {source} or not x.moved:
        return []
    if step.name == "select":
        dim, at = _argument(step, 1, "dim", None), _argument(step, 2, "index", None)
        pairs = [(dim % x.ndim, at)] if isinstance(dim, int) and isinstance(at, int) and x.ndim else []
    else:
        items = step.arguments[1]
        pairs = _indexed(items if isinstance(items, tuple) else (items,), x.ndim)
    found = []
    for dim, at in pairs:
        if not isinstance(at, int):
            continue
        if name == "rows":
            match = _is_rows(x, dim)
        elif name == "H_out":
            match = x.is_axis(dim, "D", "H_out") if config.D > 1 else x.is_axis(dim, "H_out")
        else:
            match = x.is_axis(dim, name)
        if match:
            found.append(int(at))
    return found


def _indexed(items: Sequence[Any], ndim: int) -> list[tuple[int, Any]]:
    """Each item of an index with the axis that it is for."""
    used = sum(item is not None and item is not ... for item in items)
    found: list[tuple[int, Any]] = []
    dim = 0
    for item in items:
        if item is ...:
            dim += ndim - used
        elif item is not None:
            found.append((dim, item))
            dim += 1
    return found


def _argument(step: Step, place: int, name: str, default: Any) -> Any:
    return step.arguments[place] if len(step.arguments) > place else step.keywords.get(name, default)


def _row_text(row: tuple[int, int]) -> str:
    return f"layer {row[0]} {'reverse' if row[1] else 'forward'}"


def _sequences(numbers: Sequence[int]) -> str:
    """``sequence 1``, ``sequences 1 and 2``, ``sequences 1, 2, 3 and 9 more``."""
    if len(numbers) == 1:
        return f"sequence {numbers[0]}"
    if len(numbers) > 6:
        return f"sequences {', '.join(map(str, numbers[:5]))} and {len(numbers) - 5} more"
    return f"sequences {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
