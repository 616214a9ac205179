"""COBS against the package of that name."""

from cobs import cobs
from hypothesis import given, strategies as st

from allspin.hdl.link.cobs import CobsDecoder, CobsEncoder
from tests.examples import examples
from tests.hdl.link.wire import beats
from tests.hdl.streams import StreamBench

packets = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.lists(st.sampled_from([0, 0, 1, 255]), min_size=1, max_size=12).map(bytes),
        st.integers(253, 255).map(lambda length: b"\x2a" * length),
    ),
    min_size=1,
    max_size=3,
).map(b"".join)
stalls = st.sampled_from([0.0, 0.2, 0.5])


def decode(stream: bytes, stall: float = 0.0, seed: int = 0) -> tuple[list[bytes | None], int]:
    """Frames that the decoder finds in a stream (None if malformed), and its clocks."""
    decoder = CobsDecoder()
    bench = StreamBench(decoder, stall=stall, seed=seed)
    bench.put(decoder.i, stream)
    taken = bench.take(decoder.o, 0)
    bench.run()
    frames: list[bytes | None] = []
    frame = bytearray()
    for byte, end, malformed in taken:
        if end:
            frames.append(None if malformed else bytes(frame))
            frame.clear()
        else:
            frame.append(byte)
    assert not frame
    return frames, bench.clock


def encode(
    sent: list[bytes], stall: float = 0.0, seed: int = 0
) -> tuple[bytes, list[int], StreamBench]:
    """Bytes that the encoder sends for packets, the clock of each byte, and the bench."""
    encoder = CobsEncoder()
    bench = StreamBench(encoder, stall=stall, seed=seed)
    bench.put(encoder.i, beats(*sent))
    clocks: list[int] = []
    expected = sum(len(cobs.encode(packet)) + 1 for packet in sent)
    taken = bench.take(encoder.o, expected, clocks=clocks)
    bench.run()
    return bytes(taken), clocks, bench


def expected_frames(stream: bytes) -> list[bytes | None]:
    """Frames that the package finds in a stream with a zero byte at its end; None if malformed."""
    frames: list[bytes | None] = []
    for chunk in stream.split(b"\0"):
        if chunk:
            try:
                frames.append(cobs.decode(chunk))
            except cobs.DecodeError:
                frames.append(None)
    return frames


@given(
    stream=st.lists(
        st.one_of(st.integers(0, 6), st.integers(250, 255), st.integers(0, 255)), max_size=300
    ),
    stall=stalls,
    seed=st.integers(0, 999),
)
@examples(20)
def test_takes_any_bytes_as_the_package_does(stream: list[int], stall: float, seed: int) -> None:
    frames, _ = decode(bytes([*stream, 0]), stall, seed)
    assert frames == expected_frames(bytes(stream))


def test_decoder_takes_a_byte_a_clock() -> None:
    stream = cobs.encode(bytes(range(256)) * 2) + b"\0"
    _, clocks = decode(stream)
    assert clocks <= len(stream) + 22


@given(sent=st.lists(packets, min_size=1, max_size=2), stall=stalls, seed=st.integers(0, 999))
@examples(10)
def test_encodes_as_the_package_does(sent: list[bytes], stall: float, seed: int) -> None:
    stream, _, _ = encode(sent, stall, seed)
    assert stream == b"".join(cobs.encode(packet) + b"\0" for packet in sent)


def test_encoder_sends_a_byte_a_clock() -> None:
    sent = [bytes(range(256))] * 6
    _, clocks, _ = encode(sent)
    # In all: a clock a byte, three for each packet's end and its full block, and the wait
    # for the first long block to close.
    assert clocks[-1] <= sum(len(packet) + 3 for packet in sent) + 262
