"""Checkpoints made to take memory and time: the budget of a reading is charged for all they do, and ends them before."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import Invoke

from rnndims.checkpoint import Budget, find_modules, read_checkpoint, read_file
from rnndims.checkpoint.budget import MAX_MEMORY, MAX_STEPS
from rnndims.errors import FileError

EMPTY = '{"dtype":"F32","shape":[%s],"data_offsets":[0,0]}'


def header(path: Path, entries: list[str]) -> Path:
    raw = f"{{{','.join(entries)}}}".encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)
    return path


def cost(path: Path, part: int = 1) -> tuple[int, int]:
    """Steps and bytes that are charged for reading a file and recognising its modules, of a ``part`` of the whole budget."""
    budget = Budget(MAX_STEPS // part, MAX_MEMORY // part)
    before = budget.steps, budget.memory
    find_modules(read_file(path, budget), budget)
    return before[0] - budget.steps, before[1] - budget.memory


def refused(path: Path, part: int = 50) -> str:
    """The message for a file that costs more than a ``part`` of the budget; a small part, so that the test is quick."""
    with pytest.raises(FileError) as caught:
        cost(path, part)
    return caught.value.message


# A pickle, operation by operation (see pickletools): ``text("a")`` and ``name("m", "f")`` push, ``keep(1)`` puts the topmost
# value into the memo and drops it, ``get(1)`` pushes it again, ``LIST`` and the like are built around a mark.

START = b"\x80\x04"


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def name(module: str, function: str) -> bytes:
    return f"c{module}\n{function}\n".encode()


def keep(key: int) -> bytes:
    return bytes([ord("q"), key]) + b"0"


def get(key: int) -> bytes:
    return bytes([ord("h"), key])


META = (  # a tensor of shape (0, 0) that needs no storage
    name("torch._utils", "_rebuild_meta_tensor_no_storage") + name("torch", "float32") + b"K\x00K\x00\x86\x86R"
)
FROM_TYPE = name("torch._tensor", "_rebuild_from_type_v2")


def archive(path: Path, *parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", START + b"".join(parts) + b".")
    return path


def calls(count: int, function: bytes, argument: bytes, pushed: bytes) -> Callable[[Path], Path]:
    """A pickle that calls ``function`` on the same large ``argument`` again and again, by a few bytes each."""
    return lambda path: archive(path, argument, keep(1), function, keep(2), b"](", pushed * count, b"e")


MANY = b"(" + b"K\x01" * 20_000
PAIRS = b"](" + b"".join(text(str(n)) + b"N\x86" for n in range(5000)) + b"e"
ENTRIES = b"}(" + b"".join(text(str(n)) + b"N" for n in range(5000)) + b"u"

TRICKS: dict[str, Callable[[Path], Path]] = {
    "a set of many, again and again": calls(5000, name("builtins", "set"), MANY + b"l", get(2) + get(1) + b"\x85R"),
    "many arguments, again and again": calls(5000, name("builtins", "set"), MANY + b"t", get(2) + get(1) + b"R"),
    "a list, copied by a detour": calls(
        5000, FROM_TYPE, MANY + b"l", get(2) + b"(" + name("builtins", "list") + b"N" + get(1) + b"\x85NtR"
    ),
    "pairs, made a dict": calls(5000, name("collections", "OrderedDict"), PAIRS, get(2) + get(1) + b"\x85R"),
    "a dict, copied": calls(5000, name("collections", "OrderedDict"), ENTRIES, get(2) + get(1) + b"\x85R"),
    "long names of functions": lambda path: archive(
        path, text("a" * 60_000), keep(1), text("B" * 60_000), keep(2), b"](", (get(1) + get(2) + b"\x93") * 20_000, b"e"
    ),
    "a list of lists of tensors": lambda path: archive(
        path, META, keep(1), b"](", get(1) * 1000, b"e", keep(2), b"](", get(2) * 1000, b"e"
    ),
    "a pickle in a text, again and again": lambda path: archive(
        path,
        *(text("\x80\x02" + "N0" * 2000 + "\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + "N." * 4), keep(1), name("_codecs", "encode")),
        *(keep(2), name("torch.storage", "_load_from_bytes"), keep(3), b"]("),
        *((get(3) + get(2) + get(1) + b"\x85R\x85R") * 2000, b"e"),
    ),
    "texts of halves of characters": lambda path: archive(
        path, (b"X" + struct.pack("<I", 60_000) + b"\xed\xa0\x80" * 20_000 + b"0") * 30, b"N"
    ),
    "keys that lead to one name": lambda path: archive(
        path,
        *(META, keep(0), b"}", text("w"), get(0), b"s", keep(1), b"}", text("a"), get(1), b"s", keep(2)),
        *(b"}(" + text("a") + get(n - 1) + text("a.a") + get(n - 2) + b"u" + keep(n) for n in range(3, 40)),
        get(39),
    ),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_costs_much_is_charged_for(tmp_path: Path, trick: str) -> None:
    """A small file that makes much ends when the budget is spent."""
    path = TRICKS[trick](tmp_path / "trick.pt")
    assert path.stat().st_size < 2 << 20
    message = refused(path)
    assert message.startswith("is too large: to read it takes more than")
    assert message.endswith(", the most that rnndims spends on one file")


def test_a_spent_budget_is_one_message(tmp_path: Path, invoke: Invoke) -> None:
    """A file that costs more than the budget is bad input: a message with the rule and the way out, and exit code 2."""
    result = invoke("weights", str(TRICKS["a list of lists of tensors"](tmp_path / "trick.pt")), "--json")
    assert (result.code, result.out) == (2, "")
    what, way_out = result.err.splitlines()
    assert what.endswith(
        "trick.pt: is too large: to read it takes more than 14,000,000 steps of work, the most that rnndims spends on one file"
    )
    assert way_out == "Save the RNN's weights alone: their state_dict, or best a .safetensors file."


@pytest.mark.parametrize("letter", ["a", "\U0001f600"])
def test_long_names(tmp_path: Path, letter: str) -> None:
    """The names of all tensors together are weighed in both families of files, wide characters more than others."""
    names = [f"{n}{'a' * 60_000}{letter}.weight_ih_l0" for n in range(40)]
    part = 100 if letter == "a" else 10
    value = EMPTY % "0,0"
    path = header(tmp_path / "names.safetensors", [f'"{name}":{value}' for name in names])
    assert "MiB of memory" in refused(path, part)
    assert cost(path, part // 5)
    torch.save(dict.fromkeys(names, torch.zeros(0, 0)), tmp_path / "names.pt")
    assert "MiB of memory" in refused(tmp_path / "names.pt", part)
    assert cost(tmp_path / "names.pt", part // 5)


def test_long_names_below_a_key(tmp_path: Path) -> None:
    """A name is weighed with all keys that lead to it, before it is put together."""
    inner = dict.fromkeys([f"{n:03}{'a' * 60_000}" for n in range(10)], torch.zeros(0, 0))
    torch.save({f"{n:03}": inner for n in range(20)}, tmp_path / "names.pt")
    assert "MiB of memory" in refused(tmp_path / "names.pt", 60)
    assert cost(tmp_path / "names.pt", 8)


def test_modules_without_end(tmp_path: Path) -> None:
    """A file that names a hundred thousand RNNs is refused, and so is one RNN of a hundred thousand layers."""
    value = EMPTY % "0,0"
    path = header(tmp_path / "m.safetensors", [f'"m{n}.weight_ih_l0":{value}' for n in range(100_000)])
    assert "steps" in refused(path, 1)
    names = [f"weight_ih_l{n}" for n in range(5000)] + ["weight_hh_l0", "weight_ih_l0_reverse"]
    one_by_one = META.replace(b"K\x00K\x00", b"K\x01K\x01")
    weights = b"".join(text(name) + get(1) for name in names)
    _, memory = cost(archive(tmp_path / "l.pt", one_by_one, keep(1), b"}(", weights, b"u"))
    assert 100_000 / 5000 * memory > MAX_MEMORY  # for the weights that each layer and direction lacks


def test_long_prefixes_cost_what_they_are_long(tmp_path: Path) -> None:
    """Names with thousands of wrappers before them cost in proportion to their length, dicts of an optimizer included."""

    def costs(wrappers: int) -> list[int]:
        names = [f"{'module.' * wrappers}rnn{n}.weight_ih_l0" for n in range(20)]
        inner = b"}(" + b"".join(text(name) + get(1) for name in names) + b"u"
        plain = archive(tmp_path / "plain.pt", META, keep(1), inner)
        nested = archive(tmp_path / "nested.pt", META, keep(1), b"}", text("optimizer"), inner, b"s")
        return [cost(path)[0] for path in (plain, nested)]

    for short, long in zip(costs(1000), costs(9000), strict=True):
        assert long < 9 * short
    assert len(read_checkpoint(tmp_path / "plain.pt").contradictions) == 20
    assert read_checkpoint(tmp_path / "nested.pt").optimizer == 20


def test_optimizers_are_known_by_their_dict(tmp_path: Path) -> None:
    """A dict under an optimizer's key is one near the root, wrappers aside, and a module deep in a model."""
    for path, optimizer in (("optimizer", 1), ("a.b.grads", 1), ("a.b.c.grads", 0), ("module.state_dict.a.b.optim", 1)):
        value: object = {"w": torch.zeros(1)}
        for key in reversed(path.split(".")):
            value = {key: value}
        torch.save(value, tmp_path / "o.pt")
        assert read_checkpoint(tmp_path / "o.pt").optimizer == optimizer, path
    torch.save({"optimizer": {"w": torch.zeros(1)}, "optimizer.w": torch.zeros(1)}, tmp_path / "o.pt")
    assert read_checkpoint(tmp_path / "o.pt").optimizer == 1


