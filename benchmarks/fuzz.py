"""Gives rnndims what it was not made for, and prints what it does not bear: every answer must be one, or one message.

    python benchmarks/fuzz.py [--draws 20000] [--seed 0] [--jobs 2] [--only KIND ...] [--plant NAME]

Command lines, pasted texts, lines of JSON and damaged files are answered in this process; ``processes`` are real ones that are
interrupted, starved, or run with closed streams and a full disk. A fault is a traceback or "an error in rnndims itself", an
exit code that is not documented, output beside an error, ``--json`` that is no JSON, a file left behind, or too much time or
memory. The smallest form of each fault is printed, and the exit code is 1. It needs Linux.
"""

import atexit
import io
import json
import os
import random
import resource
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

import numpy as np
import safetensors.torch
import torch
import typer
from agree_calls import ask_torch, call_of, draw_call
from agree_code import draw_text
from agree_modules import configure, draw_module
from draws import Case, Kind, Plant, Unsuitable, Verdict, main
from torch import nn

from rnndims import RnndimsError
from rnndims.cli.app import app, run
from rnndims.constructor import format_constructor
from rnndims.dtypes import RNN_DTYPES
from rnndims.errors import ExitCode

SECONDS: Final = 10.0
"""The most processor time that any answer may take; a process may also be started and wait."""

MIB: Final = 1024
"""The most memory, in MiB, that any answer may need beyond what the process has."""

JUNK: Final = (
    *("", " ", "0", "-1", "1e9", "1" * 40, "nan", "inf", "0x10", "1_000", "None", "True", "lambda: 0", "__import__('os')"),
    *(
        "{",
        "{}",
        "{0}",
        "{a:>99999}",
        "%s",
        "%(a)s",
        "\\",
        "'",
        '"',
        "(",
        ")",
        "[",
        "]",
        "()",
        ",",
        ",,",
        ":",
        "::",
        "...",
        "#",
    ),
    *("\0", "\n", "\x1b[31m", "\u202e", "\ud800", "é", "π", "😀", "\N{FULLWIDTH DIGIT ONE}", "--", "-", "=", "@", "*"),
    *("x" * 300, "(" * 200, "[" * 500, "-" * 1000),
)
"""Pieces that have no place in most values."""


# ---------------------------------------------------------------------------------------------------------------- drawing


