"""The table of formats: a file of each goes to its reader, and a new format is one line of it."""

import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from conftest import Invoke

from rnndims import file_types
from rnndims.checkpoint import Budget, FileContent, FileTensor, format_table, read_file
from rnndims.checkpoint.file_tensors import Storage
from rnndims.checkpoint.format_table import FORMATS, Format, find_format
from rnndims.checkpoint.torch_file import read_torch
from rnndims.checkpoint.zip_archive import read_members
from rnndims.errors import FileError
from rnndims.torch_runner.user_tensors import to_torch


def read_demo(path: Path, file: BinaryIO, size: int, budget: Budget) -> FileContent:
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
    assert find_format(tmp_path / "model", b"\x80\x02").read is read_torch
    with pytest.raises(FileError, match="does not have the content of a checkpoint"):
        find_format(tmp_path / "model", b"hello")


def test_of_formats_that_begin_alike_the_suffix_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose beginning two formats claim is read by the one of its suffix, whatever the order of the table."""
    twin = Format("a twin file", (".twin",), FORMATS[1].begins, read_demo)
    for formats in ((*FORMATS, twin), (twin, *FORMATS)):
        monkeypatch.setattr(format_table, "FORMATS", formats)
        assert find_format(tmp_path / "model.twin", b"PK\x03\x04") is twin
        assert find_format(tmp_path / "model.pt", b"PK\x03\x04").read is read_torch


def test_a_directory_is_read_by_the_first_format_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a format further down the table does not make a directory ambiguous."""
    monkeypatch.setattr(format_table, "FORMATS", (*FORMATS, DEMO))
    monkeypatch.setattr(file_types, "CHECKPOINTS", (*file_types.CHECKPOINTS, ".demo"))
    (tmp_path / "data.demo").write_text(CONTENT, encoding="utf-8")
    assert next(iter(read_file(tmp_path).tensors)).startswith("enc.")
    torch.save({"rnn.weight_ih_l0": torch.zeros(4, 3)}, tmp_path / "model.pt")
    assert list(read_file(tmp_path).tensors) == ["rnn.weight_ih_l0"]


def test_numbers_behind_a_header_inside_a_zip_member_are_found(tmp_path: Path) -> None:
    """A storage that begins some bytes into a member of a zip archive gives the numbers from there on, stored or deflated."""
    numbers = torch.arange(6.0)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = tmp_path / f"{method}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("a", b"header!!" + numbers.numpy().tobytes())
        with path.open("rb") as file:
            member = read_members(file, path.stat().st_size, Budget())["a"]
        tensor = FileTensor((2, 3), "float32", 24, "strided", Storage(path, "float32", 6, begin=8, member=member))
        assert torch.equal(to_torch(torch, tensor), numbers.view(2, 3))


def test_numbers_far_apart_are_not_read(tmp_path: Path) -> None:
    """A tensor whose rows lie gigabytes apart, as in a file with holes, is refused before these are read; a column is read."""
    numbers = torch.arange(6000.0)
    path = tmp_path / "numbers"
    path.write_bytes(numbers.numpy().tobytes())
    column = FileTensor((30,), "float32", 120, "strided", Storage(path, "float32", 6000, begin=0), 7, (200,))
    assert torch.equal(to_torch(torch, column), numbers[7::200])
    apart = FileTensor((2, 2), "float32", 16, "strided", Storage(path, "float32", 1 << 31, begin=0), 0, (1 << 30, 1))
    with pytest.raises(FileError, match="so far apart"):
        to_torch(torch, apart)


def test_every_suffix_belongs_to_one_format() -> None:
    """The table and the list of suffixes name the same ones, each once."""
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    assert sorted(suffixes) == sorted(file_types.CHECKPOINTS)
    assert len(set(suffixes)) == len(suffixes)
