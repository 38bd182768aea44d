"""``tools/mutants.py`` tells which small mistakes the tests of a file notice."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "mutants.py"
SOURCE = "def twice(n: int) -> int:\n    return n * 2\n"


def planted(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """The tool's run on a small source whose function another file imports, with this test."""
    for name, text in {
        "src/small/__init__.py": "",
        "src/small/numbers_.py": SOURCE,
        "src/small/uses_.py": "from .numbers_ import twice\n",
        "tests/test_small.py": f"from small.uses_ import twice\n\n\ndef test_small():\n    {test}\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, str(TOOL), "src/small/numbers_.py", "tests/test_small.py", "--jobs", "1"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_mistakes_that_tests_miss_are_printed(tmp_path: Path) -> None:
    """2 + 2 for 2 * 2 is missed, and 2 * 3 is noticed through a module that imports the function by name."""
    ended = planted(tmp_path, "assert twice(2) == 4")
    assert ended.stdout.splitlines() == [
        f"{Path('small/numbers_.py')}:2: n * 2  ->  n + 2",
        f"{Path('src/small/numbers_.py')}: 1 of 2 mistakes are noticed, of 2 that can be made",
    ], ended.stderr
    assert ended.returncode == 1
    assert (tmp_path / "src/small/numbers_.py").read_text(encoding="utf-8") == SOURCE


def test_tests_that_fail_without_a_mistake_are_shown(tmp_path: Path) -> None:
    """Nothing is tried where the unchanged source fails its tests already."""
    ended = planted(tmp_path, "assert twice(2) == 5")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "assert 4 == 5" in ended.stderr
