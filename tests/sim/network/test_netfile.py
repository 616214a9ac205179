import dataclasses
import json
import os
import re
import resource
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from safetensors.numpy import load, save

from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.netfile import (
    load_network,
    network_from_bytes,
    network_to_bytes,
    save_network,
)
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_network
from tests.sim.network.any_network import networks


def made(neuron: SotNeuron | ReluNeuron | None = None, seed: int = 0, **changes: Any) -> Network:
    """A network 6-4-3-2 with arrays in awkward memory orders."""
    neuron = neuron or SotNeuron(slope=2)
    rng = np.random.default_rng(seed)
    layers = []
    for rows, columns in ((6, 4), (4, 3), (3, 2)):
        last = columns == 2
        layers.append(
            Layer(
                states=np.asfortranarray(rng.integers(0, 5, (rows, columns), np.uint8)),
                levels=uniform_levels(5)[::-1],
                converter=None
                if last
                else Converter(
                    rng.integers(0, 1024, columns, np.int32),
                    rng.integers(-64, 64, columns, np.int32),
                    rows,
                ),
                table=neuron.table(5, 3)[::-1]
                if isinstance(neuron, SotNeuron) and not last
                else None,
            )
        )
    parts: dict[str, Any] = {
        "image_shape": (2, 3),
        "hidden_bits": 3,
        "current_bits": 5,
        "provenance": {"seed": seed, "name": "é\n", "accuracy": 0.5},
    }
    return Network(layers=tuple(layers), neuron=neuron, **(parts | changes))


SMALL = network_to_bytes(made())


