"""The completion script for zsh: autoloaded through fpath, or sourced."""

from typing import Final

from .model import Command, Option, Program

_FRAME: Final = r"""#compdef rnndims
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


def script(program: Program) -> str:
    """The file ``_rnndims``."""
    commands = "\n".join(f"        {_quote(f'{command.name}:{command.text}')}" for command in program.commands)
    options = " \\\n".join(f"        {_option(option)}" for option in program.options)
    functions = "\n\n".join(_function(command) for command in program.commands)
    return _FRAME.replace("@COMMANDS@", commands).replace("@OPTIONS@", options).replace("@FUNCTIONS@", functions)


def _function(command: Command) -> str:
    specs = [_option(option) for option in command.options]
    specs += [_quote(("*" if argument.multiple else "") + ":" + _value(argument, "()")) for argument in command.arguments]
    return f"_rnndims_{command.name}() {{\n    _arguments -s -S \\\n        " + " \\\n        ".join(specs) + "\n}"


def _option(option: Option) -> str:
    first = "'*'" if option.multiple else _quote(f"({' '.join(option.excludes)})")
    spellings = [name + ("=" if name.startswith("--") and option.kind != "flag" else "") for name in option.names]
    spellings = [name if "=" in name or option.kind == "flag" else name + "+" for name in spellings]
    joined = "{" + ",".join(spellings) + "}" if len(spellings) > 1 else spellings[0]
    value = "" if option.kind == "flag" else ":" + _value(option)
    return first + joined + _quote(f"[{_escape(option.text)}]{value}")


def _value(option: Option, free: str = " ") -> str:
    """What may follow; ``free`` is the action where nothing can be offered: a space shows the label as a message.

    An argument takes ``()`` instead: with a message, zsh lists a single matching option without completing it.
    """
    action = {"choice": f"({' '.join(option.choices)})", "file": "_files"}.get(option.kind, free)
    return f"{_escape(option.label)}:{action}"


def _escape(text: str) -> str:
    for mark in ("\\", "[", "]", ":"):
        text = text.replace(mark, "\\" + mark)
    return text


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
