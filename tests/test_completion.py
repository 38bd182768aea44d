"""Completion: the scripts say what the commands define, and real shells complete by them without starting Python."""

import os
import re
import select
import shutil
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnndims.cli.completions import WRITERS
from rnndims.cli.completions.__main__ import write_all
from rnndims.cli.completions.model import Program, read_program

ROOT = Path(__file__).parents[1]
PROMPT = "READY>"
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-HJK]|\r")
ESCAPES = re.compile(r"\x1b\[[0-9;?>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78MH]|\x0f")


@pytest.fixture(scope="module")
def program() -> Program:
    """The commands, as the completion scripts see them."""
    return read_program()


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with freshly written scripts."""
    folder = tmp_path_factory.mktemp("scripts")
    write_all(folder)
    return folder


@pytest.mark.parametrize("shell", WRITERS)
def test_committed_scripts_are_the_generated_ones(shell: str, program: Program) -> None:
    """The file in completions/ is what the commands, as they are now, generate."""
    name, write = WRITERS[shell]
    committed = (ROOT / "completions" / name).read_text(encoding="utf-8")
    assert committed == write(program), "run: python -m rnndims.cli.completions completions"


@pytest.mark.parametrize("shell", WRITERS)
def test_command_prints_the_script(shell: str, program: Program) -> None:
    """``rnndims completion SHELL`` prints the script, plain ASCII, and exits with 0."""
    done = subprocess.run([sys.executable, "-m", "rnndims", "completion", shell], capture_output=True, check=True)
    assert done.stdout.decode("ascii").replace("\r\n", "\n") == WRITERS[shell][1](program)
    assert done.stderr == b""


@pytest.mark.parametrize("shell", WRITERS)
def test_every_command_and_option_is_in_every_script(shell: str, program: Program, scripts: Path) -> None:
    """No script leaves out a command, a spelling of an option, or a choice."""
    text = (scripts / WRITERS[shell][0]).read_text(encoding="utf-8")
    words = set(re.findall(r"[\w.-]+", text))
    for command in program.commands:
        assert command.name in words
        for option in command.options:
            long = {name[2:] if shell == "fish" else name for name in option.names if name.startswith("--")}
            assert long | set(option.choices) <= words


def test_options_are_those_of_the_help(program: Program) -> None:
    """What the scripts know of a command's options is what its --help shows."""
    for command in program.commands:
        done = subprocess.run(
            [sys.executable, "-m", "rnndims", command.name, "--help"],
            capture_output=True,
            check=True,
            env={**os.environ, "COLUMNS": "200", "PYTHONUTF8": "1"},
        )
        listed = done.stdout.decode().partition("Options")[2]
        shown = {name for line in listed.splitlines() for name in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", line[:60])}
        known = {name for option in command.options for name in option.names}
        assert known <= shown, command.name
        assert {name for name in shown if name.startswith("--")} <= known, command.name


class Terminal:
    """A shell on a pseudo-terminal, in a folder with a few files."""

    def __init__(self, arguments: list[str], folder: Path, variables: dict[str, str]) -> None:
        import fcntl
        import pty
        import termios

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside torch's threads: nothing but exec follows
            pid, self.handle = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execve(arguments[0], arguments, variables)
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        self.pid = pid
        self.seen = ""

    def send(self, text: str) -> None:
        """Press keys."""
        os.write(self.handle, text.encode())

    def wait(self, *patterns: str, seconds: float = 20.0) -> str:
        """Read until all ``patterns`` stand on the screen, take what came so far off it, and return that."""
        end = time.monotonic() + seconds
        while True:
            screen = ESCAPES.sub("", MOVES.sub("\n", self.seen))
            if all(re.search(pattern, screen) for pattern in patterns):
                self.seen = ""
                return screen
            assert time.monotonic() < end, f"not all of {patterns} in {screen!r}"
            if select.select([self.handle], [], [], 0.5)[0]:
                data = os.read(self.handle, 65536).decode(errors="replace")
                if "\x1b[c" in data or "\x1b[0c" in data:  # some shells ask the terminal who it is
                    self.send("\x1b[?1;2c")
                self.seen += data

    def close(self) -> None:
        """End the shell."""
        os.kill(self.pid, 9)
        os.close(self.handle)
        os.waitpid(self.pid, 0)


def start_bash(folder: Path, home: Path, scripts: Path) -> tuple[list[str], str]:
    """A bash without any start-up file, so without the bash-completion package."""
    setup = (
        f"PS1='{PROMPT} '; bind 'set enable-bracketed-paste off' 2>/dev/null; bind 'set show-all-if-ambiguous on'; "
        "bind 'set completion-query-items 0'; bind 'set page-completions off'; "
        'rnndims() { local all; printf -v all "<%s>" "$@"; echo "GOT$all"; }; ' + f"source {scripts}/rnndims.bash\n"
    )
    return ["bash", "--norc", "--noprofile", "-i"], setup


def start_zsh(folder: Path, home: Path, scripts: Path) -> tuple[list[str], str]:
    """A zsh that finds the script through fpath, as users install it."""
    (home / ".zshrc").write_text(
        f"PS1='{PROMPT} '; LISTMAX=9999; unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste\n"
        f"fpath=({scripts} $fpath); autoload -Uz compinit; compinit -D -u\n"
        'rnndims() { local all; printf -v all "<%s>" "$@"; echo "GOT$all"; }\n',
        encoding="utf-8",
    )
    return ["zsh", "-d", "-i"], ""


def start_bash_joined(folder: Path, home: Path, scripts: Path) -> tuple[list[str], str]:
    """A bash whose user wants ``--a=b`` to be one word, and unset variables to be errors."""
    arguments, setup = start_bash(folder, home, scripts)
    return arguments, f"COMP_WORDBREAKS=${{COMP_WORDBREAKS//=}}; set -u; {setup}"


def start_zsh_sourced(folder: Path, home: Path, scripts: Path) -> tuple[list[str], str]:
    """A zsh that reads the script at its start."""
    arguments, setup = start_zsh(folder, home, folder)
    with (home / ".zshrc").open("a", encoding="utf-8") as file:
        file.write(f"source {scripts}/_rnndims\n")
    return arguments, setup


def start_fish(folder: Path, home: Path, scripts: Path) -> tuple[list[str], str]:
    """A fish that finds the script in its completions folder."""
    target = home / ".config" / "fish" / "completions"
    target.mkdir(parents=True)
    shutil.copy(scripts / "rnndims.fish", target)
    (home / ".config" / "fish" / "config.fish").write_text(
        f"function fish_prompt; printf '{PROMPT} '; end\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n"
        "function rnndims; echo GOT(string join '' '<'$argv'>'); end\n",
        encoding="utf-8",
    )
    return ["fish", "-i"], ""


STARTERS: dict[str, Callable[[Path, Path, Path], tuple[list[str], str]]] = {
    "bash": start_bash,
    "bash joined": start_bash_joined,
    "zsh": start_zsh,
    "zsh sourced": start_zsh_sourced,
    "fish": start_fish,
}


@pytest.fixture(scope="module", params=STARTERS)
def terminal(request: Any, tmp_path_factory: pytest.TempPathFactory, scripts: Path) -> Iterator[Terminal]:
    """Each shell in turn, at its prompt, in a folder with two files and a directory; ``python`` cannot be found in it."""
    shell = request.param.partition(" ")[0]
    path = shutil.which(shell)
    if path is None or os.name == "nt":
        pytest.skip(f"no {shell} here")
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    (folder / "model.pt").touch()
    (folder / "data.jsonl").touch()
    arguments, setup = STARTERS[request.param](folder, home, scripts)
    variables = {"HOME": str(home), "TERM": "xterm", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    found = Terminal([path, *arguments[1:]], folder, variables)
    try:
        if setup:
            found.send(setup)
        found.wait(PROMPT)
        found.send("rnndims READY\r")
        found.wait(r"GOT<READY>\n[^$]*READY>")
        yield found
    finally:
        found.close()


def complete(terminal: Terminal, line: str) -> str:
    """The arguments that ``rnndims`` gets when TAB is pressed behind ``line`` and then Return."""
    terminal.send(f"rnndims {line}\t")
    terminal.send("\r")
    screen = terminal.wait(r"GOT<[^\n]*>\n[^$]*READY>")
    return str(re.findall(r"GOT(<[^\n]*>)\n", screen)[-1])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dim", "<dims>"),
        ("compl", "<completion>"),
        ("--vers", "<--version>"),
        ("dims --inp", "<dims><--input-size>"),
        ("dims --no-bia", "<dims><--no-bias>"),
        ("dims --cell l", "<dims><--cell><lstm>"),
        ("dims --cell=l", "<dims><--cell=lstm>"),
        ("run --dtype bf", "<run><--dtype><bfloat16>"),
        ("run --nonlinearity=re", "<run><--nonlinearity=relu>"),
        ("run -b --cell gr", "<run><-b><--cell><gru>"),
        ("run -l 2 --cell gr", "<run><-l><2><--cell><gru>"),
        ("dims --from-jsonl da", "<dims><--from-jsonl><data.jsonl>"),
        ("dims --from-jsonl=da", "<dims><--from-jsonl=data.jsonl>"),
        ("weights mod", "<weights><model.pt>"),
        ("completion pow", "<completion><powershell>"),
        ("dims -i ", "<dims><-i>"),
        ("dims --input-size da", "<dims><--input-size><da>"),
        ("dims --seq-len mod", "<dims><--seq-len><mod>"),
        ("dims mod", "<dims><mod>"),
        ("dims --cell lstm mod", "<dims><--cell><lstm><mod>"),
    ],
)
def test_tab_completes(terminal: Terminal, line: str, expected: str) -> None:
    """TAB completes commands, options, choices, also behind "=", and files where a file is wanted, and nothing else."""
    assert complete(terminal, line) == expected


