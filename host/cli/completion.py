"""Completion in a shell: shtab's script, with the names of networks, devices and boards."""

import argparse
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import shtab

from allspin.host.data.catalogue import shipped_devices, shipped_networks
from allspin.host.draw.picture_style import STYLES
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.sim.network.neuron import NEURONS
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES, SCHEMES
from allspin.sim.systems import MissingPackage, naming_extras

Complete = str | Mapping[str, Any]
FILES = {
    "bash": 'compgen -f -- "$1"',
    "zsh": "_files",
    "fish": "__fish_complete_path (commandline -ct)",
}
"""What completes a file in each shell."""


def _names(kind: str, names: Iterable[str], files: bool = False) -> Complete:
    """Complete one of some names, or also a file: a function of the shell's."""
    function, words = f"_allspin_{kind}", " ".join(names)
    more = {shell: f"\n  {command}" if files else "" for shell, command in FILES.items()}
    bash = f'{function}() {{\n  compgen -W "{words}" -- "$1"{more["bash"]}\n}}'
    zsh = f"{function}() {{\n  compadd -- {words}{more['zsh']}\n}}"
    fish = f"function {function}\n  string split ' ' '{words}'{more['fish']}\nend"
    return {
        "bash": function,
        "zsh": function,
        "fish": f"({function})",
        "preamble": {"bash": bash, "zsh": zsh, "fish": fish},
    }


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes a command line.

    Parameters
    ----------
    parser : ArgumentParser
        With all commands; how its values are completed is noted in it.
    shell : str
        ``bash``, ``zsh`` or ``fish``.
    """
    known: Iterable[str] = ()
    with contextlib.suppress(MissingPackage), naming_extras():
        from allspin.boards.catalogue import find_boards

        known = find_boards()
    boards = _names("board", known)
    by_metavar: dict[str, Complete] = {
        "NET": _names("network", shipped_networks(), files=True),
        "DEVICE": _names("device", shipped_devices(), files=True),
        "DATA": "file",
        "DIR": "directory",
        "BOARD": boards,
        "BOARD[:PROFILE]": boards,
    }
    by_name = {
        "on": _names("machine", (GOLDEN, VIRTUAL, AUTO), files=True),
        "scheme": _names("scheme", SCHEMES),
        "program": _names("scheme", SCHEMES),
        "style": _names("style", STYLES, files=True),
        "polarity": _names("polarity", POLARITIES),
        "level_choice": _names("levels", LEVEL_CHOICES),
        "neuron": _names("neuron", NEURONS),
    }
    tested = _names("tested", (VIRTUAL, AUTO), files=True)
    for command, action in _actions(parser):
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        complete = by_name.get(action.dest) or by_metavar.get(metavar)
        if (command, action.dest) == ("selftest", "on"):
            complete = tested
        if complete is None and action.type in ("file", Path):
            complete = "file"
        if complete is not None and action.choices is None:
            action.complete = complete  # pyright: ignore[reportAttributeAccessIssue]  # shtab's
    return shtab.complete(parser, shell)


def _actions(
    parser: argparse.ArgumentParser, command: str = ""
) -> Iterable[tuple[str, argparse.Action]]:
    """All options and words of a parser and of its commands, each with its command's name.

    A command is described by the line that a list of commands has: shells show one line.
    """
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                own = action.choices[choice.dest]
                own.description = choice.help
                yield from _actions(own, choice.dest)
        else:
            yield command, action
