"""What PyTorch accepts is accepted and what it rejects is rejected: RNNConfig and DataConfig against the real constructors."""

import random
import warnings
from dataclasses import FrozenInstanceError
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence
from torch_version import says_as_2_13

from rnndims import ConfigError, DataConfig, RNNConfig, dims
from rnndims.config import check_dtype

NAN = float("nan")
SIZES: list[Any] = [1, 4, 7, 0, -1, 2.0, 0.0, "4", None, True, False, np.int64(4), np.float32(4), np.bool_(True), Fraction(4)]
POOLS: dict[str, list[Any]] = {
    "input_size": SIZES,
    "hidden_size": SIZES,
    "num_layers": [1, 2, 5, 0, -1, 1.5, np.int64(2), np.float64(2)],
    "bias": [True, False, 1, 0, None, np.bool_(False), 0.0],
    "batch_first": [True, False, 1, 0, None, np.bool_(True)],
    "dropout": [
        *(0, 0.0, 0.5, 1, 1.0, -0.1, 1.1, True, "0.5", NAN, None, float("inf")),
        *(
            np.float32(0.5),
            np.float64(0.5),
            np.int64(1),
            np.bool_(True),
            Fraction(1, 2),
            Fraction(3, 2),
            Decimal("0.5"),
            0.5j,
        ),
    ],
    "bidirectional": [True, False],
    "proj_size": [
        *(0, 1, 2, 3, 4, 7, -1, 0.0, 1.0, False, True, NAN, np.int64(0), np.int64(2)),
        *(np.float64(0), np.float64(2), np.bool_(False), Fraction(0), Fraction(1), 0j),
    ],
    "nonlinearity": ["tanh", "relu"],
}
OF_CELLS = ("input_size", "hidden_size", "bias", "nonlinearity")


