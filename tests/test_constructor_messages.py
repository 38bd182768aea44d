"""Pasted code that is wrong or hostile: the message is short, points at what is wrong, and nothing is executed."""

import re
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_version import says_as_2_13

from rnndims.constructor import parse_constructor
from rnndims.errors import ConstructorError


def pointed_at(error: ConstructorError) -> str:
    """What stands above the carets."""
    _, line, carets, *_ = error.render().split("\n")
    assert set(carets) == {" ", "^"}
    return line[carets.index("^") : carets.rindex("^") + 1]


@pytest.mark.parametrize(
    ("code", "part", "says"),
    [
        ("nn.Linear(10, 20)", "nn.Linear", "nn.LSTM"),
        ("keras.layers.LSTM(20)", "keras.layers.LSTM", "not one of PyTorch's"),
        ("nn.lstm(1, 2)", "nn.lstm", "Write nn.LSTM(...)"),
        ("nn.LSTM", "nn.LSTM", "not called"),
        ("x = 3", "3", "not a constructor call"),
        ("nn.LSTM(10, 20)(x)", "nn.LSTM(10, 20)(x)", "not a constructor call"),
        ("nn.LSTM(10, 20, 2, 'relu')", "'relu'", "4th argument of LSTM is bias"),
        ("nn.RNN(10, 20, 2, True)", "True", "4th argument of RNN is nonlinearity"),
        ("nn.LSTM(10, 20, batchfirst=True)", "batchfirst=True", "Did you mean batch_first?"),
        ("nn.LSTM(10, 20, hidden_size=3)", "hidden_size=3", "twice"),
        ("nn.LSTM(10, 20, bias=True, bias=False)", "bias=False", "twice"),
        ("nn.LSTM(10)", "nn.LSTM(10)", "missing hidden_size"),
        ("nn.LSTM(*sizes)", "*sizes", "unpacks"),
        ("nn.LSTM(10, 20, **kw)", "kw", "**kw unpacks"),
        ("nn.LSTM(10, 20, bidirectional=1)", "1", "but forward raises TypeError (lstm() received an invalid combination"),
        ("nn.GRU(10, 20, bidirectional=None)", "None", "bidirectional must be a bool"),
        ("nn.LSTM(10, 20, True)", "True", "num_layers must be an int: PyTorch's constructor accepts True"),
        ("nn.GRU(10, 20, proj_size=0)", "proj_size=0", "only supported for LSTM"),
        ("nn.LSTM(len(vocab), 20)", "len(vocab)", "runs no code"),
        ("nn.LSTM(10, f'{20}')", "f'{20}'", "f-string"),
        ("nn.LSTM(10, lambda: 20)", "lambda: 20", "lambda"),
        ("nn.LSTM(10, [20])", "[20]", "not a plain value"),
        ("nn.LSTM(10, 20 / 2)", "20 / 2", "Divide with //"),
        ("nn.LSTM(10, 1 // 0)", "1 // 0", "no value"),
        ("nn.LSTM(10, 9 ** 9 ** 9)", "9 ** 9 ** 9", "too large"),
        ("nn.LSTM(10, 2 ** 63)", "2 ** 63", "too large: PyTorch's sizes are 64-bit numbers"),
        ("nn.LSTM(10, 'a' * 10)", "'a'", "no number"),
        ("nn.LSTM(10, 20, dropout=1.5)", "1.5", "range [0, 1]"),
        ("nn.LSTM(10, 0)", "0", "hidden_size must be greater than zero"),
        ("nn.RNN(1, 2, nonlinearity=torch.tanh)", "torch.tanh", "must be 'tanh' or 'relu'"),
        ("nn.LSTM(10, 20, dtype=torch.int8)", "torch.int8", "torch.float32"),
        ("nn.LSTM(10, 20, device='gpu')", "'gpu'", "device"),
        ("nn.LSTM(10, 20, device=__import__('os').name)", "__import__('os').name", "device"),
        ("nn.LSTM(10, 20); nn.LSTM(3, 4)", "nn.LSTM(3, 4)", "second statement"),
        ("nn.LSTM(10, 20", "(", "never closed"),
        ("nn.LSTM(10,\n  x = )", "x =", "cannot be read"),
        ("nn.LSTM(\n\t10,\n\t-5)", "-5", "greater than zero"),
    ],
)
def test_messages_point_at_what_is_wrong(code: str, part: str, says: str) -> None:
    """A refusal says what is wrong and puts carets under exactly that part."""
    with pytest.raises(ConstructorError) as caught:
        parse_constructor(code).config()
    assert says in str(caught.value)
    if "cannot be read" not in says:  # where in "x = )" a parser stops depends on the version of Python
        assert pointed_at(caught.value) == part


