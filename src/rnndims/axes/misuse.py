"""What is wrong in an expression of an RNN's results though PyTorch runs it: the shape fits and the numbers are not what is
meant.

The rules look at what the axes are made of, never at sizes alone. A rule is silent where the expression could be meant: with
one sequence, one step, or sizes that are equal by chance, nothing is said that is not certain.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from .call_results import NamedInt, role
from .computation import implicit_dim
from .expressions import UNKNOWN, Followed, Step
from .misuse_kinds import MisuseKind
from .named_tensor import Atom, Axis, NamedTensor, Own, Pool, Position

_STATES: Final = frozenset({"h_n", "c_n"})
_CAT: Final = frozenset({"cat", "concat", "concatenate"})
_RESHAPES: Final = frozenset({"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"})
_SOFTMAX: Final = frozenset({"softmax", "log_softmax", "functional_softmax"})
_MEETINGS: Final = frozenset({"add", "sub", "mul", "div", "maximum", "minimum", "subtract", "multiply", "divide"})
_CLASSIFIES: Final = frozenset({"cross_entropy", "nll_loss"})
_FEATURES: Final = frozenset({"H_out", "H_cell", "H_in"})


@dataclass(frozen=True, slots=True)
class Misuse:
    """One thing that runs and is wrong.

    Attributes:
        kind: one of ``MisuseKind``.
        message: what the numbers are and why that is not what is meant, in whole sentences.
        fix: code that gives what is meant, if that is known.
        advice: what to do, in words; there is a fix or advice.
        certain: whether it is wrong whatever is meant. Otherwise it may be meant, and is worth knowing.
    """

    kind: MisuseKind
    message: str
    fix: str | None = None
    advice: str | None = None
    certain: bool = True


def misuses(
    followed: Followed,
    config: RNNConfig,
    data: DataConfig,
    *,
    layout_known: bool = False,
    padded: tuple[int, ...] | None = None,
) -> list[Misuse]:
    """What in a followed expression is wrong though it runs; empty for correct idioms, and where it is not certain enough.

    Args:
        followed: an expression of the results of one call, from `follow`.
        config: the module of the call.
        data: its input.
        layout_known: whether something beside the input says which of its dims is the batch: a state, lengths.
        padded: the lengths of the sequences, if they are padded and not packed.

    >>> from rnndims.axes.call_results import usual_names
    >>> from rnndims.axes.expressions import follow
    >>> config, data = RNNConfig("gru", 3, 4, num_layers=2, bidirectional=True), DataConfig(batch_size=3)
    >>> [wrong.kind for wrong in misuses(follow("h_n.view(3, -1)", usual_names(config, data)), config, data)]
    ['mixed_axes']
    >>> misuses(follow("h_n.transpose(0, 1).reshape(3, -1)", usual_names(config, data)), config, data)
    []
    """
    return _Judge(followed, config, data, layout_known=layout_known or data.lengths is not None, padded=padded).judge()


class _Judge:
    def __init__(
        self, followed: Followed, config: RNNConfig, data: DataConfig, *, layout_known: bool, padded: tuple[int, ...] | None
    ) -> None:
        self.followed = followed
        self.config = config
        self.data = data
        self.layout_known = layout_known
        self.padded = padded
        self.mixed = False
        self.trail = followed.trail
        self.steps = max(data.lengths) if data.lengths else (data.seq_len or 0)
        self.batch = data.batch_size or 0
        self.uneven = data.lengths is not None and min(data.lengths) < max(data.lengths)

    def judge(self) -> list[Misuse]:
        found: list[Misuse] = []
        rules: tuple[Callable[[], Iterator[Misuse]], ...] = (
            self.reshapes,
            self.used_values,
            self.classes,
            self.joined_states,
            self.over_axes,
            self.meetings,
        )
        for rule in rules:
            found += [misuse for misuse in dict.fromkeys(rule()) if misuse not in found]
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
        """What the dims of a tensor are: ``output is (N, L, D*H_out)``."""
        if source in _STATES:
            width = "H_cell" if source == "c_n" else "H_out"
            dims = f"(D*num_layers, {width})" if self.data.unbatched else f"(D*num_layers, N, {width})"
        else:
            width = "H_in" if source == "input" else "D*H_out"
            lead = "L" if self.data.unbatched else "N, L" if self.config.batch_first else "L, N"
            dims = f"({lead}, {width})"
        return f"{self.spelled(source)} is {dims}"

    def rows_of(self, source: str) -> str:
        """What the rows of a state are."""
        return f"row r of {self.spelled(source)} is layer r // D, direction r % D"

    def other_layout(self, right: str) -> tuple[str, str] | None:
        """Fix and advice where the expression takes dim 1 for time: ``batch_first=True`` is missing.

        ``None`` where the layout is as the module reads it: a state says so, or input is (rows, N, columns) of square images.
        The fix has ``right`` behind the constructor if the same expression is wrong with batch_first too.

        Args:
            right: code for what is meant with the layout as it is.
        """
        square = self.steps == self.config.input_size != self.batch
        if self.config.batch_first or self.layout_known or self.data.unbatched or square:
            return None
        fix = format_constructor(replace(self.config, batch_first=True))
        if self.config.bidirectional and right == self.both():
            fix += f"\n{right}"
        return fix, f"This is for input (N, L, H_in). If input is (L, N, H_in), use {right}."

    # ---- views and reshapes

    def reshapes(self) -> Iterator[Misuse]:
        """Each run of reshapes, judged by what it begins with and what it ends with."""
        begins: dict[int, NamedTensor] = {}
        went_on = {id(step.arguments[0]) for step in self.trail if step.name in _RESHAPES and step.arguments}
        for step in self.trail:
            x, result = step.arguments[0] if step.arguments else None, step.result
            if step.name not in _RESHAPES or not isinstance(x, NamedTensor) or not isinstance(result, NamedTensor):
                continue
            start = begins.get(id(x), x)
            begins[id(result)] = start
            if id(result) not in went_on and len(start.sources) == 1 and start.numel:
                misuse = self.reshape(step, start, result) if start.moved else self.reshape_computed(step, start, result)
                if misuse is not None:
                    self.mixed = True
                    yield misuse

    def reshape(self, step: Step, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        (source,) = x.sources
        rules = (self.mixing, self.misnamed, self.swapped, self.joining, self.pairing, self.splitting, self.unchanged)
        return next((misuse for rule in rules if (misuse := rule(step, source, x, result)) is not None), None)

    def reshape_computed(self, step: Step, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Steps and sequences that a reshape behind a ``Linear`` is meant to exchange."""
        if step.name not in ("view", "reshape") or x.ndim < 2 or result.ndim < 2:
            return None
        lead = [name for dim in (0, 1) for name in ("N", "L") if x.is_axis(dim, name)]
        if sorted(lead) != ["L", "N"] or 1 in x.sizes[:2]:
            return None
        sizes = _new_sizes(step)
        named = [size.name for size in sizes[:2] if isinstance(size, NamedInt) and size.name in lead]
        turned = result.sizes[:2] == (x.sizes[1], x.sizes[0]) and (x.sizes[0] != x.sizes[1] or named == lead[::-1])
        if not turned:
            return None
        message = (
            f"{step.text} mixes the sequences of the batch: it reads ({', '.join(lead)}, ...), and a view does not move dims."
        )
        return Misuse("mixed_axes", message, advice="Use transpose(0, 1) to move dims.")

    def mixing(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Cuts of the new shape that fall across the old axes."""
        before = {factor.of for axis in x.axes for factor in axis}
        pools = [f.of for axis in result.axes for f in axis if isinstance(f.of, Pool) and f.of not in before]
        names = {atom.name for pool in pools for atom in pool.atoms()}
        if source in _STATES and "N" in names and names & {"num_layers", "D"}:
            return self.mixed_rows(step, source, x)
        if source in _STATES and names == {"num_layers", "D"}:
            message = f"{step.text} mixes layers and directions: {self.rows_of(source)}, so num_layers comes before D."
            return Misuse("mixed_axes", message, self.split_rows(source))
        if {"N", "L"} <= names and any(size in (self.batch, self.steps) and size > 1 for size in result.sizes):
            return self.for_transpose(step, source, x, result)
        return None

    def mixed_rows(self, step: Step, source: str, x: NamedTensor) -> Misuse:
        """A state whose batch does not stay an axis."""
        message = f"{step.text} mixes layers, directions and sequences: {self.layout(source)}, and a view does not move dims."
        fix = f"{self.spelled(source)}.transpose(0, 1).reshape({self.batch}, -1)" if _untouched(x) else None
        return Misuse("mixed_axes", message, fix, None if fix else "Transpose the dims before the view.")

    def split_rows(self, source: str) -> str:
        lead = "" if self.data.unbatched else f"{self.batch}, "
        return f"{self.spelled(source)}.view({self.config.num_layers}, {self.config.D}, {lead}-1)"

    def for_transpose(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse:
        """The fix takes the axes where they are: (L, N, ...) transposed is (N, L, ...)."""
        fix = None
        if _untouched(x) and x.ndim == 3:
            first = result.sizes[0]
            if first == x.sizes[1]:
                fix = f"{self.spelled(source)}.transpose(0, 1)" + (f".reshape({first}, -1)" if result.ndim == 2 else "")
            elif first == x.sizes[0] and result.ndim == 2:
                fix = f"{self.spelled(source)}.reshape({first}, -1)"
        message = f"{step.text} mixes the sequences of the batch: {self.layout(source)}, and a view does not move dims."
        return Misuse("mixed_axes", message, fix, None if fix else "Use transpose or permute to move dims.")

    def misnamed(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """``view(N, L, -1)`` where the first axis is L, also with N = L: the names of the sizes say what is meant."""
        if step.name not in ("view", "reshape"):
            return None
        for dim, size in enumerate(_new_sizes(step)):
            if not isinstance(size, NamedInt) or size <= 1 or size.name not in ("N", "L", "num_layers", "D"):
                continue
            atom = next((a for a in _atoms(x) if a.name == size.name and a.source == source), None)
            if atom is None or atom.size != size or result.is_axis(dim, size.name):
                continue
            if source in _STATES and size.name == "N":
                return self.mixed_rows(step, source, x)
            if {size.name, *result.names(dim)} >= {"N", "L"}:
                return self.for_transpose(step, source, x, result)
            held = " and ".join(dict.fromkeys(name for name in result.names(dim) if name != "?"))
            message = f"Dim {dim} of {step.text} is called {size.name} and is {held}: a view does not move dims."
            better = self.split_rows(source) if source in _STATES and size.name in ("num_layers", "D") else None
            return Misuse("mixed_axes", message, better, None if better else "Use transpose or permute to move dims.")
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
            return self.mixed_rows(step, source, x)
        return None

    def joining(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """As many rows as sequences, but a row is not a sequence: it has features of several."""
        if result.ndim < 2 or self.batch < 2 or result.sizes[0] != self.batch or x.sizes[0] == self.batch:
            return None
        if not any(x.is_axis(dim, "N") for dim in range(1, x.ndim)):
            return None
        if not any(_holds(axis, "N") and _FEATURES & _names(axis) for axis in result.axes[1:]):
            return None
        return self.mixed_rows(step, source, x) if source in _STATES else self.for_transpose(step, source, x, result)

    def pairing(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """``h_n.view(..., 2 * H)``: what lies next to a sequence's state is another sequence, not the other direction."""
        if source not in _STATES or not self.config.bidirectional or step.name not in ("view", "reshape") or result.ndim < 2:
            return None
        width = self.config.hidden_size if source == "c_n" else self.config.H_out
        if result.sizes[-1] != 2 * width or not _holds(result.axes[-1], "N") or not _is_rows(x, 0):
            return None
        message = f"{step.text} joins the states of two sequences, not the two directions: {self.layout(source)}."
        if result.ndim == 2:
            return Misuse("mixed_axes", message, self.both(source))
        name, advice = self.spelled(source), "Each layer has two rows: join them on the last dim."
        layers = _untouched(x) and result.sizes[:-1] == (self.config.num_layers, self.batch)
        fix = f"torch.cat([{name}[0::2], {name}[1::2]], dim=-1)" if layers else None
        return Misuse("mixed_axes", message, fix, advice)

    def splitting(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """Directions of ``output`` that become rows, or are split the wrong way round."""
        if source != "output" or not self.config.bidirectional or step.name not in ("view", "reshape"):
            return None
        if not _holds(x.axes[-1], "D"):
            return None
        width, last, name = self.config.H_out, result.ndim - 1, self.spelled(source)
        if result.ndim == x.ndim + 1 and width != 2 and result.sizes[-2:] == (width, 2) and result.sizes[:-2] == x.sizes[:-1]:
            halves = f"{name}.{step.name}({', '.join(map(str, x.sizes[:-1]))}, 2, {width})"
            message = f"{step.text} does not split the directions: the {width} features of the forward direction come first."
            advice = f"Split the last dim as (2, {width})."
            return Misuse("split_directions", message, halves if _untouched(x) else None, advice)
        if result.ndim < 2 or not result.is_axis(last, "H_out") or width == 1:
            return None
        names = _names(result.axes[last - 1])
        if "D" in names and names & {"N", "L"}:
            message = f"{step.text} makes two rows of each step, one for each direction."
            fix = f"{name}.reshape(-1, {2 * width})" if _untouched(x) else None
            return Misuse("split_directions", message, fix, f"Keep both in one row: a step has {2 * width} features.")
        return None

    def unchanged(self, step: Step, source: str, x: NamedTensor, result: NamedTensor) -> Misuse | None:
        """``x.view(L, N, H)`` of an input that has this shape already: it had another layout before, or the view is idle."""
        if source != "input" or self.config.batch_first or not _untouched(x) or x.ndim != 3 or 1 in x.sizes[:2]:
            return None
        if step.name not in ("view", "reshape") or result.sizes != x.sizes or -1 in step.arguments:
            return None
        name = self.spelled(source)
        message = (
            f"{step.text} is right if {name} was (L, N, H_in) before. If {name} was (N, L, H_in), it mixes the sequences: "
        )
        message += f"use {name}.transpose(0, 1)."
        return Misuse("mixed_axes", message, f"{name}.transpose(0, 1)", certain=False)

    # ---- values that are used: the result, and what a Linear reads

    def used_values(self) -> Iterator[Misuse]:
        """What is selected from the results, where it ends up: the value, and what a Linear or an unknown function reads."""
        uses: list[tuple[str, NamedTensor]] = []
        for step in self.trail:
            first = step.arguments[0] if step.arguments else None
            if step.name in ("linear", "call") and isinstance(first, NamedTensor):
                uses.append((self.selection(first, step.text), first))
                if step.name == "linear":
                    yield from self.features(step, first)
            if step.name == "index" and isinstance(first, NamedTensor) and self.data.lengths and first.sources == {"output"}:
                yield from self.steps_past_the_end(step, first)
            if step.name in _CAT and isinstance(first, (tuple, list)):
                parts = [part for part in first if isinstance(part, NamedTensor)]
                alone = [part for part in parts if part.sources == {"output"}]
                if len(alone) == 1 and len(parts) > 1 and not any("output" in p.sources for p in parts if p is not alone[0]):
                    uses.append((step.text, alone[0]))
                elif len(alone) == len(parts) and not any(_walks(part, "D") for part in parts):
                    uses += ((self.selection(part, step.text), part) for part in parts)
        value = self.followed.value
        if isinstance(value, (tuple, list)) and len(value) == 1:
            value = value[0]
        if isinstance(value, NamedTensor):
            uses.append((self.selection(value, self.followed.text), value))
        for text, used in uses:
            if used.moved and len(used.sources) == 1 and used.numel:
                (source,) = used.sources
                if source == "output":
                    yield from self.output_selection(text, used)
                elif source in _STATES:
                    yield from self.state_selection(text, used, source)

    def selection(self, x: NamedTensor, text: str) -> str:
        """The code that chose the elements of ``x``: ``out[:, -1]`` of ``F.relu(out[:, -1])``, so that a fix keeps the rest.

        ``text`` is that of an expression where no operation made ``x``.
        """
        step = next((step for step in self.trail if step.result is x), None)
        if step is None:
            return text
        before = step.arguments[0] if step.arguments else None
        if isinstance(before, NamedTensor) and before is not x and (before.axes, before.fixed) == (x.axes, x.fixed):
            return self.selection(before, step.text)
        return step.text

    def features(self, step: Step, x: NamedTensor) -> Iterator[Misuse]:
        """A Linear whose features hold the batch."""
        if (
            not self.mixed
            and x.moved
            and x.ndim
            and _holds(x.axes[-1], "N")
            and not x.is_axis(x.ndim - 1, "N")
            and self.batch > 1
        ):
            message = f"{step.text} reads the features of all {self.batch} sequences of the batch as one row."
            yield Misuse("mixed_axes", message, advice="Move the batch to the front with transpose before you flatten.")

    def classes(self) -> Iterator[Misuse]:
        """A cross-entropy whose dim of classes holds steps or sequences too."""
        for step in self.trail:
            x = step.arguments[0] if step.name in _CLASSIFIES else None
            if not isinstance(x, NamedTensor) or not x.ndim:
                continue
            axis = x.axes[1 if x.ndim > 1 else 0]
            mixed = {atom.name for factor in axis if isinstance(factor.of, Pool) for atom in factor.of.atoms()}
            if "features" in mixed and mixed & {"N", "L"}:
                other = " and ".join("sequences" if name == "N" else "steps" for name in sorted(mixed & {"N", "L"}))
                made = next((each.text for each in reversed(self.trail) if each.name in _RESHAPES), step.text)
                message = f"{made} mixes classes and {other}: a view does not move dims."
                yield Misuse("mixed_axes", message, advice="Move the classes with transpose or permute.")

    def output_selection(self, text: str, x: NamedTensor) -> Iterator[Misuse]:
        """A step of ``output``, or a sequence where a step is meant."""
        at = {key.name: position for key, position in x.fixed.items() if isinstance(key, Atom) and not x.holds(key)}
        step, whole = at.get("L"), {name for name in ("N", "L", "D", "H_out") if _walks(x, name)}
        if "L" not in whole and self.steps > 1 and "H_out" in whole:
            yield from self.selected_step(text, step, at, whole)
        name = self.spelled("output")
        written = [item for step in self.trail for item in _selected(step, "output", "N", self.config)]
        if "L" in whole and self.batch > 1 and -1 in written and at.get("N") == self.batch - 1:
            message = f"{text} is one sequence of the batch, not one step: {self.layout('output')}."
            if self.config.bidirectional or self.uneven:
                right, meaning = self.last_state(), "This is the last state of every sequence."
            else:
                right = f"{name}[:, -1]" if self.config.batch_first else f"{name}[-1]"
                meaning = "This is the last step of every sequence."
            yield Misuse("sequence_instead_of_step", message, *(self.other_layout(right) or (right, meaning)))
        written = [item for step in self.trail for item in _selected(step, "output", "H_out", self.config)]
        if self.data.unbatched and "L" in whole and -1 in written and "H_out" not in whole and self.config.H_out > 1:
            message = f"{text} is the last feature of every step: without a batch {self.layout('output')}."
            fix = self.last_state() if self.config.bidirectional else f"{name}[-1]"
            yield Misuse("feature_instead_of_step", message, fix, "This is the last step.")

    def selected_step(self, text: str, step: Position, at: dict[str, Position], whole: set[str]) -> Iterator[Misuse]:
        lengths = self.data.lengths
        if lengths and step == self.steps - 1:
            chosen = range(self.batch) if "N" in whole else [n for n in (at.get("N"),) if isinstance(n, int)]
            short = [n for n in chosen if lengths[n] < self.steps]
            if short and not (at.get("D") == 1 and "D" not in whole):
                message = f"{text} is step {self.steps - 1}, which is padding for {_sequences(short)}."
                yield Misuse("padding_as_last_step", message, self.last_state(), "h_n has the last step of each sequence.")
        if self.padded and step == self.steps - 1 and "N" in whole and not self.config.bidirectional:
            short = [n for n, length in enumerate(self.padded) if length < self.steps]
            message = f"{text} is step {step}, which is padding for {_sequences(short)}: the batch is not packed."
            advice = "Pack the batch with pack_padded_sequence; h_n then has the last step of each sequence."
            yield Misuse("padding_as_last_step", message, advice=advice)
        both = "D" in whole
        if not self.config.bidirectional:
            return
        if step in (self.steps - 1, Own.LAST) and (both or at.get("D") == 1):
            if step is Own.LAST and lengths and max(lengths) == 1:
                return
            half = "in its reverse half" if both else "of the reverse direction"
            message = f"{text} has the result of one step only {half}: the reverse direction starts at the last step."
            yield Misuse("reverse_half_of_last_step", message, self.both())
        elif step == 0 and at.get("D") == 0 and not both:
            message = f"{text} has the result of one step only: the forward direction starts at the first step."
            yield Misuse("forward_half_of_first_step", message, self.both())

    def steps_past_the_end(self, step: Step, x: NamedTensor) -> Iterator[Misuse]:
        """``out[torch.arange(N), lengths]``: a step of each sequence by number, behind the end of some."""
        known = dict(_indexed(step.arguments[1] if isinstance(step.arguments[1], tuple) else (step.arguments[1],), x.ndim))
        batch, time = (next((d for d in range(x.ndim) if x.is_axis(d, name)), None) for name in ("N", "L"))
        chosen = [known.get(dim) if dim is not None else None for dim in (batch, time)]
        if not all(isinstance(index, NamedTensor) and index.content is not None and index.ndim == 1 for index in chosen):
            return
        pairs = zip(*(index.content or () for index in chosen if index is not None), strict=False)
        lengths = self.data.lengths or ()
        past = sorted({n for n, at in pairs if at % self.steps >= lengths[n]})
        if past:
            message = f"{step.text} reads padding of {_sequences(past)}: the last step of sequence n is lengths[n] - 1."
            yield Misuse("padding_as_last_step", message, self.last_state(), "h_n has the last step of each sequence.")

    def state_selection(self, text: str, x: NamedTensor, source: str) -> Iterator[Misuse]:
        """A row of a state, or a sequence where a row is meant."""
        names = [self.spelled(state) for state in ("h_n", "c_n")]
        if source == "c_n" and [role(name) for name in names] == ["c_n", "hidden"]:
            message = f"{text} is of c_n, the cell state: an LSTM returns (h_n, c_n), and {names[0]} is h_n."
            yield Misuse("states_swapped", message, advice=f"Write ({names[1]}, {names[0]}) where the results are unpacked.")
        layers, directions = self.config.num_layers, self.config.D
        rows = [item for step in self.trail for item in _selected(step, source, "rows", self.config)]
        at = {key.name: position for key, position in x.fixed.items() if isinstance(key, Atom) and not x.holds(key)}
        one_row = not _walks(x, "num_layers") and not _walks(x, "D")
        if len(rows) == 1 and one_row and layers * directions > 1:
            layer, direction = divmod(rows[0] % (layers * directions), directions)
            last = f"The last layer: {self.last_state(source)}."
            if directions == 2:
                which = "reverse" if direction else "forward"
                message = f"{text} is the {which} direction of layer {layer} alone. Both directions of the last layer: "
                message += f"{self.last_state(source)}."
                kind: MisuseKind = "one_direction" if layer == layers - 1 else "other_layer"
                if kind == "other_layer" or rows[0] != -2:
                    yield Misuse(kind, message, self.last_state(source), certain=False)
            elif layer != layers - 1:
                message = f"{text} is layer {layer} of {layers}, counted from 0. {last}"
                yield Misuse("other_layer", message, self.last_state(source), certain=False)
        sequences = [item for step in self.trail for item in _selected(step, source, "N", self.config)]
        if -1 in sequences and not rows and at.get("N") == self.batch - 1 and self.batch > 1:
            message = f"{text} is one sequence of the batch, not one layer: {self.layout(source)}, whatever batch_first says."
            yield Misuse("sequence_instead_of_step", message, self.last_state(source), "This is the last layer.")

    # ---- cat and stack of states

    def joined_states(self) -> Iterator[Misuse]:
        """Rows of h_n or c_n put together."""
        for step in self.trail:
            if step.name not in _CAT and step.name != "stack":
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
        name, both = self.spelled(source), self.config.bidirectional
        layers, directions = {layer for layer, _ in rows}, {direction for _, direction in rows}
        if both and len(set(rows)) < len(rows) and all(part.fixed == parts[0].fixed for part in parts):
            yield Misuse("same_row_twice", f"{step.text} joins the same row of {name} with itself.", self.both(source))
        elif both and len(rows) == 2 and len(layers) == 1 and layers != {self.config.num_layers - 1}:
            message = f"{step.text} is layer {min(layers)} of {self.config.num_layers}, counted from 0. "
            message += f"Both directions of the last layer: {self.both(source)}."
            yield Misuse("other_layer", message, self.both(source), certain=False)
        elif both and len(rows) == 2 and len(layers) == 2 and len(directions) == 2:
            message = f"{step.text} joins {_row_text(rows[0])} and {_row_text(rows[1])}: {self.rows_of(source)}."
            yield Misuse("rows_of_two_layers", message, self.both(source))
        elif not both and len(rows) == 2 and len(layers) == 2 and step.name != "stack":
            message = f"{step.text} joins layers {rows[0][0]} and {rows[1][0]}: the module has one direction. "
            yield Misuse("layers_for_directions", f"{message}The last layer: {name}[-1].", f"{name}[-1]", certain=False)
        elif both and step.name != "stack" and len(rows) == 2 and not self.data.unbatched:
            dim = step.keywords.get("axis", _argument(step, 1, "dim", 0))
            if isinstance(dim, int) and parts[0].ndim == 2 and parts[0].is_axis(dim % 2, "N") and self.batch > 0:
                message = f"{step.text} puts the two directions one after the other in the batch: {2 * self.batch} rows for "
                message += f"{self.batch} sequences."
                yield Misuse("directions_in_batch", message, self.both(source))

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
        """Softmax, means and maxima over the batch or over padding; what comes later may put either right."""
        final = self.followed.value
        if final is UNKNOWN and self.trail and self.trail[-1].name in ("call", "linear"):
            final = self.trail[-1].arguments[0]
        if not isinstance(final, NamedTensor):
            return
        padded = self.uneven and not final.masked
        changed = any(step.name in ("relu", "exp", "square", "abs", "sigmoid") for step in self.trail)
        for step in self.trail:
            x = step.arguments[0] if step.arguments else step.keywords.get("x")
            if not isinstance(x, NamedTensor) or not x.sources - {"lengths"} or x.masked or x.kind != "float":
                continue
            dim = self.single_dim(step, x)
            if dim is None or x.sizes[dim] < 2:
                continue
            batches = sum(_holds(axis, "N") for axis in x.axes)
            if x.is_axis(dim, "N") and batches == 1 and x.ndim > 1:
                yield from self.over_batch(step, x, dim, final)
            elif x.is_axis(dim, "L") and x.sizes[dim] == self.steps and "output" in x.sources and padded:
                yield from self.over_padding(step, x, changed=changed)

    def single_dim(self, step: Step, x: NamedTensor) -> int | None:
        """The one axis that a softmax or a reduction runs over; ``None`` if it is another operation, or over several axes."""
        if step.name not in _SOFTMAX | {"mean", "sum", "max", "amax"}:
            return None
        dim = step.keywords.get("axis", _argument(step, 1, "dim", None))
        if dim is None and step.name in _SOFTMAX:
            dim = implicit_dim(x.ndim)
        if isinstance(dim, (tuple, list)) and len(dim) == 1:
            dim = dim[0]
        return dim % x.ndim if isinstance(dim, int) and x.ndim and -x.ndim <= dim < x.ndim else None

    def over_batch(self, step: Step, x: NamedTensor, dim: int, final: NamedTensor) -> Iterator[Misuse]:
        source = next(iter(x.sources)) if len(x.sources) == 1 else ""
        where = f": {self.layout(source)}" if source and _untouched(x) else ""
        if step.name in _SOFTMAX:
            if any(not x.is_axis(other, "N") and x.sizes[other] > 1 for other in range(x.ndim)):
                message = f"{step.text} makes the numbers of {self.batch} sequences add up to 1{where}."
                yield Misuse("softmax_over_batch", message, advice="Name the dim of the steps or of the classes.")
        elif x.moved and (step.name == "mean" or _walks(x, "L")) and not _walks(final, "N"):
            message = f"{step.text} runs over the {self.batch} sequences of the batch{where}."
            time = next((other for other in range(x.ndim) if x.is_axis(other, "L")), None)
            if time is None or not source or not _untouched(x):
                yield Misuse("pooled_over_batch", message, advice="Name the dim of the steps.")
                return
            right = f"{self.spelled(source)}.{step.name}(dim={time})"
            if self.uneven and source == "output" and step.name != "sum":
                right = self.mean_of_lengths()
            fix = self.other_layout(right) if source == "output" and dim == 1 else None
            meaning = "This is the mean over the steps of each sequence." if self.uneven else "This runs over the steps."
            yield Misuse("pooled_over_batch", message, *(fix or (right, meaning)))

    def over_padding(self, step: Step, x: NamedTensor, *, changed: bool) -> Iterator[Misuse]:
        short = _sequences([n for n, length in enumerate(self.data.lengths or ()) if length < self.steps])
        if step.name in _SOFTMAX:
            message = f"{step.text} gives weight to the padding of {short}."
            yield Misuse("softmax_over_padding", message, advice="Fill the padding with -inf before the softmax.")
        elif step.name == "mean":
            message = f"{step.text} divides by {self.steps} steps, and there are fewer in {short}."
            fix = self.mean_of_lengths() if _untouched(x) and x.sources == {"output"} else None
            yield Misuse("pooled_over_padding", message, fix, None if fix else "Divide the sum by the lengths.")
        elif step.name in ("max", "amax") and x.moved and not changed:
            message = f"{step.text} reads the zeros of the padding too, in {short}."
            yield Misuse("pooled_over_padding", message, advice="Fill the padding with -inf before the maximum.")

    def mean_of_lengths(self) -> str:
        """Code for the mean over the steps that each sequence has."""
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
                    message = (
                        f"{step.text} lets {one} meet {other}: both are {size}, so it runs, and the numbers do not belong "
                    )
                    yield Misuse("axes_meet", f"{message}together.", advice="Bring the dims into one order before.")
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


def _new_sizes(step: Step) -> Sequence[Any]:
    """The sizes of a view or reshape, given one by one or as one tuple."""
    sizes: Sequence[Any] = step.arguments[1:]
    return sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes


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
