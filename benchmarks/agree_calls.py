"""Calls of modules, right, nearly right and wrong, and what ``check`` says of them beside what PyTorch does."""

import random
import re
import traceback
from dataclasses import replace
from typing import Any, Final

import torch
from agree_modules import (
    CELLS,
    LAYERS,
    attempt,
    build,
    call_module,
    configure,
    data_of,
    draw_data,
    draw_module,
    input_shape,
    legal,
    named_results,
    packed,
    refused,
    same_acceptance,
)
from draws import Case, Unsuitable, Verdict

from rnndims import ConfigError, DataConfig, RNNConfig, UnknownMessageError
from rnndims.diagnose import Call, Diagnosis, check_shapes, diagnose_error
from rnndims.results import compute_dims

STATES: Final = ("h_0", "c_0")


def draw_call(rng: random.Random, names: tuple[str, ...] = LAYERS + CELLS, *, packed: float = 0.3) -> Case:
    """A call of a module that fits, or nearly."""
    case = draw_module(rng, names)
    config = configure(case)
    steps, batch = rng.randint(1, 4), rng.randint(0 if rng.random() < 0.05 else 1, 4)
    is_packed = not config.is_cell and rng.random() < packed
    unbatched = not is_packed and rng.random() < 0.25
    call: Case = {"input": list(input_shape(config, DataConfig(steps, None if unbatched else batch, unbatched)))}
    lead = [] if config.is_cell else [config.D * config.num_layers]
    lead += [] if unbatched else [batch]
    if rng.random() < 0.7:
        call["h_0"] = [*lead, config.H_out]
        if config.cell == "lstm":
            call["c_0"] = [*lead, config.hidden_size]
    if is_packed:
        lengths = [rng.randint(1, steps) for _ in range(batch)]
        call["lengths"] = sorted(lengths, reverse=True) if rng.random() < 0.5 else lengths
        if rng.random() < 0.2:
            call["enforce_sorted"] = rng.random() < 0.5
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
        spoil(rng, call)
    if rng.random() < 0.08:
        case["weight_dtype"] = rng.choice(["float64", "float16", "bfloat16", "complex64"])
        if rng.random() < 0.7:
            call["input_dtype"] = case["weight_dtype"]
    if rng.random() < 0.03:
        del call["input"]
    return {**case, **call}


def spoil(rng: random.Random, call: Case) -> None:
    """Change one thing of a call: a dtype, a state too many or too few, a length, or a shape."""
    kind = rng.random()
    if kind < 0.06:
        call["input_dtype"] = rng.choice(["float64", "float16", "int64", "float32", "bool"])
    elif kind < 0.12:
        if "c_0" in call:
            del call["c_0"]
        elif "h_0" in call:
            call["c_0"] = list(call["h_0"])
    elif kind < 0.15:
        call.pop("h_0", None)
    elif kind < 0.3 and call.get("lengths"):
        at = rng.randrange(len(call["lengths"]))
        changed = rng.choice([[], [1, call["lengths"][at]], [0], [-1], [call["lengths"][at] + 1], [5]])
        call["lengths"][at : at + 1] = changed
    else:
        name = rng.choice([name for name in ("input", "input", *STATES) if name in call])
        spoil_shape(rng, call[name])
        if name == "h_0" and "c_0" in call and rng.random() < 0.5:
            call["c_0"] = list(call[name])


def spoil_shape(rng: random.Random, shape: list[int]) -> None:
    """One dim more or less, two dims swapped, or another size."""
    kind = rng.random()
    if kind < 0.15 and len(shape) < 5:
        shape.insert(rng.randint(0, len(shape)), rng.randint(1, 3))
    elif kind < 0.3 and shape:
        del shape[rng.randrange(len(shape))]
    elif kind < 0.5 and len(shape) > 1:
        i, j = rng.sample(range(len(shape)), 2)
        shape[i], shape[j] = shape[j], shape[i]
    elif shape:
        shape[rng.randrange(len(shape))] = rng.randint(0, 5)


def call_of(case: Case) -> tuple[RNNConfig, Call]:
    """The module and the call of a case, as ``check`` is told about them."""
    try:
        config = configure(case)
    except ConfigError as error:
        raise Unsuitable from error
    shapes: dict[str, Any] = {name: tuple(case[name]) for name in ("input", *STATES, "lengths") if name in case}
    dtypes = {case.get(name, "float32") for name in ("input_dtype", "weight_dtype")}
    if not all(isinstance(getattr(torch, name, None), torch.dtype) for name in dtypes):
        raise Unsuitable  # a part of a name
    more = {name: case[name] for name in ("enforce_sorted", "input_dtype", "weight_dtype") if name in case}
    call = Call(**shapes, **more)
    if call.is_empty or (config.is_cell and call.lengths is not None):
        raise Unsuitable
    return config, call


