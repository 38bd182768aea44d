"""``%load_ext rnndims``: cells of IPython and of a notebook that fail are explained, and all else stays as it was."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SHELL = """
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="NoColor")
outputs = []
for cell in json.load(sys.stdin):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        shell.run_cell(cell, store_history=True)
    outputs.append(output.getvalue())
json.dump(outputs, sys.stdout)
"""
NOTEBOOK = """
import json, sys
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in json.load(sys.stdin)])
try:
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
except CellExecutionError:
    pass
json.dump(notebook.cells[-1].outputs, sys.stdout)
"""
FIRST = "import torch\nrnn, x = torch.nn.GRU(3, 4), torch.zeros(5, 2, 8)"
NOTE = """\
RuntimeError: input.size(-1) must be equal to input_size. Expected 3, got 8
rnndims: {place}: rnn(x)
✗ input dim 2   expected (5, 2, 3)   got (5, 2, 8)   input_feature_mismatch
  The last dim of input is 8, and input_size is 3.
  torch: "input.size(-1) must be equal to input_size. Expected 3, got 8"
  fix: rnn = nn.GRU(8, 4)
  Or give x 3 features.
"""


def run(folder: Path, program: str, *cells: str) -> Any:
    """What a program prints that is given the cells, as JSON both."""
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), "PYTHONUTF8": "1"}
    command, given = [sys.executable, "-c", program], json.dumps(cells).encode()
    done = subprocess.run(command, cwd=folder, env=environment, input=given, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_cells(folder: Path, *cells: str) -> list[str]:
    """What each cell shows in a new shell of IPython, where the module ``rnn`` and a wrong input ``x`` for it are defined."""
    first, *others = run(folder, SHELL, FIRST, *cells)
    assert first == ""
    return others


def test_cells_are_explained_while_the_extension_is_loaded(tmp_path):
    """Each way in which IPython shows an exception has the note, once, with the name of the cell; and none after unloading."""
    (tmp_path / "script.py").write_text(f"{FIRST}\nrnn(x)\n", encoding="utf-8")
    modes = [f"%xmode {mode}\nrnn(x)" for mode in ("Plain", "Context", "Verbose", "Minimal")]
    before, loaded, *shown, script, awaited, elsewhere, unloaded, after = run_cells(
        tmp_path,
        "rnn(x)",
        "%load_ext rnndims",
        *modes,
        "%run script.py",
        "import asyncio\nawait asyncio.sleep(0)\nrnn(x)",
        "1 / 0",
        "%unload_ext rnndims",
        "rnn(x)",
    )
    assert (loaded, unloaded) == ("", "")
    for number, text in enumerate(shown, 4):
        assert NOTE.format(place=f"Cell In[{number}], line 2") in text
        assert text.count("input_feature_mismatch") == 1
    assert NOTE.format(place="script.py:3") in script
    assert NOTE.format(place="Cell In[9], line 3") in awaited
    for text in (before, elsewhere, after):
        assert text
        assert "rnndims:" not in text


HANDLER = """
def handler(shell, kind, error, traceback, tb_offset=None):
    print("handled", kind.__name__)
get_ipython().set_custom_exc((ValueError,), handler)
"""


def test_other_extensions_stay(tmp_path):
    """A handler of the user's is called before, during and after; what another extension puts over ours stays there."""
    over = """
shell = get_ipython()
ours = shell.showtraceback
shell.showtraceback = lambda *args, **kwargs: (print("over"), ours(*args, **kwargs))
"""
    value = "raise ValueError"
    end = "%unload_ext rnndims"
    results = run_cells(
        tmp_path, HANDLER, "%load_ext rnndims", value, over, "rnn(x)", end, value, "rnn(x)", "%load_ext rnndims", "rnn(x)"
    )
    assert [text for text in results if text.startswith("handled")] == ["handled ValueError\n"] * 2
    loaded, unloaded, again = results[4], results[7], results[9]
    assert [text.startswith("over\n") for text in (loaded, unloaded, again)] == [True] * 3
    assert [text.count("input_feature_mismatch") for text in (loaded, unloaded, again)] == [1, 0, 1]


def test_explain_works_in_a_cell(tmp_path):
    """``rnndims.explain()`` in a cell is for all cells, and a block in a cell for that cell; both together say it once."""
    block = "import rnndims\nwith rnndims.explain():\n    rnn(x)"
    in_block, outside, quiet, *explained, shown = run_cells(
        tmp_path, block, "rnn(x)", "rnndims.explain();", "rnn(x)", block, "%load_ext rnndims", "rnn(x)", "rnndims.explain()"
    )
    counts = [text.count("input_feature_mismatch") for text in (in_block, outside, *explained)]
    assert (quiet, counts) == ("", [1, 0, 1, 1, 0, 1])
    assert shown == "Out[9]: rnndims explains exceptions from now on\n"


def test_a_notebook_is_explained(tmp_path):
    """A real notebook, run by a real kernel, keeps the explanation in the output of the cell that fails."""
    for name in ("nbclient", "ipykernel"):
        if find_spec(name) is None:
            assert os.environ.get("RNNDIMS_NEED_TOOLS") != "1", f"{name} is missing"
            pytest.skip(f"{name} is not installed")
    (output,) = run(tmp_path, NOTEBOOK, "%load_ext rnndims", FIRST, "rnn(x)")
    assert (output["output_type"], output["ename"]) == ("error", "RuntimeError")
    assert "".join(output["traceback"]).endswith(NOTE.format(place="Cell In[3], line 1").partition("\n")[2].rstrip())
