"""V-I converters, neurons and ADCs of one chip, in integers only.

For each column, and for each column of each tile, a deviation `sigma` times a normal value z of
`allspin.sim.chip.generator` turns a gain into ``gain + (gain t + 2^12) >> 13`` with
``t = (z sigma 2^16 + 2^15) >> 16``, clamped to 0 to 1023, and adds to an offset.
"""

import dataclasses

import numpy as np

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import FRACTION_BITS, Purpose
from allspin.sim.chip.noise import cell_range
from allspin.sim.chip.words import (
    OFFSET_BITS,
    SHARE_BITS,
    USE_BITS,
    Integers,
    rounded,
    share_units,
    sum_spread,
    turned,
)
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import GAIN_BITS, Converter
from allspin.sim.network.network import Network


def vary_columns(chip: Chip, network: Network) -> Network:
    """Give a network the neurons, V-I converters and ADCs of a chip.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        The network as it was trained.

    Returns
    -------
    Network
        Network with other gains and offsets in its hidden layers and other offsets of its tiles'
        ADCs. Neurons that switch by chance get the table of a single use, since the noise of each
        use is in `allspin.sim.chip.noise.ColumnNoise`.
    """
    one_use = None
    if network.neuron.noise:
        one_use = network.neuron.table(network.current_bits, network.hidden_bits, one_use=True)
    layers = []
    for number, layer in enumerate(network.layers):
        table = layer.table if one_use is None or layer.table is None else one_use
        converter = _vary_converter(chip, network, number)
        adc = _vary_adc(chip, network, number)
        layers.append(dataclasses.replace(layer, converter=converter, table=table, adc=adc))
    return dataclasses.replace(network, layers=tuple(layers))


def _vary_converter(chip: Chip, network: Network, number: int) -> Converter | None:
    """V-I converters of a layer with the errors of its amplifiers, converters and neurons.

    A neuron's gain is a factor on its whole input current, less the offset; that of amplifier and
    V-I converter on the column's sum only. See `allspin.sim.device.device`.
    """
    layer = network.layers[number]
    converter = layer.converter
    if converter is None:
        return None
    variation = chip.device.neuron_variation
    wrong = chip.device.imperfections
    neurons = network.neurons(number)

    def share(purpose: Purpose, sigma: float, count: int) -> Integers:
        """Errors of the gain of each neuron, in units of ``2**-13``; `count` of them are drawn."""
        drawn = chip.deviations(number, purpose, (1, count), share_units(sigma), SHARE_BITS)
        return np.resize(drawn, neurons)

    def current(purpose: Purpose, sigma: float, count: int) -> Integers:
        """Errors of the current of each neuron, in least significant bits."""
        spread = round(sigma * 2 ** (network.current_bits + USE_BITS))
        drawn = chip.deviations(number, purpose, (1, count), spread, OFFSET_BITS)
        return np.resize(drawn, neurons)

    # All positions of a column share its amplifier and converter; a neuron may be of one position.
    columns = layer.columns
    gain = share(Purpose.NEURON_GAIN, variation.gain, neurons)
    gains = np.resize(converter.gains, neurons).astype(np.int64)
    if layer.adc is None:  # a tile's amplifier is before its ADC: `Chip.through_gains`
        amplifier = share(Purpose.AMPLIFIER_GAIN, wrong.amplifier_gain, columns)
        gains = _clamped_gains(turned(gains, amplifier))
    gains = _clamped_gains(
        turned(gains, share(Purpose.CONVERTER_GAIN, wrong.converter_gain, columns))
    )
    gains = _clamped_gains(turned(gains, gain))

    pivot = round(variation.pivot(network.neuron) * (2**network.current_bits - 1))
    threshold = variation.threshold_deviation(network.neuron)
    offsets = np.resize(converter.offsets, neurons) - current(
        Purpose.CONVERTER_OFFSET, wrong.converter_offset, columns
    )
    offsets += rounded((offsets + pivot) * gain, FRACTION_BITS)
    offsets += current(Purpose.NEURON_THRESHOLD, threshold, neurons)
    bound = 2 ** (network.current_bits + 1)
    offsets = np.clip(offsets, -bound, bound - 1).astype(np.int32)
    return Converter(gains.astype(np.int32), offsets, converter.shift)


def _clamped_gains(gains: Integers) -> Integers:
    """Gains within the bits of a converter."""
    return np.clip(gains, 0, 2**GAIN_BITS - 1)


def _vary_adc(chip: Chip, network: Network, number: int) -> Adc | None:
    """ADCs of a layer's tiles with their offsets and those of their amplifiers.

    ``offset = (z_adc adc + z_amplifier amplifier + 2^18) >> 19`` for a column of a tile, in words
    times row values, for deviations in units of ``2**-6`` of that.
    """
    layer = network.layers[number]
    adc = layer.adc
    if adc is None:
        return None
    shape = adc.tiles(layer.rows), layer.columns
    adc_spread = sum_spread(chip.device.adc.offset, 1 << adc.shift)
    amplifier_offset = chip.device.imperfections.amplifier_offset
    amplifier_spread = sum_spread(amplifier_offset, cell_range(network, number))
    drawn = chip.deviations(number, Purpose.ADC_OFFSET, shape, adc_spread, 0)
    drawn += chip.deviations(number, Purpose.AMPLIFIER_OFFSET, shape, amplifier_spread, 0)
    if not np.any(drawn):
        return adc
    offsets = rounded(drawn, OFFSET_BITS)
    if adc.offsets is not None:
        offsets = offsets + adc.offsets
    return dataclasses.replace(adc, offsets=offsets)
