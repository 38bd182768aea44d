"""The package that runs PyTorch: devices, memory, seeds, values, packed batches, meta, and its error messages."""

import json
import os
import random
import time
from typing import Any

import pytest
import torch

from rnndims import ConfigError, DataConfig, RNNConfig
from rnndims.errors import MachineError
from rnndims.measurements import Measured
from rnndims.results import compute_dims
from rnndims.torch_runner import build, hardware, measure
from rnndims.torch_runner.measure import evaluate
from rnndims.torch_runner.numerics import to_values

CPU = torch.device("cpu")
LSTM = RNNConfig("lstm", 4, 3, num_layers=2, bidirectional=True)


def run(config: RNNConfig, data: DataConfig, **options: Any) -> Measured:
    """The module of ``config`` run once."""
    return measure.run(compute_dims(config, data), **options)


@pytest.mark.parametrize(
    "name", ["foo", "", "CPU", "cpu:1", "meta:2", "cuda:-1", "cuda:99", "mkldnn", "\x1b[31mcpu", "cuda:" + "9" * 40]
)
def test_absent_devices_are_named_with_those_there_are(name):
    """A device that does not exist is a MachineError which lists the devices of this machine."""
    with pytest.raises(MachineError) as caught:
        run(LSTM, DataConfig(), device=name)
    assert all(there in str(caught.value) for there in hardware.devices(torch))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["cpu", "cpu:0", "auto", "meta"])
def test_devices_that_are_there_are_used(name):
    """The device that was asked for is the one the tensors were on."""
    measured = run(LSTM, DataConfig(), device=name)
    best = "cuda" if torch.cuda.is_available() else "cpu"
    assert measured.device.startswith(best if name == "auto" else name.removesuffix(":0"))
    assert measured.disagreements(compute_dims(LSTM, DataConfig())) == []


def test_a_dtype_the_device_cannot_run_is_said_with_pytorchs_words(monkeypatch):
    """Where PyTorch cannot run a dtype that was thought to run, the message names module, dtype and device and quotes it."""
    monkeypatch.setattr("rnndims.results.check_dtype", lambda *_: None)
    with pytest.raises(MachineError, match="complex64 on device cpu: clamp is not supported for complex types"):
        run(RNNConfig("rnn", 4, 2, nonlinearity="relu"), DataConfig(dtype="complex64"))


def test_too_little_memory_is_refused_before_anything_is_built(monkeypatch):
    """With less free memory than the estimate nothing is allocated, and the message has both figures."""
    config = RNNConfig("lstm", 1000, 1000)
    monkeypatch.setattr(hardware, "available", lambda: 2**20 * 30)
    monkeypatch.setattr(measure, "build_module", lambda *_: pytest.fail("built"))
    with pytest.raises(MachineError, match=r"about 6\d MiB of memory, and this machine has 30 MiB free"):
        run(config, DataConfig())


def test_nothing_is_refused_where_free_memory_is_unknown(monkeypatch):
    """On a system that does not tell its free memory the module is run."""
    monkeypatch.setattr(hardware, "available", lambda: None)
    assert run(LSTM, DataConfig()).states_verified


def test_the_estimate_covers_what_pytorch_allocates():
    """The estimate is at least the bytes of parameters, inputs and results, and at most a few times as much."""
    rng = random.Random(3)
    for _ in range(30):
        cell = rng.choice(["rnn", "lstm", "gru"])
        config = RNNConfig(cell, rng.randint(1, 300), rng.randint(20, 300), rng.randint(1, 3), bidirectional=rng.random() < 0.5)
        data = DataConfig(rng.randint(1, 50), rng.randint(1, 20))
        module = build.build_module(torch, config, "float32", CPU, 0)
        tensors = compute_dims(config, data).tensors.values()
        least = sum(p.numel() * 4 for p in module.parameters()) + sum(tensor.bytes for tensor in tensors)
        assert least <= hardware.estimate(compute_dims(config, data)) <= 12 * least + 2**20


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="asks POSIX for the total")
def test_free_memory_is_a_plausible_number():
    """What this machine says it has free is between nothing and all of it."""
    free = hardware.available()
    assert free is not None
    assert 2**20 < free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("config", "data"),
    [
        (RNNConfig("lstm", 4, 10**6, num_layers=2), DataConfig()),
        (RNNConfig("rnn", 10**9, 10**4), DataConfig()),
        (RNNConfig("gru", 4, 5, num_layers=2, bidirectional=True), DataConfig(seq_len=10**9)),
        (RNNConfig("gru", 4, 5, bidirectional=True, batch_first=True), DataConfig(seq_len=10**6, unbatched=True)),
        (RNNConfig("lstm", 4, 5, batch_first=True, proj_size=2), DataConfig(seq_len=10**7, batch_size=10**6)),
        (RNNConfig("lstm", 4, 5, 2, batch_first=True, proj_size=2), DataConfig(lengths=(2, 2000, 1))),
        (RNNConfig("rnn", 4, 5, bidirectional=True), DataConfig(lengths=(2, 3, 1))),
        (RNNConfig("rnn", 4, 5, num_layers=600, nonlinearity="relu"), DataConfig()),
        (RNNConfig("lstm", 4, 10**6, is_cell=True), DataConfig()),
    ],
)
def test_meta_answers_for_any_size(config, data):
    """On meta sizes that no machine could hold, and sequences that would take hours, are measured and agree."""
    start = time.monotonic()
    measured = run(config, data, device="meta")
    assert measured.disagreements(compute_dims(config, data)) == []
    assert measured.states_verified is None
    assert measured.device == "meta"
    assert time.monotonic() - start < 5


