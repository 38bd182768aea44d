"""Pasted text: how colours, prefixes and boxes are removed, and what the traceback around a message tells."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .kinds_of_call import RNN_WORDS

MAX_TEXT: Final = 4_000_000
"""The most characters that are searched: the last ones."""

MAX_WRAPPED: Final = 500_000
"""The most characters whose broken lines are joined: the last ones."""

_BLOCK: Final = 200_000
"""Characters that are split into lines at once."""

# colours and other commands to a terminal: "\x1b[31m", "\x1b]0;title\x07", "\x1bM"
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|\x1b[@-_=>]|\x9b[0-?]*[@-~]")
# control characters, zero-width and direction marks: "\x08", "\u200b", "\u200e"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\u200b\u200e\u200f\ufeff]")
# what launchers, boxes, mails, Ray, pytest and loggers put before a line: the start of "[rank0]: x", "│ x", ">>> x",
# the start of "(train pid=4711) x", "E       x", "2024-05-01 12:00:01,123 x", "[05/01 12:00:01] x", "ERROR: x"
_PREFIX: Final = re.compile(
    r"(?:[ \t]*(?:\[?rank\s?\d+\]?:|[|│┃┆]|>{1,4}(?=\s)|\([^()\n]{1,60}\bpid=\d+[^()\n]{0,60}\)|E(?=\s{3,})"
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\s\]]{0,12}\]?|\[[^\]\n]{0,40}\d\d:\d\d:\d\d[^\]\n]{0,20}\]"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?(?=\s)|\[?(?:INFO|ERROR|WARNING|DEBUG|CRITICAL|stderr|stdout)\]?:?(?=\s)))+"
)
_MOST_PREFIX: Final = 300
"""The most characters that are put before a line."""

_WIDE: Final = str.maketrans("（）［］，：", "()[],:")
"""Brackets and marks as East Asian input methods write them, and the ASCII ones."""
# a frame: 'File "a/b.py", line 3', IPython's "File a/b.py:3, in f" and "a/b.py in f("
_FRAME: Final = re.compile(
    r'File "(?P<a>[^"\n]{1,400})", line \d+'
    r"|(?:^|[\s(])(?:File )?(?P<b>(?:[A-Za-z]:)?[^\s:\"'<>|]{1,300}\.pyc?)(?::\d+,? in| in [\w.<>]+\()",
    re.MULTILINE,
)
WHOLE_TRACEBACK: Final = "Traceback (most recent call last)"
"""What the first line of a traceback says."""

# where a traceback begins; IPython draws a line
_START: Final = re.compile(r"Traceback \(most recent call last\)|^-{30,}\s*$", re.MULTILINE)
# the directories of a path, which may be named after an RNN: "/home/me/rnn-project/"
_DIRECTORIES: Final = re.compile(r"[^\s\"'()<>|:,]{1,300}[\\/]")
# words for what an RNN returns: "hidden", "h_n", "out[:, -1"
_AFTER: Final = re.compile(r"bidirectional|hidden|\bh_?n\b|\[:, ?-1\b", re.IGNORECASE)
# the file between a layer and its operation: "torch/nn/functional.py", "torch/_tensor.py"
_WRAPPER: Final = re.compile(r"torch/(?:(?:nn/)?functional|_tensor)\.py$")
# "DataParallel", "replica 1"
_PARALLEL: Final = re.compile(r"DataParallel|data_parallel|parallel_apply|\breplica \d", re.IGNORECASE)
# files of layers that are no RNN: "torch/nn/modules/conv.py"
_FOREIGN: Final = re.compile(
    r"[\\/](?:conv|batchnorm|normalization|sparse|pooling|transformer|instancenorm|loss)\.py$|torchvision"
)


def clean(text: str) -> str:
    """``text`` as plain lines: no colours, no carriage returns, no prefixes of launchers and loggers, no boxes."""
    text = _ESCAPES.sub("", text[-MAX_TEXT:])
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n").replace("\xa0", " ")
    text = _CONTROLS.sub(
        "", text if text.isascii() else text.translate(_WIDE).replace("İ", "I")
    )  # İ.lower() has two characters
    return "\n".join("\n".join(map(_strip, block.split("\n"))) for block in _blocks(text))


def _blocks(text: str) -> Iterator[str]:
    """Parts of some hundred thousand characters that end where a line ends: few lines at a time take little memory."""
    start = 0
    while True:
        end = text.find("\n", start + _BLOCK)
        if end < 0:
            yield text[start:]
            return
        yield text[start:end]
        start = end + 1


def _strip(line: str) -> str:
    if line.isspace() or not line:
        return ""
    prefix = _PREFIX.match(line[:_MOST_PREFIX])
    if prefix:
        line = line[prefix.end() :]
    end = line.rstrip()
    return end[:-1].rstrip() if end.endswith(("│", "┃")) else line


def unwrap(text: str) -> str:
    """Lines of full width joined with what follows, for text that a terminal broke in the middle of words."""
    lines = text[-MAX_WRAPPED:].split("\n")
    longest = max(map(len, lines), default=0)
    parts = [line if len(line) >= min(longest, 60) and len(line) > 30 else line + "\n" for line in lines]
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the text around a message tells.

    Attributes:
        framed: whether there are lines of a traceback before it.
        whole: whether the traceback begins there too.
        last: the file of the last frame, with forward slashes and without ``torch.nn.functional``; empty if none.
        code: what the traceback shows of that frame.
        rnn: whether the traceback, or the text near the message, names an RNN; directories do not count.
        told: whether the user states the module beside the text.
        after: whether the traceback has words for what an RNN returns.
        line: whether the statement right before the message names an RNN, or the user does and there is no traceback.
        sequential: whether the call came through an ``nn.Sequential``.
        parallel: whether the text names ``DataParallel``.
    """

    framed: bool
    whole: bool
    last: str
    code: str
    rnn: bool
    told: bool
    after: bool
    line: bool
    sequential: bool
    parallel: bool

    @property
    def near(self) -> bool:
        """Whether it is about a program with an RNN, as far as the text or the user says."""
        return self.rnn or self.told

    @property
    def foreign(self) -> bool:
        """Whether another kind of layer raised it."""
        return bool(_FOREIGN.search(self.last))

    @property
    def in_loss(self) -> bool:
        """Whether a loss raised it."""
        return self.last.endswith("nn/modules/loss.py")

    @property
    def in_packing(self) -> bool:
        """Whether ``pack_padded_sequence`` or its like raised it."""
        return self.last.endswith("nn/utils/rnn.py")

    @property
    def in_rnn(self) -> bool:
        """Whether PyTorch's RNN module raised it."""
        return self.last.endswith(("nn/modules/rnn.py", "nn/_functions/rnn.py", "backends/cudnn/rnn.py"))

    @property
    def in_linear(self) -> bool:
        """Whether an ``nn.Linear`` raised it."""
        return self.last.endswith("nn/modules/linear.py")

    @property
    def recurrent(self) -> bool:
        """Whether PyTorch's RNN module raised it on a line about the state alone, not the input."""
        return self.in_rnn and "w_hh" in self.code and "w_ih" not in self.code


