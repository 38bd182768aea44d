"""The examples in docstrings are executed, and lengths may come in any form."""

import doctest
import importlib
import pkgutil

import pytest

import rnndims

MODULES = [
    module.name for module in pkgutil.walk_packages(rnndims.__path__, "rnndims.") if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["rnndims", *MODULES])
def test_examples_give_what_they_show(name):
    """Every example in a module's docstrings prints what is written below it."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    """The public API and the pasted constructors have examples, so the test above tests something."""
    for name in ("rnndims", "rnndims.config", "rnndims.constructor"):
        assert doctest.testmod(importlib.import_module(name)).attempted > 0


@pytest.mark.parametrize("lengths", [[3, 1], (3, 1), iter([3, 1])])
def test_lengths_may_be_any_iterable_of_ints(lengths):
    """Lengths may be any iterable of ints, tensors and arrays included."""
    assert rnndims.dims(rnndims.RNNConfig("gru", 4, 2), lengths=lengths).packed.batch_sizes == (2, 1, 1)


def test_lengths_may_be_a_tensor():
    """Lengths may be a tensor, as for pack_padded_sequence."""
    import torch

    assert rnndims.dims(rnndims.RNNConfig("gru", 4, 2), lengths=torch.tensor([3, 1])).data.lengths == (3, 1)
