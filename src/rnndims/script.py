"""A command's work as a plain PyTorch script, for a notebook or an issue report: text made from the configuration alone."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from . import shapes
from .config import DataConfig, RNNConfig
from .constructor import format_constructor
from .errors import ConfigError, Template

if TYPE_CHECKING:
    from .diagnose import Call
    from .pasted.model_code import ModelCode

Task = Literal["run", "weights", "cell", "concat-demo"]

_SHAPE_LINES: Final = 'print("{name}", tuple({name}.shape))'


_AUTO: Final = """device = "cpu"
for kind in (torch.backends.mps, torch.xpu, torch.cuda):
    device = kind.__name__.rpartition(".")[2] if kind.is_available() else device"""
"""The lines that pick the device where ``auto`` was asked for."""


def script(config: RNNConfig, data: DataConfig, task: Task = "run", *, device: str = "cpu", seed: int = 0) -> str:
    """A script that builds ``config``, calls it with the input that ``rnndims`` would use, and prints the shapes, one a line.

    The numbers are those that ``rnndims`` draws from the same seed.

    Args:
        config: the module; for ``cell`` a cell.
        data: its input.
        task: ``run`` prints the tensors and compares the rows of ``h_n`` with ``output``; ``weights`` prints the
            parameters; ``cell`` calls a cell step after step; ``concat-demo`` splits ``output`` and joins it again.
        device: a torch device, or ``auto``; tensors on ``meta`` have no numbers, so nothing is compared there.
        seed: of the weights and of the input.

    Raises:
        ConfigError: if PyTorch lacks the cell.
    """
    _check_class(config)
    body = {"run": _run, "weights": _weights, "cell": _cell, "concat-demo": _concat}[task](config, data)
    body = _without_numbers(body) if device == "meta" else body
    return "\n".join([*_head(config, data, task, device, seed), "", *body]) + "\n"


def _without_numbers(body: list[str]) -> list[str]:
    """The lines for tensors without numbers: nothing is compared, and a packed batch keeps the order that it has."""
    lines = []
    for line in body:
        if "pad_packed_sequence" in line:
            lines.append("    output = nn.utils.rnn.PackedSequence(output.data, output.batch_sizes)  # no numbers, no order")
        if "torch.equal" not in line and not line.startswith("n = "):
            lines.append(line)
    while not lines[-1]:
        lines.pop()
    return lines


def _check_class(config: RNNConfig) -> None:
    if not config.definition.in_torch:
        raise ConfigError(
            "script",
            True,
            f"PyTorch has no nn.{config.class_name}, so no script can build one",
            fix=Template("Remove {script}."),
        )


def _head(config: RNNConfig, data: DataConfig, task: Task, device: str, seed: int) -> list[str]:
    """Imports, the module, and its input and states."""
    options = "" if data.dtype == "float32" else f", dtype=torch.{data.dtype}"
    created = options + (', device="meta"' if device == "meta" else "")
    moved = "" if device in ("cpu", "meta") else f".to({'device' if device == 'auto' else repr(device)})"
    module = f"{format_constructor(config)[:-1]}{created})"
    name = "cell" if config.is_cell else "rnn"
    lines = ["import torch", "from torch import nn", ""]
    lines += [_AUTO, ""] if device == "auto" else []
    lines += [] if device == "meta" else [f"torch.manual_seed({seed})"]
    lines += [f"{name} = {module}{moved}.eval()  # eval: no dropout" if config.dropout else f"{name} = {module}{moved}", ""]
    made = _made(config, data, task)
    if not made:
        return lines[:-1]
    lines += [] if device == "meta" else [f"torch.manual_seed({seed})"]
    for tensor, shape in made.items():
        lines.append(f"{tensor} = torch.randn({', '.join(map(str, shape))}{created}){moved}")
    return lines


def _made(config: RNNConfig, data: DataConfig, task: Task) -> dict[str, shapes.Shape]:
    """Names and shapes of the input and the states; for ``cell`` the input has a time axis and the states are variables."""
    if task == "weights":
        return {}
    wanted = shapes.tensors(config, data)
    made = {str(name): wanted[name].shape for name in ("input", "h_0", "c_0") if name in wanted}
    if task != "cell":
        return made
    made["input"] = (data.seq_len or 0, *made["input"])
    return {name.removesuffix("_0"): shape for name, shape in made.items()}


def _state(config: RNNConfig, kind: str) -> str:
    names = [kind.replace("?", state) for state in config.definition.states]
    return f"({', '.join(names)})" if len(names) > 1 else names[0]


def _call(config: RNNConfig, data: DataConfig) -> list[str]:
    """The call of the module, without gradients, packed and padded again where ``data`` has lengths."""
    if config.is_cell:
        return ["with torch.no_grad():", f"    {_state(config, '?_1').strip('()')} = cell(input, {_state(config, '?_0')})"]
    result = f"output, {_state(config, '?_n')}"
    call = ["with torch.no_grad():", f"    {result} = rnn(input, {_state(config, '?_0')})"]
    if data.lengths is None:
        return call
    first = ", batch_first=True" if config.batch_first else ""
    return [
        f"lengths = torch.tensor({list(data.lengths)})",
        "with torch.no_grad():",
        f"    packed = nn.utils.rnn.pack_padded_sequence(input, lengths{first}, enforce_sorted=False)",
        f"    {result} = rnn(packed, {_state(config, '?_0')})",
        f"    output, _ = nn.utils.rnn.pad_packed_sequence(output{first})",
    ]


def _run(config: RNNConfig, data: DataConfig) -> list[str]:
    lines = [*_call(config, data), "", *(_SHAPE_LINES.format(name=name) for name in shapes.tensors(config, data))]
    rows = [] if config.is_cell else _last_rows(config, data)
    if rows:
        lines.append("")
        lines += [f"n = torch.arange({len(data.lengths)})"] if data.lengths else []
        lines += [f'print("h_n[{row}] is {part}:", torch.equal(h_n[{row}], {part}))' for row, part in rows]
    return lines


def _last_rows(config: RNNConfig, data: DataConfig) -> list[tuple[int, str]]:
    """Each row of ``h_n`` that is in ``output`` too, with its expression there; none for a script of thousands of layers."""
    states = shapes.states(config, data) if config.num_layers < 10_000 else ()
    return [(state.row, state.in_output) for state in states if state.in_output is not None]


def _weights(config: RNNConfig, data: DataConfig) -> list[str]:  # noqa: ARG001
    name = "cell" if config.is_cell else "rnn"
    return [
        f"for name, weight in {name}.named_parameters():",
        "    print(name, tuple(weight.shape))",
        f'print("parameters", sum(weight.numel() for weight in {name}.parameters()))',
    ]


def _cell(config: RNNConfig, data: DataConfig) -> list[str]:  # noqa: ARG001
    names = list(config.definition.states)
    state = f"({', '.join(names)})" if len(names) > 1 else "h"
    return [
        "for t, x in enumerate(input):",
        "    with torch.no_grad():",
        f"        {', '.join(names)} = cell(x, {state})",
        f"    print(t, {', '.join(f'tuple({name}.shape)' for name in ('x', *names))})",
    ]


def _concat(config: RNNConfig, data: DataConfig) -> list[str]:
    return [
        *_call(config, data),
        "",
        "# The module joins its directions itself. This splits its output and joins it again. The command rnndims concat-demo",
        "# runs each direction as a module of its own, with the weights of that direction.",
        "forward, reverse = output.chunk(2, dim=-1)",
        *(_SHAPE_LINES.format(name=name) for name in ("forward", "reverse", "output")),
        'print("joined again:", torch.equal(torch.cat([forward, reverse], dim=-1), output))',
    ]


def concat_example() -> str:
    """The script of ``concat-demo`` without options: its two numbered halves, joined, and split in two ways."""
    return """import torch

