"""The table of contents of a zip file, and single members of it, within limits."""

import struct
import zlib
from typing import BinaryIO, Final

from ..errors import FileError
from .budget import Budget
from .file_tensors import Member, damaged

_PIECE: Final = 1 << 16
"""Compressed bytes that are read at once."""

_UNPACKED: Final = 1 << 20
"""The most bytes that are unpacked at once."""

_TAIL: Final = 66_000
"""Bytes at the end of a file that hold its last record: 22 bytes, and a comment of at most 65,535."""

# The records of a zip file, each beginning with its mark (see PKWARE's APPNOTE.TXT).
_END: Final = struct.Struct("<4s4H2LH")  # at the end: number of entries, length and offset of the table, length of the comment
_END64: Final = struct.Struct("<4sQ2H2L4Q")  # the same with 64-bit numbers, for large files
_LOCATOR: Final = struct.Struct("<4sLQL")  # before _END: the offset of _END64
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")  # one entry of the table: sizes, lengths of name, extra field and comment, offset
_LOCAL: Final = struct.Struct("<4s5H3L2H")  # before each member's bytes; the last two: lengths of name and extra field
_TRUNCATED: Final = "is a zip file without its table of contents: it is truncated or damaged"
_COMPRESSION: Final = "is a zip file with a compression that rnndims does not read; it must be stored or deflated"


def read_members(file: BinaryIO, size: int, budget: Budget) -> dict[str, Member]:
    """Every member of the zip file of ``size`` bytes by name.

    Raises:
        FileError: if the table of contents is damaged, or costs more than the ``budget``.
    """
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    at = _find_end(tail)
    _, _, _, _, count, length, begin, _ = _END.unpack_from(tail, at)
    end = max(0, size - _TAIL) + at
    if count == 0xFFFF or 0xFFFFFFFF in (length, begin):  # all bits set: the number is in the 64-bit record
        count, length, begin, end = _read_zip64(file, end, (count, length, begin))
    if begin + length > end:
        raise damaged(_TRUNCATED)
    budget.charge(length >> 6, length)
    file.seek(begin)
    return _read_table(file.read(length), size, budget)


def _find_end(tail: bytes) -> int:
    """Offset in ``tail`` of the record that ends the file. The comment behind it may hold what looks like another."""
    last = at = tail.rfind(b"PK\5\6", 0, len(tail) - _END.size + 4)
    while at >= 0:
        if at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return at
        at = tail.rfind(b"PK\5\6", 0, at)
    if last < 0:
        raise damaged(_TRUNCATED)
    return last


def _read_zip64(file: BinaryIO, end: int, short: tuple[int, int, int]) -> tuple[int, int, int, int]:
    if end < _LOCATOR.size:
        return (*short, end)
    file.seek(end - _LOCATOR.size)
    magic, _, where, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if magic != b"PK\6\7":
        return (*short, end)
    if where + _END64.size > end:
        raise damaged(_TRUNCATED)
    file.seek(where)
    fields = _END64.unpack(file.read(_END64.size))
    if fields[0] != b"PK\6\6":
        raise damaged(_TRUNCATED)
    return fields[7], fields[8], fields[9], where


def _read_table(table: bytes, size: int, budget: Budget) -> dict[str, Member]:
    members: dict[str, Member] = {}
    at = 0
    while at < len(table):
        if at + _ENTRY.size > len(table):
            raise damaged(_TRUNCATED)
        fields = _ENTRY.unpack_from(table, at)
        magic, flags, method, packed, unpacked = fields[0], fields[3], fields[4], fields[8], fields[9]
        name_length, extra_length, comment_length, header = fields[10], fields[11], fields[12], fields[16]
        if magic != b"PK\1\2":
            raise damaged(_TRUNCATED)
        at += _ENTRY.size
        # a member's numbers take 250 bytes; a character of its name two at most, and two where the name is searched
        budget.charge(8 + (name_length >> 6) + (extra_length >> 2), 300 + 4 * name_length)
        name = table[at : at + name_length].decode("utf-8", "replace")
        extra = table[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if 0xFFFFFFFF in (packed, unpacked, header):
            packed, unpacked, header = _large_sizes(extra, packed, unpacked, header)
        if flags & 1:
            raise FileError("is an encrypted zip file", fix="Decrypt it first.")
        if header + packed > size or (method == 0 and packed != unpacked):
            raise damaged(_TRUNCATED)
        if name in members:
            raise damaged("is a damaged zip file: two of its members have the same name")
        members[name] = Member(method, packed, unpacked, header)
    return members


def _large_sizes(extra: bytes, packed: int, unpacked: int, header: int) -> tuple[int, int, int]:
    """The sizes that do not fit 32 bits, from the entry's extra field."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            wide = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            values = [next(wide, value) if value == 0xFFFFFFFF else value for value in (unpacked, packed, header)]
            return values[1], values[0], values[2]
        at += 4 + length
    return packed, unpacked, header


def data_begin(file: BinaryIO, member: Member) -> int:
    """Offset in the file of the member's first byte.

    Raises:
        FileError: if its own header is damaged.
    """
    file.seek(member.header)
    raw = file.read(_LOCAL.size)
    if len(raw) < _LOCAL.size or raw[:4] != b"PK\3\4":
        raise damaged("is a damaged zip file: a member is not where the table of contents says")
    *_, name_length, extra_length = _LOCAL.unpack(raw)
    return int(member.header + _LOCAL.size + name_length + extra_length)


def unpack(file: BinaryIO, member: Member, budget: Budget) -> bytes:
    """The member's bytes, decompressed.

    Raises:
        FileError: if it has more bytes than it says, is damaged, is compressed in a way that rnndims does not read, or costs
            more than the ``budget``.
    """
    # the bytes in the file, the pieces that they unpack to, and these joined
    budget.charge(member.packed + member.size >> 6, member.packed + 2 * member.size)
    file.seek(data_begin(file, member))
    if member.method == 0:
        return file.read(member.size)
    if member.method != 8:
        raise FileError(_COMPRESSION)
    decompressor = zlib.decompressobj(-15)  # a zip file has no zlib header
    try:
        data = decompressor.decompress(file.read(member.packed), member.size + 1)
    except zlib.error as error:
        raise damaged("is a damaged zip file: a member cannot be decompressed") from error
    if len(data) > member.size:
        raise FileError(f"is a zip bomb: a member claims {member.size:,} bytes and unpacks to more")
    return data


def read_part(file: BinaryIO, member: Member, begin: int, count: int) -> bytes:
    """``count`` of the member's bytes from ``begin`` on, fewer if it ends before. The bytes after them are not unpacked.

    Raises:
        FileError: if it is damaged.
    """
    start = data_begin(file, member)
    if member.method == 0:
        file.seek(start + begin)
        return file.read(max(0, min(count, member.size - begin)))
    if member.method != 8:
        raise FileError(_COMPRESSION)
    file.seek(start)
    decompressor, packed, data, skip = zlib.decompressobj(-15), member.packed, bytearray(), begin
    try:
        while len(data) < count and not decompressor.eof:
            raw = decompressor.unconsumed_tail or file.read(min(_PIECE, packed))
            packed -= 0 if decompressor.unconsumed_tail else len(raw)
            piece = decompressor.decompress(raw, min(_UNPACKED, skip + count - len(data)))
            if not raw and not piece:
                break
            data += piece[skip : skip + count - len(data)]
            skip = max(0, skip - len(piece))
    except zlib.error as error:
        raise damaged("is a damaged zip file: a member cannot be decompressed") from error
    return bytes(data)
