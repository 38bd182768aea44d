"""What reads the results of a module: the loss with its target, a decoder that begins with its states, dot attention."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..config import RNNConfig
from ..constructor import format_constructor
from ..errors import ConfigError, Template
from ..phrases import plural, shape_text
from ..shapes import Shape
from . import torch_phrases
from .call import Call, result_shapes
from .kinds_of_call import BOTH_DIRECTIONS, call_code, takes_pair
from .problem import TUPLE_EXPECTED, Cause, Caution, Problem

if TYPE_CHECKING:
    from .uses import Use

UNKNOWN_SIZE = -1
"""Stands for the ``out_features`` of a Linear of which only ``in_features`` is stated."""


def neighbour_problems(
    config: RNNConfig, call: Call, uses: Sequence["Use"] = ()
) -> tuple[list[Problem], list[Caution], list[str]]:
    """Problems, warnings and notes of the loss, the decoder and the attention that are stated."""
    problems: list[Problem] = []
    cautions: list[Caution] = []
    notes: list[str] = []
    shapes = result_shapes(config, call)
    if call.loss is not None and call.target is not None and shapes:
        name, scores = scores_of(config, call, uses, shapes)
        if call.loss == "mse":
            problems += _mse_problems(name, scores, call.target)
            cautions += _mse_cautions(name, scores, call.target)
        elif call.loss == "ce":
            found = _ce_problems(config, call, name, scores, call.target)
            problems += found
            cautions += [] if found or call.uses or config.is_cell else _ce_cautions(name, scores, call.target)
        else:
            found = _ctc_problems(config, call, name, scores, call.target)
            problems += found
            cautions += [] if found else _ctc_cautions(config, call, name, scores)
    if call.decoder is not None:
        problems += _decoder_problems(config, call.decoder, shapes)
    if call.attention:
        found, said = _attention(config, call.decoder, shapes)
        problems += found
        notes += said
    return problems, cautions, notes


def refuse_neighbours(config: RNNConfig, call: Call) -> None:
    """Refuse what makes no sense together: a loss without its target, attention to a cell.

    Raises:
        ConfigError: where that is stated.
    """
    rule = "a loss and its target belong together"
    if call.loss is None and call.target is not None:
        raise ConfigError("target", ",".join(map(str, call.target)), rule, fix=Template("Add {loss}: ce, mse or ctc."))
    if call.target is None and call.loss is not None:
        raise ConfigError("loss", call.loss, rule, fix=Template("Add {target}, a shape."))
    if call.attention and config.is_cell:
        rule = "a cell returns one step: there is nothing to attend to"
        raise ConfigError("attention", True, rule, fix=Template("Remove {attention}."))


def scores_of(config: RNNConfig, call: Call, uses: Sequence["Use"], shapes: dict[str, Shape]) -> tuple[str, Shape]:
    """What the loss gets, as code and as a shape: the last use of a result, or output, and the Linear after it."""
    name, shape = ("h_1", shapes["h_1"]) if config.is_cell else ("output", shapes["output"])
    for use in uses:
        if use.shape is not None:
            name, shape = use.text, use.shape
    if call.linear is not None:
        name, shape = f"linear({name})", (*shape[:-1], UNKNOWN_SIZE if call.linear_out is None else call.linear_out)
    return name, shape


def _text(shape: Sequence[int]) -> str:
    return shape_text([size if size != UNKNOWN_SIZE else "out_features" for size in shape])  # type: ignore[misc]


def _problem(
    tensor: str,
    message: str,
    cause: Cause = "other",
    *,
    expected: Shape | None = None,
    got: Shape | None = None,
    torch: str | None = None,
    fix: str | None = None,
    advice: str | None = None,
) -> Problem:
    known = None if expected is not None and UNKNOWN_SIZE in expected else expected
    return Problem(tensor=tensor, cause=cause, message=message, expected=known, got=got, torch=torch, fix=fix, advice=advice)


def sequential_problem(after: str, repaired: str | None) -> Problem:
    """An ``nn.Sequential`` whose layer ``after`` gets all that the RNN before it returns; ``repaired`` is code that works."""
    named = f"nn.{after}" if after.isidentifier() else after
    words = "linear(): argument 'input' (position 1) must be Tensor, not tuple" if after == "Linear" else None
    message = f"nn.Sequential passes all that the RNN returns, a tuple (output, states), to {named}, which needs a tensor."
    return Problem(tensor="output", cause=TUPLE_EXPECTED, message=message, torch=words, fix=repaired)


def embedding_problem(config: RNNConfig, embedding_dim: int) -> Problem:
    """An ``nn.Embedding`` before the RNN whose vectors are not as long as its ``input_size``."""
    message = f"nn.Embedding makes vectors of {embedding_dim} features, and the RNN has input_size {config.input_size}."
    return Problem(
        tensor="input",
        cause="input_feature_mismatch",
        message=message,
        torch=(torch_phrases.cell_input_size if config.is_cell else torch_phrases.input_size)(config.input_size, embedding_dim),
        fix=format_constructor(replace(config, input_size=embedding_dim)),
        advice=f"Or give nn.Embedding embedding_dim={config.input_size}.",
    )


# --- losses ----------------------------------------------------------------------------------------------------------


def _mse_problems(name: str, scores: Shape, target: Shape) -> list[Problem]:
    """MSELoss broadcasts its input and its target."""
    for back, (a, b) in enumerate(zip(reversed(scores), reversed(target), strict=False), 1):
        if a != b and 1 not in (a, b) and UNKNOWN_SIZE not in (a, b):
            dim = max(len(scores), len(target)) - back
            message = f"{name} is {_text(scores)}, and the target is {_text(target)}: MSELoss compares them number by number."
            words = f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {dim}"
            swapped = len(scores) == len(target) == 3 and (scores[1], scores[0]) == target[:2] and scores[2:] == target[2:]
            fix = "target = target.transpose(0, 1)" if swapped else None
            advice = None if fix else "Give the loss two tensors of the same shape."
            return [
                _problem("target", message, expected=scores, got=target, torch=words, fix=fix, advice=advice),
            ]
    return []


def _mse_cautions(name: str, scores: Shape, target: Shape) -> list[Caution]:
    if UNKNOWN_SIZE in scores or scores == target or _mse_problems(name, scores, target):
        return []
    message = (
        f"{name} is {_text(scores)}, and the target is {_text(target)}: MSELoss repeats the smaller one, and the loss compares "
        'what does not belong together. PyTorch warns: "Using a target size that is different to the input size".'
    )
    same = [size for size in scores if size != 1] == [size for size in target if size != 1]
    fix = f"target = target.reshape({', '.join(map(str, scores))})" if same else None
    advice = None if fix else f"Give the target the shape {_text(scores)}."
    return [Caution(kind="broadcast_target", message=message, fix=fix, advice=advice)]


def _ce_problems(config: RNNConfig, call: Call, name: str, scores: Shape, target: Shape) -> list[Problem]:
    """CrossEntropyLoss: classes in dim 1 (dim 0 of a 1-D input); targets are classes, or probabilities of the input's shape."""
    expected = scores[:1] + scores[2:] if len(scores) > 1 else ()
    if target in (expected, scores) or (len(scores) == 1 and target == (1,)):
        return []
    if any(_may_be(shape, target) for shape in (expected, scores)) and target != scores[:-1]:
        return []  # out_features may be what the target has
    count = len(scores)
    words = None
    if count == 2:
        if target and target[0] != scores[0]:
            words = f"Expected input batch_size ({scores[0]}) to match target batch_size ({target[0]})."
        elif len(target) > 1:
            words = "0D or 1D target tensor expected, multi-target not supported"
    elif count == 3 and UNKNOWN_SIZE not in expected and target and target[0] == scores[0]:
        words = f"Expected target size [{', '.join(map(str, expected))}], got [{', '.join(map(str, target))}]"
    head = f"{name} is {_text(scores)}"
    turned = (target[1], target[0]) if len(target) == 2 else ()
    if count == 3 and target == scores[:2]:
        message = f"{head}, and CrossEntropyLoss takes dim 1 for the classes; here they are in the last dim."
        fix = f"loss = criterion({name}.transpose(1, 2), target)"
        return [_problem("target", message, expected=expected, got=target, torch=words, fix=fix)]
    if count == 3 and turned == scores[:2]:
        message = f"{head}, and the target {_text(target)} has the leading dims in the other order."
        message += " CrossEntropyLoss takes dim 1 for the classes; here they are in the last dim."
        fix = f"loss = criterion({name}.permute(1, 2, 0), target)"
        return [_problem("target", message, "batch_first_mismatch", expected=expected, got=target, torch=words, fix=fix)]
    if count == 3 and not call.uses and not config.is_cell and target == (scores[0 if config.batch_first else 1],):
        message = f"{head}: scores of every step. The target {_text(target)} has one label for each sequence."
        last = BOTH_DIRECTIONS if config.bidirectional else "h_n[-1]"
        fix = f"loss = criterion({name.replace('output', last, 1)}, target)"
        advice = "This uses the last step of each sequence."
        return [_problem("target", message, expected=expected, got=target, torch=words, fix=fix, advice=advice)]
    if target == (*expected, 1):
        message = f"{head}, and the target {_text(target)} has a dim too many."
        return [_problem("target", message, expected=expected, got=target, torch=words, fix="target = target.squeeze(-1)")]
    message = (
        f"{head}, so CrossEntropyLoss needs a target {_text(expected)} with the number of a class, or {_text(scores)} with "
    )
    message += f"probabilities. It is {_text(target)}."
    advice = f"Use steps and labels that belong together: a target {_text(expected)}."
    return [_problem("target", message, expected=expected, got=target, torch=words, advice=advice)]


