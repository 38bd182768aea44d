"""The stack machine of a pickle, without the part that imports and calls; ``pickles`` has the table of its operations."""

import io
import sys
from collections.abc import Callable
from typing import Any, Final

from ..errors import FileError
from .pickle_names import LOAD_FROM_BYTES, Blob, Named, Opaque, StorageType, refusal, resolve
from .stream import Stream

MAX_STEPS: Final = 10_000_000
MAX_COST: Final = 9_000_000
"""Objects one pickle may make, each weighed by the 64 bytes of memory it takes at least."""

MAGIC: Final = 0x1950A86A20F9469CFC6C
"""What the first of the pickles in ``torch.save``'s older format holds."""

_LONGEST_NESTED: Final = 16 << 20
_MAX_NESTED: Final = 3
_LONGEST_TEXT: Final = 1 << 16
MARK: Final = object()
DAMAGED: Final = "is damaged: its pickle cannot be followed"

PersistentLoad = Callable[[Any], Any]
Operations = list[Callable[["Machine"], None] | None]


class Machine:
    """The stack of one pickle, what it remembers, and what its steps do; ``operations`` has a step for each byte."""

    def __init__(self, stream: Stream, persistent: PersistentLoad, operations: "Operations", depth: int = 0) -> None:
        self.read = stream.read
        self.stream = stream
        self.persistent = persistent
        self.operations = operations
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.cost = 0
        self.steps = 0
        self.depth = depth

    def run(self) -> Any:
        """The object that the pickle ends with.

        Raises:
            FileError: if it would run code, or is larger than any checkpoint.
        """
        read, operations = self.read, self.operations
        for step in range(MAX_STEPS):
            operation = operations[read(1)[0]]
            if operation is None:
                self.steps = step
                return self.stack.pop()
            operation(self)
            if self.cost > MAX_COST:
                break
        raise FileError("holds more objects than any checkpoint that rnndims reads")

    def push(self, value: Any, cost: int = 1) -> None:
        """Put ``value`` on the stack; it weighs ``cost``."""
        self.cost += cost
        self.stack.append(value)

    def popmark(self) -> list[Any]:
        """Take what is above the topmost mark."""
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise FileError(DAMAGED)
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def number(self, size: int) -> int:
        """The next ``size`` bytes as a number."""
        return int.from_bytes(self.read(size), "little")

    def text(self, size: int) -> None:
        """A text of ``size`` bytes; a long one is passed over."""
        if size > _LONGEST_TEXT:
            self.data(size, text=True)
        else:
            self.push_text(self.read(size).decode("utf-8", "surrogatepass"))

    def push_text(self, text: str) -> None:
        """A text, by what it takes in memory."""
        self.push(text, 1 + sys.getsizeof(text) // 64)

    def data(self, size: int, *, text: bool = False) -> None:
        """Bytes, or a long ``text``: passed over."""
        begin = self.stream.position
        self.stream.skip(size)
        self.push(Blob((begin, size), text=text), 4)

    def remember(self, key: int) -> None:
        """Keep the topmost value under ``key``."""
        if not 0 <= key < 1 << 32:
            raise FileError(DAMAGED)
        self.cost += 2
        self.memo[key] = self.stack[-1]

    def long(self, size: int) -> None:
        """A number of ``size`` bytes."""
        if size > 64:
            self.data(size)
        else:
            self.push(int.from_bytes(self.read(size), "little", signed=True))

    def float_line(self) -> None:
        """A number with a fraction, in digits."""
        self.push(float(self.stream.line(64)))

    def int_line(self) -> None:
        """A number or a truth value, in digits."""
        line = self.stream.line(80)
        self.push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line.rstrip(b"L")))

    def text_line(self, encoding: str) -> None:
        """A text on a line of its own."""
        line = self.stream.line(_LONGEST_TEXT)
        if encoding == "latin-1" and len(line) >= 2:
            line = line[1:-1]
        self.push_text(line.decode(encoding, "replace"))

    def append(self, items: list[Any]) -> None:
        """Put ``items`` into the list on top."""
        self.cost += len(items)
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Opaque):
            raise FileError(DAMAGED)

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values into the dict on top."""
        if len(items) % 2:
            raise FileError(DAMAGED)
        self.cost += len(items) + 2
        target = self.stack[-1]
        if isinstance(target, Opaque):
            if target.items is None:
                target.items = {}
            target = target.items
        elif type(target) is not dict:
            raise FileError(DAMAGED)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # numbers become text: crafted ones could all have one hash
            target[str(key) if isinstance(key, (str, int, float)) else f"#{len(target)}"] = value

    def reduce(self) -> None:
        """Call the function below its arguments."""
        arguments = self.stack.pop()
        self.call(self.stack.pop(), arguments)

    def call(self, function: Any, arguments: Any) -> None:
        """What the stand-in of ``function`` makes of ``arguments``.

        Raises:
            FileError: if it may not be called.
        """
        if isinstance(function, StorageType):
            self.push(Opaque("a storage"), 2)
            return
        if not isinstance(function, Named) or not isinstance(arguments, (tuple, list)):
            raise FileError(DAMAGED)
        if function is LOAD_FROM_BYTES:
            self.follow(arguments[0] if arguments else None)
            self.push(Opaque("a storage in bytes"), 2)
            return
        if function.call is None:
            raise refusal(function.what)
        self.push(
            function.call(*arguments), 8 + sum(2 * len(item) for item in arguments if isinstance(item, (dict, list, tuple)))
        )

    def follow(self, blob: Any) -> None:
        """Follow the pickles in bytes that would be unpickled: those of a storage in the older format.

        Raises:
            FileError: if they are something else, or would run code.
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
            nested = Machine(stream, lambda _: Opaque("a storage"), self.operations, self.depth + 1)
            if nested.run() != MAGIC and not number:
                raise refusal(LOAD_FROM_BYTES.what)
            self.cost += nested.cost + nested.steps

    def open(self, blob: Blob) -> Stream:
        """The bytes that ``blob`` stands for."""
        if not isinstance(blob.content, str):
            begin, size = blob.content
            if not blob.text:
                return self.stream.part(begin, size)
            if size > _LONGEST_NESTED:
                raise refusal(LOAD_FROM_BYTES.what)
            blob.content = self.stream.part(begin, size).read(size).decode()
        data = blob.content.encode("latin-1")
        return Stream(io.BytesIO(data), 0, len(data))

    def new_object(self, keywords: bool) -> None:
        """Make an object of the class below its arguments."""
        if keywords:
            self.stack.pop()
        self.reduce()

    def instance(self) -> None:
        """Make an object of a class that is named on two lines."""
        module, name = self.stream.line(), self.stream.line()
        arguments = self.popmark()
        self.call(resolve(module.decode(), name.decode()), tuple(arguments))

    def obj(self) -> None:
        """Make an object of a class above the topmost mark."""
        arguments = self.popmark()
        self.call(arguments[0], tuple(arguments[1:]))

    def build(self) -> None:
        """Give the object below its state."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Opaque):
            target.state = state

    def find_global(self) -> None:
        """A name on two lines."""
        module, name = self.stream.line(), self.stream.line()
        self.push(resolve(module.decode(), name.decode()), 8)

    def find_stacked(self) -> None:
        """A name on the stack."""
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise FileError(DAMAGED)
        self.push(resolve(module, name), 8)

    def refer(self, identifier: Any) -> None:
        """What a persistent id stands for."""
        self.push(self.persistent(identifier), 4)

    def pop(self) -> None:
        """Drop the topmost value."""
        self.stack.pop()

    def pop_to_mark(self) -> None:
        """Drop what is above the topmost mark."""
        self.popmark()

    def tuple_of(self, count: int) -> None:
        """A tuple of the topmost values."""
        items = tuple(self.stack[-count:])
        if len(items) != count or MARK in items:
            raise FileError(DAMAGED)
        del self.stack[-count:]
        self.push(items)

    def frozen_set(self) -> None:
        """A set, of which nothing is needed."""
        self.popmark()
        self.push(Opaque("a set"), 2)

    def unsupported(self) -> None:
        """An operation that no pickle has.

        Raises:
            FileError: always.
        """
        raise FileError(DAMAGED)
