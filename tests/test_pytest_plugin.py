"""``pytest --rnndims``: the tests that fail are explained in each report; without the option nothing is loaded."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

ENTRY = "rnndims.hooks.pytest_plugin"
TESTS = """
import sys
import unittest

import pytest
import torch

rnn = torch.nn.GRU(3, 4)


def run():
    return rnn(torch.zeros(5, 2, 8))


def test_call():
    run()


@pytest.fixture
def made():
    run()


def test_set_up(made):
    pass


@pytest.fixture
def kept():
    yield
    run()


def test_tear_down(kept):
    pass


class TestCase(unittest.TestCase):
    def test_in_a_case(self):
        run()


def test_elsewhere():
    raise ValueError("no RNN")


def test_expected():
    with pytest.raises(RuntimeError):
        run()
"""
NOTE = [
    "rnndims: test_model.py:12: rnn(torch.zeros(5, 2, 8))",
    "✗ input dim 2   expected (5, 2, 3)   got (5, 2, 8)   input_feature_mismatch",
    "  The last dim of input is 8, and input_size is 3.",
    '  torch: "input.size(-1) must be equal to input_size. Expected 3, got 8"',
    "  fix: rnn = nn.GRU(8, 4)",
    "  Or give x 3 features.",
]


STYLES = ("auto", "long", "short", "line", "native", "no")
DRIVER = """
import sys
import pytest

for options in sys.argv[1].split(";"):
    print("OPTIONS", options, flush=True)
    pytest.main(options.split(","))
"""


def run_tests(folder: Path, *runs: tuple[str, ...], tests: str = TESTS) -> list[str]:
    """What pytest prints for the tests with each of these options, one run after the other in one new process."""
    (folder / "test_model.py").write_text(tests, encoding="utf-8")
    installed = any(entry.value == ENTRY for entry in entry_points(group="pytest11"))
    always = ["-p", "no:randomly", "-p", "no:cacheprovider", *([] if installed else ["-p", ENTRY])]
    options = ";".join(",".join([*always, *run]) for run in runs)
    # in CI, pytest shows each note a second time, in its summary
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    environment |= {"PYTHONUTF8": "1", "COLUMNS": "200"}
    command = [sys.executable, "-c", DRIVER, options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    return done.stdout.split("OPTIONS ")[1:]


def counts(shown: str) -> list[int]:
    """How often each line of the note is there."""
    return [sum(text.endswith(line) for text in shown.splitlines()) for line in NOTE]


def test_the_entry_point_is_the_plugin():
    """Pytest finds the plugin by the entry point of pyproject.toml."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'[project.entry-points.pytest11]\nrnndims = "{ENTRY}"\n' in text


def test_each_failure_is_explained_in_each_style(tmp_path):
    """Set-up, call and tear-down of a test, and a test case of unittest, have the note once, and no other test has it."""
    plain, *styles = run_tests(tmp_path, (), *(("--rnndims", f"--tb={style}") for style in STYLES))
    assert "rnndims:" not in plain
    for style, shown in zip(STYLES, styles, strict=True):
        assert "3 failed, 2 passed, 2 errors" in shown
        assert counts(shown) == [0 if style == "no" else 4] * len(NOTE), style


def test_processes_of_xdist_explain_too(tmp_path):
    """With ``-n 2`` the reports come from other processes, and have the same notes."""
    (shown,) = run_tests(tmp_path, ("--rnndims", "-n", "2"))
    assert "3 failed, 2 passed, 2 errors" in shown
    assert counts(shown) == [4] * len(NOTE)


LOADED = """
import sys


def test_loaded():
    names = [name for name in sys.modules if name.split(".")[0] == "rnndims"]
    assert names == ["rnndims", "rnndims.hooks", "rnndims.hooks.pytest_plugin"]
    assert not {"torch", "rich", "typer"} & set(sys.modules)
"""


def test_the_plugin_imports_nothing_until_it_explains(tmp_path):
    """Without the option, and with it until a test fails, no module of rnndims is loaded but the plugin."""
    assert all("1 passed" in shown for shown in run_tests(tmp_path, (), ("--rnndims",), tests=LOADED))
