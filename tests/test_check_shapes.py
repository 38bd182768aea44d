"""check: verdicts and the tensor named, against PyTorch itself, over shapes that fit and shapes that nearly do."""

import random
import re
import warnings
from dataclasses import replace

import pytest

from rnndims.config import RNNConfig
from rnndims.diagnose import CAUSES, Diagnosis, Observed, check_shapes, parse_dtype, parse_shape
from rnndims.errors import ConfigError

torch = pytest.importorskip("torch")


def build(config: RNNConfig):
    """The real module."""
    cls = getattr(torch.nn, config.class_name)
    arguments = {"bias": config.bias}
    if config.cell == "rnn":
        arguments["nonlinearity"] = config.nonlinearity
    if not config.is_cell:
        arguments |= {
            "num_layers": config.num_layers,
            "batch_first": config.batch_first,
            "bidirectional": config.bidirectional,
        }
        if config.proj_size:
            arguments["proj_size"] = config.proj_size
    return cls(config.input_size, config.hidden_size, **arguments)


def call(config: RNNConfig, seen: Observed):
    """Run the real module on zeros of the observed shapes."""
    module = build(config)
    dtype = getattr(torch, seen.input_dtype or "float32")
    x = torch.zeros(seen.input, dtype=dtype)
    if seen.lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(seen.lengths, dtype=torch.int64), config.batch_first, enforce_sorted=seen.is_sorted
        )
    state_dtype = dtype if dtype.is_floating_point else torch.float32
    states = [None if s is None else torch.zeros(s, dtype=state_dtype) for s in (seen.h_0, seen.c_0)]
    if states == [None, None]:
        return module(x)
    return module(x, states[0] if states[1] is None else tuple(states))


def complaint(error: Exception, config: RNNConfig, seen: Observed) -> str | None:
    """The tensor that PyTorch's message is about; None where the message is a raw one that names no tensor."""
    text = str(error)
    if "hidden[1]" in text or "hidden1" in text or "hx[1]" in text:
        return "c_0"
    if found := re.search(r"got \((\d)-D, (\d)-D\)", text):
        wanted = len(seen.input)
        return "h_0" if int(found[1]) != wanted else "c_0"
    if "'tuple' object" in text:
        return "c_0"
    if "'NoneType' object" in text or "combination of arguments" in text or "must be tuple of Tensors" in text:
        return "h_0"
    if re.search(r"hidden|hx |hx\[|index \d is out of bounds|invalid index", text):
        return "h_0"
    if re.search(r"[Ll]engths|pack empty", text):
        return "lengths"
    if re.search(r"input|sequence length", text, re.IGNORECASE):
        return "input"
    return None


def compare(config: RNNConfig, seen: Observed) -> Diagnosis:
    """Check, and hold the verdict and the tensor named against PyTorch's."""
    found = check_shapes(config, seen)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(config, seen)
    except Exception as error:  # noqa: BLE001 - whatever PyTorch raises is its verdict
        assert not found.ok, f"PyTorch refuses {config} {seen}: {error}"
        named = complaint(error, config, seen)
        if named is not None:
            assert found.problems[0].tensor == named, f"{config} {seen}\n{error}\n{found.problems[0]}"
    else:
        assert found.ok, f"PyTorch accepts {config} {seen}\n{found.problems}"
    return found


def random_config(rng: random.Random, *, is_cell: bool = False) -> RNNConfig:
    """A small configuration."""
    cell = rng.choice(["rnn", "lstm", "gru"])
    hidden = rng.randint(1, 4)
    if is_cell:
        return RNNConfig(cell, rng.randint(1, 4), hidden, bias=rng.random() < 0.7, is_cell=True)
    return RNNConfig(
        cell,
        rng.randint(1, 4),
        hidden,
        num_layers=rng.randint(1, 3),
        batch_first=rng.random() < 0.5,
        bidirectional=rng.random() < 0.4,
        bias=rng.random() < 0.7,
        proj_size=rng.randint(0, hidden - 1) if cell == "lstm" and rng.random() < 0.4 else 0,
    )


