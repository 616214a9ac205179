"""Digests of boards' machines and of engines: the one place here that knows inner names.

``allspin boards`` tells by the same digest whether a build is of these sources: it is that of the
RTLIL without places in sources and without names, so renaming changes no digest. Digests are
never kept from one run to the next: the cache may be the broken part.
"""

from amaranth.back import rtlil

import allspin
from allspin import HardwareProfile, ResidentParameters, VariationParameters
from allspin.boards.build.gateware import gateware_digest, machine_text
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.boards.top import Top, TopParameters
from allspin.sim.network.tiling import cut

CHIPS = VariationParameters(redraw=True, sum_noise=True)
SLOW_CHIPS = VariationParameters(states=16, rounds_per_clock=1, noise_rounds_per_clock=22)
IMAGES = ResidentParameters(beats=4096, images=100)

ENGINES = {
    "mnist-10": HardwareProfile(),
    "mnist-10 four rows": HardwareProfile(rows_per_clock=4),
    "mnist-10 eight rows, images": HardwareProfile(16, rows_per_clock=8, resident=IMAGES),
    "mnist-100 states": HardwareProfile(10, rows_per_clock=2, states=True),
    "mnist-10 ecp5": HardwareProfile(20, rows_per_clock=2, memory="ecp5"),
    "mnist-10 spram": HardwareProfile(8, memory="spram", states=True),
    "mnist-10-cmos-bare": HardwareProfile(10),
    "mnist-10-cmos-relu": HardwareProfile(10),
    "mnist-100-cmos-sigmoid": HardwareProfile(10),
    "paper-10 chips": HardwareProfile(10, variation=VariationParameters()),
    "paper-100 chips, redrawn": HardwareProfile(10, rows_per_clock=2, variation=CHIPS),
    "paper-10 chips, ecp5": HardwareProfile(
        20, rows_per_clock=2, memory="ecp5", variation=CHIPS, resident=IMAGES
    ),
    "paper-10 chips, slow": HardwareProfile(10, variation=SLOW_CHIPS),
    "mnist-10 tiles": HardwareProfile(10, rows_per_clock=2, tile_offsets=True),
    "mnist-10 tiles, ecp5": HardwareProfile(20, rows_per_clock=4, memory="ecp5"),
    "paper-10 tiles, chips": HardwareProfile(10, variation=CHIPS),
}
"""Machines of virtual boards, by network and special features."""


def engine_digests() -> dict[str, str]:
    """Digests of virtual boards' machines."""
    digests = {}
    for name, profile in ENGINES.items():
        network = allspin.load_network(name.split()[0])
        if "tiles" in name:
            images, labels = allspin.load_test_set()
            network = cut(network, allspin.Tiles(128, 4), images[:1000], labels[:1000])
        parameters = TopParameters.from_network(network, profile)
        digests[name] = gateware_digest(rtlil.convert(Top(parameters), emit_src=False))
    return digests


def board_digests() -> dict[str, str]:
    """Digests of the machines of all catalogued boards, with the network of docs/boards.json."""
    network = allspin.load_network("mnist-10")
    digests, made = {}, {}
    for board_name, board in find_boards().items():
        for profile_name, profile in board.profiles.items():
            if profile.network:  # that of maps is not this one
                continue
            running = board.running(profile_name)
            parameters = ShellParameters.from_network(running, network, profile.hardware)
            # Most boards have a machine of another one with the same part.
            same = (repr(parameters.machine), str(getattr(board.platform_type, "device", "")))
            if same not in made:
                made[same] = gateware_digest(machine_text(parameters))
            digests[f"{board_name}:{profile_name}"] = made[same]
    return digests


DIGESTS = {"gateware-of-boards": board_digests, "gateware-of-engines": engine_digests}