def read_by_chance(config: RNNConfig, call: Call) -> bool:
    """Whether C++ code reads what may not be there: it then runs, refuses, or ends the process (seen with 2.13).

    That is where PyTorch checks too little: states with a batch beside the 1-D input of a gated cell, and for nn.LSTM a packed
    batch whose dims or sizes are wrong.
    """
    if call.input is None:
        return False
    if config.is_cell:
        return len(call.input) == 1 and config.cell != "rnn" and any(len(state) > 1 for state in call.states.values())
    if config.cell != "lstm" or call.lengths is None or check_shapes(config, call).fits:
        return False
    return len(call.input) != 3 or len(set(call.lengths)) == 1 or bool(call.states)


def ask_torch(case: Case, config: RNNConfig, call: Call) -> Any:
    """What PyTorch does with a call: the shapes that come out, by name, or the error that it raises."""
    if read_by_chance(config, call):
        raise Unsuitable
    dtype = getattr(torch, call.weight_dtype)

    def run() -> dict[str, tuple[int, ...]]:
        module = build(case, dtype=dtype).eval()
        x = torch.zeros(call.input or (), dtype=getattr(torch, call.input_dtype or call.weight_dtype))
        fed = packed(x, config, call.lengths, enforce_sorted=call.is_sorted)
        states = [None if state is None else torch.zeros(state, dtype=dtype) for state in (call.h_0, call.c_0)]
        passed = [] if states == [None, None] else [states[0] if states[1] is None else tuple(states)]
        with torch.inference_mode():
            return {name: tuple(each.shape) for name, each in named_results(config, module(fed, *passed)).items()}

    return attempt(run)


COMPLAINTS: Final = (
    (r"hidden\[1\]|hidden1|hx\[1\]|'tuple' object", "c_0"),
    (r"'NoneType' object|combination of arguments|must be tuple of Tensors", "h_0"),
    (r"index out of range in self|INDICES", None),  # the sorting of the input, or of a state
    (r"hidden|hx |hx\[|index \d is out of bounds|invalid index", "h_0"),
    (r"[Ll]engths|pack empty|exceeds dimension size", "lengths"),
    (r"[Ii]nput|[Ss]equence length", "input"),
)
"""Words of PyTorch's messages, and the tensor that they are about."""


def complaint(error: BaseException, call: Call) -> str | None:
    """The tensor that PyTorch's message is about; ``None`` where the message is a raw one that names no tensor.

    What it calls the second state is ``h_0`` where a bare tensor is passed, which it takes apart.
    """
    named = tensor_in(error, call)
    return "h_0" if named == "c_0" and call.c_0 is None else named


def tensor_in(error: BaseException, call: Call) -> str | None:
    """The tensor that a message names."""
    if found := re.search(r"got \((\d)-D, (\d)-D\)", str(error)):
        return "h_0" if int(found[1]) != len(call.input or ()) else "c_0"
    return next((tensor for words, tensor in COMPLAINTS if re.search(words, str(error))), None)


def some_input_fits(case: Case, config: RNNConfig, call: Call) -> bool:
    """Whether there is an input beside which PyTorch takes these states."""
    sizes = {1, 2, *(size for state in call.states.values() for size in state)}
    data = [DataConfig(1, unbatched=True), *(DataConfig(1, size) for size in sizes)]
    shapes = [input_shape(config, each) for each in data]
    calls = [replace(call, input=shape) for shape in shapes]
    return not all(read_by_chance(config, each) or refused(ask_torch(case, config, each)) for each in calls)


def judge_call(case: Case) -> Verdict:
    """``check`` accepts what PyTorch runs, names its first complaint in its words, and knows the results."""
    config, call = call_of(case)
    if call.input is None and (call.lengths is not None or call.input_dtype is not None):
        raise Unsuitable
    diagnosis = check_shapes(config, call)
    if call.input is None:
        if config.is_cell and config.cell == "lstm" and call.h_0 and call.c_0 and (len(call.h_0), len(call.c_0)) == (1, 2):
            raise Unsuitable  # beside 1-D input, see read_by_chance
        bare = config.cell == "lstm" and len(call.states) == 1  # a mistake, whatever it stands beside
        fits = not bare and some_input_fits(case, config, call)
        fault = f"states that {'fit' if fits else 'no input fits'}: {diagnosis.problems}"
        return Verdict("no input", None if fits == diagnosis.fits else fault)
    answer = ask_torch(case, config, call)
    if not refused(answer):
        if not diagnosis.fits:
            return Verdict("accepted", f"PyTorch runs it ({diagnosis.problems[0].tensor}): {diagnosis.problems}")
        other = {name: shape for name, shape in diagnosis.results.items() if answer.get(name, shape) != shape}
        return Verdict("accepted", f"other results: {other} is {answer}" if other else None)
    if diagnosis.fits:
        return Verdict("refused", f"PyTorch refuses it ({complaint(answer, call)}): {answer}")
    first, named = diagnosis.problems[0], complaint(answer, call)
    if named not in (None, first.tensor):
        return Verdict("refused", f"{first.tensor} is named before {named}: {answer}")
    if first.torch is not None and first.torch not in str(answer):
        return Verdict("refused", f"other words of {first.tensor}: {first.torch!r}, but it is {answer}")
    return Verdict("refused")


