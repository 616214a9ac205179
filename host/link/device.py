"""A device behind the link; the host class does not know what carries the bytes."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from hdl.link.protocol import (
    MIN_WINDOW,
    NO_TAG,
    Answer,
    ErrorCode,
    Feature,
    Request,
)
from hdl.parameters import CONVERTER, COUNTERS, ENGINE, SHIFT, TABLE, USE_NOISE, WEIGHTS
from host.link.frames import Deframer, encode_frame, encoded_size
from host.link.identity import Identity
from host.link.images import BATCH, encode_images
from host.link.transport import Transport
from sim.errors import UserError
from sim.network import Network
from sim.pixels import quantise_pixels

Progress = Callable[[int], None]
"""Called with the number of images (or of requests) answered so far."""

Memory = tuple[int, npt.NDArray[np.uint8]]
"""A memory's space and its content, shape (lines, bytes of a line)."""

MAX_UNDER_WAY = 4096
"""Requests under way on a stream that holds the sender back: some hundred kilobytes."""
MAX_CHUNK = 1 << 16
"""Bytes that are offered to the stream at once."""
ADDRESS_BYTES = 3
"""Space and address in front of a WRITE's data."""
COUNTER_BYTES = 8
NO_PROGRESS: Progress = lambda done: None  # noqa: E731

ERRORS = {
    ErrorCode.KIND: "the kind of request is unknown to it",
    ErrorCode.SPACE: "it has no such memory or line",
    ErrorCode.LENGTH: "the request's length does not fit",
    ErrorCode.IMAGE: "the image does not fit its rows",
}


