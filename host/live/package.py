"""The packages of the server, which are not needed for anything else."""

from types import ModuleType

from allspin.sim.errors import UserError

NEEDED = ("starlette", "uvicorn", "websockets")


def live_package() -> ModuleType:
    """The server's module, with `LiveServer`, `Place` and `open_in_browser`.

    Raises
    ------
    UserError
        If a package that it needs is not installed.
    """
    try:
        from allspin.host.live import serve
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        if name not in NEEDED:
            raise
        raise UserError(
            f"the live page needs a package that is not here, {name}: pip install 'allspin[live]'"
        ) from None
    return serve
