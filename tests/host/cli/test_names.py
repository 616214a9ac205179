"""Messages of the library on the command line: parameters become options."""

import re

import pytest

from allspin.host.cli.parser import COMMANDS, build_parser, naming_options
from allspin.sim.errors import UserError


def test_a_value_error_is_on_the_parameter_that_it_begins_with():
    with pytest.raises(UserError, match=r"^`rows_per_clock` must be 1$"), naming_options():
        raise ValueError("rows_per_clock must be 1")
    with pytest.raises(UserError, match=r"^`adc_bits` needs `tile_rows`$"), naming_options():
        raise ValueError("`adc_bits` needs `tile_rows`")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_knows_its_options_as_its_help_has_them(name, capsys):
    parser = build_parser([name])
    with pytest.raises(SystemExit):
        parser.parse_args([name, "--help"])
    shown = capsys.readouterr().out.partition("options:")[2]
    listed = set(re.findall(r"^  (?:-\w(?: \S+)?, )?(--[\w-]+)", shown, re.MULTILINE))
    words = ["x", "-o", "x", "--verilog", "x"]
    needed = {
        "train": words[1:3],
        "import": words[:3],
        "fit": words[:3],
        "sweep": words[:3],
        "export": [*words[:1], *words[3:]],
    }
    plain = {"bench", "boards", "demo", "gates", "info", "paper"}
    arguments = parser.parse_args([name, *needed.get(name, [] if name in plain else ["x"])])
    assert set(arguments.options.values()) == listed