def judge_message(case: Case) -> Verdict:
    """What PyTorch raises is known, alone and with the module and the call, and is about the same tensor."""
    config, call = call_of(case)
    error: Any = None if call.input is None else ask_torch(case, config, call)
    if not refused(error):
        raise Unsuitable
    text = "".join(traceback.format_exception(error))
    named = complaint(error, call)
    for how, context in (("as a traceback", ()), ("with the module", (config,)), ("with the call", (config, call))):
        try:
            said = tensors_of(diagnose_error(text, *context))
        except UnknownMessageError:
            return Verdict("unknown", f"a message that is unknown {how}: {error}")
        if named is not None and not said & {named, "h_0", "c_0", "input"}:
            return Verdict("known", f"another tensor {how}: {named} is not among {said}: {error}")
    return Verdict("known")


def tensors_of(diagnosis: Diagnosis) -> set[str]:
    """The tensors that a diagnosis names, those of less likely causes too."""
    return {each.tensor for problem in diagnosis.problems for each in (problem, *problem.alternatives)}


# ---------------------------------------------------------------------------------------------------------- what comes out


def draw_expected(rng: random.Random) -> Case:
    """A call that fits, with shapes that are expected to come out of it, some of them wrong."""
    case = draw_data(rng, draw_module(rng, LAYERS), dtypes=False)
    config = configure(case)
    tensors = compute_dims(config, data_of(case)).tensors
    expected: Case = {}
    for name in ("output", "h_n", "c_n"):
        if name in tensors and rng.random() < 0.5:
            expected[name] = list(tensors[name].shape)
            if rng.random() < 0.5:
                spoil_shape(rng, expected[name])
    if rng.random() < 0.4:
        expected["linear"] = rng.choice([config.D * config.H_out, rng.randint(1, 8)])
    if rng.random() < 0.2:
        expected["features"] = rng.randint(1, 6)
    return {**case, "expected": expected}


def judge_expected(case: Case) -> Verdict:
    """Exactly those expectations are called wrong that are not what PyTorch returns.

    Beside an input of wrong features the layout may be in doubt: packed input, 2-D input, which may lack a dim, and input with
    the right size in another dim. Then only what no input gives is called wrong.
    """
    expected = case.get("expected", {})
    config, data = legal(case)
    shape = input_shape(config, data)
    if config.is_cell or 0 in shape or not expected:
        raise Unsuitable
    real = {
        name: tuple(each.shape) for name, each in call_module(build(case), config, data, torch.zeros(shape)).tensors.items()
    }
    shapes: dict[str, Any] = {name: tuple(sizes) for name, sizes in expected.items() if name not in ("linear", "features")}
    if not shapes.keys() <= real.keys():
        raise Unsuitable
    wrong = {name for name, sizes in shapes.items() if sizes != real[name]}
    if expected.get("linear", real["output"][-1]) != real["output"][-1]:
        wrong.add("linear")
    beside = {"input"} if expected.get("features", shape[-1]) != shape[-1] else set()
    fed = (*shape[:-1], expected.get("features", shape[-1]))
    if beside and (data.lengths is not None or len(fed) == 2 or config.input_size in fed[:-1]):
        wrong = {name for name in wrong if name == "linear" or not some_input_gives(real[name], shapes[name], name, data)}
    call = Call(input=fed, lengths=data.lengths, linear=expected.get("linear"), **shapes)
    said = tensors_of(check_shapes(config, call))
    outcome = "wrong" if wrong else "right"
    if missing := wrong - said:
        return Verdict(outcome, f"nothing is said of a wrong {min(missing)}{' beside input' if beside else ''}: {real}")
    if more := said - wrong - beside:
        return Verdict(outcome, f"a right {min(more)} is called wrong: {real}")
    return Verdict(outcome)


