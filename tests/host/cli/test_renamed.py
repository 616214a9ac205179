"""An option means one thing in all commands; old spellings work, and say the new ones."""

import re
from typing import Any

import pytest

from allspin.host.cli.commands import COMMANDS, GROUPS, RENAMED, build_parser, renewed

PARSER = build_parser(list(COMMANDS))
COMMON = {
    "import": ["import", "model.onnx", "-o", "net"],
    "sweep": ["sweep", "-o", "table.csv"],
    "chips": ["chips", "paper-10"],
}
VALUES = {"--chips": "3", "--first": "5", "--bits": "6", "--frequency": "9000000", "--port": "x"}


@pytest.mark.parametrize(
    ("command", "old"), [(command, old) for command in RENAMED for old in RENAMED[command]]
)
def test_an_old_spelling_is_the_new_one(command, old, capsys):
    begin = COMMON.get(command, [command, "mnist-10"])
    new = RENAMED[command][old]
    value = [] if new[0] in ("--keep-states", "--chip-maker") else [VALUES[old]]
    expected = PARSER.parse_args([*begin, *(word for flag in new for word in (flag, *value))])
    for words in ([old, *value], [f"{old}={value[0]}"] if value else [old]):
        found = PARSER.parse_args(renewed([*begin, *words]))
        assert vars(found) | {"options": 0} == vars(expected) | {"options": 0}
        assert capsys.readouterr() == ("", f"allspin: {old} is now {' and '.join(new)}\n")
    assert renewed([*begin, *new]) == [*begin, *new]
    assert capsys.readouterr().err == ""


def test_an_option_is_a_switch_in_all_commands_or_in_none_and_has_one_unit():
    kinds: dict[str, set[Any]] = {}
    for command in PARSER._subparsers._group_actions[0].choices.values():  # type: ignore
        for action in command._actions:
            for flag in action.option_strings:
                kinds.setdefault(flag, set()).add(
                    (action.nargs == 0, flag in ("--frequency", "--port") and action.metavar)
                )
    # A sweep varies what is a switch elsewhere.
    assert [flag for flag in kinds if len(kinds[flag]) > 1] == ["--calibrate"]


def test_help_lists_each_command_in_its_group(cli):
    text, _ = cli.run("--help")
    found = re.findall(r"(?m)^  (?:(\w+):|  (\w+) {2,}.*)$", text.partition("examples:")[0])
    expected = [
        each for group in GROUPS for each in [(group, ""), *(("", name) for name in GROUPS[group])]
    ]
    assert [each for each in found if each in expected] == expected
    assert list(GROUPS) == ["start", "devices", "hardware"]
