"""Which RNNs are in a set of named tensors, compared with the modules of torch.nn that the tensors come from."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from rnndims.checkpoint import Budget, Checkpoint, FileContent, FileTensor, find_modules, select
from rnndims.config import RNNConfig
from rnndims.constructor import format_constructor
from rnndims.errors import RnndimsError


def content(tensors: dict[str, torch.Tensor]) -> FileContent:
    """The content that reading a file with these tensors would give."""
    return FileContent(
        "test",
        {name: FileTensor(tuple(t.shape), str(t.dtype).removeprefix("torch."), t.nbytes) for name, t in tensors.items()},
    )


def find(tensors: dict[str, torch.Tensor]) -> Checkpoint:
    return find_modules(content(tensors), Budget())


def prefixed(module: nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}


LAYERED = [
    (cls, {"num_layers": layers, "bidirectional": two, "bias": bias, **extra})
    for cls, layers, two, bias in itertools.product((nn.RNN, nn.GRU, nn.LSTM), (1, 2, 3), (False, True), (False, True))
    for extra in ([{}, {"proj_size": 3}, {"proj_size": 1}] if cls is nn.LSTM else [{}])
]


@pytest.mark.parametrize(("cls", "options"), LAYERED)
@pytest.mark.parametrize("sizes", [(5, 4), (1, 4), (16, 4), (4, 12)])
def test_constructor_is_that_of_the_module(cls: type[nn.Module], options: dict, sizes: tuple[int, int]) -> None:
    """Every layered module is inferred from its state_dict with all that weights tell, sizes chosen to be mistakable."""
    module = cls(*sizes, device="meta", **options)
    [found] = find(prefixed(module, "encoder.rnn.")).modules
    assert found.name == "encoder.rnn"
    assert found.config == RNNConfig.from_module(module)
    assert {name: weight.shape for name, weight in found.weights.items()} == {
        name: tuple(tensor.shape) for name, tensor in module.state_dict().items()
    }
    assert found.parameters == sum(p.numel() for p in module.parameters())
    assert found.bytes == sum(p.nbytes for p in module.parameters())


@pytest.mark.parametrize("cls", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_cells_are_found(cls: type[nn.Module], bias: bool, dtype: torch.dtype) -> None:
    """A cell is inferred with its bias and dtype."""
    module = cls(3, 7, bias=bias, dtype=dtype)
    [found] = find(prefixed(module, "c.")).modules
    assert found.config == RNNConfig.from_module(module)
    assert found.dtype == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize(
    ("module", "unknown"),
    [
        (nn.RNN(2, 3), ("batch_first", "dropout", "nonlinearity")),
        (nn.LSTM(2, 3, 2, batch_first=True, dropout=0.5), ("batch_first", "dropout")),
        (nn.GRU(2, 3), ("batch_first", "dropout")),
        (nn.RNNCell(2, 3, nonlinearity="relu"), ("nonlinearity",)),
        (nn.LSTMCell(2, 3), ()),
    ],
)
def test_what_weights_cannot_tell_is_said_and_not_claimed(module: nn.Module, unknown: tuple[str, ...]) -> None:
    """Arguments without a trace in the weights are listed, and the constructor has them at their defaults."""
    [found] = find(module.state_dict()).modules
    assert found.not_recoverable == unknown
    assert not {"batch_first", "dropout", "nonlinearity"} & set(format_constructor(found.config).replace("=", " ").split())


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("", ""),
        ("module.", ""),
        ("_orig_mod.", ""),
        ("module._orig_mod.encoder.", "encoder"),
        ("_orig_mod.module.encoder.", "encoder"),
        ("model.encoder.rnn.", "encoder.rnn"),
        ("model.", "model"),
        ("state_dict.model.rnn.", "rnn"),
        ("model_state_dict.module.a.b.", "a.b"),
        ("encoder._orig_mod.rnn.", "encoder.rnn"),
        ("models.0.rnn.", "models.0.rnn"),
    ],
)
def test_wrappers_are_seen_through(prefix: str, name: str) -> None:
    """A module has its name in the model, and the raw one is kept beside it."""
    [found] = find(prefixed(nn.GRU(2, 3), prefix)).modules
    assert (found.name, found.key) == (name, prefix.removesuffix("."))
    assert found.tensors["weight_ih_l0"] == {"": f"{prefix}weight_ih_l0"}


def test_modules_of_one_name_keep_their_names_in_the_file() -> None:
    """Two copies of a model in one file are told apart."""
    copies = {**prefixed(nn.GRU(2, 3), "model.rnn."), **prefixed(nn.GRU(2, 3), "state_dict.rnn.")}
    assert [module.name for module in find(copies).modules] == ["model.rnn", "state_dict.rnn"]


@pytest.mark.parametrize(
    "names",
    [
        ["optimizer.state.rnn.weight_ih_l0", "optimizer.state.rnn.weight_hh_l0"],
        ["optimizer_state_dict.rnn.weight_ih_l0", "optimizer_state_dict.rnn.weight_hh_l0"],
        ["optim.exp_avg.rnn.weight_ih_l0", "optim.exp_avg.rnn.weight_hh_l0"],
        ["state.exp_avg.rnn.weight_ih_l0", "state.exp_avg.rnn.weight_hh_l0"],
        ["last_optimizer_state.m.rnn.weight_ih_l0", "last_optimizer_state.m.rnn.weight_hh_l0"],
        ["optimizer_G.state.m.rnn.weight_ih_l0", "optimizer_G.state.m.rnn.weight_hh_l0"],
        ["fc.weight", "fc.weight_ih_l0_extra"],
        ["attention.in_proj_weight", "attention.weight_ih_lx"],
        ["w.weight_ih_l00", "w.weight_hh_l00"],
        ["rnn.my_weight_ih_l0", "rnn.weight_ih_l0.bias"],
    ],
)
def test_fitting_shapes_alone_are_no_rnn(names: list[str]) -> None:
    """Optimizer state and tensors of other names are not recognised as weights."""
    found = find({name: torch.empty(8, 2) for name in names})
    assert not found.modules
    assert not found.contradictions
    assert found.rest.tensors + found.optimizer == 2


def without(module: nn.Module, *names: str) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in module.state_dict().items() if name not in names}


def changed(module: nn.Module, **tensors: torch.Tensor) -> dict[str, torch.Tensor]:
    return {**module.state_dict(), **tensors}


DEEP = nn.LSTM(5, 4, 3, bidirectional=True, device="meta")
CONTRADICTIONS = [
    ({n: t for n, t in DEEP.state_dict().items() if "_l1" not in n}, ["layer 1 is missing"]),
    ({n: t for n, t in DEEP.state_dict().items() if "_l0" not in n}, ["layer 0 is missing"]),
    ({n: t for n, t in DEEP.state_dict().items() if "l1_reverse" not in n}, ["layer 1 has no reverse direction"]),
    ({n: t for n, t in DEEP.state_dict().items() if "l0_rev" in n or "l0" not in n}, ["layer 0 has no forward direction"]),
    (without(nn.GRU(5, 4), "weight_hh_l0"), ["weight_hh_l0 is missing"]),
    (without(nn.GRU(5, 4), "weight_ih_l0"), ["weight_ih_l0 is missing"]),
    (without(nn.GRU(5, 4), "bias_hh_l0"), ["bias_hh_l0 is missing", "although the file has other biases"]),
    (without(nn.RNN(5, 4, 2), "bias_ih_l1", "bias_hh_l1"), ["bias_ih_l1, bias_hh_l1 are missing"]),
    (without(nn.LSTM(5, 4, 2, proj_size=2), "weight_hr_l1"), ["weight_hr_l1 is missing"]),
    (without(nn.LSTM(5, 4, proj_size=3), "weight_hr_l0"), ["weight_hh_l0 is (16, 3)", "its weight_hr is not in the file"]),
    (changed(nn.LSTM(5, 4, 2), weight_ih_l1=torch.empty(16, 8)), ["weight_ih_l1 is (16, 8)", "(16, 4)"]),
    (changed(nn.LSTM(5, 4), bias_ih_l0=torch.empty(12)), ["bias_ih_l0 is (12,)", "(16,)"]),
    (changed(nn.LSTM(5, 4), bias_ih_l0=torch.empty(16, 1)), ["bias_ih_l0 is (16, 1)", "1 dim"]),
    (changed(nn.LSTM(5, 4), weight_hh_l0=torch.empty(10, 4)), ["weight_hh_l0 is (10, 4)", "2.5 times"]),
    (changed(nn.LSTM(5, 4), weight_hh_l0=torch.empty(0, 0)), ["weight_hh_l0 is (0, 0)"]),
    (changed(nn.LSTM(5, 4), weight_hh_l0=torch.empty(12, 4)), ["weight_ih_l0 is (16, 5)", "nn.GRU(5, 4)", "(12, 5)"]),
    (changed(nn.GRU(5, 4), bias_ih_l0=torch.empty(12).half()), ["float32 (weight_ih_l0", "float16 (bias_ih_l0)"]),
    (without(nn.GRUCell(5, 4), "weight_hh"), ["weight_hh is missing"]),
    (changed(nn.RNN(5, 4), weight_ih_l999999999=torch.empty(4, 4)), ["999999998 layers are missing", "layer 1"]),
    (changed(nn.GRU(5, 4), weight_hr_l0=torch.empty(2, 4)), ["weight_hh_l0 has 12 rows", "4*4 = 16"]),
]


@pytest.mark.parametrize(("tensors", "said"), CONTRADICTIONS)
def test_contradictions_are_described_and_no_constructor_claimed(tensors: dict[str, torch.Tensor], said: list[str]) -> None:
    """Weights that no module has yield sentences that name the guilty ones, and no module."""
    found = find({f"enc.{name}": tensor for name, tensor in tensors.items()})
    assert not found.modules
    text = "\n".join(problem.message for problem in found.contradictions)
    for phrase in said:
        assert phrase in text
    assert {problem.name for problem in found.contradictions} == {"enc"}


@pytest.mark.parametrize("name", ["prev.rnn", "step_size", "grad.cell", "optimizer.lstm", "optimizer", "adam_optimizer.0"])
def test_modules_called_like_parts_of_an_optimizer(name: str) -> None:
    """A learned optimizer, or a module whose name an optimizer's state has too, is a module."""
    found = find(prefixed(nn.LSTM(2, 3), f"{name}."))
    assert [module.name for module in found.modules] == [name]
    assert not found.optimizer


