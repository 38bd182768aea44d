"""A small sample of benchmarks/fuzz.py, which gives rnndims what it was not made for."""

import sys

import draws
import pytest

if sys.platform != "linux":
    pytest.skip("it measures memory as Linux does", allow_module_level=True)

import fuzz

KINDS = {kind.name: kind for kind in fuzz.KINDS}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A width that does not depend on where the tests run."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_is_answered(name):
    """Each of a few senseless questions of each kind is answered, or refused with one message."""
    tally = draws.run_part(KINDS[name], 0, range(3 if name == "processes" else 20), patience=0.0)
    assert not tally.found


@pytest.mark.parametrize("name", fuzz.PLANTS)
def test_a_planted_mistake_is_found(name):
    """A mistake made on purpose is found among a few questions of the kind that looks for it."""
    plant = fuzz.PLANTS[name]
    with plant.planted():
        tally = draws.run_part(KINDS[plant.kind], 0, range(60), patience=0.0)
    assert tally.found


def test_trace_runs_its_program_beside_this_process():
    """``trace`` becomes another program; here that is a process of its own, and the answer is that program's."""
    case = {"args": ["trace", "program.py", "a", "b"], "files": {"program.py": []}}
    assert fuzz.judge_call(case) == ("code 0", None)
    missing = fuzz.judge_call({"args": ["trace", "program.py"]})
    assert missing == ("code 2", None)
