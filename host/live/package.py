"""Deferred import of the server, whose packages no other command needs."""

from types import ModuleType

from allspin.sim.systems import naming_extras


def live_package() -> ModuleType:
    """Import the server's module, with `LiveServer`, `Place` and `open_in_browser`.

    Raises
    ------
    UserError
        If a package that it needs is not installed.
    """
    with naming_extras():
        from allspin.host.live import serve
    return serve
