"""Number of examples of a property whose every example takes a second: a simulation, a process."""

from hypothesis import settings

from tests.conftest import FEW_EXAMPLES


def examples(count: int) -> settings:
    """Return settings for `count` examples in `make long`, and a fifth of them in `make test`."""
    few = settings().max_examples <= FEW_EXAMPLES
    return settings(max_examples=max(2, count // 5) if few else count)
