"""axes: random chains of operations against PyTorch, where every element carries its own number."""

import importlib.util
import random
import warnings
from pathlib import Path

import pytest

from rnndims.axes.call_results import results_of
from rnndims.axes.operations import apply
from rnndims.config import DataConfig, RNNConfig

SPEC = importlib.util.spec_from_file_location("axes_agreement", Path(__file__).parents[1] / "benchmarks" / "axes_agreement.py")
agreement = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(agreement)


def chains(count: int, seed: str):
    """The counts of so many random chains."""
    counts = agreement.Counts()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            agreement.run_chain(random.Random(f"{seed} {number}"), counts)
    return counts


def test_random_chains_agree_with_pytorch():
    """Acceptance, shape, strides and the place of every element are PyTorch's in thousands of chains; few are not followed."""
    counts = chains(2000, "test")
    assert counts.disagreements == []
    assert counts.compared > 1500
    assert sum(counts.refused.values()) > 300
    assert sum(counts.not_followed.values()) < 0.05 * sum(counts.agreed.values())
    assert set(agreement.NAMES) == set(counts.agreed)


PLANTED = {
    "the cut of a reshape": (
        "rnndims.axes.movement.regroup",
        lambda right: lambda x, sizes: (right(x, sizes)[0][::-1], x.fixed),
    ),
    "the order of a transpose": ("rnndims.axes.movement._reorder", lambda right: lambda x, order: right(x, sorted(order))),
    "when a view is possible": ("rnndims.axes.movement.view_strides", lambda right: lambda old, strides, new: (1,) * len(new)),
    "where a slice begins": ("rnndims.axes.movement.narrow", lambda right: lambda f, start, n, step: right(f, 0, n, step)),
    "element-wise strides": (
        "rnndims.axes.computation.result_strides",
        lambda right: lambda shape, operands: agreement.source_tensor("", [[("", n)] for n in shape]).strides,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(monkeypatch, name):
    """The comparison sees a wrong rule: each of these faults is found within a few hundred chains."""
    target, fault = PLANTED[name]
    module, _, attribute = target.rpartition(".")
    monkeypatch.setattr(target, fault(getattr(importlib.import_module(module), attribute)))
    assert chains(400, "planted").disagreements


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        DataConfig(),
        DataConfig(unbatched=True),
        DataConfig(lengths=(3, 1)),
        DataConfig(lengths=(1, 3)),
        DataConfig(batch_size=1),
    ],
)
def test_results_lie_in_memory_as_pytorchs(kind, both, first, data):
    """Shapes and contiguity of what a module returns are those of a real one: batch_first gives a transposed output."""
    from axes_names import real_names

    for layers, projected in ((1, 0), (2, 3 if kind == "lstm" else 0)):
        config = RNNConfig(kind, 5, 4, num_layers=layers, bidirectional=both, batch_first=first, proj_size=projected)
        real = real_names(config, data)
        for name, tensor in results_of(config, data).items():
            assert tensor.sizes == tuple(real[name].shape)
            if name == "output" and tensor.strides is None:
                assert data.lengths == (3, 1) and first
            elif name != "input":
                assert tensor.is_contiguous == real[name].is_contiguous()


REDUCTIONS = ["mean", "amax", "amin"]


@pytest.mark.parametrize("seed", range(60))
def test_kept_axes_of_reductions_keep_their_names(seed):
    """After a reduction every axis that stays walks along the same positions as PyTorch's: seen by reducing the positions."""
    import torch

    rng = random.Random(seed)
    pairs = agreement.sources(rng)
    named, real = pairs[rng.choice(list(pairs))]
    if not real.numel():
        return
    order = rng.sample(range(named.ndim), named.ndim)
    named = apply("permute", named, *order)
    dims = tuple(rng.sample(range(named.ndim), rng.randint(1, named.ndim - 1)))
    kept = [dim for dim in range(named.ndim) if dim not in dims]
    told, unknown = agreement.positions(named)
    reduced = apply(rng.choice(REDUCTIONS), named, dims)
    after, _ = agreement.positions(reduced)
    assert not unknown
    atoms = {atom for dim in kept for factor in named.axes[dim] for atom in factor.atoms()}
    assert atoms or all(named.sizes[dim] == 1 for dim in kept)
    for atom in atoms:
        before = torch.as_tensor(told[atom]).expand(named.sizes).double()
        assert torch.equal(before.mean(dims), torch.as_tensor(after[atom]).expand(reduced.sizes).double())


def test_products_keep_the_names_of_their_axes():
    """A product has the rows of one and the columns of the other; a Linear replaces the features; einsum goes by letters."""
    names = results_of(RNNConfig("gru", 6, 4, bidirectional=True, batch_first=True), DataConfig(seq_len=5, batch_size=3))
    output, x = names["output"], names["input"]
    assert str(apply("matmul", output, apply("mT", output))) == "(N) (L) (L)"
    assert str(apply("bmm", apply("mT", output), x)) == "(N) (D H_out) (H_in)"
    assert str(apply("linear", output, 8, 2)) == "(N) (L) (features)"
    assert str(apply("einsum", "nlh,nlk->nhk", output, x)) == "(N) (D H_out) (H_in)"
    assert str(apply("einsum", "nlh->hn", output)) == "(D H_out) (N)"
    assert str(apply("mul", output, apply("index", x, (slice(None), slice(None), slice(0, 1))))) == "(N) (L) (D H_out)"
