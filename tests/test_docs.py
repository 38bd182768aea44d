"""The documentation cannot rot: every command in it is run and its output compared, every Python block is executed."""

import doctest
import os
import re
import shutil
from pathlib import Path

import pytest
from doc_pages import (
    BLOCK,
    PAGES,
    README,
    ROOT,
    blocks,
    differences,
    matches,
    renewed,
    run_page,
    settled_picture,
)

LANGUAGES = {"console", "python", "sh", "text", "yaml", ""}
pytestmark = pytest.mark.usefixtures("nothing_is_compiled")

PICTURE = re.compile(r"--(?:output|export) (\S+\.svg)$", re.MULTILINE)


def page_id(page: Path) -> str:
    """A page as the ids of tests name it: docs/check.md."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.skipif(os.name == "nt", reason="the examples are commands of a POSIX shell")
@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    """The commands of a page, run in order in an empty folder, print what it shows and write the pictures beside it."""
    text = page.read_text(encoding="utf-8")
    if "jq " in "".join(blocks(text, "console")) and os.environ.get("RNNDIMS_NEED_TOOLS") != "1" and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    wrong = differences(run_page(text, tmp_path))
    assert not wrong, "\n\n".join(["renew the pages with python tools/regenerate.py", *map(str, wrong)])
    for name in PICTURE.findall("\n".join(blocks(text, "console"))):
        written = (tmp_path / name).read_text(encoding="utf-8")
        kept = (page.parent / name).read_text(encoding="utf-8")
        assert settled_picture(written) == settled_picture(kept), f"{name}: renew it with python tools/regenerate.py"


def test_a_page_is_run_in_order_in_one_folder(tmp_path: Path) -> None:
    """A later example reads what an earlier one has written, Python blocks share names, and a wrong output is told."""
    page = (
        "```python\nfrom pathlib import Path\nn = 3\nPath('a.txt').write_text(f'{n}')\n```\n"
        "```console\n$ cat a.txt && echo\n3\n$ echo 4 > b.txt\n```\n"
        "```python\ndef test_b():\n    assert int(Path('b.txt').read_text()) == n + 1\n```\n"
        "```python\n>>> n * 2\n6\n```\n"
        "```console\n$ cat b.txt\n5\n```\n"
    )
    (wrong,) = differences(run_page(page, tmp_path))
    assert (wrong.example.line, wrong.example.command, wrong.printed) == (20, "cat b.txt", "4\n")
    assert "-5\n+4" in str(wrong)
    assert renewed(page, [wrong]) == (page.replace("5\n", "4\n"), [])


def test_parts_of_an_output_are_renewed(tmp_path: Path) -> None:
    """As many lines as before are shown on each side of ``...``; a part whose beginning is gone is left to be done by hand."""
    page = "```console\n$ printf '%s\\n' a b c d e f\nx\n...\nc\nx\n...\nx\n$ printf 'a\\nb\\nc\\n'\n...\nx\n...\n```\n"
    new, left = renewed(page, differences(run_page(page, tmp_path)))
    assert new == page.replace("x\n...\nc\nx\n...\nx\n", "a\n...\nc\nd\n...\nf\n")
    assert [change.example.line for change in left] == [9]


@pytest.mark.parametrize("body", ["assert 1 == 2", "def test_it():\n    assert 1 == 2", ">>> 1\n2"])
def test_a_python_block_that_fails_is_told(body: str, tmp_path: Path) -> None:
    """A block that raises, a test in it that fails and a wrong output at the prompt all fail the page."""
    with pytest.raises((AssertionError, doctest.DocTestFailure)):
        run_page(f"```python\n{body}\n```\n", tmp_path)


def test_omitted_lines_match_any_lines() -> None:
    """``...`` stands for whole lines, any number of them, and everything else must be there in order."""
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("...\nd\n", "a\nd\n")
    assert matches("a\n...\n", "a\nb\n")
    assert matches("...\nb\n...\nd\n", "a\nb\nc\nd\n")
    assert not matches("...\nc\n...\nb\n...\n", "a\nb\nc\nd\n")
    assert not matches("...\nc\n...\nc\n", "a\nb\nc\n")
    assert not matches("a\n...\nd\n", "a\nb\n")
    assert not matches("a\n", "a\nb\n")
    assert not matches("a\n", "b\n")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("[-0.9704 -0.2294]", "[-0.9703 -0.2295]"),
        ("norm of h 1.48", "norm of h 1.479"),
        ("12.35", "12.36"),
        ("[ 0.0000 1.2000]", "[-0.0000 1.1999]"),
        ("a 0.5  b", "a 0.4999 b"),
        ("h 1", "h 0.9999"),
        ("largest difference 0)", "largest difference 8.94e-08)"),
        ("torch 2.13.0+cpu", "torch 2.4.1"),
    ],
)
def test_rounding_is_no_difference(shown: str, printed: str) -> None:
    """Rounded numbers may differ by a unit of their last digit, and the last bits of a sum by anything tiny."""
    assert matches(shown, printed)
    assert matches(printed, shown)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("[-0.9704 -0.2294]", "[-0.9704 -0.2296]"),
        ("[-0.9704 -0.2294]", "[ 0.9704 -0.2294]"),
        ("[-0.9704 -0.2294]", "[-0.9704 -0.2294 0.1]"),
        ("(3, 2, 4)", "(3, 2, 5)"),
        ("norm 0.3704 rows 0:20", "norm 0.3705 rows 0:21"),
        ("0.1 0.2 0.3", "0.1 0.3 0.2"),
        ("bytes 61,440 (60.0 KiB)", "bytes 61,440 (60.1 KiB)"),
        ("2,738.5", "2,738.6"),
        ("1234", "1235"),
        ("a   0.1234", "a 0.1234"),
        ("largest difference 0)", "largest difference 0.25)"),
        ("x0.1234", "x0.1235"),
    ],
)
def test_all_else_is_a_difference(shown: str, printed: str) -> None:
    """Integers, shapes, short decimals, spaces and text are compared as they stand, and large differences are not tiny."""
    assert not matches(shown, printed)
    assert not matches(printed, shown)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_block_says_what_it_is(page: Path) -> None:
    """No block of code escapes by a language that nothing runs, and none is left open."""
    text = page.read_text(encoding="utf-8")
    assert {language for language, _ in BLOCK.findall(text)} <= LANGUAGES
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(BLOCK.findall(text))


def test_set_up_is_two_commands() -> None:
    """The README has two ``sh`` blocks, which CI executes: one installs and shows the first answer, one runs the tests."""
    first, second = blocks(README.read_text(encoding="utf-8"), "sh")
    assert first.endswith("rnndims run --layers 2 --bidirectional\n")
    assert second.endswith("pytest\n")


def test_every_command_is_in_the_readme() -> None:
    """No command of the program is missing from the README."""
    from rnndims.cli.app import COMMANDS

    text = README.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"rnndims {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pictures_and_links_exist(page: Path) -> None:
    """Every picture, file and heading that a page points to is there."""
    for target, _, heading in re.findall(r"\]\(([^)#:]*)(#([^)]*))?\)", page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        if heading:
            assert heading in headings(path), f"{target}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them: ``## In Python`` is ``in-python``."""
    titles = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_and_picture_is_reached() -> None:
    """Every picture in docs/ is written by a command of a page and shown on one, and every page is linked from the README."""
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    pictures = {path.name for path in (ROOT / "docs").glob("*.svg")}
    assert {name for text in texts.values() for name in PICTURE.findall(text)} == pictures
    shown = {Path(target).name for text in texts.values() for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)}
    assert pictures <= shown
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", texts[README]))
    assert {page.name for page in PAGES if page != README} <= linked
