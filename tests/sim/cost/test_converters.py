"""A converter's figures, against those that are published."""

import pytest

from allspin.sim.cost.spin import ADC_CONVERSION, conversion_energy, converter_area


def test_eight_bits_are_the_published_converter() -> None:
    """2 mW at 1.28 GS/s are 1562.5 fJ; 0.0012 mm^2 are 1200 um^2."""
    assert conversion_energy(8).value == pytest.approx(1562.5)
    assert converter_area(8).value == converter_area(8).low == converter_area(8).high == 1200


def test_four_bits_are_those_of_the_neurons_periphery() -> None:
    found = conversion_energy(4)
    assert found.value == pytest.approx(ADC_CONVERSION.value)
    assert found.low == pytest.approx(ADC_CONVERSION.low)
    assert found.high == pytest.approx(ADC_CONVERSION.high)


@pytest.mark.parametrize("bits", range(2, 24))
def test_more_bits_take_more(bits: int) -> None:
    for figure in (conversion_energy, converter_area):
        here, more = figure(bits), figure(bits + 1)
        assert here.low <= here.value <= here.high
        assert here.value < more.value
        assert here.low < more.low


def test_what_no_converter_is() -> None:
    with pytest.raises(ValueError, match="bits of a converter must be from 2 to 24"):
        conversion_energy(1)
