"""A command read by cyclopts: its function's signature and numpydoc text are its options."""

import inspect
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from cyclopts import App, Parameter
from cyclopts.argument import ArgumentCollection
from cyclopts.exceptions import (
    CycloptsError,
    MissingArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from allspin.host.cli import commands
from allspin.host.cli.commands import UsageError
from allspin.host.cli.help import command_help
from allspin.host.cli.recipe import PARAMETER, Recipe, only_in_recipe, recipe_key
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.sim.errors import UserError

HELP_FLAGS = ("-h", "--help")


def command_app(name: str, recipe: Recipe) -> App:
    """Make the parser of a command of `allspin.host.cli.commands.COMMANDS`.

    Parameters
    ----------
    name : str
        The command.
    recipe : Recipe
        Reader of the file that its option ``--recipe`` names, if it has one.
    """
    command = commands.load_command(name)
    app = App(
        name=f"allspin {name}",
        config=(recipe, check_words),
        default_parameter=Parameter(negative=(), show_env_var=False),
        help_flags=(),
        version_flags=(),
        end_of_options_delimiter="--",
    )
    app.default(command.run)
    return app


def arguments_of(app: App) -> ArgumentCollection:
    """Collect the arguments of a command with their help."""
    return app.assemble_argument_collection(parse_docstring=True)


def option_names(arguments: ArgumentCollection) -> dict[str, str]:
    """Map each parameter to its option, such as ``keep_states`` to ``--keep-states``.

    A parameter that only a recipe has is mapped to its key.
    """
    names = {}
    for argument in arguments:
        options = [name for name in argument.names if name.startswith("--")]
        if options and argument.parse:
            names[argument.field_info.name] = names[recipe_key(argument)] = options[0]
        elif only_in_recipe(argument):
            names[argument.field_info.name] = recipe_key(argument)
    return names


def check_words(_: Any, __: Any, arguments: ArgumentCollection) -> None:
    """Refuse words that cyclopts would silently change: ``1.5`` to 2, ``--keep_states``.

    Raises
    ------
    UserError
        If a word is not an option, or not a whole number.
    """
    for argument in arguments:
        for token in argument.tokens:
            name = token.keyword or argument.name
            if token.source == "cli" and token.keyword and "_" in token.keyword.partition("=")[0]:
                raise UserError(f"the option {name} is called {argument.name}")
            whole = argument.resolved_hint is int and argument.parameter.converter is None
            if whole and not re.fullmatch(r"[+-]?\d+", token.value):
                raise UserError(f"{name} must be a whole number, not {token.value!r}")


def perform(name: str, words: Sequence[str]) -> int:
    """Run a command, and return its exit status.

    Parameters
    ----------
    name : str
        Key of `allspin.host.cli.commands.COMMANDS`.
    words : sequence of str
        Words after the command.

    Raises
    ------
    UsageError
        If the words do not fit the command's signature.
    UserError
        If the command or one of its objects refuses a value. The message names parameters as
        options: ``--rows-per-clock``.
    """
    recipe = Recipe()
    app = command_app(name, recipe)
    options = words[: words.index("--")] if "--" in words else words
    if any(flag in options for flag in HELP_FLAGS):
        say(command_help(app, arguments_of(app), commands.load_command(name).EXAMPLES))
        return 0

    def named(text: str) -> str:
        return _with_options(text, option_names(arguments_of(app)), recipe)

    try:
        function, bound, unparsed = _read(app, words, recipe)
        with Steps(named=named) as steps:
            if "steps" in unparsed:
                bound.arguments["steps"] = steps
            return function(*bound.args, **bound.kwargs)
    except UserError as error:
        message = named(str(error))
        at_fault = recipe.at_fault(str(error))
        raise UserError(f"{recipe.path}: {message}" if at_fault else message) from error


def _with_options(message: str, known: dict[str, str], recipe: Recipe) -> str:
    """Replace names of parameters by their options, or by keys if the values are a recipe's."""

    def option(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return recipe.given.get(name) or known.get(name, name)

    return PARAMETER.sub(option, message)


def _read(
    app: App, words: Sequence[str], recipe: Recipe
) -> tuple[Any, inspect.BoundArguments, dict[str, Any]]:
    """Read the words of a command line; raise a `UserError` if an object refuses a value."""
    try:
        return app.parse_args(list(words), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        error.verbose = False
        message = str(error).rstrip(".")
        if isinstance(error, UnusedCliTokensError):
            message = f"unexpected words: {' '.join(error.unused_tokens or ())}"
        if isinstance(error, UnknownOptionError):
            key = (error.token.keyword or "").removeprefix("--").replace("-", "_")
            if key in map(recipe_key, filter(only_in_recipe, arguments_of(app))):
                message = f"{error.token.keyword} is the key {key} of --recipe"
        if isinstance(error, MissingArgumentError) and error.argument is not None:
            name = error.argument.name
            if not any(word.partition("=")[0] in error.argument.names for word in words):
                message = f"{name} is needed"
            if recipe.given and error.argument.keys:  # of an object that only a recipe began
                raise UserError(f"{recipe.path}: {message} for one of its keys") from error
        message = _with_options(message, option_names(arguments_of(app)), recipe)
        token = getattr(error, "token", None)
        if token is not None and token.source == str(recipe.path):
            raise UserError(f"{recipe.path}: {message}") from error
        raise UsageError(app.name[0], message) from error
    except (ValueError, TypeError) as error:
        raise UserError(str(error)) from error


def read_words(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Read the words of a command line without running the command.

    Parameters
    ----------
    name : str
        Key of `allspin.host.cli.commands.COMMANDS`.
    words : sequence of str
        Words after the command.

    Returns
    -------
    dict of str to object
        Values of the parameters on the command line.

    Raises
    ------
    UsageError
        If the words do not fit the command's signature.
    """
    recipe = Recipe()
    return _read(command_app(name, recipe), words, recipe)[1].arguments


def is_given(value: object) -> bool:
    """Return True if an option was given: neither None, False nor empty."""
    return value is not None and value is not False and value != ()


def check_needs(options: Mapping[str, object], needed: Mapping[str, object]) -> None:
    """Refuse options that have no effect without another option.

    Parameters
    ----------
    options, needed : dict of str to object
        Values by the names of parameters. Any of `needed` suffices.

    Raises
    ------
    UserError
        If one of `options` is given, and all of `needed` are missing.
    """
    if any(map(is_given, needed.values())):
        return
    for name, value in options.items():
        if is_given(value):
            raise UserError(f"`{name}` needs {' or '.join(f'`{other}`' for other in needed)}")


def check_excludes(option: Mapping[str, object], excluded: Mapping[str, object]) -> None:
    """Refuse options that exclude another option.

    Parameters
    ----------
    option, excluded : dict of str to object
        Values by the names of parameters.

    Raises
    ------
    UserError
        If one of `option` is given, and one of `excluded`.
    """
    for name, value in option.items():
        for other, another in excluded.items():
            if is_given(value) and is_given(another):
                raise UserError(f"`{other}` does not go with `{name}`: leave one of them out")


def need_pictures(wanted: object) -> None:
    """Refuse pictures early if Matplotlib is missing: a command may draw them hours later."""
    if is_given(wanted):
        import_module("matplotlib")
