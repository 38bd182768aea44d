"""check --error: texts of 4 MB that repeat what is dear to search for cost little memory and a bounded amount of work."""

import contextlib
import subprocess
import sys

import pytest

from rnndims.diagnose import UnknownMessageError, diagnose_error, message_search
from rnndims.diagnose.load_report import MOST_NAMES, read_report

LONG = 4_000_000
TEXTS = [
    "|",
    "|\n",
    "é\n",
    "😀 x\n",
    "│ x │\n",
    "\r",
    "ValueError: x\n",
    "Expected hidden[0] size (1, 2, 3), got ",
    "Missing key(s) in state_dict: ",
    'Missing key(s) in state_dict: "a.weight_ih_l0", ',
    "unexpected key ",
    'File "a.py", line 1\n',
    "(): argument 'input' (position 1) must be Tensor, not tuple\n",
    "too many values to unpack ",
    " " * 1000 + "expected",
]
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (300_000_000, 300_000_000))
from rnndims.diagnose import UnknownMessageError, diagnose_error
for text in {texts!r}:
    try:
        diagnose_error((text * ({long} // len(text) + 1))[:{long}])
    except UnknownMessageError:
        pass
print("done")
"""


def repeated(text: str) -> str:
    """``text`` again and again."""
    return (text * (LONG // len(text) + 1))[:LONG]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no limit of a process's memory")
def test_long_texts_need_little_memory():
    """Each text of 4 MB is read in a process that may have 300 MB in all."""
    code = LIMITED.format(texts=TEXTS, long=LONG)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.stdout.strip() == "done", done.stderr[-2000:]


@pytest.mark.parametrize("text", TEXTS[6:])
def test_the_surroundings_of_few_places_are_read(text, monkeypatch):
    """However often a wording stands in a text, only the surroundings of the last matches are read."""
    read = message_search.evidence
    places = []
    monkeypatch.setattr(message_search, "evidence", lambda *given, **named: places.append(given) or read(*given, **named))
    with contextlib.suppress(UnknownMessageError):
        diagnose_error(repeated(text))
    assert len(places) < 200


def test_a_long_report_is_read_in_part():
    """Of two lists of 80,000 names each a part is read, which says enough, and the problems are few."""
    names = [", ".join(f'"{side}.b{i}.weight_ih_l0", "{side}.b{i}.weight_hh_l0"' for i in range(40_000)) for side in "ac"]
    text = f"Error(s) in loading state_dict for N:\n Missing key(s) in state_dict: {names[0]}\n"
    text += f" Unexpected key(s) in state_dict: {names[1]}"
    report = read_report(text)
    assert len(report.missing) == len(report.unexpected) == MOST_NAMES
    assert len(diagnose_error(text).problems) == 1
