"""Static completion scripts for four shells, written from the commands that Typer has.

``python -m rnndims.cli.completion_scripts completions`` writes all of them into the folder ``completions``.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import typer

from ..dtypes import ITEMSIZES
from .options import FILE

Kind = Literal["flag", "choice", "file", "free"]

SUGGESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "DTYPE": tuple(ITEMSIZES),
    "DEVICE": ("auto", "cpu", "cuda", "mps", "meta"),
}
"""Values worth offering for a metavar whose values are not a closed list."""

TAKES_FILES: Final = ("weights",)
"""Commands whose CONSTRUCTOR may also be the name of a checkpoint file."""


class Option(NamedTuple):
    """One option, or one argument.

    Attributes:
        names: all spellings, the long ones first; empty for an argument.
        text: what it does, one line.
        kind: what follows it: nothing, one of ``choices``, the name of a file, or something that cannot be guessed.
        choices: the values to offer.
        label: the metavar, a word for the value.
        multiple: whether it may be repeated.
        excludes: spellings that are not offered beside it: its own, and those of its opposite.
    """

    names: tuple[str, ...]
    text: str
    kind: Kind
    choices: tuple[str, ...]
    label: str
    multiple: bool
    excludes: tuple[str, ...]


class Subcommand(NamedTuple):
    """One command: ``options`` begin with a dash, ``arguments`` do not."""

    name: str
    text: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]


class Program(NamedTuple):
    """The whole command line; ``options`` are those before the command."""

    options: tuple[Option, ...]
    commands: tuple[Subcommand, ...]


def read_program() -> Program:
    """The program as its Typer commands define it: every command's module is imported."""
    from .app import COMMANDS, app

    group: Any = typer.main.get_command(app)
    commands = []
    for name, (_, text) in COMMANDS.items():
        command: Any = group.commands[name]
        options = [option for param in _params(command) for option in _options(param)]
        arguments = [_argument(name, param) for param in command.params if param.param_type_name == "argument"]
        commands.append(Subcommand(name, _line(text), tuple(options), tuple(arguments)))
    return Program(tuple(option for param in _params(group) for option in _options(param)), tuple(commands))


def _params(command: Any) -> list[Any]:
    context = typer.Context(command, help_option_names=["-h", "--help"])
    return [p for p in command.get_params(context) if p.param_type_name == "option" and not p.hidden]


def _options(param: Any) -> list[Option]:
    """The option, and as a second one its opposite (``--no-bias``), if it has one."""
    names = tuple(sorted(param.opts, key=lambda name: not name.startswith("--")))
    opposite = tuple(param.secondary_opts)
    kind, choices = ("flag", ()) if param.is_flag or getattr(param, "count", False) else _values(param)
    text = _line(param.help or "")
    multiple = bool(param.multiple)
    excludes = () if multiple else names + opposite
    entries = [Option(names, text, kind, choices, _label(param), multiple, excludes)]
    if opposite:
        entries.append(Option(opposite, f"Not {names[0]}", "flag", (), "", multiple, excludes))
    return entries


def _argument(command: str, param: Any) -> Option:
    kind, choices = _values(param)
    if command in TAKES_FILES and kind == "free":
        kind = "file"
    return Option((), _line(getattr(param, "help", None) or ""), kind, choices, _label(param), param.nargs == -1, ())


def _values(param: Any) -> tuple[Kind, tuple[str, ...]]:
    choices = _choices(param)
    if choices:
        return "choice", choices
    return ("file", ()) if FILE in (param.metavar or "").replace("|", " ").split() else ("free", ())


def _choices(param: Any) -> tuple[str, ...]:
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    listed = getattr(getattr(param, "type", None), "choices", None)  # Typer before 0.29
    return tuple(listed) if listed else SUGGESTIONS.get(param.metavar or "", ())


def _label(param: Any) -> str:
    return param.metavar or str(param.name).upper()


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith("...") else line.removesuffix(".")


