"""Settings in names of files and in lines before tables, which count as columns do."""

from pathlib import Path

import numpy as np
import pytest

from allspin.host.lab.facts import own_names, quantities
from allspin.host.lab.measurement import read_measurement
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("device HB1, H_x = 100 Oe", "H_x=100Oe"),
        ("I=8 mA, T=300 K at 50 Oe", "I=8mA T=300K field=50Oe"),
        ("Pulse width,1,ms", "Pulse width=1ms"),
        ("Pulse width (ms): 2,5", "Pulse width=2,5ms"),
        ("measured at 300 K, 100 Oe", "temperature=300K field=100Oe"),
        ("pulses of 8 mA / -11 mA", "current 0=8mA current 1=-11mA"),
        ("HB1-8mA", "current=8mA"),
        ("Angle: 0 deg", "Angle=0deg"),
        ("HB1_2p5V_85C", "pulse voltage=2.5V temperature=85C"),
        ("Hx100Oe_2.5V", "field=100Oe pulse voltage=2.5V"),
        *((text, "") for text in ("Date: 2024-05-13 10:32", "bar_10um_2A", "26_H100", "v1.2, HB1")),
    ],
)
def test_quantities_of_a_text(text: str, expected: str) -> None:
    assert " ".join(f"{name}={at}{unit}" for name, unit, at in quantities(text)) == expected


def test_devices_and_cycles_of_file_names() -> None:
    names = ["HB1_8mA_cycle2.csv", "HB1_10mA.csv.gz", "HB2 pot.csv", "8mA.csv", "bar-3.csv"]
    folders = ["8mA/a.csv", "10mA/a.csv", "x/b.csv", "y/b.csv"]
    found = own_names([Path(name) for name in names + folders])
    expected = ["HB1 2", "HB1 ", "HB2 ", "device ", "bar-3 ", "a ", "a ", "x/b.csv ", "y/b.csv "]
    assert [f"{device} {cycle}" for device, cycle in found] == expected


def bar(a: float, head: str = "") -> str:
    n = np.arange(31)
    ways = np.expm1(-n / a) / np.expm1(-30 / a), 1 - np.expm1(-n / a) / np.expm1(-30 / a)
    rows = [
        f"{way},{k},{r:.5f}" for way, own in zip("PD", ways, strict=True) for k, r in enumerate(own)
    ]
    return "\n".join([f"{head}polarity,pulse,R_AH (ohm)", *rows])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"HB1_8mA.csv": "", "HB1_10mA.csv": ""}, "HB1 has current 10 mA, but current 8 mA in"),
        (
            {"8mA/a.csv": "", "10mA/a.csv": ""},
            "a has folder current 10 mA, but folder current 8 mA",
        ),
        (
            {f"{h}.csv": f"# device HB1, H_x = {h} Oe\n" for h in (100, 300)},
            "HB1 has H_x 300 Oe, but H_x 100 Oe in",
        ),
        (
            {f"{at}.csv": f"Strom: 8 mA, Winkel: {at} deg, device S4\n" for at in (0, 45)},
            "S4 has Winkel 45 deg, but Winkel 0 deg in",
        ),
        (
            {f"{name}.csv": f"% Device: B\n% at {at} K\n" for name, at in (("a", 300), ("b", 350))},
            "B has temperature 350 K, but temperature 300 K in",
        ),
    ],
)
def test_two_settings_of_names_and_comments_are_refused(
    files: dict[str, str], message: str, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in files]
    for path, (a, head) in zip(paths, zip((25.0, 9.0), files.values(), strict=True), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(bar(a, head))
    with pytest.raises(UserError, match=message):
        read_measurement(paths)
    # Two devices give a note.
    for number, path in enumerate(paths):
        path.write_text(f"Device: B{number}\n{path.read_text()}")
    if not files[next(iter(files))]:
        notes = read_measurement(paths).notes
        assert any("what that changes counts as D2D" in note for note in notes)


@pytest.mark.parametrize("column", ["device", "remark"])
def test_two_settings_in_words_of_a_column_are_refused(column: str, tmp_path: Path) -> None:
    head, *rows = bar(25.0).splitlines() + bar(9.0).splitlines()[1:]
    cells = [f"HB1 {100 + 200 * (n >= len(rows) // 2)} Oe,{row}" for n, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("\n".join([f"{column},{head}", *cells]))
    with pytest.raises(UserError, match=r"field 300 Oe, but field 100 Oe|remark varies within"):
        read_measurement([tmp_path / "a.csv"])


def test_one_device_in_files_of_cycles_and_polarities(tmp_path: Path) -> None:
    paths = [tmp_path / f"HB1_run{run}_{way}.csv" for run in (1, 2) for way in ("pot", "dep")]
    for path in paths:
        lines = bar(12.0).splitlines()
        path.write_text("\n".join([lines[0], *lines[1:][("dep" in path.name) * 31 :][:31]]))
    found = {(one.device, one.cycle, one.polarity) for one in read_measurement(paths).curves}
    assert found == {("HB1", run, way) for run in "12" for way in Polarity}