@dataclass(frozen=True)
class Counters:
    """The engine's counters, or the difference between two readings.

    Attributes
    ----------
    cycles : int
        Clocks in which at least one image was under way.
    images : int
        Images answered.
    rows : tuple of int
        For each layer, rows driven.
    neurons : tuple of int
        For each layer, neurons used (columns read, in the last).
    """

    cycles: int
    images: int
    rows: tuple[int, ...]
    neurons: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a device answered to a batch of images.

    Attributes
    ----------
    logits : ndarray of int64, shape (images, classes)
        Column sums of the last layer.
    classes : ndarray of int64, shape (images,)
        The class that the device chose.
    clocks : int or None
        Clocks from the first byte of the first request to the last byte of the last answer
        where a UART's time is simulated; else None.
    """

    logits: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    clocks: int | None = None


@dataclass(slots=True)
class _UnderWay:
    """A request that has no answer yet."""

    index: int
    frame: bytes
    sent: int  # how often


class Device:
    """A device that speaks the link protocol.

    Parameters
    ----------
    transport : Transport
        The stream to it; `close` closes it.

    Attributes
    ----------
    name : str
        What messages call the device.
    identity : Identity
        What it said of itself.
    resent : int
        Requests that had to be sent again so far.

    Raises
    ------
    UserError
        If nothing that speaks the protocol answers. As everywhere in this class, the
        message is one line.
    """

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self.resent = 0
        self._transport = transport
        self._deframer = Deframer()
        self._tag = 0
        self._window = MIN_WINDOW
        self.identity = self.identify()
        self._window = self.identity.window

    def close(self) -> None:
        """Let go of the device."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def identify(self) -> Identity:
        """Ask what the device is."""
        try:
            (body,) = self._ask(Request.IDENTIFY, [b""], timeout=self._transport.probe_timeout)
        except TimeoutError:
            raise UserError(
                f"nothing that speaks allspin's protocol answers on {self.name}; "
                f"{self._transport.advice}"
            ) from None
        try:
            return Identity.parse(body)
        except ValueError as error:
            raise UserError(f"{self.name} cannot be used: {error}") from error

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the device was built for such a network."""
        self.identity.check(self.name, network)

    def program(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Write a network's weights, tables and converters, and clear the counters.

        Parameters
        ----------
        network : Network
            It must fit the device.
        progress : callable
            Called with the number of frames answered.

        Raises
        ------
        UserError
            If the network does not fit, or the device does not answer.
        """
        self.check(network)
        memories = [*crossbar_memories(network), *neuron_memories(network)]
        if Feature.USE_NOISE in self.identity.features:
            memories += use_noise_memories(network, 0)
        self.write_memories(memories, progress)
        self.clear_counters()

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Write whole memories, one after another.

        Parameters
        ----------
        memories : iterable of tuple of int and ndarray of uint8, shape (lines, bytes)
            Each one's space and its lines.
        progress : callable
            Called with the number of frames answered.
        """
        bodies = [body for space, lines in memories for body in self._lines(space, lines)]
        self._request(Request.WRITE, bodies, progress)

    def read_words(self, layer: int) -> npt.NDArray[np.int8]:
        """Read the R_AH words of a crossbar back.

        Returns
        -------
        ndarray of int8, shape (rows, columns)
        """
        shape = self.identity.layers[layer]
        content = self.read_back(layer << 4 | WEIGHTS, 0, shape.rows, shape.columns)
        return np.frombuffer(content, np.int8).reshape(shape.rows, shape.columns)

    def _lines(self, space: int, lines: npt.NDArray[np.uint8]) -> Iterator[bytes]:
        """WRITE bodies of a memory, each as many lines as half a window takes."""
        step = max(1, (self._window // 2 - encoded_size(16)) // lines.shape[1])
        for address in range(0, len(lines), step):
            yield _address(space, address) + lines[address : address + step].tobytes()

    def write(self, space: int, address: int, data: bytes) -> None:
        """Write whole lines of a memory.

        Parameters
        ----------
        space, address : int
            Which memory, and its first line.
        data : bytes
            One line after another.
        """
        self._request(Request.WRITE, [_address(space, address) + data])

    def write_lines(
        self, space: int, lines: npt.NDArray[np.uint8], progress: Progress = NO_PROGRESS
    ) -> None:
        """Write a memory from line 0 on, several requests under way at a time.

        Parameters
        ----------
        space : int
            Which memory.
        lines : ndarray of uint8, shape (lines, bytes of a line)
            What to write.
        progress : callable
            Called with the number of requests answered.
        """
        self._request(Request.WRITE, list(self._lines(space, lines)), progress)

    def read_back(self, space: int, address: int, count: int, line_bytes: int) -> bytes:
        """Read lines of a memory.

        Parameters
        ----------
        space, address : int
            Which memory, and its first line.
        count : int
            Number of lines.
        line_bytes : int
            Bytes of a line.

        Returns
        -------
        bytes
            ``count * line_bytes`` of them.
        """
        # Answers of about half a kilobyte keep a lost one cheap.
        step = max(1, 512 // line_bytes)
        bodies = [
            _address(space, start) + min(step, address + count - start).to_bytes(2, "little")
            for start in range(address, address + count, step)
        ]
        content = b"".join(self._request(Request.READ, bodies))
        if len(content) != count * line_bytes:
            raise UserError(
                f"{self.name} answered a READ of {count * line_bytes} bytes with {len(content)}"
            )
        return content

    def start_stopwatch(self) -> None:
        """Let the next request's first byte start the count of `elapsed_clocks`."""
        self._transport.start_stopwatch()

    def elapsed_clocks(self) -> int | None:
        """Clocks from the stopwatch's start to the last answer's end, in simulated time."""
        return self._transport.elapsed_clocks()

    def clear_counters(self) -> None:
        """Set all counters to zero."""
        self.write(ENGINE << 4 | COUNTERS, 0, bytes(COUNTER_BYTES))

    def counters(self) -> Counters:
        """Read all counters."""
        spaces = [ENGINE, *range(len(self.identity.layers))]
        pairs = [
            np.frombuffer(
                self.read_back(space << 4 | COUNTERS, 0, 2, COUNTER_BYTES), dtype="<u8"
            ).tolist()
            for space in spaces
        ]
        (cycles, images), *layers = pairs
        return Counters(
            cycles, images, tuple(pair[0] for pair in layers), tuple(pair[1] for pair in layers)
        )

    def stream(
        self,
        images: npt.NDArray[np.uint8],
        progress: Progress = NO_PROGRESS,
        first: int = 0,
    ) -> Answers:
        """Run images, several under way at a time.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        progress : callable
            Called with the number of images answered.
        first : int
            Number of the first image, where neurons have noise at each use.

        Raises
        ------
        UserError
            If the device dies, falls silent or refuses an image.
        ValueError
            If the images have not as many pixels as the first layer has rows.
        """
        rows = self.identity.topology[0]
        if images.size != len(images) * rows:
            raise ValueError(f"images must have {rows} pixels, not {images.size // len(images)}")
        flat = images.reshape(len(images), rows)
        self.start_stopwatch()
        numbered = Feature.USE_NOISE in self.identity.features
        bodies = _ImageBodies(flat, self.identity, first if numbered else None)
        kind = Request.NUMBERED if numbered else Request.IMAGE
        answers = self._request(kind, bodies, progress)
        size = self.identity.answer_bytes
        if any(len(answer) != size for answer in answers):
            raise UserError(f"{self.name} answered an image with other than {size} bytes")
        answer = parse_answers(b"".join(answers), self.identity)
        return replace(answer, clocks=self.elapsed_clocks())

    def _request(
        self, kind: Request, bodies: Sequence[bytes], progress: Progress = NO_PROGRESS
    ) -> list[bytes]:
        """`_ask`, where silence is an error for the user."""
        try:
            return self._ask(kind, bodies, progress)
        except TimeoutError:
            raise UserError(
                f"{self.name} does not answer any more; {self._transport.advice}"
            ) from None

    def _ask(
        self,
        kind: Request,
        bodies: Sequence[bytes],
        progress: Progress = NO_PROGRESS,
        timeout: float | None = None,
    ) -> list[bytes]:
        """Send requests of one kind, and return the bodies of their answers in order.

        A request whose answer is overtaken, or does not come in time, is sent again.

        Raises
        ------
        TimeoutError
            If a request went unanswered as often as the transport allows.
        UserError
            If the device refuses a request, or is gone.
        """
        transport = self._transport
        expected = Answer.LOGITS if kind == Request.NUMBERED else kind | 0x80
        timeout = transport.timeout if timeout is None else timeout
        answers: list[bytes] = [b""] * len(bodies)
        under_way: dict[int, _UnderWay] = {}  # by tag, in the order of their last sending
        budget = self._window
        out = bytearray(b"\0")  # ends whatever was under way before
        used = 0  # bytes of unanswered requests
        next_body = answered = 0
        patience = time.monotonic() + timeout
        heard = 0

        def send_again(tags: list[int]) -> None:
            for tag in tags:
                request = under_way.pop(tag)
                if request.sent >= transport.attempts:
                    raise TimeoutError
                request.sent += 1
                self.resent += 1
                under_way[tag] = request
                out.extend(request.frame)

        while answered < len(bodies):
            while next_body < len(bodies) and len(out) < MAX_CHUNK:
                if len(under_way) >= MAX_UNDER_WAY:
                    break
                frame = encode_frame(
                    kind.to_bytes(1, "little") + self._tag.to_bytes(2, "little") + bodies[next_body]
                )
                if not transport.holds_back:
                    if len(frame) > budget:
                        raise UserError(
                            f"a request of {len(frame)} bytes does not fit the window of "
                            f"{self.name}, {budget} bytes; build it with a larger window"
                        )
                    if used + len(frame) > budget:
                        break
                under_way[self._tag] = _UnderWay(next_body, frame, 1)
                self._tag = (self._tag + 1) % NO_TAG
                out += frame
                used += len(frame)
                next_body += 1

            sent, received = transport.exchange(
                bytes(out[:MAX_CHUNK]), max(0.0, patience - time.monotonic())
            )
            del out[:sent]
            damaged = False
            for payload in self._deframer.feed(received) if received else ():
                tag = payload[1] | payload[2] << 8
                if payload[0] == Answer.ERROR:
                    if tag == NO_TAG:
                        damaged = True
                    elif tag in under_way:
                        self._refused(payload)
                    continue
                if payload[0] != expected or tag not in under_way:
                    continue  # the answer to a request that was sent twice
                # Answers come in order, so those before this one got lost.
                lost = list(itertools.takewhile(lambda earlier, tag=tag: earlier != tag, under_way))
                request = under_way.pop(tag)
                answers[request.index] = payload[3:]
                used -= len(request.frame)
                answered += 1
                if lost:
                    send_again(lost)
            # Which request was damaged shows when a later one is answered; where there is only
            # one, at once, unless the damage was to something that was sent before.
            if damaged and len(under_way) == 1:
                (tag,) = under_way
                if under_way[tag].sent < transport.attempts:
                    send_again([tag])
            if answered > heard:
                heard = answered
                progress(answered)
                patience = time.monotonic() + timeout
            elif sent:
                patience = time.monotonic() + timeout
            elif time.monotonic() >= patience:
                if out:
                    raise TimeoutError  # the stream does not even take what is sent
                # Ends a frame whose own end got lost.
                out += b"\0"
                send_again(list(under_way))
                patience = time.monotonic() + timeout
        return answers

    def _refused(self, payload: bytes) -> None:
        code = payload[3] if len(payload) > 3 else 0
        reason = ERRORS.get(ErrorCode(code)) if code in set(ErrorCode) else None
        raise UserError(f"{self.name} refused a request: {reason or f'error {code}'}")


