"""Fixtures that tests of the host have, too."""

from tests.host.conftest import board_record, seen

__all__ = ["board_record", "seen"]
