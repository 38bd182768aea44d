"""check: a pasted class or nn.Sequential as CONSTRUCTOR: parsed, never executed, and read only where it is certain."""

import contextlib
import io

import pytest
import torch
from torch import nn

import rnndims
from rnndims.errors import ConstructorError
from rnndims.pasted.model_code import is_model, read_model

CLASS = """class Net(nn.Module):
    def __init__(self, vocab, hidden_size=128):
        super().__init__()
        self.hidden_size = hidden_size
        self.emb = nn.Embedding(vocab, 64)
        self.lstm = nn.LSTM(64, self.hidden_size, 2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear({features}, 5)

    def forward(self, x):
        x = self.emb(x)
        out, (h, c) = self.lstm(x)
        {body}
"""


def model(body: str, features: str = "hidden_size") -> str:
    """The class with these lines after the RNN."""
    return CLASS.format(body=body, features=features)


@pytest.mark.parametrize(
    ("body", "use"),
    [
        ("return self.fc(out[:, -1, :])", "output[:, -1, :]"),
        ("out = out[:, -1]\n        return self.fc(out)", "output[:, -1]"),
        ("last = h[-1]\n        y = self.fc(last)\n        return y", "h_n[-1]"),
        ("both = torch.cat([h[-2], h[-1]], dim=1)\n        return self.fc(both)", "torch.cat([h_n[-2], h_n[-1]], dim=1)"),
        ("return self.fc(out)", None),
        ("return self.fc(self.dropout(out))", ""),
        ("out = self.norm(out)\n        return self.fc(out)", ""),
    ],
)
def test_the_use_of_a_result(body, use):
    """The expression that the first Linear reads is followed through plain assignments; what is not certain is empty."""
    found = read_model(model(body), {})
    assert found.use == use
    assert found.linear == (128, 5)
    assert found.names["self.hidden_size"] == 128


STYLE = """class Net(nn.Module):
    '''Classify texts.'''

    def __init__(self, vocab: int = 50, dim: int = 16, hidden: int = 32) -> None:
        super().__init__()
        self.hidden = hidden
        # the layers
        self.emb: nn.Module = nn.Embedding(vocab, dim, padding_idx=0)
        self.drop = nn.Dropout(0.5)
        self.{kind}(
            {width},
            hidden,
            num_layers=2,
            batch_first=True,
            bidirectional=True,
        )
        self.fc = nn.Linear(64, 5)
        self.fc2 = nn.Linear(5, 3)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 5))

    def forward(self, tokens: torch.Tensor, state=None) -> torch.Tensor:
        if state is not None:
            state = state * 2
        x: torch.Tensor = self.drop(self.emb(tokens))  # (N, L, E)
        batch = tokens.size(0)
        {body}
"""


def style(body: str, kind: str = "lstm", width: str = "dim") -> str:
    """A class as people write it, with these lines after the embedding."""
    return STYLE.format(body=body.replace("\n", "\n        "), width=width, kind=f"{kind} = nn.{kind.upper()}")


@pytest.mark.parametrize(
    ("kind", "body", "use"),
    [
        ("lstm", "_, (h, _) = self.lstm(x)\nh = torch.cat((h[-2], h[-1]), 1)\nreturn self.fc(self.drop(h))", (3, 64)),
        ("lstm", "out, state = self.lstm(x)\nreturn self.fc(torch.cat([state[0][-2], state[0][-1]], dim=1))", (3, 64)),
        ("lstm", "out, state = self.lstm(x)\nh, c = state\ny: Tensor = self.fc(h[-1])\nreturn y", (3, 32)),
        ("gru", "out, h = self.gru(x)\nreturn self.fc(out.contiguous().view(-1, 2 * self.hidden))", (21, 64)),
        ("gru", "_, h = self.gru(x)\nh = h[-2:].transpose(0, 1)\nreturn self.head(h.reshape(batch, -1))", (3, 64)),
        ("gru", "_, h = self.gru(x)\nreturn self.fc(h[-2:].permute(1, 0, 2).reshape(x.shape[0], -1))", (3, 64)),
        ("gru", "out, _ = self.gru(x)\nout = F.relu(out.mean(dim=1))\nreturn self.fc2(F.relu(self.fc(out)))", (3, 64)),
    ],
)
def test_classes_as_people_write_them(invoke, kind, body, use):
    """What the first Linear reads is followed, with its shape in PyTorch, and no note says that anything is uncertain."""
    answer = invoke("check", style(body, kind), "--input", "3,7", "--json").json
    assert [list(use)] == list(answer["uses"].values()) or use == (3, 32)
    assert [problem["tensor"] for problem in answer["problems"]] == (["linear"] if use == (3, 32) else [])
    assert not any("in part" in note or "certain" in note for note in answer["notes"])
    scope = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": torch.Tensor}
    exec(style(body, kind), scope)
    net = scope["Net"]()
    tokens = torch.zeros(3, 7, dtype=torch.long)
    if answer["problems"]:
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            net(tokens)
    else:
        seen = []
        (net.head[1] if "head" in body else net.fc).register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
        net(tokens)
        assert seen == [use]


