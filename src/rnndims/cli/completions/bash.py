"""The completion script for bash 3.2 and later, with or without the bash-completion package."""

from typing import Final

from .model import Option, Program

_FRAME: Final = r"""# Completion of rnndims for bash. Written by "rnndims completion bash": do not edit.

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


def script(program: Program) -> str:
    """The file ``rnndims.bash``."""
    followed: dict[str, list[str]] = {}
    arguments: dict[str, list[str]] = {}
    names = [_names("''", program.options)]
    for command in program.commands:
        names.append(_names(command.name, command.options))
        for option in command.options:
            if option.kind != "flag":
                followed.setdefault(_reply(option), []).extend(f"{command.name}:{name}" for name in option.names)
        for number, argument in enumerate(command.arguments):
            if argument.kind != "free":
                arguments.setdefault(_reply(argument), []).append(f"{command.name}:{'*' if argument.multiple else number}")
    parts = {
        "OPTIONS": "\n".join(_case("|".join(patterns), reply) for reply, patterns in followed.items()),
        "ARGUMENTS": "\n".join(_case("|".join(patterns), reply) for reply, patterns in arguments.items()),
        "NAMES": "\n".join(names),
        "COMMANDS": " ".join(command.name for command in program.commands),
    }
    text = _FRAME
    for mark, content in parts.items():
        text = text.replace(f"@{mark}@", content)
    return text


def _case(patterns: str, action: str) -> str:
    return f"        {patterns}) {action} ;;"


def _reply(option: Option) -> str:
    return f'kind=choice values="{" ".join(option.choices)}"' if option.kind == "choice" else f"kind={option.kind}"


def _names(command: str, options: tuple[Option, ...]) -> str:
    long = " ".join(name for option in options for name in option.names if name.startswith("--"))
    return _case(command, f'kind=choice values="{long}"')
