"""The engine's parameters, of a network and a hardware profile, and its memories' numbers."""

import math
from dataclasses import dataclass
from typing import Self

from allspin.hdl.parameters.checks import keep_in_range
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.profile import (
    NO_CHIPS,
    HardwareProfile,
    ResidentParameters,
    VariationParameters,
)
from allspin.hdl.parameters.target import Target
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.hdl.parameters.window_parameters import MapParameters, WindowParameters
from allspin.sim.errors import UnknownKind, check_range
from allspin.sim.network.layer_kinds import DENSE, Convolution, LayerKind
from allspin.sim.network.network import MAX_CURRENT_BITS, MAX_LAYERS, MIN_CURRENT_BITS, Network
from allspin.sim.network.neuron import NEURONS

EVENT, LAST_EVENT, SUM, LAST_SUM = range(4)
"""Bits of a layer in the engine's activity word."""


def _lanes(network: Network, profile: HardwareProfile, number: int) -> int:
    """Return the lanes of a layer: the profile's number; on parts with few LUTs, only as many as it
    can use.
    """
    layer = network.layers[number]
    lanes = min(profile.lanes or layer.columns, layer.columns)
    if profile.target.few_luts and number:
        # The fewest with which all its rows take no longer than all rows of the first layer.
        longest = network.layers[0].rows * -(
            -network.layers[0].columns // _lanes(network, profile, 0)
        )
        lanes = min(lanes, max(1, -(-layer.columns // max(1, longest // layer.rows))))
    return lanes


@dataclass(frozen=True)
class EngineParameters:
    """Parameters of a whole engine.

    Parameters
    ----------
    crossbars : tuple of CrossbarParameters
        First to last; each has as many rows as the one before has columns.
    neuron : str
        Name of the hidden layers' neuron.
    current_bits : int
        Width of a neuron's input current, 4 to 12.
    counter_bits : int
        Width of the activity counters, 16 to 64.
    variation : VariationParameters or None
        The gateware that makes chips.
    resident : ResidentParameters or None
        The memory that keeps images.
    kinds : tuple of LayerKind
        Kind of each layer, dense or convolution; empty if every layer is dense.
    general : bool
        True if registers name the last hidden layer and the number of classes.
    neuron_per : str
        Width, as in `Network`.

    Raises
    ------
    ValueError
        If a value is outside its range or the crossbars do not fit one another.
    """

    crossbars: tuple[CrossbarParameters, ...]
    neuron: str = "sot"
    current_bits: int = 8
    counter_bits: int = 40
    variation: VariationParameters | None = None
    resident: ResidentParameters | None = None
    kinds: tuple[LayerKind, ...] = ()
    general: bool = False
    neuron_per: str = "column"

    def __post_init__(self) -> None:
        check_range("number of layers", len(self.crossbars), 1, MAX_LAYERS)
        if self.neuron not in NEURONS:
            raise UnknownKind.named("neuron", NEURONS, self.neuron)
        if self.variation is not None and any(own.levels for own in self.crossbars):
            raise ValueError(NO_CHIPS)
        several = self.noisy and any(own.neurons_per_clock > 1 for own in self.crossbars)
        if self.variation is not None and self.variation.iterative_noise and several:
            raise ValueError(
                "noise of several neurons per clock needs rounds_per_clock 22, "
                f"not {self.variation.rounds_per_clock}"
            )
        narrowest = self.hidden_bits if len(self.crossbars) > 1 else 0
        currents = max(MIN_CURRENT_BITS, narrowest), MAX_CURRENT_BITS
        keep_in_range(self, counter_bits=(16, 64), current_bits=currents)
        layers = [(own, self.kind(number)) for number, own in enumerate(self.crossbars)]
        given = [
            (math.prod(kind.shape(own.columns)), own.neurons_per_clock) for own, kind in layers
        ]
        taken = [(kind.inputs(own.rows), own.rows_per_clock) for own, kind in layers]
        if given[:-1] != taken[1:] or given[-1][1] != 1:
            raise ValueError(
                "a layer must have the columns and neurons per clock that the next has of rows, "
                f"and the last 1 neuron per clock: {given} and {taken} do not fit"
            )
        widths = {own.value_bits for own in self.crossbars[1:]}
        if len(widths) > 1 or len({own.rah_bits for own in self.crossbars}) > 1:
            raise ValueError("all layers must have one rah_bits, and hidden layers one value_bits")
        maps = any(self.window(number) for number in range(len(layers)))
        if maps and self.target.few_luts:
            raise ValueError("this part has no room for feature maps: take a larger one")
        if self.general and (self.kinds or len(self.crossbars) < 2):
            raise ValueError("a general machine has at least two layers, all of them dense")

    @classmethod
    def from_network(cls, network: Network, profile: HardwareProfile | None = None) -> Self:
        """Return the engine that runs a network on a part.

        Raises
        ------
        ValueError
            If the network's R_AH words are wider than the profile's, or do not bound a column sum.
        """
        if network.beyond_words is not None:
            raise ValueError(f"{network.beyond_words}; run it on golden")
        profile = profile or HardwareProfile()
        rah_bits = profile.rah_bits or network.rah_bits
        if rah_bits < network.rah_bits:
            raise ValueError(
                f"the network has R_AH words of {network.rah_bits} bits, the hardware of {rah_bits}"
            )
        further = profile.target.further or profile.memory
        kinds = tuple(layer.kind for layer in network.layers)
        return cls(
            crossbars=tuple(
                CrossbarParameters(
                    rows=layer.rows,
                    columns=layer.columns,
                    lanes=_lanes(network, profile, number),
                    value_bits=network.input_bits(number),
                    rah_bits=rah_bits,
                    rows_per_clock=profile.rows_per_clock,
                    levels=(
                        UniformLevels.from_table(layer.levels)
                        if profile.states and layer.adc is None
                        else None
                    ),
                    tiling=Tiling.from_adc(
                        layer.adc, offsets=profile.tile_offsets or profile.variation is not None
                    ),
                    memory=further if number else profile.memory,
                    neurons_per_clock=(
                        1 if number == len(network.layers) - 1 else profile.rows_per_clock
                    ),
                    pipelined=layer.kind.positions > 1 or profile.rows_per_clock > 8,
                )
                for number, layer in enumerate(network.layers)
            ),
            neuron=network.neuron.name,
            current_bits=network.current_bits,
            variation=profile.variation,
            resident=profile.resident,
            kinds=() if {*kinds} == {DENSE} else kinds,
            general=profile.general,
            neuron_per=network.neuron_per,
        )

    def kind(self, number: int) -> LayerKind:
        """Return the kind of a layer: dense or convolution."""
        return self.kinds[number] if self.kinds else DENSE

    def uses(self, number: int) -> int:
        """Return the number of column sums of an image in a layer."""
        return self.kind(number).positions * self.crossbars[number].columns

    def neurons(self, number: int) -> int:
        """Return the number of neurons of a hidden layer: of its columns, or of all its
        positions.
        """
        return (
            self.uses(number) if self.neuron_per == "position" else self.crossbars[number].columns
        )

    def turned(self, number: int) -> int:
        """Return the neurons in a position's last beat, if each position has its own neurons and
        its last beat is not full: the next position's neurons then begin in the middle of a line.
        Return 0 otherwise.
        """
        own = self.crossbars[number]
        return own.columns % own.neurons_per_clock if self.neurons(number) > own.columns else 0

    def window(self, number: int) -> WindowParameters | None:
        """Return the window of a crossbar on its map; None if it gets all values at once."""
        kind = self.kind(number)
        own = self.crossbars[number]
        if not isinstance(kind, Convolution):
            return None
        tiles = 0 if own.tiling is None else own.tiling.rows
        return WindowParameters(kind, own.value_bits, own.rows_per_clock, number == 0, tiles)

    def map(self, number: int, *, pooled: bool = True) -> MapParameters | None:
        """Return the map that a hidden layer gives, or its neurons before pooling; None without a
        map.
        """
        kind = self.kind(number)
        own = self.crossbars[number]
        if not isinstance(kind, Convolution):
            return None
        height, width = kind.pooled if pooled else kind.places
        return MapParameters(height, width, own.columns, self.hidden_bits, own.neurons_per_clock)

    @property
    def image(self) -> CrossbarParameters:
        """Rows that an image's values drive: rows of the first crossbar, or of its map."""
        window = self.window(0)
        own = self.crossbars[0]
        if window is None:
            return own
        return CrossbarParameters(
            window.map.rows, 1, 1, own.value_bits, own.rah_bits, own.rows_per_clock, own.memory
        )

    def driven(self, number: int) -> MapParameters | CrossbarParameters:
        """Return the rows that a hidden layer's neurons drive: a pixel of its map, or the next
        crossbar.
        """
        given = self.map(number)
        return self.crossbars[number + 1] if given is None else given.pixel

    @property
    def target(self) -> Target:
        """Target of the engine."""
        return self.crossbars[0].target

    @property
    def most_at_once(self) -> int:
        """Rows, or neurons, of a layer in one clock, where they are most."""
        return max(max(own.rows_per_clock, own.neurons_per_clock) for own in self.crossbars)

    @property
    def pixel_bits(self) -> int:
        """Width of a pixel."""
        return self.crossbars[0].value_bits

    @property
    def hidden_bits(self) -> int:
        """Width of a hidden activation; the pixels' width in a network without a hidden layer."""
        return self.crossbars[-1].value_bits

    @property
    def rah_bits(self) -> int:
        """Width of an R_AH word."""
        return self.crossbars[0].rah_bits

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.crossbars[-1].columns

    @property
    def noisy(self) -> bool:
        """True if neurons have noise at each use."""
        return self.variation is not None and self.variation.use_noise and len(self.crossbars) > 1

    @property
    def noisy_sums(self) -> bool:
        """True if column sums have noise at each use, and amplifiers have errors of their own."""
        return self.variation is not None and self.variation.sum_noise

    @property
    def numbered(self) -> bool:
        """True if images have numbers, since neurons or sums have noise at each use."""
        return self.noisy or self.noisy_sums

    @property
    def use_spread_bits(self) -> int:
        """Width of the spread of noise at a use: below four times the current's full scale."""
        return self.current_bits + 8

    @property
    def use_bits(self) -> int:
        """Width of a signed noise current."""
        return self.current_bits + 6

    def sum_spread_bits(self, layer: int) -> int:
        """Return the width of the spread of noise on a layer's sums: below 16 cells' range, in
        2**-6.
        """
        crossbar = self.crossbars[layer]
        return crossbar.value_bits + crossbar.rah_bits + 10

    def noise_spread_bits(self, layer: int) -> int:
        """Return the width of a signed spread in the pipeline that draws the noise of a layer and
        the last.
        """
        bits = self.use_spread_bits
        if self.noisy_sums:
            bits = max(bits, *map(self.sum_spread_bits, {layer, len(self.crossbars) - 1}))
        return bits + 1

    def start_bits(self, layer: int) -> int:
        """Return the width of the offset that is added to a normal value times that spread,
        signed.
        """
        return self.sum_spread_bits(layer) + 17

    def sum_noise_bits(self, layer: int) -> int:
        """Return the width of the error that is added to a sum, signed: noise and offset, without
        19 fraction bits.
        """
        return self.sum_spread_bits(layer) - 1

    def amplified_bits(self, layer: int) -> int:
        """Return the width of a layer's sums behind its amplifiers, signed."""
        bits = self.crossbars[layer].sum_bits
        if self.noisy_sums:
            bits = max(bits, self.sum_noise_bits(layer)) + 1
            # The last layer's gain, less than twice as large.
            bits += layer == len(self.crossbars) - 1
        return bits

    @property
    def spread_bits(self) -> int:
        """Width of a signed spread in the generator that all share."""
        return max(17, self.use_spread_bits + 1)

    @property
    def logit_bytes(self) -> int:
        """Bytes of a logit on the link."""
        return -(-self.amplified_bits(len(self.crossbars) - 1) // 8)

    @property
    def beat_bytes(self) -> int:
        """Bytes of a resident beat: a byte of row distance and one of value for each row that
        is driven in a clock, and one that says whether it is an image's last.
        """
        return 2 * self.crossbars[0].rows_per_clock + 1