def _may_be(shape: Shape, target: Shape) -> bool:
    """Whether they are the same, but for sizes that are unknown."""
    return len(shape) == len(target) and all(a in (b, UNKNOWN_SIZE) for a, b in zip(shape, target, strict=True))


def _ce_cautions(name: str, scores: Shape, target: Shape) -> list[Caution]:
    """An output (.., .., C) of every step as it is: CrossEntropyLoss reads dim 1, which is no class."""
    if len(scores) != 3 or not _may_be(scores[:1] + scores[2:], target):
        return []
    what = f"{name} is {_text(scores)}, with the classes in the last dim"
    message = f"{what}, and CrossEntropyLoss reads dim 1: it compares {scores[1]} classes."
    fix = f"loss = criterion({name}.transpose(1, 2), target)" if target == scores[:2] else None
    advice = None if fix else f"Give it {name}.transpose(1, 2), and a target {_text(scores[:2])}."
    return [Caution(kind="steps_read_as_classes", message=message, fix=fix, advice=advice)]


def _ctc_problems(config: RNNConfig, call: Call, name: str, scores: Shape, target: Shape) -> list[Problem]:
    """CTCLoss: log_probs (T, N, C) with targets (N, S), or all targets in one row; (T, C) with targets (S)."""
    if len(scores) not in (2, 3):
        message = f"{name} is {_text(scores)}, and CTCLoss needs log_probs (T, N, C)."
        return [_problem("output", message, got=scores, advice="Use output: CTCLoss reads every step.")]
    lengths = call.lengths or ()
    if len(scores) == 2:
        if len(target) == 1:
            return []
        message = f"{name} is {_text(scores)}, one sequence, so the target is (S). It is {_text(target)}."
        return [
            _problem(
                "target", message, "unbatched_2d_vs_3d", got=target, advice="Add a batch dim to input, or remove this one."
            )
        ]
    steps, batch, _ = scores
    problems = []
    if _is_turned(config, call) and len(target) == 2 and target[0] != batch:
        message, fix = _turned(name, scores)
        words = f"Expected tensor to have size {batch} at dimension 0, but got size {target[0]}"
        problems.append(_problem("output", message, "batch_first_mismatch", got=scores, torch=words, fix=fix))
    elif len(target) not in (1, 2):
        message = f"CTCLoss needs targets (N, S), or all of them in one row. The target is {_text(target)}."
        problems.append(_problem("target", message, got=target, advice=f"Give it the shape ({batch}, S)."))
    elif len(target) == 2 and target[0] != batch:
        words = f"Expected tensor to have size {batch} at dimension 0, but got size {target[0]}"
        message = (
            f"{name} is {_text(scores)}, so the batch is {batch}; the target {_text(target)} has {plural(target[0], 'row')}."
        )
        problems.append(
            _problem("target", message, expected=(batch, *target[1:]), got=target, torch=words, advice="One row each.")
        )
    if lengths and not problems and not _is_turned(config, call) and (len(lengths) != batch or max(lengths) > steps):
        message = f"CTCLoss needs {batch} input_lengths of at most {steps}."
        advice = "Pass the lengths that pad_packed_sequence returns."
        problems.append(_problem("lengths", message, "packed_lengths", got=lengths[:20], advice=advice))
    return problems


