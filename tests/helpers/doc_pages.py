"""The pages of the documentation: their examples are parsed, run as a reader would run them, and compared.

A page is run as a whole, from its first example to its last, in an empty folder of its own, because a command may read what
an example above it has written. The examples are

- ``console`` blocks: each line that begins with ``$`` is run by bash, and what it prints must be what is shown below it;
  ``...`` on a line of its own stands for any lines;
- ``python`` blocks whose first line is a file's name (``# train.py``): written to that file;
- all other ``python`` blocks: executed; the blocks of one page share their names, and functions called ``test_...`` are called
  too.
"""

import ast
import difflib
import doctest
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)  # "$ ls\na.txt\n" up to the next "$ "
TINY = 1e-5  # what float32 may differ by where two ways of adding the same numbers are compared


class Example(NamedTuple):
    """One command of a console block and the output shown below it, which is ``page[start:end]``."""

    command: str
    shown: str
    line: int
    start: int
    end: int


class Code(NamedTuple):
    """One Python block."""

    body: str
    line: int


class Difference(NamedTuple):
    """An example that does not print what is shown."""

    example: Example
    printed: str

    def __str__(self) -> str:
        shown, printed = (_settled(text).splitlines() for text in (self.example.shown, self.printed))
        lines = difflib.unified_diff(shown, printed, "shown", "printed", lineterm="")
        return "\n".join([f"line {self.example.line}: $ {self.example.command}", *lines])


def blocks(text: str, language: str) -> list[str]:
    """The contents of all code blocks in this language."""
    return [body for name, body in BLOCK.findall(text) if name == language]


def examples(text: str) -> list[Example | Code]:
    """All that is run on a page, in order."""
    parts: list[Example | Code] = []
    for block in BLOCK.finditer(text):
        if block[1] == "python":
            parts.append(Code(block[2], _line(text, block.start(2))))
        elif block[1] == "console":
            commands = COMMAND.finditer(text, block.start(2), block.end(2))
            parts += [Example(part[1], part[2], _line(text, part.start()), part.start(2), part.end(2)) for part in commands]
    return parts


def run_page(text: str, folder: Path) -> list[tuple[Example, str]]:
    """Run all examples of a page in ``folder``; each command with what it printed. A Python block that fails raises."""
    outputs = []
    names: dict[str, object] = {"__name__": "page"}
    for example in examples(text):
        file = re.match(r"# ([\w-]+\.py)\n", example.body) if isinstance(example, Code) else None
        if isinstance(example, Code) and file is not None:
            (folder / file[1]).write_text(example.body, encoding="utf-8")
        elif isinstance(example, Code):
            with _working_in(folder), redirect_stdout(io.StringIO()):
                _execute(example, names)
        else:
            outputs.append((example, _output_of(example.command, folder)))
    return outputs


def differences(outputs: list[tuple[Example, str]]) -> list[Difference]:
    """The examples that printed something else than what is shown."""
    return [Difference(example, printed) for example, printed in outputs if not matches(example.shown, printed)]


def renewed(text: str, changes: list[Difference]) -> tuple[str, list[Difference]]:
    """The page with what was printed below each of these commands, and the changes that have to be made by hand."""
    left = []
    for change in reversed(changes):
        shown = _renewed_output(*change)
        if shown is None:
            left.append(change)
        else:
            text = text[: change.example.start] + shown + text[change.example.end :]
    return text, left[::-1]


