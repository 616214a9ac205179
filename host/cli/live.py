"""``allspin live``: a page in the browser on which a machine classifies drawn digits."""

import sys
from typing import Annotated

from allspin.host.cli.shared import DataFile, DeviceName, NetworkName, Steps
from allspin.host.live.choices import (
    Choices,
)
from allspin.host.live.learning import Learning
from allspin.host.live.package import (
    live_package,
)
from allspin.host.machines.opening import GOLDEN
from allspin.host.options import MACHINE
from allspin.host.show.say import say, tell, warn
from allspin.sim.errors import refused

EXAMPLES = """\
examples:
  allspin live
  allspin live mnist-10 --on virtual
  allspin live mine.safetensors --device mine.toml --on auto
  allspin live --port 0 --no-browser
"""


def run(
    network: NetworkName = "paper-10",
    /,
    *,
    on: Annotated[str, MACHINE] = GOLDEN,
    device: DeviceName = "paper",
    data: DataFile = None,
    port: int = 8000,
    host: str = "127.0.0.1",
    no_browser: bool = False,
    steps: Steps,
) -> int:
    """Open a page in the browser: draw a digit, and watch a machine work on it.

    The page shows the rows that are driven, the columns and the logits, on any chip of the device.
    It is served to this machine only, at a link with a random token. It ends with Ctrl-C. It needs
    the extra [live].

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    on : str
        Machine: golden, virtual, a serial port, or auto; the page can change it.
    device : str
        Device of the chips: a device file, or the name of a shipped device.
    port : int
        Port to listen on, 0 to 65535; 0 takes any.
    host : str
        Name or address to listen on: any other than 127.0.0.1 lets others in.
    no_browser : bool
        Print the link only.
    """
    live_package()
    with steps.waiting("reading network and images"):
        choices = Choices.open(network, on=on, device=device, data=data)
    return serve_page(choices, None, port=port, host=host, no_browser=no_browser)


def serve_page(
    choices: Choices,
    learning: Learning | None,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    no_browser: bool = False,
) -> int:
    """Serve a live page until Ctrl-C.

    Parameters
    ----------
    choices : Choices
        Choices of the page.
    learning : Learning or None
        Training to show.
    port, host, no_browser
        Parameters of `run`.
    """
    live = live_package()
    with refused():
        place = live.Place(host, port)
    server = live.LiveServer(choices, place, learning)
    if place.host not in live.LOOP_BACK:
        warn(
            f"others reach this page at {host}: everyone with the link can use this machine's "
            "processor and its board; without --host the page is for this machine only"
        )
    say(server.link)
    sys.stdout.flush()
    opened = not no_browser and live.open_in_browser(server.link)
    tell(f"{'opened in the browser' if opened else 'open it in a browser'}; Ctrl-C ends it")
    server.run()
    return 0