_BASH_FRAME: Final = r"""# Completion of rnndims for bash. Written by "rnndims completion bash": do not edit.

# _rnndims_option COMMAND OPTION: what follows the option. Sets kind, and values where kind is choice.
_rnndims_option() {
    kind=flag values=
    case $1:$2 in
@OPTIONS@
    esac
}

# _rnndims_argument COMMAND NUMBER: what the argument of that number (from 0) is.
_rnndims_argument() {
    kind=free values=
    case $1:$2 in
@ARGUMENTS@
    esac
}

# _rnndims_names COMMAND: its options.
_rnndims_names() {
    case $1 in
@NAMES@
    esac
}

_rnndims() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} command= option= prefix= kind= values= ended= word i number=0
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = && -n $option && ${COMP_WORDS[i - 1]} == "$option" ]]; then
            continue
        elif [[ $word == [=:] || $word == [=:][=:] ]]; then # bash has split one word in two: a=3, cuda:0
            ((++i < COMP_CWORD)) || return 0
        elif [[ -n $option ]]; then
            option=
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -?* ]]; then
            _rnndims_option "$command" "$word"
            [[ $kind == flag ]] || option=$word
        elif [[ -z $command ]]; then
            command=$word
        else
            ((number += 1))
        fi
    done
    if [[ $cur == = ]]; then
        cur=
    elif [[ $cur == [=:]* ]]; then
        return 0
    fi
    if [[ -z $option && -z $ended && $cur == --*=* ]]; then # "=" did not split the word: bash 3, or the user's choice
        option=${cur%%=*} cur=${cur#*=}
        [[ ${COMP_WORDBREAKS-} == *=* ]] || prefix=$option=
    fi

    if [[ -n $option ]]; then
        _rnndims_option "$command" "$option"
    elif [[ -z $ended && $cur == -* ]]; then
        _rnndims_names "$command"
    elif [[ -z $command ]]; then
        kind=choice values="@COMMANDS@"
    else
        _rnndims_argument "$command" "$number"
        [[ $kind == free && -z $cur$ended ]] && _rnndims_names "$command"
    fi

    if [[ $kind == file ]]; then
        if [[ -z $prefix ]] && compopt -o default 2>/dev/null; then
            return 0 # no reply of our own: readline completes file names
        fi
        while IFS= read -r word; do
            COMPREPLY+=("$prefix$word")
        done < <(compgen -f -- "$cur")
    elif [[ $kind == choice ]]; then
        for word in $values; do
            [[ $word == "$cur"* ]] && COMPREPLY+=("$prefix$word")
        done
    fi
    return 0
}

complete -F _rnndims rnndims
"""


def write_bash(program: Program) -> str:
    """The file ``rnndims.bash``."""
    followed: dict[str, list[str]] = {}
    arguments: dict[str, list[str]] = {}
    names = [_bash_names("''", program.options)]
    for command in program.commands:
        names.append(_bash_names(command.name, command.options))
        for option in command.options:
            if option.kind != "flag":
                followed.setdefault(_bash_reply(option), []).extend(f"{command.name}:{name}" for name in option.names)
        for number, argument in enumerate(command.arguments):
            if argument.kind != "free":
                arguments.setdefault(_bash_reply(argument), []).append(f"{command.name}:{'*' if argument.multiple else number}")
    parts = {
        "OPTIONS": "\n".join(_bash_case("|".join(patterns), reply) for reply, patterns in followed.items()),
        "ARGUMENTS": "\n".join(_bash_case("|".join(patterns), reply) for reply, patterns in arguments.items()),
        "NAMES": "\n".join(names),
        "COMMANDS": " ".join(command.name for command in program.commands),
    }
    text = _BASH_FRAME
    for mark, content in parts.items():
        text = text.replace(f"@{mark}@", content)
    return text


def _bash_case(patterns: str, action: str) -> str:
    return f"        {patterns}) {action} ;;"


def _bash_reply(option: Option) -> str:
    return f'kind=choice values="{" ".join(option.choices)}"' if option.kind == "choice" else f"kind={option.kind}"


def _bash_names(command: str, options: tuple[Option, ...]) -> str:
    long = " ".join(name for option in options for name in option.names if name.startswith("--"))
    return _bash_case(command, f'kind=choice values="{long}"')


_ZSH_FRAME: Final = r"""#compdef rnndims
# Completion of rnndims for zsh. Written by "rnndims completion zsh": do not edit.

@FUNCTIONS@

_rnndims() {
    local curcontext=$curcontext context line state ret=1
    local -a state_descr commands
    typeset -A opt_args
    commands=(
@COMMANDS@
    )
    _arguments -C \
@OPTIONS@ \
        '1:command:->command' \
        '*::argument:->argument' && ret=0
    case $state in
        command) _describe -t commands 'command' commands && ret=0 ;;
        argument)
            curcontext=${curcontext%:*:*}:rnndims-$words[1]:
            (( $+functions[_rnndims_$words[1]] )) && _rnndims_$words[1] && ret=0
            ;;
    esac
    return ret
}

if [[ $funcstack[1] == _rnndims ]]; then
    _rnndims "$@"
else
    compdef _rnndims rnndims
fi
"""


