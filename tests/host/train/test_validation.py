from allspin.host.train.feed import split


def test_the_split_keeps_a_twelfth_apart() -> None:
    learnt, kept = split(60_000)
    assert (len(learnt), len(kept)) == (55_000, 5_000)
    assert sorted([*learnt, *kept]) == list(range(60_000))
