"""Completion: the scripts say what the commands define, and real shells complete by them without starting Python."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from terminals import PROMPT, STARTERS, Terminal

from rnndims.cli.completion_scripts import WRITERS, Program, read_program, write_all

ROOT = Path(__file__).parents[1]


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
    assert committed == write(program), "run: python -m rnndims.cli.completion_scripts completions"


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
        first_columns = [line.strip().partition("  ")[0] for line in listed.splitlines() if line.startswith("  -")]
        shown = {name for column in first_columns for name in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", column)}
        known = {name for option in command.options for name in option.names}
        assert known <= shown, command.name
        assert {name for name in shown if name.startswith("--")} <= known, command.name


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
    (folder / "saved models").mkdir()
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
    got = str(re.findall(r"GOT(<[^\n]*>)\n", screen)[-1])
    return got.replace("/>", ">")  # zsh takes the slash behind a directory back


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
        ("weights -D a=3 mod", "<weights><-D><a=3><model.pt>"),
        ("weights --define a=mod", "<weights><--define><a=mod>"),
        ("weights sav", "<weights><saved models>"),
        ("weights -l mod", "<weights><-l><mod>"),
        ("run --device cuda:mod", "<run><--device><cuda:mod>"),
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dims", "--cell=l"], ["lstm"]),
        (["dims", "--from-jsonl=da"], ["data.jsonl"]),
        (["weights", "mod"], ["model.pt"]),
        (["dims", "--cell", "g"], ["gru"]),
        (["dims", "-i", ""], []),
    ],
)
def test_bash_3(words: list[str], expected: list[str], scripts: Path, tmp_path: Path) -> None:
    """The bash of macOS, which does not split words at "=" and has no compopt, gets the replies that fit it."""
    bash = shutil.which("bash")
    if bash is None or os.name == "nt":
        pytest.skip("no bash here")
    for name in ("model.pt", "data.jsonl"):
        (tmp_path / name).touch()
    code = (
        'enable -n compopt; source "$0/rnndims.bash"; COMP_WORDBREAKS=\'= :\'; COMP_WORDS=(rnndims "$@"); COMP_CWORD=$#; '
        'COMPREPLY=(); _rnndims; for word in "${COMPREPLY[@]}"; do echo "$word"; done'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", code, str(scripts), *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == expected
    assert done.stderr == ""


def hostile(program: Program) -> Program:
    """``program`` with help texts full of what shells take for syntax."""
    text = 'it\'s [a:b] $HOME "q" `id` \\ \u2018x %s {y} (z) #'
    commands = [
        command._replace(text=text, options=tuple(option._replace(text=text) for option in command.options))
        for command in program.commands
    ]
    return program._replace(commands=tuple(commands))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_texts_cannot_break_a_script(shell: str, program: Program, tmp_path: Path) -> None:
    """Quotes, brackets and substitutions in a help text leave the script valid, and run nothing."""
    path = shutil.which(shell)
    if path is None or os.name == "nt":
        pytest.skip(f"no {shell} here")
    file = tmp_path / "script"
    file.write_text(WRITERS[shell][1](hostile(program)), encoding="utf-8")
    done = subprocess.run([path, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "`id`" not in re.sub(r"'[^']*'", "", file.read_text(encoding="utf-8").replace("'\\''", "").replace("\\'", ""))


@pytest.mark.parametrize("change", [lambda program: program, hostile])
def test_powershell_script_is_well_formed(change: Callable[[Program], Program], program: Program) -> None:
    """Outside its quoted strings the PowerShell script's brackets match, and no string is left open."""
    program = change(program)
    text = WRITERS["powershell"][1](program)
    quote, no_quote = "['\u2018\u2019\u201a\u201b]", "[^'\u2018\u2019\u201a\u201b]"
    bare = []
    for line in text.splitlines():
        rest = re.sub(rf"'(?:{no_quote}|({quote})\1)*'", "S", "" if line.lstrip().startswith("#") else line)
        rest = re.sub(r'"[^"]*"', "S", rest.partition(" # ")[0])
        assert not re.search(quote, rest), line
        bare.append(rest)
    stack: list[str] = []
    for mark in "".join(bare):
        if mark in "([{":
            stack.append({"(": ")", "[": "]", "{": "}"}[mark])
        elif mark in ")]}":
            assert stack.pop() == mark
    assert not stack
    for command in program.commands:
        assert f"        '{command.name}' = @(\n" in text
        for option in command.options:
            follows = {"choice": " ".join(option.choices), "file": "FILE", "free": "?"}.get(option.kind, "")
            for name in option.names:
                assert re.search(rf"@\('{name}', '.*', '{re.escape(follows)}'\)", text)
