"""Checkpoints from strangers: each ends in one message and exit code 2, nothing is executed, and nothing takes long."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Invoke, Result
from torch import nn

MARKER = "pwned"


class Evil:
    """An object that creates a file when it is unpickled."""

    def __init__(self, call: Callable, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple:
        return self.call, self.arguments


def saved(value: object, *, zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


EVILS = {
    "system": Evil(os.system, f"touch {MARKER}"),
    "exec": Evil(exec, f"open({MARKER!r}, 'w')"),
    "eval": Evil(eval, f"open({MARKER!r}, 'w')"),
    "popen": Evil(subprocess.Popen, ["touch", MARKER]),
    "touch": Evil(Path.touch, Path(MARKER)),
    "own function": Evil(pytest.main, [MARKER]),
    "pickle in pickle": Evil(pickle.loads, pickle.dumps(Evil(os.system, f"touch {MARKER}"))),
    "pickle in storage": Evil(torch.storage._load_from_bytes, pickle.dumps(Evil(os.system, f"touch {MARKER}"))),
    "storage by detour": Evil(
        torch._tensor._rebuild_from_type_v2,
        torch.storage._load_from_bytes,
        torch.Tensor,
        (pickle.dumps(Evil(os.system, f"touch {MARKER}")),),
        None,
    ),
    "saved in storage": Evil(torch.storage._load_from_bytes, saved(Evil(os.system, f"touch {MARKER}"), zipped=False)),
    "zipped in storage": Evil(torch.storage._load_from_bytes, saved(Evil(os.system, f"touch {MARKER}"), zipped=True)),
}


@pytest.fixture
def refused(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Runs ``weights`` on a file and holds that it is refused: exit code 2, one clean message, no output, nothing run."""
    monkeypatch.chdir(tmp_path)

    def call(path: Path, *options: str) -> str:
        for extra in ((), ("--json",)):
            result: Result = invoke("weights", str(path), *options, *extra)
            assert result.code == 2, result
            assert result.out == ""
            assert result.err.startswith("rnndims: ")
            assert len(result.err.splitlines()) <= 2
            for forbidden in ("Traceback", "\x1b", "weights_only", "add_safe_globals", "fault in rnndims"):
                assert forbidden not in result.err
            assert not (tmp_path / MARKER).exists()
        return result.err

    return call


@pytest.mark.parametrize("name", EVILS)
@pytest.mark.parametrize("where", ["plain", "plain 0", "zip", "old", "inside", "key", "list"])
def test_pickles_that_run_code(tmp_path: Path, refused: Callable, name: str, where: str) -> None:
    """Code in a pickle is never run, wherever it hides, and the message names what it would have called."""
    evil, path = EVILS[name], tmp_path / "evil.pt"
    state = nn.LSTM(2, 3).state_dict()
    if where.startswith("plain"):
        path.write_bytes(pickle.dumps(evil, protocol=0 if where == "plain 0" else 4))
    elif where in ("zip", "old"):
        torch.save(evil, path, _use_new_zipfile_serialization=where == "zip")
    else:
        value = {"inside": {"state_dict": {**state, "x": evil}}, "key": {**state, "x": {(1, evil): 1}}, "list": [state, [evil]]}
        torch.save(value[where], path)
    message = refused(path)
    if where != "plain 0":
        assert "run code" in message