def damage(rng: random.Random, text: str) -> str:
    """The text with something left out, doubled, swapped or put in."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        start, stop = sorted(rng.randint(0, len(text)) for _ in range(2))
        stop = min(stop, start + rng.choice([1, 3, 20, 1000]))
        piece = rng.choice([*JUNK, "", "", "", text[start:stop] * 2, rng.choice(string.printable)])
        text = text[:start] + piece + text[stop:]
    return text


def draw_shape(rng: random.Random) -> str:
    """A shape as people write it."""
    sizes = [str(rng.choice([0, 1, 2, 3, 5, 20, 10**9])) for _ in range(rng.randint(0, 4))]
    return rng.choice(["{}", "({})", "torch.Size([{}])", "[{}]"]).replace("{}", ", ".join(sizes))


def draw_code(rng: random.Random) -> str:
    """A constructor, mostly a right one."""
    if rng.random() < 0.5:
        return format_constructor(configure(draw_module(rng)))
    case = draw_text(rng)
    words = [*case["positional"], *(f"{name}={code}" for name, code in case["keywords"].items())]
    return f"nn.{case['cls']}({', '.join(words)}){''.join(case['methods'])}"


def draw_use(rng: random.Random) -> str:
    """An expression of a result."""
    steps = [
        "[-1]",
        "[:, -1]",
        ".view(2, -1)",
        ".mean(1)",
        ".transpose(0, 1)",
        "[()]",
        "[1if 1else 2]",
        "[..., None]",
        "[:10**21]",
    ]
    return rng.choice(["output", "h_n", "c_n", "x", "torch.cat"]) + "".join(rng.choices(steps, k=rng.randint(0, 3)))


FILES: Final = (
    *("new.pt", "old.pt", "inner.pt", "model.safetensors", "model.safetensors.index.json", "x.npy"),
    *("lines.jsonl", "program.py"),
)


def draw_value(rng: random.Random, name: str, metavar: str | None) -> str:
    """A value for an option, right, nearly right or wrong."""
    number = rng.choice([1, 2, 3, 4, 7, rng.choice([0, -1, 10**9, 10**30])])
    values = {
        "INT": lambda: str(number),
        "FLOAT": lambda: rng.choice(["0", "0.5", "1", "1.5", "nan", "1e400"]),
        "NAME=VALUE": lambda: rng.choice(["n=3", "n=", "=3", "n=hidden", "n=2*3", "n"]),
        "3,1,...": lambda: ",".join(str(rng.randint(-1, 5)) for _ in range(rng.randint(0, 4))),
        "5,3,...": lambda: ",".join(str(rng.randint(-1, 5)) for _ in range(rng.randint(0, 4))),
        "DTYPE": lambda: rng.choice([*RNN_DTYPES, "torch.half", "int64", "float8_e4m3fn"]),
        "FILE": lambda: rng.choice(
            [*FILES, *FILES, "-", "out.svg", "out.txt", "out.safetensors", "no/such", ".", "", "x.npy:a"]
        ),
        "NAME": lambda: rng.choice(["rnn", "*", "encoder.*", ""]),
        "SCRIPT": lambda: rng.choice(["program.py", "program.py", "no/such.py", "", "-"]),
        "DEVICE": lambda: rng.choice(["cpu", "meta", "auto", "cuda", "cuda:9", "mps", "tpu"]),
        "SHAPE": lambda: draw_shape(rng),
        "CODE": lambda: draw_use(rng),
        "TEXT": lambda: draw_message(rng),
        "CONSTRUCTOR": lambda: draw_code(rng),
        "SHELL": lambda: rng.choice(["bash", "zsh", "fish", "powershell"]),
    }
    choices = {
        "--cell": ["rnn", "lstm", "gru", "LSTM"],
        "--nonlinearity": ["tanh", "relu"],
        "--view": ["cell", "matmul", "unrolled"],
    }
    value = values.get(metavar or "", lambda: rng.choice(choices.get(name, ["text", "ascii", "svg", "dot", "mermaid"])))()
    if metavar in ("FILE", "SCRIPT"):
        return str(value)  # damaged names could lead out of the folder
    return damage(rng, str(value)) if rng.random() < 0.07 else str(value)


@cache
def commands() -> dict[str, list[Any]]:
    """The parameters of each command."""
    group: Any = typer.main.get_command(app)
    return {name: group.commands[name].params for name in group.commands}


def draw_args(rng: random.Random, name: str | None = None) -> list[str]:
    """A command line with options that exist."""
    name = name or rng.choice([*commands(), "dims", "check", "check", "diagram"])
    args = [name] if rng.random() < 0.98 else [damage(rng, name)]
    parameters = commands().get(name, [])
    for parameter in rng.sample(parameters, rng.choice([0, 1, 1, 2, 2, 3, 4, 8]) % (len(parameters) + 1)):
        if parameter.param_type_name == "argument":
            args.append(draw_value(rng, parameter.name, parameter.metavar))
            continue
        args.append(rng.choice([*parameter.opts, *parameter.secondary_opts]))
        if not parameter.is_flag:
            args.append(draw_value(rng, parameter.opts[0], parameter.metavar))
    if rng.random() < 0.3:
        args.append("--json")
    if rng.random() < 0.05:
        args.insert(rng.randint(0, len(args)), rng.choice(JUNK))
    return args


def draw_command(rng: random.Random) -> Case:
    """A command line, a standard input, and whole files."""
    args = draw_args(rng)
    case: Case = {"args": args}
    if "-" in args:
        case["stdin"] = rng.choice([draw_message(rng), draw_lines(rng), ""])
    used = [name for name in FILES if any(arg.startswith(name) for arg in args)]
    return case | ({"files": {name: [] for name in used}} if used else {})


MESSAGES: Final = (
    "RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]",
    "RuntimeError: input.size(-1) must be equal to input_size. Expected 10, got 12",
    "RuntimeError: Error(s) in loading state_dict for M:\n"
    '\tMissing key(s) in state_dict: "rnn.weight_ih_l0", "rnn.bias_ih_l0". \n'
    '\tUnexpected key(s) in state_dict: "gru.weight_ih_l0". \n'
    "\tsize mismatch for fc.weight: copying a param with shape torch.Size([2, 3]) from checkpoint, "
    "the shape in current model is torch.Size([2, 4]).",
    "TypeError: lstm() received an invalid combination of arguments - got (Tensor, Tensor, list, bool, int, bool, bool)",
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "AttributeError: 'tuple' object has no attribute 'size'",
)
"""Messages of some length and of many forms."""


@cache
def traceback_of(seed: int) -> str:
    """A message that PyTorch really raises."""
    rng = random.Random(seed)
    with suppress(Unsuitable, RnndimsError):
        case = draw_call(rng)
        return f'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n{ask_torch(case, *call_of(case))}'
    return MESSAGES[0]


def draw_message(rng: random.Random) -> str:
    """A pasted text: messages, damaged, repeated, or one inside the other."""
    text = rng.choice([*MESSAGES, traceback_of(rng.randrange(200)), traceback_of(rng.randrange(200))])
    kind = rng.random()
    if kind < 0.2:
        return text
    if kind < 0.3:
        return text + "\n" + rng.choice(MESSAGES)
    if kind < 0.33:
        return damage(rng, text) * rng.choice([10, 1000])
    return damage(rng, text)


def draw_pasted(rng: random.Random) -> Case:
    """A text for ``check --error``."""
    text = draw_message(rng)
    args = ["check", *([draw_code(rng)] if rng.random() < 0.3 else []), "--error"]
    if rng.random() < 0.5:
        return {"args": [*args, text], "stdin": ""}
    return {"args": [*args, "-", *["--json"] * (rng.random() < 0.3)], "stdin": text}


def draw_json(rng: random.Random, depth: int = 0) -> Any:
    """A value of JSON."""
    plain = [0, 1, 3, -1, 2.5, 1e300, 10**40, True, False, None, "rnn", "tanh", "float64", *JUNK]
    if depth < 3 and rng.random() < 0.15:
        return [draw_json(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    if depth < 3 and rng.random() < 0.05:
        return {rng.choice(["a", "n", ""]): draw_json(rng, depth + 1)}
    return rng.choice(plain)


RIGHT: Final[dict[str, list[Any]]] = {
    "cell": ["rnn", "lstm", "gru"],
    "input_size": [1, 5],
    "hidden_size": [3, 10**20],
    "num_layers": [1, 2],
    "bias": [True, False],
    "dropout": [0, 0.5],
    "proj_size": [0, 1],
    "lengths": [[3, 1], None],
    "dtype": ["float64", "half"],
    "seq_len": [3, None],
    "x": [0],
}
"""Keys of a line, and values that are nearly always right."""


def draw_lines(rng: random.Random) -> str:
    """Questions in JSON Lines, some damaged."""
    keys = [
        "cell",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "dropout",
        "proj_size",
        "lengths",
        "dtype",
        "seq_len",
        "x",
    ]
    lines = []
    for _ in range(rng.randint(1, 4)):
        keys = rng.sample(list(RIGHT), rng.randint(0, 4))
        question = {key: draw_json(rng) if rng.random() < 0.1 else rng.choice(RIGHT[key]) for key in keys}
        if rng.random() < 0.3:
            question |= {"module": draw_code(rng), "define": {"n": rng.choice([3, draw_json(rng)])}}
        line = json.dumps(question)
        lines.append(damage(rng, line) if rng.random() < 0.3 else line)
    return "\n".join(lines)


def draw_jsonl(rng: random.Random) -> Case:
    """Lines for ``dims --from-jsonl``."""
    return {"args": ["dims", "--from-jsonl", "-"], "stdin": draw_lines(rng)}


def draw_file(rng: random.Random) -> Case:
    """A damaged file for one of the options that read files."""
    name = rng.choice(FILES[:6])
    size = len(whole_files()[name])
    edits = [
        [
            rng.randrange(size),
            rng.choice([0, 0, 1, 4]),
            rng.choice([rng.randbytes(1), b"\xff" * 8, b"", b"9", b"[", b"}", b"("]),
        ]
        for _ in range(rng.choice([1, 1, 2, 5]))
    ]
    if rng.random() < 0.15:
        edits.append([rng.randrange(size), size, b""])  # the end is cut off
    commands = [
        ["weights", name],
        ["weights", name],
        ["weights", name, "--json"],
        ["run", "--weights", name],
        ["run", "--input", name],
    ]
    return {"args": rng.choice(commands), "files": {name: edits}}


@cache
def whole_files() -> dict[str, bytes]:
    """The files before they are damaged, by name."""
    torch.manual_seed(0)
    weights = nn.ModuleDict({"rnn": nn.LSTM(2, 3, 2, bidirectional=True), "fc": nn.Linear(6, 2)}).state_dict()
    content = {"model.safetensors": safetensors.torch.save(weights), "lines.jsonl": b'{"cell": "gru"}\n'}
    content["program.py"] = b"import sys\nprint(len(sys.argv))\n"
    shards = {"weight_map": dict.fromkeys(weights, "model.safetensors")}
    content["model.safetensors.index.json"] = json.dumps(shards).encode()
    for name, zipped in (("new.pt", True), ("old.pt", False)):
        torch.save({"model": weights, "epoch": 3}, buffer := io.BytesIO(), _use_new_zipfile_serialization=zipped)
        content[name] = buffer.getvalue()
    with zipfile.ZipFile(io.BytesIO(content["new.pt"])) as archive:
        content["inner.pt"] = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
    np.save(buffer := io.BytesIO(), np.zeros((3, 1, 2), dtype=np.float32))
    return content | {"x.npy": buffer.getvalue()}


def write_files(files: dict[str, list[Any]]) -> None:
    """Write damaged files into this folder; of ``inner.pt`` the damage is in the pickle, and the archive around it is whole."""
    for name, edits in files.items():
        content = whole_files()[name]
        for at, length, piece in edits:
            content = content[:at] + piece + content[at + length :]
        if name != "inner.pt":
            Path(name).write_bytes(content)
            continue
        with zipfile.ZipFile(io.BytesIO(whole_files()["new.pt"])) as old, zipfile.ZipFile(name, "w") as new:
            for member in old.infolist():
                new.writestr(member.filename, content if member.filename.endswith("data.pkl") else old.read(member))
    if "model.safetensors.index.json" in files:
        Path("model.safetensors").write_bytes(whole_files()["model.safetensors"])


# ---------------------------------------------------------------------------------------------------------------- judging


class Answer(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    mib: int = 0


@cache
def folder() -> Path:
    """Where this process works."""
    path = Path(tempfile.mkdtemp(prefix="rnndims-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@contextmanager
def inside(path: Path) -> Iterator[None]:
    """Relative names are those of this folder."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def empty_folder(files: dict[str, list[Any]]) -> Path:
    """The folder with these files and nothing else."""
    for entry in folder().iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    with inside(folder()):
        write_files(files)
    return folder()


