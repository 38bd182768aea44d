"""The ``check`` command: exit codes, the JSON contract, standard input in any encoding, and text that never cuts a shape."""

import io
import json
import re
import sys

import pytest

LSTM = "nn.LSTM(10, 20, 2, batch_first=True)"
MESSAGE = "RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]"
KEYS = {"tensor", "dim", "expected", "got", "cause", "message", "torch", "fix", "advice", "certain", "alternatives"}
BIDIRECTIONAL = "nn.GRU(10, 20, bidirectional=True)"


def test_exit_codes(invoke):
    """0 fits, 1 does not fit or an understood message, 2 a message or value that is not understood."""
    assert invoke("check", LSTM, "--input", "5,3,10", "--h0", "2,5,20", "--c0", "2,5,20").code == 0
    assert invoke("check", LSTM, "--input", "5,3,10", "--h0", "2,3,20", "--c0", "2,3,20").code == 1
    assert invoke("check", "--error", MESSAGE).code == 1
    assert invoke("check", "--error", "KeyError: 1").code == 2
    assert invoke("check", LSTM).code == 2
    assert invoke("check", "nn.GRUCell(3, 4)", "--input", "2,3", "--lengths", "1,1").code == 2
    for option in ("--input", "--h0", "--c0", "--output", "--h-n", "--c-n", "--lengths", "--linear", "--input-dtype"):
        found = invoke("check", LSTM, option, "5,x")
        assert (found.code, found.out) == (2, "")
        assert option in found.err


def test_json_of_the_contract(invoke):
    """The documented example gives the documented document."""
    found = invoke("check", LSTM, "--input", "5,3,10", "--h0", "2,3,20", "--c0", "2,3,20", "--json").json
    assert {"schema": 1, "command": "check", "ok": False}.items() <= found.items()
    assert found["config"]["module"] == "nn.LSTM(10, 20, num_layers=2, batch_first=True)"
    first = found["problems"][0]
    assert first.keys() == KEYS
    assert (first["tensor"], first["dim"], first["expected"], first["got"]) == ("h_0", 1, [2, 5, 20], [2, 3, 20])
    assert first["cause"] == "hidden_batch_mismatch"
    assert first["torch"] == "Expected hidden[0] size (2, 5, 20), got [2, 3, 20]"
    assert first["certain"] is True
    assert len(found["problems"]) == 1
    (alternative,) = first["alternatives"]
    assert alternative.keys() == KEYS
    assert (alternative["cause"], alternative["certain"], alternative["alternatives"]) == ("batch_first_mismatch", False, [])
    assert (found["warnings"], found["notes"]) == ([], [])


def test_json_of_a_message(invoke):
    """With --error the likely causes are one problem with its alternatives, and the message that was found is there."""
    found = invoke("check", "--error", f"noise\n{MESSAGE}\nmore", "--json").json
    assert found["config"] is None
    assert found["ok"] is False
    assert found["error"]["matched"] == MESSAGE
    assert found["error"]["certain"] is True
    (problem,) = found["problems"]
    assert problem["cause"] == "batch_first_mismatch"
    assert [alternative["cause"] for alternative in problem["alternatives"]] == ["hidden_batch_mismatch"]
    assert not problem["certain"]
    assert all(each.keys() == KEYS for each in (problem, *problem["alternatives"]))


def test_a_warning_is_exit_code_1(invoke):
    """What runs and is wrong is a warning: exit code 1, no tick, and what comes out is said all the same."""
    arguments = ("check", BIDIRECTIONAL, "--input", "5,3,10", "--uses", "output[-1]")
    found = invoke(*arguments, "--json")
    assert (found.code, found.json["ok"], found.json["problems"]) == (1, False, [])
    (warning,) = found.json["warnings"]
    assert warning.keys() == {"kind", "message", "fix", "advice"}
    assert (warning["kind"], warning["fix"]) == ("reverse_half_of_last_step", "torch.cat([h_n[-2], h_n[-1]], dim=-1)")
    assert found.json["results"] == {"output": [5, 3, 40], "h_n": [2, 3, 20]}
    shown = invoke(*arguments)
    assert shown.code == 1
    assert "✓" not in shown.out
    assert "warning: output[-1]" in shown.out
    assert "output (5, 3, 40)" in shown.out


def test_notes_leave_the_exit_code_alone(invoke):
    """What is only worth knowing is in the notes, and the exit code says that nothing is wrong."""
    found = invoke("check", BIDIRECTIONAL, "--input", "5,3,10", "--uses", "h_n[-1]", "--json")
    assert (found.code, found.json["ok"], found.json["warnings"]) == (0, True, [])
    assert "the reverse direction of layer 0 alone" in found.json["notes"][0]


def test_every_part_of_a_problem_is_shown(invoke):
    """The text has the message, PyTorch's words as a quote, every line of the fix, the advice and the alternatives."""
    arguments = ("check", "nn.LSTM(10, 20, 2)", "--input", "5,3,10", "--h0", "2,5,20", "--c0", "2,5,20")
    (problem,) = invoke(*arguments, "--json").json["problems"]
    shown = invoke(*arguments).out
    flat = " ".join(shown.split())
    assert f'torch: "{problem["torch"]}"' in flat
    assert problem["fix"].splitlines()[0] in shown
    for number, each in enumerate((problem, *problem["alternatives"])):
        assert each["message"] in flat
        assert each["cause"] in flat
        assert each["advice"] is None or each["advice"] in flat
        assert all(line in shown for line in each["fix"].splitlines())
        assert number == 0 or f" {' abc'[number]}. or {each['cause']}" in shown


