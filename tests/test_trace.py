"""``rnndims trace``, as a process: the program runs as under python, and the report says what its RNNs did."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from rnndims.crashes.crash import _users_fix
from rnndims.live.user_code import find_call, renamed


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


def start(command: list[str], folder: Path, given: str = "") -> Ended:
    """Run a command to its end in ``folder``, at 100 columns."""
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        command, cwd=folder, input=given, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def python(folder: Path, *args: str, given: str = "") -> Ended:
    """``python ARGS``."""
    return start([sys.executable, *args], folder, given)


def trace(folder: Path, *args: str, given: str = "") -> Ended:
    """``rnndims trace ARGS``."""
    return start([sys.executable, "-m", "rnndims", "trace", *args], folder, given)


def write(folder: Path, name: str, code: str) -> str:
    """Write a program and return its name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return name


QUIET_PROGRAMS = {
    "a program that reads its arguments": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--layers", type=int)
        print(parser.parse_args().layers)
        """,
    "what a program sees of itself": """
        import sys
        print(__name__, __file__, __spec__, __package__, sorted(globals()), type(__loader__).__name__)
        print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
        import gc, pickle
        class Point: pass
        print(gc.isenabled(), type(pickle.loads(pickle.dumps(Point()))) is Point)
        """,
    "standard input": "print(input().upper())",
    "an exception": """
        def deeper():
            raise ValueError("no")
        try:
            deeper()
        except ValueError as error:
            raise KeyError("outer") from error
        """,
    "a syntax error": "x = (",
    "a text as exit code": "raise SystemExit('bye')",
    "a number as exit code": "import sys; sys.exit(7)",
    "no exit code": "import sys; sys.exit()",
    "os._exit": "import os; print('gone', flush=True); os._exit(5)",
    "Ctrl-C": "raise KeyboardInterrupt",
    "a hook of its own": """
        import sys
        sys.excepthook = lambda kind, error, traceback: print("hook", kind.__name__, traceback.tb_lineno)
        1 / 0
        """,
    "a hook that fails": """
        import sys
        def hook(*_):
            raise RuntimeError("in the hook")
        sys.excepthook = hook
        1 / 0
        """,
    "atexit and threads": """
        import atexit, threading, time
        atexit.register(print, "atexit")
        threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
        print("main")
        """,
    "a child of multiprocessing": """
        import multiprocessing
        def double(x):
            return 2 * x
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
        """,
    "streams of its own": """
        import io, sys
        sys.stderr = io.StringIO()
        sys.stdout.close()
        """,
    "a module of the user's with a name of the standard library": "import random; print(random.OWN)",
    "a thread that is left running": """
        import threading, time
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        print("main")
        """,
    "a thread that fails, and a hook for it": """
        import threading
        threading.excepthook = lambda args: print("hook", args.exc_type.__name__)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        """,
    "an exception of no class that others catch": "class Own(BaseException): pass\nraise Own('b')",
    "an async program": """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            raise ValueError("in a task")
        asyncio.run(main())
        """,
    "tests of unittest": """
        import sys, unittest
        class Case(unittest.TestCase):
            def test_sum(self):
                self.assertEqual(1 + 1, 2)
        unittest.main(argv=sys.argv[:1], testRunner=unittest.TextTestRunner(stream=open("log", "w")))
        """,
    "atexit functions that fail": "import atexit; atexit.register(int, 'x'); print('main')",
    "megabytes": "print('y' * 99, *['z' * 99] * 30_000, sep='\\n')",
    "a standard output that is closed": "import os; os.close(1); print('lost')",
    "a file of Latin-1": "# -*- coding: latin-1 -*-\nprint(len('e'))",
}
POSIX_PROGRAMS = {
    "a child that ends by itself": """
        import os
        pid = os.fork()
        if pid == 0:
            print("child", flush=True)
            os._exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
    "a child that ends as a program does": """
        import os, sys
        pid = os.fork()
        if pid == 0:
            sys.exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
    "a child that fails": """
        import os
        pid = os.fork()
        if pid == 0:
            1 / 0
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
    "SIGTERM": "import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "SIGTERM with a handler": """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        """,
}
if os.name != "nt":
    QUIET_PROGRAMS |= POSIX_PROGRAMS


@pytest.mark.parametrize("kind", QUIET_PROGRAMS)
def test_a_program_without_torch_runs_as_under_python(kind, tmp_path):
    """Output, exit code and traceback are those of python; the report stands below."""
    write(tmp_path, "random.py", "OWN = 'the file beside the program'")
    name = write(tmp_path, "program.py", QUIET_PROGRAMS[kind])
    plain = python(tmp_path, name, "--layers", "2", given="words\n")
    traced = trace(tmp_path, name, "--layers", "2", given="words\n")
    assert (traced.code, traced.out) == (plain.code, plain.out)
    assert traced.err.startswith(plain.err)
    own = traced.err[len(plain.err) :]
    assert own in ("", "\nrnndims: this program does not import torch\n")


@pytest.mark.parametrize("kind", ["module", "package", "folder", "zip file", "optimised"])
def test_every_way_to_start_a_program(kind, tmp_path):
    """Modules, packages, folders and zip files with a ``__main__.py`` run as under python, with Python's own options too."""
    shown = "import sys; print(__name__, __package__, __file__, sys.argv, sys.path[0], __spec__ and __spec__.name, __debug__)"
    write(tmp_path, "tool/__init__.py", "")
    write(tmp_path, "tool/__main__.py", shown)
    write(tmp_path, "tool/inner.py", shown)
    with zipfile.ZipFile(tmp_path / "tool.zip", "w") as archive:
        archive.writestr("__main__.py", shown)
    args = {"module": ["-m", "tool.inner"], "package": ["-m", "tool"], "folder": ["tool"], "zip file": ["tool.zip"]}
    words = [*args.get(kind, ["tool/inner.py"]), "-x", "--quiet"]
    flags = ["-O"] if kind == "optimised" else []
    traced = start([sys.executable, *flags, "-m", "rnndims", "trace", *words], tmp_path)
    assert traced.out == python(tmp_path, *flags, *words).out
    assert traced.out


MODEL = """
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 4, batch_first=True, bidirectional=True)

        def forward(self, src):
            return self.rnn(src)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = Encoder()
            self.layers = nn.Sequential(nn.GRU(8, 5, batch_first=True))
            self.cell = nn.GRUCell(5, 6)

        def forward(self, src):
            output, _ = self.encoder(src)
            output, _ = self.layers(output)
            h = None
            for t in range(3):
                h = self.cell(output[:, t], h)
            return h

    torch.manual_seed(0)
    model = Model()
    total = sum(model(torch.randn(n, 7, 3)).sum() for n in (2, 5))
    model.encoder.rnn(input=pack_padded_sequence(torch.randn(3, 4, 3), torch.tensor([2, 4, 1]), True, enforce_sorted=False))
    total.backward()
    print(total.item().hex(), model.cell.weight_hh.grad.sum().item().hex(), torch.rand(1).item().hex())
    """


def test_the_report_has_every_call(tmp_path):
    """Name, place, shapes, lengths, parameters and MACs of each call are right, and the program's numbers are the same bits."""
    name = write(tmp_path, "model.py", MODEL)
    plain = python(tmp_path, name)
    traced = trace(tmp_path, "--report", "seen.json", "--quiet", name)
    assert (traced.code, traced.out, traced.err) == (0, plain.out, plain.err)
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert (seen["command"], seen["exit"], seen["problems"], seen["not_watched"]) == ("trace", 0, [], [])
    rows = [(c["name"], c["at"], c["times"], c["input"], c["output"], c["h_n"], c["lengths"]) for c in seen["calls"]]
    assert rows == [
        ("encoder.rnn", "model.py:12", 1, [2, 7, 3], [2, 7, 8], [2, 2, 4], None),
        ("encoder.rnn", "model.py:12", 1, [5, 7, 3], [5, 7, 8], [2, 5, 4], None),
        ("layers.0", "model.py:23", 1, [2, 7, 8], [2, 7, 5], [1, 2, 5], None),
        ("layers.0", "model.py:23", 1, [5, 7, 8], [5, 7, 5], [1, 5, 5], None),
        ("cell", "model.py:26", 1, [2, 5], None, [2, 6], None),
        ("cell", "model.py:26", 2, [2, 5], None, [2, 6], None),
        ("cell", "model.py:26", 1, [5, 5], None, [5, 6], None),
        ("cell", "model.py:26", 2, [5, 5], None, [5, 6], None),
        ("", "model.py:32", 1, [7, 3], [7, 8], [2, 3, 4], [2, 4, 1]),
    ]
    assert [call["h_0"] for call in seen["calls"][4:8]] == [None, [2, 6], None, [5, 6]]
    assert seen["calls"][0]["module"] == "nn.LSTM(3, 4, batch_first=True, bidirectional=True)"
    # LSTM: 2 directions of 16 rows of 3 + 4 weights and 2 biases; a step of a sequence costs 2 * 16 * (3 + 4) products.
    assert {(call["name"], call["parameters"], call["macs"]) for call in seen["calls"]} >= {
        ("encoder.rnn", 288, 14 * 224),
        ("encoder.rnn", 288, 35 * 224),
        ("cell", 234, 2 * 18 * 11),
        ("cell", 234, 2 * 2 * 18 * 11),
        ("", 288, 7 * 224),
    }


def test_the_table_fits_its_console(tmp_path):
    """The table merges calls of different shapes into ranges, and stands on standard error only."""
    name = write(tmp_path, "model.py", MODEL)
    traced = trace(tmp_path, name)
    assert "rnndims" not in traced.out
    assert "encoder.rnn  model.py:12  2      (2-5, 7, 3)  (2-5, 7, 8)  (2, 2-5, 4)\n" in traced.err
    assert "packed, lengths 1 to 4" in " ".join(traced.err.split())


CRASHES = {
    "features": (
        "rnn = nn.LSTM(3, 4, batch_first=True)",
        "output, _ = rnn(torch.randn(2, 5, 7))",
        "input_feature_mismatch",
        "rnn = nn.LSTM(7, 4, batch_first=True)",
    ),
    "an argument that is an expression": (
        "rnn, embed = nn.GRU(21, 4), nn.Linear(2, 3)",
        "output, _ = rnn(embed(torch.randn(2, 5, 7, 2)))",
        "input_ndim",
        "rnn(embed(torch.randn(2, 5, 7, 2)).flatten(2))",
    ),
    "a state": (
        "rnn, src, hidden = nn.GRU(3, 4, 2), torch.randn(5, 2, 3), torch.zeros(2, 3, 4)",
        "output, _ = rnn(src, hidden)",
        "hidden_batch_mismatch",
        None,
    ),
    "a bare state of an LSTM": (
        "rnn, src, hidden = nn.LSTM(3, 4), torch.randn(5, 2, 3), torch.zeros(1, 2, 4)",
        "output, _ = rnn(src, hx=hidden)",
        "lstm_tuple_expected",
        None,
    ),
    "a cell": (
        "step, word = nn.GRUCell(3, 4), torch.randn(2, 6)",
        "h = step(word)",
        "input_feature_mismatch",
        "step = nn.GRUCell(6, 4)",
    ),
}


@pytest.mark.parametrize("kind", CRASHES)
def test_a_call_that_fails_is_explained(kind, tmp_path):
    """The traceback is Python's own; below it stand the user's line, the cause by its real shapes, and a fix in its names."""
    before, line, cause, fix = CRASHES[kind]
    name = write(tmp_path, "crash.py", f"import torch\nfrom torch import nn\n{before}\n{line}\n")
    plain = python(tmp_path, name)
    traced = trace(tmp_path, "--report", "seen.json", name)
    assert (traced.code, traced.out) == (1, "")
    assert traced.err.startswith(plain.err)
    assert "rnndims: crash.py:4: " in traced.err
    (problem,) = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["problems"]
    assert (problem["at"], problem["cause"]) == ("crash.py:4", cause)
    if fix is not None:
        assert problem["fix"] == fix
    if problem["fix"] is not None:
        # what is printed works: the line fails no more with the fix before it, or in its place
        mended = problem["fix"] if "rnn(" in problem["fix"] else f"{problem['fix']}\n{line}"
        assert (
            python(tmp_path, write(tmp_path, "mended.py", f"import torch\nfrom torch import nn\n{before}\n{mended}\n")).code
            == 0
        )


def test_an_error_elsewhere_is_not_explained(tmp_path):
    """An exception that no RNN has to do with gets no word, and one that the program handles neither."""
    code = """
        import torch
        rnn = torch.nn.GRU(3, 4)
        try:
            rnn(torch.randn(2, 2, 5))
        except RuntimeError:
            rnn(torch.randn(2, 2, 3))
        torch.randn(2, 3) @ torch.randn(2, 3)
        """
    traced = trace(tmp_path, "--report", "seen.json", write(tmp_path, "other.py", code))
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert (traced.code, seen["problems"], [call["times"] for call in seen["calls"]]) == (1, [], [1])


def test_compiling_and_scripting_see_no_difference(tmp_path):
    """Scripted, traced and compiled modules are made as under python, with the same warnings; notes name what was not seen."""
    code = """
        import torch, copy, pickle
        from torch import nn, fx
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn, self.cell = nn.LSTM(3, 4), nn.GRUCell(4, 4)
            def forward(self, x):
                output, _ = self.rnn(x)
                return self.cell(output[-1])
        torch.manual_seed(0)
        model, x = Model(), torch.randn(5, 2, 3)
        for made in (torch.jit.script(model), torch.jit.trace(model, (x,)), fx.symbolic_trace(model),
                     torch.compile(model, backend="eager"), pickle.loads(pickle.dumps(copy.deepcopy(model)))):
            print(type(made).__name__, torch.equal(made(x), model(x)))
        print([node.op for node in fx.symbolic_trace(model).graph.nodes])
        """
    name = write(tmp_path, "compiled.py", code)
    plain, traced = python(tmp_path, name), trace(tmp_path, "--quiet", name)
    assert (traced.code, traced.out) == (0, plain.out)
    notes = " ".join(traced.err.removeprefix(plain.err).split())
    assert notes == (
        "note: Calls through torch.jit are not seen: Model has the RNN rnn. note: torch.compile was used: from then on the "
        "results of RNNs were not followed."
    )


OUT_OF_SIGHT = """
    import concurrent.futures, os, threading
    import torch
    from torch import nn
    torch.set_num_threads(1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(3, 4)

        def forward(self, x):
            output, _ = self.rnn(x)
            return output

    class StepError(Exception):
        pass

    net, x = Net(), torch.randn(2, 2, 3)
    torch.jit.script(net)(x)
    if hasattr(os, "fork"):
        pid = os.fork()
        if pid == 0:
            net(x)
            os._exit(0)
        os.waitpid(pid, 0)
    thread = threading.Thread(target=net, args=(torch.randn(2, 2, 5),))
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(net, torch.randn(2, 2, 7)).result()
        except RuntimeError as error:
            raise StepError("step 3") from error
    """


def test_what_happens_out_of_sight_is_said(tmp_path):
    """A thread that fails and the cause of an exception are explained; what cannot be watched is named, and nothing else is."""
    name = write(tmp_path, "sight.py", OUT_OF_SIGHT)
    plain = python(tmp_path, name)
    traced = trace(tmp_path, "--quiet", "--report", "seen.json", name)
    assert (traced.code, traced.out) == (1, plain.out)
    assert "\nStepError: step 3\nnote: " in traced.err
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert [(problem["at"], problem["got"]) for problem in seen["problems"]] == [
        ("sight.py:13", [2, 2, 5]),
        ("sight.py:13", [2, 2, 7]),
    ]
    forked = ["RNNs were called in child processes: these calls are not seen."] if hasattr(os, "fork") else []
    assert seen["not_watched"] == ["Calls through torch.jit are not seen: Net has the RNN rnn.", *forked]
    assert seen["calls"] == []


def test_loaders_see_no_difference(tmp_path):
    """Batches of loaders are the same in their order and numbers: with workers, in threads, pickled, after an error."""
    code = """
        import pickle, threading, torch, traceback
        from torch import nn
        from torch.utils.data import DataLoader, Dataset, TensorDataset
        class Bad(Dataset):
            def __len__(self): return 4
            def __getitem__(self, i): return [1.0][i]
        if __name__ == "__main__":
            torch.manual_seed(0)
            data, rnn = TensorDataset(torch.randn(20, 7, 3), torch.randn(20, 4)), nn.LSTM(3, 4, batch_first=True)
            def run(loader, state=None):
                for x, y in loader:
                    out, state = rnn(x, state if state is not None and len(x) == state[0].size(1) else None)
                    state = tuple(part.detach() for part in state)
                    nn.functional.mse_loss(out[:, -1], y).backward()
                    print(x.sum().item().hex(), state[0].sum().item().hex())
            run(DataLoader(data, 6, shuffle=True))
            run(DataLoader(data, 6, shuffle=True, num_workers=2))
            run(pickle.loads(pickle.dumps(DataLoader(data, 6, shuffle=True))))
            thread = threading.Thread(target=run, args=(DataLoader(data, 6),))
            thread.start(); thread.join()
            print(sum(p.grad.sum() for p in rnn.parameters()).item().hex(), torch.rand(1).item().hex())
            try:
                next(iter(DataLoader(Bad(), 2)))
            except IndexError as error:
                print(type(error).__name__)
        """
    name = write(tmp_path, "loaders.py", code)
    plain, traced = python(tmp_path, name), trace(tmp_path, "--quiet", name)
    assert (traced.code, traced.out) == (0, plain.out)
    assert "goes on with the state of the batch before" in " ".join(traced.err.split())


BAD = {
    "no file": (["nope.py"], "nope.py: there is no such file"),
    "no module": (["-m", "nope"], "No module named nope"),
    "an unknown option": (["--nope", "program.py"], "No such option: --nope"),
    "a report that exists": (["--report", "old.json", "program.py"], "exists already"),
    "a report of another kind": (["--report", "old.txt", "program.py"], ".json"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_has_one_message(kind, tmp_path):
    """What cannot be run is said in one message, and nothing is run or overwritten."""
    write(tmp_path, "program.py", "print('ran')")
    write(tmp_path, "old.json", "old")
    args, words = BAD[kind]
    ended = trace(tmp_path, *args)
    assert ended.code == (1 if kind == "no module" else 2)
    assert ended.out == ""
    assert ended.err.startswith("rnndims: ")
    assert words in ended.err
    assert (tmp_path / "old.json").read_text(encoding="utf-8") == "old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_the_program_as_under_python(tmp_path):
    """A program that is interrupted ends by that signal, after its own clean-up and the report."""
    code = "import time\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\nfinally:\n    print('cleaned')\n"
    name = write(tmp_path, "wait.py", code)
    command = [sys.executable, "-m", "rnndims", "trace", name]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (-signal.SIGINT, "cleaned\n")
    assert "KeyboardInterrupt\n\nrnndims: " in err


def test_names_in_code_are_the_users():
    """Expressions stand in for names; what cannot be assigned to goes into the call itself."""
    import ast

    call = ast.parse("self.rnn(self.embed(src), hidden)", mode="eval").body
    assert isinstance(call, ast.Call)
    names = {"x": call.args[0], "h_0": call.args[1], "gru": call.func}
    assert renamed("output, h_n = gru(x, h_0)", names) == "output, h_n = self.rnn(self.embed(src), hidden)"
    assert _users_fix("x = x.unsqueeze(0)", names, call) == "self.rnn(self.embed(src).unsqueeze(0), hidden)"
    assert _users_fix("h_0 = h_0.unsqueeze(0)", names, call) == "hidden = hidden.unsqueeze(0)"
    assert _users_fix("nn.GRU(3, 4)", names, call) == "self.rnn = nn.GRU(3, 4)"


def test_a_call_is_found_without_running_code():
    """Attributes are read from the instance itself: a property of the user's is never called."""
    import ast

    class Model:
        def __init__(self):
            self.rnn = object()

        @property
        def trap(self):
            raise AssertionError("it was called")

    def method(self):
        return sys._getframe()

    model = Model()
    frame = method(model)
    assert find_call(ast.parse("self.trap(x)", mode="eval").body, frame, model.rnn) is None
    assert find_call(ast.parse("f(self.rnn(x))", mode="eval").body, frame, model.rnn) is not None


SAME_PROGRAMS = {
    "tracebacks of what it catches": """
        import traceback
        rnn, out = nn.LSTM(3, 4), None
        def fail(function):
            try:
                function()
            except Exception:
                print(traceback.format_exc())
        fail(lambda: rnn(torch.zeros(5, 2, 9)))
        fail(lambda: nn.GRUCell(3, 4)(torch.zeros(2, 9)))
        out, _ = rnn(torch.zeros(5, 2, 3))
        fail(lambda: out @ torch.zeros(9, 9))
        fail(lambda: nn.Linear(7, 8)(out))
        fail(lambda: nn.MultiheadAttention(4, 2)(out, out, out[:, :, :3]))
        fail(lambda: next(iter(torch.utils.data.DataLoader([]))))
        """,
    "where warnings point": """
        import warnings
        out, _ = nn.GRU(3, 4)(torch.zeros(5, 2, 3))
        nn.functional.softmax(out)
        nn.Softmax()(out)
        nn.functional.mse_loss(out, out[:1])
        for _ in range(2):
            out.T
        out.T
        """,
    "what it deletes is gone": """
        import gc, weakref
        def step(rnn, width):
            x = torch.zeros(5, 2, width)
            gone = [weakref.ref(x)]
            try:
                out, h = rnn(x)
                last = out[-1]
                scores = nn.Linear(4, 2)(last)
                gone += map(weakref.ref, (out, h, last, scores))
                del out, h, last, scores
                (lambda: torch.ones(2, 4) @ x)()
            except RuntimeError:
                pass
            del x
            gc.collect()
            print([ref() is None for ref in gone])
        step(nn.GRU(3, 4), 3)
        step(nn.GRU(3, 4), 5)
        """,
    "the dict that locals() returns": """
        def step(x):
            names = locals()
            for name in names:
                out, h = nn.GRU(3, 4)(x)
                scores = nn.Linear(4, 2)(out[-1])
            print(sorted(names))
        step(torch.zeros(5, 2, 3))
        """,
}


@pytest.mark.parametrize("kind", SAME_PROGRAMS)
@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 puts frames back that were left out of a traceback")
def test_what_a_program_sees_of_its_own_calls_and_errors(kind, tmp_path):
    """The frames of what it catches, the life of its tensors, and its dict of variables are as under python."""
    name = write(tmp_path, "same.py", "import torch\nfrom torch import nn\n" + textwrap.dedent(SAME_PROGRAMS[kind]))
    assert trace(tmp_path, "--quiet", name) == python(tmp_path, name)


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the stream")
def test_a_program_may_have_no_standard_output(tmp_path):
    """Where standard output is closed, as a service may have it, the program runs all the same."""
    name = write(tmp_path, "silent.py", "import sys; sys.exit(9 if sys.stdout is None else 1)")
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable]
    assert start([*shell, name], tmp_path).code == 9
    assert start([*shell, "-m", "rnndims", "trace", "--quiet", name], tmp_path).code == 9
