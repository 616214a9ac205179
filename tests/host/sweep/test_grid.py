"""Grids: entries, points, their devices, and errors."""

import dataclasses

import pytest
import tomli_w
from hypothesis import given, settings, strategies as st

from allspin.host.data.catalogue import open_device
from allspin.host.sweep.grid import SETTINGS, Grid, make_grid, read_grid
from allspin.host.sweep.point import FACTORS, scale_variation
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles
from allspin.sim.synapse.sot_synapse import SotSynapse


def test_every_combination_is_a_point_once():
    grid = make_grid(
        {
            "network": ["paper-{states}"],
            "states": ["10", 100],
            "c2c": [0, "0.5", 0.5],
            "program": ["open-loop", "write-verify"],
            "tries": [4, 16],
        }
    )
    points = grid.points()
    # Two networks, two factors on C2C; open loop has no tries, write-verify two of them.
    assert len(points) == len(set(points)) == 2 * 2 * (1 + 2)
    assert {(point.network, point.states) for point in points} == {
        ("paper-10", 10),
        ("paper-100", 100),
    }
    assert {(point.program, point.tries, point.band) for point in points} == {
        ("open-loop", None, None),
        ("write-verify", 4, 0.02),
        ("write-verify", 16, 0.02),
    }
    assert grid.varied() == ["states", "c2c", "program", "tries"]
    assert grid.seeds == range(20)


def test_a_file_and_a_dictionary_are_the_same_grid(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(
        'network = "mnist-10"\nc2c = [0, 1.5]\ncalibrate = [true, false]\n'
        'chips = 3\nfirst = 7\nimages = 50\non = "virtual"\n'
    )
    grid = make_grid(read_grid(path))
    assert grid == make_grid(
        {
            "network": ["mnist-10"],
            "c2c": ["0", "1.5"],
            "calibrate": ["yes", "no"],
            "chips": 3,
            "first": 7,
            "images": 50,
            "on": "virtual",
        }
    )
    assert isinstance(grid, Grid)
    assert set(grid.to_dict()) == {*FACTORS, "chips", "first", "images", "data", "on", "learn"}
    assert make_grid(grid.to_dict() | {"data": "."}).points() == grid.points()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "a sweep needs networks"),
        ({"network": []}, "a sweep needs networks"),
        ({"network": "a", "c2c": []}, "`c2c` has no value; give one, or leave it out"),
        ({"network": "a", "colour": 1}, "a grid has no 'colour'; it has network, states"),
        ({"network": "a", "c2c": -1}, "`c2c` must be a number from 0 to 100, not -1"),
        ({"network": "a", "c2c": "x"}, "`c2c` must be a number from 0 to 100, not 'x'"),
        ({"network": "a", "c2c": float("nan")}, "`c2c` must be a number"),
        ({"network": "a", "c2c": True}, "`c2c` must be a number"),
        ({"network": "a", "program": "best"}, "`program` must be one of open-loop, pulse-width"),
        ({"network": "a", "calibrate": "maybe"}, "`calibrate` must be yes or no"),
        ({"network": "a", "tries": 0}, "`tries` must be from 1 to 1024, not 0"),
        ({"network": "a", "tries": 2.5}, "`tries` must be from 1 to 1024, not 2.5"),
        ({"network": "a", "chips": 0}, "`chips` must be from 1 to 100000, not 0"),
        ({"network": "a", "chips": 2, "first": 2**32 - 1}, "`first` must be from 0 to 4294967294"),
        ({"network": "a", "images": 0}, "`images` must be from 1"),
        ({"network": "a", "at": 3}, "`at` must be such as current=9mA,temperature=350, not 3"),
        ({"network": "a", "at": "volts=3"}, "at: a point is such as current=9mA"),
        ({"network": "a", "temperature": 0}, "`temperature` must be a number from 1 to 2000"),
        ({"network": "a", "age": -1}, "`age` must be a number from 0 to 1e.12, not -1"),
        ({"network": "a", "stuck": 2}, "`stuck` must be a number from 0 to 1, not 2"),
        ({"network": 3}, "`network` must be a name, not 3"),
        ({"network": {"a": 1}}, "`network` must be a name, not {'a': 1}"),
        ({"network": ["a", {}]}, "`network` must be a name, not {}"),
        ({"network": "a", "program": {"a": 1}}, "`program` must be one of .*, not {'a': 1}"),
        ({"network": "a", "polarity": [[]]}, r"`polarity` must be one of .*, not \[\]"),
        ({"network": "a", "c2c": {}}, "`c2c` must be a number from 0 to 100, not {}"),
        ({"network": "a", "c2c": 10**400}, "`c2c` must be a number from 0 to 100, not 1000"),
        ({"network": "a", "states": {}}, "`states` must be from 2 to 128, not {}"),
        ({"network": "a", "states": 10**400}, "`states` must be from 2 to 128, not 1000"),
        ({"network": "a", "calibrate": {}}, "`calibrate` must be yes or no"),
        ({"network": "a", "on": {}}, "`on` must be a name, not {}"),
        ({"network": "a", "data": []}, r"`data` must be a name, not \[\]"),
        ({"network": "a", "chips": {}}, "`chips` must be from 1 to 100000, not {}"),
        # Impossible points.
        ({"network": "no-such"}, "there is no network 'no-such'"),
        ({"network": "mnist-10", "states": 10}, "states are for networks with {states}"),
        ({"network": "mnist-{states}"}, "needs states, such as 10,100"),
        (
            {"network": "mnist-10", "c2c": list(range(101)), "d2d": list(range(101))},
            "10,201 points; at most 10,000",
        ),
        ({"network": "mnist-10", "tile_rows": 64}, "^`tile_rows` needs `adc_bits`$"),
        (
            {"network": "mnist-10", "tile_rows": 100, "adc_bits": 4},
            "^`tile_rows` must be a power of two from 8 to 65536",
        ),
        (
            {"network": "mnist-10", "adc_noise": [0, 0.5]},
            "^`adc_noise` is for converters of tiles, and mnist-10 has none: give `tile_rows`",
        ),
        ({"network": "mnist-10", "adc_gain": 2}, "^`adc_gain` must be a number from 0 to 1"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_line(entries, message):
    with pytest.raises(UserError, match=message):
        make_grid(entries).points()


texts = st.sampled_from(["mnist-10", "paper-{states}", "no-such", "write-verify", "yes", ".", ""])


entries = st.recursive(
    st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=3) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", *FACTORS]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*FACTORS, *SETTINGS, "more"]), entries), st.booleans())
@settings(deadline=None, max_examples=60)
def test_any_values_make_a_grid_or_an_error_of_one_line(tmp_path_factory, values, named):
    path = tmp_path_factory.mktemp("grid") / "grid.toml"
    path.write_text(tomli_w.dumps(values | {"network": "mnist-10"} if named else values))
    try:
        grid = make_grid(read_grid(path))
        points = grid.points()
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(points) * len(grid.seeds) > 0
        assert make_grid(grid.to_dict()).points() == points


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read grid"),
        (b"chips = = 3", "is not TOML"),
        (b"network = '\xff'", "is not a grid: it is not text in UTF-8"),
    ],
)
def test_a_missing_or_damaged_file_is_refused(tmp_path, content, message):
    path = tmp_path / "grid.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_grid(path)