def right_shapes(rng: random.Random, config: RNNConfig) -> Observed:
    """Shapes that fit."""
    steps, batch = rng.randint(1, 4), rng.randint(0 if rng.random() < 0.1 else 1, 4)
    unbatched = rng.random() < 0.25
    if config.is_cell:
        lead = () if unbatched else (batch,)
        shape, h_0 = (*lead, config.input_size), (*lead, config.hidden_size)
        c_0 = h_0
    else:
        lead = (steps,) if unbatched else (batch, steps) if config.batch_first else (steps, batch)
        rows = (config.D * config.num_layers,) if unbatched else (config.D * config.num_layers, batch)
        shape, h_0, c_0 = (*lead, config.input_size), (*rows, config.H_out), (*rows, config.hidden_size)
    if rng.random() < 0.25:
        return Observed(input=shape)
    return Observed(input=shape, h_0=h_0, c_0=c_0 if config.cell == "lstm" else None)


def mutate(rng: random.Random, seen: Observed) -> Observed:
    """One thing changed: a size, a dim more or less, two dims swapped, a state left out, another dtype."""
    kind = rng.random()
    if kind < 0.06:
        return replace(seen, input_dtype=rng.choice(["float64", "float16", "int64", "float32"]))
    if kind < 0.12:
        return replace(seen, c_0=None) if seen.c_0 is not None else replace(seen, c_0=seen.h_0)
    if kind < 0.15:
        return replace(seen, h_0=None)
    name = rng.choice(["input", "h_0", "c_0", "input"])
    shape = getattr(seen, name)
    if shape is None:
        return seen
    shape = list(shape)
    if kind < 0.3 and len(shape) < 5:
        shape.insert(rng.randint(0, len(shape)), rng.randint(1, 3))
    elif kind < 0.45 and shape:
        del shape[rng.randrange(len(shape))]
    elif kind < 0.6 and len(shape) > 1:
        i, j = rng.sample(range(len(shape)), 2)
        shape[i], shape[j] = shape[j], shape[i]
    elif shape:
        shape[rng.randrange(len(shape))] = rng.randint(0, 5)
    changed = replace(seen, **{name: tuple(shape)})
    if name == "h_0" and seen.c_0 == seen.h_0 and rng.random() < 0.5:
        changed = replace(changed, c_0=tuple(shape))
    return changed


@pytest.mark.parametrize("seed", range(4))
def test_layers_agree_with_pytorch(seed):
    """Accepted or refused, and the tensor named first, are PyTorch's for right shapes and for mutated ones."""
    rng = random.Random(seed)
    verdicts = {True: 0, False: 0}
    for _ in range(450):
        config = random_config(rng)
        seen = right_shapes(rng, config)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            seen = mutate(rng, seen)
        verdicts[compare(config, seen).ok] += 1
    assert min(verdicts.values()) > 80


def test_cells_agree_with_pytorch():
    """The same for RNNCell, LSTMCell and GRUCell."""
    rng = random.Random(13)
    for _ in range(1000):
        config = random_config(rng, is_cell=True)
        seen = right_shapes(rng, config)
        for _ in range(rng.choice([0, 1, 1, 2])):
            seen = mutate(rng, seen)
        if config.cell == "rnn" or not crashes(seen):
            compare(config, seen)


@pytest.mark.parametrize(
    ("config", "seen"),
    [
        (RNNConfig("lstm", 10, 20, is_cell=True), Observed(input=(10,), h_0=(20,), c_0=(20, 20))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Observed(input=(10,), h_0=(2, 20))),
        (RNNConfig("rnn", 10, 20, is_cell=True), Observed(input=(10,), h_0=(20, 20))),
        (RNNConfig("lstm", 10, 20), Observed(input=(5, 3, 10), lengths=(5, 3, 2), h_0=(1, 3, 20), c_0=(3, 3, 20))),
        (RNNConfig("lstm", 10, 20), Observed(input=(5, 3, 10), lengths=(2, 3, 5), h_0=(1, 4, 20), c_0=(1, 4, 20))),
        (RNNConfig("gru", 10, 20), Observed(input=(5, 3, 10), lengths=(2, 5))),
    ],
)
def test_accepted_by_accident(config, seen):
    """Wrong shapes that PyTorch happens to accept are accepted too, with a note."""
    assert compare(config, seen).notes


