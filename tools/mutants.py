"""Makes one small mistake after another in a source file, and prints those that its tests do not notice.

    python tools/mutants.py FILE TEST... [--sample N] [--seed 0] [--jobs 2]

A mistake is another operator or comparison, a number one off, ``and`` for ``or``, a condition turned around. Each is tried
in a copy of the source: the file on disk is never changed. The exit code is 1 if a mistake survives.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

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
                    setattr(parent, field, replacement)
                    change = f"{ast.unparse(node)}  ->  {ast.unparse(other)}"
                    yield Mutant(node.lineno, change, ast.unparse(ast.fix_missing_locations(tree)))
                    setattr(parent, field, value)


def survives(mutant: Mutant, file: Path, tests: list[str]) -> bool:
    """Whether all tests pass in spite of the mistake; a test that does not end has noticed it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "src")
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        (source / file.resolve().relative_to(ROOT / "src")).write_text(mutant.source)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_MAX_EXAMPLES": "20"}
        try:
            return (
                subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=300, check=False).returncode
                == 0
            )
        except subprocess.TimeoutExpired:
            return False


def main() -> int:
    """Draw, try, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", metavar="N", type=int, help="try only N of the mistakes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    every = list(mutants(options.file.read_text()))
    chosen = random.Random(options.seed).sample(every, min(options.sample or len(every), len(every)))
    with ThreadPoolExecutor(options.jobs) as pool:
        alive = list(pool.map(lambda mutant: survives(mutant, options.file, options.tests), chosen))
    for mutant, lives in sorted(zip(chosen, alive, strict=True)):
        if lives:
            print(f"{options.file}:{mutant.line}: {mutant.change}")
    print(f"{options.file}: {len(chosen) - sum(alive)} of {len(chosen)} mistakes are noticed, of {len(every)} that can be made")
    return 1 if any(alive) else 0


if __name__ == "__main__":
    sys.exit(main())
