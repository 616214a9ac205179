"""Trains by single pulses, against films whose law is known."""

import dataclasses

import numpy as np
import pytest

from allspin.host.fit.columns import Curve, Measurement
from allspin.host.fit.device import make_device
from allspin.host.fit.options import FitOptions
from allspin.host.fit.response import pair_response, stack
from allspin.host.fit.result import fit_all
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.sim.synapse.monte_carlo import HIGH, LOW, Table

P, D = Polarity
TABLES = {P: Table(1, 0.04), D: Table(-1, 0.04)}


def curves(devices: int, cycles: int, seed: int, meter: float = 0.0) -> list[Curve]:
    """Cycles of films that are pulsed one by one, in ranges."""
    rng = np.random.default_rng(seed)
    found = []
    for polarity, table in TABLES.items():
        for device in range(devices):
            films = (table.trains(25, cycles, rng) - LOW) / (HIGH - LOW)
            films += rng.normal(0, meter, films.shape)
            found += [
                Curve(f"d{device}", str(cycle), polarity, np.arange(26.0), films[:, cycle])
                for cycle in range(cycles)
            ]
    return found


@pytest.mark.parametrize("meter", [0.0, 0.01])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_deviations_after_trains_by_those_of_pulses(polarity: Polarity, meter: float) -> None:
    rng = np.random.default_rng(9)
    truth = (TABLES[polarity].trains(25, 50_000, rng) - LOW) / (HIGH - LOW)
    own = [one for one in curves(1, 160, 1, meter) if one.polarity is polarity]
    found = pair_response(stack(own), 25, meter, (0.0, 1.0))
    assert found.resistance == pytest.approx(truth.mean(axis=1), abs=0.02)
    assert found.cycle[2:12] == pytest.approx(truth.std(axis=1)[2:12], rel=0.15)


def test_a_table_of_pulses_is_asked_for() -> None:
    measurement = Measurement(curves(3, 12, 2), "ohm", "A")
    options = FitOptions("x", table=True, occasion="pulse")
    result = fit_all(measurement, options)
    synapse = make_device(result, measurement, options).synapse
    assert isinstance(synapse, TableSynapse)
    assert (synapse.bounded, synapse.occasion) == (True, "write")
    # Of devices that are alike hardly anything is D2D.
    assert synapse.potentiation.device.max() < 0.05
    plain = make_device(result, measurement, FitOptions("x", table=True)).synapse
    assert isinstance(plain, TableSynapse)
    assert not plain.bounded
    few = [dataclasses.replace(one, x=2 * one.x) for one in measurement.curves]
    sparse = Measurement(few, "ohm", "A")
    with pytest.raises(UserError, match=r"d0 has 0 pairs of R_AH before and after .*take write"):
        make_device(fit_all(sparse, options), sparse, options)
