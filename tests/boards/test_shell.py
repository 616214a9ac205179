"""The shell around the machine: on each board it has its pins, and its clock in the identity."""

import re
from dataclasses import replace

import pytest

from allspin.boards.build.families import TOP, family_of
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import MACHINE, Shell, ShellParameters
from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.hdl.parameters.sdram_parameters import SLOWEST_64M, SLOWEST_256M, SdramParameters
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network

NETWORK = random_network((6, 3, 2), 0)
PROFILE = HardwareProfile(lanes=1)
UART_PINS = {
    # Receive and transmit as the FPGA sees them, of the makers' constraint files: 1BitSquared
    # icebreaker.pcf and icebitsy1-pmod.pcf, wuxx icesugar src/common/io.pcf and icesugar-pro
    # src/uart_tx/top.lpf, tinyvision-ai-inc RTL/common/upduino.pcf, emard ulx3s_v20.lpf,
    # orangecrab-examples orangecrab_r0.2.1.pcf, sipeed TangNano-9K-example uart/src/top.cst.
    "icebreaker": ("6", "9"),
    "icebreaker-bitsy": ("47", "44"),
    "icesugar": ("4", "6"),
    "icesugar-pro": ("A9", "B9"),
    "upduino-v3": ("15", "14"),
    "ulx3s-25f": ("M1", "L4"),
    "ulx3s-85f": ("M1", "L4"),
    "orangecrab-25f": ("N17", "M18"),
    "tang-nano-9k": ("18", "17"),
}


def plan(board, profile=PROFILE):
    parameters = ShellParameters.from_network(board, NETWORK, profile)
    platform = board.create_platform()
    return family_of(platform), platform.prepare(Shell(parameters), TOP, emit_src=False).files


USB_PINS = {
    # D+, D- and the pull-up of D+, of the same files.
    "orangecrab-25f": ("N1", "M2", "N2"),
    "ulx3s-25f": ("D15", "E15", "B12"),
}
BOARDS = {
    **find_boards(),
    "orangecrab-25f, uart": find_boards()["orangecrab-25f"].running("ideal", link="uart"),
    "ulx3s-25f, usb": find_boards()["ulx3s-25f"].running("ideal", link="usb"),
}


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS.keys())
def test_every_board_has_a_machine_a_clock_and_pins(board):
    family, files = plan(board)
    text = files[f"{TOP}.il"]
    assert f"cell \\{MACHINE} " in text
    pins = files[f"{TOP}.{family.constraints}"]
    places = dict(re.findall(r'(?:set_io|IO_LOC|COMP) "?(\w+)"? (?:SITE )?"?(\w+)"?', pins))
    link = f"{board.link}_0"
    signals = {name.rsplit("__", 2)[1]: pin for name, pin in places.items() if link in name}
    names, known = {
        "uart": (("rx", "tx"), UART_PINS),
        "usb": (("d_p", "d_n", "pullup"), USB_PINS),
    }[board.link]
    assert set(signals) == set(names)
    if board.name in known:
        assert tuple(signals[name] for name in names) == known[board.name]
    assert len(set(places.values())) == len(places)
    # An ECP5's reset has a net for clocks; nextpnr finds an iCE40's itself.
    assert ("cell \\DCCA " in text) == (family.name == "ECP5")
    # The clock comes in, and each light goes out.
    lights = board.lights
    wanted = [*filter(None, (lights.programmed, lights.streaming, lights.error)), *lights.digit]
    held = len(board.inactive) + 2 * len(board.raised)
    assert len(places) == 1 + len(names) + len(wanted) + held + ("rst_0__io" in places)
    assert "connect \\machine_clock 1'0" not in text  # something drives it
    if board.pll is not None:
        cell = {"iCE40": "SB_PLL40_", "ECP5": "EHXPLLL"}[family.name]
        assert f"cell \\{cell}" in text


@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-85f"])
def test_the_drivers_outputs_reach_the_lights(name):
    """In the netlist's text a light's buffer has the wire of the driver's output."""
    board = find_boards()[name]
    text = plan(board)[1][f"{TOP}.il"]

    def connections(cell):
        (body,) = re.findall(rf"cell \\top\.{cell} \\{cell}\n(.*?)\n +end\n", text, re.DOTALL)
        return dict(re.findall(r"connect \\(\w+)\S* (.*)", body))

    driver, lights = connections("lights"), board.lights
    digit = driver.get("digit", "").removesuffix(f" [{len(lights.digit) - 1}:0]")
    shown = {
        lights.programmed: driver.get("programmed"),
        lights.streaming: driver.get("streaming"),
        lights.error: driver.get("error"),
        **{led: f"{digit} [{bit}]" for bit, led in enumerate(lights.digit)},
        **dict.fromkeys(board.inactive, "1'0"),
    }
    # Answers reach it from where the transmitter has them, through a register.
    top = text.split(f"module \\{TOP}\n")[1].split("\nend\n")[0]
    answers = re.escape(connections("transmitter")["sent__payload"])
    (kept,) = re.findall(rf"assign (\S+) .*{answers}\n", top)
    (register,) = re.findall(rf"connect \\D {re.escape(kept)} .*\n.*\n +connect \\Q (\S+)\n", top)
    assert register in {wire.split()[0] for wire in driver.values()}
    assert "1'0" not in (driver["taken"], driver["damaged"])
    for path, wire in shown.items():
        if path:
            assert connections(path.replace("/", "_"))["o"] == wire, path