def refusal(data: bytes) -> str:
    with pytest.raises(ValueError, match=r"^it|needs a table") as caught:
        network_from_bytes(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def parts(data: bytes = SMALL) -> tuple[dict[str, Any], dict[str, Any]]:
    """Record and tensors of a file, taken apart by hand."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    return json.loads(header["__metadata__"]["allspin"]), load(data)


def put_together(record: Any, tensors: dict[str, Any]) -> bytes:
    return save(tensors, metadata={"allspin": json.dumps(record)})


# There and back.


def told(network: Network) -> tuple[object, str]:
    """All that a network is made of."""
    return network.neuron, json.dumps(
        dataclasses.asdict(network), default=np.ndarray.tolist, sort_keys=True
    )


@pytest.mark.parametrize("neuron", [SotNeuron(), SotNeuron(0.3, 3.0, 0.01, 0.7), ReluNeuron()])
def test_every_value_comes_back(neuron: SotNeuron | ReluNeuron, tmp_path: Path) -> None:
    network = made(neuron, pixel_bits=3)
    save_network(network, tmp_path / "net.safetensors")
    assert told(load_network(tmp_path / "net.safetensors")) == told(network)


def test_equal_networks_make_equal_files() -> None:
    assert network_to_bytes(network_from_bytes(SMALL)) == SMALL
    assert network_to_bytes(made(seed=1)) != SMALL
    widths = {"pixel_bits": np.int64(4), "image_shape": [np.int64(2), np.uint8(3)]}
    assert network_to_bytes(made(SotNeuron(slope=2.0), **widths)) == SMALL


def test_json_that_others_cannot_read_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        network_to_bytes(made(provenance={"loss": float("nan")}))


# Damage.


def test_every_truncation_is_refused() -> None:
    for length in range(len(SMALL)):
        refusal(SMALL[:length])


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}",
        b"[]",
        b"null",
        b'{"__metadata__":{"allspin":"[]"}}',
        b'{"__metadata__":{"allspin":"1e999"}}',
        b'{"__metadata__":{"allspin":"{\\"format\\":1}"}}',
        b'{"__metadata__":{"allspin":"{\\"format\\":NaN}"}}',
        b'{"__metadata__":{"allspin":"' + b"[" * 100_000 + b'"}}',
        b'{"__metadata__":{"allspin":"' + b"9" * 10_000 + b'"}}',
        b'{"__metadata__":{"allspin":"\\ud800"}}',
        b'{"__metadata__":{"allspin":"{"}}',
        b'{"__metadata__":{"allspin":{}}}',
        b'{"__metadata__":[]}',
        b'{"__metadata__":{"other":"1"}}',
        b'{"x":{"dtype":"U8","shape":[0,18446744073709551615],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"\\n","shape":[0],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"U8","shape":[' + b"1," * 99 + b'0],"data_offsets":[0,0]}}',
        b"\xff\xfe{\0}\0",
    ],
)
def test_foreign_headers(header: bytes) -> None:
    for size in (len(header), 2**63, 2**64 - 1, 0):
        refusal(size.to_bytes(8, "little") + header)


def test_other_formats() -> None:
    record, tensors = parts()
    assert refusal(save({"weight": np.zeros(3, np.float32)})) == "it has no allspin metadata"
    for version, said in ((4, "it has format 4; this version reads 1 to 3"), (1.0, "format 1.0;")):
        assert said in refusal(put_together(record | {"format": version}, tensors))


# Tiles.


def tiled(offsets: Any = None) -> Network:
    """Of six rows, hence one tile in the first layer; the second is read in one piece."""
    network = made()
    first, second, third = network.layers
    layers = (
        dataclasses.replace(first, adc=Adc(8, 6, 3, offsets)),
        second,
        dataclasses.replace(third, adc=Adc(16, 4, 5)),
    )
    return dataclasses.replace(network, layers=layers)


@pytest.mark.parametrize("offsets", [None, np.array([[-70_000, 0, 3, 9]])])
def test_tiles_come_back(offsets: Any) -> None:
    network = tiled(offsets)
    assert told(network_from_bytes(network_to_bytes(network))) == told(network)


def test_a_file_with_tiles_says_so_and_one_without_does_not() -> None:
    """A reader that knows no tiles reads format 1 only."""
    record, tensors = parts(network_to_bytes(tiled()))
    plain, _ = parts()
    assert (record["format"], plain["format"]) == (2, 1)
    assert "adcs" not in plain
    assert record["adcs"] == [
        {"rows": 8, "bits": 6, "shift": 3},
        None,
        {"rows": 16, "bits": 4, "shift": 5},
    ]
    assert sorted(tensors) == sorted(TENSORS)


@pytest.mark.parametrize(
    ("adcs", "expected"),
    [
        ([None, None], "is shorter"),
        ([{"rows": 8, "bits": 6}, None, None], "missing 1 required .* 'shift'"),
        ([[8, 6, 3], None, None], "must be a mapping"),
        ([{"rows": 9, "bits": 6, "shift": 3}, None, None], "a power of two from 8"),
        ([{"rows": 8, "bits": 25, "shift": 3}, None, None], "bits must be from 2 to 24, not 25"),
    ],
)
def test_converters_that_are_none(adcs: Any, expected: str) -> None:
    record, tensors = parts(network_to_bytes(tiled()))
    with pytest.raises(ValueError, match=expected):
        network_from_bytes(put_together(record | {"adcs": adcs}, tensors))


# Layers that are not dense.


CONVOLUTION = {
    "map": [5, 4, 2],
    "kernel": [3, 2],
    "stride": [2, 1],
    "padding": [1, 0, 1, 1],
    "pool": 2,
}


def convolutional(**changes: Any) -> Network:
    """Of images of two channels, half of whose layers are cut into tiles."""
    kind = Convolution(**CONVOLUTION)
    network = random_network((40, 3, 2), 3, kinds=(kind,), image_shape=(5, 4, 2))
    first, last = network.layers
    layers = dataclasses.replace(first, adc=Adc(8, 6, 3)), last
    return dataclasses.replace(network, layers=layers, **changes)


@given(networks(maps=True))
@settings(deadline=None, max_examples=30)
def test_networks_of_any_kind_come_back(network: Network) -> None:
    data = network_to_bytes(network)
    assert told(network_from_bytes(data)) == told(network)
    assert network_to_bytes(network_from_bytes(data)) == data


def test_format_3_is_of_networks_that_need_it() -> None:
    """Each of the three reasons alone, of which readers of before know none."""
    record, _ = parts(network_to_bytes(convolutional()))
    assert (record["format"], record["topology"]) == (3, [40, 6, 2])
    assert record["kinds"] == [{"name": "convolution", **CONVOLUTION}, {"name": "dense"}]
    assert (record["neuron_per"], record["image_shape"]) == ("column", [5, 4, 2])
    assert record["adcs"] == [{"rows": 8, "bits": 6, "shift": 3}, None]
    for other in (made(image_shape=(1, 2, 3)), made(neuron_per="position")):
        record, _ = parts(network_to_bytes(other))
        assert record["format"] == 3
        assert record["kinds"] == [{"name": "dense"}] * 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"learnt": 1}, "it has 'learnt', which this version does not know"),
        ({"kinds": [{"name": "dense"}]}, "is shorter"),
        ({"kinds": 2}, "its metadata is inconsistent"),
        ({"kinds": [{}, {}]}, "it lacks 'name'"),
        ({"kinds": ["dense", "dense"]}, "a layer's kind must be an object, not 'dense'"),
        (
            {"kinds": [{"name": "dens"}, None]},
            r"must be one of dense, convolution, not 'dens' \(did",
        ),
        (
            {"kinds": [{"name": "dense", "map": [1]}] * 2},
            r"a dense layer's kind has .*not \['map'\]",
        ),
        (
            {"kinds": [{"name": "convolution", "map": [5, 4, 2], "kernel": [3, 2]}] * 2},
            r"kind has .*'stride'\], not",
        ),
        (
            {"kinds": [{"name": "dense"}] * 2},
            "images of shape .* do not fit a first layer of 12 rows",
        ),
        ({"neuron_per": 3}, "neuron_per must be one of column, position, not 3"),
        ({"image_shape": [5, 8]}, "do not fit a first layer of maps of 5 x 4 x 2"),
    ],
)
def test_kinds_that_are_none(change: dict[str, Any], expected: str) -> None:
    record, tensors = parts(network_to_bytes(convolutional()))
    with pytest.raises(ValueError, match=expected) as caught:
        network_from_bytes(put_together(record | change, tensors))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["kinds", "neuron_per"])
def test_what_format_3_lacks_is_named(key: str) -> None:
    record, tensors = parts(network_to_bytes(convolutional()))
    del record[key]
    assert refusal(put_together(record, tensors)) == f"it lacks {key!r}"


# Inconsistency.

RECORD, TENSORS = parts()


@pytest.mark.parametrize("name", [*sorted(RECORD), *sorted(TENSORS)])
def test_what_is_missing_is_named(name: str) -> None:
    record, tensors = (
        {key: value for key, value in part.items() if key != name} for part in (RECORD, TENSORS)
    )
    said = refusal(put_together(record, tensors))
    assert name in said or (name.endswith("table") and f"layer {name[6]} needs a table" in said)


@pytest.mark.parametrize("name", sorted(TENSORS))
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_tensors_of_another_type(name: str, dtype: str) -> None:
    tensors = TENSORS | {name: TENSORS[name].astype(dtype)}
    with pytest.raises(ValueError, match=f"^{name} must be .*, not {dtype}$"):
        network_from_bytes(put_together(RECORD, tensors))


@pytest.mark.parametrize("name", ["layer.2.gains", "layer.0.adc_offsets"])
def test_a_tensor_too_many(name: str) -> None:
    tensors = TENSORS | {name: np.zeros(2, np.uint16)}
    assert f"a tensor too many, '{name}'" in refusal(put_together(RECORD, tensors))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"topology": [6, 4, 3, 3]}, "topology [6, 4, 3, 3] does not fit its layers"),
        ({"topology": [6, 4, 2]}, "topology [6, 4, 2] does not fit its layers"),
        ({"topology": "6432"}, "topology 6432 does not fit its layers"),
        ({"shifts": [6, 4, 1]}, "it lacks 'layer.2.gains'"),
        ({"shifts": [6, 1.5]}, "shift must be an integer from 0 to 31, not 1.5"),
        ({"shifts": [6, float("inf")]}, "is not JSON (it has Infinity, which is no number)"),
        ({"image_shape": [2.0, 3.0]}, "each side of an image must be an integer from"),
        ({"pixel_bits": 4.0}, "pixel_bits must be an integer from 1 to 8, not 4.0"),
        ({"current_bits": None}, "current_bits must be an integer from 4 to 12, not None"),
        ({"provenance": []}, "provenance is not an object"),
        ({"image_shape": [3, 3]}, "do not fit a first layer of 6 rows"),
        ({"image_shape": [6]}, "do not fit a first layer of 6 rows"),
        ({"image_shape": [-2, -3]}, "from 1 to 65535, not -2"),
        ({"pixel_bits": -4}, "pixel_bits must be from 1 to 8, not -4"),
        ({"pixel_bits": 10**18}, "pixel_bits must be from 1 to 8"),
        ({"pixel_bits": 10**40}, "it has an integer of more than 64 bits"),
        ({"shifts": [6]}, "layer 1 has a table, which does not fit its place"),
        ({"shifts": [-1, 4]}, "shift must be from 0 to 31, not -1"),
        ({"neuron": "sot"}, "a neuron must be an object"),
        ({"neuron": {"name": "relu"}}, "layer 0 has a table"),
        ({"neuron": {"name": "sot", "slope": float("nan")}}, "it has NaN, which is no number"),
        ({"neuron": {"name": "sot", "slope": 10**18}}, "slope must be a number from"),
        ({"provenance": {"seconds": 10**400}}, "it has an integer of more than 64 bits"),
    ],
)
def test_values_that_a_network_refuses(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)) as caught:
        network_from_bytes(put_together(RECORD | change, TENSORS))
    assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 40)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["sot", "relu", "name"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*sorted(RECORD), "more"]), json_values, min_size=1),
    st.lists(st.sampled_from(sorted(TENSORS)), max_size=1),
    st.lists(st.integers(0, 5), max_size=3),
)
@settings(deadline=None, max_examples=100)
@pytest.mark.filterwarnings("error")
def test_metadata_of_any_type_makes_a_network_or_one_line(
    change: dict[str, Any], reshaped: list[str], shape: list[int]
) -> None:
    tensors = TENSORS | {name: np.resize(TENSORS[name], shape) for name in reshaped}
    try:
        network_from_bytes(put_together(RECORD | change, tensors))
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


@given(st.dictionaries(st.sampled_from(["name", *CONVOLUTION, "more"]), json_values, min_size=1))
@settings(deadline=None, max_examples=100)
def test_a_kind_of_any_values_makes_a_network_or_one_line(change: dict[str, Any]) -> None:
    record, tensors = parts(network_to_bytes(convolutional()))
    record["kinds"][0] |= change
    try:
        network_from_bytes(put_together(record, tensors))
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


# Files.


def test_load_says_which_file_and_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(UserError, match=rf"^cannot read network {path}: No such file"):
        load_network(path)
    with pytest.raises(UserError, match=rf"^cannot read network {tmp_path}: it is a folder"):
        load_network(tmp_path)
    path.write_bytes(SMALL[:-1])
    with pytest.raises(UserError, match=rf"^{path} is not a network file: it is not a safet"):
        load_network(path)


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path, link, pipe = (tmp_path / name for name in ("net", "link", "pipe"))
    link.symlink_to(path)
    umask = os.umask(0o027)
    try:
        for target, content in ((path, b"one"), (link, b"two")):
            write_atomically(target, content)
    finally:
        os.umask(umask)
    assert link.is_symlink()
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    # A pipe of our own stands for /dev/null, which a fault here could do away with.
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"one")
        assert os.read(reader, 10) == b"one"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert {*tmp_path.iterdir()} == {path, link, pipe}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(UserError, match=f"^cannot write {path}: File too large$"):
            write_atomically(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place, why in (
        (tmp_path / "absent" / "net", "No such file or directory"),
        (tmp_path / "file" / "net", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / "circle", "ymlink loop|Too many levels"),
        (tmp_path / ("n" * 256), "File name too long"),
        (Path("/proc/net.safetensors"), ""),
    ):
        with pytest.raises(UserError, match=f"^cannot write {place}: .*({why})") as caught:
            save_network(made(), place)
        assert "\n" not in str(caught.value)
    names = {path.name for path in tmp_path.rglob("*")}
    assert names == {"file", "folder", "circle"}


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "sparse"])
def test_what_is_no_network_file_is_not_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(UserError, match=r"not a regular file|too large for a network"):
        load_network(tmp_path / name)
