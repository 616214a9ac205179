"""Completion in a shell: cyclopts's scripts, which ask this program for names."""

from collections.abc import Sequence

from cyclopts import App, Parameter

from allspin.host.cli.commands import COMMANDS, load_command
from allspin.sim.errors import UserError
from allspin.sim.systems import naming_extras


def whole_app(names: Sequence[str] = tuple(COMMANDS)) -> App:
    """Make a parser of several commands; those that lack a package here are left out."""
    app = App(
        name="allspin",
        default_parameter=Parameter(negative=(), show_env_var=False),
        help_flags=("--help", "-h"),
        version_flags=("--version",),
    )
    for name in names:
        try:
            with naming_extras():
                run = load_command(name).run
            app.command(run, name=name, help=COMMANDS[name], version_flags=())
        except UserError:
            continue
    return app


def completion_script(shell: str) -> str:
    """Return the script that completes command lines in ``bash``, ``zsh`` or ``fish``."""
    script = whole_app().generate_completion(prog_name="allspin", shell=shell)  # pyright: ignore
    # zsh calls the function by the name of its file, which is ours to choose.
    return script.replace("_cyclopts_allspin", "_allspin")


def complete(words: Sequence[str]) -> None:
    """Print the completions of the last word of a command line that a script asks about."""
    names = [word for word in words if word in COMMANDS][:1]
    whole_app(names)._run_complete(words[1:])
