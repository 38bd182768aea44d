"""The header of a ``.safetensors`` file, parsed strictly; the numbers behind it are never touched.

A file is 8 bytes of little-endian length, that many bytes of JSON, and the numbers. The JSON maps each tensor's name to its
``dtype``, ``shape`` and ``data_offsets``, which together cover the rest of the file without gap or overlap.
"""

import json
import re
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..dtypes import byte_size
from ..errors import FileError, shorten
from .budget import Budget
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileContent, FileTensor, Storage, damaged

DTYPES: Final[dict[str, str]] = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "I32": "int32",
    "U32": "uint32",
    "I64": "int64",
    "U64": "uint64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F4": "float4_e2m1fn_x2",
    "F6_E2M3": "float6_e2m3",
    "F6_E3M2": "float6_e3m2",
}
"""The format's name of each dtype, and torch's."""

_MAX_HEADER: Final = 100_000_000
"""Bytes of the largest header that the format allows."""

_LONGEST: Final = 1 << 16
"""Bytes of one name or of one entry at most."""

# The space that JSON allows between its parts, or none: "\n  "
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
# A JSON string with its escapes: "model.rnn", "a \\"b\\""
_STRING: Final = re.compile(rb'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
# An entry as the library writes it, without spaces: {"dtype":"F32","shape":[80,12],"data_offsets":[0,3840]}
_QUICK: Final = re.compile(
    rb'\{"dtype":"([A-Z0-9_]{1,16})","shape":\[((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)\],"data_offsets":\[([0-9]{1,19}),([0-9]{1,19})\]\}'
)


def is_safetensors(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is one: a length below 2^40, then JSON."""
    return start[8:9] == b"{" and start[5:8] == b"\0\0\0"


def read_safetensors(path: Path, file: BinaryIO, size: int, budget: Budget) -> FileContent:
    """The content of a ``.safetensors`` file by its header.

    Args:
        path: the file's name.
        file: the same file, open at its first byte.
        size: its size in bytes.
        budget: that of the reading.

    Raises:
        FileError: if it breaks a rule of the format, or costs more than the budget.
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8:
        raise damaged(f"is truncated: it has {size} bytes, and a safetensors file has at least 8")
    if length > _MAX_HEADER:
        raise damaged(
            f"is no safetensors file: its header would have {length:,} bytes, more than {_MAX_HEADER:,}, the most allowed"
        )
    if 8 + length > size:
        raise damaged(f"is truncated: its header has {length:,} bytes, and the file ends after {size - 8:,} of them")
    budget.charge(length >> 6, length)
    header = file.read(length)
    if not header.startswith(b"{"):
        raise damaged("is no safetensors file: its header does not begin with {")
    parser = _Parser(header, budget)
    parser.parse()
    return FileContent("safetensors", _locate(path, parser.entries, 8 + length, size))


def _locate(path: Path, entries: dict[str, "_Entry"], begin: int, size: int) -> dict[str, FileTensor]:
    """The tensors with their storages, after the check that they cover the rest of the file from ``begin`` on."""
    expected = 0
    for name, (_, _, first, last) in sorted(entries.items(), key=lambda entry: entry[1][2:]):
        if first != expected:
            word = "overlaps the tensor before it" if first < expected else f"leaves {first - expected} bytes unused before it"
            raise _broken(name, f"begins at byte {first} and {word}")
        expected = last
    if begin + expected != size:
        word = "is truncated" if begin + expected > size else "has bytes that belong to no tensor"
        raise damaged(f"{word}: its tensors take {expected:,} bytes, and the file has {size - begin:,} for them")
    return {
        name: FileTensor(shape, dtype, last - first, "strided", Storage(path, dtype, prod(shape), begin + first))
        for name, (dtype, shape, first, last) in entries.items()
    }


_Entry = tuple[str, tuple[int, ...], int, int]


class _Parser:
    """Reads the JSON of a header entry by entry, so nothing is kept that is not a tensor, and each is counted first."""

    def __init__(self, header: bytes, budget: Budget) -> None:
        self.header = header
        self.budget = budget
        self.at = 0
        self.entries: dict[str, _Entry] = {}
        self._json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_number, parse_float=_refuse_number)

    def parse(self) -> None:
        self._expect(b"{")
        metadata = False
        if self._next_is(b"}"):
            self._end()
            return
        while True:
            name = self._string()
            self._expect(b":")
            if name == "__metadata__":
                if metadata:
                    raise damaged('is no safetensors file: "__metadata__" is in its header twice')
                metadata = True
                self._metadata()
            else:
                if name in self.entries:
                    raise _broken(name, "is in the header twice")
                self.budget.charge_name(name)
                self.entries[name] = entry = self._entry(name)
                self.budget.charge_tensor(len(entry[1]))
            if not self._next_is(b","):
                break
        self._expect(b"}")
        self._end()

    def _end(self) -> None:
        if self.header[self.at :].strip(b" \t\r\n"):
            raise self._malformed()

    def _next_is(self, mark: bytes) -> bool:
        """Whether ``mark`` comes next, spaces aside; if so, go past it."""
        header = self.header
        if header[self.at : self.at + 1] != mark:
            self.at = _SPACE.match(header, self.at).end()  # type: ignore[union-attr]
            if header[self.at : self.at + 1] != mark:
                return False
        self.at += 1
        return True

    def _expect(self, mark: bytes) -> None:
        if not self._next_is(mark):
            raise self._malformed()

    def _malformed(self) -> FileError:
        return damaged(f"is no safetensors file: its header is not valid JSON of this format at byte {8 + self.at}")

    def _string(self) -> str:
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        match = _STRING.match(self.header, self.at, self.at + _LONGEST)
        if match is None:
            raise self._malformed()
        text = self._decode(match.group())
        self.at = match.end()
        return str(text)

    def _decode(self, raw: bytes) -> Any:
        if raw[:1] == b'"' and b"\\" not in raw:
            try:
                return raw[1:-1].decode()
            except UnicodeDecodeError as error:
                raise self._malformed() from error
        try:
            return self._json.decode(raw.decode())
        except (ValueError, RecursionError) as error:
            raise self._malformed() from error

    def _metadata(self) -> None:
        self._expect(b"{")
        if self._next_is(b"}"):
            return
        keys: set[str] = set()
        while True:
            key = self._string()
            if key in keys:
                raise damaged(f"is no safetensors file: its metadata has the key {shorten(key)} twice")
            self.budget.charge(8)
            self.budget.charge_name(key)
            keys.add(key)
            self._expect(b":")
            self._skip_string()
            if not self._next_is(b","):
                break
        self._expect(b"}")

    def _skip_string(self) -> None:
        """Skip a text of any length: the metadata may hold whole model cards."""
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        header, stop = self.header, self.at
        if header[stop : stop + 1] != b'"':
            raise self._malformed()
        while True:  # a quotation mark ends the text unless an odd number of backslashes stands before it
            stop = header.find(b'"', stop + 1)
            if stop < 0:
                raise self._malformed()
            self.budget.charge(1)
            backslashes = stop - 1
            while header[backslashes] == 0x5C:
                backslashes -= 1
            self.budget.charge(stop - backslashes >> 2)
            if (stop - backslashes) % 2:
                self.at = stop + 1
                return

    def _entry(self, name: str) -> _Entry:
        match = _QUICK.match(self.header, self.at)
        if match is not None:
            self.at = match.end()
            dtype, sizes, first, last = match.groups()
            numbers = [b"0", first, last, *(sizes.split(b",") if sizes else ())]
            if not any(len(number) > 1 and number[:1] == b"0" for number in numbers):  # JSON has no 02
                shape = [int(size) for size in numbers[3:]]
                return _check(name, dtype.decode(), shape, [int(first), int(last)])
            raise self._malformed()
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        stop = self.header.find(b"}", self.at, self.at + _LONGEST)
        if stop < 0 or self.header[self.at : self.at + 1] != b"{":
            raise self._malformed()
        self.budget.charge(8 + (stop - self.at >> 4))
        fields = self._decode(self.header[self.at : stop + 1])
        self.at = stop + 1
        return _check(name, fields.get("dtype"), fields.get("shape"), fields.get("data_offsets"))


def _check(name: str, dtype: Any, shape: Any, offsets: Any) -> _Entry:
    if type(dtype) is not str or dtype not in DTYPES:
        raise _broken(name, f"has the dtype {shorten(dtype)}, which the format does not have")
    if type(shape) is not list or len(shape) > MAX_DIMS:
        raise _broken(name, f"has no shape, or one of more than {MAX_DIMS} dims")
    for size in shape:
        if type(size) is not int or not 0 <= size <= MAX_NUMEL:
            raise _broken(name, f"has a size that is not a number from 0 to {MAX_NUMEL}: {shorten(size)}")
    if type(offsets) is not list or len(offsets) != 2 or any(type(offset) is not int for offset in offsets):
        raise _broken(name, "has no data_offsets of two numbers")
    first, last = offsets
    if not 0 <= first <= last <= MAX_NUMEL:
        raise _broken(name, f"has data_offsets that are negative or run backwards: {shorten(offsets)}")
    torch_name = DTYPES[dtype]
    needed = byte_size(prod(shape), torch_name)
    if needed != last - first:
        raise _broken(name, f"has {last - first} bytes by its data_offsets, and needs {needed} for {dtype} {shorten(shape)}")
    return torch_name, tuple(shape), first, last


def _broken(name: str, what: str) -> FileError:
    return damaged(f"is no safetensors file: its tensor {shorten(name)} {what}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key occurs twice")
    return unique


def _refuse_number(text: str) -> Any:
    raise ValueError(text)
