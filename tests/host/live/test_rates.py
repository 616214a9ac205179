"""What a page may say: a burst, then a rate, of messages and of bytes."""

from allspin.host.live.app import BYTE_BURST, BYTES, MESSAGE_BURST, MESSAGES, Rates


def test_a_burst_and_then_the_rate():
    now = [0.0]
    rates = Rates(lambda: now[0])
    many = range(int(2 * MESSAGE_BURST))
    assert sum(rates.allow(1) for _ in many) == MESSAGE_BURST
    now[0] = 1.0
    assert sum(rates.allow(1) for _ in many) == MESSAGES
    now[0] = 1000.0  # it holds no more than it held at first
    assert sum(rates.allow(1) for _ in many) == MESSAGE_BURST


def test_bytes_count_as_well_as_messages():
    now = [0.0]
    rates = Rates(lambda: now[0])
    assert rates.allow(int(BYTE_BURST))
    assert not rates.allow(1)
    now[0] = 0.5
    assert not rates.allow(int(BYTES))
    assert rates.allow(int(BYTES / 2))