numbers = torch.arange(1, 49, dtype=torch.float64).div(10).float()
forward, reverse = numbers.view(2, 3, 2, 4)  # 0.1 to 2.4 and 2.5 to 4.8
output = torch.cat([forward, reverse], dim=-1)

print("forward", tuple(forward.shape))
print("reverse", tuple(reverse.shape))
print("output", tuple(output.shape))

directions = output.view(3, 2, 2, 4)
print("output.view(3, 2, 2, 4)[:, :, 0] is forward:", torch.equal(directions[:, :, 0], forward))
print("output.view(3, 2, 2, 4)[:, :, 1] is reverse:", torch.equal(directions[:, :, 1], reverse))
first, second = output.chunk(2, dim=-1)
print("output.chunk(2, dim=-1)[0] is forward:", torch.equal(first, forward))
print("output.chunk(2, dim=-1)[1] is reverse:", torch.equal(second, reverse))
"""


def check_script(config: RNNConfig, call: "Call", model: "ModelCode | None" = None) -> str:
    """A script that makes the call of ``check``: it prints the shapes, or fails with PyTorch's own message.

    Args:
        config: the module.
        call: the call.
        model: the pasted model that the module is a part of; an ``nn.Sequential`` is called as a whole too.

    Raises:
        ConfigError: if ``call`` has no input, or what reads the results makes no sense together.
    """
    from .diagnose import refuse_neighbours
    from .diagnose.kinds_of_call import result_names

    _check_class(config)
    refuse_neighbours(config, call)
    if call.input is None:
        raise ConfigError("script", True, "without an input there is no call to write", fix=Template("Add {input} SHAPE."))
    name = "cell" if config.is_cell else "rnn"
    weights = "" if call.weight_dtype == "float32" else f", dtype=torch.{call.weight_dtype}"
    dtype = weights if call.input_dtype is None else f", dtype=torch.{call.input_dtype}"
    functions = ["import torch.nn.functional as F"] if any("F." in use for use in call.uses) else []
    lines = ["import torch", *functions, "from torch import nn", "", f"{name} = {format_constructor(config)[:-1]}{weights})"]
    lines.append(f"input = torch.zeros({call.input}{dtype})")
    lines += [f"{state} = torch.zeros({shape}{weights})" for state, shape in call.states.items()]
    states = list(call.states)
    passed = "" if not states else f", ({', '.join(states)})" if len(states) > 1 else f", {states[0]}"
    if states == ["c_0"]:
        passed = ", (None, c_0)"
    sequence, first = "input", ", batch_first=True" if config.batch_first else ""
    if call.lengths is not None:
        enforce = call.enforce_sorted if call.enforce_sorted is not None else list(call.lengths) == sorted(call.lengths)[::-1]
        packing = f"torch.tensor({list(call.lengths)}){first}, enforce_sorted={enforce}"
        lines.append(f"packed = nn.utils.rnn.pack_padded_sequence(input, {packing})")
        sequence = "packed"
    names = result_names(config)
    if config.is_cell:
        lines.append(f"{', '.join(names)} = cell({sequence}{passed})")
    else:
        lines.append(f"output, {_state(config, '?_n')} = rnn({sequence}{passed})")
        lines += [f"output, _ = nn.utils.rnn.pad_packed_sequence(output{first})"] if call.lengths is not None else []
    lines += ["", *(_SHAPE_LINES.format(name=name) for name in names)]
    if not _are_names(call.uses, names):
        lines.append("# The uses of the results have names of their own, so neither they nor what reads them is here.")
        return "\n".join([*lines, *_after_states(config, call, weights), *_whole(model, call)]) + "\n"
    uses = _shaped(config, call)
    lines += [f"print({use!r}, tuple(({use}).shape))" for use in uses]
    reads = uses[-1] if uses else names[0]
    if call.linear is not None and call.loss is None:
        lines.append(f'print("linear", tuple(nn.Linear({call.linear}, {call.linear_out or 1}{weights})({reads}).shape))')
    lines += _loss(config, call, reads, weights)
    return "\n".join([*lines, *_after_states(config, call, weights), *_whole(model, call)]) + "\n"


def _whole(model: "ModelCode | None", call: "Call") -> list[str]:
    """The whole ``nn.Sequential`` with its input; where it is not known how to call the model, what the script leaves out."""
    if model is None:
        return []
    if model.whole is None or call.input is None or call.states or call.lengths is not None:
        return ["", "# This is the RNN of the model and what reads its results; the rest of the model is not here."]
    embeds = model.embedding_dim is not None
    given = f"torch.zeros({call.input[:-1]}, dtype=torch.long)" if embeds else "input"
    return ["", model.whole, f'print("model", tuple(model({given}).shape))']


def _shaped(config: RNNConfig, call: "Call") -> list[str]:
    """The uses that have a shape to print: a number such as ``output.size(0)`` has none."""
    from .diagnose import check_shapes

    diagnosis = check_shapes(config, replace(call, linear=None, target=None, loss=None, decoder=None, attention=False))
    uses = [use.strip() for use in call.uses]
    return uses if diagnosis.problems else [use for use in uses if use in diagnosis.uses]


def _loss(config: RNNConfig, call: "Call", reads: str, weights: str) -> list[str]:
    """The loss of ``call`` with its target: of what is read, or of a Linear after that."""
    target = call.target
    if call.loss is None or target is None:
        return []
    from .diagnose import scores_shape

    call = replace(call, linear_out=call.linear_out or _out_features(config, call))
    scores = scores_shape(config, call)
    linear = "" if call.linear is None else f"nn.Linear({call.linear}, {call.linear_out}{weights})"
    lines = ["", f"scores = {linear}({reads})" if linear else f"scores = {reads}", _SHAPE_LINES.format(name="scores")]
    if call.loss == "mse":
        return [*lines, f"target = torch.zeros({target}{weights})", 'print("loss", tuple(nn.MSELoss()(scores, target).shape))']
    if call.loss == "ce":
        classes = (*scores[:1], *scores[2:]) if len(scores) > 1 else ()
        shares = target == scores and target != classes
        what = f"torch.zeros({target}{weights})  # probabilities" if shares else f"torch.zeros({target}, dtype=torch.long)"
        return [*lines, f"target = {what}", 'print("loss", tuple(nn.CrossEntropyLoss()(scores, target).shape))']
    batch, steps = (scores[1] if len(scores) == 3 else None), (scores[0] if scores else 0)
    input_lengths = f"torch.tensor({list(call.lengths)})" if call.lengths else f"torch.tensor({[steps] * (batch or 0)})"
    each = target[-1] if len(target) == 2 else target[0] // batch if target and batch else 0
    sizes = [each] * (batch or 0)
    if len(target) == 1 and sizes:
        sizes[-1] = target[0] - each * (len(sizes) - 1)
    target_lengths = f"torch.tensor({sizes})"
    if batch is None:
        input_lengths, target_lengths = f"torch.tensor({steps})", f"torch.tensor({target[-1] if target else 0})"
    return [
        *lines,
        f"target = torch.zeros({target}, dtype=torch.long)",
        f"input_lengths, target_lengths = {input_lengths}, {target_lengths}",
        "loss = nn.CTCLoss()(scores.log_softmax(-1), target, input_lengths, target_lengths)",
        _SHAPE_LINES.format(name="loss"),
    ]


def _out_features(config: RNNConfig, call: "Call") -> int:
    """A number of outputs of the Linear, where none is stated, with which PyTorch finds what check finds."""
    from .diagnose import check_shapes

    found = len(check_shapes(config, call).problems)
    sizes = dict.fromkeys((5, *(call.target or ()), 1))  # 5 is any number
    same = (size for size in sizes if size and len(check_shapes(config, replace(call, linear_out=size)).problems) == found)
    return next(same, 5)


def _after_states(config: RNNConfig, call: "Call", weights: str) -> list[str]:
    """The decoder that begins with the states, and the attention to the output."""
    from .diagnose.kinds_of_call import result_names

    lines, states = [], [name for name in result_names(config) if name != "output"]
    unbatched = call.input is not None and len(call.input) == (1 if config.is_cell else 2)
    query, decoder = "h_n[-1]", call.decoder
    if decoder is not None and call.input is not None:
        _check_class(decoder)
        batch = () if unbatched else (call.input[0 if config.is_cell or config.batch_first else 1],)
        first = () if decoder.is_cell else (1,)
        around = (*batch, *first) if decoder.batch_first else (*first, *batch)
        own = [f"decoder_{name}" for name in result_names(decoder)]
        passed = f"({', '.join(states)})" if len(states) > 1 else states[0]
        result = ", ".join(own) if decoder.is_cell or len(own) < 3 else f"{own[0]}, ({', '.join(own[1:])})"
        lines += [
            "",
            f"decoder = {format_constructor(decoder)[:-1]}{weights})",
            f"decoder_input = torch.zeros({(*around, decoder.input_size)}{weights})",
            f"{result} = decoder(decoder_input, {passed})",
            *(_SHAPE_LINES.format(name=name) for name in own),
        ]
        query = own[0] if decoder.is_cell else f"{own[1]}[-1]"
    if call.attention:
        keys = "output" if config.batch_first or unbatched else "output.transpose(0, 1)"
        scores = f"{keys} @ query" if unbatched else f"torch.bmm({keys}, query.unsqueeze(2))"
        lines += ["", f"query = {query}", f"attention = {scores}", _SHAPE_LINES.format(name="attention")]
    return lines


def _are_names(uses: "tuple[str, ...]", names: "tuple[str, ...]") -> bool:
    """Whether expressions of results use the names that the script has, so they can stand in it."""
    import ast

    try:
        nodes = [node for use in uses for node in ast.walk(ast.parse(use.strip(), mode="eval"))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(node.id in (*names, "torch", "nn", "F", "input") for node in nodes if isinstance(node, ast.Name))
