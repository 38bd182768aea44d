"""The rules of the house: who may import whom, what stays unloaded, where a thing is found."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "rnndims"
TESTS = Path(__file__).parent
ORDER = [
    "errors",
    "output_file",
    "dtypes",
    "weight_names",
    "file_types",
    "phrases",
    "cells",
    "config",
    "shapes",
    "cost",
    "results",
    "equations",
    "reasons",
    "pasted",
    "constructor",
    "measurements",
    "axes",
    "checkpoint",
    "diagnose",
    "diagrams",
    "script",
    "request",
    "model_request",
    "file_request",
    "torch_runner",
    "live",
    "crashes",
    "render",
    "drawing",
    "hooks",
    "shown",
    "api",
    "cli",
    "__main__",
]
"""The parts of the house, from the ground up: each may import those before it, and none behind it."""

APART = ({"torch_runner", "render"}, {"torch_runner", "drawing"})
"""Parts that never import each other, whatever their order."""

HEAVY = {"torch", "numpy", "rich", "typer", "pydantic", "safetensors"}


def imports_of(source: str, package: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Absolute names of all modules that a file of ``package`` imports, and whether each is imported at the top level."""
    tree = ast.parse(source)
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    nested = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    imports = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            imports += [(alias.name, id(node) not in nested) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
            imports += [(name if name in MODULES else module, id(node) not in nested) for name in names]
    return imports


FILES = sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    """``rnndims.render.style`` for its file; a package's ``__init__`` has the package's name."""
    parts = ("rnndims", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def package_of(path: Path) -> tuple[str, ...]:
    return ("rnndims", *path.relative_to(SOURCE).parent.parts)


def part(name: str) -> str:
    """The part of the house a module belongs to: ``rnndims.render.style`` -> ``render``; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def upward_imports(source: str, path: Path) -> list[str]:
    """Imports of a file that do not run downwards."""
    own = part(module_name(path))
    wrong = []
    for name, _ in imports_of(source, package_of(path)):
        other = part(name)
        if not name.startswith("rnndims") or not own or other in ("", own):
            continue
        if ORDER.index(other) > ORDER.index(own) or {own, other} in APART:
            wrong.append(name)
    return wrong


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one cycle, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def import_graph() -> dict[str, set[str]]:
    """Every module and those of the package that it imports, also inside functions."""
    graph = {}
    for name, path in MODULES.items():
        imports = {other for other, _ in imports_of(path.read_text(encoding="utf-8"), package_of(path)) if other in MODULES}
        graph[name] = imports - {name, "rnndims"}
    return graph


def test_the_order_names_every_part():
    """Each file and each package directly below rnndims is one part of the order, and nothing else is."""
    assert sorted({part(name) for name in MODULES} - {""}) == sorted(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_downwards(path):
    """No file imports from a part above its own, and neither render nor drawing and torch_runner import each other."""
    assert upward_imports(path.read_text(encoding="utf-8"), path) == []


def test_there_is_no_cycle():
    """No module imports itself through others, inside one part either, and imports inside functions count."""
    assert cycle(import_graph()) == []


def test_the_import_tests_see_what_they_should():
    """An upward import, also inside a function, is found, and so is a cycle; an import for type checkers alone is not."""
    path = SOURCE / "shapes.py"
    assert upward_imports("from .results import Dims", path) == ["rnndims.results"]
    assert upward_imports("def f():\n    from .cli.app import run", path) == ["rnndims.cli.app"]
    assert upward_imports("from ..torch_runner import run", SOURCE / "render" / "style.py") == ["rnndims.torch_runner"]
    assert upward_imports("if TYPE_CHECKING:\n    from .results import Dims", path) == []
    assert cycle({**import_graph(), "rnndims.errors": {"rnndims.config"}}) != []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_runner_imports_torch(path):
    """Torch is named in an import nowhere but in torch_runner, and there at no module's top level."""
    for name, at_top in imports_of(path.read_text(encoding="utf-8"), package_of(path)):
        if name.split(".")[0] == "torch":
            assert "torch_runner" in path.parts
            assert not at_top


def test_a_file_name_is_there_once():
    """No two files of the package have the same name, and no package lies deeper than one below rnndims."""
    names = [path.name for path in FILES if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names))
    assert [path for path in FILES if len(path.relative_to(SOURCE).parts) > 2] == []


GLYPHS = set("✓✗→←↑↓⋯…│─┌┐└┘├┤┬┴┼═║•·×σ⊙ᵀ▲▼◀▶●○■□")


def glyphs_in(source: str) -> list[str]:
    """The strings of a file, docstrings aside, that have a glyph in them."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [node.value for node in strings if id(node) not in docstrings and GLYPHS & set(node.value)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_glyphs_are_written_by_renderers_alone(path):
    """A sign that a terminal may not be able to show stands in render and drawing alone; parsers of pasted text read them."""
    if part(module_name(path)) not in ("render", "drawing", "diagnose"):
        assert glyphs_in(path.read_text(encoding="utf-8")) == []


KNOW_THE_CELLS = ("cells", "checkpoint", "pasted", "constructor", "diagnose", "cli")
"""Parts that name a cell: its definition, and whatever reads texts and files of others or offers a choice."""


def compares_the_cell(source: str) -> list[str]:
    """Comparisons with a cell's name, and dicts with such names as keys."""
    names = {"rnn", "lstm", "gru"}
    comparisons = []
    for node in ast.walk(ast.parse(source)):
        parts = (
            [*node.comparators, node.left] if isinstance(node, ast.Compare) else node.keys if isinstance(node, ast.Dict) else []
        )
        texts = {child.value for part in parts if part for child in ast.walk(part) if isinstance(child, ast.Constant)}
        if names & texts:
            comparisons.append(ast.unparse(node))
    return comparisons


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_but_the_definition_knows_the_cells(path):
    """What is worked out, drawn or run asks the cell's definition, and never which of the cells it is."""
    if part(module_name(path)) not in KNOW_THE_CELLS:
        assert compares_the_cell(path.read_text(encoding="utf-8")) == []


def test_the_comparison_test_sees_what_it_should():
    """A comparison with a cell's name and a table with one entry for each cell are found; a word in a text is not."""
    assert compares_the_cell('if config.cell == "lstm": pass') == ["config.cell == 'lstm'"]
    assert compares_the_cell('a = {"rnn": 0, "gru": 3}[cell]') != []
    assert compares_the_cell('if kind in ("rnn", "gru"): pass') != []
    assert compares_the_cell('text = "an lstm"; b = {"weight": 1}') == []


def loaded_by(code: str, forbidden: set[str]) -> set[str]:
    """Which of the forbidden packages a fresh interpreter has loaded after running ``code``."""
    script = f"import sys\nsys.stdout = open({'NUL' if sys.platform == 'win32' else '/dev/null'!r}, 'w')\n{code}\n"
    script += f"sys.stderr.write(' '.join({forbidden!r} & {{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import rnndims.output_file", set()),
        ("import rnndims; rnndims.dims(rnndims.RNNConfig('lstm', 3, 4))", set()),
        ("from rnndims.cli.app import run; assert run(['dims', '--json']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims', '-b', 'nn.LSTM(3, 4)', '--json']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['--help']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['--version']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims', '--help']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims']) == 0", {"typer", "rich"}),
    ],
)
def test_nothing_heavy_is_loaded(code, allowed):
    """Each of these loads none of the heavy packages but those it needs."""
    assert loaded_by(code, HEAVY) <= allowed


