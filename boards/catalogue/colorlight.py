"""Colorlight i5 and i9, LED panels' receiver cards for a socket, on Muse Lab's extension board."""

from allspin.boards.board import Board, Lights
from allspin.boards.pll import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25, ECP5_45, with_sdram
from allspin.hdl.parameters.sdram_parameters import SLOWEST_64M

BOARDS = tuple(
    Board(
        name=f"colorlight-{size}",
        title=f"Colorlight {size}",
        part=f"LFE5U-{part}",
        platform=f"allspin.boards.platforms:{size.upper()}Platform",
        profiles=with_sdram(profiles, SLOWEST_64M),
        pll=Ecp5PllParameters,
        baud=1_000_000,
        lights=Lights(programmed="led/0"),
        sdram="sdram/0",
        flash=("openFPGALoader", "-b", f"colorlight-{size}", "{bitstream}"),
        usb="0d28:0204",
        bridge="DAPLink of the extension board",
    )
    for size, part, profiles in (("i5", "25F", ECP5_25), ("i9", "45F", ECP5_45))
)
