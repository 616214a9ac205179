"""Golden model of a chip, with words that a test gives."""

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import Words
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


def golden(chip: Chip, network: Network, words: list[Words] | None = None) -> GoldenModel:
    """Model of a chip with its converters and noise, and with these words or the network's own."""
    return GoldenModel(vary_columns(chip, network), words, ColumnNoise.of_chip(chip, network))