def peak(field: str) -> int:
    """Memory of this process in MiB: ``VmHWM`` is the most since it was reset, ``VmRSS`` what it has."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) // 1024


def stop(*_: Any) -> None:
    """What ends an answer that takes too long."""
    raise TimeoutError("this takes too long")


def call(args: list[str], stdin: str) -> Answer:
    """Answer a command line in this process."""
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(each, "utf-8", errors="backslashreplace", write_through=True) for each in written)
    given = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogatepass")))
    Path("/proc/self/clear_refs").write_text("5")
    before, start = peak("VmRSS"), time.process_time()
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 6 * SECONDS)
    with (
        mock.patch.multiple(sys, stdin=given, stdout=out, stderr=err),
        mock.patch("os.execv", run_beside),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        code = run(args)
    signal.setitimer(signal.ITIMER_REAL, 0)
    seconds, mib = time.process_time() - start, peak("VmHWM") - before
    return Answer(code, written[0].getvalue().decode(), written[1].getvalue().decode(), seconds, mib)


def run_beside(_: str, command: list[str]) -> None:
    """What takes the place of a program that would replace this process: it is run beside it."""
    words = [word.encode(errors="surrogatepass") for word in command]
    done = subprocess.run(words, check=False, input="", capture_output=True, text=True, errors="replace", timeout=6 * SECONDS)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    raise typer.Exit(done.returncode)


def judge_call(case: Case) -> Verdict:
    """One command line in this process."""
    args = case.get("args", [])
    path = empty_folder(case.get("files", {}))
    with inside(path):
        answer = call(args, case.get("stdin", ""))
    return Verdict(f"code {answer.code}", fault_of(args, answer) or left_behind(path))


def left_behind(path: Path) -> str | None:
    """What stays in the folder that nobody asked for."""
    left = [entry.name for entry in path.iterdir() if entry.name.startswith((".", "tmp")) or "rnndims-" in entry.name]
    return f"a file is left: {left}" if left else None


DOCUMENTED: Final = {code.value for code in ExitCode} - {ExitCode.INTERRUPTED, ExitCode.BROKEN_PIPE}


def fault_of(args: list[str], answer: Answer, codes: set[int] = DOCUMENTED) -> str | None:
    """What is wrong with an answer."""
    code, out, err = answer.code, answer.out, answer.err
    if f"\n{err}".find("\nTraceback") >= 0 or "rnndims itself" in err:
        return f"an error in rnndims itself: {err[:600]}"
    if code not in codes:
        return f"an undocumented exit code: {code}: {err[-300:]}"
    if answer.seconds > SECONDS:
        return f"too slow: {answer.seconds:.1f} s"
    if answer.mib > MIB:
        return f"too much memory: {answer.mib} MiB"
    if code in (ExitCode.USAGE, ExitCode.MACHINE) and out and "--from-jsonl" not in " ".join(args):
        return f"output beside an error: {out[:300]}"
    said = [line for line in err.splitlines() if line.strip("-") and not line.startswith("rnndims: note: ")]
    if code == ExitCode.OK and said and args[:1] != ["trace"]:  # what trace reports stands there
        return f"a message beside an answer: {err[:300]}"
    if code in (ExitCode.USAGE, ExitCode.MACHINE) and not err and "--from-jsonl" not in " ".join(args):
        return f"an error without a message: {code}"
    if "\x1b" in out + err:
        return f"an escape sequence: {out[:300]!r} {err[:300]!r}"
    documents = out.splitlines() if "--from-jsonl" in args else [out] if is_json(args) and out else []
    for document in documents:
        try:
            json.loads(document, parse_constant=float.fromhex)
        except ValueError as error:
            return f"no JSON: {error}: {document[:300]}"
    return None


def is_json(args: list[str]) -> bool:
    """Whether the answer to these arguments is a document."""
    return "--json" in args and not {"--help", "-h", "--version", "--code"} & {*args} and args[0] in commands()


# -------------------------------------------------------------------------------------------------------------- processes

SITUATIONS: Final = {
    "plain": "{}",
    "interrupted": "{}",
    "terminated": "{}",
    "no input": "{} <&-",
    "input for writing": "{} 0>/dev/null",
    "no output": "{} >&-",
    "no error": "{} 2>&-",
    "nothing": "{} <&- >&- 2>&-",
    "full output": "{} >/dev/full",
    "full error": "{} 2>/dev/full",
    "gone reader": "{} | true; exit ${PIPESTATUS[0]}",
    "little memory": "ulimit -v %d; {}",
    "no space": "ulimit -f 0; {}",
    "few files": "ulimit -n 12; {}",
    "ascii": "PYTHONIOENCODING=ascii {}",
}
"""What a process is started in, as a line of the shell."""

QUICK: Final = (
    ["dims"],
    ["dims", "--json"],
    ["dims", "--from-jsonl", "lines.jsonl"],
    ["check", "nn.LSTM(10, 20)", "--input", "5,3,12"],
    ["check", "--error", "-"],
    ["diagram", "--export", "out.svg"],
    ["diagram", "--export", "old.svg"],
    ["weights", "model.safetensors"],
    ["weights", "new.pt", "--json"],
    ["--version"],
    ["dims", "--help"],
    ["completion", "bash"],
)
SLOW: Final = (["run"], ["run", "--save", "out.safetensors"], ["cell"], ["concat-demo", "--json"], ["run", "--device", "meta"])


def draw_process(rng: random.Random) -> Case:
    """A command, and what it is run in."""
    situation = rng.choice([*SITUATIONS, "interrupted", "terminated", "little memory"])
    args = rng.choice(SLOW if rng.random() < 0.2 else QUICK)
    return {
        "args": args,
        "situation": situation,
        "milliseconds": rng.randint(0, 900),
        "mebibytes": rng.choice([20, 60, 200, 800, 3000]),
    }


def judge_process(case: Case) -> Verdict:
    """One command line in a process of its own."""
    args, situation = case.get("args", []), case.get("situation", "plain")
    files: list[str] = [name for name in FILES if name in args]
    path = empty_folder({name: [] for name in files})
    (path / "old.svg").write_text("old")
    line = SITUATIONS[situation].replace("{}", 'exec "$@"' if "|" not in SITUATIONS[situation] else '"$@"')
    if "%d" in line:
        line %= case.get("mebibytes", 200) * 1024
    program = [sys.executable, "-m", "rnndims", *args]
    with subprocess.Popen(
        ["bash", "-c", line, "bash", *program],
        cwd=path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - one thread
    ) as process:
        if situation in ("interrupted", "terminated"):
            time.sleep(case.get("milliseconds", 0) / 1000)
            process.send_signal(signal.SIGINT if situation == "interrupted" else signal.SIGTERM)
        try:
            out, err = (text.decode(errors="replace") for text in process.communicate(timeout=6 * SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
            return Verdict(situation, f"a process that does not end ({situation}): {args}")
    silent = situation in ("no error", "full error", "nothing")
    answer = Answer(process.returncode, out, err or "-" * silent)
    codes = {
        "interrupted": {0, 1, 2, 3, 130, -signal.SIGINT},  # bash itself may still be there in the first millisecond
        "terminated": {0, 1, 2, 3, 143, -signal.SIGTERM},
        "gone reader": {*DOCUMENTED, 141},
    }.get(situation, DOCUMENTED)
    fault = fault_of(args, answer, codes) or left_behind(path)
    if fault is None and answer.code == 1 and "little" in situation and args[0] != "check":
        fault = "does not fit for want of memory"
    if fault is None and not (path / "old.svg").read_text().startswith(("old", "<svg")):
        fault = "the old file is lost"
    return Verdict(f"{situation} {answer.code}", None if fault is None else fault.replace(":", f" ({situation}):", 1))


KINDS: Final = (
    Kind("commands", 40, draw_command, judge_call),
    Kind("texts", 25, draw_pasted, judge_call),
    Kind("lines", 20, draw_jsonl, judge_call),
    Kind("files", 15, draw_file, judge_call),
    Kind("processes", 1, draw_process, judge_process),
)

PLANTS: Final = {
    "stream": Plant("commands", "rnndims.cli.app", "_complain", lambda _: lambda text, prefix="": print(prefix, text)),
    "message": Plant(
        "texts", "rnndims.cli.check", "diagnose_error", lambda f: lambda text, *a: f(text, *a)[len(text) % 7 == 0]
    ),
    "document": Plant("lines", "rnndims.cli.from_jsonl", "encode", lambda _: repr),
    "reader": Plant("files", "rnndims.checkpoint.zip_archive", "damaged", lambda _: KeyError),
}
"""Mistakes that can be made on purpose."""


def prepare() -> None:
    """One thread for each process, a known width, commands that are made once, and all temporary files in one place."""
    torch.set_num_threads(1)
    typer.main.get_command = cache(typer.main.get_command)
    os.environ["COLUMNS"] = "100"
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(__doc__, KINDS, PLANTS, prepare))