@pytest.mark.parametrize("board", find_boards().values(), ids=find_boards().keys())
def test_the_identity_tells_the_clock_that_place_and_route_must_reach(board):
    parameters = ShellParameters.from_network(board, NETWORK, PROFILE)
    told = int.from_bytes(identity_bytes(parameters.machine.link)[6:10], "little")
    assert told == board.machine_frequency


def test_a_machine_that_is_not_the_board_s_is_refused():
    board = find_boards()["icebreaker"]
    slow = TopParameters.from_network(NETWORK, PROFILE, frequency=1)
    own = TopParameters.from_network(NETWORK, PROFILE, uart=UartParameters(8))
    for machine, message in (
        (slow, "the machine says 1 Hz, and icebreaker runs it at"),
        (own, "a board brings the UART"),
    ):
        with pytest.raises(ValueError, match=message):
            ShellParameters(board, machine)
    with pytest.raises(UserError, match=r"icebreaker cannot run this network: .* 8 bits.* of 4"):
        ShellParameters.from_network(board, NETWORK, HardwareProfile(rah_bits=4))


@pytest.mark.parametrize(("name", "asked"), [("ideal", 1), ("fast", 1.12), ("general", 1.12)])
def test_a_router_that_mends_late_wires_is_asked_for_more_than_the_clock(name, asked):
    board = find_boards()["ulx3s-85f"].running(name)
    family, files = plan(board)
    text = files[f"{TOP}.{family.constraints}"]
    (hertz,) = re.findall(r'FREQUENCY NET "machine_clock" (\S+) HZ', text)
    assert float(hertz) == pytest.approx(asked * board.machine_frequency)


@pytest.mark.parametrize("name", ["ulx3s-85f", "colorlight-i5"])
def test_an_sdram_has_all_its_pins(name):
    board = find_boards()[name].running("ideal", frequency=80_000_000)
    part = SLOWEST_64M if name == "colorlight-i5" else SLOWEST_256M
    sdram = SdramParameters.of(part, board.machine_frequency, way=3)
    profile = replace(PROFILE, resident=ResidentParameters.of(sdram))
    family, files = plan(board, profile)
    # 80 MHz come from the PLL's second output; the memory's clock is its third, of the same
    # frequency, 0.8 of a period late.
    (pll,) = re.findall(r"cell \\EHXPLLL .*?\n  end", files[f"{TOP}.il"], re.DOTALL)
    cell = {name: int(value) for name, value in re.findall(r"\\(CLKO\w+) (\d+)", pll)}
    assert cell["CLKOS2_DIV"] == cell["CLKOS_DIV"]
    late = 8 * (cell["CLKOS2_CPHASE"] - cell["CLKOS_CPHASE"]) + cell["CLKOS2_FPHASE"]
    eighths = 8 * cell["CLKOS_DIV"]
    assert abs(late / eighths - 0.8) < 1 / eighths
    text = files[f"{TOP}.{family.constraints}"]
    pins = {
        found[1]: found[2]
        for found in re.finditer(r'LOCATE COMP "sdram_0__([][\w]+)" SITE "(\w+)"', text)
    }
    # Makers' constraint files: emard ulx3s_v20.lpf, icepi-zero.lpf, icesugar-pro.lpf.
    wide = {"dq": part.width, "a": part.row_bits, "ba": 2}
    for signal, bits in wide.items():
        assert sum(each.startswith(f"{signal}__io") for each in pins) == bits, pins
    assert {"clk__io", "ras__io", "cas__io", "we__io"} <= pins.keys()
    if name == "ulx3s-85f":
        assert (pins["clk__io"], pins["dq__io[0]"]) == ("F19", "J16")
    wrong = replace(sdram, frequency=board.machine_frequency * 2)
    with pytest.raises(UserError, match="times are for"):
        plan(board, replace(PROFILE, resident=ResidentParameters.of(wrong)))
    # Pins are timed for some clocks only, and a profile's times follow its clock.
    fast = find_boards()[name].running("ideal", frequency=110_000_000)
    with pytest.raises(UserError, match="60 to 100"):
        plan(fast, replace(fast.profile(), sdram=part).hardware)


def test_a_board_without_an_sdram_is_refused_images_in_one():
    board = find_boards()["ecpix-5"]
    resident = ResidentParameters.of(SdramParameters.of(SLOWEST_256M, board.machine_frequency))
    with pytest.raises(UserError, match="no SDRAM"):
        plan(board, replace(PROFILE, resident=resident))
