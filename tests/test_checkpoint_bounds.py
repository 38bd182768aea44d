"""Checkpoints made to take memory and time: what they hold too much of is counted, and they are refused before it is made."""

import struct
from pathlib import Path

import pytest
import torch

from rnndims.checkpoint import read_checkpoint
from rnndims.errors import FileError

EMPTY = '{"dtype":"F32","shape":[%s],"data_offsets":[0,0]}'


def header(path: Path, entries: list[str]) -> Path:
    raw = f"{{{','.join(entries)}}}".encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)
    return path


def refused(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    return caught.value.message


def test_shapes_of_many_dims(tmp_path: Path) -> None:
    """Dims are counted over all tensors of a header: a size takes ten times more memory than its digits."""
    value = EMPTY % ",".join(["0"] + ["300"] * 63)
    assert "shapes" in refused(header(tmp_path / "dims.safetensors", [f'"{n:06}":{value}' for n in range(63_000)]))


@pytest.mark.parametrize("letter", ["a", "\U0001f600"])
def test_long_names(tmp_path: Path, letter: str) -> None:
    """The names of all tensors together are weighed in both families of files, wide characters more than others."""
    names = [f"{n}{'a' * 60_000}{letter}.weight_ih_l0" for n in range(1150 if letter == "a" else 300)]
    value = EMPTY % "0,0"
    assert "names" in refused(header(tmp_path / "names.safetensors", [f'"{name}":{value}' for name in names]))
    torch.save(dict.fromkeys(names, torch.zeros(0, 0)), tmp_path / "names.pt")
    assert "names" in refused(tmp_path / "names.pt")


def test_long_names_below_a_key(tmp_path: Path) -> None:
    """A name is weighed with all keys that lead to it, before it is put together."""
    inner = {f"{n:03}{'a' * 60_000}": torch.zeros(0, 0) for n in range(100)}
    torch.save({f"{n:03}": inner for n in range(100)}, tmp_path / "names.pt")
    assert "names" in refused(tmp_path / "names.pt")


def test_modules_without_end(tmp_path: Path) -> None:
    """A file that names a hundred thousand RNNs and more is refused."""
    value = EMPTY % "0,0"
    entries = [f'"m{n}.weight_ih_l0":{value}' for n in range(100_001)]
    assert "RNNs" in refused(header(tmp_path / "many.safetensors", entries))
