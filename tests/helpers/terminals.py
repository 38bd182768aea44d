"""Real shells on a pseudo-terminal, for the tests of completion."""

import os
import re
import select
import shutil
import struct
import time
import warnings
from collections.abc import Callable
from pathlib import Path

PROMPT = "READY>"
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-HJK]|\r")
ESCAPES = re.compile(r"\x1b\[[0-9;?>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b[=>78MH]|\x0f")


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
