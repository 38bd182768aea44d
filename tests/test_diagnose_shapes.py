"""check: verdicts and the tensor named, against PyTorch itself, over shapes that fit and shapes that nearly do."""

import random
import re
from dataclasses import replace

import pytest
import torch
from check_oracle import compare, is_undefined, run_module
from random_calls import mutate, mutate_lengths, pack, random_config, right_shapes
from torch_version import says_as_2_13

from rnndims.config import RNNConfig
from rnndims.diagnose import Call, check_shapes
from rnndims.diagnose.torch_phrases import DROPOUT_OF_ONE_LAYER


@says_as_2_13
@pytest.mark.parametrize("seed", range(4))
def test_layers_agree_with_pytorch(seed):
    """Accepted or refused, and the tensor named first, are PyTorch's for right shapes and for mutated ones."""
    rng = random.Random(seed)
    verdicts = {True: 0, False: 0}
    for _ in range(450):
        config = random_config(rng)
        call = right_shapes(rng, config)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            call = mutate(rng, call)
        verdicts[compare(config, call).ok] += 1
    assert min(verdicts.values()) > 80


def test_cells_agree_with_pytorch():
    """The same for RNNCell, LSTMCell and GRUCell."""
    rng = random.Random(13)
    for _ in range(1000):
        config = random_config(rng, is_cell=True)
        call = right_shapes(rng, config)
        for _ in range(rng.choice([0, 1, 1, 2])):
            call = mutate(rng, call)
        if not is_undefined(config, call):
            compare(config, call)


@pytest.mark.parametrize(
    ("config", "call"),
    [
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(10,), h_0=(20,), c_0=(20, 20))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(10,), h_0=(2, 20))),
        (RNNConfig("rnn", 10, 20, is_cell=True), Call(input=(10,), h_0=(20, 20))),
        (RNNConfig("lstm", 10, 20), Call(input=(5, 3, 10), lengths=(5, 3, 2), h_0=(1, 3, 20), c_0=(3, 3, 20))),
        (RNNConfig("lstm", 10, 20), Call(input=(5, 3, 10), lengths=(2, 3, 5), h_0=(1, 4, 20), c_0=(1, 4, 20))),
        (RNNConfig("gru", 10, 20), Call(input=(5, 3, 10), lengths=(2, 5))),
        (RNNConfig("lstm", 3, 2), Call(input=(4, 3), h_0=(2, 1, 2))),
        (RNNConfig("lstm", 10, 20), Call(input=(5, 3, 10), lengths=(2, 5, 3), h_0=(2, 1, 3, 20))),
        (RNNConfig("lstm", 4, 3, proj_size=2), Call(input=(2, 2, 4), h_0=(1, 2, 2), c_0=(1, 2, 1), lengths=(2, 1))),
    ],
)
def test_accepted_by_accident(config, call):
    """Wrong shapes that PyTorch happens to accept are accepted too, with a warning, so not all is well."""
    diagnosis = compare(config, call)
    assert diagnosis.warnings
    assert not diagnosis.ok


def test_a_state_beside_a_single_vector_is_broadcast_or_taken_apart():
    """A cell repeats a 2-D state beside 1-D input; a bare one of an LSTM is two states, and its mistakes are named once."""
    rnn, lstm = RNNConfig("rnn", 10, 20, is_cell=True), RNNConfig("lstm", 10, 20, is_cell=True)
    assert [each.kind for each in check_shapes(rnn, Call(input=(10,), h_0=(20, 20))).warnings] == ["broadcast_state"]
    assert [each.kind for each in check_shapes(lstm, Call(input=(10,), h_0=(2, 20))).warnings] == ["state_taken_apart"]
    wrong = check_shapes(lstm, Call(input=(11,), h_0=(2, 21))).problems
    assert [(each.tensor, each.cause) for each in wrong] == [
        ("input", "input_feature_mismatch"),
        ("h_0", "lstm_tuple_expected"),
    ]


