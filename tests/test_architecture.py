"""The rules of the house: who may import whom, what stays unloaded, how large a file may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "rnndims"
LAYERS = [
    ("errors", "dtypes", "weight_names", "file_types", "phrases"),
    ("rules",),
    ("config",),
    ("shapes", "cost"),
    ("constructor", "pasted", "checkpoint", "diagnose", "explain", "equations", "diagram", "script", "axes"),
    ("results", "measurements"),
    ("render", "torch_runner"),
    ("cli",),
    ("__main__",),
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
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
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in nested) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module] if node.module else [f"{module}.{alias.name}" for alias in node.names]
            found += [(name, id(node) not in nested) for name in names]
    return found


def package_of(path: Path) -> tuple[str, ...]:
    return ("rnndims", *path.relative_to(SOURCE).parent.parts)


def unit(name: str) -> str:
    """The part of the house a module belongs to: ``rnndims.render.json`` -> ``render``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


FILES = sorted(SOURCE.rglob("*.py"))


def upward_imports(source: str, path: Path) -> list[str]:
    """Imports of a file that do not run downwards."""
    own = unit(".".join([*package_of(path), path.stem]))
    if own == "__init__":
        return []
    wrong = []
    for name, _ in imports_of(source, package_of(path)):
        other = unit(name)
        if not name.startswith("rnndims") or other in ("", "__version__", own):
            continue
        if LEVEL[other] > LEVEL[own] or {own, other} == {"render", "torch_runner"}:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_downwards(path):
    """No file imports from a layer above its own, and render and torch_runner never import each other."""
    assert upward_imports(path.read_text(encoding="utf-8"), path) == []


def test_the_import_test_sees_what_it_should():
    """An upward import, also inside a function, is found; one for type checkers alone is not."""
    path = SOURCE / "shapes.py"
    assert upward_imports("from .results import Dims", path) == ["rnndims.results"]
    assert upward_imports("def f():\n    from .cli.app import run", path) == ["rnndims.cli.app"]
    assert upward_imports("from ..torch_runner import run", SOURCE / "render" / "json.py") == ["rnndims.torch_runner"]
    assert upward_imports("if TYPE_CHECKING:\n    from .results import Dims", path) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_runner_imports_torch(path):
    """Torch is named in an import nowhere but in torch_runner, and there at no module's top level."""
    for name, at_top in imports_of(path.read_text(encoding="utf-8"), package_of(path)):
        if name.split(".")[0] == "torch":
            assert "torch_runner" in path.parts
            assert not at_top


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_fits_in_a_head(path):
    """No file is much longer than 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330


def loaded_by(code: str, forbidden: set[str]) -> set[str]:
    """Which of the forbidden packages a fresh interpreter has loaded after running ``code``."""
    script = f"import sys\nsys.stdout = open({'NUL' if sys.platform == 'win32' else '/dev/null'!r}, 'w')\n{code}\n"
    script += f"sys.stderr.write(' '.join({forbidden!r} & {{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import rnndims; rnndims.dims(rnndims.RNNConfig('lstm', 3, 4))", set()),
        ("from rnndims.cli.app import run; assert run(['dims', '--json']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims', '-b', 'nn.LSTM(3, 4)', '--json']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['--help']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['--version']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims', '--help']) == 0", {"typer"}),
        ("from rnndims.cli.app import run; assert run(['dims']) == 0", {"typer", "rich"}),
        ("import rnndims.torch_runner, rnndims.render.json", set()),
    ],
)
def test_nothing_heavy_is_loaded(code, allowed):
    """Each of these loads none of the heavy packages but those it needs."""
    assert loaded_by(code, HEAVY) <= allowed


def test_the_loading_test_sees_what_it_should():
    """A heavy package that is loaded is reported."""
    assert loaded_by("import rich", HEAVY) == {"rich"}


def test_every_command_is_a_file_of_its_name():
    """The name of a command leads to its file and to its test file."""
    from rnndims.cli.app import COMMANDS

    for name, (module, text) in COMMANDS.items():
        assert module == name.replace("-", "_")
        assert (SOURCE / "cli" / f"{module}.py").is_file()
        assert text.endswith(".")
