"""``--export``: what is shown, kept as a file that needs nothing else."""

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Invoke

COMMANDS = ["run", "dims", "weights", "cell", "concat-demo"]


def plain(svg: str) -> str:
    """The texts of an exported SVG, one line of the terminal a line."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        place = (float(element.get("x", "0")), element.text or "")
        rows.setdefault(float(element.get("y", "0")), []).append(place)
    return "\n".join("".join(text for _, text in sorted(rows[y])).replace("\xa0", " ").rstrip() for y in sorted(rows))


@pytest.mark.parametrize("command", COMMANDS)
def test_text_is_what_is_shown(invoke: Invoke, tmp_path: Path, command: str) -> None:
    """A .txt has the lines of the terminal, which are shown besides."""
    done = invoke(command, "nn.GRU(4, 2)", "--export", str(tmp_path / "a.txt"))
    assert done.code == 0
    kept = (tmp_path / "a.txt").read_text(encoding="utf-8")
    assert [line.rstrip() for line in done.out.splitlines()] == kept.splitlines()
    assert "(3, 2, 2)" in kept or "(2, 2)" in kept


@pytest.mark.parametrize("command", COMMANDS)
def test_svg_is_a_whole_picture(invoke: Invoke, tmp_path: Path, command: str) -> None:
    """An .svg is well-formed, has all the text, a title, and no reference to anything outside."""
    done = invoke(command, "nn.GRU(4, 2)", "--export", str(tmp_path / "a.SVG"))
    svg = (tmp_path / "a.SVG").read_text(encoding="utf-8")
    shown = [re.sub(r"\s", "", line) for line in done.out.splitlines() if line.strip()]
    drawn = {re.sub(r"\s", "", line) for line in plain(svg).splitlines()}  # Rich places words, it draws no spaces
    assert [line for line in shown if line not in drawn] == []
    assert svg.count("http") == 1, "only the namespace"
    assert not re.search(r"<script|@import|@font-face|<image|url\((?!#)", svg)
    title = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text


def test_answers_that_do_not_fit_are_kept_too(invoke: Invoke, tmp_path: Path) -> None:
    """Check keeps its answer like the others, and exits with 1 all the same."""
    done = invoke("check", "nn.LSTM(10, 20, 2)", "--input", "5,3,10", "--h0", "2,5,20", "--export", str(tmp_path / "a.txt"))
    assert done.code == 1
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").split() == done.out.split()


def test_html_is_a_whole_page(invoke: Invoke, tmp_path: Path) -> None:
    """An .html has the text in colour and refers to nothing outside."""
    done = invoke("dims", "-b", "--export", str(tmp_path / "a.html"))
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert all(line.strip() in text for line in done.out.splitlines())
    assert "http" not in page
    assert "color: #" in page


def test_nothing_is_cut_in_a_narrow_terminal(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are longer than the terminal are whole in the file."""
    monkeypatch.setenv("COLUMNS", "20")
    done = invoke("dims", "nn.LSTM(400, 200, 2, bidirectional=True)", "--export", str(tmp_path / "a.svg"))
    drawn = plain((tmp_path / "a.svg").read_text(encoding="utf-8"))
    assert max(len(line) for line in done.out.splitlines()) > 20
    squeezed = re.sub(r"\s", "", drawn)
    assert all(re.sub(r"\s", "", line) in squeezed for line in done.out.splitlines())


def test_colours_are_kept_where_none_are_shown(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets no escapes, but the file has the colours."""
    done = invoke("dims", "-b", "--export", str(tmp_path / "a.svg"))
    assert "\x1b" not in done.out
    fills = set(re.findall(r"fill: (#\w+)", (tmp_path / "a.svg").read_text(encoding="utf-8")))
    assert len(fills) >= 3


@pytest.mark.parametrize(
    ("path", "said"),
    [("a.pdf", "must end in .svg, .html or .txt"), ("a", "must end in"), ("/no/such/a.svg", "cannot be written")],
)
def test_refusals(invoke: Invoke, path: str, said: str) -> None:
    """A file that cannot be is refused with exit code 2 and a message that names it."""
    done = invoke("dims", "--export", path)
    assert done.code == 2
    assert said in done.err
    assert path in done.err
