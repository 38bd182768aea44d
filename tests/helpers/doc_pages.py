"""The examples of the README: parsed, run as a reader would run them, and compared.

``python tests/helpers/doc_pages.py`` renews them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """One command of a console block and the output shown below it; ``...`` on a line of its own stands for any lines."""

    command: str
    shown: str


def blocks(language: str) -> list[str]:
    """The contents of all code blocks in this language."""
    return [body for name, body in BLOCK.findall(README.read_text(encoding="utf-8")) if name == language]


def examples() -> list[Example]:
    """All commands of all console blocks, in order."""
    found = []
    for body in blocks("console"):
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Example(command, shown))
    return found


def output_of(command: str, folder: Path) -> str:
    """What the command prints on 80 columns without colour, run by bash in ``folder``, this installation first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, timeout=120, check=False)
    return (done.stdout + done.stderr).decode("utf-8")


def normalised(text: str) -> str:
    """``text`` without what may differ between machines: spaces at line ends, torch's version, the last bits of a sum."""
    text = re.sub(r"torch \d+\.\d+\.\d+[\w.+]*", "torch VERSION", text)
    text = re.sub(r"largest difference [\d.e-]+", "largest difference TINY", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def matches(shown: str, printed: str) -> bool:
    """Whether the printed text is the one shown, ``...`` lines standing for any lines."""
    first, *others = _split(normalised(shown).splitlines())
    lines = normalised(printed).splitlines()
    if lines[: len(first)] != first or (not others and len(lines) != len(first)):
        return False
    at = len(first)
    for chunk in others[:-1]:
        at = next((i + len(chunk) for i in range(at, len(lines)) if lines[i : i + len(chunk)] == chunk), len(lines) + 1)
    return not others or (at + len(others[-1]) <= len(lines) and lines[len(lines) - len(others[-1]) :] == others[-1])


def _split(lines: list[str]) -> list[list[str]]:
    chunks: list[list[str]] = [[]]
    for line in lines:
        if line == "...":
            chunks.append([])
        else:
            chunks[-1].append(line)
    return chunks


def renew() -> None:
    """Write the real output below every command, but for those that show a part of it."""
    import tempfile

    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for body in blocks("python"):
            subprocess.run([sys.executable, "-c", body], cwd=folder, check=True)
        for command, shown in examples():
            printed = output_of(command, Path(folder))
            lines = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())
            if not re.search(r"(?m)^\.\.\.$", shown):
                text = text.replace(f"$ {command}\n{shown}", f"$ {command}\n{lines}\n", 1)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew()
