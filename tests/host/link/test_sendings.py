"""What an answer tells of the frames that were sent before it."""

from hypothesis import given
from hypothesis import strategies as st

from allspin.host.link.session import Sendings


def sent(*tags):
    sendings = Sendings()
    for tag in tags:
        sendings.sent(tag)
    return sendings


def test_an_answer_shows_what_got_lost_before_it():
    sendings = sent(1, 2, 3, 4)
    assert sendings.answered(1) == []
    assert sendings.answered(3) == [2]
    assert [sendings.pending(tag) for tag in (1, 2, 3, 4)] == [False, False, False, True]
    assert len(sendings) == 1


def test_an_answer_to_what_was_sent_twice_may_be_the_first_one_s():
    sendings = sent(1, 2, 3, 1)
    assert sendings.answered(1) == []
    assert sendings.pending(1)
    assert sendings.answered(1) == [2, 3]
    assert len(sendings) == 0


def test_an_answer_to_something_else_shows_nothing():
    sendings = sent(1, 2)
    assert sendings.answered(7) == []
    sendings.forget()
    assert sendings.answered(2) == []
    assert len(sendings) == 0


def test_the_newest():
    assert sent(1, 2, 3, 1, 4).newest({1, 3}) == 1


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30))
def test_nothing_counts_as_lost_that_was_answered(frames):
    # Tags, and whether a frame was answered: each answer comes in the order of the frames.
    sendings = sent(*(tag for tag, _ in frames))
    lost = [gone for tag, whole in frames if whole for gone in sendings.answered(tag)]
    for tag in range(5):
        assert lost.count(tag) <= sum(not whole for other, whole in frames if other == tag)