def test_the_shape_function_gives_what_the_steps_give(monkeypatch):
    """Both ways to measure on meta, step by step and all at once, find the same shapes."""
    rng = random.Random(5)
    for _ in range(25):
        cell = rng.choice(["rnn", "lstm", "gru"])
        config = RNNConfig(
            cell,
            4,
            3,
            rng.randint(1, 2),
            batch_first=rng.random() < 0.5,
            bidirectional=rng.random() < 0.5,
            bias=rng.random() < 0.5,
            proj_size=2 if cell == "lstm" and rng.random() < 0.5 else 0,
        )
        data = rng.choice([DataConfig(), DataConfig(unbatched=True), DataConfig(lengths=(1, 3, 2))])
        monkeypatch.setattr(measure, "FUSED_FROM", 500)
        steps = run(config, data, device="meta")
        monkeypatch.setattr(measure, "FUSED_FROM", 0)
        at_once = run(config, data, device="meta")
        assert (steps.method, at_once.method) == ("forward", "shape function")
        assert steps.tensors == at_once.tensors
        assert steps.packed == at_once.packed


@pytest.mark.parametrize(
    ("config", "data", "named"),
    [
        (RNNConfig("lstm", 4, 10**12), DataConfig(), "weight_hh_l0 (4000000000000, 1000000000000)"),
        (RNNConfig("rnn", 4, 2), DataConfig(batch_size=10**18), "input (3, 1000000000000000000, 4)"),
        (RNNConfig("rnn", 10**99, 2), DataConfig(), "more than PyTorch can count in 64 bits"),
    ],
)
def test_sizes_beyond_64_bits_are_named(config, data, named):
    """Where PyTorch could not even count the bytes, the message names the tensor and its shape."""
    with pytest.raises(MachineError) as caught:
        run(config, data, device="meta")
    assert named in str(caught.value)
    assert len(str(caught.value)) < 600


def test_so_many_layers_that_building_takes_minutes_are_refused():
    """A hundred thousand layers end in a message, not in a wait."""
    with pytest.raises(MachineError, match="very long to build 100000 layers"):
        run(RNNConfig("rnn", 4, 2, num_layers=10**5), DataConfig(), device="meta")


def test_the_seed_decides_the_numbers_and_nothing_else_changes():
    """Equal seeds give equal numbers, others do not, and PyTorch's global random state is left alone."""
    before = torch.random.get_rng_state()
    first, again, other = (run(LSTM, DataConfig(), seed=seed, values=True).values for seed in (1, 1, 2))
    assert first == again
    assert first is not None
    assert other is not None
    assert all(first[name] != other[name] for name in first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_weights_are_those_pytorch_draws_from_the_seed():
    """The module is the one that manual_seed and the constructor would have made."""
    torch.manual_seed(7)
    wanted = torch.nn.LSTM(4, 3, num_layers=2, bidirectional=True)
    found = run(LSTM, DataConfig(), seed=7, values=True).values
    assert found is not None
    for name, weight in wanted.named_parameters():
        assert torch.equal(torch.tensor(found[name]), weight)


@pytest.mark.parametrize("seed", [-1, -(2**63), 2**64 - 1])
def test_seeds_pytorch_takes_are_taken(seed):
    """Every 64-bit number, signed or not, is a seed."""
    assert run(LSTM, DataConfig(), seed=seed).states_verified


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30])
def test_seeds_pytorch_refuses_are_refused(seed):
    """Larger numbers are refused by PyTorch and by us, with the name of the field."""
    with pytest.raises((ValueError, RuntimeError)):
        torch.manual_seed(seed)
    with pytest.raises(ConfigError) as caught:
        run(LSTM, DataConfig(), seed=seed)
    assert caught.value.field == "seed"


def test_dropout_changes_nothing_and_pytorchs_warning_is_passed_on():
    """The module runs in evaluation mode, so dropout changes no number; that one layer ignores it is PyTorch's warning."""
    plain = run(RNNConfig("gru", 4, 2, num_layers=2), DataConfig(), values=True)
    dropped = run(RNNConfig("gru", 4, 2, num_layers=2, dropout=0.9), DataConfig(), values=True)
    assert plain.values == dropped.values
    assert plain.warnings == dropped.warnings == ()
    (warned,) = run(RNNConfig("gru", 4, 2, dropout=0.9), DataConfig()).warnings
    assert "non-zero dropout expects num_layers greater than 1" in warned


