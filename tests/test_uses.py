"""check --uses: code that uses the results, as a user runs it; every fix and every advice is right itself."""

import functools
import importlib.util
import random
import re
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from axes_names import evaluated, real_names
from check_oracle import run_module
from random_calls import mutate, random_config, right_shapes

import rnndims
from rnndims.config import DataConfig, RNNConfig
from rnndims.diagnose import Call, Diagnosis, check_shapes
from rnndims.diagnose.call import input_data

SPEC = importlib.util.spec_from_file_location("uses_agreement", Path(__file__).parents[1] / "benchmarks" / "uses_agreement.py")
agreement = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(agreement)

IDIOMS = """
output[:, -1] if_first if_one if_even
output[:, -1, :] if_first if_one if_even
output[-1] if_time if_one if_even
lstm_out[:, -1, :].squeeze(1) if_first if_one if_even
o, _ = self.rnn(x); self.fc(o[:, -1]) if_first if_one if_even
output, hidden = rnn(embedded); self.out(output) if_all
_, h = gru(x); self.fc(h[-1]) if_one if_gru
_, (h, c) = lstm(x); self.fc(h[-1]) if_one if_lstm
h_n[-1] if_one
h_n[-1, :, :] if_one
hidden[0][-1] if_one if_lstm
h_n.squeeze(0) if_all
torch.cat([h_n[-2], h_n[-1]], dim=1) if_two
torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1) if_two
torch.cat([h_n[-2], h_n[-1]], dim=-1) if_two
self.dropout(torch.cat((hn[-2, :, :], hn[-1, :, :]), dim=1)) if_two
torch.tanh(self.fc(torch.cat((h_n[-2, :, :], h_n[-1, :, :]), dim=1))) if_two
h_n[-2] + h_n[-1] if_two
h_n.view(num_layers, D, N, H)[-1] if_all
h_n.view(num_layers, 2, N, hidden_size)[-1].sum(0) if_two
h_n.view(num_layers, D, -1, H)[-1].transpose(0, 1).reshape(N, -1) if_all
h_n.transpose(0, 1).reshape(N, -1) if_all
h_n.permute(1, 0, 2).contiguous().view(x.size(0), -1) if_first
h_n.permute(1, 0, 2).flatten(1) if_all
output[:, :, :H] + output[:, :, H:] if_two
outputs[:, :, :hidden_size] + outputs[:, :, hidden_size:] if_two
output.view(L, N, 2, H).sum(2) if_two if_time
torch.cat([output[:, -1, :H], output[:, 0, H:]], dim=1) if_two if_first if_even
torch.cat([output[-1, :, :H], output[0, :, H:]], dim=1) if_two if_time if_even
output.contiguous().view(-1, D * H) if_all
output.reshape(-1, output.size(2)) if_all
self.fc(output.contiguous().view(-1, output.shape[-1])).view(N, L, -1) if_first
F.log_softmax(self.linear(output.view(output.size(0) * output.size(1), -1)), dim=1) if_time
F.log_softmax(nn.Linear(D * H, 5)(output), dim=-1) if_all
output.mean(dim=1) if_first if_even
output.mean(0) if_time if_even
torch.max(output, 1)[0] if_first if_even
F.relu(output).max(dim=1).values if_first if_even
output.permute(0, 2, 1) if_all
output.transpose(0, 1) if_all
output[torch.arange(N), lengths - 1] if_first if_one if_lengths
output.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, D * H)).squeeze(1) if_first if_one if_lengths
F.softmax(torch.bmm(output, h_n[-1].unsqueeze(2)).squeeze(2), dim=1) if_first if_one if_even
(F.softmax(nn.Linear(D * H, 1)(output), dim=1) * output).sum(dim=1) if_first if_even
x.transpose(0, 1) if_all
x.permute(1, 0, 2) if_all
output.flatten(1) if_first
output.data.cpu() if_all
p, _ = lstm(pack_padded_sequence(x, n)); o, n = pad_packed_sequence(p); o[n - 1, torch.arange(N)] if_lengths if_one
p, _ = lstm(packed); o, n = pad_packed_sequence(p, batch_first=True); o[torch.arange(N), n - 1] if_lengths if_one
h_n.view(self.num_layers, -1, x.size(1), args.hidden_size)[-1] if_time
len(output) if_all
"""

