"""The header of a ``.safetensors`` file, parsed strictly; the numbers behind it are never touched.

A file is 8 bytes of little-endian length, that many bytes of JSON, and the numbers. The JSON maps each tensor's name to its
``dtype``, ``shape`` and ``data_offsets``, which together cover the rest of the file without gap or overlap.
"""

import json
import re
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..dtypes import byte_size
from ..errors import FileError, shorten
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileContent, FileTensor, Storage
from .tensor_names import cost

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
"""The format's names of dtypes and torch's."""

_MAX_HEADER: Final = 100_000_000
_MAX_TENSORS: Final = 200_000
_MAX_SIZES: Final = 4_000_000
_MAX_NAMES: Final = 32 << 20
"""Bytes that all names together may take."""

_MAX_METADATA: Final = 100_000
_LONGEST: Final = 1 << 16
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_STRING: Final = re.compile(rb'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_QUICK: Final = re.compile(
    rb'\{"dtype":"([A-Z0-9_]{1,16})","shape":\[((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)\],"data_offsets":\[([0-9]{1,19}),([0-9]{1,19})\]\}'
)


def read(path: Path, file: BinaryIO, size: int) -> FileContent:
    """The content of a ``.safetensors`` file by its header.

    Raises:
        FileError: if it breaks a rule of the format.
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8:
        raise FileError("is too short for a safetensors file: it is truncated or empty")
    if length > _MAX_HEADER:
        raise FileError(f"is no safetensors file: its header would have {length} bytes, and {_MAX_HEADER} are the most")
    if 8 + length > size:
        raise FileError(f"is truncated: its header has {length} bytes, and only {size - 8} are there")
    header = file.read(length)
    if not header.startswith(b"{"):
        raise FileError("is no safetensors file: its header does not begin with {")
    parser = _Parser(header)
    parser.parse()
    return FileContent("safetensors", _place(path, parser.entries, 8 + length, size))


def _place(path: Path, entries: dict[str, "_Entry"], begin: int, size: int) -> dict[str, FileTensor]:
    """The tensors, after the check that they cover the rest of the file."""
    expected = 0
    for name, (_, _, first, last) in sorted(entries.items(), key=lambda entry: entry[1][2:]):
        if first != expected:
            word = "overlaps the tensor before it" if first < expected else f"leaves {first - expected} bytes before it unused"
            raise _broken(name, f"begins at byte {first} and {word}")
        expected = last
    if begin + expected != size:
        word = "is truncated" if begin + expected > size else "has bytes that belong to no tensor"
        raise FileError(f"{word}: its tensors take {expected} bytes, and {size - begin} are there")
    return {
        name: FileTensor(shape, dtype, last - first, "strided", Storage(path, dtype, _numel(shape), begin + first))
        for name, (dtype, shape, first, last) in entries.items()
    }


def _numel(shape: tuple[int, ...]) -> int:
    numel = 1
    for size in shape:
        numel *= size
    return numel


_Entry = tuple[str, tuple[int, ...], int, int]


class _Parser:
    def __init__(self, header: bytes) -> None:
        self.header = header
        self.at = 0
        self.entries: dict[str, _Entry] = {}
        self.names = self.sizes = 0
        self._json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_number, parse_float=_refuse_number)

    def parse(self) -> None:
        self._expect(b"{")
        metadata = False
        if self._take(b"}"):
            self._end()
            return
        while True:
            name = self._string()
            self._expect(b":")
            if name == "__metadata__":
                if metadata:
                    raise FileError('is no safetensors file: "__metadata__" is in its header twice')
                metadata = True
                self._metadata()
            else:
                if name in self.entries:
                    raise _broken(name, "is in the header twice")
                if len(self.entries) >= _MAX_TENSORS:
                    raise FileError(f"has more than the {_MAX_TENSORS} tensors that rnndims reads")
                self.entries[name] = entry = self._entry(name)
                self.names += cost(name)
                self.sizes += len(entry[1])
                if self.names > _MAX_NAMES or self.sizes > _MAX_SIZES:
                    what = "names" if self.names > _MAX_NAMES else "shapes"
                    raise FileError(f"has longer {what} than rnndims reads: no checkpoint has such")
            if not self._take(b","):
                break
        self._expect(b"}")
        self._end()

    def _end(self) -> None:
        if self.header[self.at :].strip(b" \t\r\n"):
            raise self._malformed()

    def _take(self, mark: bytes) -> bool:
        header = self.header
        if header[self.at : self.at + 1] != mark:
            self.at = _SPACE.match(header, self.at).end()  # type: ignore[union-attr]
            if header[self.at : self.at + 1] != mark:
                return False
        self.at += 1
        return True

    def _expect(self, mark: bytes) -> None:
        if not self._take(mark):
            raise self._malformed()

    def _malformed(self) -> FileError:
        return FileError(f"is no safetensors file: its header is not the JSON of one, at byte {8 + self.at}")

    def _string(self) -> str:
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        found = _STRING.match(self.header, self.at, self.at + _LONGEST)
        if found is None:
            raise self._malformed()
        text = self._decode(found.group())
        self.at = found.end()
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
        if self._take(b"}"):
            return
        seen: set[str] = set()
        while True:
            key = self._string()
            if key in seen:
                raise FileError(f"is no safetensors file: its metadata has {shorten(key)} twice")
            if len(seen) >= _MAX_METADATA:
                raise FileError(f"has more than the {_MAX_METADATA} entries of metadata that rnndims reads")
            seen.add(key)
            self._expect(b":")
            self._skip_string()
            if not self._take(b","):
                break
        self._expect(b"}")

    def _skip_string(self) -> None:
        """Pass over a text of any length, as model cards in the metadata are."""
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        header, stop = self.header, self.at
        if header[stop : stop + 1] != b'"':
            raise self._malformed()
        while True:
            stop = header.find(b'"', stop + 1)
            if stop < 0:
                raise self._malformed()
            backslashes = stop - 1
            while header[backslashes] == 0x5C:
                backslashes -= 1
            if (stop - backslashes) % 2:
                self.at = stop + 1
                return

    def _entry(self, name: str) -> _Entry:
        found = _QUICK.match(self.header, self.at)
        if found is not None:
            self.at = found.end()
            dtype, sizes, first, last = found.groups()
            numbers = [b"0", first, last, *(sizes.split(b",") if sizes else ())]
            if not any(len(number) > 1 and number[:1] == b"0" for number in numbers):
                shape = [int(size) for size in numbers[3:]]
                return _check(name, dtype.decode(), shape, [int(first), int(last)])
            raise self._malformed()
        self.at = _SPACE.match(self.header, self.at).end()  # type: ignore[union-attr]
        stop = self.header.find(b"}", self.at, self.at + _LONGEST)
        if stop < 0 or self.header[self.at : self.at + 1] != b"{":
            raise self._malformed()
        fields = self._decode(self.header[self.at : stop + 1])
        self.at = stop + 1
        return _check(name, fields.get("dtype"), fields.get("shape"), fields.get("data_offsets"))


def _check(name: str, dtype: Any, shape: Any, offsets: Any) -> _Entry:
    if type(dtype) is not str or dtype not in DTYPES:
        raise _broken(name, f"has the dtype {shorten(dtype)}, which safetensors does not have")
    if type(shape) is not list or len(shape) > MAX_DIMS:
        raise _broken(name, "has no proper shape")
    for size in shape:
        if type(size) is not int or not 0 <= size <= MAX_NUMEL:
            raise _broken(name, f"has a negative or absurd size, {shorten(size)}")
    if type(offsets) is not list or len(offsets) != 2 or any(type(offset) is not int for offset in offsets):
        raise _broken(name, "has no proper data_offsets")
    first, last = offsets
    if not 0 <= first <= last <= MAX_NUMEL:
        raise _broken(name, f"has data_offsets that are negative or run backwards, {shorten(offsets)}")
    torch_name = DTYPES[dtype]
    needed = byte_size(_numel(tuple(shape)), torch_name)
    if needed != last - first:
        raise _broken(name, f"has {last - first} bytes by its data_offsets, and {dtype} {shorten(shape)} takes {needed}")
    return torch_name, tuple(shape), first, last


def _broken(name: str, what: str) -> FileError:
    return FileError(f"is no safetensors file: its tensor {shorten(name)} {what}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_number(text: str) -> Any:
    raise ValueError(text)
