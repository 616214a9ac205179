"""From data to a device and back: the round trip, the measured table, refusals."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.data.catalogue import open_device
from allspin.host.estimate.response import stack
from allspin.host.fit.device import measured_response
from allspin.host.fit.fitted import Fitted
from allspin.host.fit.fitting import fit, fit_all
from allspin.host.fit.lookup import take_lookup_tables
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Curve
from allspin.sim.device.device_file import (
    device_from_toml,
    device_to_toml,
)
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.host.fit.known import Known, fitted, measured
from tests.sim.synapse.monte_carlo import Table

P, D = Polarity
Floats = npt.NDArray[np.float64]
BASE = open_device("paper")
CURRENT = np.linspace(0, 10e-3, 40)


def test_round_trip_from_device_to_data_to_device() -> None:
    truth = Known(c2c=(0.03, 0.02), d2d=(0.1, 0.1), reading="nonlinearity")
    result = fitted(truth.draw(1, 6, 4))
    assert result.complaints == []
    device = result.device()
    synapse = device.synapse
    assert isinstance(synapse, SotSynapse)
    record = synapse.record()
    assert (record["potentiation"]["A"], record["depression"]["A"]) == pytest.approx((22, 9), 0.2)
    assert (synapse.low, synapse.high) == pytest.approx((-0.4, 0.6), abs=0.03)
    assert [synapse.c2c[one] for one in Polarity] == pytest.approx([0.03, 0.02], rel=0.1)
    assert (synapse.c2c.occasion, synapse.d2d.reading) == ("write", "nonlinearity")
    assert (device.unit, synapse.states) == ("ohm", 50)
    unknown = ["the neuron and its variation"]
    told = {"sha256": {"a.csv": "0" * 64}, "not_measured": unknown, "fit": result.report()}
    assert device.source | told == device.source
    # Values and intervals survive the file.
    back = device_from_toml(device_to_toml(device))
    assert (back.synapse, back.source["fit"]) == (synapse, device.source["fit"])


def test_the_measured_table() -> None:
    truth = Known(c2c=(0.03, 0.02), d2d=(0.05, 0.1), reading="range", pulses=40)
    device = fitted(truth.draw(2, 30, 5), table=True).device()
    synapse = device.synapse
    assert isinstance(synapse, TableSynapse)
    for polarity in Polarity:
        response = synapse.response(polarity)
        # The mean over 30 devices is off by a fifth of their deviation.
        expected = truth.curve(polarity, np.arange(41.0))
        assert response.resistance == pytest.approx(expected, abs=0.06)
        assert np.mean(response.cycle) == pytest.approx(truth.c2c[polarity], rel=0.1)
        assert np.mean(response.device) == pytest.approx(truth.d2d[polarity], rel=0.3)
    assert device.source["method"] == "measured table"


def test_a_table_fills_in_pulses_that_were_not_measured() -> None:
    curve = Curve("d", "", P, np.array([2.0, 3, 6, 8]), np.array([4.0, 6, 12, 12]))
    response = measured_response(stack([curve]), 8)
    assert response.resistance.tolist() == [0, 2, 4, 6, 8, 10, 12, 12, 12]
    assert response.cycle.tolist() == [0] * 9


def test_cycles_of_which_each_lacks_a_point_tell_c2c_and_d2d() -> None:
    truth = Known(c2c=(0.08, 0.08), d2d=(0.1, 0.1), reading="range", pulses=20)
    curves = [
        one.at(np.flatnonzero(np.arange(one.x.size) != number % 20))
        for number, one in enumerate(truth.draw(5, 300, 2))
    ]
    # Half of the devices have one cycle, which leaves more of C2C in its mean.
    curves = [one for one in curves if one.cycle == "0" or int(one.device[1:]) % 2]
    for polarity in Polarity:
        own = stack([one for one in curves if one.polarity is polarity])
        response = measured_response(own, 20)
        assert np.sqrt(np.mean(response.cycle**2)) == pytest.approx(0.08, rel=0.05)
        assert np.sqrt(np.mean(response.device**2)) == pytest.approx(0.1, rel=0.12)


NEURON = [
    Curve("n", str(k), None, CURRENT, np.clip(40 * (CURRENT - 3e-3), 0, None) + noise)
    for k, noise in enumerate(np.random.default_rng(0).normal(0, 0.003, (4, 40)))
]


@pytest.mark.parametrize(
    ("figures", "chosen", "options", "base", "message"),
    [
        ({}, "P", {}, None, "only curves of potentiation; give those of depression too"),
        ({}, "N", {}, None, r"only a neuron was measured; .*such as `base` paper"),
        ({"c2c": (1.3, 1.3)}, "PD", {}, None, "the C2C of potentiation comes out as 1.3, which no"),
    ],
)
def test_curves_that_make_no_device_are_refused(
    figures: Any, chosen: str, options: Any, base: Any, message: str
) -> None:
    curves = [
        one
        for one in Known(**figures).draw(0, 1, 200)
        if one.polarity is not None and one.polarity.name[0] in chosen
    ]
    with pytest.raises(UserError, match=message):
        fit_all(measured(curves or NEURON), FitOptions("x", **options), base).device()


@pytest.fixture(scope="module")
def offset_devices() -> Fitted:
    """Return a fit of devices whose C2C and offset are 0.02 and 0.05 of the range at best."""
    curves = Known(c2c=(0.06, 0.02), d2d=(0.1, 0.05), reading="range").draw(4, 80, 3)
    return fitted(curves, reading="range")


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize(
    ("unit", "reference", "expected"),
    [
        ("siemens", "column", 0),
        ("siemens", "centred", 0.0539),
        ("siemens", "ideal", 0),
        ("ohm", "column", 0),
    ],
)
def test_a_conductance_has_a_reference_column_that_varies(
    offset_devices: Fitted, table: bool, unit: str, reference: str, expected: float
) -> None:
    measurement = dataclasses.replace(offset_devices.measurement, unit=unit)
    options = FitOptions("x", table=table, reading="range", reference=reference)
    fit = dataclasses.replace(offset_devices, measurement=measurement, options=options)
    imperfections = fit.device().imperfections
    assert imperfections.reference == pytest.approx(expected, rel=0.2)
    written = (unit, reference) == ("siemens", "column")
    assert imperfections.reference_column == ("written" if written else "centred")
    readings = fit.device().readings()
    assert any(line.startswith("reference 0.0") for line in readings) is (expected > 0)
    assert any("whole pulses to the middle" in line for line in readings) is written


def test_a_neuron_alone_takes_the_base_s_synapse() -> None:
    device = fit_all(measured(NEURON), FitOptions("x"), BASE).device()
    assert device.synapse == BASE.synapse
    lent = device.source["from_base"]
    assert {"synapse.potentiation.A", "synapse.c2c.depression", "synapse.states"} < set(lent)
    assert {"neuron.electrical.width", "synapse.electrical.pulse_time"} < set(lent)
    assert not any(key.startswith(("neuron.variation", "neuron.threshold")) for key in lent)
    assert device.neuron.threshold == pytest.approx(0.3, abs=0.02)  # type: ignore[union-attr]
    variation = device.neuron_variation
    assert variation == NeuronVariation(0, 0, variation.use, "slope", "range", "output")
    assert variation.use == pytest.approx(0.003 / 0.28, rel=0.15)


def test_a_polarity_of_half_the_range_has_half_the_figures() -> None:
    truth = Known(c2c=(0.03, 0.02), d2d=(0.05, 0.1), reading="range")
    curves = [
        dataclasses.replace(
            one, resistance=0.1 + (one.resistance - 0.1) / (2 if one.polarity else 1)
        )
        for one in truth.draw(4, 12, 4)
    ]
    result = fitted(curves, reading="range")
    synapse = result.device().synapse
    assert isinstance(synapse, SotSynapse)
    # Shares of the whole device's range, which potentiation spans.
    assert (synapse.c2c.potentiation, synapse.c2c.depression) == pytest.approx((0.03, 0.01), 0.1)
    own = result.polarities[D].devices.readings["range"].value
    assert synapse.d2d.depression == pytest.approx(own / 2, rel=0.1)


N = np.arange(8.0)
UP = 1 - np.exp(-N / 4)


def rows(heading: str, **ways: Floats) -> str:
    """A file of three cycles of two devices."""
    rng = np.random.default_rng(0)
    found = [
        f"{device},{cycle},{name},{n:g},{r + rng.normal(0, 0.02):.4f}".replace(",_,", ",")
        for device, cycle in itertools.product("AB", range(3))
        for name, way in ways.items()
        for n, r in zip(N, way, strict=True)
    ]
    return "\n".join([heading, *found])


PULSES = rows("device,cycle,polarity,pulse,R_AH (ohm)", p=UP, d=1 - UP)
LINE = rows("device,cycle,current (mA),R_AH (ohm)", _=np.clip(N - 2, 0, 4))

cells = st.sampled_from(
    [
        *("1e308", "-1e308", "1e30", "-1e30", "1e29", "1e400", "9" * 400, "70000"),
        *("1e-30", "5e-324", "0", "-0", "1", "-1", "+1"),
        *("nan", "inf", "", "x", "\0", '"', ",", "\n", "é", "A", "p"),
    ]
)


@given(
    st.sampled_from([PULSES, LINE]),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 4), cells), min_size=1, max_size=4),
    st.sampled_from([None, "1e30", "1e-30", "0", "5e-324"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
@pytest.mark.filterwarnings("error", "ignore::UserWarning")
def test_any_numbers_make_a_device_or_one_line(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    changes: list[tuple[int, int, str]],
    column: str | None,
    table: bool,
) -> None:
    lines = [line.split(",") for line in text.splitlines()]
    for line, cell, value in changes:
        row = lines[line % len(lines)]
        row[cell % len(row)] = value
        for other in lines[1:] if column else []:
            other[cell % len(other)] = column or ""
    path = tmp_path_factory.mktemp("fit") / "curves.csv"
    path.write_text("\n".join(map(",".join, lines)), "utf-8")
    options = FitOptions("mine", table=table)
    try:
        fitted = fit([path], options, base="paper")
        device = fitted.device()
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(fitted.complaints)
        assert device_to_toml(device_from_toml(device_to_toml(device))) == device_to_toml(device)


def test_a_part_of_the_curve_in_milliampere_is_fitted_and_makes_a_device(tmp_path: Path) -> None:
    """A neuron of 4 mA threshold, 30 mohm/mA up to 10 mA; bent below 2 mA."""
    i = np.linspace(0, 12, 121)
    r = 30 * np.clip(i - 4, 0, 6) + np.random.default_rng(1).normal(0, 0.5, (2, i.size))
    pairs = zip(np.tile(i, 2), (r + 40 * np.clip(2 - i, 0, None)).ravel(), strict=True)
    lines = [f"{n // 121},{a:.2f},{b:.3f}" for n, (a, b) in enumerate(pairs)]
    path = tmp_path / "neuron.csv"
    path.write_text("\n".join(["cycle,current (mA),R_AH (mohm)", *lines]))
    assert fit([path], FitOptions("n")).complaints[0].startswith("the neuron: ")
    part = fit([path], FitOptions("n", currents=(2.0, 12.0)), base="paper")
    values = part.to_dict(Path("n.toml"), [])
    assert [values[key] for key in ("device", "kind", "described")] == ["n.toml", "model", True]
    found = [values["neuron"][name]["value"] for name in ("threshold", "slope")]
    assert found == pytest.approx([4e-3, 30], rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"states": 1}, "^`states` must be from 2 to 128, not 1$"),
        ({"currents": (5.0, 2.0)}, "^`currents` takes a lower and a higher magnitude"),
        ({"currents": (2.0, float("nan"))}, "^`currents` takes a lower and a higher magnitude"),
        ({"name": " "}, "^`name` must be a word or line of text$"),
        ({"meter": "x"}, "^`meter` must be one of"),
        ({"table": True, "occasion": "root"}, "^`occasion` must be write of a measured"),
    ],
)
def test_options_are_checked_at_once(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FitOptions(**{"name": "x", **options})


@pytest.mark.parametrize("asked", [{"occasion": "pulse"}, {"reading": "span"}, {"meter": "reads"}])
def test_nothing_is_asked_of_a_fit_that_is_not_made(asked: dict[str, Any], tmp_path: Path) -> None:
    paths = [Table(sign, 0.05).write(tmp_path / f"dG_{sign}.txt") for sign in (1, -1)]
    with pytest.raises(UserError, match=r"dG_1.txt is a lookup table.*leave out what"):
        take_lookup_tables(paths, FitOptions("x", **asked))