def _ctc_cautions(config: RNNConfig, call: Call, name: str, scores: Shape) -> list[Caution]:
    """An output (N, T, C) that CTCLoss reads as (T, N, C), where PyTorch has nothing against the sizes."""
    if len(scores) != 3 or not _is_turned(config, call):
        return []
    message, fix = _turned(name, scores)
    return [Caution(kind="batch_read_as_time", message=message, fix=fix)]


def _is_turned(config: RNNConfig, call: Call) -> bool:
    """Whether the output goes into the loss batch first."""
    return config.batch_first and not call.uses and not config.is_cell


def _turned(name: str, scores: Shape) -> tuple[str, str]:
    message = f"{name} is {_text(scores)}, (N, T, C): CTCLoss reads (T, N, C), so it takes {scores[1]} steps for the batch."
    return message, f"log_probs = {name}.transpose(0, 1).log_softmax(-1)"


# --- a decoder -------------------------------------------------------------------------------------------------------


def _decoder_problems(encoder: RNNConfig, decoder: RNNConfig, shapes: dict[str, Shape]) -> list[Problem]:
    """The states that the encoder returns, as the initial states of the decoder: kind, rows, width."""
    facts: list[str] = []
    causes: list[Cause] = []
    pair = "(h_1, c_1)" if encoder.is_cell else "(h_n, c_n)"
    if takes_pair(encoder) and not takes_pair(decoder):
        facts.append(f"nn.{encoder.class_name} returns the tuple {pair}, and nn.{decoder.class_name} takes one tensor")
        causes.append(TUPLE_EXPECTED)
    if takes_pair(decoder) and not takes_pair(encoder):
        facts.append(
            f"nn.{encoder.class_name} returns {pair[1:4]} alone, and nn.{decoder.class_name} takes the tuple (h_0, c_0)"
        )
        causes.append(TUPLE_EXPECTED)
    rows = [1 if config.is_cell else config.D * config.num_layers for config in (encoder, decoder)]
    if rows[0] != rows[1]:
        facts.append(f"the encoder returns {_rows(encoder)}, and the decoder needs {_rows(decoder)}")
        causes.append("hidden_layers_or_directions")
    elif encoder.D != decoder.D and not encoder.is_cell and not decoder.is_cell:
        facts.append(f"the encoder's rows are {_rows(encoder)}, and the decoder takes them for {_rows(decoder)}")
        causes.append("hidden_layers_or_directions")
    elif encoder.is_cell != decoder.is_cell:
        dims = ["(N, H)" if config.is_cell else "(1, N, H)" for config in (encoder, decoder)]
        facts.append(f"the encoder returns a state {dims[0]}, and the decoder needs {dims[1]}")
        causes.append("input_ndim")
    if encoder.H_out != decoder.H_out:
        facts.append(f"its states have {encoder.H_out} features, and the decoder needs {decoder.H_out}")
        causes.append("hidden_size_vs_proj")
    elif takes_pair(encoder) and takes_pair(decoder) and encoder.hidden_size != decoder.hidden_size:
        facts.append(f"its c_n has {encoder.hidden_size} features, and the decoder needs {decoder.hidden_size}")
        causes.append("hidden_size_vs_proj")
    if not facts:
        return []
    state = shapes.get("h_1" if encoder.is_cell else "h_n")
    batch = None if state is None or len(state) == (1 if encoder.is_cell else 2) else state[-2]
    middle = () if batch is None else (batch,)
    expected = (*(() if decoder.is_cell else (rows[1],)), *middle, decoder.H_out)
    words = None
    if batch is not None and state is not None and TUPLE_EXPECTED not in causes and not encoder.is_cell and not decoder.is_cell:
        words = torch_phrases.state_size(decoder, 0, expected, state) if state != expected else None
    message, fix = "; ".join(facts), _hand_over(encoder, decoder)
    return [
        Problem(
            tensor="h_0",
            cause=causes[0],
            message=f"{message[0].upper()}{message[1:]}." if not message.startswith("nn.") else f"{message}.",
            expected=None if state in (None, expected) else expected,
            got=None if state == expected else state,
            torch=words,
            fix=fix,
            advice="nn.Linear is a layer to train: build it in __init__." if "nn.Linear" in fix else None,
        )
    ]


