"""Every file that a command writes: checked before the work, never over an input, and over nothing without --force."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import Invoke
from safetensors.torch import load_file, save_file
from torch import nn

import rnndims
from rnndims.cli.app import COMMANDS, LazyCommands

EXPORTING = ["run", "weights", "cell", "concat-demo", "dims"]
WRITING = [
    *([command, "nn.GRU(3, 4)", "--export", "out.svg"] for command in EXPORTING),
    ["check", "nn.GRU(3, 4)", "--input", "5,2,3", "--export", "out.svg"],
    ["run", "nn.GRU(3, 4)", "--save", "out.safetensors"],
    ["diagram", "nn.GRU(3, 4)", "--output", "out.svg"],
    ["diagram", "nn.GRU(3, 4)", "--export", "out.svg"],
]


def listing() -> list[str]:
    """The names of all files here."""
    return [path.name for path in Path().iterdir()]


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in a directory of its own."""
    monkeypatch.chdir(tmp_path)


def test_every_option_that_writes_is_tried() -> None:
    """A command that has an option to write a file is in the list above, and has --force."""
    writing = {(line[0], line[-2]) for line in WRITING}
    for name in COMMANDS:
        options = {option for param in LazyCommands()[name].params for option in param.opts}
        files = ("--save", "--export") if name == "check" else ("--save", "--export", "--output")  # its --output is a shape
        found = {(name, option) for option in files if option in options}
        if "--report" in options:  # of trace, whose process becomes another program: test_trace.py starts it
            found, writing = {(name, "--report")}, writing | {(name, "--report")}
        assert found <= writing
        assert ("--force" in options) == bool(found)


@pytest.mark.parametrize("line", WRITING, ids=lambda line: f"{line[0]} {line[-2]}")
def test_what_exists_is_kept_without_force(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, line: list[str]) -> None:
    """A file that exists is refused before torch is needed, and replaced whole with --force; its permissions stay."""
    out = Path(line[-1])
    out.write_text("mine")
    out.chmod(0o640)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "torch", None)
        refused = invoke(*line)
    assert (refused.code, refused.out, out.read_text()) == (2, "", "mine")
    assert "exists already" in refused.err
    assert "--force" in refused.err
    assert invoke(*line, "--force").code == 0
    assert b"mine" not in out.read_bytes()
    assert os.name == "nt" or out.stat().st_mode & 0o777 == 0o640
    assert listing() == [out.name]


@pytest.mark.parametrize("line", WRITING, ids=lambda line: f"{line[0]} {line[-2]}")
@pytest.mark.parametrize("kind", ["no directory", "directory", "FIFO"])
def test_what_cannot_be_written_is_refused_before_the_work(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, line: list[str], kind: str
) -> None:
    """A target that is no file, or has no directory, is refused before torch is needed, and nothing is printed."""
    name = line[-1]
    if kind == "no directory":
        name = f"no/{name}"
    elif kind == "directory":
        Path(name).mkdir()
    elif hasattr(os, "mkfifo"):
        os.mkfifo(name)
    else:
        pytest.skip("no FIFOs here")
    monkeypatch.setitem(sys.modules, "torch", None)
    refused = invoke(*line[:-1], name, "--force")
    assert (refused.code, refused.out) == (2, "")
    assert name in refused.err