USES = """
output[-1]; output[:, -1]; out[:, -1, :]; lstm_out[-1, :, :]; o[:, 0]; output[0]; output[-1, :, :4]; output[:, -1, 4:]
output[0, :, :4]; h_n[-1]; h_n[0]; h[0]; hidden[-1]; hidden[0][-1]; h_n[:, -1]; c_n[:, -1]; h_n[1]; h_n[-1, -1]
h_n.view(3, -1); h_n.view(N, -1); h_n.view(-1, 8); h_n.reshape(N, num_layers, -1); h_n.view(D, num_layers, N, H)
c_n.view(N, -1)
h_n.permute(1, 0, 2).reshape(N, -1); h_n.flatten(1); output.view(N, -1); output.view(N, L, -1); output.reshape(L, N, -1)
output.contiguous().view(3, -1); output.contiguous().view(5, -1); output.reshape(-1, 4); output.reshape(N, L, 4, 2)
x.view(5, 3, 6); x.view(3, 5, 6); x.view(L, N, H); x.reshape(N, L, -1); x.view(N, -1)
torch.cat([h_n[0], h_n[1]], 1); torch.cat([h_n[-2], h_n[-1]]); torch.cat([h_n[-1], h_n[-1]], 1); torch.cat([h_n[0], h_n[-1]], 1)
torch.cat((h_n[-2, :, :], h_n[-1, :, :]), dim=1); torch.stack([h_n[0], h_n[-1]])
output.mean(0); output.mean(1); output.mean(dim=1, keepdim=True); output.max(0)[0]; output.max(1)[0]; output.sum(1); h_n.mean(1)
F.softmax(output, 0); F.softmax(output, 1); torch.softmax(nn.Linear(4, 1)(output), dim=0); output * h_n
output + output.transpose(0, 1); self.fc(out[-1]); nn.Linear(99, 2)(output[-1]); nn.Linear(12, 2)(h_n.flatten(1))
"""

INPUTS = ["5,3", "3,5", "4,4", "28,6", "1,3", "5,1", "5", "lengths"]


def calls() -> list[tuple[RNNConfig, Call]]:
    """Modules with and without layers, directions and batch_first, and calls of them that PyTorch accepts."""
    found = []
    for cell in ("gru", "lstm"):
        for layers, both, first in ((1, False, False), (1, True, True), (2, False, True), (2, True, False), (2, True, True)):
            config = RNNConfig(cell, 6, 4, num_layers=layers, bidirectional=both, batch_first=first)
            for shape in INPUTS:
                lead = (3, 5) if first else (5, 3)
                if shape == "lengths":
                    found.append((config, Call(input=(*lead, 6), lengths=(5, 3, 2))))
                else:
                    found.append((config, Call(input=(*map(int, shape.split(",")), 6))))
    return found


CALLS = calls()


@functools.cache
def real(config: RNNConfig, data: DataConfig) -> dict:
    """PyTorch's values of all names."""
    found = real_names(config, data)
    return {**found, "o": found["output"], "lstm_out": found["output"]}


def with_use(call: Call, *uses: str) -> Call:
    return Call(input=call.input, lengths=call.lengths, uses=uses)


def holds(conditions: list[str], config: RNNConfig, call: Call) -> bool:
    """Whether an idiom is right for this call."""
    states = {
        "all": True,
        "first": config.batch_first,
        "time": not config.batch_first,
        "one": not config.bidirectional,
        "two": config.bidirectional,
        "lengths": call.lengths is not None,
        "even": call.lengths is None,
        "gru": config.cell == "gru",
        "lstm": config.cell == "lstm",
    }
    return all(states[condition.strip()] for condition in conditions)


def test_right_idioms_cause_no_word():
    """Nothing is warned of, refused or noted in the idioms of common code, wherever they are right."""
    count = 0
    for line in filter(None, IDIOMS.splitlines()):
        text, *conditions = line.split(" if_")
        matching = [(config, call) for config, call in CALLS if len(call.input) == 3 and holds(conditions, config, call)]
        assert matching, line
        for config, call in matching:
            diagnosis = check_shapes(config, with_use(call, text))
            said = [
                note
                for note in diagnosis.notes
                if not any(words in note for words in ("what self.", "are both", "enforce_sorted"))
            ]
            assert (diagnosis.problems, diagnosis.warnings, said) == ((), (), []), (line, config, call)
            count += 1
    assert count > 500


