"""Buckets: a burst, then a rate."""

from allspin.host.live.app import BYTE_BURST, MESSAGE_BURST, MESSAGES, Bucket, Rates


def test_a_burst_and_then_the_rate():
    now = [0.0]
    bucket = Bucket(10, 4, lambda: now[0])
    assert [bucket.take(1) for _ in range(5)] == [True] * 4 + [False]
    now[0] = 0.25
    assert [bucket.take(1) for _ in range(3)] == [True, True, False]
    now[0] = 1000.0  # it holds no more than it held at first
    assert [bucket.take(1) for _ in range(5)] == [True] * 4 + [False]
    assert bucket.take(0)


def test_bytes_count_as_well_as_messages():
    now = [0.0]
    rates = Rates(lambda: now[0])
    assert rates.allow(int(BYTE_BURST))
    assert not rates.allow(1)
    rates = Rates(lambda: now[0])
    allowed = sum(rates.allow(1) for _ in range(int(2 * MESSAGE_BURST)))
    assert allowed == MESSAGE_BURST
    now[0] = 1.0
    assert sum(rates.allow(1) for _ in range(int(2 * MESSAGES))) == MESSAGES
