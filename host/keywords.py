"""What public functions share: keywords for their options, and progress while they work."""

import functools
import inspect
import itertools
import typing
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from allspin.host.show.progress import showing
from allspin.host.show.say import with_keywords
from allspin.sim.errors import UserError, meant
from allspin.sim.parameters import keywords, make

Given = ParamSpec("Given")
Result = TypeVar("Result")


def are_arrays(given: Any) -> bool:
    """Whether something holds arrays, and nothing else: NumPy's, or what can be made one."""
    return bool(given) and all(hasattr(each, "__array__") and np.ndim(each) for each in given)


def takes(
    *arrays: str, **makers: Callable[..., Any]
) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Let a function take, as keywords of its own, what its options are made of.

    With ``options=RunOptions``, ``run(net, check=True)`` stands for
    ``run(net, options=RunOptions(check=True))``. Where that argument is given too, it is an object
    whose other fields stay, or the value of the first field. The function's ``progress`` becomes
    what `allspin.host.show.progress.showing` makes of it, until the function ends.

    Parameters
    ----------
    *arrays : str
        Parameters that arrays are taken for which are given by place, behind everything else, each
        alone or several as a tuple. A single parameter takes all of them, as a tuple.
    **makers : callable
        By the name of a parameter, what makes it: see `allspin.sim.parameters.make`.
    """

    def decorate(function: Callable[Given, Result]) -> Callable[Given, Result]:
        named = inspect.signature(function).parameters.values()
        own = inspect.Signature([each for each in named if each.kind is not each.VAR_KEYWORD])
        places = {
            word: (name, default)
            for name, maker in reversed(makers.items())
            for word, default in keywords(maker).items()
            if word not in own.parameters
        }

        @functools.wraps(function)
        def called(*given: Any, **words: Any) -> Any:
            groups = [one if isinstance(one, tuple | list) else (one,) for one in reversed(given)]
            last = list(itertools.takewhile(are_arrays, groups))
            if arrays and last:
                given, placed = given[: -len(last)], tuple(itertools.chain(*reversed(last)))
                # What is given twice is a TypeError.
                words = dict(
                    **words,
                    **dict(zip(arrays, placed if len(arrays) > 1 else [placed], strict=False)),
                )
            parts: dict[str, dict[str, Any]] = {}
            for word in [word for word in words if word not in own.parameters]:
                if word not in places:
                    known = meant(
                        "progress" if word in ("display", "report", "noted") else word,
                        [*own.parameters, *places],
                    )
                    raise TypeError(f"{function.__name__}() has no keyword {word!r}{known}")
                parts.setdefault(places[word][0], {})[word] = words.pop(word)
            bound = own.bind_partial(*given, **words).arguments
            try:
                for name, part in parts.items():
                    bound[name] = make(makers[name], part, bound.get(name))
                with showing(bound.get("progress")) as bound["progress"]:
                    return typing.cast(Any, function)(**bound)
            except UserError as error:
                error.args = (with_keywords(str(error)),)
                raise

        typing.cast(Any, called).__signature__ = own.replace(
            parameters=[
                *own.parameters.values(),
                *(
                    inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY, default=default)
                    for word, (_, default) in places.items()
                ),
            ]
        )
        return typing.cast(Callable[Given, Result], called)

    return decorate
