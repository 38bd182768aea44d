"""A pickle read as the data it is: the stack machine of the format without the part that imports and calls.

What ``torch.save`` writes is a program. This runs it with stand-ins: tensors become shapes, classes become ``Opaque``, and a
name that is on no checkpoint's list refuses the file. Steps and objects are counted, so that a pickle made to exhaust the
machine ends in an error as well.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

from ..errors import FileError
from .pickle_names import Opaque
from .pickle_reader import DAMAGED, MAGIC, MARK, Machine, Operations, PersistentLoad
from .stream import Stream

__all__ = ["MAGIC", "load"]


def load(stream: Stream, persistent: PersistentLoad) -> Any:
    """The object of the next pickle in ``stream``: plain values, and stand-ins for everything else.

    Keys of dicts become text. ``persistent`` makes what a persistent id stands for, for ``torch.save`` the storages.

    Raises:
        FileError: if it is damaged, would run code, or is larger than any checkpoint.
    """
    machine = Machine(stream, persistent, _OPERATIONS)
    try:
        return machine.run()
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error, RecursionError, OverflowError) as error:
        raise FileError(DAMAGED) from error


def _push(value: Any) -> Callable[[Machine], None]:
    return lambda m: m.stack.append(value)


def _nothing(machine: Machine) -> None:
    pass


def _frame(machine: Machine) -> None:
    machine.read(8)


_TABLE: Final[dict[bytes, Callable[[Machine], None] | None]] = {
    b".": None,
    b"\x80": lambda m: _nothing(m) if m.read(1)[0] <= 5 else m.unsupported(),
    b"\x95": _frame,
    b"(": _push(MARK),
    b"0": Machine.pop,
    b"1": Machine.pop_to_mark,
    b"2": lambda m: m.push(m.stack[-1]),
    b"N": _push(None),
    b"\x88": _push(True),
    b"\x89": _push(False),
    b"K": lambda m: m.stack.append(m.read(1)[0]),
    b"M": lambda m: m.push(m.number(2)),
    b"J": lambda m: m.push(int.from_bytes(m.read(4), "little", signed=True)),
    b"\x8a": lambda m: m.long(m.number(1)),
    b"\x8b": lambda m: m.long(m.number(4)),
    b"I": Machine.int_line,
    b"L": Machine.int_line,
    b"F": Machine.float_line,
    b"G": lambda m: m.push(struct.unpack(">d", m.read(8))[0]),
    b"X": lambda m: m.text(m.number(4)),
    b"\x8c": lambda m: m.text(m.number(1)),
    b"\x8d": lambda m: m.text(m.number(8)),
    b"V": lambda m: m.text_line("raw-unicode-escape"),
    b"S": lambda m: m.text_line("latin-1"),
    b"T": lambda m: m.text(m.number(4)),
    b"U": lambda m: m.text(m.number(1)),
    b"B": lambda m: m.data(m.number(4)),
    b"C": lambda m: m.data(m.number(1)),
    b"\x8e": lambda m: m.data(m.number(8)),
    b"\x96": lambda m: m.data(m.number(8)),
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.popmark()),
    b"a": lambda m: m.append([m.stack.pop()]),
    b"e": lambda m: m.append(m.popmark()),
    b"}": lambda m: m.push({}),
    b"s": lambda m: m.set_items([m.stack.pop(-2), m.stack.pop()]),
    b"u": lambda m: m.set_items(m.popmark()),
    b")": _push(()),
    b"t": lambda m: m.push(tuple(m.popmark())),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"\x8f": lambda m: m.push(Opaque("a set"), 2),
    b"\x90": lambda m: m.append(m.popmark()),
    b"\x91": lambda m: m.frozen_set(),
    b"q": lambda m: m.remember(m.read(1)[0]),
    b"r": lambda m: m.remember(m.number(4)),
    b"p": lambda m: m.remember(int(m.stream.line(20))),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"h": lambda m: m.stack.append(m.memo[m.read(1)[0]]),
    b"j": lambda m: m.stack.append(m.memo[m.number(4)]),
    b"g": lambda m: m.stack.append(m.memo[int(m.stream.line(20))]),
    b"c": Machine.find_global,
    b"\x93": Machine.find_stacked,
    b"R": Machine.reduce,
    b"\x81": lambda m: m.new_object(keywords=False),
    b"\x92": lambda m: m.new_object(keywords=True),
    b"i": Machine.instance,
    b"o": Machine.obj,
    b"b": Machine.build,
    b"Q": lambda m: m.refer(m.stack.pop()),
    b"P": lambda m: m.refer(m.stream.line().decode()),
}

_OPERATIONS: Final[Operations] = [_TABLE.get(bytes([code]), Machine.unsupported) for code in range(256)]
