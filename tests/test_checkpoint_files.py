"""``weights FILE``: every kind of checkpoint file, made here by torch and safetensors and compared with what they load."""

import argparse
import enum
import http
import json
import pickle
import re
import struct
import subprocess
import sys
import types
import zipfile
from collections import Counter, OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Invoke
from safetensors.torch import save_file
from torch import nn
from torch_version import says_as_2_13

from rnndims.checkpoint import open_checkpoint, read_checkpoint, read_file
from rnndims.config import RNNConfig
from rnndims.constructor import format_constructor

SILERO = Path(__file__).parents[2] / "shared" / "data" / "silero_vad_16k.safetensors"


class Model(nn.Module):
    """A model with a layered RNN, a cell and something else."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(12, 20, num_layers=2, bidirectional=True)
        self.cell = nn.GRUCell(3, 4)
        self.fc = nn.Linear(40, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shapes: (L, N, 12) -> (L, N, 3)."""
        return self.fc(self.rnn(x)[0])


MODEL = Model()
WANTED = {"rnn": "nn.LSTM(12, 20, num_layers=2, bidirectional=True)", "cell": "nn.GRUCell(3, 4)"}


def constructors(path: Path) -> dict[str, str]:
    found = read_checkpoint(path)
    assert not found.contradictions
    return {module.name: format_constructor(module.config) for module in found.modules}


def write(path: Path, value: object, *, old: bool = False) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=not old)
    return path


def tensors_by_torch(path: Path) -> dict[str, tuple]:
    return {n: (tuple(t.shape), str(t.dtype)) for n, t in torch.load(path, weights_only=True).items()}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".th", ".ckpt", ".bin", ".pth.tar", ""])
@pytest.mark.parametrize("old", [False, True])
def test_torch_save_in_both_formats(tmp_path: Path, suffix: str, old: bool) -> None:
    """A state_dict that torch.save wrote is read as torch.load reads it, whatever of the suffixes it has."""
    path = write(tmp_path / f"model{suffix}", MODEL.state_dict(), old=old)
    assert constructors(path) == WANTED
    mine = {name: (tensor.shape, f"torch.{tensor.dtype}") for name, tensor in read_file(path).tensors.items()}
    assert mine == tensors_by_torch(path)


CONTAINERS = {
    "lightning": {
        "epoch": 3,
        "global_step": 10,
        "pytorch-lightning_version": "2.1.0",
        "state_dict": {f"model.{n}": t for n, t in MODEL.state_dict().items()},
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}}}},
        "callbacks": {"EarlyStopping{'monitor': 'loss'}": {"best_score": torch.tensor(0.5), "wait_count": 1}},
        "optimizer_states": [
            {"state": {0: {"exp_avg": torch.zeros(80, 12)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.99)}]}
        ],
        "hyper_parameters": OrderedDict(
            hidden=20, names=["a"], rate=np.float64(0.5), path=Path("x"), args=argparse.Namespace(a=1)
        ),
    },
    "trainer": {
        "model": MODEL.state_dict(),
        "optimizer": {"state": {}, "param_groups": []},
        "rng": torch.get_rng_state(),
        "s": {1, 2},
    },
    "data parallel": {f"module.{n}": t for n, t in MODEL.state_dict().items()},
    "compiled": {f"_orig_mod.module.{n}": t for n, t in MODEL.state_dict().items()},
    "deep": {"a": [{"model_state_dict": MODEL.state_dict()}], "counts": Counter("abc")},
    "parameters": dict(MODEL.named_parameters()),
    "arrays": {"state_dict": MODEL.state_dict(), "scale": np.arange(3.0), "blob": b"x" * 100_000, "text": "y" * 100_000},
}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("old", [False, True])
def test_containers_are_seen_through(tmp_path: Path, name: str, old: bool) -> None:
    """Training frameworks' nested dicts hide no module, and nothing beside the weights stands in the way."""
    found = constructors(write(tmp_path / "c.pt", CONTAINERS[name], old=old))
    assert {key.rpartition(".")[2]: code for key, code in found.items()} == WANTED