def _renewed_output(example: Example, printed: str) -> str | None:
    """What to show; where it is a part, as many lines as now before each ``...``. None if a part's first line is gone."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    first, *others = _chunks(example.shown.splitlines())
    if not others:
        return "".join(f"{line}\n" for line in lines)
    at = len(first)
    kept = lines[:at]
    for number, chunk in enumerate(others):
        last = number == len(others) - 1
        if not last and chunk[0] not in lines[at:]:
            return None
        start = max(at, len(lines) - len(chunk)) if last else lines.index(chunk[0], at)
        at = start + len(chunk)
        kept += ["...", *lines[start:at]]
    return "".join(f"{line}\n" for line in kept)


def matches(shown: str, printed: str) -> bool:
    """Whether the printed text is the one shown, ``...`` lines standing for any lines."""
    first, *others = _chunks(_settled(shown).splitlines())
    lines = _settled(printed).splitlines()
    if not _same_lines(first, lines[: len(first)]) or (not others and len(lines) != len(first)):
        return False
    at = len(first)
    for chunk in others[:-1]:
        starts = range(at, len(lines) - len(chunk) + 1)
        start = next((start for start in starts if _same_lines(chunk, lines[start : start + len(chunk)])), None)
        if start is None:
            return False
        at = start + len(chunk)
    return not others or (at + len(others[-1]) <= len(lines) and _same_lines(others[-1], lines[len(lines) - len(others[-1]) :]))


def settled_picture(svg: str) -> str:
    """A picture without what depends on the PyTorch at hand: its version, and the names and widths that Rich makes from it."""
    return re.sub(r"terminal-\d+|textLength=\S+|torch(?:&#160;|\s)\d[^<]*", "_", svg)


# A number with the spaces around it: "-0.0314", "12", "8.94e-08"; not the end of "1,200.5", of "v1" or of "2.13.0".
NUMBER = re.compile(r" *(?<![\w.,])(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.]*\w) *")


def _same_lines(shown: list[str], printed: list[str]) -> bool:
    return len(shown) == len(printed) and all(_same_line(*pair) for pair in zip(shown, printed, strict=True))


def _same_line(shown: str, printed: str) -> bool:
    """Equal, or different in the rounding of numbers alone (and so, perhaps, in the spaces around them)."""
    if shown == printed:
        return True
    # re.split with one group: text, number, text, number, ..., text
    ours, theirs = NUMBER.split(shown), NUMBER.split(printed)
    if ours[::2] != theirs[::2] or ours[1::2] == theirs[1::2]:
        return False
    return all(_same_number(*pair) for pair in zip(ours[1::2], theirs[1::2], strict=True))


def _same_number(shown: str, printed: str) -> bool:
    """Equal, or one unit apart in the last of at least four digits or three decimals: 0.1 and 60.0 are not rounded."""
    if shown == printed:
        return True
    if "." not in shown + printed:
        return False
    ours, theirs = Decimal(shown), Decimal(printed)
    last = min(int(ours.as_tuple().exponent), int(theirs.as_tuple().exponent))
    digits = max(len(ours.as_tuple().digits), len(theirs.as_tuple().digits))
    return (last <= -3 or digits >= 4) and abs(ours - theirs) <= Decimal(1).scaleb(last)


def _settled(text: str) -> str:
    """``text`` without spaces at line ends, the version of torch, and differences that are as good as none."""
    text = re.sub(r"torch \d+\.\d+\.\d+[\w.+]*", "torch VERSION", text)
    text = re.sub(
        r"largest difference (\d[\d.]*(?:e[+-]?\d+)?)",
        lambda match: "largest difference TINY" if float(match[1]) <= TINY else match[0],
        text,
    )
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def _chunks(lines: list[str]) -> list[list[str]]:
    """The lines between the omissions: [a, ..., b, c] is [[a], [b, c]]."""
    chunks: list[list[str]] = [[]]
    for line in lines:
        if line == "...":
            chunks.append([])
        else:
            chunks[-1].append(line)
    return chunks


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _output_of(command: str, folder: Path) -> str:
    """What bash prints on 80 columns without colour, with this installation first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, timeout=120, check=False)
    return (done.stdout + done.stderr).decode("utf-8")


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _execute(code: Code, names: dict[str, object]) -> None:
    """Execute a block, as it stands or typed at the prompt, and call the tests that it defines."""
    if code.body.startswith(">>> "):
        test = doctest.DocTestParser().get_doctest(code.body, names, f"line {code.line}", None, code.line)
        test.globs = names
        doctest.DebugRunner().run(test, clear_globs=False)
        return
    tree = ast.parse("\n" * (code.line - 1) + code.body)
    exec(compile(tree, "page", "exec"), names)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            names[node.name]()  # type: ignore[operator]
