"""The completion script for PowerShell 5.1 and later."""

from typing import Final

from .model import Option, Program

_FRAME: Final = r"""# Completion of rnndims for PowerShell. Written by "rnndims completion powershell": do not edit.

Register-ArgumentCompleter -Native -CommandName rnndims -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = [ordered]@{
@COMMANDS@
    }
    # What follows an option: '' nothing, '?' something nobody can guess, 'FILE' a file name, or the values to offer.
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
    if ($found.Count -eq 0) { return '' } # an empty reply, so that PowerShell offers no file names instead
    foreach ($offer in $found) {
        $text = "$prefix$($offer[0])"
        $tip = if ($offer[1]) { $offer[1] } else { $text }
        [System.Management.Automation.CompletionResult]::new($text, $offer[0], 'ParameterValue', $tip)
    }
}
"""


def script(program: Program) -> str:
    """The file ``rnndims.ps1``."""
    commands = [f"        {_quote(command.name)} = {_quote(command.text)}" for command in program.commands]
    options = [_table("", program.options), *(_table(command.name, command.options) for command in program.commands)]
    arguments = [
        f"        {_quote(command.name)} = @({', '.join(_quote(_follows(argument)) for argument in command.arguments)})"
        for command in program.commands
    ]
    text = _FRAME
    for mark, lines in (("COMMANDS", commands), ("OPTIONS", options), ("ARGUMENTS", arguments)):
        text = text.replace(f"@{mark}@", "\n".join(lines))
    return text


def _table(command: str, options: tuple[Option, ...]) -> str:
    rows = ",\n".join(
        f"            @({_quote(name)}, {_quote(option.text)}, {_quote(_follows(option))})"
        for option in options
        for name in option.names
    )
    return f"        {_quote(command)} = @(\n{rows}\n        )"


def _follows(option: Option) -> str:
    return {"choice": " ".join(option.choices), "file": "FILE", "free": "?"}.get(option.kind, "")


def _quote(text: str) -> str:
    for mark in "'\u2018\u2019\u201a\u201b":  # PowerShell takes typographic quotes for quotes
        text = text.replace(mark, mark + mark)
    return f"'{text}'"