@pytest.mark.parametrize("code", ["nn.RNN(10, 20, 2, 'gelu')", "nn.RNNCell(10, 20, True, 1)"])
def test_only_a_number_in_its_place_looks_like_a_bias(code: str) -> None:
    """That the fourth argument of an RNN is another than an LSTM's is said where it may be the reason."""
    with pytest.raises(ConstructorError, match="must be 'tanh' or 'relu'") as caught:
        parse_constructor(code).config()
    assert "4th argument" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "part", "says"),
    [
        ("nn.RNN(2.0, 1, bias=1)", "1", "bias should be of type bool"),
        ("nn.LSTM(1, 2, num_layers=0, bias=0)", "0", "bias should be of type bool"),
        ("nn.RNN(1, True)", "True", "must be tuple of ints, but found element of type bool at pos 0"),
        ("nn.GRU(1, 2, dropout=None)", "None", "float() argument must be a string or a real number, not 'NoneType'"),
        ("nn.GRU(2.0, 2, dropout=7)", "7", "dropout should be a number in range [0, 1]"),
        ("nn.LSTM(1, 2, True, proj_size=-1)", "-1", "proj_size should be a positive integer"),
        ("nn.RNN(1, 0.5, 1, 'gelu')", "'gelu'", "Unknown nonlinearity"),
        ("nn.LSTMCell(2.0, 1.5)", "1.5", "found element of type float at pos 0"),
        ("nn.RNN(3, 1, device='meta').cpu()", "nn.RNN(3, 1, device='meta').cpu()", "Cannot copy out of meta tensor"),
        ("nn.RNN(3, 1).to('meta').to('cpu')", "nn.RNN(3, 1).to('meta').to('cpu')", "Cannot copy out of meta tensor"),
    ],
)
@says_as_2_13
def test_the_first_complaint_is_pytorchs(code: str, part: str, says: str) -> None:
    """Of several wrong arguments the one that PyTorch names first is named, in its words."""
    with pytest.raises(ConstructorError, match=re.escape(says)) as caught:
        parse_constructor(code).config()
    assert pointed_at(caught.value) == part
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=re.escape(says)):
        eval(code, {"nn": nn})


@pytest.mark.parametrize(
    ("code", "device"),
    [
        ("nn.RNN(3, 1, device='meta').half()", "meta"),
        ("nn.RNN(3, 1, device='meta').to('meta')", "meta"),
        ("nn.RNN(3, 1, device='meta').to_empty(device='cpu').cpu()", "cpu"),
    ],
)
def test_a_module_on_meta_stays_there_or_is_made_anew(code: str, device: str) -> None:
    """What PyTorch lets a module on meta do is read, and the device afterwards is PyTorch's."""
    assert parse_constructor(code).device == next(eval(code, {"nn": nn}).parameters()).device.type == device


def test_code_that_is_commented_out_is_called_so() -> None:
    """A line of nothing but a comment is told from no text at all."""
    with pytest.raises(ConstructorError, match="only a comment"):
        parse_constructor("    # self.gru = nn.GRU(3, 4)")
    with pytest.raises(ConstructorError, match="no code in it"):
        parse_constructor("  \n")


@pytest.mark.parametrize("name", ["модель", "模型", "e\u0301té", "ｎ", "𝒙"])
def test_wide_and_combining_characters_do_not_move_the_caret(name: str) -> None:
    """Whatever the characters before it are, the carets stand under the guilty argument."""
    with pytest.raises(ConstructorError) as caught:
        parse_constructor(f"{name} = nn.LSTM(10, len(x), True)")
    assert pointed_at(caught.value) == "len(x)"
    assert str(caught.value).isascii()


def test_long_lines_are_shown_as_a_window() -> None:
    """Of a long line only the surroundings of what is wrong are shown, within 80 columns."""
    code = "nn.LSTM(" + "10 + " * 300 + "1, len(x), " + "True, " * 200 + ")"
    with pytest.raises(ConstructorError) as caught:
        parse_constructor(code)
    assert max(map(len, str(caught.value).split("\n")[1:])) <= 80
    assert "^" in str(caught.value)


