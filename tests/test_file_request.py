"""``run --weights`` and ``cell --weights``: what they compute from files, compared with the same module called by hand."""

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Invoke
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import prune

SILERO = Path(__file__).parents[2] / "shared" / "data" / "silero_vad_16k.safetensors"
Write = Callable[[Path, dict[str, torch.Tensor]], str]


def write_safetensors(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    path = path.with_suffix(".safetensors")
    save_file(tensors, path)
    return str(path)


def write_zip(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    path = path.with_suffix(".pt")
    torch.save(tensors, path)
    return str(path)


def write_old(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    path = path.with_suffix(".pth")
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return str(path)


WRITERS = [write_safetensors, write_zip, write_old]


def prefixed(module: nn.Module, prefix: str = "enc.rnn.") -> dict[str, torch.Tensor]:
    return {prefix + name: tensor.detach() for name, tensor in module.state_dict().items()}


MODULES: list[tuple[nn.Module, tuple[str, ...]]] = [
    (nn.LSTM(3, 4, 2, bidirectional=True), ()),
    (nn.LSTM(3, 4, proj_size=2, batch_first=True), ("--batch-first",)),
    (nn.GRU(3, 4, bias=False, dtype=torch.float64), ()),
    (nn.RNN(3, 4, 2, nonlinearity="relu"), ("--nonlinearity", "relu")),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("module", "options"), MODULES)
def test_output_and_states_are_those_of_the_trained_module(
    tmp_path: Path, invoke: Invoke, module: nn.Module, options: tuple[str, ...], write: Write
) -> None:
    """Weights, input and states from files give what the module gives, and --save keeps it."""
    dtype = next(module.parameters()).dtype
    x = torch.randn(5, 6, 3, dtype=dtype)
    with torch.inference_mode():
        output, state = module(x)
    weights = write(tmp_path / "w", {**prefixed(module), "fc.weight": torch.zeros(2, 2)})
    given = write(tmp_path / "x", {"other": torch.zeros(1), "mine": x})
    saved = tmp_path / "out.safetensors"
    result = invoke("run", "--weights", weights, *options, "--input", f"{given}:mine", "--save", str(saved), "--json")
    assert result.code == 0, result.err
    states = state if isinstance(state, tuple) else (state,)
    wanted = dict(zip(("output", "h_n", "c_n"), (output, *states), strict=False))
    kept = load_file(saved)
    assert kept.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(kept[name], tensor, msg=name)
    document = result.json
    assert document["measured"]["agrees"] is True
    assert document["files"]["weights"]["name"] == "enc.rnn"
    assert document["tensors"]["output"]["shape"] == list(output.shape)


@pytest.mark.parametrize("write", [write_zip, write_old])
def test_weights_that_share_one_storage(tmp_path: Path, invoke: Invoke, write: Write) -> None:
    """Weights flattened into one storage, as cuDNN keeps them, and transposed ones are read from their own places."""
    module = nn.GRU(3, 4, 2)
    state = module.state_dict()
    flat, views, at = torch.cat([tensor.t().reshape(-1) for tensor in state.values()]), {}, 0
    for name, tensor in state.items():
        views[f"rnn.{name}"] = flat[at : at + tensor.numel()].view(tensor.t().shape).t()
        at += tensor.numel()
    x = torch.randn(4, 2, 3)
    torch.save({"unused": torch.zeros(9), "x": torch.cat([torch.zeros(4, 2, 3), x])[4:]}, tmp_path / "x.pt")
    saved = tmp_path / "out.safetensors"
    arguments = ("--input", f"{tmp_path / 'x.pt'}:x", "--save", str(saved))
    assert invoke("run", "--weights", write(tmp_path / "w", views), *arguments).code == 0
    with torch.inference_mode():
        torch.testing.assert_close(load_file(saved)["output"], module(x)[0])


def test_compressed_weights(tmp_path: Path, invoke: Invoke) -> None:
    """Numbers in a zip file that was compressed afterwards are unpacked."""
    module, x = nn.GRU(3, 4), torch.randn(4, 2, 3)
    torch.save(x, tmp_path / "x.pt")
    plain = zipfile.ZipFile(write_zip(tmp_path / "w", prefixed(module)))
    with plain, zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    saved = tmp_path / "out.safetensors"
    arguments = ("--input", str(tmp_path / "x.pt"), "--save", str(saved))
    assert invoke("run", "--weights", str(tmp_path / "packed.pt"), *arguments).code == 0
    with torch.inference_mode():
        torch.testing.assert_close(load_file(saved)["output"], module(x)[0])


@pytest.mark.parametrize("at", ["begin", "end"])
def test_a_zip_bomb_behind_weights_is_not_unpacked(tmp_path: Path, invoke: Invoke, at: str) -> None:
    """Of a compressed storage that is far larger than its weights no more is unpacked than they need."""
    module, storage = nn.GRU(2, 2, 2), torch.zeros(12_000_000)
    storage = storage[:500] if at == "begin" else storage[-500:]
    tensors = {name: storage[: p.numel()].view(p.shape) for name, p in module.state_dict().items()}
    plain = zipfile.ZipFile(write_zip(tmp_path / "w", tensors))
    with plain, zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    tracemalloc.start()
    result = invoke("run", "--weights", str(tmp_path / "packed.pt"), "--json")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 24_000_000
    assert result.code == (0 if at == "begin" else 2), result.err
    assert ("is compressed" in result.err) == (at == "end")


def test_an_input_deep_in_a_zip_bomb_is_refused(tmp_path: Path, invoke: Invoke) -> None:
    """An input that begins hundreds of megabytes deep in a compressed storage is not dug out; a small archive has that."""
    path = write_zip(tmp_path / "x", {"x": torch.zeros(6)[3:].view(1, 1, 3)})
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            data = plain.read(name)
            if name.endswith("data.pkl"):  # the offset of 3 and the storage's 6 elements, both made a hundred million
                data = data.replace(b"K\x06t", b"J\x03\xe1\xf5\x05t").replace(b"QK\x03", b"QJ\x00\xe1\xf5\x05")
            with packed.open(name, "w") as member:
                member.write(data)
                for _ in range(100 if "/data/" in name else 0):
                    member.write(bytes(4_000_000))
    result = invoke("run", "nn.GRU(3, 2)", "--input", str(tmp_path / "packed.pt"), "--json")
    assert result.code == 2
    assert "is compressed" in result.err


def test_states_from_files_continue_a_sequence(tmp_path: Path, invoke: Invoke) -> None:
    """The states of one run are the initial states of the next: two halves give what the whole gives."""
    module = nn.LSTM(3, 4, 2)
    x = torch.randn(6, 2, 3)
    weights = write_safetensors(tmp_path / "w", prefixed(module))
    np.save(tmp_path / "a.npy", x[:4].numpy())
    np.save(tmp_path / "b.npy", np.asfortranarray(x[4:].numpy()))
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert invoke("run", "--weights", weights, "--input", str(tmp_path / "a.npy"), "--save", str(first)).code == 0
    states = ("--h0", f"{first}:h_n", "--c0", str(first))
    assert invoke("run", "--weights", weights, "--input", str(tmp_path / "b.npy"), *states, "--save", str(second)).code == 0
    with torch.inference_mode():
        output, (h_n, c_n) = module(x)
    kept = load_file(second)
    torch.testing.assert_close(kept["output"], output[4:])
    torch.testing.assert_close(kept["h_n"], h_n)
    torch.testing.assert_close(kept["c_n"], c_n)


def test_lengths_pack_the_given_input(tmp_path: Path, invoke: Invoke) -> None:
    """--lengths packs the batch of a file as pack_padded_sequence does."""
    module = nn.GRU(3, 4, bidirectional=True)
    x = torch.randn(5, 3, 3)
    packed = nn.utils.rnn.pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False)
    with torch.inference_mode():
        output, _ = nn.utils.rnn.pad_packed_sequence(module(packed)[0])
    torch.save(x, tmp_path / "x.pt")
    saved = tmp_path / "out.safetensors"
    weights = write_zip(tmp_path / "w", prefixed(module))
    arguments = ("--weights", weights, "--input", str(tmp_path / "x.pt"), "--lengths", "2,5,3", "--save", str(saved))
    assert invoke("run", *arguments).code == 0
    torch.testing.assert_close(load_file(saved)["output"], output)


def test_unbatched_input_and_seeded_input(tmp_path: Path, invoke: Invoke) -> None:
    """A 2-D input is one sequence; without --input, numbers are seeded and the shape comes from the options."""
    weights = write_zip(tmp_path / "w", prefixed(nn.GRU(3, 4)))
    torch.save({"input": torch.randn(7, 3), "noise": torch.zeros(1)}, tmp_path / "x.pt")
    document = invoke("run", "--weights", weights, "--input", str(tmp_path / "x.pt"), "--json").json
    assert document["data"]["unbatched"] is True
    assert document["tensors"]["output"]["shape"] == [7, 4]
    document = invoke("run", "--weights", weights, "-t", "9", "-n", "5", "--json").json
    assert document["measured"]["tensors"]["output"] == [9, 5, 4]


def test_a_cell_does_one_step_in_run(tmp_path: Path, invoke: Invoke) -> None:
    """A cell of a file runs one step, and the user is told of the command that runs all."""
    cell = nn.LSTMCell(3, 4)
    x = torch.randn(2, 3)
    np.save(tmp_path / "x.npy", x.numpy())
    saved = tmp_path / "out.safetensors"
    weights = write_zip(tmp_path / "w", prefixed(cell))
    result = invoke("run", "--weights", weights, "--input", str(tmp_path / "x.npy"), "--save", str(saved))
    assert result.code == 0
    assert "rnndims cell" in result.out
    with torch.inference_mode():
        h_1, c_1 = cell(x)
    torch.testing.assert_close(load_file(saved), {"h_1": h_1, "c_1": c_1})
    np.save(tmp_path / "long.npy", np.zeros((5, 2, 3), dtype=np.float32))
    result = invoke("run", "--weights", weights, "--input", str(tmp_path / "long.npy"))
    assert result.code == 1
    assert "rnndims cell" in result.err


@pytest.mark.parametrize("cls", [nn.LSTMCell, nn.GRUCell, nn.RNNCell, nn.LSTM, nn.GRU])
def test_cell_steps_through_trained_weights(tmp_path: Path, invoke: Invoke, cls: type[nn.Module]) -> None:
    """``cell --weights`` shows the states of the trained cell, and their norms, for cells and single layers."""
    module = cls(3, 4)
    x = torch.randn(5, 2, 3)
    np.save(tmp_path / "x.npy", x.numpy())
    weights = write_zip(tmp_path / "w", prefixed(module))
    result = invoke("cell", "--weights", weights, "--input", str(tmp_path / "x.npy"), "--json")
    assert result.code == 0, result.err
    document = result.json
    assert document["matches_layer"] is True
    layer = cls if cls in (nn.LSTM, nn.GRU) else getattr(nn, cls.__name__.removesuffix("Cell"))
    whole = layer(3, 4)
    whole.load_state_dict({name if "_l0" in name else f"{name}_l0": tensor for name, tensor in module.state_dict().items()})
    with torch.inference_mode():
        output, _ = whole(x)
    torch.testing.assert_close(torch.tensor([step["h_values"] for step in document["steps"]]), output)
    norms = torch.tensor([step["h_norm"] for step in document["steps"]])
    torch.testing.assert_close(norms, torch.linalg.vector_norm(output, dim=(1, 2)))
    assert "norm of h" in invoke("cell", "--weights", weights, "-t", "2").out


@pytest.mark.parametrize("form", ["old", "new", "raw", "fastai", "pruned"])
@pytest.mark.filterwarnings("ignore")
def test_weights_stored_in_parts_are_put_together(tmp_path: Path, invoke: Invoke, form: str) -> None:
    """weight_norm, weight dropout and pruning: the weight that PyTorch computes in evaluation is the one that is run."""
    module: Any = nn.GRU(3, 4)
    plain = nn.GRU(3, 4)
    if form == "old":
        module = nn.utils.weight_norm(module, "weight_hh_l0")
        module.weight_hh_l0_g.data *= 1.5
        tensors = prefixed(module)
        plain.load_state_dict(nn.utils.remove_weight_norm(module, "weight_hh_l0").state_dict())
    elif form == "new":
        nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
        module.parametrizations.weight_hh_l0.original0.data *= 1.5
        tensors = prefixed(module)
        nn.utils.parametrize.remove_parametrizations(module, "weight_hh_l0")
        plain.load_state_dict(module.state_dict())
    elif form == "raw":
        tensors = {n.replace("weight_hh_l0", "weight_hh_l0_raw"): t for n, t in prefixed(module).items()}
        plain = module
    elif form == "fastai":  # the wrapper has the raw weight, the module inside a copy with some of it dropped
        tensors = prefixed(module, "rnns.0.module.") | {"rnns.0.weight_hh_l0_raw": module.weight_hh_l0.detach()}
        tensors["rnns.0.module.weight_hh_l0"] = torch.zeros(12, 4)
        plain = module
    else:
        prune.random_unstructured(module, "weight_hh_l0", 0.5)
        tensors = prefixed(module)
        plain.load_state_dict({n: getattr(module, n).detach() for n, _ in plain.named_parameters()})
    x = torch.randn(4, 2, 3)
    torch.save(x, tmp_path / "x.pt")
    saved = tmp_path / "o.safetensors"
    result = invoke(
        "run", "--weights", write_zip(tmp_path / "w", tensors), "--input", str(tmp_path / "x.pt"), "--save", str(saved)
    )
    assert result.code == 0, result.err
    with torch.inference_mode():
        torch.testing.assert_close(load_file(saved)["output"], plain(x)[0])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8", "c8"])
def test_npy_byte_orders(tmp_path: Path, invoke: Invoke, order: str, kind: str) -> None:
    """Arrays of either byte order have their numbers."""
    array = np.arange(24).reshape(4, 2, 3).astype(order + kind) / 7 + (0.5j if kind == "c8" else 0)
    np.save(tmp_path / "x.npy", array.astype(order + kind))
    result = invoke("run", "nn.GRU(3, 4)", "--input", str(tmp_path / "x.npy"), "--values", "--json")
    assert result.code == 0, result.err
    numbers = torch.tensor(result.json["measured"]["values"]["input"], dtype=torch.float64).numpy()
    wanted = np.stack([array.real, array.imag], -1) if kind == "c8" else array
    assert np.allclose(numbers, wanted)


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_what_does_not_fit_is_said_as_check_says_it(tmp_path: Path, invoke: Invoke) -> None:
    """A wrong layout, width, dtype, state or length ends in exit code 1, with a message and a fix."""
    weights = write_zip(tmp_path / "w", prefixed(nn.LSTM(3, 4)))
    files = {
        "wide": torch.randn(5, 2, 4),
        "four": torch.randn(5, 2, 3, 1),
        "double": torch.randn(5, 2, 3, dtype=torch.float64),
        "whole": torch.zeros(5, 2, 3, dtype=torch.int64),
        "good": torch.randn(5, 2, 3),
        "state": torch.randn(1, 3, 4),
        "half": torch.randn(1, 2, 4).half(),
    }
    for name, tensor in files.items():
        torch.save(tensor, tmp_path / f"{name}.pt")
    good = ("--input", str(tmp_path / "good.pt"))
    for arguments in (
        ("--input", str(tmp_path / "wide.pt")),
        ("--input", str(tmp_path / "four.pt")),
        ("--input", str(tmp_path / "double.pt")),
        ("--input", str(tmp_path / "whole.pt")),
        (*good, "--h0", str(tmp_path / "state.pt")),
        (*good, "--c0", str(tmp_path / "state.pt")),
        (*good, "--h0", str(tmp_path / "half.pt")),
        (*good, "--lengths", "5,6"),
        (*good, "--lengths", "5"),
    ):
        result = invoke("run", "--weights", weights, *arguments)
        assert result.code == 1, (arguments, result)
        assert result.out == ""
        assert "fault" not in result.err
        assert lines(result.err)[0].startswith("rnndims: ")


def test_what_is_asked_wrongly_is_a_usage_error(tmp_path: Path, invoke: Invoke) -> None:
    """Options that contradict the file, names that are not there and files that hold several ends in exit code 2."""
    both = write_zip(tmp_path / "both", {**prefixed(nn.GRU(3, 4), "a."), **prefixed(nn.LSTM(3, 4), "b.")})
    one = write_zip(tmp_path / "one", prefixed(nn.GRU(3, 4)))
    none = write_zip(tmp_path / "none", {"w": torch.zeros(1), "v": torch.zeros(1)})
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr'")
    (tmp_path / "there.safetensors").write_bytes(b"keep me")
    for arguments, said in (
        (("--weights", both), "--name: a, b"),
        (("--weights", both, "--name", "c"), "The file has a, b"),
        (("--weights", none), "no RNN"),
        (("--weights", one, "nn.GRU(3, 4)"), "CONSTRUCTOR"),
        (("--weights", one, "--layers", "2"), "--layers"),
        (("--weights", one, "--nonlinearity", "relu"), "--nonlinearity"),
        (("--name", "x"), "--weights"),
        (("--weights", one, "--code"), "--code"),
        (("--weights", str(tmp_path / "missing.pt")), "no such file"),
        (("--weights", one, "--input", none), "2 tensors"),
        (("--weights", one, "--input", f"{none}:x"), "no tensor x"),
        (("--weights", one, "--input", str(tmp_path / "objects.npy")), "objects.npy"),
        (("--weights", one, "--input", str(tmp_path / "cut.npy")), "damaged"),
        (("--weights", one, "--c0", f"{none}:w"), "no cell state"),
        (("--weights", one, "--save", str(tmp_path / "out.pt")), "safetensors"),
        (("--weights", one, "--save", str(tmp_path / "out.safetensors"), "--device", "meta"), "no numbers"),
        (("--weights", one, "--save", str(tmp_path / "no" / "out.safetensors")), "directory"),
        (("--weights", one, "--save", str(tmp_path / "there.safetensors")), "--force"),
    ):
        result = invoke("run", *arguments)
        assert result.code == 2, (arguments, result)
        assert said in result.err
        assert result.out == ""
    assert (tmp_path / "there.safetensors").read_bytes() == b"keep me"
    assert invoke("run", "--weights", one, "--save", str(tmp_path / "there.safetensors"), "--force").code == 0
    assert load_file(tmp_path / "there.safetensors")["output"].shape == (3, 2, 4)
    assert not list(tmp_path.glob(".rnndims-*"))


@pytest.mark.filterwarnings("ignore")
def test_weights_without_plain_numbers_are_not_run(tmp_path: Path, invoke: Invoke) -> None:
    """Conjugated, quantised, sparse and orthogonally parametrized weights are refused with the reason."""
    quantised, sparse = prefixed(nn.GRU(3, 4)), prefixed(nn.GRU(3, 4))
    quantised["enc.rnn.weight_hh_l0"] = torch.quantize_per_tensor(quantised["enc.rnn.weight_hh_l0"], 0.1, 0, torch.qint8)
    sparse["enc.rnn.weight_hh_l0"] = sparse["enc.rnn.weight_hh_l0"].to_sparse()
    orthogonal = nn.utils.parametrizations.orthogonal(nn.RNN(4, 4), "weight_hh_l0")
    conjugated = {name: tensor.conj() for name, tensor in prefixed(nn.GRU(3, 4, dtype=torch.complex64)).items()}
    for tensors, said in (
        (conjugated, "conjugated"),
        (quantised, "quantised"),
        (sparse, "sparse"),
        (prefixed(orthogonal), "stored in parts"),
    ):
        result = invoke("run", "--weights", write_zip(tmp_path / "w", tensors))
        assert result.code == 2
        assert said in result.err


def test_contradictory_weights_are_not_run(tmp_path: Path, invoke: Invoke) -> None:
    """Weights of which one is missing end in exit code 1 and are never run."""
    tensors = prefixed(nn.GRU(3, 4))
    del tensors["enc.rnn.bias_hh_l0"]
    result = invoke("run", "--weights", write_zip(tmp_path / "w", tensors))
    assert result.code == 1
    assert "bias_hh_l0 is missing" in result.err


def test_a_contradiction_elsewhere_in_the_file_is_noted(tmp_path: Path, invoke: Invoke) -> None:
    """A sound module is run although another one of the file is not, and that is said."""
    weights = write_zip(tmp_path / "w", {**prefixed(nn.GRU(3, 4), "good."), "bad.weight_ih_l0": torch.zeros(4, 4)})
    for name in ((), ("--name", "good")):
        result = invoke("run", "--weights", weights, *name)
        assert result.code == 0, result.err
        assert "contradict each other (bad)" in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("module", "has"),
    [
        (nn.LSTM(3, 4, 2), "2 layers"),
        (nn.GRU(3, 4, bidirectional=True), "two directions"),
        (nn.LSTM(3, 4, proj_size=2), "a projection"),
    ],
)
def test_cell_does_not_step_more_than_a_layer(tmp_path: Path, invoke: Invoke, module: nn.Module, has: str) -> None:
    """``cell`` says of a file what its module has that a cell has not, and blames no option that nobody gave."""
    for prefix, name in (("enc.rnn.", "enc.rnn"), ("", "(the whole model)")):
        result = invoke("cell", "--weights", write_zip(tmp_path / "w", prefixed(module, prefix)))
        assert result.code == 2
        assert f"{name} has {has}" in result.err
        assert "run --weights" in result.err


def test_a_layer_and_a_cell_of_one_name(tmp_path: Path, invoke: Invoke) -> None:
    """Where one name is that of a layer and of a cell, --name can pick each of them."""
    layer, cell = nn.LSTM(3, 4), nn.GRUCell(3, 5)
    weights = write_zip(tmp_path / "w", {**prefixed(layer, "rnn."), **prefixed(cell, "rnn.")})
    result = invoke("run", "--weights", weights)
    assert result.code == 2
    assert "rnn, rnn#cell" in result.err
    for name, code in (("rnn", "nn.LSTM(3, 4)"), ("rnn#cell", "nn.GRUCell(3, 5)")):
        result = invoke("run", "--weights", weights, "--name", name, "--json")
        assert (result.code, result.json["config"]["module"]) == (0, code), result.err


@pytest.mark.skipif(not SILERO.exists(), reason="the data file is not there")
def test_a_real_cell_runs(invoke: Invoke) -> None:
    """The voice-activity detector's cell is stepped through with its own weights."""
    document = invoke("cell", "--weights", str(SILERO), "--name", "lstm_cell", "-t", "4", "--json").json
    assert document["matches_layer"] is True
    cell = nn.LSTMCell(128, 128)
    weights = load_file(SILERO)
    cell.load_state_dict({name: weights[f"lstm_cell.{name}"] for name in cell.state_dict()})
    seeded = invoke("cell", "nn.LSTMCell(128, 128)", "-t", "4", "--json").json
    assert seeded["steps"][0]["h_norm"] != document["steps"][0]["h_norm"]