def test_dtype_of_the_code_is_that_of_the_weights(invoke):
    """A dtype= in the pasted constructor is what the input is held against."""
    code = "nn.GRU(10, 20, dtype=torch.float64)"
    assert invoke("check", code, "--input", "5,3,10", "--input-dtype", "double").code == 0
    assert invoke("check", code, "--input", "5,3,10", "--input-dtype", "float32").code == 1


def test_options_make_the_module(invoke):
    """The module may be written as options, as everywhere, and a note says what overrides pasted code."""
    shapes = ("--input", "5,3,10", "--h0", "4,3,20")
    assert invoke("check", "--cell", "gru", "-i", "10", "-H", "20", "-l", "2", "-b", *shapes).code == 0
    found = invoke("check", "nn.GRU(10, 20)", "-l", "4", *shapes, "--json").json
    assert found["ok"]
    assert any("--layers" in note for note in found["notes"]) or found["config"]["num_layers"] == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_standard_input(invoke, monkeypatch, encoding):
    """A log on standard input is read whatever its encoding and size."""
    text = "Ünïcode à gogo\n" + "epoch 1\n" * 700_000 + MESSAGE + "\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode(encoding))))
    assert invoke("check", "--error", "-", "--json").json["error"]["matched"] == MESSAGE


def test_closed_or_empty_standard_input(invoke, monkeypatch):
    """Nothing to read is one message and exit code 2."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert invoke("check", "--error", "-").code == 2
    monkeypatch.setattr(sys, "stdin", None)
    assert invoke("check", "--error", "-").code == 2


CASES = [
    ("--error", MESSAGE),
    ("--error", "mat1 and mat2 shapes cannot be multiplied (12x300 and 100x1024)"),
    (LSTM, "--input", "5,3,10", "--h0", "2,3,20", "--c0", "2,3,20"),
    (LSTM, "--input", "5,3,10", "--linear", "40", "--uses", "h_n.view(5, -1)"),
    (BIDIRECTIONAL, "--input", "5,3,10", "--uses", "output[-1]", "--h-n", "3,2,20"),
    ("nn.LSTM(10, 20)", "--input", "3,10", "--h0", "1,3,20"),
    (BIDIRECTIONAL, "--input", "5,3,10", "--uses", "h_n[-1]", "--linear", "40"),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_shapes_are_never_split(invoke, monkeypatch, case, columns):
    """At any width a shape and a call stay on one line, and the cause and the fix are there."""
    monkeypatch.setenv("COLUMNS", columns)
    found = invoke("check", *case)
    for line in found.out.splitlines():
        assert not re.search(r"\w[(\[][^)\]]*$|[(\[][\d, ]+$|\([A-Z*_a-z]+(, [A-Z*_a-z]+)*,$", line), found.out
    document = json.loads(invoke("check", *case, "--json").out)
    problems = [each for problem in document["problems"] for each in (problem, *problem["alternatives"])]
    for problem in problems:
        assert problem["cause"] in found.out
    ways_out = [each for each in (*problems, *document["warnings"]) if each["fix"] or each["advice"]]
    assert found.out.count("fix:") + found.out.count("advice:") == len(ways_out)


def test_hostile_text_is_escaped(invoke):
    """Controls in a pasted message do not reach the terminal, in either form of output."""
    for options in ((), ("--json",)):
        found = invoke(
            "check", "--error", "\x1b]0;x\x07\x1b[31mExpected hidden[0] size (1, 2, 3), got (1, 3, 3) \x9b2J \u202e", *options
        )
        assert found.code == 1
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", found.out)
    for text in ("\x1b[2J KeyError: \x07", "Error: [/red] [bold]"):
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", invoke("check", "--error", text).err)


def test_without_torch_and_rich(invoke):
    """JSON answers need neither torch nor Rich."""
    import subprocess

    code = (
        "import sys; from rnndims.cli.app import run;"
        f"run(['check', {LSTM!r}, '--input', '5,3,10', '--error', {MESSAGE!r}, '--json']);"
        "sys.exit('torch' in sys.modules or 'rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("nn.LSTM(10, 20, 2)", "--input", "5,3,10", "--h0", "2,4,20", "--c0", "2,4,20"),
        ("nn.LSTM(10, 20, 2)", "--input", "5,3,10", "--h0", "2,4,20", "--c0", "2,4,20", "--lengths", "5,3,2"),
        ("nn.LSTM(10, 20, 2)", "--input", "5,3,10", "--h0", "2,2,20", "--c0", "2,2,20", "--lengths", "3,5,2"),
        ("nn.LSTMCell(10, 20)", "--input", "3,10", "--h0", "4,20", "--c0", "4,20"),
        ("nn.LSTMCell(10, 20)", "--h0", "4,21", "--c0", "4,21"),
        ("nn.LSTMCell(10, 20)", "--input", "3,10", "--h0", "1,4,20", "--c0", "1,4,20"),
    ],
)
def test_the_same_mistake_in_both_states_is_one_problem(invoke, arguments):
    """Whatever is called, c_0 with the mistake of h_0 is said in its problem, whose fix mends both."""
    (problem,) = json.loads(invoke("check", *arguments, "--json").out)["problems"]
    assert problem["tensor"] == "h_0"
    assert "c_0" in problem["message"]
    assert "h_0 =" in problem["fix"]
    assert "c_0 =" in problem["fix"]
