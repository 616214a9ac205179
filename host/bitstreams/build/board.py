"""The bitstream of one board, and how fast the machine is in it."""

from typing import Any

from allspin.boards.build.figures import Figures
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.virtual.build import compiler
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.tools.process import Progress
from allspin.host.bitstreams.build.job import Job
from allspin.host.bitstreams.throughput import link_rate, measure_throughput
from allspin.host.show.revision import commit
from allspin.sim.errors import UserError


def build_board(
    job: Job, seeds: range, wanted: Wanted, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Build one board.

    Parameters
    ----------
    job : Job
        What to build.
    seeds : range
        Of placing; all are tried.
    wanted : {"auto", "native", "pypi"}
        Which tools.
    progress : callable
        Told what is being done, and for how many seconds now.

    Returns
    -------
    dict
        What came of it, as ``allspin build --json`` prints it.
    tuple of str
        What else there is to know, a line each.

    Raises
    ------
    UserError
        If the network cannot run there, or a tool is missing or fails.
    """
    parameters = job.shell()
    build = Build(parameters, wanted, progress)
    netlist = build.synthesise()
    routed = [build.route(netlist, seed) for seed in seeds]
    figures = Figures.collect(build, job.profile_name, netlist, routed)
    measured, notes = _measured(job, figures, progress)
    resident = parameters.machine.link.engine.resident
    record = {
        **figures.to_dict(),
        "network": job.network_name,
        "gateware": build.gateware,
        "baud": job.board.baud,
        **measured,
        "resident_images": None if resident is None else resident.images,
        "shortfall": figures.shortfall,
        "identity": identity_bytes(parameters.machine.link).hex(),
        "commit": commit(),
    }
    return record, notes


def _measured(
    job: Job, figures: Figures, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Cycles per image, and images/s at the machine's clock; of what runs there at all."""
    nothing: dict[str, Any] = {
        "cycles_per_image": None,
        "latency_cycles": None,
        "images_per_second": None,
        "link_images_per_second": None,
    }
    if not figures.fits or figures.frequency < figures.need:
        return nothing, ()
    try:
        compiler()
    except UserError as error:
        return nothing, (f"images/s are not measured: {error}",)
    found = measure_throughput(job.network, job.profile, progress)
    if found is None:
        return nothing, ()
    return {
        "cycles_per_image": round(found.cycles.per_image, 4),
        "latency_cycles": round(found.latency, 2),
        "images_per_second": round(found.engine_rate(job.board.machine_frequency)),
        "link_images_per_second": round(link_rate(job.board.baud, found.link_bytes)),
    }, ()