def build(cell: str, is_cell: bool, arguments: dict[str, Any]) -> Exception | None:
    """What PyTorch's constructor raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            getattr(torch.nn, cell.upper() + ("Cell" if is_cell else ""))(**arguments, device="meta")
        except (ValueError, TypeError, RuntimeError, OverflowError) as error:
            return error
    return None


def configure(cell: str, is_cell: bool, arguments: dict[str, Any]) -> ConfigError | None:
    """What RNNConfig raises."""
    try:
        RNNConfig(cell, is_cell=is_cell, **arguments)  # type: ignore[arg-type]
    except ConfigError as error:
        return error
    return None


@says_as_2_13
def test_single_arguments_are_judged_as_by_pytorch():
    """Every value of every argument, alone, is accepted by RNNConfig exactly where the constructor accepts it."""
    for cell in ("rnn", "lstm", "gru"):
        for is_cell in (False, True):
            for name, pool in POOLS.items():
                foreign = (name == "nonlinearity" and cell != "rnn") or (name == "proj_size" and cell != "lstm")
                if foreign or (is_cell and name not in OF_CELLS):
                    continue
                for value in pool:
                    arguments = {"input_size": 4, "hidden_size": 4, name: value}
                    theirs, ours = build(cell, is_cell, arguments), configure(cell, is_cell, arguments)
                    assert (ours is None) == (theirs is None), (cell, is_cell, name, value, theirs, ours)


@says_as_2_13
def test_random_arguments_are_judged_as_by_pytorch():
    """Random combinations are accepted exactly where the constructor accepts them."""
    rng = random.Random(0)
    accepted = 0
    for _ in range(1500):
        cell, is_cell = rng.choice(["rnn", "lstm", "gru"]), rng.random() < 0.3
        arguments: dict[str, Any] = {"input_size": rng.randint(1, 6), "hidden_size": rng.randint(1, 6)}
        for name in rng.sample(sorted(POOLS), rng.randint(0, 4)):
            foreign = (name == "nonlinearity" and cell != "rnn") or (name == "proj_size" and cell != "lstm")
            if not foreign and (not is_cell or name in OF_CELLS):
                arguments[name] = rng.choice(POOLS[name][:3] if rng.random() < 0.7 else POOLS[name])
        theirs, ours = build(cell, is_cell, arguments), configure(cell, is_cell, arguments)
        assert (ours is None) == (theirs is None), (cell, is_cell, arguments, theirs, ours)
        accepted += theirs is None
    assert 400 < accepted < 1400


WRONG: dict[str, list[Any]] = {
    "input_size": [2.0, "4", None, 0, -1, [], Fraction(4), np.float32(4), True],
    "hidden_size": [2.0, "4", None, 0, -1, [], Fraction(4), True],
    "num_layers": [0, -1, 1.5, -0.5, "2", None, np.float64(2), []],
    "bias": [1, 0, None, "no", np.bool_(True)],
    "batch_first": [1, 0, None, "no"],
    "dropout": [None, "0.5", "a", "", 1.5, -1, True, 1j, [], 10**400, NAN],
    "proj_size": [-1, 4, 1.0, 0.0, "1", None, True, NAN],
    "nonlinearity": ["gelu", "", True],
}
"""Wrong values for each argument."""

NAMED_BY_SIGN = {
    "'<='": "num_layers",
    "'<'": "proj_size",
    "float": "dropout",
    "dropout": "dropout",
    "nonlinearity": "nonlinearity",
}
"""What tells the argument in a complaint of PyTorch that does not begin with its name."""


def named(complaint: str) -> str | None:
    """The argument that a complaint of PyTorch is about, where it says so."""
    found = [name for name in WRONG if complaint.startswith(name)]
    if complaint.startswith(("empty()", "Trying")) or "interpreted" in complaint:
        return None
    return found[0] if found else next((name for sign, name in NAMED_BY_SIGN.items() if sign in complaint), None)


@says_as_2_13
def test_of_several_wrong_arguments_the_first_complaint_is_pytorchs():
    """Of one to three wrong arguments RNNConfig names that of which PyTorch complains first, and quotes its words."""
    rng = random.Random(1)
    for _ in range(4000):
        cell, is_cell = rng.choice(["rnn", "lstm", "gru"]), rng.random() < 0.3
        arguments: dict[str, Any] = {"input_size": 4, "hidden_size": 4}
        for name in rng.sample(sorted(WRONG), rng.randint(1, 3)):
            if (name != "nonlinearity" or cell == "rnn") and (not is_cell or name in OF_CELLS):
                arguments[name] = rng.choice(WRONG[name])
        theirs, ours = build(cell, is_cell, arguments), configure(cell, is_cell, arguments)
        if theirs is None:  # of an nn.RNNCell's nonlinearity only a call complains
            assert ours is None or ours.field == "nonlinearity", (cell, is_cell, arguments, ours)
            continue
        assert ours is not None, (cell, is_cell, arguments, theirs)
        assert ours.torch is not None, (cell, is_cell, arguments, theirs)
        assert ours.torch.lower() in str(theirs).lower(), (cell, is_cell, arguments, theirs, ours)
        assert named(str(theirs)) in (None, ours.field), (cell, is_cell, arguments, theirs, ours)


QUOTED = [
    ("lstm", {"hidden_size": 0}),
    ("rnn", {"num_layers": 0}),
    ("gru", {"num_layers": -1}),
    ("gru", {"dropout": 1.5}),
    ("lstm", {"dropout": "0.5"}),
    ("lstm", {"proj_size": 8}),
    ("lstm", {"proj_size": -1}),
    ("rnn", {"batch_first": 1}),
    ("rnn", {"bias": 0}),
    ("rnn", {"hidden_size": 2.0}),
]


@says_as_2_13
@pytest.mark.parametrize(("cell", "arguments"), QUOTED)
def test_messages_quote_pytorchs_own_phrase(cell, arguments):
    """The phrase in quotation marks is really part of the message PyTorch raises."""
    arguments = {"input_size": 4, "hidden_size": 8, **arguments}
    theirs, ours = build(cell, False, arguments), configure(cell, False, arguments)
    assert ours is not None
    assert ours.torch is not None
    assert ours.torch.lower() in str(theirs).lower()


@pytest.mark.parametrize(
    ("cell", "arguments"),
    [
        ("gru", {"nonlinearity": "relu"}),
        ("gru", {"nonlinearity": "tanh"}),
        ("lstm", {"nonlinearity": "tanh"}),
        ("rnn", {"proj_size": 2}),
    ],
)
def test_arguments_of_other_classes_are_rejected(cell, arguments):
    """proj_size is LSTM's and nonlinearity is RNN's: PyTorch and RNNConfig both refuse them elsewhere."""
    theirs = build(cell, False, {"input_size": 4, "hidden_size": 8, **arguments})
    ours = configure(cell, False, {"input_size": 4, "hidden_size": 8, **arguments})
    assert theirs is not None
    assert ours is not None
    assert str(ours.torch) in str(theirs)


@pytest.mark.parametrize("option", ["num_layers", "batch_first", "dropout", "bidirectional", "proj_size"])
def test_a_cell_has_no_arguments_of_a_layer(option):
    """nn.LSTMCell takes none of the arguments of a layer, and neither does its configuration."""
    value: Any = {"num_layers": 2, "dropout": 0.5, "proj_size": 1}.get(option, True)
    assert isinstance(build("lstm", True, {"input_size": 4, "hidden_size": 8, option: value}), TypeError)
    ours = configure("lstm", True, {"input_size": 4, "hidden_size": 8, option: value})
    assert ours is not None
    assert ours.field == option


def feed(steps: int, batch: int | None, lengths: tuple[int, ...] | None) -> Exception | None:
    """What PyTorch raises when an nn.GRU is called with such data."""
    module = torch.nn.GRU(4, 2)
    try:
        x = torch.zeros(steps, 4) if batch is None else torch.zeros(steps, batch, 4)
        module(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False) if lengths is not None else x)
    except (ValueError, TypeError, RuntimeError, IndexError) as error:
        return error
    return None


@pytest.mark.parametrize(
    ("steps", "batch", "lengths"),
    [
        (3, 2, None),
        (0, 2, None),
        (3, 0, None),
        (1, 1, None),
        (3, None, None),
        (0, None, None),
        (3, 2, (3, 1)),
        (3, 2, (1, 3)),
        (5, 2, (3, 1)),
        (3, 2, (3, 0)),
        (3, 2, (3, -1)),
        (3, 2, (4, 1)),
        (3, 2, (3, 1, 2)),
        (3, 0, ()),
    ],
)
def test_data_is_judged_as_by_pytorch(steps, batch, lengths):
    """Sizes and lengths are accepted exactly where packing and running an nn.GRU accepts them."""
    theirs = feed(steps, batch, lengths)
    if batch is not None and lengths is not None and len(lengths) != batch:
        theirs = theirs or ValueError("fewer lengths than sequences, PyTorch drops the rest")
    try:
        DataConfig(steps, batch, batch is None, lengths)
    except ConfigError as error:
        assert theirs is not None, error
        if error.torch is not None and "lengths)" not in error.torch:
            assert error.torch.lower() in str(theirs).lower()
    else:
        assert theirs is None


MODULES: list[tuple[str, dict[str, Any]]] = [
    ("rnn", {}),
    ("rnn", {"nonlinearity": "relu"}),
    ("lstm", {}),
    ("lstm", {"proj_size": 1}),
    ("gru", {}),
    ("rnn", {"is_cell": True}),
    ("rnn", {"is_cell": True, "nonlinearity": "relu"}),
    ("lstm", {"is_cell": True}),
    ("gru", {"is_cell": True}),
]


def runs(cell: str, arguments: dict[str, Any], dtype: str) -> bool:
    """Whether PyTorch builds this module in this dtype and runs it."""
    is_cell, others = "is_cell" in arguments, {name: value for name, value in arguments.items() if name != "is_cell"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = torch.ones((3, 4) if is_cell else (3, 2, 4)).to(getattr(torch, dtype))
            getattr(torch.nn, cell.upper() + "Cell" * is_cell)(4, 2, **others, dtype=getattr(torch, dtype))(x)
    except (RuntimeError, TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("cell", "arguments"), MODULES)
def test_dtypes_are_those_the_modules_run_in(cell, arguments):
    """A dtype is accepted exactly where PyTorch runs this module in it, and its bytes are PyTorch's."""
    names = [name for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype)]
    assert len(names) > 20
    for name in names:
        try:
            data = DataConfig(dtype=name)
            check_dtype(RNNConfig(cell, 4, 2, **arguments), data.dtype)
        except ConfigError:
            assert not runs(cell, arguments, name), name
        else:
            assert runs(cell, arguments, name), name
            assert data.itemsize == getattr(torch, name).itemsize


