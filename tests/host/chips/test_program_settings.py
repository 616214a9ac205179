"""Settings of programming come from a scheme's name or a file; errors name the file."""

from pathlib import Path

import pytest

from allspin.host.chips.program_settings import ProgramSettings
from allspin.host.cli.main import main
from allspin.sim.errors import UserError
from allspin.sim.programming.schemes import SCHEMES, Programming


def test_a_name_or_a_file_gives_the_settings(tmp_path: Path) -> None:
    for scheme in SCHEMES:
        assert ProgramSettings.open(scheme) == ProgramSettings(scheme)
    path = tmp_path / "p.toml"
    path.write_text("scheme = 'incremental'\npolarity = 'halves'\nband = 0.1")
    found = ProgramSettings.open(path)
    assert found.programming(5) == Programming("incremental", "halves", 5, 0.1)
    path.write_text("")
    assert ProgramSettings.open(path).programming(8) == Programming()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("tries = 3", "tries"),
        ("scheme = 'pulse-width'\nband = 0.1", "band"),
        ("scheme = 'blind'", "open-loop, pulse-width"),
        ("scheme = 'write-verify'\ntries = true", "tries"),
        ("scheme = 'write-verify'\ntries = 0", "1 to 1024"),
        ("scheme = 'write-verify'\ntries = 2.5", "tries"),
        ("scheme = 'write-verify'\nband = 2", "1e-06 to 0.5"),
        ("polarity = ['halves']", "polarity"),
        ("program = 'open-loop'", "program"),
        ("scheme = ", "Invalid"),
    ],
)
def test_a_file_that_has_anything_else_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=named) as caught:
        ProgramSettings.open(path)
    assert str(caught.value).startswith(f"{path} is no programming file: ")


@pytest.mark.parametrize("program", ["blind", "missing.toml", "open-loop.tom"])
def test_a_word_that_is_neither_is_refused(program: str) -> None:
    with pytest.raises(UserError, match=program):
        ProgramSettings.open(program)


@pytest.mark.parametrize("text", ["scheme = 'open-loop'", "tries = 0", "band = 'x'"])
def test_many_chips_have_settings_and_no_scheme(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    assert main(["chips", "paper-10", "--program", str(path)]) == 2
    assert f"{path} is no programming file" in capsys.readouterr().err