def write_zsh(program: Program) -> str:
    """The file ``_rnndims``."""
    commands = "\n".join(f"        {_zsh_quote(f'{command.name}:{command.text}')}" for command in program.commands)
    options = " \\\n".join(f"        {_zsh_option(option)}" for option in program.options)
    functions = "\n\n".join(_zsh_function(command) for command in program.commands)
    return _ZSH_FRAME.replace("@COMMANDS@", commands).replace("@OPTIONS@", options).replace("@FUNCTIONS@", functions)


def _zsh_function(command: Subcommand) -> str:
    specs = [_zsh_option(option) for option in command.options]
    specs += [
        _zsh_quote(("*" if argument.multiple else "") + ":" + _zsh_value(argument, "()")) for argument in command.arguments
    ]
    return f"_rnndims_{command.name}() {{\n    _arguments -s -S \\\n        " + " \\\n        ".join(specs) + "\n}"


def _zsh_option(option: Option) -> str:
    first = "'*'" if option.multiple else _zsh_quote(f"({' '.join(option.excludes)})")
    spellings = [name + ("=" if name.startswith("--") and option.kind != "flag" else "") for name in option.names]
    spellings = [name if "=" in name or option.kind == "flag" else name + "+" for name in spellings]
    joined = "{" + ",".join(spellings) + "}" if len(spellings) > 1 else spellings[0]
    value = "" if option.kind == "flag" else ":" + _zsh_value(option)
    return first + joined + _zsh_quote(f"[{_zsh_escape(option.text)}]{value}")


def _zsh_value(option: Option, free: str = " ") -> str:
    """What may follow; ``free`` is the action where nothing can be offered: a space shows the label as a message.

    An argument takes ``()`` instead: with a message, zsh lists a single matching option without completing it.
    """
    action = {"choice": f"({' '.join(option.choices)})", "file": "_files"}.get(option.kind, free)
    return f"{_zsh_escape(option.label)}:{action}"


def _zsh_escape(text: str) -> str:
    for mark in ("\\", "[", "]", ":"):
        text = text.replace(mark, "\\" + mark)
    return text


def _zsh_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def write_fish(program: Program) -> str:
    """The file ``rnndims.fish``."""
    lines = [
        '# Completion of rnndims for fish. Written by "rnndims completion fish": do not edit.',
        "",
        "complete -c rnndims -f",
        "",
    ]
    bare = "-n __fish_use_subcommand"
    lines += [_fish_option(bare, option) for option in program.options]
    lines += [f"complete -c rnndims {bare} -a {command.name} -d {_fish_quote(command.text)}" for command in program.commands]
    lines.append("")
    commands: dict[Option, list[str]] = {}
    for command in program.commands:
        for option in (*command.options, *command.arguments):
            commands.setdefault(option, []).append(command.name)
    for option, names in commands.items():
        condition = f"-n '__fish_seen_subcommand_from {' '.join(names)}'"
        if option.names:
            lines.append(_fish_option(condition, option))
        elif option.kind == "file":
            lines.append(f"complete -c rnndims {condition} -F")
        elif option.kind == "choice":
            lines.append(f"complete -c rnndims {condition} -a {_fish_quote(' '.join(option.choices))}")
    return "\n".join(lines) + "\n"


