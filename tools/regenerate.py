"""Renew everything in the repository that the program itself writes: ``python tools/regenerate.py``.

That is the outputs shown in README.md and docs/*.md, the pictures in docs/ and the scripts in completions/. What is up to date
stays as it is. Exit code 1 says that something is left to do by hand, and what.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = {"bash": "rnndims.bash", "zsh": "_rnndims", "fish": "rnndims.fish", "powershell": "rnndims.ps1"}
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from doc_pages import PAGES, differences, renewed, run_page, settled_picture  # noqa: E402


def renew_page(page: Path) -> list[str]:
    """Write a page's real outputs and pictures; what has to be done by hand."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        try:
            outputs = run_page(text, Path(folder))
        except Exception as error:  # noqa: BLE001 - a Python block can fail in any way
            return [f"{page.relative_to(ROOT)}: a Python block fails: {type(error).__name__}: {error}"]
        new, by_hand = renewed(text, differences(outputs))
        if new != text:
            _write(page, new)
        for picture in sorted(Path(folder).glob("*.svg")):
            kept, written = page.parent / picture.name, picture.read_text(encoding="utf-8")
            if not kept.exists() or settled_picture(kept.read_text(encoding="utf-8")) != settled_picture(written):
                _write(kept, written)
    return [f"{page.relative_to(ROOT)}: {change}" for change in by_hand]


def renew_completions() -> None:
    """Write the completion scripts of all shells."""
    for shell, name in SCRIPTS.items():
        done = subprocess.run([sys.executable, "-m", "rnndims", "completion", shell], capture_output=True, check=True)
        text, path = done.stdout.decode().replace("\r\n", "\n"), ROOT / "completions" / name
        if path.read_text(encoding="utf-8") != text:
            _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"renewed {path.relative_to(ROOT)}")


def main() -> int:
    """Renew all; 1 if something is left to do by hand."""
    renew_completions()
    by_hand = [line for page in PAGES for line in renew_page(page)]
    for line in by_hand:
        print(f"left to do by hand: {line}", file=sys.stderr)
    return 1 if by_hand else 0


if __name__ == "__main__":
    sys.exit(main())