@pytest.mark.parametrize("old", [False, True])
def test_harmless_things_beside_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    """What a training script keeps with its weights, classes of its own included, stands in no way."""
    script = sys.modules["__main__"]
    for name, value in {
        "Config": type("Config", (), {"__module__": "__main__"}),
        "Mode": enum.Enum("Mode", {"A": 1}, module="__main__"),
        "Pair": namedtuple("Pair", "a b", module="__main__"),
        "Weight": type("Weight", (torch.Tensor,), {"__module__": "__main__"}),
    }.items():
        monkeypatch.setattr(script, name, value, raising=False)
    config = script.Config()
    config.hidden = 20
    beside = {
        "own": [config, script.Mode.A, script.Pair(1, 2)],
        "random": np.random.default_rng(0),
        "plain": [re.compile("a+"), http.HTTPStatus.OK, ..., NotImplemented],
    }
    state = {name: tensor.as_subclass(script.Weight) for name, tensor in MODEL.state_dict().items()}
    assert constructors(write(tmp_path / "c.pt", {"state_dict": state, **beside}, old=old)) == WANTED


@pytest.mark.parametrize(
    "key", ["optimizer", "optimizers", "last_optimizer_state", "optimizer_G", "adam_optimizer", "optim_state_dict", "grads"]
)
def test_dicts_of_an_optimizer_are_no_modules(tmp_path: Path, key: str) -> None:
    """Moments and gradients under the model's own names are told from the model by the key of their dict."""
    moments = {"m": {name: torch.zeros_like(tensor) for name, tensor in MODEL.state_dict().items()}}
    path = write(tmp_path / "c.pt", {"model": MODEL.state_dict(), key: moments})
    assert constructors(path) == WANTED
    assert read_checkpoint(path).optimizer == len(moments["m"])


@pytest.mark.parametrize("old", [False, True])
def test_objects_of_other_packages_are_not_made(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    """Settings and enums of a framework that is not installed stand in no way, are not made, and are named."""
    framework = types.ModuleType("some_framework")
    framework.Settings = type("Settings", (dict,), {"__module__": "some_framework"})
    framework.Task = enum.Enum("Task", {"A": 1}, module="some_framework")
    framework.Node = type("Node", (), {"__module__": "some_framework"})
    monkeypatch.setitem(sys.modules, "some_framework", framework)
    settings, node = framework.Settings(rate=0.1, task=framework.Task.A), framework.Node()
    node.children = [framework.Node()]
    state = {f"model.{name}": tensor for name, tensor in MODEL.state_dict().items()}
    hyper = {"settings": settings, "task": framework.Task.A, "node": node, framework.Node: {"best": torch.tensor(1.0)}}
    path = write(tmp_path / "m.ckpt", {"hyper_parameters": hyper, "state_dict": framework.Settings(state)}, old=old)
    monkeypatch.delitem(sys.modules, "some_framework")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    assert constructors(path) == WANTED
    result = invoke("weights", str(path))
    assert result.code == 0
    assert "some_framework.Node" in result.out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("traced", [False, True])
def test_torchscript_archives(tmp_path: Path, traced: bool) -> None:
    """A scripted or traced model is read without executing its code, each weight once."""
    scripted = torch.jit.trace(MODEL, torch.zeros(2, 1, 12)) if traced else torch.jit.script(MODEL)
    path = tmp_path / "model.pt"
    torch.jit.save(scripted, str(path))
    content = read_file(path)
    assert constructors(path) == WANTED
    assert content.kind == "TorchScript"
    assert {n: tensor.shape for n, tensor in content.tensors.items()} == {
        n: tuple(t.shape) for n, t in MODEL.state_dict().items()
    }


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64])
@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_dtypes(tmp_path: Path, dtype: torch.dtype, kind: str) -> None:
    """Half, bfloat16, double and complex weights have their dtype and bytes."""
    module = nn.GRU(3, 4, dtype=dtype)
    path = tmp_path / ("m.safetensors" if kind == "safetensors" else "m.pt")
    if kind == "safetensors":
        save_file(module.state_dict(), path)
    else:
        write(path, module.state_dict(), old=kind == "old")
    [found] = read_checkpoint(path).modules
    assert found.dtype == str(dtype).removeprefix("torch.")
    assert found.bytes == sum(p.nbytes for p in module.parameters())