@pytest.mark.parametrize("arguments", [("--input", "3,7"), ("--input", "3,7,16"), ("--input", "3,7,20"), ()])
def test_an_embedding_of_another_width(invoke, arguments):
    """An embedding_dim that is not input_size is said once, as PyTorch says it, whatever the input is."""
    code = style("_, h = self.gru(x)\nreturn self.fc(torch.cat([h[-2], h[-1]], -1))", "gru", "20")
    problems = invoke("check", code, *arguments, "--json").json["problems"]
    assert [(problem["tensor"], problem["cause"]) for problem in problems] == [("input", "input_feature_mismatch")]
    scope = {"torch": torch, "nn": nn}
    exec(code, scope)
    with pytest.raises((RuntimeError, ValueError)) as raised:
        scope["Net"]()(torch.zeros(3, 7, dtype=torch.long))
    assert problems[0]["torch"] in str(raised.value)
    mended = code.replace("nn.GRU(\n            20", problems[0]["fix"].partition(",")[0])
    assert invoke("check", mended, "--input", "3,7").code == 0
    chain = "nn.Sequential(nn.Embedding(9, 10), nn.Dropout(0.1), nn.LSTM(11, 20))"
    assert invoke("check", chain).code == 1
    assert invoke("check", chain.replace("11", "10"), "--input", "3,7").code == 0


def test_layers_between_and_named_layers(invoke):
    """A Linear behind a layer that changes dims is left alone, an OrderedDict is read, and the embedding fails first."""
    flat = "nn.Sequential(nn.Embedding(50, 10), nn.GRU(12, 20), nn.Flatten(), nn.Linear(140, 3))"
    problems = invoke("check", flat, "--input", "3,7", "--json").json["problems"]
    assert [problem["tensor"] for problem in problems] == ["input", "output"]
    named = 'nn.Sequential(OrderedDict([("rnn", nn.LSTM(10, 20)), ("drop", nn.Dropout()), ("fc", nn.Linear(21, 5))]))'
    problems = invoke("check", named, "--input", "3,7,10", "--json").json["problems"]
    assert [problem["tensor"] for problem in problems] == ["output", "linear"]


def test_the_script_of_a_class_fails_as_the_class_does(invoke):
    """The script of a class gets what its embedding makes, and its Linear with out_features."""
    body = "_, h = self.gru(x)\nreturn self.fc(torch.cat([h[-2], h[-1]], -1))"
    question = ("--input", "3,7", "--target", "3", "--loss", "ce", "--code")
    text = invoke("check", style(body, "gru"), *question).out
    assert "nn.Linear(64, 5)" in text
    exec(text, {})
    with pytest.raises(RuntimeError, match="Expected 20, got 16"):
        exec(invoke("check", style(body, "gru", "20"), *question).out, {})


def test_a_loss_of_a_class_needs_what_the_class_returns(invoke):
    """The loss gets what the Linear returns where forward returns that; else a note says that it is not checked."""
    ends = "_, h = self.gru(x)\ny = self.fc(torch.cat([h[-2], h[-1]], -1))\nreturn y"
    for body, checked in [(ends, True), (ends + ".view(-1)", False), (ends.replace("return y", "return self.fc2(y)"), False)]:
        loss = ("--input", "3,7", "--target", "3,7", "--loss", "mse")
        answer = invoke("check", style(body, "gru"), *loss, "--json").json
        assert [problem["tensor"] for problem in answer["problems"]] == (["target"] if checked else [])
        assert any("loss is not checked" in note for note in answer["notes"]) is not checked


@pytest.mark.parametrize(
    "body",
    [
        "if self.training:\n            out = out[0]\n        return self.fc(out)",
        "for _ in range(2):\n            out = out * 2\n        return self.fc(out)",
        "out += 1\n        return self.fc(out)",
        "return out",
        "out, (h, c) = self.lstm(out)\n        return self.fc(out)",
    ],
)
def test_a_branch_or_a_second_call_leaves_a_doubt(body):
    """Where the code after the RNN branches, loops, or calls it again, nothing is said of its use."""
    assert read_model(model(body), {}).linear is None


