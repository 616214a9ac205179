"""All that makes a chip of an engine: registers, Programmer, noise at each use."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.stream.layouts import LoadLayout, NoiseLayout
from allspin.hdl.variation.chip import ChipRegisters
from allspin.hdl.variation.draw_unit import DrawUnit
from allspin.hdl.variation.noise.use_noise import UseNoise
from allspin.hdl.variation.programmer import Programmer, WordLayout
from allspin.hdl.variation.speck import LAYER_BITS
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS


class Variation(wiring.Component):
    """Put the blocks together.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Attributes
    ----------
    load : In(stream)
        `LoadLayout`: every byte but those for the memories STATES; `ready` is always set.
    states : In(stream)
        `LoadLayout`: those.
    layer, valid, word, busy : Out
        As of `Programmer`.
    numbers : In(stream)
        The number of each image; where neurons or sums have noise at each use.
    noise_0, noise_1, ... : Out(stream)
        `NoiseLayout` of each hidden layer and, where sums have noise, of the last one; likewise.
    """

    load: stream.Interface
    states: stream.Interface
    layer: Signal
    valid: Signal
    word: data.View
    busy: Signal
    numbers: stream.Interface

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._variation = parameters.variation
        layers = len(parameters.crossbars)
        given = layers if parameters.noisy_sums else layers - 1 if parameters.noisy else 0
        # The last layer's noise comes with that of the layer before it, or alone.
        self._noisy = range(min(given, max(1, layers - 1)))
        ports = {
            "load": In(stream.Signature(LoadLayout())),
            "states": In(stream.Signature(LoadLayout())),
            "layer": Out(LAYER_BITS),
            "valid": Out(1),
            "word": Out(WordLayout(parameters.rah_bits)),
            "busy": Out(1),
        }
        for layer in range(given):
            ports[f"noise_{layer}"] = Out(stream.Signature(NoiseLayout(parameters, layer)))
        if given:
            ports["numbers"] = In(stream.Signature(IMAGE_BITS))
        super().__init__(ports)
        self.noises = [getattr(self, f"noise_{layer}") for layer in range(given)]

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m = Module()
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
        users: list[Programmer | UseNoise] = []
        loaded: list[ChipRegisters | Programmer | UseNoise] = [chip, programmer]
        numbers: Any = wiring.flipped(self.numbers) if self._noisy else None
        for layer in self._noisy:
            m.submodules[f"use_noise_{layer}"] = noise = UseNoise(p, layer)
            wiring.connect(m, numbers, noise.numbers)
            if layer < len(p.crossbars) - 1:
                wiring.connect(m, noise.noise, wiring.flipped(self.noises[layer]))
            if layer == self._noisy[-1] and p.noisy_sums:
                wiring.connect(m, noise.last_noise, wiring.flipped(self.noises[-1]))
            m.d.comb += noise.seed.eq(chip.chip.seed)
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
            m.submodules.unit = unit = DrawUnit(
                self._variation.rounds_per_clock,
                len(users),
                p.spread_bits,
                registered=p.target.wide,
            )
            m.d.comb += unit.seed.eq(chip.chip.seed)
            for number, user in enumerate(users):
                wiring.connect(m, user.unit, unit.users[number])
        return m