@says_as_2_13
def test_weights_saved_on_a_gpu_need_none(tmp_path: Path) -> None:
    """Storages tagged cuda:0 are read as they are: their place is only a word in the pickle."""
    path = write(tmp_path / "cpu.pt", MODEL.state_dict())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    moved = tmp_path / "gpu.pt"
    with zipfile.ZipFile(moved, "w") as archive:
        for name, data in members.items():
            cuda = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            assert cuda != data or not name.endswith(".pkl")
            archive.writestr(name, cuda if name.endswith(".pkl") else data)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(moved, weights_only=True)
    assert constructors(moved) == WANTED


def test_compressed_archives(tmp_path: Path) -> None:
    """A checkpoint zipped anew with compression is read, as torch.load does."""
    path = write(tmp_path / "plain.pt", MODEL.state_dict())
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    assert constructors(packed) == WANTED


def test_what_is_neither_a_file_nor_a_constructor(invoke: Invoke) -> None:
    """A misspelt file name without a suffix is told that there is no such file; a misspelt constructor is not."""
    for text in ("nosuchfile", "my model", "model-final"):
        result = invoke("weights", text)
        assert result.code == 2
        assert "and there is no such file" in result.err
    assert "file" not in invoke("weights", "nn.LSTM(3").err


def test_names_that_are_there_twice(tmp_path: Path, invoke: Invoke) -> None:
    """Of two modules whose full names are one, by a dict and by a dotted key, neither disappears, and that is said."""
    dotted = {f"a.rnn.{name}": tensor for name, tensor in nn.LSTM(3, 4).state_dict().items()}
    path = write(tmp_path / "m.pt", {**dotted, "a": {"rnn": nn.GRU(5, 6).state_dict()}})
    assert constructors(path) == {"a.rnn": "nn.LSTM(3, 4)", "a.rnn#2": "nn.GRU(5, 6)"}
    assert "names twice" in invoke("weights", str(path)).out


class Held:
    """Something that pickles a storage within its own state, by Python's own means."""

    def __init__(self, storage: torch.UntypedStorage) -> None:
        self.storage = storage

    def __reduce__(self) -> tuple:
        return self.storage.__reduce__()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("size", [10, 100_000])
def test_storages_in_bytes(tmp_path: Path, protocol: int, size: int) -> None:
    """A storage that is pickled as bytes, which are a checkpoint themselves, stands in no way if it is no more than that."""
    held = Held(torch.zeros(size).untyped_storage())
    torch.save({"held": [held, held], "model": MODEL.state_dict()}, tmp_path / "m.pt", pickle_protocol=protocol)
    assert constructors(tmp_path / "m.pt") == WANTED


def test_a_comment_that_looks_like_the_end_of_an_archive(tmp_path: Path) -> None:
    """The comment of a zip file may hold the mark that ends zip files."""
    path = write(tmp_path / "m.pt", MODEL.state_dict())
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK\5\6" + b"x" * 60_000
    assert constructors(path) == WANTED


@pytest.mark.filterwarnings("ignore")
def test_sparse_and_quantised_tensors_are_said(tmp_path: Path) -> None:
    """Sparse and quantised weights are named as such and the constructor stays."""
    weights = nn.LSTM(5, 4).state_dict()
    weights["weight_ih_l0"] = weights["weight_ih_l0"].to_sparse()
    weights["weight_hh_l0"] = torch.quantize_per_tensor(weights["weight_hh_l0"], 0.1, 0, torch.qint8)
    [found] = read_checkpoint(write(tmp_path / "q.pt", weights)).modules
    assert format_constructor(found.config) == "nn.LSTM(5, 4)"
    assert any("quantised" in note and "weight_hh_l0" in note for note in found.notes)
    assert any("sparse" in note and "weight_ih_l0" in note for note in found.notes)


