"""The environment variables of tools: those in WebAssembly need a cache of their own.

Amaranth's Yosys and YoWASP's tools keep what they compile of themselves in the user's cache
folder. The former does not run where there is no such folder.
"""

import contextlib
import os
from collections.abc import Iterator

from allspin.hdl.cache.folder import cache_folder, users_folder

USERS_CACHE = "XDG_CACHE_HOME"
"""Environment variable that names the user's cache folder."""


def tool_environment() -> dict[str, str]:
    """The variables with which a tool is started; all have a cache, also without a home."""
    # By the XDG Base Directory Specification a path that is not absolute does not count.
    if os.path.isabs(os.environ.get(USERS_CACHE, "")) or users_folder():
        return dict(os.environ)
    return {**os.environ, USERS_CACHE: str(cache_folder() / "tools")}


@contextlib.contextmanager
def for_tools_of_others() -> Iterator[None]:
    """Give this process those variables, while a library starts a tool by itself."""
    before = os.environ.get(USERS_CACHE)
    wanted = tool_environment().get(USERS_CACHE)
    try:
        if wanted is not None:
            os.environ[USERS_CACHE] = wanted
        yield
    finally:
        if before is None:
            os.environ.pop(USERS_CACHE, None)
        else:
            os.environ[USERS_CACHE] = before