def test_a_file_is_replaced_whole_or_not_at_all(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the content of a file cannot be made, the old one stays and no other is left behind."""
    import rnndims.drawing

    def fail(*_: object) -> bytes:
        raise MemoryError

    Path("out.svg").write_text("mine")
    monkeypatch.setattr(rnndims.drawing, "render_bytes", fail)
    assert invoke("diagram", "--output", "out.svg", "--force").code == 3
    assert (listing(), Path("out.svg").read_text()) == (["out.svg"], "mine")


@pytest.fixture
def files() -> dict[str, Path]:
    """A checkpoint of two shards with their index in a directory, another as one file, an input and two states."""
    made = {name: Path(name) for name in ("model.pt", "x.npy", "h.safetensors", "c.pt")}
    made |= {"folder": Path("folder"), "index": Path("folder/model.safetensors.index.json")}
    weights = nn.LSTM(3, 4).state_dict()
    torch.save(weights, "model.pt")
    import numpy as np

    np.save("x.npy", np.zeros((5, 2, 3), dtype=np.float32))
    save_file({"h": torch.zeros(1, 2, 4), "other": torch.zeros(1)}, "h.safetensors")
    torch.save(torch.zeros(1, 2, 4), "c.pt")
    made["folder"].mkdir()
    shards = {name: f"model-{at:05}-of-00002.safetensors" for at, name in enumerate(weights, 1) if at < 3}
    shards |= dict.fromkeys(list(weights)[2:], "model-00002-of-00002.safetensors")
    for shard in set(shards.values()):
        save_file({name: weights[name] for name in weights if shards[name] == shard}, made["folder"] / shard)
        made[shard] = made["folder"] / shard
    made["index"].write_text(json.dumps({"weight_map": shards}))
    return made


RUNS = {
    "--weights": (["--weights", "model.pt"], ["model.pt"]),
    "--input": (["--weights", "model.pt", "--input", "x.npy"], ["model.pt", "x.npy"]),
    "--h0": (["nn.LSTM(3, 4)", "--h0", "h.safetensors:h"], ["h.safetensors"]),
    "--c0": (["nn.LSTM(3, 4)", "--c0", "c.pt"], ["c.pt"]),
    "index": (["--weights", "folder/model.safetensors.index.json"], ["index", "model-00001-of-00002.safetensors"]),
    "folder": (["--weights", "folder"], ["index", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]),
}


def link(path: Path, name: str, *, hard: bool) -> None:
    """Give the file another name."""
    if hard:
        os.link(path, name)
    else:
        try:
            Path(name).symlink_to(path)
        except OSError:
            pytest.skip("no symbolic links here")


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("case", RUNS)
@pytest.mark.parametrize(("command", "option", "out"), [("run", "--save", "o.safetensors"), ("cell", "--export", "o.svg")])
def test_no_input_is_replaced(
    invoke: Invoke, files: dict[str, Path], case: str, command: str, option: str, out: str, hard: bool
) -> None:
    """With --force too, no file that the command reads is replaced by way of a link, nor a shard that an index leads to."""
    arguments, inputs = RUNS[case]
    for name in inputs:
        before = files[name].read_bytes()
        link(files[name], out, hard=hard)
        refused = invoke(command, *arguments, option, out, "--force")
        assert (refused.code, refused.out) == (2, ""), name
        assert "is the same file as" in refused.err
        assert files[name].read_bytes() == before
        Path(out).unlink()
    assert invoke(command, *arguments, option, out, "--force").code == 0


@pytest.mark.parametrize("target", ["model.pt", "index", "model-00001-of-00002.safetensors"])
def test_a_checkpoint_that_is_listed_is_not_replaced(invoke: Invoke, files: dict[str, Path], target: str) -> None:
    """``weights FILE --export`` spares FILE, the files that it leads to, and those of a directory."""
    for file in ["model.pt"] if target == "model.pt" else ["folder", "folder/model.safetensors.index.json"]:
        before = files[target].read_bytes()
        link(files[target], "o.svg", hard=True)
        refused = invoke("weights", file, "--export", "o.svg", "--force")
        assert (refused.code, refused.out) == (2, "")
        assert "is the same file as" in refused.err
        assert files[target].read_bytes() == before
        Path("o.svg").unlink()
    assert invoke("weights", "model.pt", "--export", "o.svg", "--force").code == 0


def test_saved_results_are_not_replaced_by_the_export(invoke: Invoke) -> None:
    """``--save`` and ``--export`` of one command cannot be two names of one file."""
    Path("o.safetensors").write_bytes(b"")
    link(Path("o.safetensors"), "o.svg", hard=False)
    refused = invoke("run", "--save", "o.safetensors", "--export", "o.svg", "--force")
    assert (refused.code, refused.out) == (2, "")
    assert "o.svg: is the same file as o.safetensors, which this command uses" in refused.err


def test_standard_input_is_not_replaced() -> None:
    """A log that is redirected into ``check --error -`` is spared, under its own name too."""
    log = Path("log.txt")
    log.write_text("RuntimeError: input must have 3 dimensions, got 4")
    command = [sys.executable, "-m", "rnndims", "check", "--error", "-", "--export", "log.txt", "--force"]
    with log.open() as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is the same file as standard input" in done.stderr
    assert log.read_text().startswith("RuntimeError")


def test_a_link_stays_where_its_target_is_replaced(invoke: Invoke) -> None:
    """With --force a symbolic link stays, and what it leads to is replaced."""
    Path("real.svg").write_text("mine")
    link(Path("real.svg"), "o.svg", hard=False)
    assert invoke("dims", "--export", "o.svg", "--force").code == 0
    assert Path("o.svg").is_symlink()
    assert "<svg" in Path("real.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_results_are_saved_in_their_dtype(invoke: Invoke, dtype: str) -> None:
    """Every dtype that the format has is saved as it is."""
    done = invoke("run", "nn.RNN(3, 4)", "--dtype", dtype, "--save", "o.safetensors")
    if dtype == "complex64" and done.code == 2:  # safetensors before 0.6
        assert "cannot hold complex64" in done.err
        return
    assert done.code == 0
    assert {str(tensor.dtype) for tensor in load_file("o.safetensors").values()} == {f"torch.{dtype}"}


def test_a_dtype_that_cannot_be_saved_is_refused_before_the_work(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """complex128, which the format has not, is refused before the module is built."""
    from rnndims.torch_runner import measure

    monkeypatch.setattr(measure, "build_module", None)
    done = invoke("run", "--dtype", "complex128", "--save", "o.safetensors")
    assert (done.code, done.out, listing()) == (2, "", [])
    assert "cannot hold complex128" in done.err
    assert "--dtype" in done.err


def test_results_on_meta_are_refused_before_the_work(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no numbers cannot be saved, and nothing is built first."""
    from rnndims.torch_runner import measure

    monkeypatch.setattr(measure, "build_module", None)
    done = invoke("run", "--device", "meta", "--save", "o.safetensors")
    assert (done.code, done.out) == (2, "")
    assert "no numbers" in done.err


def test_the_function_saves_by_the_same_rules(files: dict[str, Path]) -> None:
    """``rnndims.run`` refuses a file that exists, unless it may overwrite it, and an input in any case."""
    rnndims.run("nn.GRU(3, 4)", save="o.safetensors")
    before = Path("o.safetensors").read_bytes()
    with pytest.raises(rnndims.FileError, match=r"exists already\n.*add overwrite"):
        rnndims.run("nn.GRU(3, 5)", save="o.safetensors")
    assert Path("o.safetensors").read_bytes() == before
    rnndims.run("nn.GRU(3, 5)", save=Path("o.safetensors"), overwrite=True)
    assert load_file("o.safetensors")["h_n"].shape == (1, 2, 5)
    link(files["model.pt"], "model.safetensors", hard=True)
    with pytest.raises(rnndims.FileError, match="is the same file as"):
        rnndims.run(weights="model.pt", save="model.safetensors", overwrite=True)
