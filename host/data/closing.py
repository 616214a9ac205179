"""Base class of objects that are closed at the end of a ``with``."""

from abc import abstractmethod
from contextlib import AbstractContextManager


class Closing(AbstractContextManager):
    """Object that holds a file, a process or a stream until it is closed."""

    @abstractmethod
    def close(self) -> None:
        """Release it."""

    def __exit__(self, *_: object) -> None:
        self.close()