def test_indices_of_indices(tmp_path: Path) -> None:
    """A shard is a file: one that is a link to a folder with another index is refused, not followed."""
    for level in range(3):
        folder = tmp_path / f"{level}"
        folder.mkdir()
        (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "x.bin", "b": "y.bin"}}', encoding="utf-8")
        for name in ("x.bin", "y.bin"):
            (folder / name).symlink_to(tmp_path / f"{level + 1}")
    header(tmp_path / "3", [])
    with pytest.raises(FileError, match="is a directory"):
        read_checkpoint(tmp_path / "0")


def test_all_shards_share_one_budget(tmp_path: Path) -> None:
    """Links to one shard cost what so many shards cost, and the shards of an index together what one file may."""
    entries = [f'"{n}":{EMPTY % 0}' for n in range(5000)]
    header(tmp_path / "0.safetensors", entries)
    index = tmp_path / "model.safetensors.index.json"

    def linked(count: int) -> tuple[int, int]:
        for n in range(1, count):
            if not (tmp_path / f"{n}.safetensors").exists():
                (tmp_path / f"{n}.safetensors").symlink_to("0.safetensors")
        shards = {str(n): f"{n}.safetensors" for n in range(count)}
        index.write_text(json.dumps({"weight_map": shards}), encoding="utf-8")
        return cost(index)

    once, ten = linked(1), linked(10)
    assert all(9 * a < b < 11 * a for a, b in zip(once, ten, strict=True))
    linked(2)
    with pytest.raises(FileError, match="is too large"):
        read_file(index, Budget(steps=once[0] * 3 // 2))


@pytest.mark.parametrize("junk", ["[]", "{}", '{"a":0}', "[0]", '"ab"'])
def test_index_of_other_things(tmp_path: Path, junk: str) -> None:
    """An index is weighed by the values in its JSON before these are made."""
    path = tmp_path / "model.safetensors.index.json"
    path.write_text('{"weight_map": {}, "x": [' + ",".join([junk] * 100_000) + "]}", encoding="utf-8")
    assert "is too large" in refused(path, 60)


def test_metadata_of_escapes(tmp_path: Path) -> None:
    """A text of quotation marks in the metadata is followed mark by mark, and charged so."""
    path = tmp_path / "m.safetensors"

    def quotes(count: int) -> int:
        header(path, ['"__metadata__":{"a":"%s"}' % ('\\"' * count)])
        return cost(path)[0]

    assert quotes(40_000) > 4 * quotes(10_000) - 100 > 40_000


def test_large_files_are_answered(tmp_path: Path) -> None:
    """The budget is above what real checkpoints cost: 50,000 tensors, an LSTM of 500 layers, shards of a large model."""
    torch.save({f"layers.{n}.weight": torch.zeros(1) for n in range(20_000)}, tmp_path / "tensors.pt")
    steps, memory = cost(tmp_path / "tensors.pt")
    assert 2.5 * steps < MAX_STEPS
    assert 2.5 * memory < MAX_MEMORY
    torch.save(torch.nn.LSTM(2, 3, 500, bidirectional=True).state_dict(), tmp_path / "layers.pt")
    assert read_checkpoint(tmp_path / "layers.pt").modules[0].config.num_layers == 500
    weight_map: dict[str, str] = {}
    for shard in range(100):
        names = [f"model.layers.{shard}.mlp.experts.{n}.down_proj.weight_scale_inv" for n in range(900)]
        header(tmp_path / f"model-{shard:05}.safetensors", [f'"{name}":{EMPTY % "0,7168"}' for name in names])
        weight_map |= dict.fromkeys(names, f"model-{shard:05}.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}, indent=2), encoding="utf-8")
    assert len(read_file(index).tensors) == 90_000


def test_the_size_of_the_numbers_costs_nothing(tmp_path: Path) -> None:
    """A file of 2 GB costs what a small one does: no number is read."""
    rows = 1 << 14
    value = '{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}'
    size = 4 * rows * rows
    names = ("weight_ih_l0", "weight_hh_l0")
    entries = [f'"{name}":{value % (rows, rows, at * size, (at + 1) * size)}' for at, name in enumerate(names)]
    path = header(tmp_path / "large.safetensors", entries)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 2 * size)  # a hole: it takes no room on the disk
    assert read_checkpoint(path).modules[0].config.hidden_size == rows
    assert cost(path)[0] < 2000