@pytest.mark.parametrize(
    ("tensor", "width", "advice"),
    [
        ("h_0", 21, "hidden_size=21"),
        ("h_0", 0, None),
        ("c_0", 6, "hidden_size=6"),
        ("c_0", 4, None),
        ("h_0", 19, "proj_size=19"),
        ("h_0", 25, None),
    ],
)
def test_another_module_is_advised_only_if_pytorch_has_it(tensor, width, advice):
    """A module that fits the state is advised where it can be built: with a projection, hidden_size is larger than that."""
    projects = tensor == "c_0" or width in (19, 25)
    config = RNNConfig("lstm", 10, 20, proj_size=4) if projects else RNNConfig("lstm", 10, 20)
    shapes = {"h_0": (1, 3, config.H_out), "c_0": (1, 3, 20), tensor: (1, 3, width)}
    (problem,) = check_shapes(config, Call(input=X, **shapes)).problems
    assert (problem.tensor, problem.cause) == (tensor, "hidden_size_vs_proj")
    assert problem.advice == (advice and f"Or build the module with {advice}.")


def test_late_complaints_come_last():
    """A 2-D state beside a cell's 1-D input is found by the matrix product, after the checks of the other state."""
    config = RNNConfig("lstm", 3, 1, is_cell=True)
    found = check_shapes(config, Call(input=(3,), h_0=(1, 3), c_0=(3, 1)))
    assert [problem.tensor for problem in found.problems] == ["c_0", "h_0"]
    with pytest.raises(RuntimeError, match="hidden1 has inconsistent hidden_size"):
        run_module(config, Call(input=(3,), h_0=(1, 3), c_0=(3, 1)))


@pytest.mark.parametrize("seed", range(3))
def test_packed_batches_agree_with_pytorch(seed):
    """The same for packed batches, whose lengths may be wrong too; where PyTorch may crash, both are refused."""
    rng = random.Random(seed)
    verdicts = {True: 0, False: 0}
    for _ in range(500):
        config = random_config(rng)
        call = pack(rng, config, right_shapes(rng, config))
        for _ in range(rng.choice([0, 1, 1, 2, 3]) if call.lengths else 0):
            call = mutate_lengths(rng, call) if rng.random() < 0.4 else mutate(rng, call)
        if not is_undefined(config, call):
            verdicts[compare(config, call).ok] += 1
    assert min(verdicts.values()) > 80


DTYPES = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int64", "bool"]


@says_as_2_13
def test_dtypes_agree_with_pytorch():
    """Any dtype of the input beside any of the weights is judged as PyTorch judges it, and in its words."""
    rng = random.Random(2)
    verdicts = {True: 0, False: 0}
    for number in range(300):
        config = random_config(rng, is_cell=number % 3 == 0)
        if config.cell == "rnn" and rng.random() < 0.5:
            config = replace(config, nonlinearity="relu")
        call = right_shapes(rng, config)
        call = pack(rng, config, call) if number % 3 == 1 else call
        weights = rng.choice(DTYPES[:6])
        call = replace(call, enforce_sorted=None, weight_dtype=weights, input_dtype=rng.choice([*DTYPES, weights, weights]))
        if is_undefined(config, call) or 0 in call.input:
            continue
        verdicts[compare(config, call).ok] += 1
    assert min(verdicts.values()) > 60


