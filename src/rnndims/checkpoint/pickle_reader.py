"""A pickle read as data: the stack of the format, without the part that imports and calls.

What ``torch.save`` writes is a program for a stack. ``PickleReader`` follows it with stand-ins: tensors become shapes, and
classes become ``StandIn``. A file with a name that no checkpoint needs is refused as a whole (see ``pickle_names``). Each
operation is charged by its size, so a pickle that is made to exhaust the machine ends in an error too.

The operations are those of Python's ``pickletools``, each one byte: protocols 0 to 5.
"""

import io
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from .budget import Budget
from .file_tensors import damaged
from .pickle_names import FROM_TYPE, LOAD_FROM_BYTES, Blob, Named, StandIn, StorageType, refusal, resolve

MAGIC: Final = 0x1950A86A20F9469CFC6C
"""What the first of the pickles in ``torch.save``'s older format holds."""

_PIECE: Final = 1 << 16
"""Bytes that are read from the file at once."""

_MAX_NESTED: Final = 3
"""How deep pickles may be nested in pickles."""

_OBJECT: Final = 64
"""Bytes of a plain value, and of its place in a list, a dict or the memo."""

_LONGEST_TEXT: Final = 1 << 16
"""Bytes of the longest text that is read; a longer one is skipped."""

_MARK: Final = object()
"""What the operation ``(`` puts on the stack: the items of a list or tuple follow it."""

_DAMAGED: Final = "is damaged: its pickle is not valid"
_ENDS: Final = "ends in the middle: it is truncated or damaged"

PersistentLoad = Callable[[Any], Any]
"""From a persistent id, ``("storage", dtype, key, location, numel)``, to what it stands for."""


def load_pickle(stream: "Stream", persistent: PersistentLoad, budget: Budget) -> Any:
    """The object of the next pickle in ``stream``: plain values, and stand-ins for everything else.

    Keys of dicts become text.

    Args:
        stream: where the pickle begins.
        persistent: makes what a persistent id stands for; in ``torch.save``'s files these are the storages.
        budget: that of the reading.

    Raises:
        FileError: if it is damaged, would run code, or costs more than the budget.
    """
    try:
        return PickleReader(stream, persistent, budget).run()
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error, RecursionError, OverflowError) as error:
        raise damaged(_DAMAGED) from error


class Stream:
    """The bytes of ``file`` from ``begin`` to ``end``, each read at most once and large ones skipped unread."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        self._file = file
        self._next = begin
        self._end = end
        self._buffer = b""
        self._at = 0

    @property
    def position(self) -> int:
        """Offset of the next byte in the file."""
        return self._next - len(self._buffer) + self._at

    def part(self, begin: int, size: int) -> "Stream":
        """The ``size`` bytes of the same file from offset ``begin`` on."""
        return Stream(self._file, begin, begin + size)

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes.

        Raises:
            FileError: if the file ends before.
        """
        at = self._at
        stop = at + count
        if stop > len(self._buffer):
            self._fill(count)
            at, stop = 0, count
        self._at = stop
        return self._buffer[at:stop]

    def _fill(self, count: int) -> None:
        """Make ``count`` bytes ready in the buffer."""
        if self.position + count > self._end:
            raise damaged(_ENDS)
        rest = self._buffer[self._at :]
        wanted = min(max(count - len(rest), _PIECE), self._end - self._next)
        self._file.seek(self._next)
        fresh = self._file.read(wanted)
        self._next += len(fresh)
        self._buffer, self._at = rest + fresh, 0
        if len(self._buffer) < count:
            raise damaged(_ENDS)

    def skip(self, count: int) -> None:
        """Skip ``count`` bytes without reading them.

        Raises:
            FileError: if the file ends before.
        """
        position = self.position + count
        if position > self._end:
            raise damaged(_ENDS)
        if self._at + count <= len(self._buffer):
            self._at += count
        else:
            self._buffer, self._at, self._next = b"", 0, position

    def line(self, limit: int = 4096) -> bytes:
        """The bytes up to the next newline, without it.

        Raises:
            FileError: if there is none after ``limit`` bytes, or the file ends before.
        """
        while (stop := self._buffer.find(b"\n", self._at)) < 0:
            held = len(self._buffer) - self._at
            if held > limit:
                break
            self._fill(held + 1)
        if stop < 0 or stop - self._at > limit:
            raise damaged("is damaged: a line in its pickle does not end")
        line = self._buffer[self._at : stop]
        self._at = stop + 1
        return line


