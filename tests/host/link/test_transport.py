"""Parameters of UARTs: the ones that are refused, and the length of a bit."""

import pytest

from allspin.host.link.uart_options import UartOptions


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"baud": 100}, "^`baud` must be from 9600 to 12000000, not 100$"),
        ({"frequency": 1}, "^`frequency` must be from 100000 to 1000000000, not 1$"),
        ({"clock_error": 11.0}, "^`clock_error` must be a number from -10 to 10, not 11.0$"),
        ({"clock_error": float("nan")}, "^`clock_error` must be a number from -10 to 10, not nan$"),
    ],
)
def test_an_option_out_of_its_range_is_one_line(options, line):
    with pytest.raises(ValueError, match=line):
        UartOptions(**options)


def test_a_bit_takes_clocks_by_both_clocks():
    # Twelve megahertz over three megabaud are four clocks, and a host that is 2.5 % slow sees more.
    assert UartOptions().bit_clocks == 4
    assert UartOptions(clock_error=2.5).bit_clocks == pytest.approx(4.1)
    assert float(UartOptions(1_500_000, frequency=25_000_000).parameters().divisor) == 16.6875