class _ImageBodies(Sequence[bytes]):
    """Bodies of IMAGE requests, coded a batch at a time as they are asked for in order."""

    def __init__(
        self, images: npt.NDArray[np.uint8], identity: Identity, number: int | None
    ) -> None:
        self._images = images
        self._number = number  # of the first image; None where they have none
        self._bits = identity.pixel_bits
        self._first = 0
        self._bodies: list[bytes] = []

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> bytes:  # type: ignore[override]
        place = index - self._first
        if not 0 <= place < len(self._bodies):
            self._first, place = index, 0
            batch = self._images[index : index + BATCH]
            self._bodies = encode_images(quantise_pixels(batch, self._bits), self._bits)
            if self._number is not None:
                self._bodies = [
                    (self._number + index + n).to_bytes(4, "little") + body
                    for n, body in enumerate(self._bodies)
                ]
        return self._bodies[place]


def crossbar_memories(network: Network) -> Iterator[Memory]:
    """R_AH words of every layer."""
    for number, layer in enumerate(network.layers):
        yield number << 4 | WEIGHTS, layer.words.view(np.uint8)


def neuron_memories(network: Network) -> Iterator[Memory]:
    """Neurons' tables and V-I converters of every hidden layer."""
    for number, layer in enumerate(network.layers):
        base = number << 4
        if layer.table is not None:
            yield base | TABLE, layer.table[:, np.newaxis]
        if layer.converter is not None:
            words = np.empty((layer.columns, 2), dtype="<u2")
            words[:, 0] = layer.converter.gains
            words[:, 1] = layer.converter.offsets.astype("<i2").view("<u2")
            yield base | CONVERTER, words.view(np.uint8)
            yield base | SHIFT, np.array([[layer.converter.shift]], dtype=np.uint8)


