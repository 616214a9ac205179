"""Boards with a Gowin part; their pins are those of amaranth-boards."""

from allspin.boards.board import Board, Lights
from allspin.boards.profiles import GW1N_9

BOARDS = (
    # Sipeed Tang Nano 9K.
    Board(
        name="tang-nano-9k",
        title="Tang Nano 9K",
        part="GW1NR-LV9QN88PC6/I5",
        platform="amaranth_boards.tang_nano_9k:TangNano9kPlatform",
        profiles=GW1N_9,
        lights=Lights(
            programmed="led/0", error="led/1", digit=("led/2", "led/3", "led/4", "led/5")
        ),
        button="button/0",
        flash=("openFPGALoader", "-b", "tangnano9k", "{bitstream}"),
        usb="0403:6010",
        bridge="BL702, which looks like an FT2232",
    ),
)
