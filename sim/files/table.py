"""A table of a user's file, read key by key so that none goes unread."""

import dataclasses
from typing import Any, TypeVar

Part = TypeVar("Part")


class Table:
    """A TOML table from which keys are taken, so that none goes unread.

    Parameters
    ----------
    name : str
        Of the table, with those that it is in; empty for the whole file.
    content : object
        What was read.

    Raises
    ------
    ValueError
        If that is no table; so do all methods if what they want is not there, or wrong.
    """

    def __init__(self, name: str, content: object) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"[{name}] must be a table")
        self.name = name
        self.content: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key; without a default it must be there."""
        if key not in self.content and default is None:
            raise ValueError(f"[{self.name}] lacks {key}" if self.name else f"it lacks {key}")
        return self.content.pop(key, default)

    def table(self, key: str, needed: bool = False) -> "Table":
        """A table within; an empty one if it may be missing and is."""
        name = f"{self.name}.{key}" if self.name else key
        return Table(name, self.take(key, None if needed else {}))

    def make(self, kind: type[Part], keys: dict[str, str] | None = None) -> Part:
        """A dataclass of all that is left."""
        fields = {field.name: field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        keys = keys or fields
        arguments = {}
        for key in list(self.content):
            if key not in keys:
                raise ValueError(f"[{self.name}] has no key {key}; it takes {', '.join(keys)}")
            arguments[keys[key]] = self.content.pop(key)
        try:
            return kind(**arguments)
        except TypeError as error:
            missing = [key for key, of in keys.items() if of not in arguments]
            if missing and "missing" in str(error):
                raise ValueError(f"[{self.name}] lacks {', '.join(missing)}") from None
            raise ValueError(f"[{self.name}]: {error}") from error
        except ValueError as error:
            raise ValueError(f"[{self.name}]: {error}") from error

    def finish(self) -> None:
        """Raise for the first key that nothing took."""
        for key in self.content:
            raise ValueError(f"[{self.name}] has no key {key}" if self.name else f"no key {key}")
