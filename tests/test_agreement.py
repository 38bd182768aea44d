"""A small sample of benchmarks/agreement.py, which compares random modules and calls with PyTorch."""

import agreement
import draws
import pytest
from torch_version import says_as_2_13

pytestmark = says_as_2_13

KINDS = {kind.name: kind for kind in agreement.KINDS}

SLOW = {"macs": 4, "run": 12}
"""Kinds of which fewer cases have to do."""


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_agrees_with_torch(name):
    """What rnndims says of a few random cases of each kind is what PyTorch does."""
    tally = draws.run_part(KINDS[name], 0, range(SLOW.get(name, 20)), patience=0.0)
    assert not tally.found
    assert set(tally.outcomes) != {"unsuitable"}


@pytest.mark.parametrize("name", agreement.PLANTS)
def test_a_wrong_formula_is_found(name):
    """A mistake made on purpose is found among a few cases of the kind that looks for it."""
    plant = agreement.PLANTS[name]
    kind, numbers = KINDS[plant.kind], range(SLOW.get(plant.kind, 60))
    before = draws.run_part(kind, 0, numbers, patience=0.0)
    with plant.planted():
        after = draws.run_part(kind, 0, numbers, patience=0.0)
    assert after.faults > before.faults


def test_the_smallest_case_is_found():
    """A fault is shown by the smallest case that has it, and counted as often as it was drawn."""
    kind = draws.Kind(
        "letters",
        1,
        lambda rng: {"text": "".join(rng.choices("abc", k=30)), "sizes": [rng.randint(1, 9)]},
        lambda case: draws.Verdict("read", "an a: here" if "a" in case.get("text", "") else None),
    )
    tally = draws.run_part(kind, 0, range(5))
    assert tally.found == {"an a": draws.Found(5, {"text": tally.found["an a"].case["text"]}, "an a: here")}
    assert len(tally.found["an a"].case["text"]) <= 8
    assert draws.run_part(kind, 0, range(5), patience=0.0).outcomes == tally.outcomes
