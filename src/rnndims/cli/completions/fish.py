"""The completion script for fish 3.0 and later."""

from .model import Option, Program


def script(program: Program) -> str:
    """The file ``rnndims.fish``."""
    lines = [
        '# Completion of rnndims for fish. Written by "rnndims completion fish": do not edit.',
        "",
        "complete -c rnndims -f",
        "",
    ]
    bare = "-n __fish_use_subcommand"
    lines += [_option(bare, option) for option in program.options]
    lines += [f"complete -c rnndims {bare} -a {command.name} -d {_quote(command.text)}" for command in program.commands]
    lines.append("")
    places: dict[Option, list[str]] = {}
    for command in program.commands:
        for option in (*command.options, *command.arguments):
            places.setdefault(option, []).append(command.name)
    for option, names in places.items():
        seen = f"-n '__fish_seen_subcommand_from {' '.join(names)}'"
        if option.names:
            lines.append(_option(seen, option))
        elif option.kind == "file":
            lines.append(f"complete -c rnndims {seen} -F")
        elif option.kind == "choice":
            lines.append(f"complete -c rnndims {seen} -a {_quote(' '.join(option.choices))}")
    return "\n".join(lines) + "\n"


def _option(condition: str, option: Option) -> str:
    words = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    if option.kind == "choice":
        words.append(f"-x -a {_quote(' '.join(option.choices))}")
    elif option.kind == "file":
        words.append("-r -F")
    elif option.kind == "free":
        words.append("-x")
    return f"complete -c rnndims {condition} {' '.join(words)} -d {_quote(option.text)}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