def test_a_contradiction_spoils_no_other_module() -> None:
    """What is wrong with one module is not held against the others."""
    found = find({**prefixed(nn.GRU(2, 3), "good."), "bad.weight_ih_l0": torch.empty(4, 4)})
    assert [module.name for module in found.modules] == ["good"]
    assert [problem.name for problem in found.contradictions] == ["bad"]


def test_many_contradictions_are_summed_up() -> None:
    """A module with hundreds of wrong weights is described in a few sentences."""
    module = nn.RNN(2, 3, 300, device="meta")
    found = find(
        {n: torch.empty(5, 5, device="meta") if "ih" in n and "weight" in n else t for n, t in module.state_dict().items()}
    )
    assert len(found.contradictions) < 20
    assert "more contradictions" in found.contradictions[-1].message


def test_weight_norm_old_and_new_keeps_the_constructor() -> None:
    """Weights in both forms of weight_norm are recognised, with a note."""
    old = nn.LSTM(5, 4)
    weights = old.state_dict()
    hidden = weights.pop("weight_hh_l0")
    for split in (
        {"weight_hh_l0_g": torch.empty(16, 1), "weight_hh_l0_v": hidden},
        {"parametrizations.weight_hh_l0.original0": torch.empty(16, 1), "parametrizations.weight_hh_l0.original1": hidden},
    ):
        [found] = find({**weights, **split}).modules
        assert format_constructor(found.config) == "nn.LSTM(5, 4)"
        assert "weight_norm" in found.notes[0]
    new = parametrizations.weight_norm(nn.GRU(5, 4), "weight_hh_l0")
    [found] = find(prefixed(new, "enc.")).modules
    assert (found.name, format_constructor(found.config)) == ("enc", "nn.GRU(5, 4)")


