"""Bins that nothing hits, and why; a hit of one of them fails."""

from collections.abc import Mapping

REASONS = {
    "memories and registers take a byte in every clock": (
        "ChipRegisters.load: held back",
        "Layer.load: held back",
        "Loader.load: held back",
        "NeuronArray.load: held back",
        "Programmer.load: held back",
        "ReluNeuron.load: held back",
        "SotNeuron.load: held back",
        "UseNoise.load: held back",
        "Variation.load: held back",
        "ViConverter.load: held back",
        "WriteTables.load: held back",
    ),
    "a cell is placed in every clock": (
        "CellPlacer.cells: held back",
        "*Crossbar.cells: held back",
    ),
    "a sum leaves its crossbar when there is room for its activation": (
        "NeuronArray.*s: held back",
        "ReluNeuron.*s: held back",
        "SotNeuron.*s: held back",
        "ViConverter.*s: held back",
    ),
    "a line is asked for when the engine is idle, and the line before was sent": (
        "*.fetch: held back",
        "Resident.link_fetch: held back",
    ),
    "an error is taken when it has been told, so it is there": ("*.errors: awaited",),
    "a draw is for whoever has asked for it": ("IterativeNormal.products: held back",),
    "states are read ahead, one for each clock of the walk": ("StateMemory.states: awaited",),
    "an image ends when the sums before it have left, or are sure to": (
        "hand-over: Crossbar's next sums 0 *",
        "hand-over: FastCrossbar's next sums [012] *",
    ),
}
NEVER: Mapping[str, str] = {one: why for why, names in REASONS.items() for one in names}
"""Reasons by patterns of bins."""
