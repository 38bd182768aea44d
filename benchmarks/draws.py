"""What the scripts that hunt for mistakes share: cases drawn from a seed, judged in parallel, counted, and made smaller.

A ``Kind`` draws cases and judges them. A case is a dict of plain Python values that says everything, so it can be printed, judged
again, and made smaller by leaving parts of it out. The same seed draws the same cases, whatever runs beside it.
"""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Case = dict[str, Any]


class Verdict(NamedTuple):
    """The outcome of one case, and what is wrong with it.

    Attributes:
        outcome: what happened, in a word or two that can be counted (``"accepted"``).
        fault: ``None``, or what is wrong. What stands before its first colon is the same for all cases that are wrong alike.
    """

    outcome: str
    fault: str | None = None

    @property
    def sort(self) -> str | None:
        """The fault without its details."""
        return None if self.fault is None else self.fault.partition(":")[0]


class Kind(NamedTuple):
    """One way to ask.

    Attributes:
        name: in one word.
        share: how many of the draws it gets, beside the shares of the other kinds.
        draw: makes a case.
        judge: looks at a case; raises ``Unsuitable`` where it makes no sense.
    """

    name: str
    share: float
    draw: Callable[[random.Random], Case]
    judge: Callable[[Case], Verdict]


class Unsuitable(Exception):  # noqa: N818 - no error: such a case is not counted
    """A case that says nothing, as it may be after a part of it was left out."""


class Found(NamedTuple):
    """One sort of fault: how often it was found, its smallest case, and what is wrong there."""

    count: int
    case: Case
    fault: str


@dataclass
class Tally:
    """What came of the draws of one kind."""

    drawn: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        """How many draws were at fault."""
        return sum(found.count for found in self.found.values())

    def add(self, other: "Tally") -> None:
        """Count what another part of the draws gave."""
        self.drawn += other.drawn
        self.seconds += other.seconds
        self.outcomes += other.outcomes
        for sort, found in other.found.items():
            self.note(sort, found)

    def note(self, sort: str, found: Found) -> None:
        """Count a fault, and keep the smaller of two cases."""
        known = self.found.get(sort)
        if known is None:
            self.found[sort] = found
        else:
            best = min((known, found), key=lambda each: len(repr(each.case)))
            self.found[sort] = best._replace(count=known.count + found.count)


def judge(kind: Kind, case: Case) -> Verdict:
    """The verdict on a case; an error that ``judge`` lets through is a fault."""
    try:
        return kind.judge(case)
    except Unsuitable:
        return Verdict("unsuitable")
    except Exception as error:  # noqa: BLE001 - what is raised is what is looked for
        return Verdict("raised", f"raises {type(error).__name__}: {str(error)[:300]}")