def _rows(config: RNNConfig) -> str:
    if config.is_cell:
        return "the state of one cell"
    layers, directions = plural(config.num_layers, "layer"), plural(config.D, "direction")
    return f"{plural(config.D * config.num_layers, 'row')} ({layers}, {directions})"


def _hand_over(encoder: RNNConfig, decoder: RNNConfig) -> str:
    """Code that makes the decoder's initial states of the encoder's."""
    lines = [f"h_0 = {_state(encoder, decoder, 'h', encoder.H_out, decoder.H_out)}"]
    if takes_pair(decoder):
        if takes_pair(encoder):
            lines.append(f"c_0 = {_state(encoder, decoder, 'c', encoder.hidden_size, decoder.hidden_size)}")
        elif decoder.proj_size:
            lines.append(f"c_0 = h_0.new_zeros(*h_0.shape[:-1], {decoder.hidden_size})")
        else:
            lines.append("c_0 = torch.zeros_like(h_0)")
    return "\n".join([*lines, call_code(decoder)])


def _state(encoder: RNNConfig, decoder: RNNConfig, letter: str, width: int, want: int) -> str:
    if encoder.is_cell and decoder.is_cell:
        return f"{letter}_1" if width == want else f"nn.Linear({width}, {want})({letter}_1)"
    code = f"{letter}_1.unsqueeze(0)" if encoder.is_cell else f"{letter}_n"
    rows = 1 if encoder.is_cell else encoder.D * encoder.num_layers
    needed = 1 if decoder.is_cell else decoder.D * decoder.num_layers
    if encoder.D == 2 and not encoder.is_cell and (decoder.is_cell or decoder.D == 1):
        rows //= 2
        if 2 * width == want:
            code, width = f"torch.cat([{code}[0::2], {code}[1::2]], dim=-1)", want
        else:
            code = f"({code}[0::2] + {code}[1::2])"
    elif decoder.D == 2 and not decoder.is_cell and (encoder.is_cell or encoder.D == 1):
        code = f"{code}.repeat_interleave(2, dim=0)"
        rows *= 2
    if rows > needed:
        code = f"{code}[-{needed}:]"
    elif rows < needed:
        last = f"{code}[-{decoder.D}:]"
        code = f"torch.cat([{code}, {', '.join([last] * ((needed - rows) // decoder.D))}])"
    if decoder.is_cell:
        code = f"{code}[0]"
    return code if width == want else f"nn.Linear({width}, {want})({code})"