def some_input_gives(real: tuple[int, ...], sizes: tuple[int, ...], name: str, data: DataConfig) -> bool:
    """Whether a result of these sizes comes out for another batch, or other steps, than ``real`` did."""
    if len(sizes) != 3 and (data.lengths is not None or len(sizes) != 2):
        return False
    return sizes[-1] == real[-1] and (name == "output" or sizes[0] == real[0])


def draw_use(rng: random.Random) -> Case:
    """An expression of a result: indices, reshapes and reductions, right and wrong."""
    case = draw_data(rng, draw_module(rng, LAYERS), packed=0.0, dtypes=False)
    config, data = configure(case), data_of(case)
    name = rng.choice(["output", "h_n", *(["c_n"] if config.cell == "lstm" else [])])
    shape = list(compute_dims(config, data).tensors[name].shape)
    steps = [draw_step(rng, shape) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    return {**case, "name": name, "steps": steps}


def draw_index(rng: random.Random) -> str:
    """One item between the brackets of an index."""
    kind = rng.random()
    if kind < 0.35:
        return str(rng.randint(-3, 3))
    if kind < 0.6:
        return ":"
    if kind < 0.85:
        start, stop = (rng.choice(["", str(rng.randint(-5, 5))]) for _ in range(2))
        return f"{start}:{stop}{rng.choice(['', '', ':', ':1', ':2', ':-1', ':0'])}"
    return rng.choice(["...", "...", "...", "None", "[0, -1]", "True", "1.0"])


METHODS: Final = (
    ".transpose({d}, {d})",
    ".permute({p})",
    ".permute({d}, {d}, {d})",
    ".contiguous()",
    ".detach()",
    ".transpose(0, 1).contiguous()",
    ".squeeze({d})",
    ".squeeze()",
    ".unsqueeze({d})",
    ".flatten({d})",
    ".flatten({d}, {d})",
    ".flatten()",
    ".flatten(start_dim={d})",
    ".mean({d})",
    ".mean(dim={d})",
    ".mean()",
    ".sum({d})",
    ".sum(dim=({d}, {d}))",
    ".sum()",
)
"""Methods of a tensor; ``{d}`` is a dim, ``{p}`` an order of three."""


def draw_step(rng: random.Random, shape: list[int]) -> str:
    """One operation on a tensor of about this shape."""
    kind = rng.random()
    if kind < 0.4:
        return f"[{', '.join(draw_index(rng) for _ in range(rng.choice([1, 1, 2, 2, 3, 4])))}]"
    if kind < 0.6:
        sizes = rng.choice([shape[::-1], [shape[0], -1], [-1, shape[-1]], [-1], [shape[0] * shape[1], -1], [2, -1, 2]])
        return f".{rng.choice(['view', 'reshape'])}({', '.join(map(str, sizes))})"
    order = ", ".join(map(str, rng.sample(range(3), 3)))
    return re.sub(r"\{d\}", lambda _: str(rng.randint(-3, 2)), rng.choice(METHODS)).replace("{p}", order)


NOT_FOLLOWED: Final = re.compile(r"is checked only in part|so this use is not checked")
"""What ``check`` says of an expression that it does not know; then it says nothing of its shape."""


def judge_use(case: Case) -> Verdict:
    """An expression is accepted where PyTorch evaluates it, with the width that it has there."""
    config, data = legal(case)
    shape = input_shape(config, data)
    if config.is_cell or 0 in shape or not case.get("steps"):
        raise Unsuitable
    tensors = call_module(build(case), config, data, torch.zeros(shape)).tensors
    name = case.get("name", "output")
    if name not in tensors:
        raise Unsuitable
    text = name + "".join(case["steps"])
    real = attempt(lambda: eval(text, {"torch": torch}, tensors))
    call = Call(input=shape, uses=(text,))
    try:
        ours: Any = check_shapes(config, call)
    except ConfigError as error:
        if NOT_FOLLOWED.search(str(error)):
            return Verdict("not followed")
        ours = error
    else:
        if any(NOT_FOLLOWED.search(note) for note in ours.notes):
            return Verdict("not followed")
        if not ours.fits:
            ours = ValueError(ours.problems)
    last = re.sub(r"\W.*", "", case["steps"][-1][1:]) if case["steps"][-1].startswith(".") else "[]"
    verdict = same_acceptance(f"a use ({last})", ours, real)
    if verdict.fault or refused(real) or real.dim() == 0 or real.shape[-1] == 0:
        return verdict
    for width, fits in ((real.shape[-1], True), (real.shape[-1] + 1, False)):
        if check_shapes(config, replace(call, linear=width)).fits != fits:
            return Verdict("accepted", f"another width of a use ({last}): {text}: is {tuple(real.shape)}, and Linear({width})")
    return verdict
