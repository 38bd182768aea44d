"""Files with bytes changed at random: whatever is in them, a reader answers or raises its own error within its budget."""

import io
import itertools
import json
import pickletools
import random
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from rnndims.checkpoint import Budget, find_modules, read_file
from rnndims.checkpoint.user_tensor import read_npy
from rnndims.errors import FileError
from rnndims.render.checkpoint_view import checkpoint_view
from rnndims.render.documents import checkpoint_document, pretty

SMALL = nn.GRU(1, 1).state_dict()
MIXED = {
    "state_dict": SMALL,
    "optimizer": {"state": {0: {"exp_avg": torch.zeros(1)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    "others": (Counter("ab"), np.random.default_rng(0), Path("x"), 2.5, b"x" * 20, "y" * 20),
    "tensors": [torch.eye(2).to_sparse(), torch.empty(2, device="meta"), torch.zeros(2, dtype=torch.complex64).conj()],
}
OPERATIONS = b"\x00\x01\x7f\xff(.RQbehqrtu\x85\x86\x87\x93\x94]}c012asoiP\x81\x92\x8f\x90\x91\x95\x96\x8a\x8b\x8dX"
TOKENS = (
    "0",
    "-1",
    "9223372036854775807",
    "1e5",
    "null",
    "NaN",
    '""',
    "[]",
    "{}",
    '"F4"',
    '"\\ud800"',
    "(1,)",
    "'<f4'",
    "9" * 5000,
)


def changed(data: bytes, rng: random.Random) -> bytes:
    """``data`` with some bytes replaced, inserted, removed, repeated, or made the bytes of a large number."""
    new = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at, other, count = rng.randrange(len(new)), rng.randrange(len(new)), rng.randrange(1, 30)
        way = rng.randrange(6)
        if way == 0:
            new[at] = rng.choice(OPERATIONS)
        elif way == 1:
            new[at:at] = rng.choices(OPERATIONS, k=3)
        elif way == 2 and len(new) > 100:
            del new[at : at + count]
        elif way == 3:
            new[at:at] = new[other : other + count] * rng.choice((1, 50))
        elif way == 4:
            new[at : at + 4] = struct.pack("<I", rng.choice((0, 65535, 2**31, 2**32 - 1)))
        else:
            new[at : at + 8] = struct.pack("<Q", rng.choice((1, 2**32, 2**63 - 1, 2**64 - 1)))
    return bytes(new)


def other_operations(data: bytes, rng: random.Random) -> bytes:
    """A pickle with some of its operations left out, repeated, exchanged or put in: this leads further than other bytes."""
    starts = [at for _, _, at in pickletools.genops(data) if at is not None]
    parts = [data[start:end] for start, end in itertools.pairwise([*starts, len(data)])]
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, other = rng.randrange(len(parts) - 1), rng.randrange(len(parts) - 1)
        way = rng.randrange(4)
        if way == 0:
            del parts[at]
        elif way == 1:
            parts.insert(at, parts[other])
        elif way == 2:
            parts[at], parts[other] = parts[other], parts[at]
        else:
            parts[at] = rng.choice(
                (b"N", b"K\x02", b"(", b"0", b"R", b"Q", b"t", b"l", b"]", b"}", b"\x85", b"\x93", b"h\x01", b"b")
            )
    return b"".join(parts)


def other_words(data: bytes, rng: random.Random) -> bytes:
    """``data``, which is JSON or the header of a .npy file, with some of its parts exchanged."""
    parts = re.split(r"([\[\]{}:,() ])", data.decode())
    for _ in range(rng.choice((1, 1, 2, 4))):
        parts[rng.randrange(len(parts))] = rng.choice(TOKENS) if rng.random() < 0.6 else rng.choice(parts)
    return "".join(parts).encode("utf-8", "surrogatepass")


def saved(value: object, *, old: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def pickle_in_archive(rng: random.Random) -> bytes:
    source, target = zipfile.ZipFile(io.BytesIO(saved(rng.choice((SMALL, MIXED))))), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(name, other_operations(data, rng) if name.endswith("data.pkl") else data)
    return target.getvalue()


def safetensors(rng: random.Random) -> bytes:
    from safetensors.torch import save

    whole = save(SMALL, metadata={"a": 'b"c'})
    end = 8 + int.from_bytes(whole[:8], "little")
    header = other_words(whole[8:end], rng)
    return rng.choice((changed(whole, rng), struct.pack("<Q", len(header)) + header + whole[end:]))


def npy(rng: random.Random) -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((2, 3), np.float32))
    whole = file.getvalue()
    header = other_words(whole[10:128], rng)
    return rng.choice((changed(whole, rng), whole[:8] + struct.pack("<H", len(header)) + header + whole[128:]))


def index(rng: random.Random) -> bytes:
    whole = json.dumps({"metadata": {}, "weight_map": {"a": "s.pt", "b": "t.safetensors"}}).encode()
    return rng.choice((changed, other_words))(whole, rng)


MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "zip.pt": lambda rng: changed(saved(rng.choice((SMALL, MIXED))), rng),
    "old.pt": lambda rng: changed(saved(rng.choice((SMALL, MIXED)), old=True), rng),
    "pickle.pt": pickle_in_archive,
    "x.safetensors": safetensors,
    "x.npy": npy,
    "x.index.json": index,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_changed_files_are_answered_or_refused(tmp_path: Path, kind: str) -> None:
    """No changed file raises anything but FileError, and what is read of one can be shown."""
    rng, path = random.Random(kind), tmp_path / kind
    for _ in range(400):
        path.write_bytes(MAKERS[kind](rng))
        try:
            if kind.endswith("npy"):
                read_npy(path)
                continue
            budget = Budget()
            checkpoint = find_modules(read_file(path, budget), budget)
        except FileError as error:
            assert str(error)
            continue
        pretty(checkpoint_document(checkpoint, kind))
        checkpoint_view(checkpoint, kind)(Console(file=io.StringIO()))
