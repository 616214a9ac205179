"""Image files of every kind that is read, and one line for every other."""

import struct
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from allspin.host.data.image_files import FORMATS, read_grey
from allspin.host.data.images import load_image
from allspin.sim.errors import UserError
from tests.host.data.conftest import damaged, refusal

rows, columns = np.indices((20, 30))
LEVELS = (rows * 12 + columns).astype(np.uint8)
"""A picture with many grey levels, and another one upside down."""
PICTURE = Image.fromarray(LEVELS)


def saved(folder: Path, name: str, image: Image.Image, **options) -> Path:
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize(
    ("kind", "modes"),
    [
        ("png", ("L", "RGB", "P", "RGBA", "LA")),
        ("gif", ("L", "P")),
        ("bmp", ("L", "RGB", "P", "RGBA")),
        ("tif", ("L", "RGB", "P", "RGBA", "CMYK")),
        ("pgm", ("L", "RGB")),
    ],
)
def test_grey_levels_are_those_of_the_picture(tmp_path, kind, modes):
    for mode in modes:
        path = saved(tmp_path, f"x.{kind}", PICTURE.convert(mode))
        assert np.array_equal(read_grey(path), LEVELS), mode


def test_lossy_kinds_are_near(tmp_path):
    for name, options in (("x.jpg", {"quality": 95}), ("x.webp", {"lossless": True})):
        assert np.abs(read_grey(saved(tmp_path, name, PICTURE, **options)) - LEVELS).max() < 6
    black_and_white = saved(tmp_path, "1.png", Image.fromarray(LEVELS > 128))
    assert np.array_equal(read_grey(black_and_white), (LEVELS > 128) * 255)


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_sixteen_bits_are_scaled_not_cut(tmp_path, name):
    deep = Image.fromarray(LEVELS.astype(np.uint16) * 257 - (LEVELS > 0).astype(np.uint16) * 100)
    assert np.array_equal(read_grey(saved(tmp_path, name, deep)), LEVELS)


def test_sixteen_bits_of_grey_are_scaled_for_a_network_of_colours_too(tmp_path):
    deep = Image.fromarray(LEVELS.astype(np.uint16) * 257)
    found = load_image(saved(tmp_path, "x.png", deep), (*LEVELS.shape, 3)).image
    assert np.array_equal(found, np.repeat(LEVELS[..., np.newaxis], 3, axis=2))


def png(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Build a PNG from its header's fields and its data."""
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    return content


def test_one_transparent_level_of_sixteen_bits_is_paper(tmp_path):
    deep = np.full((4, 5), 60_000, ">u2")
    deep[1, 2] = 514
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in deep))
    header = struct.pack(">IIBBBBB", 5, 4, 16, 0, 0, 0, 0)
    path = tmp_path / "x.png"
    path.write_bytes(png(header, (b"tRNS", struct.pack(">H", 60_000)), (b"IDAT", data)))
    expected = np.full((4, 5), 255)
    expected[1, 2] = 2
    assert np.array_equal(read_grey(path), expected)


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_nothing_is_paper_whatever_the_ink(tmp_path, ink, mode):
    opacity = Image.fromarray(np.where(LEVELS > 100, 255, 0).astype(np.uint8))
    image = Image.merge("LA", (Image.new("L", PICTURE.size, ink), opacity)).convert("RGBA")
    options = {}
    if mode == "P":
        image = Image.fromarray((LEVELS <= 100).astype(np.uint8), "L").convert("P")
        image.putpalette([ink] * 3 + [255 - ink] * 3)
        options = {"transparency": 1}
    else:
        image = image.convert(mode)
    found = read_grey(saved(tmp_path, "x.png", image, **options))
    assert np.array_equal(found, np.where(LEVELS > 100, ink, 255 - ink))


def test_a_camera_that_was_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side
    turned = PICTURE.transpose(Image.Transpose.ROTATE_90)
    assert np.array_equal(read_grey(saved(tmp_path, "x.png", turned, exif=exif)), LEVELS)


OTHER = PICTURE.transpose(Image.Transpose.ROTATE_180)
FRAMES = {"save_all": True, "append_images": [OTHER]}
DEEP = Image.fromarray(LEVELS.astype(np.int32))
REAL = Image.fromarray(LEVELS.astype(np.float32) / 255)