def test_states_alone_are_judged_by_whether_an_input_fits():
    """Where no input is stated, states fit exactly if PyTorch accepts them beside some input."""
    rng = random.Random(3)
    verdicts = {True: 0, False: 0}
    for number in range(400):
        config = random_config(rng, is_cell=number % 3 == 0)
        call = right_shapes(rng, config)
        for _ in range(rng.choice([0, 1, 1, 2])):
            call = mutate(rng, call)
        states = Call(h_0=call.h_0, c_0=call.c_0)
        if not states.states or (config.cell == "lstm" and (call.h_0 is None or call.c_0 is None)):
            continue  # a bare tensor is a mistake, whatever it stands beside
        inputs = [(config.input_size,)] if config.is_cell else [(2, config.input_size)]
        for batch in {size for shape in states.states.values() for size in shape}:
            batched = (batch, 2) if config.batch_first else (2, batch)
            inputs.append((*((batch,) if config.is_cell else batched), config.input_size))
        calls = [replace(states, input=shape) for shape in inputs]
        if any(is_undefined(config, each) for each in calls):
            continue
        fits = any(runs(config, each) for each in calls)
        assert check_shapes(config, states).fits == fits, (config, states)
        verdicts[fits] += 1
    assert min(verdicts.values()) > 50


def test_a_bare_state_without_input_says_where_pytorch_takes_it_apart():
    """A bare state that unbatched input would make two of is a problem all the same, and the message says so."""
    alone = check_shapes(RNNConfig("lstm", 1, 1, num_layers=2), Call(h_0=(2, 2, 1))).problems[0]
    assert (alone.tensor, alone.cause) == ("h_0", "lstm_tuple_expected")
    assert "Beside 2-D input PyTorch uses row 0 of it as h_0 and row 1 as c_0" in alone.message
    for other in (Call(h_0=(2, 3, 1)), Call(input=(3, 2, 1), h_0=(2, 2, 1)), Call(c_0=(2, 2, 1))):
        assert "2-D input" not in check_shapes(RNNConfig("lstm", 1, 1, num_layers=2), other).problems[0].message


EXPECTED_BESIDE = [
    (Call(input=(5, 3, 12), h_n=(2, 4, 20)), {"h_n"}),  # the batch is 3, whatever the features are
    (Call(input=(5, 10, 3), h_n=(2, 3, 20)), set()),  # after x.transpose(1, 2) the batch is 3
    (Call(input=(5, 10, 3), output=(5, 3, 20)), set()),
    (Call(input=(5, 10, 3), output=(5, 3, 21)), {"output"}),
    (Call(input=(3, 12), output=(3, 4, 20), h_n=(2, 3, 20)), set()),  # 2-D input may lack a dim
    (Call(input=(3, 12), output=(3, 4, 40), h_n=(3, 3, 20)), {"output", "h_n"}),
    (Call(input=(3, 12), output=(3,), h_n=(2, 1, 3, 20)), {"output", "h_n"}),
    (Call(input=(5, 3, 12), lengths=(5, 3, 1), output=(4, 3, 20), h_n=(2, 7, 20)), set()),
    (Call(input=(5, 3, 12), lengths=(5, 3, 1), output=(5, 20)), {"output"}),
]


@pytest.mark.parametrize(("call", "wrong"), EXPECTED_BESIDE)
def test_expectations_beside_a_refused_call(call, wrong):
    """Where the layout of a refused input is in doubt, only what no input gives is called wrong."""
    problems = check_shapes(RNNConfig("gru", 10, 20, num_layers=2), call).problems
    assert problems[0].tensor == "input"
    assert {problem.tensor for problem in problems[1:]} == wrong


def runs(config: RNNConfig, call: Call) -> bool:
    """Whether PyTorch accepts a call."""
    try:
        run_module(config, call)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError):
        return False
    return True


LSTM, GRU = RNNConfig("lstm", 10, 20, num_layers=2), RNNConfig("gru", 10, 20)
X = (5, 3, 10)