@pytest.mark.filterwarnings("ignore")
def test_dynamically_quantised_modules_are_said(tmp_path: Path) -> None:
    """A dynamically quantised LSTM has its weights in packed objects: that is said, and nothing is made up."""
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this build cannot quantise")
    quantised = torch.ao.quantization.quantize_dynamic(MODEL, {nn.LSTM}, dtype=torch.qint8)
    torch.jit.save(torch.jit.script(quantised), str(tmp_path / "script.pt"))
    write(tmp_path / "q.pt", quantised.state_dict())
    for name in ("q.pt", "script.pt"):
        found = read_checkpoint(tmp_path / name)
        assert [module.name for module in found.modules] == ["cell"]
        assert any("rnn is dynamically quantised" in note for note in found.notes)


@pytest.mark.parametrize("length", [128, 0x0280, 0x0380, 0x4B50])
def test_a_header_length_that_looks_like_a_pickle(tmp_path: Path, length: int) -> None:
    """The length of a safetensors header can begin like a pickle (80 02) or a zip file (50 4B): it is still a length."""
    path = tmp_path / "m.safetensors"
    save_file(nn.GRU(2, 3).state_dict(), path)
    data = path.read_bytes()
    old = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + old]
    if length < old:
        header = b"{}"
    path.write_bytes(struct.pack("<Q", length) + header.ljust(length) + (data[8 + old :] if length >= old else b""))
    assert len(read_checkpoint(path).modules) == (length >= old)


def test_parameters_views_and_shared_storages(tmp_path: Path) -> None:
    """Expanded, transposed, sliced and tied tensors have the shapes that torch.load gives them."""
    base = torch.arange(24.0)
    tensors = {"t": base.view(4, 6).t(), "s": base[3:9], "e": base[:1].expand(5, 4), "z": torch.empty(0, 3), "scalar": base[0]}
    for old in (False, True):
        path = write(tmp_path / "v.pt", tensors, old=old)
        assert {n: t.shape for n, t in read_file(path).tensors.items()} == {n: tuple(t.shape) for n, t in tensors.items()}


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards_and_directories(tmp_path: Path, kind: str) -> None:
    """The shards of an index are one checkpoint, also by the name of their directory."""
    state = MODEL.state_dict()
    names = list(state)
    stem = "model" if kind == "safetensors" else "pytorch_model"
    places = {}
    for number, part in enumerate((names[:7], names[7:])):
        shard = f"{stem}-{number + 1:05}-of-00002.{kind}"
        if kind == "safetensors":
            save_file({name: state[name] for name in part}, tmp_path / shard)
        else:
            write(tmp_path / shard, {name: state[name] for name in part})
        places.update(dict.fromkeys(part, shard))
    index = tmp_path / f"{stem}.{kind}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}), encoding="utf-8")
    assert constructors(index) == constructors(tmp_path) == WANTED


def test_directory_with_one_file_and_with_several(tmp_path: Path, invoke: Invoke) -> None:
    """A directory stands for its only checkpoint; of several, the user has to name one."""
    write(tmp_path / "a.ckpt", MODEL.state_dict())
    assert constructors(tmp_path) == WANTED
    write(tmp_path / "b.ckpt", MODEL.state_dict())
    result = invoke("weights", str(tmp_path))
    assert result.code == 2
    assert "a.ckpt, b.ckpt" in result.err
    save_file(MODEL.state_dict(), tmp_path / "model.safetensors")
    assert constructors(tmp_path) == WANTED