@pytest.mark.parametrize("dtype", [["float32"], 32, None, "float31"])
def test_what_names_no_dtype_is_refused(dtype):
    """A dtype that is no text, or another text, is refused with the list of those that are."""
    with pytest.raises(ConfigError, match="must be one of float16, bfloat16, float32") as raised:
        DataConfig(dtype=dtype)
    assert raised.value.field == "dtype"


def test_a_dtype_that_only_builds_is_refused_in_pytorchs_words():
    """With relu a module can be built in a complex dtype and not run: ``dims`` of it quotes what PyTorch says at the call."""
    module = torch.nn.RNN(4, 2, nonlinearity="relu", dtype=torch.complex64)
    with pytest.raises(RuntimeError) as theirs:
        module(torch.ones(3, 2, 4, dtype=torch.complex64))
    with pytest.raises(ConfigError) as ours:
        dims(module)
    assert str(ours.value.torch) in str(theirs.value)


def test_from_module_reads_every_argument():
    """A configuration read off a module builds that module again."""
    rng = random.Random(1)
    for _ in range(60):
        cell, is_cell = rng.choice(["rnn", "lstm", "gru"]), rng.random() < 0.3
        arguments: dict[str, Any] = {"bias": rng.random() < 0.5}
        if not is_cell:
            arguments |= {name: rng.random() < 0.5 for name in ("batch_first", "bidirectional")}
            arguments |= {"num_layers": rng.randint(2, 3), "dropout": rng.choice([0.0, 0.25])}
            if cell == "lstm":
                arguments["proj_size"] = rng.choice([0, 2])
        if cell == "rnn":
            arguments["nonlinearity"] = rng.choice(["tanh", "relu"])
        module = getattr(torch.nn, cell.upper() + ("Cell" if is_cell else ""))(4, 3, **arguments)
        config = RNNConfig.from_module(module)
        assert config == RNNConfig(cell, 4, 3, is_cell=is_cell, **arguments)