@says_as_2_13
@pytest.mark.filterwarnings("ignore:Complex modules")
@pytest.mark.parametrize(
    ("config", "call"),
    [
        (GRU, Call(input=(5, 3, 2, 10))),
        (RNNConfig("rnn", 10, 20), Call(input=(10,))),
        (GRU, Call(input=(5, 3, 11))),
        (GRU, Call(input=(0, 3, 10))),
        (GRU, Call(input=X, input_dtype="float64")),
        (GRU, Call(input=X, h_0=(1, 20))),
        (GRU, Call(input=X, h_0=(1, 4, 20))),
        (GRU, Call(input=X, h_0=(1, 3, 20), c_0=(1, 3, 20))),
        (GRU, Call(input=(5, 10), h_0=(2, 20))),
        (LSTM, Call(input=X, h_0=(2, 3), c_0=(2, 3))),
        (LSTM, Call(input=X, h_0=(2, 3, 20), c_0=(2, 3, 21))),
        (LSTM, Call(input=X, c_0=(2, 3, 20))),
        (LSTM, Call(input=X, h_0=())),
        (LSTM, Call(input=X, h_0=(1, 3, 20))),
        (LSTM, Call(input=X, h_0=(2, 3, 20))),
        (LSTM, Call(input=X, h_0=(2, 2, 3, 20))),
        (LSTM, Call(input=X, h_0=(2, 2, 4, 20))),
        (GRU, Call(input=(10,), lengths=(1,))),
        (GRU, Call(input=(0,), lengths=())),
        (GRU, Call(input=(0,), lengths=(1,))),
        (GRU, Call(input=(0,), lengths=(1,), enforce_sorted=False)),
        (RNNConfig("rnn", 10, 20, nonlinearity="relu"), Call(input=X, lengths=(6, 1, 1), weight_dtype="complex64")),
        (GRU, Call(input=X, lengths=())),
        (GRU, Call(input=X, lengths=(5, 3))),
        (GRU, Call(input=X, lengths=(), enforce_sorted=False)),
        (GRU, Call(input=(5, 0, 10), lengths=())),
        (GRU, Call(input=X, lengths=(1, 2, 3, 4))),
        (replace(GRU, batch_first=True), Call(input=X, lengths=(1, 2, 3, 4, 5, 6))),
        (GRU, Call(input=X, lengths=(1, 5, 4), h_0=(1, 1, 20))),
        (GRU, Call(input=X, lengths=(5, 3, 0))),
        (GRU, Call(input=X, lengths=(3, 5, 1), enforce_sorted=True)),
        (GRU, Call(input=X, lengths=(6, 5, 1))),
        (GRU, Call(input=(5, 3), lengths=(5, 4, 1))),
        (GRU, Call(input=X, lengths=(5, 4, 1), h_0=(1, 4, 20))),
        (GRU, Call(input=X, lengths=(5, 4, 1), h_0=(1, 3, 20), c_0=(1, 3, 20))),
        (GRU, Call(input=(5, 3, 11), lengths=(6, 4, 1))),
        (GRU, Call(input=X, lengths=(6, 4, 1), input_dtype="float64")),
        (GRU, Call(input=(5, 3), lengths=(5, 4, 1), input_dtype="float64")),
        (GRU, Call(input=X, lengths=(1, 0, 2), enforce_sorted=True)),
        (LSTM, Call(input=X, lengths=(5, 4, 1), h_0=(2, 3, 20))),
        (LSTM, Call(input=X, lengths=(1, 4, 5), h_0=(2, 3, 20))),
        (LSTM, Call(input=X, lengths=(5, 4, 1), c_0=(2, 3, 20))),
        (LSTM, Call(input=X, lengths=(1, 4, 5), c_0=(2, 3, 20))),
        (GRU, Call(input=X, lengths=(1, 4, 5), h_0=(1, 2, 20))),
        (GRU, Call(input=X, lengths=(1, 4, 5), h_0=(1, 3, 20), c_0=(1, 3, 20))),
        (GRU, Call(input=X, lengths=(1, 4, 5), h_0=(20,))),
        (LSTM, Call(input=(5, 3, 11), lengths=(5, 4, 1))),
        (LSTM, Call(input=X, lengths=(5, 4, 1), input_dtype="float64")),
        (replace(LSTM, bias=False), Call(input=X, lengths=(5, 4, 1), input_dtype="float64")),
        (LSTM, Call(input=X, lengths=(5, 4, 1), h_0=(1, 3, 20), c_0=(1, 3, 20))),
        (replace(LSTM, bidirectional=True), Call(input=X, lengths=(5, 4, 1), h_0=(1, 3, 20), c_0=(1, 3, 20))),
        (LSTM, Call(input=X, lengths=(5, 4, 1), h_0=(2, 3, 21), c_0=(2, 3, 21))),
        (LSTM, Call(input=X, lengths=(5, 4, 1), h_0=(2, 3, 21), c_0=(2, 3, 20))),
        (replace(LSTM, proj_size=5), Call(input=X, lengths=(5, 4, 1), h_0=(2, 3, 20), c_0=(2, 3, 20))),
        (replace(GRU, is_cell=True), Call(input=X)),
        (replace(GRU, is_cell=True), Call(input=(3, 11))),
        (replace(GRU, is_cell=True), Call(input=(3, 10), h_0=(3, 21))),
        (replace(GRU, is_cell=True), Call(input=(3, 10), h_0=(4, 20))),
        (replace(GRU, is_cell=True), Call(input=(3, 10), h_0=(1, 3, 20))),
        (replace(GRU, is_cell=True), Call(input=(3, 10), h_0=(3,))),
        (replace(GRU, is_cell=True), Call(input=(10,), h_0=(3, 20))),
        (RNNConfig("rnn", 10, 20, is_cell=True), Call(input=(10,), h_0=(20, 21), input_dtype="float64")),
        (RNNConfig("rnn", 10, 20, bias=False, is_cell=True), Call(input=(10,), h_0=(20, 19), input_dtype="float64")),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(10,), h_0=(1, 20))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(11,), h_0=(2, 21))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(3, 20))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(3, 10), h_0=())),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(3, 20), c_0=(4, 20))),
        (RNNConfig("lstm", 10, 20, is_cell=True), Call(input=(3, 10), h_0=(3, 20), c_0=(1, 3, 20))),
    ],
)
def test_quotes_are_pytorchs_words(config, call):
    """What check quotes for a call is, word for word, a part of what PyTorch raises for it."""
    quote = check_shapes(config, call).problems[0].torch
    assert quote is not None
    with pytest.raises((RuntimeError, ValueError, IndexError, TypeError, AttributeError)) as raised:
        run_module(config, call)
    assert quote in str(raised.value)