def test_late_complaints_come_last():
    """A 2-D state beside a cell's 1-D input is found by the matrix product, after the checks of the other state."""
    config = RNNConfig("lstm", 3, 1, is_cell=True)
    found = check_shapes(config, Observed(input=(3,), h_0=(1, 3), c_0=(3, 1)))
    assert [problem.tensor for problem in found.problems] == ["c_0", "h_0"]
    with pytest.raises(RuntimeError, match="hidden1 has inconsistent hidden_size"):
        call(config, Observed(input=(3,), h_0=(1, 3), c_0=(3, 1)))


def crashes(seen: Observed) -> bool:
    """Whether PyTorch's cell reads past the end of the gates: a 2-D state beside a 1-D input."""
    states = [state for state in (seen.h_0, seen.c_0) if state is not None]
    return seen.input is not None and len(seen.input) == 1 and any(len(state) == 2 for state in states)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_packed_batches_agree_with_pytorch(cell):
    """The same for packed batches, wrong lengths included; wrong states of an LSTM only where PyTorch does not crash."""
    rng = random.Random(5)
    for _ in range(300):
        config = replace(random_config(rng), cell=cell, proj_size=0, nonlinearity=None if cell != "rnn" else "tanh")
        steps, batch = rng.randint(2, 4), rng.randint(2, 4)
        lengths = [steps, *(rng.randint(1, steps) for _ in range(batch - 1))]
        if cell == "lstm":
            lengths[-1] = 1  # equal lengths take another path there, which reads past the end of wrong states
        if rng.random() < 0.5:
            lengths.sort(reverse=True)
        shape = (batch, steps, config.input_size) if config.batch_first else (steps, batch, config.input_size)
        h_0 = (config.D * config.num_layers, batch, config.hidden_size)
        seen = Observed(input=shape, h_0=h_0, c_0=h_0 if cell == "lstm" else None, lengths=tuple(lengths))
        wrong = rng.random()
        if wrong < 0.2:
            lengths[rng.randrange(batch)] = rng.choice([0, steps + 1, -1])
            seen = replace(seen, lengths=tuple(lengths))
        elif wrong < 0.3:
            seen = replace(seen, lengths=tuple([*lengths, 1] if rng.random() < 0.5 else lengths[1:]), c_0=None, h_0=None)
        elif wrong < 0.7:
            state = list(h_0)
            dim = rng.randrange(3)
            state[dim] = rng.choice([state[dim] + 1, max(1, state[dim] - 1)])
            seen = replace(seen, h_0=tuple(state), c_0=tuple(state) if cell == "lstm" else None)
            if cell == "lstm" and min(seen.lengths) == max(seen.lengths):
                continue
        elif wrong < 0.8:
            seen = replace(seen, input=(*shape[:2], config.input_size + 1))
        elif wrong < 0.85:
            seen = replace(seen, input_dtype="float64", h_0=None, c_0=None)
        elif wrong < 0.9:
            seen = replace(seen, input=shape[:2], h_0=None, c_0=None)
        if cell == "lstm" and seen.lengths and min(seen.lengths) == max(seen.lengths):
            continue
        compare(config, seen)


CONFIG = RNNConfig("lstm", 10, 20, num_layers=2, batch_first=True)


def causes(config: RNNConfig, **seen) -> list[str]:
    """The causes in order."""
    return [problem.cause for problem in check_shapes(config, Observed(**seen)).problems]


def test_contract_example():
    """The documented example names the state, its batch dim, both shapes and PyTorch's words."""
    found = check_shapes(CONFIG, Observed(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))
    first = found.problems[0]
    assert (first.tensor, first.dim, first.expected, first.got) == ("h_0", 1, (2, 5, 20), (2, 3, 20))
    assert first.cause == "hidden_batch_mismatch"
    assert "Expected hidden[0] size (2, 5, 20), got [2, 3, 20]" in first.message
    assert "batch_first_mismatch" in [problem.cause for problem in found.problems]
    with pytest.raises(RuntimeError, match=re.escape("Expected hidden[0] size (2, 5, 20), got [2, 3, 20]")):
        call(CONFIG, Observed(input=(5, 3, 10), h_0=(2, 3, 20), c_0=(2, 3, 20)))


