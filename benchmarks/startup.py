"""Measures what a user waits for, as ratios to what he would otherwise run, and prints a table.

    python benchmarks/startup.py [--pairs 15] [--quick]

Every row times two whole processes in turn, A B A B ..., and quotes the median of the ratios A/B pair by pair, so a
machine whose speed drifts does not matter. Run it with the Python of the environment in which rnndims is installed (not
with an editable install whose bytecode is not cached). ``--quick`` takes a tenth of the lines for the JSON Lines rows.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RNNDIMS = str(Path(sys.executable).with_name("rnndims"))
TYPER = [sys.executable, "-c", "import typer"]
PLAIN_TORCH = [
    sys.executable,
    "-W",
    "ignore",
    "-c",
    "import torch\n"
    "module = torch.nn.RNN(4, 2, 2, bidirectional=True)\n"
    "output, h_n = module(torch.randn(3, 2, 4))\n"
    "print(tuple(output.shape), tuple(h_n.shape))",
]
PARSE_AND_DUMP = """
import json, sys
document = json.loads(open(sys.argv[2]).read())
dumps, write = json.JSONEncoder(separators=(",", ":")).encode, sys.stdout.write
for line in open(sys.argv[1]):
    json.loads(line)
    write(dumps(document) + "\\n")
"""
ROWS = [
    ("dims --json", [RNNDIMS, "dims", "--json"], "import typer", TYPER, 1.0),
    ("--help", [RNNDIMS, "--help"], "import typer", TYPER, 1.2),
    ("--version", [RNNDIMS, "--version"], "import typer", TYPER, 1.2),
    ("a usage error", [RNNDIMS, "dims", "--layers", "none"], "import typer", TYPER, 1.2),
    ("dims", [RNNDIMS, "dims"], "import typer", TYPER, 1.5),
    ("run --json", [RNNDIMS, "run", "-l", "2", "-b", "--json"], "a plain torch script", PLAIN_TORCH, 0.70),
    ("run", [RNNDIMS, "run", "-l", "2", "-b"], "a plain torch script", PLAIN_TORCH, 0.80),
]


def seconds(command: list[str]) -> float:
    """Wall time of one process whose output is read and thrown away."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def compare(first: list[str], second: list[str], pairs: int) -> tuple[float, float, float]:
    """Medians: milliseconds of the first, of the second, and of the ratio pair by pair; one pair before that is not counted."""
    times = [(seconds(first), seconds(second)) for _ in range(pairs + 1)][1:]
    ratios = [a / b for a, b in times]
    return (
        1000 * statistics.median(a for a, _ in times),
        1000 * statistics.median(b for _, b in times),
        statistics.median(ratios),
    )


def write_questions(path: Path, count: int) -> None:
    """Mixed configurations, one a line."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            question: dict[str, object] = {
                "cell": draw.choice(["rnn", "lstm", "gru"]),
                "input_size": draw.randint(1, 512),
                "hidden_size": draw.randint(2, 1024),
                "num_layers": draw.randint(1, 4),
                "bidirectional": draw.random() < 0.5,
            }
            if draw.random() < 0.3:
                question["lengths"] = [draw.randint(1, 9) for _ in range(4)]
            file.write(json.dumps(question) + "\n")


def mean_document(questions: Path, folder: Path) -> Path:
    """The answer of median length to the first hundred questions: what the comparison dumps for each line."""
    with questions.open(encoding="utf-8") as file:
        lines = list(itertools.islice(file, 101))
    done = subprocess.run(
        [RNNDIMS, "dims", "--from-jsonl", "-"], input="".join(lines), capture_output=True, text=True, check=True
    )
    answers = done.stdout.splitlines()
    mean = statistics.mean(map(len, answers))
    path = folder / "document.json"
    path.write_text(min(answers, key=lambda answer: abs(len(answer) - mean)), encoding="utf-8")
    return path


PEAK = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
print(os.wait4(process.pid, 0)[2].ru_maxrss)
"""


def peak_mib(command: list[str]) -> float:
    """Peak resident memory of one process, started from a small one: a child counts what its parent held when it forked."""
    done = subprocess.run([sys.executable, "-S", "-c", PEAK, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) / (2**20 if sys.platform == "darwin" else 1024)


def tab_milliseconds(shell: str, presses: int) -> float | None:
    """Median time from pressing TAB to the completed word on the screen of a real shell; ``None`` where the shell is absent.

    The shells are driven as in the tests, by tests/helpers/terminals.py.
    """
    path = shutil.which(shell)
    if path is None or os.name != "posix":
        return None
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    from terminals import PROMPT, STARTERS, Terminal

    times = []
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name) / "work"
        home.mkdir()
        folder.mkdir()
        arguments, setup = STARTERS[shell](folder, home, ROOT / "completions")
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8"}
        terminal = Terminal([path, *arguments[1:]], folder, variables)
        try:
            terminal.send(setup or "\n")
            terminal.wait(PROMPT)
            for _ in range(presses + 1):
                terminal.send("rnndims dims --bidir")
                terminal.wait("dims --bidir")
                start = time.perf_counter()
                terminal.send("\t")
                terminal.wait("ectional")
                times.append(1000 * (time.perf_counter() - start))
                terminal.send("\x15\n")
                terminal.wait(PROMPT)
        finally:
            terminal.close()
    return statistics.median(times[1:])


def main() -> None:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    print(f"{'rnndims':<34} {'ms':>8}   {'compared with':<22} {'ms':>8}   {'ratio':>6}   at most")
    for name, command, other, baseline, limit in ROWS:
        ours, theirs, ratio = compare(command, baseline, options.pairs)
        print(f"{name:<34} {ours:8.0f}   {other:<22} {theirs:8.0f}   {ratio:6.2f}   {limit:.2f}", flush=True)
    for shell in ("bash", "zsh", "fish"):
        press = tab_milliseconds(shell, options.pairs)
        print(f"{'TAB in ' + shell:<34} {'absent' if press is None else f'{press:8.1f}'}   (at most 20)", flush=True)
    count = 10_000 if options.quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_questions(folder / "questions.jsonl", count)
        ask = [RNNDIMS, "dims", "--from-jsonl", str(folder / "questions.jsonl")]
        document = mean_document(folder / "questions.jsonl", folder)
        loop = [sys.executable, "-c", PARSE_AND_DUMP, str(folder / "questions.jsonl"), str(document)]
        ours, theirs, ratio = compare(ask, loop, options.pairs)
        label = f"dims --from-jsonl, {count:,} lines"
        print(f"{label:<34} {ours:8.0f}   {'parse and dump':<22} {theirs:8.0f}   {ratio:6.2f}   2.00", flush=True)
        if hasattr(os, "wait4"):
            for lines in (count // 10, count * 10):
                write_questions(folder / "memory.jsonl", lines)
                peak = peak_mib([RNNDIMS, "dims", "--from-jsonl", str(folder / "memory.jsonl")])
                print(f"peak memory, {lines:,} lines: {peak:.1f} MiB (at most 25)", flush=True)


if __name__ == "__main__":
    main()