def smaller(value: Any) -> Iterator[Any]:
    """Values that say a little less than ``value``, the smallest first."""
    if isinstance(value, dict):
        for key in value:
            yield {name: part for name, part in value.items() if name != key}
        for key, part in value.items():
            for less in smaller(part):
                yield {**value, key: less}
    elif isinstance(value, (list, tuple)):
        make = type(value)
        for at in range(len(value)):
            yield make([*value[:at], *value[at + 1 :]])
        for at, part in enumerate(value):
            for less in smaller(part):
                yield make([*value[:at], less, *value[at + 1 :]])
    elif isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, int):
        for less in (1, 2, value // 2, value - 1):
            if 0 < less < value:
                yield less
    elif isinstance(value, (str, bytes)) and len(value) > 8:
        half, tenth = len(value) // 2, max(1, len(value) // 10)
        yield value[:half]
        yield value[half:]
        for at in range(0, len(value), tenth):
            yield value[:at] + value[at + tenth :]


def shrink(kind: Kind, case: Case, verdict: Verdict, *, seconds: float = 5.0) -> tuple[Case, Verdict]:
    """The smallest case that is wrong in the same way, as far as it is found in this time."""
    end = time.monotonic() + seconds
    seen = {repr(case)}
    progress = True
    while progress:
        progress = False
        for less in smaller(case):
            if time.monotonic() > end:
                return case, verdict
            if repr(less) in seen:
                continue
            seen.add(repr(less))
            again = judge(kind, less)
            if again.sort == verdict.sort:
                case, verdict, progress = less, again, True
                break
    return case, verdict


def draw_case(kind: Kind, seed: int, number: int) -> Case:
    """The case of this number: the same one each time."""
    return kind.draw(random.Random(f"{seed} {kind.name} {number}"))


def run_part(kind: Kind, seed: int, numbers: range, shrunk: int = 2) -> Tally:
    """Draw and judge the cases with these numbers; of each sort of fault the first few are made smaller."""
    tally = Tally()
    start = time.perf_counter()
    for number in numbers:
        case = draw_case(kind, seed, number)
        verdict = judge(kind, case)
        tally.drawn += 1
        tally.outcomes[verdict.outcome] += 1
        if verdict.fault is not None and verdict.sort is not None:
            known = tally.found.get(verdict.sort)
            if known is None or known.count < shrunk:
                case, less = shrink(kind, case, verdict)
                tally.note(verdict.sort, Found(1, case, less.fault or verdict.fault))
            else:
                tally.found[verdict.sort] = known._replace(count=known.count + 1)
    tally.seconds = time.perf_counter() - start
    return tally


def shares(kinds: Sequence[Kind], count: int) -> dict[str, int]:
    """How many of ``count`` draws each kind gets: at least one."""
    total = sum(kind.share for kind in kinds)
    return {kind.name: max(1, round(count * kind.share / total)) for kind in kinds}


_KINDS: dict[str, Kind] = {}
"""The kinds of this run, for the processes that are forked from this one: functions cannot be sent to them."""


def _work(part: tuple[str, int, range]) -> tuple[str, Tally]:
    name, seed, numbers = part
    return name, run_part(_KINDS[name], seed, numbers)


def hunt(
    kinds: Sequence[Kind], count: int, *, seed: int = 0, jobs: int = 1, chunk: int = 250, setup: Callable[[], None] | None = None
) -> dict[str, Tally]:
    """Draw ``count`` cases of these kinds, in ``jobs`` processes.

    Args:
        kinds: what to draw.
        count: how many cases, all kinds together.
        seed: of the draws.
        jobs: number of processes; with 1 everything happens in this one.
        chunk: draws that a process does at a time.
        setup: called first in each process.
    """
    parts = [
        (name, seed, range(start, min(start + chunk, wanted)))
        for name, wanted in shares(kinds, count).items()
        for start in range(0, wanted, chunk)
    ]
    random.Random(seed).shuffle(parts)
    _KINDS.update({kind.name: kind for kind in kinds})
    tallies = {kind.name: Tally() for kind in kinds}
    if jobs == 1:
        if setup is not None:
            setup()
        for part in parts:
            name, tally = _work(part)
            tallies[name].add(tally)
        return tallies
    with multiprocessing.get_context("fork").Pool(jobs, setup) as pool:
        for name, tally in pool.imap_unordered(_work, parts):
            tallies[name].add(tally)
    return tallies


def report(tallies: dict[str, Tally], seconds: float) -> str:
    """Counts by kind, and the smallest case of each sort of fault."""
    lines = [f"{'kind':<12} {'draws':>9} {'per second':>11} {'faults':>7}   outcomes"]
    for name, tally in tallies.items():
        rate = tally.drawn / tally.seconds if tally.seconds else 0.0
        outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in tally.outcomes.most_common(8))
        lines.append(f"{name:<12} {tally.drawn:>9,} {rate:>11,.0f} {tally.faults:>7,}   {outcomes}")
    drawn, faults = sum(tally.drawn for tally in tallies.values()), sum(tally.faults for tally in tallies.values())
    lines.append(f"{'together':<12} {drawn:>9,} {drawn / seconds:>11,.0f} {faults:>7,}   in {seconds:.0f} s")
    for name, tally in tallies.items():
        for found in sorted(tally.found.values(), reverse=True):
            lines += ["", f"{name}, {found.count:,} times: {found.fault}", f"    {found.case!r}"]
    return "\n".join(lines)