class PickleReader:
    """Follows one pickle: its stack, its memo, and a method for each operation that does more than one push.

    Args:
        stream: where the pickle begins.
        persistent: makes what a persistent id stands for.
        budget: that of the reading.
        depth: how many pickles this one is nested in.

    Raises:
        FileError: each method, where the pickle breaks the rules of its format, would run code, or costs more than the budget.
    """

    def __init__(self, stream: Stream, persistent: PersistentLoad, budget: Budget, depth: int = 0) -> None:
        self.read = stream.read
        self.stream = stream
        self.persistent = persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.budget = budget
        self.depth = depth

    def run(self) -> Any:
        """The object that the pickle ends with.

        Raises:
            FileError: if it would run code, or costs more than the budget.
        """
        read, operations, budget = self.read, _OPERATIONS, self.budget
        while (operation := operations[read(1)[0]]) is not None:
            operation(self)
            budget.steps -= 1  # as budget.charge does, in the one place where a call of it would be felt
            if budget.steps < 0 or budget.memory < 0:
                raise budget.spent()
        return self.stack.pop()

    def push(self, value: Any, memory: int = _OBJECT) -> None:
        """Put ``value`` on the stack; it takes ``memory`` bytes."""
        self.budget.memory -= memory
        self.stack.append(value)

    def pop_items(self) -> list[Any]:
        """Remove and return what is above the topmost mark, and remove the mark."""
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise damaged(_DAMAGED)
        count = len(stack) - at
        self.budget.charge(count >> 3, 16 * count)  # this list, and the tuple that may be made of it
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def number(self, size: int) -> int:
        """The next ``size`` bytes as a number."""
        return int.from_bytes(self.read(size), "little")

    def text(self, size: int) -> None:
        """Push a text of ``size`` bytes; a long one is skipped."""
        if size > _LONGEST_TEXT:
            self.data(size, text=True)
            return
        raw = self.read(size)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self.budget.charge(2 * size)  # Python decodes half a character at a time, and slowly
            text = raw.decode("utf-8", "surrogatepass")
        self.push_text(text)

    def push_text(self, text: str) -> None:
        """Push a text."""
        self.push(text, _OBJECT + sys.getsizeof(text))

    def data(self, size: int, *, text: bool = False) -> None:
        """Push a stand-in for ``size`` bytes, or for a long ``text``; the bytes are skipped."""
        begin = self.stream.position
        self.stream.skip(size)
        self.push(Blob((begin, size), text=text), 4 * _OBJECT)

    def memoize(self, key: int) -> None:
        """Keep the topmost value under ``key``."""
        if not 0 <= key < 1 << 32:
            raise damaged(_DAMAGED)
        self.budget.memory -= 2 * _OBJECT
        self.memo[key] = self.stack[-1]

    def long(self, size: int) -> None:
        """Push a number of ``size`` bytes."""
        if size > 64:
            self.data(size)
        else:
            self.push(int.from_bytes(self.read(size), "little", signed=True))

    def float_line(self) -> None:
        """Push the float that is written as a line of digits."""
        self.push(float(self.stream.line(64)))

    def int_line(self) -> None:
        """Push the int or bool that is written as a line of digits; ``00`` and ``01`` are the bools."""
        line = self.stream.line(80)
        self.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))

    def text_line(self, encoding: str) -> None:
        """Push the text of a line; in Latin-1 it stands in quotes."""
        line = self.stream.line(_LONGEST_TEXT)
        if encoding == "latin-1" and len(line) >= 2:
            line = line[1:-1]
        self.budget.charge(len(line) >> 1)  # what is no escape of Python's is replaced bit by bit
        self.push_text(line.decode(encoding, "replace"))

    def append(self, items: list[Any]) -> None:
        """Put ``items`` into the list on top."""
        self.budget.charge(len(items) >> 3, 16 * len(items))
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, StandIn):
            raise damaged(_DAMAGED)

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values, which alternate in ``items``, into the dict on top."""
        if len(items) % 2:
            raise damaged(_DAMAGED)
        self.budget.charge(len(items), _OBJECT * (len(items) + 2))
        target = self.stack[-1]
        if isinstance(target, StandIn):
            if target.items is None:
                target.items = {}
            target = target.items
        elif type(target) is not dict:
            raise damaged(_DAMAGED)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # numbers become text: crafted ones could all have one hash
            target[str(key) if isinstance(key, (str, int, float)) else f"#{len(target)}"] = value

    def reduce(self) -> None:
        """Call the function below its arguments."""
        arguments = self.stack.pop()
        self.call(self.stack.pop(), arguments)

    def call(self, function: Any, arguments: Any) -> None:
        """Push what the stand-in of ``function`` makes of ``arguments``.

        Raises:
            FileError: if it may not be called.
        """
        while function is FROM_TYPE:  # (function, class, arguments, state): calls the function with the arguments
            self.budget.charge(2)
            if not isinstance(arguments, tuple) or len(arguments) < 3 or not isinstance(arguments[2], tuple):
                raise damaged(_DAMAGED)
            function, _, arguments, *_ = arguments[:4]
        if isinstance(function, StorageType):
            self.push(StandIn("a storage"), 2 * _OBJECT)
            return
        if not isinstance(function, Named) or not isinstance(arguments, (tuple, list)):
            raise damaged(_DAMAGED)
        if function is LOAD_FROM_BYTES:
            self.follow(arguments[0] if arguments else None)
            self.push(StandIn("a storage in bytes"), 2 * _OBJECT)
            return
        if function.call is None:
            raise refusal(function.what)
        self.budget.charge(8 + (len(arguments) >> 2), 8 * _OBJECT + 16 * len(arguments))
        for argument in arguments:  # each is copied, or looked through
            if isinstance(argument, (dict, list, tuple)):
                self.budget.charge(2 * len(argument), 110 * len(argument))
        self.push(function.call(*arguments))

    def follow(self, blob: Any) -> None:
        """Follow the pickles inside bytes that torch would unpickle: those of a storage in the older format.

        Raises:
            FileError: if the bytes are something else, or would run code.
        """
        if not isinstance(blob, Blob) or self.depth >= _MAX_NESTED:
            raise refusal(LOAD_FROM_BYTES.what)
        if blob.followed:
            return
        blob.followed = True
        if self.open(blob).read(1) != b"\x80":  # a zip or tar file would have other pickles inside
            raise refusal(LOAD_FROM_BYTES.what)
        stream = self.open(blob)
        for number in range(5):
            nested = PickleReader(stream, lambda _: StandIn("a storage"), self.budget, self.depth + 1)
            if nested.run() != MAGIC and not number:
                raise refusal(LOAD_FROM_BYTES.what)

    def open(self, blob: Blob) -> Stream:
        """The bytes that ``blob`` stands for."""
        self.budget.charge(20)
        if not isinstance(blob.content, str):
            begin, size = blob.content
            if not blob.text:
                return self.stream.part(begin, size)
            self.budget.charge(size >> 6, 5 * size)
            blob.content = self.stream.part(begin, size).read(size).decode()
        self.budget.charge(len(blob.content) >> 6, 2 * len(blob.content))
        data = blob.content.encode("latin-1")
        return Stream(io.BytesIO(data), 0, len(data))

    def new_object(self, *, keywords: bool) -> None:
        """Push a stand-in for an object of the class below its arguments."""
        if keywords:
            self.stack.pop()
        self.reduce()

    def instance(self) -> None:
        """Push a stand-in for an object of the class that is named on two lines."""
        module, name = self.stream.line(), self.stream.line()
        arguments = self.pop_items()
        self.call(self.named(module.decode(), name.decode()), tuple(arguments))

    def obj(self) -> None:
        """Push a stand-in for an object of the class above the topmost mark."""
        arguments = self.pop_items()
        self.call(arguments[0], tuple(arguments[1:]))

    def build(self) -> None:
        """Set the state of the object below it."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, StandIn):
            target.state = state

    def find_global(self) -> None:
        """Push what stands for the name on two lines."""
        module, name = self.stream.line(), self.stream.line()
        self.push(self.named(module.decode(), name.decode()))

    def find_stacked(self) -> None:
        """Push what stands for the name on the stack."""
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise damaged(_DAMAGED)
        self.push(self.named(module, name))

    def named(self, module: str, name: str) -> Any:
        """What stands for the global ``module.name``."""
        length = len(module) + len(name)
        self.budget.charge(8 + (length >> 6), 8 * _OBJECT + 8 * length)
        return resolve(module, name)

    def refer(self, identifier: Any) -> None:
        """Push what a persistent id stands for."""
        self.budget.steps -= 2
        self.push(self.persistent(identifier), 4 * _OBJECT)

    def pop(self) -> None:
        """Drop the topmost value."""
        self.stack.pop()

    def drop_items(self) -> None:
        """Drop what is above the topmost mark."""
        self.pop_items()

    def tuple_of(self, count: int) -> None:
        """Push a tuple of the topmost values."""
        items = tuple(self.stack[-count:])
        if len(items) != count or _MARK in items:
            raise damaged(_DAMAGED)
        del self.stack[-count:]
        self.push(items)

    def frozen_set(self) -> None:
        """Push a stand-in for a set: nothing in it is needed."""
        self.pop_items()
        self.push(StandIn("a set"), 2 * _OBJECT)

    def protocol(self) -> None:
        """Check the number of the protocol."""
        if self.read(1)[0] > 5:
            self.unsupported()

    def frame(self) -> None:
        """Skip the length of a frame."""
        self.read(8)

    def unsupported(self) -> None:
        """Refuse an operation that no pickle of a checkpoint has.

        Raises:
            FileError: always.
        """
        raise damaged(_DAMAGED)