def evidence(text: str, start: int, *, told: bool = False) -> Evidence:
    """What the text before the message at ``start`` tells, from the beginning of the last traceback on.

    The limits of characters keep a long log from slowing the search; a traceback is rarely longer.

    Args:
        text: the whole text, cleaned.
        start: where the message begins.
        told: whether the user states the module beside the text.
    """
    begin = max(0, start - 20_000)
    before = text[begin:start]
    starts = [start_mark.end() for start_mark in _START.finditer(before)]
    block = before[starts[-1] :] if starts else before[-6_000:]
    frames = list(_FRAME.finditer(block)) if ".py" in block else []
    files = [(frame["a"] or frame["b"]).replace("\\", "/").removesuffix("c") for frame in frames]
    top = len(files) - 1
    while top > 0 and _WRAPPER.search(files[top]):
        top -= 1
    code = block[frames[top].end() : frames[top + 1].start() if top + 1 < len(frames) else len(block)] if frames else ""
    line = text[max(0, start - 300) : start].rpartition("\n")[2] + text[start : start + 600].partition("\n")[0]
    line = _DIRECTORIES.sub("", _FRAME.sub(_name, line))
    shown = _DIRECTORIES.sub("", _FRAME.sub(_name, block))
    previous = [each for each in shown.split("\n")[:-1] if each.strip(" ^~")][-2:]
    if frames and frames[-1]["a"]:  # Python 3.13 shows every line of a statement
        previous.append(_DIRECTORIES.sub("", block[frames[-1].end() :]))
    return Evidence(
        framed=bool(frames),
        whole=bool(starts),
        last=files[top] if frames else "",
        code=code,
        rnn=bool(RNN_WORDS.search(shown) or RNN_WORDS.search(line)),
        told=told,
        after=bool(_AFTER.search(shown)),
        line=any(RNN_WORDS.search(each) for each in (*previous, line)) or (told and not frames),
        sequential=any(file.endswith("container.py") for file in files),
        parallel=bool(_PARALLEL.search(before[-8_000:]) or _PARALLEL.search(text[start : start + 500])),
    )


def _name(frame: "re.Match[str]") -> str:
    """A frame by the name of its file alone."""
    file: str = frame["a"] or frame["b"]
    return f'File "{file.replace(chr(92), "/").rpartition("/")[2]}"'
