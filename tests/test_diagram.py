"""``rnndims diagram`` as a command: formats, files, refusals, and the JSON document."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Invoke

ROOT = Path(__file__).parents[1]


def test_default_is_the_unrolled_network(invoke: Invoke) -> None:
    """Without options the network is drawn as text: inputs below, output on top, all shapes below the picture."""
    done = invoke("diagram", "-l", "2", "-b")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "nn.RNN(4, 2, num_layers=2, bidirectional=True) unrolled over 3 steps"
    assert done.out.index("output[0]") < done.out.index("h_n[3]") < done.out.index("h_0[0]") < done.out.index("x_0")
    assert "h_n[3] = output[0, :, 2:4]" in done.out


@pytest.mark.parametrize(("option", "view"), [("--cell-view", "cell"), ("--matmul", "matmul"), (None, "unrolled")])
def test_document_has_the_picture_as_data(invoke: Invoke, option: str | None, view: str) -> None:
    """--json has the common head, the nodes and the arrows, for each view, and arrows join nodes that are there."""
    done = invoke("diagram", "nn.GRU(4, 3, 2)", "--json", *([option] if option else []))
    assert done.code == 0
    document = done.json
    assert (document["schema"], document["command"], document["view"]) == (1, "diagram", view)
    assert document["config"]["module"] == "nn.GRU(4, 3, num_layers=2)"
    names = {node["id"] for node in document["nodes"]}
    assert document["edges"]
    assert all(edge["source"] in names and edge["target"] in names for edge in document["edges"])


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<svg "),
        ("a.dot", b"digraph "),
        ("a.gv", b"digraph "),
        ("a.mmd", b"---\n"),
        ("a.TXT", b"nn.LSTM(4, 2)"),
    ],
)
def test_suffix_names_the_format(invoke: Invoke, tmp_path: Path, name: str, start: bytes) -> None:
    """--output writes the format of its suffix and nothing to the terminal."""
    done = invoke("diagram", "nn.LSTM(4, 2)", "--output", str(tmp_path / name))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_format_beats_the_suffix(invoke: Invoke, tmp_path: Path) -> None:
    """--format says what is written where the suffix does not, or says otherwise."""
    assert invoke("diagram", "--format", "svg", "--output", str(tmp_path / "picture")).code == 0
    ElementTree.parse(tmp_path / "picture")
    assert invoke("diagram", "--format", "ascii", "-o", str(tmp_path / "a.txt")).code == 0
    assert (tmp_path / "a.txt").read_bytes().isascii()


@pytest.mark.parametrize("kind", ["svg", "dot", "mermaid"])
def test_formats_go_to_standard_output(invoke: Invoke, kind: str) -> None:
    """Without --output the document is printed, ready for a pipe."""
    done = invoke("diagram", "-b", "--format", kind)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith({"svg": "<svg ", "dot": "digraph ", "mermaid": "---\n"}[kind])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cell-view", "--matmul"], "--cell-view and --matmul"),
        (["--json", "--format", "svg"], "--json"),
        (["--output", "a.jpeg"], ".jpeg"),
        (["--output", "picture"], "no suffix"),
        (["--output", "/no/such/folder/a.svg"], "/no/such/folder/a.svg"),
        (["--output", "."], "no suffix"),
        (["--cell-view", "--layer", "1"], "--layer 1"),
        (["--max-steps", "0"], "--max-steps 0"),
        (["--cell", "gru", "--proj-size", "2"], "--proj-size"),
    ],
)
def test_refusals_name_the_option(invoke: Invoke, arguments: list[str], said: str) -> None:
    """What cannot be drawn or written ends in one message with the option's name and exit code 2."""
    done = invoke("diagram", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_dash_is_standard_output(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--output - writes where no --output would, in the format asked for, and no file of that name."""
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["--format", "svg"], ["--format", "mermaid"]):
        done = invoke("diagram", "-o", "-", *arguments)
        assert (done.code, done.out) == (0, invoke("diagram", *arguments).out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["--output", "-"]])
def test_png_goes_to_a_pipe_and_not_to_a_terminal(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Standard output gets the bytes of the picture if it is a file or a pipe; a terminal gets one message."""
    code = (
        "import sys; from rnndims.drawing import png; png.render_png = lambda diagram: bytes(range(256)); "
        f"from rnndims.cli.app import run; sys.exit(run(['diagram', '--format', 'png', *{arguments}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, bytes(range(256)), b"")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    refused = invoke("diagram", "--format", "png", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert "--output FILE.png" in refused.err


def test_steps_and_layers_can_be_limited(invoke: Invoke) -> None:
    """--max-steps and --max-layers decide how much is drawn."""
    document = invoke("diagram", "-l", "9", "-t", "9", "--max-steps", "3", "--max-layers", "2", "--json").json
    assert document["steps"] == [0, 1, None, 8]
    assert document["layers"] == [0, None, 8]
    assert document["left_out"] == {"steps": 6, "layers": 7}


def test_ascii_terminal_gets_ascii(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot show boxes gets the picture in ASCII, without an error."""
    command = [sys.executable, "-m", "rnndims", "diagram", "-b"]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "COLUMNS": "80", "PATH": "", "SYSTEMROOT": ""}
    done = subprocess.run(command, capture_output=True, env=environment, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"+--+--+" in done.stdout


@pytest.mark.parametrize("kind", ["svg", "dot", "mermaid"])
def test_documents_survive_an_ascii_terminal(kind: str) -> None:
    """Where standard output has no arrows, a document has references for them, and means the same."""
    command = [sys.executable, "-m", "rnndims", "diagram", "-b", "--format", kind]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PATH": "", "SYSTEMROOT": ""}
    done = subprocess.run(command, capture_output=True, env=environment, check=True, cwd=ROOT)
    text = done.stdout.decode("ascii")
    assert "\\u" not in text
    whole = subprocess.run(command, capture_output=True, env={**environment, "PYTHONIOENCODING": "utf-8"}, check=True, cwd=ROOT)
    back = re.sub(r"#(\d{4});" if kind == "mermaid" else r"&#(\d{3,});", lambda found: chr(int(found[1])), text)
    assert back == whole.stdout.decode("utf-8").replace("\r\n", "\n")


def test_no_torch_and_for_documents_no_rich() -> None:
    """A picture needs no torch, and an SVG no Rich either."""
    code = (
        "import sys; from rnndims.cli.app import run; run(['diagram', '-b', '--format', 'svg']); "
        "print([name for name in ('torch', 'rich.console', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, cwd=ROOT)
    assert done.stderr.strip() == "[]"
    assert done.stdout.startswith("<svg ")


def test_notes_about_the_module_are_said(invoke: Invoke) -> None:
    """An option that overrides pasted code is said below the picture, and on standard error where a document is printed."""
    said = "--hidden-size 7 overrides hidden_size=2"
    assert said in invoke("diagram", "nn.RNN(4, hidden_size=2)", "-H", "7").out.replace("\n", " ")
    done = invoke("diagram", "nn.RNN(4, hidden_size=2)", "-H", "7", "--format", "svg")
    assert said in done.err
    assert said in " ".join(invoke("diagram", "nn.RNN(4, hidden_size=2)", "-H", "7", "--json").json["notes"])
