"""The table of formats: a file of each goes to its reader, and a new format is one line of it."""

from pathlib import Path
from typing import BinaryIO

import pytest
from conftest import Invoke

from rnndims import file_types
from rnndims.checkpoint import FileContent, FileTensor, format_table, read_file
from rnndims.checkpoint.format_table import FORMATS, Format, find_format
from rnndims.errors import FileError


def read_demo(path: Path, file: BinaryIO, size: int) -> FileContent:
    """Reads a made-up format: a mark, and on each line a name and a shape."""
    lines = file.read(size).decode().splitlines()[1:]
    tensors = {name: tuple(map(int, shape.split(","))) for name, shape in (line.split() for line in lines)}
    return FileContent("a demonstration", {name: FileTensor(shape, "float32", 0) for name, shape in tensors.items()})


DEMO = Format("a demo file", (".demo",), lambda start: start.startswith(b"DEMO"), read_demo)
CONTENT = "DEMO\nenc.weight_ih_l0 12,5\nenc.weight_hh_l0 12,4\nenc.bias_ih_l0 12\nenc.bias_hh_l0 12\n"


def test_a_new_format_is_a_reader_and_a_line(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one more line in the table, weights answers a file of a new format as it does any checkpoint."""
    path = tmp_path / "model.demo"
    path.write_text(CONTENT, encoding="utf-8")
    assert invoke("weights", str(path)).code == 2
    monkeypatch.setattr(format_table, "FORMATS", (*FORMATS, DEMO))
    document = invoke("weights", str(path), "--json").json
    assert document["kind"] == "a demonstration"
    assert [(module["name"], module["module"]) for module in document["modules"]] == [("enc", "nn.GRU(5, 4)")]


def test_content_must_agree_with_the_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one format that is named like another is refused with the name to give it."""
    monkeypatch.setattr(format_table, "FORMATS", (*FORMATS, DEMO))
    for suffix in (".pt", ".safetensors"):
        path = tmp_path / f"model{suffix}"
        path.write_text(CONTENT, encoding="utf-8")
        with pytest.raises(FileError) as caught:
            read_file(path)
        assert caught.value.message == f"is a demo file, but its name ends in {suffix}"
        assert caught.value.fix == "Rename it to end in .demo."


def test_without_a_suffix_the_content_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose name has no suffix is read by what it begins with."""
    monkeypatch.setattr(format_table, "FORMATS", (*FORMATS, DEMO))
    assert find_format(tmp_path / "model", CONTENT.encode()) is DEMO
    assert find_format(tmp_path / "model", b"\x80\x02").read is FORMATS[1].read
    with pytest.raises(FileError, match="does not have the content of a checkpoint"):
        find_format(tmp_path / "model", b"hello")


def test_every_suffix_belongs_to_one_format() -> None:
    """The table and the list of suffixes that the command line completes name the same ones, each once."""
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert sorted(suffixes) == sorted(file_types.CHECKPOINTS)
    assert len(set(suffixes)) == len(suffixes)
