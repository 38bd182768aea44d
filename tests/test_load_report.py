"""check --error: from what ``load_state_dict`` says, the configurations of both modules, and what else was loaded."""

import random

import pytest
import torch
from torch import nn

from rnndims.diagnose import diagnose_error
from rnndims.diagnose.load_report import read_report


def message(model: nn.Module, state: object) -> str:
    """What PyTorch says when ``model`` loads ``state``."""
    with pytest.raises(RuntimeError) as raised:
        model.load_state_dict(state)
    return str(raised.value)


def draw(rng: random.Random) -> dict:
    """The arguments of a random module."""
    hidden = rng.choice([1, 2, 3, 4, 5, 6, 8, 12])
    cell = rng.choice(["RNN", "LSTM", "GRU"])
    return {
        "class": cell,
        "input_size": rng.choice([1, 2, 3, 4]),
        "hidden_size": hidden,
        "num_layers": rng.choice([1, 2, 3]),
        "bias": rng.random() < 0.7,
        "bidirectional": rng.random() < 0.5,
        "proj_size": rng.randrange(1, hidden) if cell == "LSTM" and hidden > 1 and rng.random() < 0.5 else 0,
    }


def build(arguments: dict) -> nn.Module:
    """The module with ``arguments``."""
    rest = {name: value for name, value in arguments.items() if name != "class" and (name, value) != ("proj_size", 0)}
    return getattr(nn, arguments["class"])(**rest)


def pairs(count: int):
    """Pairs of arguments, half of which differ in one or two only."""
    rng = random.Random(5)
    for _ in range(count):
        model, saved = draw(rng), draw(rng)
        if rng.random() < 0.6:
            saved = dict(model)
            for name in rng.sample(["input_size", "hidden_size", "num_layers", "bias", "bidirectional"], rng.choice([1, 2])):
                saved[name] = draw(rng)[name]
        if saved["proj_size"] < saved["hidden_size"] and model != saved:
            yield model, saved


def test_every_difference_is_named_and_no_other():
    """The arguments that differ follow from PyTorch's message alone, for random pairs of modules."""
    count = 0
    for model, saved in pairs(700):
        text = message(nn.ModuleDict({"rnn": build(model)}), nn.ModuleDict({"rnn": build(saved)}).state_dict())
        modules = read_report(text).modules()
        assert list(modules) == ["rnn"]
        found = {each.argument: (each.model, each.saved) for each in modules["rnn"].differences()}
        assert found == {name: (model[name], saved[name]) for name in model if model[name] != saved[name]}, text
        count += 1
    assert count > 500


def test_the_fix_makes_it_load():
    """The arguments of the fix, put into the constructor of the model, make the checkpoint load; there is one problem."""
    for model, saved in pairs(150):
        state = build(saved).state_dict()
        found = diagnose_error(message(build(model), state))
        assert len(found.problems) == 1
        fix = found.problems[0].fix
        cell, scope = model["class"], {}
        if fix.startswith("nn."):
            exec("mended = " + fix.replace("...", "None"), {"nn": Spy}, scope)
            cell, named = scope["mended"]
        else:
            exec(fix, {}, named := {})
        mended = {**model, "class": cell, **named}
        build(mended).load_state_dict(state)


class Spy:
    """Stands for ``torch.nn`` in a fix: each class returns its name and the keywords that it is called with."""

    LSTM = staticmethod(lambda _rest, **named: ("LSTM", named))
    GRU = staticmethod(lambda _rest, **named: ("GRU", named))
    RNN = staticmethod(lambda _rest, **named: ("RNN", named))


@pytest.mark.parametrize(
    ("model", "saved", "said"),
    [
        (nn.LSTM(1, 5, proj_size=4), nn.LSTM(1, 5), "proj_size is 4 in the model, and 0 in the checkpoint."),
        (
            nn.LSTM(4, 3),
            nn.LSTM(4, 3, 2, bidirectional=True),
            "num_layers is 1 in the model, and 2 in the checkpoint; bidirectional is False in the model, and True in the "
            "checkpoint.",
        ),
        (nn.GRU(4, 3), nn.LSTM(4, 3), "class is nn.GRU in the model, and nn.LSTM in the checkpoint."),
        (nn.GRUCell(4, 3), nn.GRUCell(5, 3), "input_size is 4 in the model, and 5 in the checkpoint."),
    ],
)
def test_differences_in_words(model, saved, said):
    """One problem says all that differs, and nothing else."""
    problems = diagnose_error(message(model, saved.state_dict())).problems
    assert [problem.message for problem in problems] == [f"The module: {said}"]