HOSTILE = {
    "minus": "nn.LSTM(" + "-" * 3900 + "1, 2)",
    "not": "nn.LSTM(" + "not " * 900 + "1, 2)",
    "plus": "nn.LSTM(" + "1+" * 1900 + "1, 2)",
    "power": "nn.LSTM(" + "9**" * 1200 + "9, 2)",
    "product": "nn.LSTM(" + "99999999*" * 400 + "9, 2)",
    "parentheses": "nn.LSTM(" + "(" * 1900 + ")" * 1900 + ", 2)",
    "lists": "nn.LSTM(" + "[" * 150 + "]" * 150 + ", 2)",
    "attributes": "nn.LSTM(a" + ".a" * 1900 + ", 2)",
    "subscripts": "nn.LSTM(a" + "[0]" * 1200 + ", 2)",
    "calls": "f" + "()" * 1900,
    "methods": "nn.LSTM(1, len)" + ".to('cpu')" * 380,
    "lambdas": "lambda:" * 500 + "1",
    "conditions": "nn.LSTM(" + "1 if 0 else " * 300 + "1, 2)",
    "digits": "nn.LSTM(" + "9" * 3900 + ", 2)",
    "hexadecimal": "nn.LSTM(0x" + "f" * 3900 + ", 2)",
    "float": "nn.LSTM(1e" + "9" * 3000 + ", 2)",
    "long": "nn.LSTM(1, 2)" + " " * 1_000_000 + "+",
    "null": "nn.LSTM(1,\0 2)",
    "surrogate": "nn.LSTM(1, '\ud800')",
    "escape": "nn.LSTM('\\d', 2)",
    "terminal": "nn.LSTM('\x1b[2J\x9b', 2)",
    "import": "__import__('os').system('echo')",
    "argument": "nn.LSTM(__import__('os').getpid(), 2)",
    "dunder": "nn.LSTM(().__class__.__bases__[0], 2)",
    "comprehension": "nn.LSTM([x for x in range(9)][1], 2)",
    "walrus": "nn.LSTM((x := 3), 2)",
    "await": "nn.LSTM(await x, 2)",
    "class": "class nn: LSTM = print",
    "decorator": "@print\ndef f(): pass",
    "indent": "  nn.LSTM(1,\n 2)\n   nn.GRU(1, 2)",
    "nothing": "",
    "spaces": " \n\t\n",
    "comment": "# nn.LSTM(1, 2)",
    "text": "RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_code_gets_a_short_message(code: str) -> None:
    """Garbage, depth, size and control characters end in one short printable message."""
    with pytest.raises(ConstructorError) as caught:
        parse_constructor(code).config()
    text = str(caught.value)
    assert len(text) < 600
    assert text.isascii()
    assert all(line.isprintable() for line in text.split("\n"))


def test_too_much_code_is_refused_unread() -> None:
    """Beyond a few thousand characters nothing is parsed, however valid it would be."""
    with pytest.raises(ConstructorError, match="has 1000013 characters, and rnndims reads at most 4000"):
        parse_constructor("nn.LSTM(1, 2)" + " " * 1_000_000)


def test_warnings_of_the_parser_stay_silent() -> None:
    """What Python would warn about, an odd escape in a string, is no concern of a calculator's user."""
    assert parse_constructor("nn.LSTMCell(1, 2, '\\d')").config().bias


@given(st.one_of(st.text(), st.text("nNLSTMGRU.(),=*[]{}'\"\\:#;-+/ 0123456789xe\n\t").map(lambda text: f"nn.LSTM({text})")))
@settings(max_examples=300, deadline=None)
def test_any_text_is_answered(text: str) -> None:
    """Whatever the text, it is a constructor or a ConstructorError."""
    try:
        parse_constructor(text).config()
    except ConstructorError as error:
        assert error.message


def test_nothing_is_executed() -> None:
    """Reading code raises no audit event except the parsing itself, and such an event would be seen."""
    events: list[str] = []
    listening = False

    def audit(event: str, _: tuple[Any, ...]) -> None:
        if listening:
            events.append(event)

    code = "x = nn.LSTM(__import__('os').system('echo'), exec('1'), open('x'))"
    with pytest.raises(ConstructorError):
        parse_constructor(code)  # imports of rnndims itself happen here
    sys.addaudithook(audit)
    listening = True
    with pytest.raises(ConstructorError):
        parse_constructor(code)
    reading = set(events)
    eval("1")
    listening = False
    assert reading <= {"compile"}
    assert "exec" in events
