"""`try/` of the site: the live page without a server, where its gateware is compiled already."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def _write(app: Sphinx) -> None:
    from allspin.host.live.alone import write_page
    from allspin.sim.errors import UserError

    try:
        write_page(Path(app.outdir) / "try", compiles=False, documents="../index.html")
    except UserError as reason:
        # No warning, which would be an error here.
        print(f"the site is made without try/: {reason}; `make try` compiles it")
    else:
        app.tags.add("try")  # The first page has a link to it.


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in a build."""
    app.connect("builder-inited", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
