"""Answers as bytes, put together here by hand."""

import pytest

from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.link.identity import Identity
from allspin.host.link.payloads import parse_answers
from allspin.sim.network.random_networks import random_network

CLASSES = 300
"""More than a byte tells apart."""


@pytest.mark.parametrize("winner", [0, 255, 256, 299])
def test_logits_have_their_sign_and_classes_two_bytes(winner: int) -> None:
    parameters = TopParameters.from_network(random_network((9, CLASSES), 1))
    identity = Identity.parse(identity_bytes(parameters.link))
    width = identity.logit_bytes
    logits = [(-1) ** number * (number * 7 % 100) for number in range(CLASSES)]
    logits[winner] = 2 ** (8 * width - 1) - 1
    logits[1] = -(2 ** (8 * width - 1))
    content = b"".join(logit.to_bytes(width, "little", signed=True) for logit in logits)
    answers = parse_answers(content + winner.to_bytes(2, "little"), identity)
    assert answers.logits.tolist() == [logits]
    assert answers.classes.tolist() == [winner]