def test_other_numbers_are_kept_as_plain_ones():
    """What a module was built with in NumPy's or other numbers is an int, a float or a bool in its configuration."""
    module = torch.nn.LSTM(4, 3, np.int64(2), dropout=Fraction(1, 2), proj_size=0.0)  # type: ignore[call-overload]
    config = RNNConfig.from_module(module)
    assert config == RNNConfig("lstm", 4, 3, 2, dropout=0.5)
    assert [type(value) for value in (config.num_layers, config.dropout, config.proj_size)] == [int, float, int]
    data = DataConfig(np.int64(5), np.int64(2), lengths=(np.int64(5), 3))  # type: ignore[arg-type]
    assert [type(value) for value in (data.seq_len, data.batch_size, *(data.lengths or ()))] == [int] * 4


def test_from_module_knows_subclasses_and_nothing_else():
    """A subclass is its base, a cell built with an int for bias is read as PyTorch treats it, and a Linear is refused."""

    class Mine(torch.nn.LSTM):
        pass

    assert RNNConfig.from_module(Mine(4, 2)) == RNNConfig("lstm", 4, 2)
    assert RNNConfig.from_module(torch.nn.LSTMCell(4, 2, 1)).bias is True
    with pytest.raises(TypeError, match="Linear"):
        RNNConfig.from_module(torch.nn.Linear(4, 2))