def test_wrong_rows_are_noticed():
    """If output or h_n were anything else, states_verified would be false."""
    data = DataConfig(lengths=(1, 3, 2))
    dims = compute_dims(LSTM, data)
    module = build.build_module(torch, LSTM, "float32", CPU, 0)
    inputs = build.make_inputs(torch, dims, CPU, 0)
    with torch.inference_mode():
        tensors = measure.forward(torch, module, inputs, LSTM, data).tensors
        assert measure.verify_states(torch, tensors, dims) is True
        for name, index in (
            ("output", (0, 0, 0)),
            ("output", (0, 0, 0)),
            ("output", (0, 1, 4)),
            ("h_n", (2, 1, 1)),
            ("h_n", (3, 0, 2)),
        ):
            changed = {**tensors, name: tensors[name].clone()}
            changed[name][index] += 1e-6
            assert measure.verify_states(torch, changed, dims) is False
        swapped = {**tensors, "h_n": tensors["h_n"][:, [1, 0, 2]]}
        assert measure.verify_states(torch, swapped, dims) is False


@pytest.mark.parametrize(
    "expression", ["output[-1, :, 0:2]", "output[0, 2:4]", "output[lengths-1, n, 0:2]", "output[:, -1, 1:2]", "output[1]"]
)
def test_expressions_are_evaluated_as_python_does(expression):
    """An indexing expression gives the same tensor as Python itself."""
    output = torch.arange(60.0).view(3, 4, 5)
    names = {"output": output, "lengths": torch.tensor([1, 3, 2, 3]), "n": torch.arange(4)}
    assert torch.equal(evaluate(expression, names), eval(expression, {}, names))


@pytest.mark.parametrize("expression", ["__import__('os')", "output.data", "output[f()]", "other[0]", "output[0:4:2]", "1 + 1"])
def test_other_expressions_are_refused(expression):
    """Only indexing is evaluated; a name without a value, a call or an attribute is a ValueError."""
    with pytest.raises(ValueError, match="not an indexing expression"):
        evaluate(expression, {"output": torch.zeros(3)})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_values_are_short_and_lose_nothing(dtype):
    """Numbers as text are read back as the same numbers of the dtype, and 0.1 is written 0.1."""
    numbers = torch.randn(2000, dtype=torch.float64).exp().to(getattr(torch, dtype))
    back = torch.tensor(json.loads(json.dumps(to_values(torch, numbers))), dtype=torch.float64).to(numbers.dtype)
    assert torch.equal(back, numbers)
    tenth = torch.tensor([0.1], dtype=getattr(torch, dtype))
    assert to_values(torch, tenth)[0] == (0.1001 if dtype == "bfloat16" else 0.1)


def test_values_are_json_whatever_they_are():
    """Complex numbers are pairs, and NaN and the infinities are strings that JSON can carry."""
    odd = torch.tensor([float("nan"), float("inf"), float("-inf"), -0.0, 65504.0])
    assert json.dumps(to_values(torch, odd), allow_nan=False) == '["NaN", "Infinity", "-Infinity", -0.0, 65504.0]'
    assert to_values(torch, torch.tensor([[1 + 2j]]).conj()) == [[[1.0, -2.0]]]
    assert to_values(torch, torch.zeros(3, 0)) == [[], [], []]


def test_values_need_numbers_and_a_limit():
    """Values are refused on meta, which has none, and for millions of them."""
    with pytest.raises(ConfigError, match="meta has shapes but no numbers"):
        run(LSTM, DataConfig(), device="meta", values=True)
    with pytest.raises(ConfigError, match="more than 2000000"):
        run(LSTM, DataConfig(seq_len=10**5), values=True)


def test_values_are_those_of_the_tensors():
    """Output computed by PyTorch from the values that were handed out is the output that was handed out."""
    measured = run(LSTM, DataConfig(lengths=(2, 3)), seed=4, values=True)
    assert measured.values is not None
    module = torch.nn.LSTM(4, 3, num_layers=2, bidirectional=True)
    module.load_state_dict({name: torch.tensor(measured.values[name]) for name in measured.weights})
    x, h_0, c_0 = (torch.tensor(measured.values[name]) for name in ("input", "h_0", "c_0"))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor([2, 3]), enforce_sorted=False)
    output, (h_n, c_n) = module(packed, (h_0, c_0))
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(output)
    for name, tensor in (("output", output), ("h_n", h_n), ("c_n", c_n)):
        torch.testing.assert_close(torch.tensor(measured.values[name]), tensor.detach())


def test_an_error_of_pytorch_inside_is_a_message(monkeypatch):
    """Whatever PyTorch raises while the module runs is a MachineError with its first line, running out of memory too."""
    for error, said in (
        (RuntimeError("mat1 and mat2\nmore"), "on device cpu: mat1 and mat2\n"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "ran out of memory"),
        (MemoryError(), "ran out of memory"),
        (NotImplementedError("'tanh' not implemented for 'X'"), "'tanh' not implemented"),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(measure, "forward", fail)
        with pytest.raises(MachineError) as caught:
            run(LSTM, DataConfig())
        assert said in str(caught.value)


def test_an_interrupt_passes_through(monkeypatch):
    """KeyboardInterrupt while the module runs is not turned into anything else."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(LSTM, DataConfig())
