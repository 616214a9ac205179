"""A machine opened for a network, and programmed with it."""

from contextlib import AbstractContextManager, nullcontext

from allspin.host.link.machines.machine import Machine
from allspin.host.link.machines.opening import VIRTUAL
from allspin.host.show.display import BuildWatch, Display
from allspin.host.study.running.machine_options import MachineOptions
from allspin.host.study.running.made_chip import MadeChip
from allspin.sim.network.network import Network


def opened(
    on: MachineOptions | Machine,
    network: Network,
    chip: MadeChip | None,
    resident: bool,
    display: Display,
) -> AbstractContextManager[Machine]:
    """The machine that was asked for, which is closed in the end; or the one that was given.

    Parameters
    ----------
    on : MachineOptions or Machine
        Which, or one that is open.
    network : Network
        What it shall run, with the chip's words where there is a chip.
    chip : MadeChip or None
        What it shall be made into.
    resident : bool
        Whether it shall keep images.
    display : Display
        Told of the opening.

    Raises
    ------
    UserError
        If there is no such machine, or the network does not fit it.
    """
    if isinstance(on, Machine):
        on.check(network)
        return nullcontext(on)
    display.start(f"opening {on.on}")
    watch = BuildWatch(display)
    machine = on.open(network, chip, resident=resident, progress=watch)
    display.finish(f"{machine.description}{watch.outcome if on.on == VIRTUAL else ''}")
    return machine


def program(machine: Machine, network: Network, chip: MadeChip | None, display: Display) -> None:
    """Program a machine with a network, or make it into a chip.

    Parameters
    ----------
    machine : Machine
        As of `opened`, with the same network and chip.
    network : Network
        What it shall run.
    chip : MadeChip or None
        What it shall be made into.
    display : Display
        Told how far it is.

    Raises
    ------
    UserError
        If the machine fails, or makes no chips.
    """
    display.start("programming")
    if chip is None:
        machine.program(network, lambda done: display.advance(done, None))
        display.finish()
        return
    maker = machine.chip_maker(chip.base, chip.device, chip.programming)
    maker.make(chip.chip, network, lambda done: display.advance(done, None))
    display.finish(maker.where)