# --- attention -------------------------------------------------------------------------------------------------------


def _attention(encoder: RNNConfig, decoder: RNNConfig | None, shapes: dict[str, Shape]) -> tuple[list[Problem], list[str]]:
    """Dot attention: each step of the encoder's output times the last layer's state, the decoder's or its own."""
    asking = decoder or encoder
    width = encoder.D * encoder.H_out
    query = "h_1" if asking.is_cell else "h_n[-1]"
    output = shapes.get("output")
    unbatched = output is not None and len(output) == 2
    layout = "output" if encoder.batch_first or unbatched else "output.transpose(0, 1)"
    whose = "the encoder's own" if decoder is None else "the decoder's"
    scores = f"scores = {layout} @ query" if unbatched else f"scores = torch.bmm({layout}, query.unsqueeze(2))"
    if asking.H_out == width:
        code = scores.replace("query", query)
        return [], [f"Dot attention of output and {whose} {query}: {code}"]
    message = f"Each step of the encoder's output has {width} features, and {whose} {query} has {asking.H_out}."
    if encoder.bidirectional:
        message += f" The encoder is bidirectional: D*H_out = 2*{encoder.H_out}."
    if not asking.is_cell and asking.bidirectional and 2 * asking.H_out == width:
        fix = f"query = {BOTH_DIRECTIONS}"
    else:
        fix = f"query = nn.Linear({asking.H_out}, {width})({query})"
    batch = () if output is None or unbatched else (output[0 if encoder.batch_first else 1],)
    return [
        Problem(
            tensor="h_n",
            cause="bidirectional_linear_mismatch" if encoder.bidirectional else "hidden_size_vs_proj",
            message=message,
            expected=(*batch, width),
            got=(*batch, asking.H_out),
            fix=f"{fix}\n{scores}",
            advice=f"Here output is the encoder's, and {query.partition('[')[0]} {whose}.",
        )
    ], []