PAPER = open_device("paper")


def test_figures_are_multiplied_one_by_one():
    device = scale_variation(PAPER, 0.5, 2.0, 3.0, 4.0)
    assert isinstance(device.synapse, SotSynapse)
    synapse, neuron = device.synapse, device.neuron_variation
    # The paper's: C2C 0.065 and 0.029, D2D 0.13 and 0.48, 0.18 and 0.18, 0.014.
    assert (synapse.c2c.potentiation, synapse.c2c.depression) == (0.0325, 0.0145)
    assert (synapse.d2d.potentiation, synapse.d2d.depression) == (0.26, 0.96)
    assert (neuron.gain, neuron.threshold) == pytest.approx((0.54, 0.54))
    assert neuron.use == pytest.approx(0.056)
    assert device.imperfections == PAPER.imperfections
    same = scale_variation(PAPER, 1, 1, 1, 1)
    assert (same.synapse, same.neuron_variation) == (PAPER.synapse, PAPER.neuron_variation)


def test_imperfections_replace_the_device_s():
    entries = {"network": "mnist-10", "read_noise": 0.02, "hall_offset": "0.01", "stuck": 0.1}
    (point,) = make_grid(entries).points()
    wrong = Imperfections(stuck_at="open", stuck=0.5, converter_gain=0.1)
    found = point.vary(dataclasses.replace(PAPER, imperfections=wrong))
    assert found.imperfections == Imperfections(
        read_noise=0.02, hall_offset=0.01, stuck=0.1, stuck_at="open", converter_gain=0.1
    )
    assert found.synapse == PAPER.synapse


def test_a_temperature_belongs_to_the_operating_point():
    entries = {"network": "mnist-10", "temperature": 358}
    (point,) = make_grid({**entries, "at": "current=9000uA"}).points()
    assert point.at == "current=9mA"
    assert point.operating_point() == OperatingPoint(current=9e-3, temperature=358)
    (point,) = make_grid({**entries, "at": "temperature=300"}).points()
    with pytest.raises(UserError, match="at temperature=300K has a temperature already"):
        point.operating_point()


def test_tiles_and_their_converters_are_factors():
    entries = {"network": "mnist-10", "tile_rows": [64, 128], "adc_bits": "4", "adc_noise": 0.5}
    first, second = make_grid(entries).points()
    assert (first.tiles, second.tiles) == (Tiles(64, 4), Tiles(128, 4))
    own = dataclasses.replace(PAPER, adc=AdcVariation(offset=0.1, noise=0.2))
    assert first.vary(own).adc == AdcVariation(offset=0.1, noise=0.5)
    (plain,) = make_grid({"network": "mnist-10"}).points()
    assert plain.tiles is None
    assert plain.vary(own).adc == own.adc