def test_json_document(tmp_path: Path, invoke: Invoke) -> None:
    """The document has the contract's keys, with the weights as for a configuration."""
    path = tmp_path / "m.safetensors"
    save_file({f"model.{n}": t for n, t in MODEL.state_dict().items()}, path)
    result = invoke("weights", str(path), "--json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert (document["schema"], document["command"], document["file"], document["problems"]) == (1, "weights", str(path), [])
    rnn = next(module for module in document["modules"] if module["name"] == "rnn")
    assert (rnn["key"], rnn["module"], rnn["not_recoverable"]) == ("model.rnn", WANTED["rnn"], ["batch_first", "dropout"])
    assert (rnn["config"]["num_layers"], rnn["config"]["bidirectional"], rnn["config"]["hidden_size"]) == (2, True, 20)
    assert {n: w["shape"] for n, w in rnn["weights"].items()} == {n: list(t.shape) for n, t in MODEL.rnn.state_dict().items()}
    assert rnn["weights"]["bias_hh_l1_reverse"]["tensors"] == ["model.rnn.bias_hh_l1_reverse"]
    assert rnn["totals"]["parameters"] == sum(p.numel() for p in MODEL.rnn.parameters())
    assert document["other"] == {"tensors": 2, "parameters": 123, "bytes": 492, "optimizer_tensors": 0}
    closed_form = invoke("dims", WANTED["rnn"], "--json").json["weights"]
    assert {n: w["gates"] for n, w in rnn["weights"].items()} == {n: w["gates"] for n, w in closed_form.items()}


def test_view_names_constructor_tree_and_rest(tmp_path: Path, invoke: Invoke) -> None:
    """A person sees the name, the constructor to paste, the tree, the bytes and what else the file holds."""
    result = invoke("weights", str(write(tmp_path / "m.pt", MODEL.state_dict())))
    assert result.code == 0
    for text in (*WANTED.values(), "weight_ih_l1_reverse", "(80, 40)", "15,360", "61,440", "batch_first, dropout", "fc.weight"):
        assert text in result.out


def test_view_of_many_modules_is_short(tmp_path: Path, invoke: Invoke) -> None:
    """A file with thousands of cells yields a table that ends, and JSON has them all."""
    cell = nn.GRUCell(1, 1).state_dict()
    path = tmp_path / "many.safetensors"
    save_file({f"cells.{number}.{name}": tensor.clone() for number in range(1000) for name, tensor in cell.items()}, path)
    result = invoke("weights", str(path))
    assert len(result.out.splitlines()) < 300
    assert "800 more modules" in result.out
    assert len(invoke("weights", str(path), "--json").json["modules"]) == 1000


def test_name_narrows_down(tmp_path: Path, invoke: Invoke) -> None:
    """--name shows the one module, and a name that is not there is a usage error that lists those that are."""
    path = str(write(tmp_path / "m.pt", MODEL.state_dict()))
    assert [m["name"] for m in invoke("weights", path, "--name", "c*", "--json").json["modules"]] == ["cell"]
    result = invoke("weights", path, "--name", "nope")
    assert (result.code, result.out) == (2, "")
    assert "rnn, cell" in result.err
    assert invoke("weights", "--name", "x").code == 2


def test_contradictions_exit_1(tmp_path: Path, invoke: Invoke) -> None:
    """Weights that fit no module are described, with exit code 1 and no constructor."""
    weights = {n: t for n, t in MODEL.state_dict().items() if n != "rnn.bias_hh_l1" and not n.startswith("cell")}
    path = str(write(tmp_path / "m.pt", weights))
    result = invoke("weights", path)
    assert result.code == 1
    assert "bias_hh_l1 is missing" in result.out
    assert "nn.LSTM" not in result.out
    document = invoke("weights", path, "--json")
    assert document.code == 1
    assert document.json["modules"] == []
    assert document.json["problems"][0]["name"] == "rnn"


def test_a_file_without_rnns_is_an_answer(tmp_path: Path, invoke: Invoke) -> None:
    """A checkpoint of something else is described in a line."""
    result = invoke("weights", str(write(tmp_path / "m.pt", nn.Linear(3, 4).state_dict())))
    assert result.code == 0
    assert "no recurrent module and no cell" in result.out
    assert "2 other tensors with 16 numbers" in result.out


def test_module_options_beside_a_file_are_refused(tmp_path: Path, invoke: Invoke) -> None:
    """A file says itself what its modules are."""
    result = invoke("weights", str(write(tmp_path / "m.pt", MODEL.state_dict())), "--layers", "2")
    assert result.code == 2
    assert "--layers" in result.err


def test_a_constructor_is_still_a_constructor(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like code is code, and a file that exists is a file whatever its name."""
    monkeypatch.chdir(tmp_path)
    assert invoke("weights", "nn.GRU(3, 4)", "--json").json["config"]["cell"] == "gru"
    write(tmp_path / "nn.GRU(3, 4)", MODEL.state_dict())
    assert invoke("weights", "nn.GRU(3, 4)", "--json").code == 2  # a suffix that no checkpoint has


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_neither_torch_nor_safetensors_is_imported(tmp_path: Path, kind: str) -> None:
    """Files are answered without torch, numpy or safetensors installed."""
    path = tmp_path / f"m.{kind}"
    save_file(MODEL.state_dict(), path) if kind == "safetensors" else write(path, MODEL.state_dict())
    code = (
        "import sys; from rnndims.cli.app import run; code = run(sys.argv[1:]); "
        "assert not {'torch', 'numpy', 'safetensors', 'pickle'} & set(sys.modules), sorted(sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "weights", str(path), "--json"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["modules"]


def sparse_file(path: Path, size: int) -> Path:
    """A .safetensors file of ``size`` bytes of numbers, nearly all of it a hole on the disk."""
    module = nn.LSTM(3, 4)
    header, at = {}, 0
    for name, tensor in module.state_dict().items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    header["embedding"] = {"dtype": "U8", "shape": [size], "data_offsets": [at, at + size]}
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + at + size)
    return path


def test_large_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 4 GB file costs no more reads than a small one: only the header is asked for."""
    path = sparse_file(tmp_path / "large.safetensors", 4 << 30)
    reads = []

    class Counting:
        def __init__(self, file: object) -> None:
            self._file = file

        def __enter__(self) -> "Counting":
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def read(self, count: int = -1) -> bytes:
            data = self._file.read(count)
            reads.append(len(data))
            return data

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

    opened = open_checkpoint.open_regular
    monkeypatch.setattr(open_checkpoint, "open_regular", lambda where: Counting(opened(where)))
    assert constructors(path) == {"": "nn.LSTM(3, 4)"}
    assert sum(reads) < 4096


def test_pickles_of_tensors_are_followed_as_pickle_does(tmp_path: Path) -> None:
    """Every protocol in which torch can write its pickles leads to the same tensors."""
    for protocol in (2, 3, 4, 5):
        path = tmp_path / f"p{protocol}.pt"
        torch.save(
            {"state_dict": MODEL.state_dict(), "n": 1 << 70, "f": 1.5, "t": (None, True, -3)}, path, pickle_protocol=protocol
        )
        assert constructors(path) == WANTED
    assert pickle.HIGHEST_PROTOCOL >= 5


@pytest.mark.skipif(not SILERO.exists(), reason="the data file is not there")
def test_a_real_detector(invoke: Invoke) -> None:
    """The voice-activity detector holds one LSTM cell beside convolutions."""
    document = invoke("weights", str(SILERO), "--json").json
    [module] = document["modules"]
    assert (module["name"], module["module"]) == ("lstm_cell", "nn.LSTMCell(128, 128)")
    assert module["totals"]["parameters"] == 132_096
    assert module["not_recoverable"] == []
    assert document["other"]["tensors"] == 11
    assert RNNConfig("lstm", 128, 128, is_cell=True) == read_checkpoint(SILERO).modules[0].config