def use_noise_memories(network: Network, spread: int) -> Iterator[Memory]:
    """What the neurons of every hidden layer vary by at each use, as the protocol has it."""
    for number in range(len(network.layers) - 1):
        yield number << 4 | USE_NOISE, np.array([spread], "<u4").view(np.uint8)[np.newaxis]


def parse_answers(content: bytes, identity: Identity) -> Answers:
    """What a device answered to images.

    Parameters
    ----------
    content : bytes
        Logits and class of one image after another, as in the answers to IMAGE requests.
    identity : Identity
        The device's.
    """
    width = identity.logit_bytes
    answers = np.frombuffer(content, dtype=np.uint8).reshape(-1, identity.answer_bytes)
    wide = np.zeros((len(answers), identity.classes, 8), dtype=np.uint8)
    # Into the high bytes, and back by an arithmetic shift: that extends the sign.
    wide[:, :, 8 - width :] = answers[:, :-2].reshape(len(answers), identity.classes, width)
    logits = wide.view("<i8")[:, :, 0] >> 8 * (8 - width)
    classes = answers[:, -2].astype(np.int64) | answers[:, -1].astype(np.int64) << 8
    return Answers(logits.astype(np.int64), classes)


def _address(space: int, address: int) -> bytes:
    return space.to_bytes(1, "little") + address.to_bytes(2, "little")
