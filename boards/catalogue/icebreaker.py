"""1BitSquared iCEBreaker; its pins are those of amaranth-boards."""

from dataclasses import replace

from amaranth_boards.icebreaker import ICEBreakerPlatform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ice40 import Ice40PadPllParameters
from allspin.boards.profiles import UP5K

# With the timing weight of other boards the worst of three seeds is 4 % above the clock where the
# package index's tools place it; with this one it is 7 % above with either tools.
IDEAL = replace(UP5K["ideal"], routing=("--placer-heap-timingweight", "30"))

BOARDS = (
    Board(
        name="icebreaker",
        title="iCEBreaker",
        platform=ICEBreakerPlatform,
        profiles={**UP5K, "ideal": IDEAL},
        pll=Ice40PadPllParameters,
        lights=Lights(programmed="led_g/0", error="led_r/0"),
        flash=("iceprog", "{bitstream}"),
        usb="0403:6010",
        bridge="FT2232H, second channel",
    ),
)