@pytest.mark.parametrize(
    ("config", "seen", "cause"),
    [
        (
            replace(CONFIG, batch_first=False),
            {"input": (3, 5, 10), "h_0": (2, 3, 20), "c_0": (2, 3, 20)},
            "batch_first_mismatch",
        ),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 7, 20), "c_0": (2, 7, 20)}, "hidden_batch_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 2, 20), "c_0": (4, 2, 20)}, "batch_first_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 4, 20), "c_0": (4, 4, 20)}, "hidden_layers_or_directions"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 4, 40), "c_0": (2, 4, 40)}, "hidden_size_vs_proj"),
        (CONFIG, {"input": (4, 5, 12)}, "input_feature_mismatch"),
        (CONFIG, {"input": (1, 4, 5, 10)}, "input_ndim"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 20), "c_0": (2, 20)}, "unbatched_2d_vs_3d"),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 4, 20)}, "lstm_tuple_expected"),
        (CONFIG, {"input": (4, 5, 10), "input_dtype": "float64"}, "dtype_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "lengths": (5, 4, 3)}, "packed_lengths"),
        (CONFIG, {"input": (4, 5, 10), "lengths": (6, 4, 3, 1)}, "packed_lengths"),
        (replace(CONFIG, bidirectional=True), {"input": (4, 5, 10), "linear": 20}, "bidirectional_linear_mismatch"),
        (replace(CONFIG, bidirectional=True), {"input": (4, 5, 10), "output": (4, 5, 20)}, "bidirectional_linear_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "output": (5, 4, 20)}, "batch_first_mismatch"),
        (CONFIG, {"input": (4, 5, 10), "h_n": (1, 4, 20)}, "hidden_layers_or_directions"),
        (replace(CONFIG, proj_size=5), {"input": (4, 5, 10), "linear": 20}, "hidden_size_vs_proj"),
        (CONFIG, {"input": (4, 0, 10)}, "other"),
    ],
)
def test_first_cause(config, seen, cause):
    """The likeliest cause comes first for the mistakes people make."""
    assert causes(config, **seen)[0] == cause
    assert cause in CAUSES


def test_fixes_work():
    """The code of the fix, executed as it stands, makes the real call succeed."""
    cases = [
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 2, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (2, 7, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (4, 4, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 5, 10), "h_0": (1, 4, 20), "c_0": (2, 4, 20)}),
        (CONFIG, {"input": (4, 10, 5)}),
        (RNNConfig("gru", 10, 20), {"input": (4, 5, 10), "h_0": (5, 20)}),
        (RNNConfig("gru", 10, 20), {"input": (3, 10), "h_0": (1, 3, 20)}),
        (RNNConfig("gru", 1, 20, batch_first=True), {"input": (3, 7, 2, 1)}),
        (RNNConfig("gru", 10, 20), {"input": (3, 2, 10), "input_dtype": "float64"}),
    ]
    for config, shapes in cases:
        seen = Observed(**shapes)
        found = check_shapes(config, seen)
        scope = {"torch": torch, "x": torch.zeros(seen.input, dtype=getattr(torch, seen.input_dtype or "float32"))}
        scope |= {name: torch.zeros(shape) for name in ("h_0", "c_0") if (shape := getattr(seen, name)) is not None}
        exec(found.problems[0].fix, scope)
        states = [scope[name] for name in ("h_0", "c_0") if name in scope]
        module = build(config)
        if config.input_size == 1:
            continue
        module(scope["x"], *([tuple(states)] if len(states) == 2 else states))