class Net(nn.Module):
    """A model with an RNN and a Linear, under these names."""

    def __init__(self, head: nn.Module, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.fc = head


def test_another_name_is_one_problem():
    """An RNN under another name is one problem; what the names tell of it is said, and that the sizes are unknown."""
    model = Net(nn.Linear(5, 2), rnn=nn.LSTM(4, 5))
    other = Net(nn.Linear(10, 2), gru=nn.GRU(4, 5, 2, bidirectional=True))
    problems = diagnose_error(message(model, other.state_dict())).problems
    assert len(problems) == 1
    assert "rnn in the model, and gru in the checkpoint; num_layers is 1" in problems[0].message
    assert "bidirectional is False in the model, and True in the checkpoint" in problems[0].message
    assert "no sizes of it" in problems[0].message
    renamed = Net(nn.Linear(5, 2), lstm=nn.LSTM(4, 5))
    state = renamed.state_dict()
    scope = {"state": state}
    exec(diagnose_error(message(model, state)).problems[0].fix, scope)
    model.load_state_dict(scope["state"])


def test_another_file_is_said_to_be_one():
    """Where no name that only the checkpoint has is an RNN's, it may be another model's file."""
    text = message(Net(nn.Linear(5, 2), rnn=nn.LSTM(4, 5)), nn.Sequential(nn.Conv1d(4, 5, 1)).state_dict())
    problem = diagnose_error(text).problems[0]
    assert "It may be another model's file." in problem.message
    assert "no weights of rnn" in problem.message


def test_the_whole_dict_was_passed():
    """A training script's dict with the state dict in it is told apart, and the fix loads the state dict."""
    model = Net(nn.Linear(5, 2), rnn=nn.LSTM(4, 5))
    state = {"model": model.state_dict(), "model_type": {}, "epoch": {}}
    problem = diagnose_error(message(model, state)).problems[0]
    assert "the whole dict was passed" in problem.message
    exec(problem.fix, {"model": model, "state": state})


def test_a_single_layers_file_is_no_dict_of_a_script():
    """The names of another layer's parameters are not taken for those of a training script's dict."""
    problem = diagnose_error(message(nn.LSTM(4, 5), nn.Linear(4, 5).state_dict())).problems[0]
    assert "whole dict" not in problem.message
    assert "another model's file" in problem.message


def test_sizes_beside_weight_drop_are_named_too():
    """Names of WeightDrop do not hide that sizes differ."""
    state = {**nn.LSTM(6, 5).state_dict(), "weight_hh_l0_raw": torch.zeros(20, 5)}
    found = [problem.message for problem in diagnose_error(message(nn.LSTM(4, 5), state)).problems]
    assert "WeightDrop" in found[0]
    assert "input_size is 4 in the model, and 6 in the checkpoint" in found[1]


def test_prefixes():
    """A prefix that DataParallel or an outer module adds to every name, on either side, is found, and the fix loads."""
    inner = Net(nn.Linear(5, 2), rnn=nn.LSTM(4, 5), other=nn.GRU(4, 5))
    for outer_name in ("module", "encoder.net"):
        outer = {f"{outer_name}.{key}": value for key, value in inner.state_dict().items()}
        scope = {"state": outer}
        exec(diagnose_error(message(inner, outer)).problems[0].fix, scope)
        inner.load_state_dict(scope["state"])
    wrapped = nn.ModuleDict({"net": inner})
    scope = {"state": inner.state_dict()}
    exec(diagnose_error(message(wrapped, scope["state"])).problems[0].fix, scope)
    wrapped.load_state_dict(scope["state"])
    parallel = nn.DataParallel(inner)
    fix = diagnose_error(message(parallel, inner.state_dict())).problems[0].fix
    exec(fix, {"model": parallel, "state": inner.state_dict()})


def test_extra_names_of_weight_drop():
    """Names that only WeightDrop has are told apart; the fix loads the checkpoint into a module without it."""
    model = nn.ModuleDict({"rnn": nn.LSTM(4, 5)})
    extra = {**model.state_dict(), "rnn.weight_hh_l0_raw": torch.zeros(20, 5)}
    problem = diagnose_error(message(model, extra)).problems[0]
    assert "WeightDrop" in problem.message
    exec(problem.fix, {"model": model, "state": extra})
    instead = {key.replace("weight_hh_l0", "weight_hh_l0_raw"): value for key, value in model.state_dict().items()}
    scope = {"state": instead}
    exec(diagnose_error(message(model, instead)).problems[0].fix, scope)
    model.load_state_dict(scope["state"])


def test_weights_only(tmp_path):
    """What torch.load refuses since 2.6 is explained, with the command that reads the file without running it."""
    path = tmp_path / "whole.pt"
    torch.save(nn.LSTM(4, 5), path)
    with pytest.raises(Exception, match="Weights only load failed") as raised:
        torch.load(path)
    problem = diagnose_error(str(raised.value)).problems[0]
    assert "rnndims weights FILE" in problem.advice
    scope = {"torch": torch, "path": path}
    exec(problem.fix, scope)
    assert isinstance(scope["state"], nn.LSTM)