def archive(path: Path, data: bytes, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    """A zip archive with ``data`` as its pickle."""
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("archive/data.pkl", data)
        for name, content in members.items():
            file.writestr(f"archive/{name}", content)
    return path


def test_opcodes_that_import_and_call(tmp_path: Path, refused: Callable) -> None:
    """All ways in which a pickle calls something are refused alike: INST, OBJ, NEWOBJ, stacked globals, extensions."""
    for data in (
        b"(S'touch pwned'\nios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x0b\x00\x00\x00touch pwnedo.",
        b"\x80\x02cbuiltins\ngetattr\n)R.",
        b"\x80\x02csubprocess\nPopen\n(]X\x05\x00\x00\x00touchaX\x05\x00\x00\x00pwnedat\x81.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0btouch pwned\x85R.",
        b"\x80\x04\x8c\x05torch\x8c\x0fhub.load_module\x93)R.",
        b"\x80\x02ctorch.hub\nload\n)R.",
        b"\x80\x02csome_package\nfunction\n)R.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02c__main__\nModel\n)\x81}b.",
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nNX\x0b\x00\x00\x00touch pwned\x85NtR.",
    ):
        refused(archive(tmp_path / "call.pt", data))


@pytest.mark.parametrize("old", [False, True])
def test_whole_models_are_not_opened(tmp_path: Path, refused: Callable, old: bool) -> None:
    """A pickled module is refused with the way out."""
    torch.save(nn.LSTM(2, 3), tmp_path / "model.pt", _use_new_zipfile_serialization=not old)
    assert "state_dict" in refused(tmp_path / "model.pt")


@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_truncated_files(tmp_path: Path, refused: Callable, kind: str) -> None:
    """A file cut anywhere is told from a whole one."""
    from safetensors.torch import save_file

    whole = tmp_path / ("whole.safetensors" if kind == "safetensors" else "whole.pt")
    if kind == "safetensors":
        save_file(nn.LSTM(5, 6).state_dict(), whole)
    else:
        torch.save(nn.LSTM(5, 6).state_dict(), whole, _use_new_zipfile_serialization=kind == "zip")
    data = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    for length in (0, 1, 4, 9, 100, 700, len(data) // 2, len(data) - 30, len(data) - 1):
        cut.write_bytes(data[:length])
        refused(cut)


@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_damaged_files_never_crash(tmp_path: Path, invoke: Invoke, kind: str) -> None:
    """A file with any byte changed is answered or refused, never a fault."""
    from safetensors.torch import save_file

    whole = tmp_path / ("whole.safetensors" if kind == "safetensors" else "whole.pt")
    if kind == "safetensors":
        save_file(nn.GRU(2, 2).state_dict(), whole)
    else:
        torch.save(nn.GRU(2, 2).state_dict(), whole, _use_new_zipfile_serialization=kind == "zip")
    data, damaged = whole.read_bytes(), tmp_path / f"damaged{whole.suffix}"
    for place in range(0, len(data), max(1, len(data) // 120)):
        for value in (0x00, 0xFF, data[place] ^ 0x01):
            damaged.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            result = invoke("weights", str(damaged), "--json")
            assert result.code in (0, 1, 2), result.err
            assert "fault" not in result.err


def test_what_is_no_file(tmp_path: Path, refused: Callable) -> None:
    """Missing files, directories without a checkpoint, FIFOs, devices and names with a null end at once."""
    assert "no such file" in refused(tmp_path / "missing.pt")
    assert "no such file" in refused(tmp_path / "missing" / "x.safetensors")
    (tmp_path / "empty").mkdir()
    assert "without a checkpoint" in refused(tmp_path / "empty")
    (tmp_path / "dir.pt").mkdir()
    refused(tmp_path / "dir.pt")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.pt")
        assert "FIFO" in refused(tmp_path / "fifo.pt")
        (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "fifo.safetensors"}}', encoding="utf-8")
        os.mkfifo(tmp_path / "fifo.safetensors")
        assert "FIFO" in refused(tmp_path)
    if Path("/dev/zero").exists():
        assert "device" in refused(Path("/dev/zero"))
        (tmp_path / "zero.pt").symlink_to("/dev/zero")
        assert "device" in refused(tmp_path / "zero.pt")
    if os.name == "posix":
        (tmp_path / "loop.pt").symlink_to(tmp_path / "loop.pt")
        refused(tmp_path / "loop.pt")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind root")
def test_no_permission(tmp_path: Path, refused: Callable) -> None:
    """A file that may not be read is said to be so."""
    path = tmp_path / "secret.pt"
    path.write_bytes(b"x")
    path.chmod(0)
    assert "permission" in refused(path)


def test_no_permission_as_root(tmp_path: Path, refused: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the system says so."""
    path = tmp_path / "secret.pt"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rnndims.checkpoint.open_checkpoint.os.open", refuse)
    assert "permission" in refused(path)


def test_wrong_suffixes(tmp_path: Path, refused: Callable) -> None:
    """A content that is not what the suffix says is refused with the name of what it is."""
    from safetensors.torch import save_file

    state = nn.LSTM(2, 3).state_dict()
    torch.save(state, tmp_path / "a.safetensors")
    assert "torch.save" in refused(tmp_path / "a.safetensors")
    save_file(state, tmp_path / "b.pt")
    assert ".safetensors" in refused(tmp_path / "b.pt")
    torch.save(state, tmp_path / "c.txt")
    assert ".txt" in refused(tmp_path / "c.txt")
    for name, content in {
        "text.pt": b"hello\n",
        "page.bin": b"<!DOCTYPE html>",
        "pointer.bin": b"version https://git-lfs.github.com/spec/v1\n",
        "gz.pt": b"\x1f\x8b\x08\x00",
        "text.safetensors": b"hello world, this is text\n",
        "list.index.json": b"[1]",
        "none.index.json": b"{}",
        "zip.pt": b"PK\5\6" + b"\0" * 18,
    }.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name)
    for suffix in ("bin", "safetensors"):
        for content, word in (
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"\n <html>", "web page"),
            (b"\x1f\x8b\x08\x00abcdefgh", "compressed"),
        ):
            (tmp_path / f"other.{suffix}").write_bytes(content)
            assert word in refused(tmp_path / f"other.{suffix}")


def header(path: Path, text: str | bytes, data: bytes = b"", length: int | None = None) -> Path:
    raw = text.encode() if isinstance(text, str) else text
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def tensor(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8), **more: object) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


BAD_HEADERS = {
    "not json": "{nonsense}",
    "a list": "[]",
    "a text": '"x"',
    "open end": '{"a": ',
    "deep": '{"a":' * 5000,
    "deep lists": '{"a": {"dtype": "F32", "shape": ' + "[" * 5000,
    "duplicate": '{"a": %s, "a": %s}' % ((json.dumps(tensor()),) * 2),
    "duplicate, escaped": r'{"a": %s, "\u0061": %s}' % ((json.dumps(tensor()),) * 2),
    "duplicate field": '{"a": {"dtype": "F32", "dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
    "trailing comma": f'{{"a": {json.dumps(tensor())},}}',
    "after the end": f'{{"a": {json.dumps(tensor())}}} {{}}',
    "leading space": f' {{"a": {json.dumps(tensor())}}}',
    "metadata is a number": '{"__metadata__": 1}',
    "metadata of numbers": '{"__metadata__": {"a": 1}}',
    "metadata twice": '{"__metadata__": {}, "__metadata__": {}}',
    "a number": '{"a": 1}',
    "unknown dtype": json.dumps({"a": tensor("F31")}),
    "dtype is a list": json.dumps({"a": {**tensor(), "dtype": ["F32"]}}),
    "no shape": '{"a": {"dtype": "F32", "data_offsets": [0, 8]}}',
    "shape is a number": json.dumps({"a": tensor(shape=2)}),
    "negative size": json.dumps({"a": tensor(shape=(-2, -1))}),
    "size is a float": json.dumps({"a": tensor(shape=(2.0,))}),
    "size is a bool": json.dumps({"a": tensor(shape=(True, 2))}),
    "size is a nan": '{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}',
    "leading zero": '{"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}',
    "comma in shape": '{"a":{"dtype":"F32","shape":[2,],"data_offsets":[0,8]}}',
    "absurd size": json.dumps({"a": tensor(shape=(10**30,))}),
    "size of a million digits": '{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 8]}}' % ("9" * 1_000_000),
    "size of 4301 digits": '{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}' % ("9" * 4301),
    "offset of 4301 digits": '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,%s]}}' % ("9" * 4301),
    "digits that a pattern could split in many ways": '{"a":{"dtype":"F32","shape":[%s.5],"data_offsets":[0,8]}}' % ("1" * 40),
    "the same before a space": '{"a":{"dtype":"F32","shape":[%s ],"data_offsets":[0,8]}}' % ("1" * 40),
    "overflowing product": json.dumps({"a": tensor(shape=(2**62, 4, 2**62), offsets=(0, 8))}),
    "product is zero by overflow": json.dumps({"a": tensor(shape=(2**32, 2**32), offsets=(0, 0))}),
    "a thousand dims": json.dumps({"a": tensor(shape=(1,) * 1000, offsets=(0, 4))}),
    "offsets too few": json.dumps({"a": tensor(offsets=(0,))}),
    "offsets negative": json.dumps({"a": tensor(offsets=(-8, 0))}),
    "offsets backwards": json.dumps({"a": tensor(offsets=(8, 0))}),
    "offsets floats": json.dumps({"a": tensor(offsets=(0.0, 8.0))}),
    "offsets of another size": json.dumps({"a": tensor(offsets=(0, 4))}),
    "out of range": json.dumps({"a": tensor(shape=(1000,), offsets=(0, 4000))}),
    "overlap": json.dumps({"a": tensor(shape=(1,), offsets=(0, 4)), "b": tensor(offsets=(0, 8))}),
    "hole": json.dumps({"a": tensor(shape=(1,), offsets=(4, 8))}),
    "bytes left over": json.dumps({"a": tensor(shape=(1,), offsets=(0, 4))}),
    "no tensors, but bytes": "{}",
    "not utf-8": b'{"\xff\xfe": {}}',
    "control character in a name": f'{{"a\nb": {json.dumps(tensor())}}}',
}


STRICTER = ("a thousand dims", "duplicate", "duplicate, escaped", "leading space")
"""What the format forbids, or torch has no tensors of, and the library lets pass."""


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_absurd_safetensors_headers(tmp_path: Path, refused: Callable, name: str) -> None:
    """Whatever breaks a rule of the format is refused, as the library refuses it."""
    from safetensors import SafetensorError, safe_open

    path = header(tmp_path / "h.safetensors", BAD_HEADERS[name], b"\0" * 8)
    refused(path)
    if name not in STRICTER:
        with pytest.raises(SafetensorError), safe_open(path, "pt"):
            pass


def test_absurd_header_lengths(tmp_path: Path, refused: Callable) -> None:
    """A header longer than the file, or than any, is refused by its length alone."""
    for length in (1, 1000, 100_000_001, 2**32, 2**63, 2**64 - 1):
        refused(header(tmp_path / "h.safetensors", "{}", length=length))


def test_header_as_the_format_allows_it(tmp_path: Path, invoke: Invoke) -> None:
    """Spaces, any order of fields, escapes, empty tensors and metadata of any length are read."""
    entries = {
        "__metadata__": {"card": 'a "quoted" }{ \\ text' * 5000},
        "b\u00e9\u4e2d": tensor(),
        "empty": tensor("I64", (0, 5), (8, 8)),
    }
    for text in (json.dumps(entries, indent=3) + "   \n", json.dumps(entries, ensure_ascii=False, separators=(",", ":"))):
        result = invoke("weights", str(header(tmp_path / "h.safetensors", text, b"\0" * 8)), "--json")
        assert (result.code, result.err) == (0, "")
        assert result.json["other"]["tensors"] == 2
    assert invoke("weights", str(header(tmp_path / "h.safetensors", "{}"))).code == 0


def test_shards_stay_in_their_directory(tmp_path: Path, refused: Callable) -> None:
    """An index can name nothing but files beside it."""
    (tmp_path / "d").mkdir()
    torch.save({"a": torch.zeros(1)}, tmp_path / "outside.bin")
    index = tmp_path / "d" / "model.bin.index.json"
    outside = ["../outside.bin", str(tmp_path / "outside.bin"), "..\\outside.bin", "x/../../outside.bin", "C:outside.bin"]
    for name in (*outside, "", ".", "..", "a\0.bin", "missing.bin", "model.bin.index.json", "/dev/zero"):
        index.write_text(json.dumps({"weight_map": {"a": name}}), encoding="utf-8")
        refused(index)
    for text in ('{"weight_map": []}', '{"weight_map": {"a": 1}}', "[" * 100_000, '{"weight_map": ' * 50_000, "\x00"):
        index.write_text(text, encoding="utf-8")
        refused(index)
    torch.save({"other": torch.zeros(1)}, tmp_path / "d" / "s.bin")
    index.write_text(json.dumps({"weight_map": {"a": "s.bin"}}), encoding="utf-8")
    assert "not in its shard" in refused(index)


def test_members_that_unpack_to_more_than_they_say(tmp_path: Path, refused: Callable) -> None:
    """A zip bomb whose table of contents lies about its size is stopped while it unpacks."""
    path = archive(tmp_path / "bomb.pt", b"\x80\x02" + b"N0" * 50_000_000 + b"N.", zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    size = struct.pack("<L", 100_000_004)
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, struct.pack("<L", 1000)))
    assert "bomb" in refused(path)


@pytest.mark.parametrize("value", [None, 1, 2.5, "text", (), [], {}, True])
def test_plain_values(tmp_path: Path, invoke: Invoke, value: object) -> None:
    """A file with a plain value in place of a dict is one without RNNs."""
    torch.save(value, tmp_path / "plain.pt")
    assert invoke("weights", str(tmp_path / "plain.pt"), "--json").json["modules"] == []


def test_dicts_without_end(tmp_path: Path, refused: Callable) -> None:
    """Dicts that contain themselves, unfold without end or are absurdly deep are refused."""
    itself: dict = {"w": torch.zeros(1)}
    itself["again"] = [itself]
    torch.save(itself, tmp_path / "self.pt")
    assert "contains itself" in refused(tmp_path / "self.pt")
    deep: object = {"w": torch.zeros(1)}
    for _ in range(100):
        deep = {"a": deep}
    torch.save(deep, tmp_path / "deep.pt")
    assert "deep" in refused(tmp_path / "deep.pt")


def test_tensors_that_reach_beyond_their_storage(tmp_path: Path, refused: Callable) -> None:
    """A shape, stride or offset that its storage does not have, or a storage that the file does not have, is refused."""
    head = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    head += b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    tail = b"\x89NtR."
    for middle in (
        b"K\x00K\x05\x85K\x01\x85",  # five of four
        b"K\x01K\x04\x85K\x01\x85",  # beyond by the offset
        b"K\x00K\x02\x85K\x04\x85",  # beyond by the stride
        b"J\xff\xff\xff\xffK\x02\x85K\x01\x85",  # a negative offset
        b"K\x00J\xff\xff\xff\xff\x85K\x01\x85",  # a negative size
        b"K\x00K\x02K\x02\x86K\x01\x85",  # two sizes, one stride
        b"K\x00\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fM\xff\xff\x86K\x00K\x00\x86",  # more than can be counted
        b"K\x00NN",
    ):
        refused(archive(tmp_path / "t.pt", head + middle + tail, **{"data/0": b"\0" * 16}))
    good = head + b"K\x00K\x04\x85K\x01\x85" + tail
    refused(archive(tmp_path / "t.pt", good))
    refused(archive(tmp_path / "t.pt", good, **{"data/0": b"\0" * 15}))


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path, invoke: Invoke) -> None:
    """Control characters, newlines, direction marks and markup in names reach the terminal as escapes or as themselves."""
    names = [
        "a\x1b[31mred",
        "b\nc\r\x07",
        "d\u202eevil",
        "[bold]e[/bold]",
        "[/nothing]",
        ":smile:",
        "\ud800x",
        "\x9b2J",
        "g" * 5000,
    ]
    state = {f"{name}.{key}": value for name in names for key, value in nn.GRUCell(1, 1).state_dict().items()}
    state["odd\x1b]0;title\x07"] = torch.zeros(1)
    bad = {f"bad\x1b[2J.{key}": torch.zeros(3) for key in ("weight_ih", "weight_hh")}
    torch.save({**state, **bad}, tmp_path / "names.pt")
    result = invoke("weights", str(tmp_path / "names.pt"))
    assert result.code == 1
    assert not {c for c in result.out if not c.isprintable()} - {"\n"}
    for text in (r"a\x1b[31mred", r"b\nc\r\x07", r"d\u202eevil", "[bold]e[/bold]", "[/nothing]", ":smile:", r"bad\x1b[2J"):
        assert text in result.out
    raw = invoke("weights", str(tmp_path / "names.pt"), "--json")
    assert raw.out.isascii()
    assert [module["name"] for module in raw.json["modules"]] == names
    for name in ("x\x1b[31m.pt", "x\u202e.pt", "[red]x.safetensors"):
        missing = invoke("weights", name)
        assert missing.code == 2
        assert not {c for c in missing.err if not c.isprintable()} - {"\n"}


def opcodes(repeated: bytes, count: int, before: bytes = b"\x80\x04") -> bytes:
    return before + repeated * count + b"."


BOMBS = {
    "dicts": lambda path: archive(path, opcodes(b"}", 30_000_000)),
    "memo": lambda path: archive(path, opcodes(b"}\x94", 15_000_000)),
    "items": lambda path: archive(path, opcodes(b"}K\x01K\x01s", 8_000_000)),
    "copies": lambda path: archive(
        path,
        opcodes(
            b"h\x01h\x00\x85R0", 100_000, b"\x80\x02(" + b"K\x01" * 2_000_000 + b"lq\x000ccollections\nOrderedDict\nq\x010"
        ),
    ),
    "zipped pickle": lambda path: archive(path, opcodes(b"N0", 200_000_000), zipfile.ZIP_DEFLATED),
    "one hash": lambda path: archive(
        path,
        b"\x80\x02}(" + b"".join(b"\x8a\x20" + ((2**61 - 1) * n).to_bytes(32, "little") + b"N" for n in range(300_000)) + b"u",
    ),
}


def limited(path: Path) -> tuple[int, str]:
    """Exit code and messages of ``weights`` in a process of its own that may have 1 GB and, to be generous, 30 s of a core."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))

    done = subprocess.run(
        [sys.executable, "-m", "rnndims", "weights", str(path), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=limit if os.name == "posix" and sys.platform != "darwin" else None,
        check=False,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_within_bounds(tmp_path: Path, name: str) -> None:
    """Files made to exhaust the machine are refused within a gigabyte and in seconds."""
    path = tmp_path / "bomb.pt"
    BOMBS[name](path)
    code, message = limited(path)
    path.unlink()
    assert code == 2, message
    assert len(message.splitlines()) == 2
    assert "not enough memory" not in message


def test_exponential_dicts_end_within_bounds(tmp_path: Path) -> None:
    """A dict that holds the next one twice, sixty times, is refused within a gigabyte and in seconds."""
    value: object = {"w": torch.zeros(1)}
    for _ in range(60):
        value = {"a": value, "b": value}
    torch.save(value, tmp_path / "exponential.pt")
    code, message = limited(tmp_path / "exponential.pt")
    assert code == 2
    assert "is too large" in message


def test_a_hundred_thousand_tensors_are_an_answer(tmp_path: Path) -> None:
    """A checkpoint of 100,000 tensors is read in seconds, in both families of files."""
    count = 100_000
    entry = '"layers.%d.w":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    path = tmp_path / "many.safetensors"
    header(path, "{" + ",".join(entry % (n, 4 * n, 4 * n + 4) for n in range(count)) + "}", b"\0" * 4 * count)
    assert limited(path) == (0, "")
    shared = torch.zeros(1)
    torch.save({f"layers.{n}.w": shared for n in range(count)}, tmp_path / "many.pt")
    assert limited(tmp_path / "many.pt") == (0, "")
