"""A pickle read as the data it is: the stack machine of the format without the part that imports and calls.

What ``torch.save`` writes is a program. This runs it with stand-ins: tensors become shapes, classes become ``Opaque``, and a
name that is on no checkpoint's list refuses the file. Steps and objects are counted, so that a pickle made to exhaust the
machine ends in an error as well.
"""

import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from ..errors import FileError
from .globals import Named, Opaque, StorageType, refusal, resolve
from .stream import Stream

MAX_STEPS: Final = 10_000_000
MAX_COST: Final = 9_000_000
"""Objects one pickle may make, each weighed by the 64 bytes of memory it takes at least."""

_LONGEST_TEXT: Final = 1 << 16
_MARK: Final = object()
_DAMAGED: Final = "is damaged: its pickle cannot be followed"

PersistentLoad = Callable[[Any], Any]


def load(stream: Stream, persistent: PersistentLoad) -> Any:
    """The object of the next pickle in ``stream``: plain values, and stand-ins for everything else.

    Keys of dicts become text. ``persistent`` makes what a persistent id stands for, for ``torch.save`` the storages.

    Raises:
        FileError: if it is damaged, would run code, or is larger than any checkpoint.
    """
    machine = _Machine(stream, persistent)
    try:
        return machine.run()
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error, RecursionError, OverflowError) as error:
        raise FileError(_DAMAGED) from error


class _Machine:
    def __init__(self, stream: Stream, persistent: PersistentLoad) -> None:
        self.read = stream.read
        self.stream = stream
        self.persistent = persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.cost = 0

    def run(self) -> Any:
        read, operations = self.read, _OPERATIONS
        for _ in range(MAX_STEPS):
            operation = operations[read(1)[0]]
            if operation is None:
                return self.stack.pop()
            operation(self)
            if self.cost > MAX_COST:
                break
        raise FileError("holds more objects than any checkpoint that rnndims reads")

    def push(self, value: Any, cost: int = 1) -> None:
        self.cost += cost
        self.stack.append(value)

    def popmark(self) -> list[Any]:
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise FileError(_DAMAGED)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def number(self, size: int) -> int:
        return int.from_bytes(self.read(size), "little")

    def text(self, size: int) -> None:
        if size > _LONGEST_TEXT:
            self.stream.skip(size)
            self.push(Opaque("a long text"), 2)
        else:
            self.push_text(self.read(size).decode("utf-8", "surrogatepass"))

    def push_text(self, text: str) -> None:
        self.push(text, 1 + sys.getsizeof(text) // 64)

    def data(self, size: int) -> None:
        self.stream.skip(size)
        self.push(Opaque("bytes"), 2)

    def remember(self, key: int) -> None:
        if not 0 <= key < 1 << 32:
            raise FileError(_DAMAGED)
        self.cost += 2
        self.memo[key] = self.stack[-1]

    def long(self, size: int) -> None:
        if size > 64:
            self.data(size)
        else:
            self.push(int.from_bytes(self.read(size), "little", signed=True))

    def float_line(self) -> None:
        self.push(float(self.stream.line(64)))

    def int_line(self) -> None:
        line = self.stream.line(80)
        self.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))

    def text_line(self, encoding: str) -> None:
        line = self.stream.line(_LONGEST_TEXT)
        if encoding == "latin-1" and len(line) >= 2:
            line = line[1:-1]
        self.push_text(line.decode(encoding, "replace"))

    def append(self, items: list[Any]) -> None:
        self.cost += len(items)
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Opaque):
            raise FileError(_DAMAGED)

    def set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise FileError(_DAMAGED)
        self.cost += len(items) + 2
        target = self.stack[-1]
        if isinstance(target, Opaque):
            if target.items is None:
                target.items = {}
            target = target.items
        elif type(target) is not dict:
            raise FileError(_DAMAGED)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # numbers become text: crafted ones could all have one hash
            target[str(key) if isinstance(key, (str, int, float)) else f"#{len(target)}"] = value

    def reduce(self) -> None:
        arguments = self.stack.pop()
        self.call(self.stack.pop(), arguments)

    def call(self, function: Any, arguments: Any) -> None:
        if isinstance(function, StorageType):
            self.push(Opaque("a storage"), 2)
            return
        if not isinstance(function, Named) or not isinstance(arguments, (tuple, list)):
            raise FileError(_DAMAGED)
        if function.call is None:
            raise refusal(function.what)
        self.push(
            function.call(*arguments), 8 + sum(2 * len(item) for item in arguments if isinstance(item, (dict, list, tuple)))
        )

    def new_object(self, keywords: bool) -> None:
        if keywords:
            self.stack.pop()
        self.reduce()

    def instance(self) -> None:
        module, name = self.stream.line(), self.stream.line()
        arguments = self.popmark()
        self.call(resolve(module.decode(), name.decode()), tuple(arguments))

    def obj(self) -> None:
        arguments = self.popmark()
        self.call(arguments[0], tuple(arguments[1:]))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Opaque):
            target.state = state

    def find_global(self) -> None:
        module, name = self.stream.line(), self.stream.line()
        self.push(resolve(module.decode(), name.decode()), 8)

    def find_stacked(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise FileError(_DAMAGED)
        self.push(resolve(module, name), 8)

    def refer(self, identifier: Any) -> None:
        self.push(self.persistent(identifier), 4)

    def pop(self) -> None:
        self.stack.pop()

    def pop_to_mark(self) -> None:
        self.popmark()

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) != count or _MARK in items:
            raise FileError(_DAMAGED)
        del self.stack[-count:]
        self.push(items)

    def frozen_set(self) -> None:
        self.popmark()
        self.push(Opaque("a set"), 2)

    def unsupported(self) -> None:
        raise FileError(_DAMAGED)


def _push(value: Any) -> Callable[[_Machine], None]:
    return lambda m: m.stack.append(value)


def _nothing(machine: _Machine) -> None:
    pass


def _frame(machine: _Machine) -> None:
    machine.read(8)


_TABLE: Final[dict[bytes, Callable[[_Machine], None] | None]] = {
    b".": None,
    b"\x80": lambda m: _nothing(m) if m.read(1)[0] <= 5 else m.unsupported(),
    b"\x95": _frame,
    b"(": _push(_MARK),
    b"0": _Machine.pop,
    b"1": _Machine.pop_to_mark,
    b"2": lambda m: m.push(m.stack[-1]),
    b"N": _push(None),
    b"\x88": _push(True),
    b"\x89": _push(False),
    b"K": lambda m: m.stack.append(m.read(1)[0]),
    b"M": lambda m: m.push(m.number(2)),
    b"J": lambda m: m.push(int.from_bytes(m.read(4), "little", signed=True)),
    b"\x8a": lambda m: m.long(m.number(1)),
    b"\x8b": lambda m: m.long(m.number(4)),
    b"I": _Machine.int_line,
    b"L": _Machine.int_line,
    b"F": _Machine.float_line,
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
    b"c": _Machine.find_global,
    b"\x93": _Machine.find_stacked,
    b"R": _Machine.reduce,
    b"\x81": lambda m: m.new_object(keywords=False),
    b"\x92": lambda m: m.new_object(keywords=True),
    b"i": _Machine.instance,
    b"o": _Machine.obj,
    b"b": _Machine.build,
    b"Q": lambda m: m.refer(m.stack.pop()),
    b"P": lambda m: m.refer(m.stream.line().decode()),
}

_OPERATIONS: Final[list[Callable[[_Machine], None] | None]] = [
    _TABLE.get(bytes([code]), _Machine.unsupported) for code in range(256)
]