def test_importing_every_module_loads_nothing_heavy():
    """No module outside cli, render and drawing imports a heavy package at its top level."""
    names = [name for name in MODULES if part(name) not in ("cli", "render", "drawing", "__main__")]
    assert loaded_by("import " + ", ".join(names), HEAVY) == set()


def test_the_loading_test_sees_what_it_should():
    """A heavy package that is loaded is reported."""
    assert loaded_by("import rich", HEAVY) == {"rich"}


def test_every_command_is_a_file_of_its_name():
    """The name of a command leads to its file and to its test file."""
    from rnndims.cli.app import COMMANDS

    for name, (module, text) in COMMANDS.items():
        assert module == name.replace("-", "_")
        assert (SOURCE / "cli" / f"{module}.py").is_file()
        assert (TESTS / f"test_{module}.py").is_file()
        assert text.endswith(".")


WHOLE_PROJECT = {"test_agreement", "test_architecture", "test_docs", "test_docstrings", "test_fuzz", "test_mutants"}


def test_a_test_file_is_named_after_what_it_tests():
    """Each test file begins with the name of a module, a package or a command; the others are about the project as a whole."""
    names = {name.rpartition(".")[2] for name in MODULES}
    for path in sorted(TESTS.glob("test_*.py")):
        words = path.stem.removeprefix("test_").split("_")
        beginnings = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
        assert beginnings & names or path.stem in WHOLE_PROJECT, path.name


def test_every_package_has_a_test_file():
    """The name of a package leads to its tests; pasted code is tested through the constructor it is read for,
    and a command or hook has a file of its own.
    """
    packages = {name.split(".")[1] for name, path in MODULES.items() if path.name == "__init__.py" and "." in name}
    tested = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    for package in packages - {"pasted", "cli", "hooks"}:
        assert any(name == package or name.startswith(f"{package}_") for name in tested), package