_Operation = Callable[[PickleReader], None]


def _push(value: Any) -> _Operation:
    return lambda reader: reader.stack.append(value)


_TABLE: Final[dict[bytes, _Operation | None]] = {
    b".": None,
    b"\x80": PickleReader.protocol,
    b"\x95": PickleReader.frame,
    b"(": _push(_MARK),
    b"0": PickleReader.pop,
    b"1": PickleReader.drop_items,
    b"2": lambda r: r.push(r.stack[-1]),
    b"N": _push(None),
    b"\x88": _push(True),
    b"\x89": _push(False),
    b"K": lambda r: r.stack.append(r.read(1)[0]),
    b"M": lambda r: r.push(r.number(2)),
    b"J": lambda r: r.push(int.from_bytes(r.read(4), "little", signed=True)),
    b"\x8a": lambda r: r.long(r.number(1)),
    b"\x8b": lambda r: r.long(r.number(4)),
    b"I": PickleReader.int_line,
    b"L": PickleReader.int_line,
    b"F": PickleReader.float_line,
    b"G": lambda r: r.push(struct.unpack(">d", r.read(8))[0]),
    b"X": lambda r: r.text(r.number(4)),
    b"\x8c": lambda r: r.text(r.number(1)),
    b"\x8d": lambda r: r.text(r.number(8)),
    b"V": lambda r: r.text_line("raw-unicode-escape"),
    b"S": lambda r: r.text_line("latin-1"),
    b"T": lambda r: r.text(r.number(4)),
    b"U": lambda r: r.text(r.number(1)),
    b"B": lambda r: r.data(r.number(4)),
    b"C": lambda r: r.data(r.number(1)),
    b"\x8e": lambda r: r.data(r.number(8)),
    b"\x96": lambda r: r.data(r.number(8)),
    b"]": lambda r: r.push([]),
    b"l": lambda r: r.push(r.pop_items()),
    b"a": lambda r: r.append([r.stack.pop()]),
    b"e": lambda r: r.append(r.pop_items()),
    b"}": lambda r: r.push({}),
    b"s": lambda r: r.set_items([r.stack.pop(-2), r.stack.pop()]),
    b"u": lambda r: r.set_items(r.pop_items()),
    b")": _push(()),
    b"t": lambda r: r.push(tuple(r.pop_items())),
    b"\x85": lambda r: r.tuple_of(1),
    b"\x86": lambda r: r.tuple_of(2),
    b"\x87": lambda r: r.tuple_of(3),
    b"\x8f": lambda r: r.push(StandIn("a set"), 2 * _OBJECT),
    b"\x90": lambda r: r.append(r.pop_items()),
    b"\x91": PickleReader.frozen_set,
    b"q": lambda r: r.memoize(r.read(1)[0]),
    b"r": lambda r: r.memoize(r.number(4)),
    b"p": lambda r: r.memoize(int(r.stream.line(20))),
    b"\x94": lambda r: r.memoize(len(r.memo)),
    b"h": lambda r: r.stack.append(r.memo[r.read(1)[0]]),
    b"j": lambda r: r.stack.append(r.memo[r.number(4)]),
    b"g": lambda r: r.stack.append(r.memo[int(r.stream.line(20))]),
    b"c": PickleReader.find_global,
    b"\x93": PickleReader.find_stacked,
    b"R": PickleReader.reduce,
    b"\x81": lambda r: r.new_object(keywords=False),
    b"\x92": lambda r: r.new_object(keywords=True),
    b"i": PickleReader.instance,
    b"o": PickleReader.obj,
    b"b": PickleReader.build,
    b"Q": lambda r: r.refer(r.stack.pop()),
    b"P": lambda r: r.refer(r.stream.line().decode()),
}
"""What each byte does; ``None`` ends the pickle."""

_OPERATIONS: Final = [_TABLE.get(bytes([code]), PickleReader.unsupported) for code in range(256)]
