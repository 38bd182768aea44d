"""The README cannot rot: every command in it is run and its output compared, every Python block is executed."""

import ast
from pathlib import Path

import pytest
from doc_pages import README, blocks, examples, matches, output_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readme")


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_every_python_block_runs(number, folder, monkeypatch):
    """A Python block of the README runs in the folder of the commands, and so do the tests that it defines."""
    monkeypatch.chdir(folder)
    body = blocks("python")[number]
    names: dict[str, object] = {}
    exec(compile(body, str(README), "exec"), names)
    for node in ast.parse(body).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            names[node.name]()  # type: ignore[operator]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.command[:60])
def test_every_command_prints_what_is_shown(example, folder):
    """A command of the README, run in order in one folder, prints what is shown below it."""
    printed = output_of(example.command, folder)
    assert matches(example.shown, printed), f"README shows\n{example.shown}\nbut it prints\n{printed}"


def test_the_comparison_can_fail():
    """Other text does not match, and ``...`` stands for whole lines only."""
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("...\nd\n", "a\nd\n")
    assert matches("a\n...\n", "a\nb\n")
    assert not matches("a\n...\nd\n", "a\nb\n")
    assert not matches("a\n", "b\n")
    assert not matches("(3, 2, 4)\n", "(3, 2, 5)\n")
    assert not matches("a\n", "a\nb\n")


def test_every_command_is_in_the_readme():
    """No command of the program is missing from the README."""
    from rnndims.cli.app import COMMANDS

    text = README.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"rnndims {name}" not in text] == []


def test_pictures_and_links_exist():
    """Every picture and file that the README points to is there."""
    import re

    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8")):
        assert (Path(README).parent / target).is_file(), target
