"""check: the loss and its target, a decoder that begins with the states, dot attention, all compared with PyTorch."""

import random
import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn

from rnndims.config import RNNConfig
from rnndims.diagnose import Call, check_shapes

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

SIZES = (1, 2, 3, 5)


def build(config: RNNConfig) -> nn.Module:
    """The module of a configuration."""
    names = ["input_size", "hidden_size"]
    if not config.is_cell:
        names += ["num_layers", "batch_first", "bidirectional", *(["proj_size"] if config.cell == "lstm" else [])]
    return getattr(nn, config.class_name)(**{name: getattr(config, name) for name in names})


def run(config: RNNConfig, shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """What the module returns, by name."""
    first, rest = "h_1" if config.is_cell else "output", build(config)(torch.randn(shape))
    if config.is_cell:
        return {"h_1": rest[0], "c_1": rest[1]} if config.cell == "lstm" else {first: rest}
    output, state = rest
    return {"output": output, "h_n": state[0], "c_n": state[1]} if config.cell == "lstm" else {"output": output, "h_n": state}


def draw(rng: random.Random, **fixed) -> RNNConfig:
    """A random configuration with small sizes."""
    cell = fixed.pop("cell", None) or rng.choice(["rnn", "lstm", "gru"])
    is_cell = rng.random() < 0.15
    hidden = rng.choice(SIZES)
    more = {} if is_cell else {"num_layers": rng.choice([1, 2, 4]), "bidirectional": rng.random() < 0.5}
    if not is_cell and cell == "lstm" and hidden > 2 and rng.random() < 0.3:
        more["proj_size"] = rng.randrange(1, hidden)
    return RNNConfig(cell, rng.choice(SIZES), hidden, is_cell=is_cell, **{**more, **fixed})


def scores_of(rng: random.Random) -> tuple[RNNConfig, Call, torch.Tensor]:
    """A random module and call, and the tensor that the loss gets."""
    config = RNNConfig("gru", 2, rng.choice(SIZES), bidirectional=rng.random() < 0.3, batch_first=rng.random() < 0.5)
    shape = (rng.choice(SIZES), rng.choice(SIZES), 2)
    use, function = rng.choice(
        [
            (None, lambda output: output),
            (None, lambda output: output),
            ("output[-1]", lambda output: output[-1]),
            ("output[0, 0]", lambda output: output[0, 0]),
            ("output.unsqueeze(0)", lambda output: output.unsqueeze(0)),
            ("output.transpose(1, 2)", lambda output: output.transpose(1, 2)),
        ]
    )
    scores = function(run(config, shape)["output"])
    return config, Call(input=shape, uses=() if use is None else (use,)), scores


def verdict(function) -> tuple[str | None, bool]:
    """The message of an error, if there is one, and whether PyTorch warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            function()
        except (RuntimeError, ValueError, IndexError) as error:
            return str(error), False
    return None, bool(caught)


def near(rng: random.Random, shape: tuple[int, ...], classes: bool) -> tuple[int, ...]:
    """A target's shape, often one that fits."""
    kind = rng.random()
    if classes and kind < 0.4:
        return shape[:1] + shape[2:] if len(shape) > 1 else ()
    if kind < 0.6:
        return shape
    if kind < 0.7:
        return shape[:-1]
    return tuple(rng.choice(SIZES) for _ in range(rng.randint(0, 4)))


def test_cross_entropy_agrees_with_pytorch():
    """A target is accepted where PyTorch takes it as classes or as probabilities; the phrase that is quoted is PyTorch's."""
    rng, refused = random.Random(1), 0
    for _ in range(1500):
        config, call, scores = scores_of(rng)
        target = near(rng, tuple(scores.shape), classes=True)
        classes, _ = verdict(lambda s=scores, t=target: nn.CrossEntropyLoss()(s, torch.zeros(t, dtype=torch.long)))
        shares, _ = verdict(lambda s=scores, t=target: nn.CrossEntropyLoss()(s, torch.zeros(t)))
        found = check_shapes(config, Call(input=call.input, uses=call.uses, target=target, loss="ce"))
        assert bool(found.problems) == (classes is not None and shares is not None), (scores.shape, target, classes, shares)
        for problem in found.problems:
            refused += 1
            assert problem.torch is None or problem.torch in classes, (scores.shape, target, classes)
            if problem.fix and "criterion" in problem.fix:
                scope = {"criterion": nn.CrossEntropyLoss(), "torch": torch, "target": torch.zeros(target, dtype=torch.long)}
                exec(problem.fix, scope | run(config, call.input))
    assert refused > 300


def test_mean_squared_error_agrees_with_pytorch():
    """Shapes that PyTorch cannot broadcast are problems, and those that it broadcasts with a warning are warnings."""
    rng, counts = random.Random(2), [0, 0]
    for _ in range(1500):
        config, call, scores = scores_of(rng)
        target = near(rng, tuple(scores.shape), classes=False)
        error, warned = verdict(lambda s=scores, t=target: nn.MSELoss()(s, torch.zeros(t)))
        found = check_shapes(config, Call(input=call.input, uses=call.uses, target=target, loss="mse"))
        kinds = [caution.kind for caution in found.warnings]
        assert bool(found.problems) == (error is not None), (scores.shape, target, error)
        assert ("broadcast_target" in kinds) == warned, (scores.shape, target)
        counts[0] += bool(error)
        counts[1] += warned
        for each in (*found.problems, *found.warnings):
            if isinstance(getattr(each, "torch", None), str):
                assert each.torch == error
            if each.fix and each.fix.startswith("target"):
                scope = {"target": torch.zeros(target)}
                exec(each.fix, scope)
                assert scope["target"].shape == scores.shape
    assert min(counts) > 100


def test_ctc_agrees_with_pytorch():
    """log_probs and targets are accepted where PyTorch's CTCLoss takes them with full lengths."""
    rng, refused = random.Random(3), 0
    for _ in range(800):
        config, call, scores = scores_of(rng)
        if scores.ndim not in (2, 3):
            continue
        steps, batch = scores.shape[0], scores.shape[1] if scores.ndim == 3 else None
        target = rng.choice([(batch or 1, 1), (rng.choice(SIZES), 1), (batch or 1,), (rng.choice(SIZES),) * 3])
        sizes = (batch,) if batch is not None else ()
        once = 1 if len(target) == 2 or batch is not None else target[0]
        if len(target) == 1 and batch is not None:
            target = (batch,)
        lengths = torch.full(sizes, steps), torch.full(sizes, min(once, target[-1]))
        log_probs = scores.log_softmax(-1)
        error, _ = verdict(lambda s=log_probs, t=target, n=lengths: nn.CTCLoss()(s, torch.zeros(t, dtype=torch.long), *n))
        found = check_shapes(config, Call(input=call.input, uses=call.uses, target=target, loss="ctc"))
        if batch is None and len(target) == 2:
            continue  # one sequence with a target (1, S): PyTorch reads it, but a target (S) is what its documentation asks for
        assert bool(found.problems) == (error is not None), (scores.shape, target, error, found.problems)
        for problem in found.problems:
            refused += 1
            assert problem.torch is None or problem.torch in error
    assert refused > 100


@pytest.mark.parametrize(
    ("loss", "target", "kind"),
    [("ce", (3, 20), "steps_read_as_classes"), ("ctc", (5, 2), "batch_read_as_time"), ("mse", (3, 5, 1), "broadcast_target")],
)
def test_what_a_loss_reads_wrongly_is_a_warning(loss, target, kind):
    """What the loss takes without a word, and reads as something else, is a warning."""
    found = check_shapes(RNNConfig("gru", 4, 20, batch_first=True), Call(input=(3, 5, 4), target=target, loss=loss))
    assert found.fits
    assert [caution.kind for caution in found.warnings] == [kind]


@pytest.mark.parametrize(
    ("encoder", "decoder", "said", "fix"),
    [
        ("nn.LSTMCell(4, 5)", "nn.GRUCell(3, 5)", "the tuple (h_1, c_1)", "h_0 = h_1\nh_1 = cell(x, h_0)"),
        ("nn.GRUCell(4, 5)", "nn.LSTMCell(3, 5)", "returns h_1 alone", "h_0 = h_1\nc_0 = torch.zeros_like(h_0)"),
        ("nn.GRU(4, 5)", "nn.LSTM(3, 5)", "returns h_n alone", "h_0 = h_n\nc_0 = torch.zeros_like(h_0)"),
    ],
)
def test_states_of_another_kind_are_named(invoke, encoder, decoder, said, fix):
    """What a cell returns has a cell's names, and two equal shapes are not held against each other."""
    shape = "3,4" if "Cell" in encoder else "5,3,4"
    problem = invoke("check", encoder, "--input", shape, "--decoder", decoder, "--json").json["problems"][0]
    assert said in problem["message"]
    assert problem["fix"].startswith(fix)
    assert (problem["expected"], problem["got"]) == (None, None)


def test_one_row_is_no_rows():
    """A target of one row is one in words too."""
    for rows, said in [(1, "has 1 row."), (2, "has 2 rows.")]:
        problem = check_shapes(RNNConfig("gru", 4, 20), Call(input=(5, 3, 4), target=(rows, 2), loss="ctc")).problems[0]
        assert problem.message.endswith(said)


def test_a_linear_of_unknown_outputs_is_no_false_alarm():
    """With in_features alone, only what fails for every number of outputs is a problem."""
    config, call = RNNConfig("gru", 4, 20), {"input": (3, 5, 4), "linear": 20}
    for target, loss in [((3, 7), "ce"), ((3, 5, 9), "ce"), ((3, 5, 7), "mse")]:
        assert check_shapes(config, Call(**call, target=target, loss=loss)).fits, target
    for target, loss in [((3, 5), "ce"), ((4, 5), "ce"), ((3, 6, 7), "mse")]:
        assert not check_shapes(config, Call(**call, target=target, loss=loss)).fits, target


def test_a_decoder_agrees_with_pytorch():
    """The encoder's states are accepted where the decoder takes them, else the fix makes it take them."""
    rng, refused = random.Random(4), 0
    for _ in range(700):
        encoder, decoder = draw(rng), draw(rng)
        if rng.random() < 0.4:
            decoder = RNNConfig(
                encoder.cell,
                3,
                encoder.hidden_size,
                is_cell=encoder.is_cell,
                num_layers=encoder.num_layers,
                bidirectional=encoder.bidirectional,
                proj_size=encoder.proj_size,
            )
        batch = 3
        shape = (batch, encoder.input_size) if encoder.is_cell else (4, batch, encoder.input_size)
        results = run(encoder, shape)
        states = tuple(results[name] for name in ("h_1", "c_1", "h_n", "c_n") if name in results)
        x = torch.randn((batch, decoder.input_size) if decoder.is_cell else (1, batch, decoder.input_size))
        module = build(decoder)
        error = None
        try:
            module(x, states[0] if len(states) == 1 else states)
        except Exception as raised:  # noqa: BLE001 - whatever PyTorch raises means that it does not fit
            error = str(raised)
        found = check_shapes(encoder, Call(input=shape, decoder=decoder))
        same_size = encoder.D != decoder.D and not encoder.is_cell and not decoder.is_cell and error is None
        assert bool(found.problems) == (error is not None or same_size), (encoder, decoder, error)
        for problem in found.problems:
            refused += 1
            assert problem.torch is None or problem.torch == error, (encoder, decoder)
            scope = {"torch": torch, "nn": nn, "x": x, "cell" if decoder.is_cell else decoder.cell: module} | results
            exec(problem.fix, scope)
    assert refused > 300


def test_attention_agrees_with_pytorch():
    """Dot attention fits where PyTorch multiplies, with the code of the note; else the fix makes it fit."""
    rng, counts = random.Random(5), [0, 0]
    for _ in range(300):
        encoder = draw(rng)
        if encoder.is_cell:
            continue
        encoder = replace(encoder, batch_first=rng.random() < 0.5)
        decoder = None if rng.random() < 0.4 else draw(rng)
        batch = 3
        unbatched = rng.random() < 0.2
        shape = (4, encoder.input_size) if unbatched else (batch, 4, encoder.input_size)
        if not encoder.batch_first and not unbatched:
            shape = (4, batch, encoder.input_size)
        output = run(encoder, shape)["output"]
        asking = decoder or encoder
        rest = (asking.input_size,) if unbatched else (batch, asking.input_size)
        if decoder is None:
            states = run(encoder, shape)
        else:
            first = () if asking.is_cell else (4,)
            turned = (
                (batch, 4, asking.input_size)
                if asking.batch_first and not unbatched and not asking.is_cell
                else (*first, *rest)
            )
            states = run(asking, turned)
        found = check_shapes(encoder, Call(input=shape, decoder=decoder, attention=True))
        problems = [problem for problem in found.problems if problem.tensor == "h_n"]
        notes = [note for note in found.notes if note.startswith("Dot attention")]
        assert len(problems) + len(notes) == 1
        scope = {"torch": torch, "nn": nn, **states, "output": output}
        exec(problems[0].fix if problems else notes[0].partition(": ")[2], scope)
        assert scope["scores"].numel() == 4 * (1 if unbatched else batch)
        width = encoder.D * encoder.H_out
        assert bool(problems) == (states["h_1" if asking.is_cell else "h_n"].shape[-1] != width)
        counts[bool(problems)] += 1
    assert min(counts) > 20


def test_options_of_the_command_line(invoke):
    """The options reach the check, in words that name them, and what does not go together is refused."""
    module, shape = "nn.LSTM(10, 20, batch_first=True)", ("--input", "3,5,10")
    answer = invoke("check", module, *shape, "--linear", "20", "--target", "3,5", "--loss", "ce", "--json").json
    assert [problem["tensor"] for problem in answer["problems"]] == ["target"]
    assert invoke("check", module, *shape, "--decoder", "nn.LSTM(7, 20)").code == 0
    assert invoke("check", module, *shape, "--decoder", "nn.GRU(7, 20)").code == 1
    assert invoke("check", module, *shape, "--attention").code == 0
    alone = invoke("check", module, *shape, "--target", "3,5")
    assert (alone.code, "--loss" in alone.err) == (2, True)
    cell = invoke("check", "nn.LSTMCell(10, 20)", "--input", "3,10", "--attention")
    assert (cell.code, "Remove --attention" in cell.err) == (2, True)


def test_shapes_beside_an_unknown_message_are_checked(invoke):
    """Beside a message that is unknown the shapes are checked all the same, and the message is named in a note."""
    answer = invoke("check", "nn.LSTM(4, 5)", "--input", "3,2,6", "--error", "KeyError: 'lstm'", "--json")
    assert answer.code == 1
    assert [problem["cause"] for problem in answer.json["problems"]] == ["input_feature_mismatch"]
    assert any("KeyError: 'lstm'" in note for note in answer.json["notes"])
    assert invoke("check", "nn.LSTM(4, 5)", "--input", "3,2,4", "--error", "KeyError: 'lstm'").code == 0
    assert invoke("check", "nn.LSTM(4, 5)", "--error", "KeyError: 'lstm'").code == 2


def test_padding_beyond_the_longest_length():
    """An expected output with the steps of the padded input needs total_length; the fix returns that shape."""
    for batch_first in (False, True):
        config = RNNConfig("gru", 10, 20, batch_first=batch_first)
        shape, want = ((4, 9, 10), (4, 9, 20)) if batch_first else ((9, 4, 10), (9, 4, 20))
        problem = check_shapes(config, Call(input=shape, lengths=(5, 3, 2, 1), output=want)).problems[0]
        packed = nn.utils.rnn.pack_padded_sequence(torch.randn(shape), [5, 3, 2, 1], batch_first=batch_first)
        scope = {"nn": nn, "output": build(config)(packed)[0]}
        exec(problem.fix, scope)
        assert scope["output"].shape == want