@pytest.mark.parametrize(
    ("line", "expected", "absent"),
    [
        ("", ["run", "dims", "completion"], ["model.pt"]),
        ("dims --cell ", ["rnn", "lstm", "gru"], ["model.pt"]),
        ("dims --cell=", ["rnn", "lstm", "gru"], ["model.pt"]),
        ("dims --b", ["--bidirectional", "--batch-first", "--batch-size", "--bias"], ["--cell"]),
        ("weights ", ["model.pt", "data.jsonl"], []),
    ],
)
def test_tab_lists(terminal: Terminal, line: str, expected: list[str], absent: list[str]) -> None:
    """Where several things are possible TAB shows all of them, and nothing that is not."""
    terminal.send(f"rnndims {line}\t")
    shown = terminal.wait(*(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in expected))
    terminal.send("\x15rnndims END\r")
    shown += terminal.wait(r"GOT<END>\n[^$]*READY>")
    assert not [word for word in absent if word in shown]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_start_no_process(shell: str, scripts: Path) -> None:
    """No script calls rnndims or Python; only the completion of its name is registered."""
    text = (scripts / WRITERS[shell][0]).read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in code if re.search(r"\$\(\s*(command\s+)?rnndims|python|`", line)]


def test_powershell_script_is_well_formed(program: Program, scripts: Path) -> None:
    """Outside its quoted strings the PowerShell script's brackets match, and no string is left open."""
    text = (scripts / "rnndims.ps1").read_text(encoding="utf-8")
    bare = []
    for line in text.splitlines():
        rest = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "S", line.partition(" # ")[0] if not line.startswith("#") else "")
        assert "'" not in rest, line
        bare.append(rest)
    stack: list[str] = []
    for mark in "".join(bare):
        if mark in "([{":
            stack.append({"(": ")", "[": "]", "{": "}"}[mark])
        elif mark in ")]}":
            assert stack.pop() == mark
    assert not stack
    for command in program.commands:
        for option in command.options:
            follows = {"choice": " ".join(option.choices), "file": "FILE", "free": "?"}.get(option.kind, "")
            quoted = option.text.replace("'", "''")
            for name in option.names:
                assert f"@('{name}', '{quoted}', '{follows}')" in text