def _fish_option(condition: str, option: Option) -> str:
    words = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    if option.kind == "choice":
        words.append(f"-x -a {_fish_quote(' '.join(option.choices))}")
    elif option.kind == "file":
        words.append("-r -F")
    elif option.kind == "free":
        words.append("-x")
    return f"complete -c rnndims {condition} {' '.join(words)} -d {_fish_quote(option.text)}"


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_POWERSHELL_FRAME: Final = r"""# Completion of rnndims for PowerShell. Written by "rnndims completion powershell": do not edit.

Register-ArgumentCompleter -Native -CommandName rnndims -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = [ordered]@{
@COMMANDS@
    }
    # What follows an option: '' nothing, '?' something that cannot be guessed, 'FILE' a file name, or the values to offer.
    $options = @{
@OPTIONS@
    }
    $arguments = @{
@ARGUMENTS@
    }

    $command = ''
    $option = ''
    $ended = $false
    $number = 0
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        if ($option) { $option = '' }
        elseif (-not $ended -and $word -ceq '--') { $ended = $true }
        elseif (-not $ended -and $word.StartsWith('-')) {
            $known = $options[$command] | Where-Object { $_[0] -ceq $word -and $_[2] }
            if ($known) { $option = $word }
        }
        elseif (-not $command) { $command = $word }
        else { $number++ }
    }
    if (-not $options.ContainsKey($command)) { return '' }

    $current = "$wordToComplete"
    $prefix = ''
    if (-not $option -and -not $ended -and $current -cmatch '^(--[^=]+)=(.*)$') {
        $option = $Matches[1]
        $prefix = "$option="
        $current = $Matches[2]
    }

    $offers = @()
    if ($option) {
        $follows = ($options[$command] | Where-Object { $_[0] -ceq $option } | Select-Object -First 1)
        $values = if ($follows) { $follows[2] } else { '' }
    }
    elseif (-not $ended -and $current.StartsWith('-')) { $values = '-' }
    elseif (-not $command) {
        $values = ''
        $offers = @($commands.Keys | ForEach-Object { , @($_, $commands[$_]) })
    }
    else {
        $expected = @($arguments[$command])
        $values = if ($number -lt $expected.Count) { $expected[$number] } else { '' }
        if ((-not $values -or $values -ceq '?') -and -not $current -and -not $ended) { $values = '-' }
    }

    if ($values -ceq 'FILE' -and -not $prefix) { return } # no reply of our own: PowerShell completes file names
    if ($values -ceq 'FILE') {
        $offers = @(Get-ChildItem "$current*" -ErrorAction SilentlyContinue | ForEach-Object { , @($_.Name, $_.FullName) })
        $folder = $current -creplace '[^/\\]*$', ''
        $prefix = "$prefix$folder"
        $current = $current.Substring($folder.Length)
    }
    elseif ($values -ceq '-') {
        $offers = @($options[$command] | Where-Object { $_[0].StartsWith('--') -or $current.Length -eq 2 })
    }
    elseif ($values -and $values -cne '?') {
        $offers = @($values.Split(' ') | ForEach-Object { , @($_, $_) })
    }

    $found = @($offers | Where-Object { $_[0].StartsWith($current, [StringComparison]::Ordinal) })
    if ($found.Count -eq 0) { return '' } # an empty reply: else PowerShell would offer file names
    foreach ($offer in $found) {
        $text = "$prefix$($offer[0])"
        $tip = if ($offer[1]) { $offer[1] } else { $text }
        [System.Management.Automation.CompletionResult]::new($text, $offer[0], 'ParameterValue', $tip)
    }
}
"""


def write_powershell(program: Program) -> str:
    """The file ``rnndims.ps1``."""
    commands = [f"        {_ps_quote(command.name)} = {_ps_quote(command.text)}" for command in program.commands]
    options = [
        _ps_table("", program.options),
        *(_ps_table(command.name, command.options) for command in program.commands),
    ]
    arguments = [
        f"        {_ps_quote(command.name)} = @({', '.join(_ps_quote(_ps_follows(each)) for each in command.arguments)})"
        for command in program.commands
    ]
    text = _POWERSHELL_FRAME
    for mark, lines in (("COMMANDS", commands), ("OPTIONS", options), ("ARGUMENTS", arguments)):
        text = text.replace(f"@{mark}@", "\n".join(lines))
    return text


def _ps_table(command: str, options: tuple[Option, ...]) -> str:
    rows = ",\n".join(
        f"            @({_ps_quote(name)}, {_ps_quote(option.text)}, {_ps_quote(_ps_follows(option))})"
        for option in options
        for name in option.names
    )
    return f"        {_ps_quote(command)} = @(\n{rows}\n        )"


def _ps_follows(option: Option) -> str:
    return {"choice": " ".join(option.choices), "file": "FILE", "free": "?"}.get(option.kind, "")


def _ps_quote(text: str) -> str:
    for mark in "'\u2018\u2019\u201a\u201b":  # to PowerShell typographic quotes are quotes
        text = text.replace(mark, mark + mark)
    return f"'{text}'"


WRITERS: Final[dict[str, tuple[str, Callable[[Program], str]]]] = {
    "bash": ("rnndims.bash", write_bash),
    "zsh": ("_rnndims", write_zsh),
    "fish": ("rnndims.fish", write_fish),
    "powershell": ("rnndims.ps1", write_powershell),
}
"""For each shell the name its file has in ``completions/``, and the function that writes it."""


def write_all(folder: Path) -> None:
    """Write the four scripts into ``folder``, under the names that the shells look for."""
    program = read_program()
    for name, write in WRITERS.values():
        (folder / name).write_text(write(program), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