@pytest.mark.parametrize(
    ("name", "image", "options", "words"),
    [
        *((f"x.{kind}", PICTURE, FRAMES, "several frames") for kind in ("gif", "png", "webp")),
        ("x.tif", PICTURE, FRAMES, "it has several frames or pages; save one of them"),
        ("x.tif", REAL, {}, "values of 32 bits"),
        ("x.tif", DEEP, {}, "values of 32 bits"),
        # Its library would speak for itself.
        ("x.tif", PICTURE, {"compression": "tiff_lzw"}, "a compressed TIFF; save it without"),
    ],
)
def test_a_picture_that_no_network_can_be_shown_is_refused(tmp_path, name, image, options, words):
    assert words in refusal(read_grey, saved(tmp_path, name, image, **options))


def test_a_large_picture_is_made_smaller(tmp_path):
    large = PICTURE.resize((6000, 4000), Image.Resampling.NEAREST)
    found = read_grey(saved(tmp_path, "x.png", large, compress_level=1))
    assert found.shape == (800, 1200)
    assert np.array_equal(found[20::40, 20::40], LEVELS)


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (9000, 9000, "9,000 x 9,000 pixels"),
        (60_000, 60_000, "bomb"),
        (1, 10_000_000, "1 x 10,000,000 pixels"),
    ],
)
def test_a_decompression_bomb_is_not_unpacked(tmp_path, width, height, words):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes(height * (width // 8 + 1)), 9) if width < 10_000 else b""
    path = tmp_path / "bomb.png"
    path.write_bytes(png(header, (b"IDAT", data)))
    tracemalloc.start()
    try:
        assert words in refusal(read_grey, path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "only PNG, JPEG, GIF, BMP, TIFF, WEBP, PPM are read"),
        (b"\0\0\x08\x03" + bytes(12), "only PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "only PNG, JPEG"),
        (b"\x89PNG\r\n\x1a\n", "only PNG"),
        (b"P5 30 20 255\n" + bytes(100), "truncated"),
        (b"P5 0 20 255\n", ""),
    ],
)
def test_foreign_content(tmp_path, content, words):
    (tmp_path / "x.png").write_bytes(content)
    assert words in refusal(read_grey, tmp_path / "x.png")


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_file_is_one_line(tmp_path, kind):
    path = saved(tmp_path, "x", PICTURE.resize((200, 300)), format=kind)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refusal(read_grey, path)


def _contents() -> list[bytes]:
    """Small files of every kind and mode that Pillow writes."""
    found = []
    for kind, mode in product(FORMATS, ("L", "RGB", "P", "RGBA", "1", "LA")):
        content = BytesIO()
        with suppress(OSError, ValueError):
            PICTURE.resize((7, 5)).convert(mode).save(content, kind)
            found.append(content.getvalue())
    return found


CONTENTS = _contents()


@pytest.fixture(scope="module")
def some_path(tmp_path_factory):
    return tmp_path_factory.mktemp("images") / "image"


@given(st.data())
@settings(max_examples=100)
def test_any_damage_is_one_line_or_a_picture(some_path, data):
    some_path.write_bytes(damaged(data, data.draw(st.sampled_from(CONTENTS))))
    try:
        found = read_grey(some_path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert found.ndim == 2
        assert 0 <= found.min() <= found.max() <= 255


def test_colours_stay_where_they_are(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (6, 4, 3), np.uint8)
    found = load_image(saved(tmp_path, "a.png", Image.fromarray(colours)), (6, 4, 3))
    assert np.array_equal(found.image, colours)
    # Another ratio of sides: the whole image between black bars. A transparent image is black, too.
    wide = load_image(tmp_path / "a.png", (6, 10, 3)).image
    assert np.array_equal(wide[:, 3:7], colours)
    assert not wide[:, :3].any()
    assert not wide[:, 7:].any()
    clear = np.dstack([colours, np.zeros((6, 4), np.uint8)])
    assert not load_image(saved(tmp_path, "b.png", Image.fromarray(clear)), (6, 4, 3)).image.any()
    for shape, framing in (((6, 4, 2), None), ((6, 4, 3), "mnist")):
        assert "an image file has 3, and is scaled" in refusal(
            lambda path, how=(shape, framing): load_image(path, *how), tmp_path / "a.png"
        )