def test_silent_failures_are_notes():
    """What PyTorch runs without a word and gets wrong is a note, and the verdict stays 'fits'."""
    both = RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True)
    one = RNNConfig("gru", 10, 20)
    cases = [
        (one, {"input": (3, 5, 10), "h_n": (1, 3, 20)}, "batch_first=True"),
        (replace(one, num_layers=2), {"input": (5, 3, 10), "h_n": (3, 2, 20)}, "never touches the states"),
        (both, {"input": (5, 3, 10), "uses": ("output[-1]",)}, "torch.cat([h_n[-2], h_n[-1]], dim=-1)"),
        (replace(both, batch_first=True), {"input": (3, 5, 10), "uses": ("output[:, -1]",)}, "has read one step only"),
        (replace(both, batch_first=True), {"input": (3, 5, 10), "uses": ("output[-1]",)}, "one sequence of the batch"),
        (one, {"input": (5, 3, 10), "uses": ("output[:, -1]",)}, "one sequence of the batch"),
        (one, {"input": (5, 3, 10), "lengths": (5, 2, 1), "uses": ("output[-1]",)}, "padding"),
        (both, {"input": (5, 3, 10), "uses": ("h_n.view(3, -1)",)}, "h_n.transpose(0, 1).reshape(3, -1)"),
        (both, {"input": (5, 3, 10), "uses": ("output.view(3, -1)",)}, "output.transpose(0, 1).reshape(3, -1)"),
        (both, {"input": (5, 3, 10), "uses": ("output.reshape(-1, 20)",)}, "two rows of each step"),
        (both, {"input": (5, 3, 10), "uses": ("h_n[-1]",)}, "reverse direction only"),
        (replace(one, dropout=0.5), {"input": (5, 3, 10)}, "no effect with one layer"),
        (one, {"input": (5, 10)}, "unbatched"),
        (one, {"input": (5, 5, 10)}, "would not be noticed"),
        (one, {"input": (5, 3, 10), "lengths": (2, 5)}, "drops the other 1 in silence"),
    ]
    for config, shapes, words in cases:
        found = check_shapes(config, Observed(**shapes))
        assert found.ok, (shapes, found.problems)
        assert any(words in note for note in found.notes), (shapes, found.notes)


@pytest.mark.parametrize(
    "use",
    [
        "output[-1]",
        "h_n.transpose(0, 1).reshape(3, -1)",
        "h_n.view(2, 2, 3, 20)[-1]",
        "output.view(5, 3, 2, 20)",
        "output.mean(0)",
    ],
)
def test_right_uses_get_no_note(use):
    """Expressions that are right are left alone; the shapes they give are torch's."""
    config = RNNConfig("gru", 10, 20, num_layers=2, bidirectional="-1]" not in use or "view" in use)
    from rnndims.diagnose.beliefs import results
    from rnndims.diagnose.uses import read_use

    seen = Observed(input=(5, 3, 10), uses=(use,))
    assert check_shapes(config, seen).notes == ()
    output, h_n = call(config, seen)
    assert read_use(use, config, results(config, seen)).shape == tuple(eval(use).shape)
    assert (output, h_n) is not None


def test_linear_follows_the_expression():
    """in_features is held against the expression that feeds the Linear, where one is given."""
    config = RNNConfig("gru", 10, 20, bidirectional=True)
    shape = (5, 3, 10)
    assert causes(config, input=shape, linear=40) == []
    assert causes(config, input=shape, linear=20, uses=("h_n[-1]",)) == []
    assert causes(config, input=shape, linear=40, uses=("h_n[-1]",)) == ["bidirectional_linear_mismatch"]
    assert causes(config, input=shape, linear=40, uses=("h_n.transpose(0, 1).reshape(3, -1)",)) == []
    assert causes(config, linear=20) == ["bidirectional_linear_mismatch"]


def test_shapes_as_people_write_them():
    """Every usual way to write a shape is understood, everything else is refused in one sentence."""
    for text in ("5,3,10", "(5, 3, 10)", "[5, 3, 10]", "torch.Size([5, 3, 10])", "5x3x10", "5, 3, 10,", " 5×3×10 "):
        assert parse_shape("input", text) == (5, 3, 10)
    assert parse_shape("input", "torch.Size([])") == ()
    assert parse_shape("input", "(7,)") == (7,)
    for text in ("", "5,,3", "-1,3", "a,b", "5 3", "1.5,2", "5;3", "9" * 30, ",", "(5", "5,3)", "٣,4", "1," * 100 + "1"):
        with pytest.raises(ConfigError):
            parse_shape("input", text)
    assert parse_dtype("input_dtype", "torch.double") == "float64"
    with pytest.raises(ConfigError):
        parse_dtype("input_dtype", "float65")


@pytest.mark.parametrize(
    "use", ["", "output[", "__import__('os')", "x[-1]", "output.data", "output[-1]" * 99, "output.view(7, 7)"]
)
def test_hostile_expressions(use):
    """An expression that cannot be followed is refused, never evaluated."""
    with pytest.raises(ConfigError):
        check_shapes(RNNConfig("gru", 10, 20), Observed(input=(5, 3, 10), uses=(use,)))
