"""Makes one small mistake after another in a source file, and prints those that its tests do not notice.

    python tools/mutants.py src/rnndims/cost.py tests/test_shapes.py... [--lines 25,57] [--sample N] [--jobs 2]

A mistake is another operator or comparison, a number one off, ``and`` for ``or``, a condition turned around. Each is tried
in a copy of the source: the file on disk is never changed. A process that has imported what is slow, and nothing of the
source, is forked for each, so a mistake costs what its tests cost; where there is no fork a new process is started. Tests
that have noticed a mistake run first. The exit code is 1 if a mistake survives, 2 if the tests fail without one.
"""

import argparse
import ast
import compileall
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

HEAVY = ["numpy", "pytest", "torch"]
"""What tests import and a mistake does not change: imported once."""

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class Mutant(NamedTuple):
    """One mistake: where it is, what it changes, and the whole source with it."""

    line: int
    change: str
    source: str


def mutated(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that could stand in place of ``node`` by mistake."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield type(node)(**{**vars(node), "op": SWAPS[type(node.op)]()})
    elif isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            if type(operator) in SWAPS:
                ops = [*node.ops[:at], SWAPS[type(operator)](), *node.ops[at + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)  # type: ignore[arg-type]
    elif isinstance(node, ast.Constant) and type(node.value) in (bool, int):
        yield ast.Constant(not node.value if type(node.value) is bool else node.value + 1)  # type: ignore[operator]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)


def mutants(source: str) -> Iterator[Mutant]:
    """Every mistake that can be made in a source; annotations and assertions are left alone."""
    tree = ast.parse(source)
    for parent in ast.walk(tree):
        for field, value in list(ast.iter_fields(parent)):
            if field in ("annotation", "returns", "decorator_list"):
                continue
            for at, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.expr):
                    continue
                for other in mutated(node):
                    replacement = [*value[:at], other, *value[at + 1 :]] if isinstance(value, list) else other
                    shown = parent if isinstance(node, ast.Constant) and isinstance(parent, ast.expr) else None
                    before = ast.unparse(shown or node)  # a number is told by what it is in
                    setattr(parent, field, replacement)
                    change = f"{before}  ->  {ast.unparse(shown or other)}"
                    yield Mutant(node.lineno, change, ast.unparse(ast.fix_missing_locations(tree)))
                    setattr(parent, field, value)


class Noticing:
    """A plugin of pytest that runs the tests first which noticed most so far, and writes down the test that fails."""

    def __init__(self, noticed: Counter[str], report: Path) -> None:
        self.noticed, self.report = noticed, report

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Sort the tests; equals stay in the order of the files."""
        items.sort(key=lambda item: -self.noticed[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write down the name of a test that fails."""
        if report.failed:
            self.report.write_text(report.nodeid, encoding="utf-8")


def run_tests(root: Path, tests: list[str], folder: Path, noticed: Counter[str]) -> None:
    """Run the tests on the source in ``folder/src``; this process ends with pytest's exit code."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that what the tests start can be ended with them
    os.chdir(root)
    sys.path.insert(0, str(folder / "src"))
    os.environ.update(PYTHONPATH=str(folder / "src"), HYPOTHESIS_STORAGE_DIRECTORY=str(folder), OMP_NUM_THREADS="1")
    log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import pytest

    options = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    code = pytest.main([*options, *tests], plugins=[Noticing(noticed, folder / "noticed")])
    sys.stdout.flush()
    os._exit(code)  # a thread that does not end notices nothing


class Bench:
    """Where the mistakes of one file are tried: the tests, run on one copy of the source after another."""

    def __init__(self, file: Path, tests: list[str]) -> None:
        self.source = next(folder for folder in file.resolve().parents if folder.name == "src")
        self.name, self.tests = file.resolve().relative_to(self.source), tests
        self.limit: float | None = None
        self.noticed: Counter[str] = Counter()
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        self.processes: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self.processes.set_forkserver_preload(HEAVY)

    def fails(self, source: str, folder: Path) -> bool:
        """Whether a test fails with this source in place of the file; one that does not end has failed."""
        file = folder / "src" / self.name
        file.write_text(source, encoding="utf-8")
        Path(cache_from_source(file)).unlink(missing_ok=True)  # it may be of the same second and size, and then it counts
        process = self.processes.Process(target=run_tests, args=(self.source.parent, self.tests, folder, self.noticed))
        process.start()
        process.join(self.limit)
        if process.exitcode is None:
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            process.join()
        elif process.exitcode and (folder / "noticed").exists():
            self.noticed[(folder / "noticed").read_text(encoding="utf-8")] += 1
        return bool(process.exitcode)

    def survives(self, mutant: Mutant, clean: Path) -> bool:
        """Whether all tests pass in spite of the mistake; ``clean`` has the source without it, and its bytecode."""
        with tempfile.TemporaryDirectory() as name:
            shutil.copytree(clean, Path(name, "src"))
            lives = not self.fails(mutant.source, Path(name))
        if lives:
            print(f"{self.name}:{mutant.line}: {mutant.change}", flush=True)
        return lives

    def survivors(self, chosen: list[Mutant], jobs: int) -> int:
        """How many mistakes no test notices; each is printed.

        Raises:
            SystemExit: with code 2, if a test fails without a mistake.
        """
        with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
            clean = Path(name, "src")
            shutil.copytree(self.source, clean, ignore=shutil.ignore_patterns("__pycache__"))
            compileall.compile_dir(clean, quiet=1)
            start = time.monotonic()
            if self.fails(ast.unparse(ast.parse((clean / self.name).read_text(encoding="utf-8"))), Path(name)):
                print((Path(name) / "log").read_text(encoding="utf-8"), file=sys.stderr)
                raise SystemExit(2)
            self.limit = 10 + 5 * (time.monotonic() - start)
            return sum(pool.map(lambda mutant: self.survives(mutant, clean), chosen))


def main() -> int:
    """Draw, try, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--lines", help="try only the mistakes in these lines: 25,57")
    parser.add_argument("--sample", metavar="N", type=int, help="try only N of the mistakes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    every = list(mutants(options.file.read_text(encoding="utf-8")))
    if options.lines:
        lines = set(map(int, options.lines.split(",")))
        every = [mutant for mutant in every if mutant.line in lines]
    chosen = random.Random(options.seed).sample(every, min(options.sample or len(every), len(every)))
    alive = Bench(options.file, options.tests).survivors(chosen, options.jobs)
    print(f"{options.file}: {len(chosen) - alive} of {len(chosen)} mistakes are noticed, of {len(every)} that can be made")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