INNER = r"[^\s()\[\]]|, |[(\[](?:[^()\[\]]|[(\[][^()\[\]]*[)\]])*[)\]]"
CODE = re.compile(rf"(?:: |(?<!not )use |is )([a-z_][\w.]*[(\[](?:{INNER})*[)\]]\S*)")
"""A call or an index after a colon, ``use`` or ``is``: ``The last layer: h_n[-1].``"""


def fragments(text: str | None) -> list[str]:
    """The code in a sentence."""
    return [code.rstrip(".") for code in CODE.findall(text or "")]


def advised(diagnosis: Diagnosis) -> list[str]:
    """Every fix of a diagnosis, and all code in its advice, messages of notes included."""
    found = []
    for each in (*diagnosis.warnings, *diagnosis.problems):
        found += [*([each.fix] if each.fix else []), *fragments(each.advice)]
    for note in diagnosis.notes:
        found += fragments(note) if "only in part" not in note and "2-D input" not in note else []
    return found


def test_every_advice_is_understood_and_passes():
    """Whatever is advised about a use is followed and right, and PyTorch runs it; with another constructor the use is."""
    seen: dict[tuple[RNNConfig, Call, str], str] = {}
    for config, call in CALLS:
        for use in (use.strip() for line in USES.splitlines() for use in line.split(";")):
            for linear in (None, 4, 8):
                stated = Call(input=call.input, lengths=call.lengths, uses=(use,), linear=linear)
                for code in advised(check_shapes(config, stated)):
                    if not code.startswith("nn.Linear("):
                        seen.setdefault((config, call, code), use)
    assert len({code for _, _, code in seen}) >= 50
    assert sum(code.startswith("nn.") for _, _, code in seen) > 5
    for (config, call, code), use in seen.items():
        built, text = config, code
        if code.startswith("nn."):
            first, *rest = code.splitlines()
            built, text = rnndims.parse(first), rest[0] if rest else use
        diagnosis = check_shapes(built, with_use(call, text))
        assert (diagnosis.problems, diagnosis.warnings) == ((), ()), (code, use, config, call)
        (shape,) = diagnosis.uses.values() if diagnosis.uses else (None,)
        run_module(built, call)
        if shape is not None and "\n" not in text:
            value = evaluated(text, real(built, input_data(built, call)))
            assert tuple(value.shape) == shape, (code, use)


def test_every_fix_of_a_call_is_understood():
    """Whatever is advised about a call that PyTorch refuses, or about what is expected of it, can be read."""
    rng = random.Random(3)
    fixes: dict[str, RNNConfig] = {}
    for _ in range(1200):
        config = random_config(rng)
        right = right_shapes(rng, config)
        rows, width = config.D * config.num_layers, config.H_out
        batch = right.input[1 - config.batch_first] if len(right.input) == 3 else 3
        expected = rng.choice([{}, {"h_n": (batch, rows, width)}, {"h_n": (rows + 1, batch, width)}, {"output": (9, 9, 9)}])
        diagnosis = check_shapes(config, replace(mutate(rng, right), linear=rng.choice([None, 7, width]), **expected))
        for problem in (each for main in diagnosis.problems for each in (main, *main.alternatives)):
            fixes.update(dict.fromkeys([*([problem.fix] if problem.fix else []), *fragments(problem.advice)], config))
    assert len(fixes) > 300
    for fix, config in fixes.items():
        diagnosis = check_shapes(config, Call(uses=(fix,)))
        assert diagnosis.problems == (), fix
        assert not any("this use is not checked" in note for note in diagnosis.notes), (fix, diagnosis.notes)


@pytest.mark.parametrize("name", ["out", "o", "lstm_out", "outputs", "rnn_output", "encoder_outputs", "seqOut", "y"])
def test_any_name_of_output(name):
    """A result is known by what people call it, and the fix calls it so too."""
    (warning,) = check_shapes(RNNConfig("gru", 6, 4), Call(input=(5, 3, 6), uses=(f"{name}.view(3, -1)",))).warnings
    assert warning.fix == f"{name}.transpose(0, 1).reshape(3, -1)"


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("hidden.view(3, -1)", "hidden.transpose(0, 1).reshape(3, -1)"),
        ("hidden[0].view(3, -1)", "hidden[0].transpose(0, 1).reshape(3, -1)"),
        ("out, _ = lstm(x); _[0].view(3, -1)", "_[0].transpose(0, 1).reshape(3, -1)"),
        ("out, (h, c) = self.lstm(emb(tokens)); c.view(3, -1)", "c.transpose(0, 1).reshape(3, -1)"),
        ("out, state = self.bi_lstm(x); last = state[1]; last.view(3, -1)", "state[1].transpose(0, 1).reshape(3, -1)"),
    ],
)
def test_any_name_of_a_state(text, fix):
    """States are known by name, as a part of a tuple, and by assignment."""
    (warning,) = check_shapes(RNNConfig("lstm", 6, 4, num_layers=2), Call(input=(5, 3, 6), uses=(text,))).warnings
    assert (warning.kind, warning.fix) == ("mixed_axes", fix)


