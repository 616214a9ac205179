"""Help of a command as plain text: its docstring, its options by object, and examples."""

import inspect
import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any

from cyclopts import App
from cyclopts.argument import Argument, ArgumentCollection
from cyclopts.help.help import _resolve_metavar

from allspin.host.cli.recipe import only_in_recipe, recipe_key

WIDTH = 79
"""Largest width of the text in columns."""
HELP_AT = 24
"""Column at which the texts of options begin."""


def command_help(app: App, arguments: ArgumentCollection, examples: str) -> str:
    """Return the help of a command.

    Parameters
    ----------
    app : App
        Parser of the command.
    arguments : ArgumentCollection
        Arguments of the command, with their texts.
    examples : str
        Lines behind the options.
    """
    width = min(WIDTH, shutil.get_terminal_size().columns - 2)
    names = {argument.field_info.name: _flag(argument) for argument in arguments}
    top = [argument for argument in arguments if not argument.keys and argument.parse]
    positional = [argument for argument in top if argument.index is not None]
    plain = [argument for argument in top if argument.index is None and not argument.children]
    parts = [_usage(app.name[0], positional), _description(app.default_command, width)]
    blocks = [("arguments", positional), ("options", plain)]
    for argument in top:
        if argument.children:
            blocks.append((argument.field_info.name.replace("_", " "), _leaves(argument)))
    for title, members in blocks:
        lines = [_entry(member, names, width) for member in members if member.show]
        if members is plain:
            lines.append(_lines("-h, --help", "Show this help and exit", width))
        if lines:
            parts.append("\n".join([f"{title}:", *lines]))
    keys = [_entry(each, names, width) for each in arguments if only_in_recipe(each)]
    if keys:
        parts.append("\n".join(["further keys of the recipe:", *keys]))
    return "\n\n".join([*parts, examples.rstrip("\n")])


def _usage(program: str, positional: Iterable[Argument]) -> str:
    words = [program, "[options]"]
    for argument in positional:
        many = "..." if argument.token_count()[1] else ""
        word = f"{_metavar(argument)}{many}"
        words.append(word if argument.required else f"[{word}]")
    return f"usage: {' '.join(words)}"


def _description(function: Any, width: int) -> str:
    """Return the text of a function before its parameters."""
    text = inspect.getdoc(function) or ""
    text = re.split(r"\n\nParameters\n-{3,}\n", text)[0]
    paragraphs = _bare(text, {}).split("\n\n")
    return "\n\n".join(textwrap.fill(each, width) for each in paragraphs)


def _leaves(argument: Argument) -> list[Argument]:
    return [each for each in argument.children_recursive if not each.children and each.parse]


def _flag(argument: Argument) -> str:
    if only_in_recipe(argument):
        return recipe_key(argument)
    return next((name for name in argument.names if name.startswith("--")), argument.name)


def _metavar(argument: Argument) -> str:
    return argument.parameter.metavar or argument.name.lstrip("-").upper()


def _entry(argument: Argument, names: dict[str, str], width: int) -> str:
    if argument.index is not None:
        label = _metavar(argument)
    elif only_in_recipe(argument):
        label = recipe_key(argument)
    else:
        label = ", ".join(sorted(argument.names, key=len))
        value = argument.parameter.metavar or _resolve_metavar(argument)
        if not argument.is_flag() and value:
            label = f"{label} {value}"
    text = _bare(argument.parameter.help or "", names).rstrip(".")
    choices = argument.get_choices()
    if choices and not all(choice in text for choice in choices):
        text = f"{text}: {', '.join(choices)}"
    if argument.required:
        text = f"{text} (needed)"
    elif default := _default(argument):
        text = f"{text} ({default})"
    return _lines(label, text, width)


def _default(argument: Argument) -> str:
    """Return the default of an argument as help shows it; empty without a default."""
    value = argument.field_info.default
    shown = argument.parameter.show_default
    if callable(shown):
        return shown(value)
    if isinstance(shown, str):
        return shown
    if only_in_recipe(argument):
        hidden = value is None or value is argument.field_info.empty
    else:
        hidden = not argument.show_default
    if hidden or value is False or value in ((), ""):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(label: str, text: str, width: int) -> str:
    """Return two columns: the label, and the text that is wrapped beside or below it."""
    indent = " " * HELP_AT
    wrapped = textwrap.wrap(text, width - HELP_AT) or [""]
    head = f"  {label}"
    if len(head) + 2 > HELP_AT:
        return "\n".join([head, *(indent + line for line in wrapped)])
    first = f"{head:{HELP_AT}}{wrapped[0]}".rstrip()
    return "\n".join([first, *(indent + line for line in wrapped[1:])])


def _bare(text: str, names: dict[str, str]) -> str:
    """Return a docstring's text without its quotes, with the options' names of parameters."""
    text = re.sub(r"``([^`]*)``", r"\1", text)
    return re.sub(r"`([^`]*)`", lambda match: names.get(match[1], match[1]), text)
