"""The protocol's numbers against ``docs/protocol.md``."""

import dataclasses
import re
from pathlib import Path

import pytest

from allspin.hdl.link.protocol import (
    MAGIC,
    MAX_RUN,
    MAX_SKIP,
    NO_TAG,
    VERSION,
    Answer,
    ErrorCode,
    LinkParameters,
    Request,
    identity_bytes,
    neuron_from_wire,
    neuron_on_wire,
)
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import VariationParameters
from allspin.sim.network.neuron import NEURONS

ENGINE = EngineParameters(
    crossbars=(
        CrossbarParameters(rows=784, columns=100, lanes=50, value_bits=4),
        CrossbarParameters(rows=100, columns=10, lanes=10, value_bits=3),
    ),
    current_bits=9,
)


@pytest.fixture(scope="module")
def document() -> str:
    return (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_kinds_are_those_of_the_document(document: str) -> None:
    requests = {
        name: (int(kind, 16), int(answer, 16))
        for kind, name, answer in re.findall(
            r"^\| (0x\w\w) ([A-Z]+) \|.*\| (0x\w\w) \|", document, re.M
        )
    }
    assert requests == {
        request.name: (request.value, answer.value)
        for request, answer in {
            **dict(zip(Request, Answer, strict=False)),
            Request.NUMBERED: Answer.LOGITS,
        }.items()
    }
    assert int(re.findall(r"(0x\w\w) ERROR", document)[0], 16) == Answer.ERROR


def test_error_codes_are_those_of_the_document(document: str) -> None:
    codes = re.findall(r"^\| (\d) \| ([A-Z]+) \|", document, re.M)
    assert {name: int(code) for code, name in codes} == {
        code.name: code.value for code in ErrorCode
    }


def test_numbers_are_those_of_the_document(document: str) -> None:
    assert f"The link protocol, version {VERSION}" in document
    assert f"| 0 | 4 | `{MAGIC.decode()}` |" in document
    assert f"has tag 0x{NO_TAG:04X}" in document
    assert f"`skip` (0 to {MAX_SKIP})" in document
    assert f"`length` (0 to {MAX_RUN})" in document


def test_identity_by_hand() -> None:
    parameters = LinkParameters(ENGINE, window=4096, frequency=12_000_000)
    # 784 rows of 15 times 128 need 22 bits, 100 rows of 7 times 128 need 18.
    assert identity_bytes(parameters) == (
        b"ASPN"
        b"\x03\x02"
        b"\x00\x1b\xb7\x00"
        b"\x00\x10"
        b"\x04\x03\x08\x09"
        b"sot\0\0\0\0\0"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x10\x03\x64\x00\x32\x00\x16\x01"
        b"\x64\x00\x0a\x00\x0a\x00\x12\x01"
    )


@pytest.mark.parametrize(
    ("variation", "features"),
    [
        (VariationParameters(100, 22, redraw=True), b"\x07\x07\x16"),
        (VariationParameters(10, 1), b"\x05\x04\x01"),
        (VariationParameters(2, 1, use_noise=False), b"\x01\x01\x01"),
        (VariationParameters(2, 1, noise_rounds_per_clock=22, sum_noise=True), b"\x15\x01\x01"),
    ],
)
def test_identity_tells_of_the_gateware_that_makes_chips(variation, features) -> None:
    engine = dataclasses.replace(ENGINE, variation=variation)
    assert identity_bytes(LinkParameters(engine))[24:32] == features + bytes(5)


def test_identity_tells_how_wide_amplified_sums_are() -> None:
    sums = dataclasses.replace(ENGINE, variation=VariationParameters(sum_noise=True))
    layers = identity_bytes(LinkParameters(sums))[32:]
    # Noise is below 2**20 and 2**19 (rows of 4 and 3 bits), and the last gain below twice.
    assert (layers[6], layers[14]) == (23, 22)


def test_without_neurons_there_is_no_noise_at_each_use() -> None:
    engine = EngineParameters(
        (CrossbarParameters(rows=6, columns=3, lanes=3),), variation=VariationParameters()
    )
    assert identity_bytes(LinkParameters(engine))[24] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 128}, "window must be from 256 to 32768, not 128"),
        ({"window": 65536}, "window must be from 256 to 32768, not 65536"),
        ({"window": 1000}, "window must be a power of two from 256 to 32768, not 1000"),
        ({"frequency": -1}, "frequency must be from 0 to 4294967295, not -1"),
        ({"in_flight": 1}, "in_flight must be from 2 to 256, not 1"),
        ({"in_flight": 9}, "in_flight must be a power of two from 2 to 256, not 9"),
    ],
)
def test_parameters_are_checked(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(LinkParameters(ENGINE), **change)


def test_parameters_are_integers() -> None:
    with pytest.raises(TypeError, match="window must be an integer from 256 to 32768"):
        LinkParameters(ENGINE, window="2048")  # type: ignore[arg-type]


def test_every_neuron_has_a_name_of_its_own_within_eight_bytes() -> None:
    short = {name: neuron_on_wire(name) for name in NEURONS}
    assert len(set(short.values())) == len(NEURONS)
    assert max(map(len, short.values())) <= 8
    assert short["sot"] == b"sot"
    assert short["cmos-bare"] == b"cmosbare"
    assert short["cmos-sigmoid"] == b"cmossigm"
    for name, field in short.items():
        assert neuron_from_wire(field.ljust(8, b"\0")) == name
    assert neuron_from_wire(b"strange\0") == "strange"
    assert neuron_from_wire(b"so\n\xe9\x1b[t2") == "so????t2"