@pytest.mark.parametrize(
    ("config", "call", "fix"),
    [
        (
            RNNConfig("lstm", 28, 128, num_layers=2),
            {"input": (100, 28, 28)},
            "nn.LSTM(28, 128, num_layers=2, batch_first=True)",
        ),
        (RNNConfig("lstm", 28, 128), {"input": (28, 100, 28)}, "out[-1]"),
        (RNNConfig("gru", 10, 20), {"input": (5, 3, 10)}, "nn.GRU(10, 20, batch_first=True)"),
        (RNNConfig("gru", 10, 20), {"input": (5, 3, 10), "h_0": (1, 3, 20)}, "out[-1]"),
        (RNNConfig("gru", 10, 20), {"input": (5, 3, 10), "h_n": (1, 3, 20)}, "out[-1]"),
        (RNNConfig("gru", 10, 20), {"input": (5, 3, 10), "lengths": (5, 5, 5)}, "out[-1]"),
    ],
)
def test_the_layout_is_the_first_reading(config, call, fix):
    """``out[:, -1]`` without batch_first means that it is missing, unless a state, lengths or square images say otherwise."""
    (warning,) = check_shapes(config, Call(uses=("out[:, -1]",), **call)).warnings
    assert (warning.kind, warning.fix) == ("sequence_instead_of_step", fix)
    if fix.startswith("nn."):
        assert warning.advice.endswith("use out[-1].")


def test_a_refused_call_hides_nothing():
    """Where PyTorch refuses the call, uses are warned of all the same, and rows and widths that are expected are checked."""
    config = RNNConfig("gru", 10, 20, num_layers=2, bidirectional=True)
    stated = Call(input=(5, 3, 9), h_n=(2, 3, 20), linear=20, uses=("output[-1]", "h_n.view(N, -1)"))
    diagnosis = check_shapes(config, stated)
    assert [problem.tensor for problem in diagnosis.problems] == ["input", "h_n", "linear"]
    assert [caution.kind for caution in diagnosis.warnings] == ["reverse_half_of_last_step", "mixed_axes"]
    assert all(caution.fix or caution.advice for caution in diagnosis.warnings)


@pytest.mark.parametrize("state", ["--h-n", "--c-n"])
def test_an_expected_state_is_compared(invoke, state):
    """A whole batch read as time shows in the state that is expected: it is a problem, whatever else is wrong."""
    arguments = ("check", "nn.LSTM(10, 20, 2)", "--input", "3,5,10", state, "2,3,20")
    assert invoke(*arguments).code == 1
    for more in (("--linear", "5"), ("--h0", "1,5,20", "--c0", "1,5,20"), ("--uses", "output[:, -1]")):
        found = invoke(*arguments[:-1], "3,5,20", *more, "--json").json
        causes = {problem["tensor"]: problem["cause"] for problem in found["problems"]}
        assert causes[state.strip("-").replace("-", "_")] == "hidden_layers_or_directions", more


def test_a_size_does_not_hide_the_warning(invoke):
    """A Linear that does not fit, inside the code or beside it, leaves the warning in place; exit code 1, no tick."""
    module = "nn.LSTM(10, 256, bidirectional=True, batch_first=True)"
    for more in (("--uses", "output[:, -1]", "--linear", "256"), ("--uses", "nn.Linear(256, 5)(output[:, -1])")):
        found = invoke("check", module, "--input", "5,32,10", *more, "--json")
        assert found.code == 1
        assert len(found.json["problems"]) == 1
        assert [warning["kind"] for warning in found.json["warnings"]] == ["reverse_half_of_last_step"]
        assert "✓" not in invoke("check", module, "--input", "5,32,10", *more).out


