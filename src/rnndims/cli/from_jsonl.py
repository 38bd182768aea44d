"""``dims --from-jsonl``: many questions in one process, one JSON object a line, each answered by one line, as it arrives."""

import json
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from ..config import DataConfig, RNNConfig
from ..errors import ConfigError, ConstructorError, ExitCode, RnndimsError, shorten
from ..render.documents import dims_line, encode
from ..request import DEFAULT_MODULE
from ..results import compute_dims
from .standard_input import standard_input

CHUNK: Final = 1 << 14
"""Bytes read at once. A pipe returns what it has, so a line is answered as it arrives."""

LONGEST_LINE: Final = 1 << 20
"""Bytes of the longest line that is read; a longer one is an error, and is skipped without being kept."""

ERROR: Final = '{"line":'
"""How the answer to a bad line begins."""

CONFIG_KEYS: Final = frozenset(RNNConfig.__dataclass_fields__)
"""Keys of a line that describe the module."""

SIZES: Final = frozenset({"input_size", "hidden_size", "num_layers", "proj_size"})
"""Those of them that are ints; JSON's true and false are not."""

DATA_KEYS: Final = frozenset(DataConfig.__dataclass_fields__)
"""Keys of a line that describe the input."""


class BadLineError(RnndimsError):
    """A line that cannot be answered; ``option`` is the key that is wrong, if one is."""

    def __init__(self, message: str, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


def answer_file(name: str) -> ExitCode:
    """Answer every line of the file (``-`` is standard input) on standard output.

    Returns:
        ``USAGE`` if a line was bad, else ``OK``.

    Raises:
        RnndimsError: if the file cannot be read.
    """
    if name == "-":
        return _answer_stream(standard_input("--from-jsonl"))
    try:
        with open(name, "rb") as stream:  # noqa: PTH123 - pathlib is not needed for anything else here
            return _answer_stream(stream)
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is None:
            raise
        raise RnndimsError(f"--from-jsonl {shorten(name)}: {error.strerror}") from error


def _answer_stream(stream: BinaryIO) -> ExitCode:
    code = ExitCode.OK
    write, flush = sys.stdout.write, sys.stdout.flush
    for lines in _batches(stream):
        for number, line in lines:
            if not line or line.isspace():
                continue
            text = answer(line, number)
            if text.startswith(ERROR):
                code = ExitCode.USAGE
            write(text)
        flush()
    return code


def _batches(stream: BinaryIO) -> Iterator[Iterator[tuple[int, bytes]]]:
    """The numbered lines of each chunk that arrives; a line that is too long is cut off behind ``LONGEST_LINE``."""
    number, rest = 1, b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        *lines, rest = (rest + chunk if len(rest) <= LONGEST_LINE else rest[: LONGEST_LINE + 1] + _tail(chunk)).split(b"\n")
        if lines:
            yield enumerate(lines, number)
            number += len(lines)
    if rest:
        yield enumerate([rest], number)


def _tail(chunk: bytes) -> bytes:
    """What to keep of a chunk inside a line that is too long: everything from the end of that line on."""
    end = chunk.find(b"\n")
    return b"" if end < 0 else chunk[end:]


def answer(line: bytes, number: int) -> str:
    """The document for one line, as one line, or ``{"line": number, "error": {"message": ..., "option": ...}}``."""
    try:
        config, data = _understand(_parse(line))
        return dims_line(compute_dims(config, data)) + "\n"
    except RnndimsError as error:
        message = error.render()
        option = error.field if isinstance(error, ConfigError) else getattr(error, "option", None)
    return encode({"line": number, "error": {"message": " ".join(message.split("\n")), "option": option}}) + "\n"


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise BadLineError(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        question = json.loads(line)
    except RecursionError:
        raise BadLineError("this JSON is nested too deeply") from None
    except ValueError as error:
        raise BadLineError(f"not JSON: {error}") from None
    if not isinstance(question, dict):
        raise BadLineError('a line must be a JSON object, like {"cell": "rnn", "hidden_size": 20}')
    return question


def _understand(question: dict[str, Any]) -> tuple[RNNConfig, DataConfig]:
    module: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for key, value in question.items():
        if key in CONFIG_KEYS:
            if isinstance(value, bool) and key in SIZES:
                raise ConfigError(key, encode(value), "must be an int, not a bool")
            module[key] = value
        elif key in DATA_KEYS:
            data[key] = value
        elif key not in ("module", "define"):
            raise BadLineError(f"{shorten(key)}: there is no such key; the keys are {', '.join(_known_keys())}", key)
    if "lengths" in data and data["lengths"] is not None:
        if not isinstance(data["lengths"], list):
            raise ConfigError("lengths", data["lengths"], "must be a list of ints")
        data["lengths"] = tuple(data["lengths"])
    if "dtype" in data and not isinstance(data["dtype"], str):
        raise ConfigError("dtype", data["dtype"], "must be a string")
    if "define" in question and "module" not in question:
        raise BadLineError("define: there is no module with names to define", "define")
    if isinstance(module.get("cell"), str):
        module["cell"] = module["cell"].lower()
    if "module" in question:
        config, dtype = _from_code(question, module)
        if dtype is not None:
            data.setdefault("dtype", dtype)
    else:
        config = RNNConfig(**{**DEFAULT_MODULE, **module})
    return config, DataConfig(**data)


def _known_keys() -> list[str]:
    return [*RNNConfig.__dataclass_fields__, *DataConfig.__dataclass_fields__, "module", "define"]


def _from_code(question: dict[str, Any], overrides: dict[str, Any]) -> tuple[RNNConfig, str | None]:
    """The module of the code in ``"module"``, with the names in ``"define"``; the other keys override its arguments."""
    from ..constructor import parse_constructor

    names = question.get("define", {})
    if not isinstance(question["module"], str):
        raise BadLineError("module: must be code in a string, like nn.RNN(10, 20)", "module")
    if not isinstance(names, dict) or not all(isinstance(value, (int, float, str)) for value in names.values()):
        raise BadLineError("define: must be an object of names and numbers", "define")
    try:
        code = parse_constructor(question["module"], names)
        return code.config(**overrides), code.dtype
    except ConstructorError as error:  # without the lines with carets: a program reads this
        if error.missing:
            raise BadLineError(f'{", ".join(error.missing)}: a name without a value; add it to "define"', "define") from error
        raise BadLineError(f"{error.message} {error.fix or ''}".rstrip(), "module") from error
