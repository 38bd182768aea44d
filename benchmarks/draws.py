"""What the scripts that hunt for mistakes share: cases drawn from a seed, judged in parallel, counted, and made smaller.

A ``Kind`` draws cases and judges them. A case is a dict of plain Python values that says everything, so it can be printed,
judged again, and made smaller by leaving parts of it out. The same seed draws the same cases, whatever runs beside it.
"""

import argparse
import multiprocessing
import os
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, NamedTuple
from unittest import mock

Case = dict[str, Any]

CHUNK = 100
"""Draws that a process does at a time."""


class Verdict(NamedTuple):
    """The outcome of one case, and what is wrong with it.

    Attributes:
        outcome: what happened, in a word or two that can be counted (``"accepted"``).
        fault: ``None``, or what is wrong. What stands before its first colon is the same for all cases that are wrong alike.
    """

    outcome: str
    fault: str | None = None

    @property
    def sort(self) -> str:
        """The fault without its details."""
        return (self.fault or "").partition(":")[0]


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


class Plant(NamedTuple):
    """A mistake that can be made on purpose.

    Attributes:
        kind: name of the kind that must find it.
        owner: the module or class with what is replaced: ``"rnndims.config:RNNConfig"``.
        name: what is replaced in it.
        change: makes what replaces it.
    """

    kind: str
    owner: str
    name: str
    change: Callable[[Any], Any]

    def planted(self) -> AbstractContextManager[Any]:
        """The mistake is made inside."""
        owner = resolve_name(self.owner)
        return mock.patch.object(owner, self.name, self.change(vars(owner)[self.name]))


class Unsuitable(Exception):  # noqa: N818 - no error: nothing is said of such a case
    """A case that makes no sense, as it may after a part of it was left out."""


class Found(NamedTuple):
    """One sort of fault: how often it was found, its smallest case, and what is wrong there."""

    times: int
    case: Case
    fault: str


@dataclass
class Tally:
    """What came of the draws of one kind."""

    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        """How many draws were at fault."""
        return sum(found.times for found in self.found.values())

    def add(self, other: "Tally") -> None:
        """Count what another part of the draws gave."""
        self.seconds += other.seconds
        self.outcomes += other.outcomes
        for sort, found in other.found.items():
            known = self.found.get(sort, found._replace(times=0))
            best = min(known, found, key=lambda each: len(repr(each.case)))
            self.found[sort] = best._replace(times=known.times + found.times)


def judged(kind: Kind, case: Case) -> Verdict:
    """The verdict on a case; an error that ``kind.judge`` lets through is a fault."""
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
    elif isinstance(value, list):
        for at in range(len(value)):
            yield [*value[:at], *value[at + 1 :]]
        for at, part in enumerate(value):
            for less in smaller(part):
                yield [*value[:at], less, *value[at + 1 :]]
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
            yield value[:at] + value[at + tenth :]  # type: ignore[operator]


def shrink(kind: Kind, case: Case, verdict: Verdict, seconds: float) -> Found:
    """The smallest case that is wrong in the same way, as far as it is found in this time."""
    end = time.monotonic() + seconds
    seen = {repr(case)}
    candidates = smaller(case)
    while (less := next(candidates, None)) is not None and time.monotonic() < end:
        if repr(less) in seen:
            continue
        seen.add(repr(less))
        again = judged(kind, less)
        if again.fault and again.sort == verdict.sort:
            case, verdict, candidates = less, again, smaller(less)
    return Found(1, case, verdict.fault or "")


def run_part(kind: Kind, seed: int, numbers: range, *, patience: float = 5.0) -> Tally:
    """Draw and judge the cases with these numbers; the first of each sort of fault is made smaller for ``patience`` seconds."""
    tally = Tally()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in numbers:
            case = kind.draw(random.Random(f"{seed} {kind.name} {number}"))
            verdict = judged(kind, case)
            tally.outcomes[verdict.outcome] += 1
            if verdict.fault is not None:
                known = tally.found.get(verdict.sort)
                tally.found[verdict.sort] = (
                    known._replace(times=known.times + 1) if known else shrink(kind, case, verdict, patience)
                )
    tally.seconds = time.perf_counter() - start
    return tally


_KINDS: dict[str, Kind] = {}
"""The kinds of this run, for the processes that are forked from this one: functions cannot be sent to them."""


def _work(part: tuple[str, int, range]) -> tuple[str, Tally]:
    name, seed, numbers = part
    return name, run_part(_KINDS[name], seed, numbers)


def hunt(kinds: Sequence[Kind], count: int, *, seed: int, jobs: int, setup: Callable[[], None]) -> dict[str, Tally]:
    """Draw ``count`` cases of these kinds in ``jobs`` processes, in each of which ``setup`` is called first."""
    total = sum(kind.share for kind in kinds)
    wanted = {kind.name: max(1, round(count * kind.share / total)) for kind in kinds}
    parts = [
        (name, seed, range(start, min(start + CHUNK, number)))
        for name, number in wanted.items()
        for start in range(0, number, CHUNK)
    ]
    random.Random(seed).shuffle(parts)
    _KINDS.update({kind.name: kind for kind in kinds})
    tallies = {kind.name: Tally() for kind in kinds}
    # Unlike multiprocessing.Pool, an executor does not wait for ever if a process is ended by a fault in C++ code.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), setup) as pool:
        for done in as_completed([pool.submit(_work, part) for part in parts]):
            name, tally = done.result()
            tallies[name].add(tally)
    return tallies


def report(tallies: dict[str, Tally], seconds: float) -> str:
    """Counts by kind, and the smallest case of each sort of fault."""
    lines = [f"{'kind':<12} {'draws':>9} {'per second':>11} {'faults':>7}   outcomes"]
    for name, tally in tallies.items():
        drawn = tally.outcomes.total()
        outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in tally.outcomes.most_common(8))
        lines.append(f"{name:<12} {drawn:>9,} {drawn / tally.seconds:>11,.0f} {tally.faults:>7,}   {outcomes}")
    drawn, faults = sum(tally.outcomes.total() for tally in tallies.values()), sum(tally.faults for tally in tallies.values())
    lines.append(f"{'together':<12} {drawn:>9,} {drawn / seconds:>11,.0f} {faults:>7,}   in {seconds:.0f} s")
    for name, tally in tallies.items():
        for found in sorted(tally.found.values(), key=lambda each: -each.times):
            lines += ["", f"{name}, {found.times:,} times: {found.fault}", f"    {found.case!r}"]
    return "\n".join(lines)


def main(doc: str, kinds: Sequence[Kind], plants: dict[str, Plant], setup: Callable[[], None]) -> int:
    """Draw, judge and print as the command line says; the exit code is 1 if there are faults."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", metavar="N", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", metavar="KIND", nargs="+", choices=[kind.name for kind in kinds], help="only these kinds")
    parser.add_argument("--plant", metavar="NAME", choices=plants, help="make one mistake on purpose: " + ", ".join(plants))
    options = parser.parse_args()
    chosen = [kind for kind in kinds if options.only is None or kind.name in options.only]
    start = time.monotonic()
    with plants[options.plant].planted() if options.plant else nullcontext():
        tallies = hunt(chosen, options.draws, seed=options.seed, jobs=options.jobs, setup=setup)
    print(report(tallies, time.monotonic() - start))
    return 1 if any(tally.faults for tally in tallies.values()) else 0
