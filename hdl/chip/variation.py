"""All blocks that make a chip of an engine: registers, Programmer, noise at each use."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.chip_registers import ChipRegisters
from allspin.hdl.chip.draw_unit import DrawUnit
from allspin.hdl.chip.programmer import Programmer, word_layout
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.use_noise import UseNoiseBlock
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS, NUMBERS, noise_layout


class Variation(Component):
    """All blocks that make a chip, connected.

    Throughput: that of its blocks.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.

    Attributes
    ----------
    numbers : In(stream)
        The number of each image; where neurons or sums have noise at each use.
    noise_0, noise_1, ... : Out(stream)
        `noise_layout` of each hidden layer and, where sums have noise, of the last one; likewise.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._variation = parameters.variation
        layers = len(parameters.crossbars)
        given = layers if parameters.noisy_sums else layers - 1 if parameters.noisy else 0
        # The last layer's noise comes with that of the layer before it, or alone.
        self._noisy = range(min(given, max(1, layers - 1)))
        ports = {
            # Every byte but those for the memories STATES; `ready` is always set.
            "load": In(LOADS),
            # Bytes for the memories STATES, for the `Programmer`.
            "states": In(LOADS),
            # Ports of the `Programmer`.
            "layer": Out(LAYER_BITS),
            "valid": Out(1),
            "word": Out(word_layout(parameters.rah_bits)),
            "busy": Out(1),
        }
        for layer in range(given):
            ports[f"noise_{layer}"] = Out(stream.Signature(noise_layout(parameters, layer)))
        if given:
            ports["numbers"] = In(NUMBERS)
        if parameters.general:
            ports["route"] = In(LAYER_BITS)
        super().__init__(ports)
        self.noises = [getattr(self, f"noise_{layer}") for layer in range(given)]

    def build(self, m: Module, platform: object) -> None:
        """Connect all blocks."""
        p = self._parameters
        m.submodules.chip = chip = ChipRegisters()
        m.submodules.programmer = programmer = Programmer(p)
        wiring.connect(m, wiring.flipped(self.states), programmer.states)
        m.d.comb += [
            self.load.ready.eq(1),
            programmer.chip.eq(chip.chip),
            self.layer.eq(programmer.layer),
            self.valid.eq(programmer.valid),
            self.word.eq(programmer.word),
            self.busy.eq(programmer.busy),
        ]
        if p.general:
            m.d.comb += programmer.route.eq(self.route)
        users: list[Programmer | UseNoiseBlock] = []
        loaded: list[ChipRegisters | Programmer | UseNoiseBlock] = [chip, programmer]
        numbers: Any = wiring.flipped(self.numbers) if self._noisy else None
        for layer in self._noisy:
            m.submodules[f"use_noise_{layer}"] = noise = UseNoiseBlock(p, layer)
            wiring.connect(m, numbers, noise.numbers)
            if layer < len(p.crossbars) - 1:
                wiring.connect(m, noise.noise, wiring.flipped(self.noises[layer]))
            if layer == self._noisy[-1] and p.noisy_sums:
                wiring.connect(m, noise.last_noise, wiring.flipped(self.noises[-1]))
            m.d.comb += noise.seed.eq(chip.chip.seed)
            if p.general:
                m.d.comb += noise.route.eq(self.route)
            if layer != self._noisy[-1]:
                numbers = noise.passed
            if self._variation.iterative_noise:
                users.append(noise)
            loaded.append(noise)
        # Last: its wishes are known later in a clock than those of noise.
        users.append(programmer)
        for block in loaded:
            m.d.comb += [
                block.load.payload.eq(self.load.payload),
                block.load.valid.eq(self.load.valid),
            ]
        if self._variation.iterative:
            m.submodules.unit = unit = DrawUnit(len(users), p.spread_bits, registered=p.target.wide)
            m.d.comb += unit.seed.eq(chip.chip.seed)
            for number, user in enumerate(users):
                wiring.connect(m, user.unit, unit.users[number])
