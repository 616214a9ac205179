"""Bins that cannot be hit, and the reasons; a hit of one of them fails."""

from collections.abc import Mapping

REASONS = {
    "memories and registers take a byte in every clock": (
        "ChipRegisters.load: held back",
        "EngineLayer.load: held back",
        "Loader.load: held back",
        "NeuronArray.load: held back",
        "Programmer.load: held back",
        "ReluGateware.load: held back",
        "TableNeuron.load: held back",
        "UseNoiseBlock.load: held back",
        "Variation.load: held back",
        "ViConverter.load: held back",
        "WriteTables.load: held back",
    ),
    "a cell is placed in every clock": (
        "CellPlacer.cells: held back",
        "LinePlacer.cells: held back",
        "*Cells.cells: held back",
        "Banks.cells: held back",
        "Crossbar.cells: held back",
    ),
    "an offset is placed in every clock": (
        "*Columns.offsets: held back",
        "Crossbar.offsets: held back",
    ),
    "a sum leaves its crossbar when there is room for its activation": (
        "NeuronArray.*s: held back",
        "ReluGateware.*s: held back",
        "TableNeuron.*s: held back",
        "ViConverter.*s: held back",
    ),
    "a line is asked for when the engine is idle, and the line before was sent": (
        "*.fetch: held back",
        "ResidentReader.link_fetch: held back",
        "Resident.link_fetch: held back",
    ),
    "what has been told is taken then, so it is there": (
        "*.errors: awaited",
        "AnswerOrder.head: awaited",
        "AnswerOrder.images: awaited",
        "AnswerSender.head: awaited",
    ),
    "an image begins when there is a place for it among those under way": (
        "RequestParser.images: held back",
    ),
    "logits come faster than their bytes go": (
        "AnswerOrder.logits: awaited",
        "LogitBytes.logits: awaited",
    ),
    "a draw is for whoever has asked for it": ("IterativeNormal.products: held back",),
    "a cell is given away with its word, so it is there": ("IterativeWordMaker.cells: awaited",),
    "a mask is cut where it is, so it is there": ("Tile*.masks: awaited",),
    "states are read ahead, one for each clock of the walk": ("StateMemory.states: awaited",),
    "an image ends when the sums before it have left, or are sure to": (
        "hand-over: PortableColumns's next sums 0 *",
        "hand-over: Departure's next sums [012] *",
    ),
}
NEVER: Mapping[str, str] = {one: why for why, names in REASONS.items() for one in names}
"""Reasons by patterns of bins."""