SAID: list[tuple[dict[str, Any], str]] = [
    ({"cell": "xyz"}, "cell xyz: must be rnn, lstm or gru"),
    ({"cell": 3}, "cell 3: must be rnn, lstm or gru"),
    ({"cell": ["rnn"]}, "cell ['rnn']: must be rnn, lstm or gru"),
    ({"input_size": 0}, "input_size 0: must be 1 or more"),
    ({"num_layers": 0}, "num_layers 0: must be 1 or more"),
    ({"hidden_size": -1, "is_cell": True}, "hidden_size -1: must be 0 or more"),
    ({"input_size": 10**100 + 1}, "must be at most 10**100"),
    ({"input_size": ""}, "input_size '': must be an int, not str"),
    ({"input_size": "4"}, "input_size 4: must be an int, not str"),
    ({"proj_size": 1}, "RNN has no projections; only LSTM has"),
    ({"cell": "gru", "nonlinearity": "relu"}, "is only an argument of RNN; the gates of GRU have fixed activations"),
    ({"nonlinearity": "gelu"}, "nonlinearity gelu: must be tanh or relu"),
    ({"dropout": Decimal("NaN")}, "must be a number from 0 to 1"),
]


@pytest.mark.parametrize(("arguments", "words"), SAID)
def test_what_is_said_of_a_wrong_argument(arguments, words):
    """A refusal names the argument, the value and the rule."""
    with pytest.raises(ConfigError) as raised:
        RNNConfig(**{"cell": "rnn", "input_size": 4, "hidden_size": 4, **arguments})
    assert words in str(raised.value)


def test_the_way_out_of_a_foreign_argument_names_the_cells_that_have_it():
    """``proj_size`` is the LSTM's, ``nonlinearity`` the RNN's."""
    with pytest.raises(ConfigError) as raised:
        RNNConfig("gru", 4, 4, proj_size=2)
    assert raised.value.fix == "Remove proj_size, or set cell to lstm."
    with pytest.raises(ConfigError) as raised:
        RNNConfig("lstm", 4, 4, nonlinearity="relu")
    assert raised.value.fix == "Remove nonlinearity, or set cell to rnn."


def test_the_largest_sizes():
    """Sizes, steps, batches and lengths of 10**100 are the largest."""
    largest = 10**100
    assert RNNConfig("rnn", largest, largest).input_size == largest
    assert DataConfig(largest, largest).batch_size == largest
    assert DataConfig(lengths=(largest,)).seq_len == largest
    for values in ({"seq_len": largest + 1}, {"batch_size": largest + 1}, {"lengths": (1, largest + 1)}):
        with pytest.raises(ConfigError, match=r"must be at most 10\*\*100"):
            DataConfig(**values)


def test_configurations_are_fixed_and_plain():
    """A configuration cannot be changed, takes no further attributes, and holds Python's own types."""
    for config, field in ((RNNConfig("gru", 4, 4), "input_size"), (DataConfig(), "seq_len")):
        with pytest.raises(FrozenInstanceError):
            setattr(config, field, 5)
        assert not hasattr(config, "__dict__")
    assert RNNConfig("lstm", 4, 4, bias=1, is_cell=True).bias is True  # type: ignore[arg-type]
    assert RNNConfig("lstm", 4, 4, bias=0.0, is_cell=True).bias is False  # type: ignore[arg-type]
    for zero in (0.0, False, np.float64(0), Fraction(0)):
        assert repr(RNNConfig("lstm", 4, 4, proj_size=zero).proj_size) == "0"  # type: ignore[arg-type]


def test_defaults_of_the_data():
    """Three steps and two sequences, or what the lengths say."""
    assert (DataConfig().seq_len, DataConfig().batch_size) == (3, 2)
    assert (DataConfig(unbatched=True).seq_len, DataConfig(unbatched=True).batch_size) == (3, None)
    assert (DataConfig(lengths=(4, 1, 1)).seq_len, DataConfig(lengths=(4, 1, 1)).batch_size) == (4, 3)


def test_many_lengths_are_cut_in_a_message():
    """Twenty lengths are shown whole; of more the first twenty."""
    for count, end in ((20, ""), (21, ",...")):
        with pytest.raises(ConfigError) as raised:
            DataConfig(lengths=(1,) * count, unbatched=True)
        assert str(raised.value).startswith(f"lengths {'1,' * 19}1{end}: unbatched")