def test_a_class_on_the_command_line(invoke):
    """The Linear of a pasted class is checked with what forward gives it; -D and options work as for a constructor."""
    answer = invoke("check", model("return self.fc(out[:, -1, :])"), "--input", "3,7,64", "--json").json
    assert [(problem["tensor"], problem["expected"]) for problem in answer["problems"]] == [("linear", [256])]
    assert [warning["kind"] for warning in answer["warnings"]] == ["reverse_half_of_last_step"]
    right = model("return self.fc(out)", "2 * hidden_size")
    assert invoke("check", right, "--input", "3,7,64").code == 0
    smaller = invoke("check", right, "--input", "3,7,64", "-D", "hidden_size=16", "--json").json
    assert smaller["ok"]
    assert invoke("check", right, "--input", "3,7,65").code == 1
    assert invoke("check", right, "--input", "3,7,64", "-D", "hiden_size=16").code == 2
    target = invoke("check", right, "--input", "3,7,64", "--target", "3,7", "--loss", "ce", "--json").json
    assert [problem["tensor"] for problem in target["problems"]] == ["target"]


def test_what_is_not_certain_is_said(invoke):
    """Where forward's use cannot be followed, a note says so, and the module is checked all the same."""
    answer = invoke("check", model("return self.fc(self.dropout(out))"), "--input", "3,7,64", "--json").json
    assert answer["ok"]
    assert any("--uses" in note for note in answer["notes"])


def test_a_sequential_is_repaired(invoke):
    """An nn.Sequential that passes an RNN's tuple on is a problem, quoted as PyTorch says it, and the fix runs."""
    code = "nn.Sequential(nn.LSTM(10, 20), nn.Linear(20, 5))"
    problem = invoke("check", code, "--input", "3,7,10", "--json").json["problems"][0]
    with pytest.raises(TypeError) as raised:
        nn.Sequential(nn.LSTM(10, 20), nn.Linear(20, 5))(torch.zeros(3, 7, 10))
    assert problem["torch"] in str(raised.value)
    scope = {"nn": nn}
    exec(problem["fix"], scope)
    assert scope["model"](torch.zeros(3, 7, 10)).shape == (3, 7, 5)
    wrong = invoke(
        "check", "nn.Sequential(nn.GRU(10, 20, bidirectional=True), nn.Linear(20, 5))", "--input", "3,7,10", "--json"
    )
    assert [each["tensor"] for each in wrong.json["problems"]] == ["output", "linear"]
    assert invoke("check", "nn.Sequential(nn.Embedding(9, 10), nn.LSTM(10, 20))", "--input", "3,7,10").code == 0
    assert invoke("check", code).code == 1


@pytest.mark.parametrize(
    "code",
    [
        "nn.Sequential(nn.Linear(1, 2))",
        "nn.Sequential(nn.LSTM(1, 2), nn.LSTM(2, 3))",
        "class A(nn.Module):\n    pass",
        model("return out").replace("self.fc = nn.Linear(hidden_size, 5)", "self.gru = nn.GRU(1, 2)"),
        "class A(:\n    pass",
        "nn.Sequential(" + "nn.ReLU()," * 3000 + ")",
    ],
)
def test_other_models_are_refused(code):
    """A model without an RNN, with several, or that is no Python, is refused with what to paste instead."""
    assert is_model(code)
    with pytest.raises(ConstructorError) as raised:
        read_model(code, {})
    assert "line" in raised.value.fix


def test_nothing_is_executed(tmp_path):
    """Code in a pasted class has no effect, whatever it says."""
    path = tmp_path / "made"
    evil = model(f"return self.fc(open({str(path)!r}, 'w'))", f"open({str(path)!r}, 'w')")
    assert read_model(evil, {}).linear == (None, 5)
    assert not path.exists()


def test_a_constructor_is_no_model():
    """A constructor as before is not taken for a model."""
    assert not is_model("self.rnn = nn.LSTM(10, 20)")
    assert not is_model("(lstm): LSTM(10, 20, num_layers=2)")


TWO = """class Seq2Seq(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.encoder = nn.LSTM(10, hidden, bidirectional=True)
        self.decoder = nn.GRU(12, hidden)
        self.fc = nn.Linear(hidden, 5)

    def forward(self, x, y):
        out, (h, c) = self.encoder(x)
        out, h = self.decoder(y, h[:1])
        return self.fc(out)
"""