@says_as_2_13
@pytest.mark.filterwarnings("ignore:Complex modules")
def test_complex_dropout_runs_in_eval_mode_alone():
    """Dropout between complex layers fails in training, as the note says and quotes it."""
    config = replace(LSTM, dropout=0.5)
    (note,) = check_shapes(config, Call(input=X, weight_dtype="complex64")).notes
    module = torch.nn.LSTM(10, 20, 2, dropout=0.5, dtype=torch.complex64)
    with pytest.raises(NotImplementedError) as raised:
        module(torch.zeros(X, dtype=torch.complex64))
    assert str(raised.value) in note
    assert module.eval()(torch.zeros(X, dtype=torch.complex64))[0].shape == (5, 3, 20)
    for other in (Call(input=X), Call(input=X, weight_dtype="float64")):
        assert check_shapes(config, other).notes == ()
    assert check_shapes(LSTM, Call(input=X, weight_dtype="complex64")).notes == ()


def test_the_quoted_warning_is_pytorchs():
    """The note about dropout with one layer quotes what PyTorch warns of when the module is built."""
    with pytest.warns(UserWarning, match=re.escape(DROPOUT_OF_ONE_LAYER)):
        torch.nn.GRU(10, 20, dropout=0.5)
    (note,) = check_shapes(replace(GRU, dropout=0.5), Call(input=X)).notes
    assert DROPOUT_OF_ONE_LAYER in note
