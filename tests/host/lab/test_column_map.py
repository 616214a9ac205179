"""Kinds of columns by the names that people give them, by units, cells and options."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.lab.column_map import ColumnMap
from allspin.host.lab.curves import Measurement
from allspin.host.lab.measurement import read_measurement
from allspin.host.lab.reading import ColumnNames, ReadOptions
from allspin.host.lab.tables import read_csv
from allspin.host.lab.varying import role
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

Read = Callable[..., Measurement]
WAY = np.arange(8.0)


def roles(path: Path, text: str, names: ColumnNames | None = None) -> list[str]:
    """Return the use of each column of a file, in a word."""
    path.write_text(text, "utf-8")
    columns = ColumnMap(read_csv(path), names or ColumnNames())
    return [role(columns, place)[0].split(",")[0] for place in range(len(columns.headings))]


PULSE, RESISTANCE = "pulse", "resistance"


@pytest.mark.parametrize(
    ("heads", "what"),
    [
        (
            "Hall resistance (mΩ)|AHE (ohm)|R_AHE|RH|R_H|Rxy_mOhm|R_Hall [mOhm]|Rahe / mΩ|<R_AH>|"
            "Anomalous Hall resistance (mΩ)|HallResistance_mOhm|R_AH/mOhm|Hall R (Ohm)|Rxy mΩ|"
            "R_xy (Ω)|dR (ohm)|Hallwiderstand (Ohm)|Conductance (uS)|V_H (uV)",
            RESISTANCE,
        ),
        (
            "n_pulse|N pulses|Pulse No.|Number of pulses|# pulses|Pulse (#)|PulseNumber|pulse_id|N|"
            "Pulsnummer|Puls Nr.",
            PULSE,
        ),
        ("cycle #|Run|Loop no|iteration|N_cycle|CycleID|Zyklus|Durchlauf", "cycle"),
        ("DUT|Hall bar|Sample ID|Device no.|DeviceID|chip|Die|Probe|Bauteil", "device"),
        (
            "Source Current(A)|I_p (mA)|I/mA|Current_A|I_pulse [mA]|Drive current (mA)|Strom (mA)",
            "current",
        ),
        ("T (K)|T_K|Temp [C]|Stage temperature (°C)|T", "temperature"),
        ("t (s)|t_s|Relative Time(s)|delay (min)|waiting time|t", "time"),
        ("V_pulse (V)|H_x (Oe)|width_ms|gate voltage (V)|J amplitude", "setting"),
        ("R_xx (ohm)|Sense Current (A)|Timestamp 2|comment|I leakage (A)", "reading"),
        ("RH (%)|signal", "none"),
    ],
)
def test_natural_names(heads: str, what: str, tmp_path: Path) -> None:
    for head in heads.split("|"):
        found = roles(tmp_path / "a.csv", f"{head},x\n1,2\n3,4\n")[0]
        assert (head, found) == (head, what)


def test_a_polarity_is_known_by_its_cells_whatever_it_is_called(tmp_path: Path) -> None:
    for one, other in (("SET", "RESET"), ("LTP", "LTD"), ("pot", "dep"), ("write", "erase")):
        text = f"phase,pulse,R_AH\n{one},1,2\n{other},2,3\n"
        assert roles(tmp_path / "a.csv", text)[0] == "polarity"
    for text in ("note,pulse,R_AH\nset,1,2\nset,2,3\n", "gain,pulse,R_AH\n1,1,2\n-1,2,3\n"):
        assert roles(tmp_path / "a.csv", text)[0] != "polarity"


def rows(values: np.ndarray) -> str:
    return "".join(f"{n},{value}\n" for n, value in enumerate(values))


def test_names_are_given_for_one_file_of_several(tmp_path: Path) -> None:
    synapse, neuron = tmp_path / "syn.csv", tmp_path / "neuron.csv"
    synapse.write_text("Shots,level,Q\n" + "".join(f"{n},3,{2 * n}\n" for n in range(8)))
    neuron.write_text("level,Q,R_AH\n" + "".join(f"{n},1,{n}\n" for n in range(8)))
    names = ColumnNames(
        pulse="syn.csv:Shots", resistance=("syn.csv:Q",), current="neuron.csv:level"
    )
    found = read_measurement([synapse, neuron], ReadOptions(names))
    assert [one.polarity for one in found.curves] == [Polarity.POTENTIATION, None]
    assert [one.resistance[-1] for one in found.curves] == [14, 7]
    for wrong, message in (
        ("syn2.csv:Shots", "`column` pulse=syn2.csv:Shots is of no file that is given"),
        (
            "syn.csv:Shot",
            "has no column Shot .*mend `column` pulse=Shot, which may be for one file",
        ),
    ):
        with pytest.raises(UserError, match=message):
            read_measurement([synapse, neuron], ReadOptions(ColumnNames(pulse=wrong)))


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("pulse,Q (mohm)\n" + rows(WAY), "(it has pulse, Q); .* `column` resistance=NAME"),
        ("Shots,R_AH\n" + rows(WAY), "(it has Shots, R_AH); .* `column` pulse=NAME"),
    ],
)
def test_a_file_without_a_column_is_refused_with_those_that_it_has(
    text: str, advice: str, read: Read
) -> None:
    with pytest.raises(UserError, match=advice.replace("(", r"\(").replace(")", r"\)")):
        read(text)