def test_one_of_two_rnns_is_chosen_by_name(invoke):
    """A class that builds several RNNs is refused with their names, and --name chooses one by any form of its name."""
    found = invoke("check", TWO, "--input", "3,7,12")
    assert found.code == 2
    assert "Choose one with --name: Seq2Seq.encoder, Seq2Seq.decoder." in found.err
    for name in ("decoder", "self.decoder", "Seq2Seq.decoder"):
        found = invoke("check", TWO, "--name", name, "--input", "3,7,12", "--json")
        assert (found.code, found.json["results"]["output"]) == (0, [3, 7, 20])
    encoder = invoke("check", TWO, "--name", "encoder", "--input", "3,7,11", "--json").json
    assert [problem["tensor"] for problem in encoder["problems"]] == ["input"]
    assert "builds Seq2Seq.encoder, Seq2Seq.decoder" in invoke("check", TWO, "--name", "rnn", "--input", "3,7,12").err
    one = invoke("check", "nn.GRU(3, 4)", "--name", "rnn", "--input", "3,7,3")
    assert (one.code, "none is pasted" in one.err) == (2, True)


def test_one_of_two_layers_of_a_sequential_is_chosen_by_number(invoke):
    """The number of a layer in an nn.Sequential is its name."""
    code = "nn.Sequential(nn.LSTM(10, 20), Output(), nn.GRU(20, 5))"
    assert "Choose one with --name: 0, 2." in invoke("check", code, "--input", "3,7,10").err
    assert invoke("check", code, "--name", "2", "--input", "3,7,20", "--json").json["results"]["output"] == [3, 7, 5]


def test_classes_beside_each_other_are_told_apart():
    """Two classes with an RNN of the same name need the name of the class; an RNN in a list cannot be chosen."""
    both = TWO + TWO.replace("Seq2Seq", "Other").replace("GRU(12", "GRU(13")
    with pytest.raises(ConstructorError, match="more than one RNN"):
        read_model(both, {}, "decoder")
    assert read_model(both, {}, "Other.decoder").constructor == "nn.GRU(13, hidden)"
    listed = TWO.replace("self.decoder = nn.GRU(12, hidden)", "self.all = nn.ModuleList([nn.GRU(12, 20)])")
    with pytest.raises(ConstructorError, match="more than one RNN"):
        read_model(listed, {})
    assert read_model(listed, {}, "encoder").constructor == "nn.LSTM(10, hidden, bidirectional=True)"


def test_the_public_functions_take_a_class():
    """``check`` and ``explain_error`` read pasted models as the command does."""
    code = "nn.Sequential(nn.Embedding(9, 10), nn.LSTM(10, 20), nn.Linear(20, 5))"
    found = rnndims.check(code, input=(3, 7))
    assert [problem.tensor for problem in found.problems] == ["output"]
    assert any("nn.Embedding reads" in note for note in found.notes)
    assert rnndims.check(TWO, input=(3, 7, 12), name="decoder").results["output"] == (3, 7, 20)
    message = "RuntimeError: Expected hidden size (1, 7, 20), got [1, 3, 20]"
    explained = rnndims.explain_error(message, TWO, input=(3, 7, 12), h_0=(1, 3, 20), name="decoder")
    assert explained.config == rnndims.RNNConfig("gru", 12, 20)
    assert explained.problems[0].torch == "Expected hidden size (1, 7, 20), got [1, 3, 20]"
    with pytest.raises(rnndims.ConfigError, match="none is pasted"):
        rnndims.check(rnndims.RNNConfig("gru", 12, 20), input=(3, 7, 12), name="decoder")


@pytest.mark.parametrize(
    ("code", "more", "fails"),
    [
        ("nn.Sequential(nn.LSTM(10, 20), nn.Linear(20, 5))", (), True),
        ("nn.Sequential(nn.Embedding(9, 10), nn.LSTM(10, n), nn.Linear(n, 5))", ("-D", "n=20"), True),
        ("nn.Sequential(nn.LSTM(10, 20))", (), False),
        ("nn.Sequential(nn.LSTM(10, 20), Mine())", (), False),
        (TWO, ("--name", "decoder"), False),
    ],
)
def test_the_script_of_a_sequential_runs_all_of_it(invoke, code, more, fails):
    """The script of an nn.Sequential with layers behind its RNN fails as that does; others say what they leave out."""
    shape = "3,7" if "Embedding" in code else "3,7,12" if code == TWO else "3,7,10"
    script = invoke("check", code, *more, "--input", shape, "--code").out
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if fails:
            with pytest.raises(TypeError, match="must be Tensor, not tuple"):
                exec(script, {})
        else:
            exec(script, {})
    assert printed.getvalue().startswith("output (3, 7, 20)")
    assert ("the rest of the model is not here" in script) == (not fails)