def test_half_of_a_weight_norm_is_a_problem() -> None:
    """A magnitude without its direction is no weight."""
    weights = nn.LSTM(5, 4).state_dict()
    del weights["weight_hh_l0"]
    found = find({**weights, "weight_hh_l0_g": torch.empty(16, 1)})
    assert "weight_hh_l0_g" in found.contradictions[0].message
    assert not found.modules


def test_other_parametrizations_and_pruning_are_noted() -> None:
    """Orthogonal and pruned weights keep the constructor, and a note says how they are stored."""
    orthogonal = parametrizations.orthogonal(nn.RNN(4, 4), "weight_hh_l0")
    [found] = find(orthogonal.state_dict()).modules
    assert format_constructor(found.config) == "nn.RNN(4, 4)"
    assert found.notes
    pruned = nn.GRUCell(3, 4)
    prune.random_unstructured(pruned, "weight_hh", 0.5)
    [found] = find(pruned.state_dict()).modules
    assert format_constructor(found.config) == "nn.GRUCell(3, 4)"
    assert "pruned" in found.notes[0]


def test_weight_dropout_of_both_styles() -> None:
    """The raw recurrent weight is found inside the module and on the wrapper around it."""
    weights = nn.LSTM(5, 4).state_dict()
    hidden = weights.pop("weight_hh_l0")
    inside = {f"rnns.0.module.{name}": t for name, t in {**weights, "weight_hh_l0_raw": hidden}.items()}
    around = {**{f"rnns.0.module.{name}": t for name, t in weights.items()}, "rnns.0.weight_hh_l0_raw": hidden}
    for tensors in (inside, around):
        [found] = find(tensors).modules
        assert format_constructor(found.config) == "nn.LSTM(5, 4)"
        assert "dropout" in found.notes[0]


def test_select_by_name_and_glob() -> None:
    """A name in the model, a raw name or a pattern narrows a checkpoint down; a name that is not there is an error."""
    found = find({**prefixed(nn.GRU(2, 3), "model.enc.rnn."), **prefixed(nn.LSTM(2, 3), "model.dec.rnn."), "x": torch.empty(1)})
    assert [m.name for m in select(found, "enc.rnn").modules] == ["enc.rnn"]
    assert [m.name for m in select(found, "model.dec.rnn").modules] == ["dec.rnn"]
    assert [m.name for m in select(found, "*.rnn").modules] == ["enc.rnn", "dec.rnn"]
    with pytest.raises(RnndimsError, match=r"enc\.rnn, dec\.rnn"):
        select(found, "enc")