def test_what_pytorch_refuses_is_a_problem():
    """An expression that PyTorch refuses is a problem with its words, and what stands before it is still judged."""
    config = RNNConfig("lstm", 6, 4, batch_first=True)
    call = Call(
        input=(3, 5, 6), uses=("output.view(-1)", "output[::-1]", "h_n[-1][:, :, ..., 1]", "states.shape", "out[-1, 9]")
    )
    problems = check_shapes(config, call).problems
    assert [problem.torch for problem in problems] == [
        "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
        "subspaces). Use .reshape(...) instead.",
        "step must be greater than zero",
        "too many indices for tensor of dimension 2",
        "'tuple' object has no attribute 'shape'",
        "index 9 is out of bounds for dimension 1 with size 5",
    ]
    for problem, use in zip(problems, call.uses, strict=True):
        with pytest.raises((RuntimeError, IndexError, ValueError, AttributeError)) as refused:
            evaluated(use, real(config, DataConfig(seq_len=5, batch_size=3)))
        assert problem.torch in str(refused.value)
        assert use in problem.message


def test_what_is_not_followed_is_named(invoke):
    """What cannot be followed or read is a note, and the rest is checked: the exit code is that of the rest."""
    arguments = ["check", "nn.GRU(10, 20)", "--input", "5,3,10"]
    for use in (
        "attention(output)",
        "output.sort()",
        "features[0]",
        "h_n if x else output",
        "output[",
        "import os",
        "[h for h in x]",
    ):
        found = invoke(*arguments, "--uses", use, "--json")
        assert (found.code, found.json["ok"]) == (0, True)
        assert use in found.json["notes"][0]
        assert invoke(*arguments, "--uses", use, "--h-n", "1,5,20").code == 1
    assert invoke("check", "nn.GRU(10, 20)", "--uses", "output[").code == 2


def test_without_input_only_what_is_sure_is_said():
    """Without an input what holds for any sizes is said, without sizes; that sizes are not checked is a note."""
    config = RNNConfig("gru", 10, 20, num_layers=2, bidirectional=True)
    kinds = [caution.kind for caution in check_shapes(config, Call(uses=("output[-1]", "h_n.view(N, -1)"))).warnings]
    assert kinds == ["reverse_half_of_last_step", "mixed_axes"]
    diagnosis = check_shapes(config, Call(uses=("h_n.view(3, -1)", "output.view(7, 7)")))
    assert (diagnosis.warnings, diagnosis.problems, diagnosis.uses) == ((), (), {})
    assert all("need the shape of input" in note for note in diagnosis.notes)
    assert "100" not in str(check_shapes(config, Call(uses=("h_n.view(N, -1)", "output.mean(1)", "x.view(N, L, -1)"))).warnings)


@pytest.mark.parametrize(
    "text",
    [
        "h_n[()]",
        "h_n[:, :, 0:]",
        "output[1if 1else 2]",
        "'\\d'",
        "h_n[" * 1000,
        "h_n" + "[0]" * 2000,
        "h_n" + ".T" * 200,
        "(" * 90 + "h_n" + ")" * 90,
        "x" * 4_000_000,
        "h_n.view(" + "9" * 5000 + ")",
        "output.repeat(10**18, 1, 1)",
        "\ud800\x00",
        "{0}",
        "{a:>999999999}",
        "a = b = c = output; a[-1]",
        "output[-1] = 0",
        "*a, b = h_n",
        "a, b, c, d, e, f = h_n",
        "del h_n",
        "output: int = 3",
        "h_n; " * 300,
    ],
    ids=range(21),
)
def test_hostile_code_is_data(text):
    """Whatever is written is read at once, without a warning or a fault, for sizes beyond a machine too."""
    for config in (RNNConfig("gru", 10, 20, num_layers=2), RNNConfig("lstm", 4, 10**21, bidirectional=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            diagnosis = check_shapes(config, Call(input=(3, 5, config.input_size), uses=(text,)))
        for said in (*diagnosis.notes, *(problem.message for problem in diagnosis.problems)):
            assert len(said) < 3000


def test_random_code_agrees_with_pytorch():
    """A sample of the comparison with PyTorch: nothing disagrees, and most of it is followed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, wrong = agreement.compare(120, "test")
    assert wrong == []
    assert counts["accepted"] > 20


def test_a_planted_fault_is_found(monkeypatch):
    """The comparison sees a wrong rule: a mean that forgets its axis is a disagreement."""
    from rnndims.axes import operations

    monkeypatch.setitem(operations.METHODS, "transpose", lambda x, dim0, dim1: x)
    monkeypatch.setattr(agreement, "operation", lambda _: lambda inner: f"{inner}.transpose(0, -1)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert agreement.compare(10, "planted")[1]
