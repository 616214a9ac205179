"""A release's bitstreams: collected ones are flashed, and no archive does harm."""

import contextlib
import hashlib
import json
import shutil
import zipfile
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from allspin.hdl.cache import VARIABLE
from allspin.host.bitstreams import release as room
from allspin.host.bitstreams.kept import FLASHED, keep_manifest, kept_manifests
from allspin.host.bitstreams.release import (
    INDEX,
    MAX_BITSTREAM,
    MNIST,
    NOTICES,
    SOURCES,
    collect,
    find_released,
)
from allspin.sim.errors import UserError
from tests.docs.documents import DOCS

CONTENT = b"bits of an icebreaker"


@pytest.fixture
def release(tmp_path, monkeypatch, board_record):
    """A folder of collected builds; `collect` omits a build that is too slow and an older one."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(room, "is_older", lambda record, _: record["profile"] == "chips")
    built = tmp_path / "top.bin"
    built.write_bytes(CONTENT)
    about = {"bitstream": str(built), "bitstream_sha256": hashlib.sha256(CONTENT).hexdigest()}
    about |= {"netlist": str(built), "network": "mnist-10", "board": "icebreaker"}
    about |= {"part": "iCE40UP5K"}
    for profile, runs in (("ideal", True), ("chips", True), ("slow", False)):
        keep_manifest(board_record(**about, profile=profile, meets_timing=runs))
    keep_manifest(board_record(**about | {"network": "any network"}, profile="general"))
    assert collect(tmp_path / "release") == [
        "icebreaker-general-any-network.bin",
        "icebreaker-ideal-mnist-10.bin",
    ]
    built.unlink()
    assert str(tmp_path) not in (tmp_path / "release" / INDEX).read_text()
    return tmp_path / "release"


def test_licences_of_the_parts_of_bitstreams_lie_beside(release):
    text = (release / NOTICES).read_text()
    page = (DOCS / "boards.md").read_text().partition("## Licences of what is in a bitstream")[2]
    for part in ("Amaranth", "amaranth-boards", "LUNA", "usb-protocol", "MNIST"):
        assert part in page
    assert "Redistributions in binary form must reproduce" in text
    for name in SOURCES:
        with contextlib.suppress(PackageNotFoundError):
            distribution(name)
            assert f"\n{name}\n\n" in text
    assert MNIST in text


@pytest.mark.parametrize("packed", [False, True])
def test_a_collected_bitstream_is_found(release, packed, tmp_path):
    place = release
    if packed:
        place = tmp_path / shutil.make_archive(str(tmp_path / "all"), "zip", release)
        shutil.rmtree(release)
    record, content = find_released(place, "icebreaker", None, "mnist-10")
    assert (record["profile"], content) == ("ideal", CONTENT)
    assert find_released(place, "icebreaker", None, None)[0]["profile"] == "ideal"
    assert find_released(place, "icebreaker", "general", None)[0]["profile"] == "general"
    for board, profile in (("ulx3s-85f", None), ("icebreaker", "chips")):
        with pytest.raises(UserError, match=f"no such bitstream for {board}"):
            find_released(place, board, profile, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: {"bitstream": "../top.bin"}, "no name of a file beside it"),
        (lambda record: {"bitstream": "/etc/passwd"}, "no name of a file beside it"),
        (lambda record: {"bitstream": "other.bin"}, "other.bin"),
        (lambda record: {"bitstream_sha256": "0" * 64}, "is damaged: fetch it again"),
        (lambda record: {"bitstream_sha256": None}, "has no digest"),
        (lambda record: {"lanes": "many"}, "its lanes is not"),
        *((lambda record, baud=baud: {"baud": baud}, "the baud is") for baud in ("x", -1, True)),
        (lambda record: {"meets_timing": False}, "says not by what"),
        (lambda record: {"fits": False}, "does not fit its part"),
        (lambda record: {"part": "LFE5U-25F"}, "the part is 'LFE5U-25F', not 'iCE40UP5K'"),
        (lambda record: {"profile": "huge"}, "no profile 'huge'"),
        (lambda record: {"network": "a\x1bb"}, "which is no name"),
        (lambda record: {"link": "radio"}, "the link is 'radio'"),
        (lambda record: {"lanes": 0}, "lanes is 0"),
        (lambda record: {"lanes": True}, "its lanes is not"),
        (lambda record: {"rows_per_clock": -1}, "rows_per_clock is -1"),
        (lambda record: {"need_mhz": 2 * record["fmax_mhz"]}, "meets its timing"),
        (lambda record: {"cells_share": 1.5}, "cells_share is 1.5"),
        (lambda record: {"luts_share": -0.5}, "luts_share is -0.5"),
        (lambda record: {"shortfall": "slow"}, "but has a shortfall"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_record_that_lies_is_a_line(release, tmp_path, change, said, packed):
    records = json.loads((release / INDEX).read_text())["bitstreams"]
    records[1] |= change(records[1])
    (release / INDEX).write_text(json.dumps({"bitstreams": records}))
    place = shutil.make_archive(str(tmp_path / "all"), "zip", release) if packed else release
    with pytest.raises(UserError, match=said) as refused:
        find_released(tmp_path / place, "icebreaker", records[1]["profile"], None)
    assert "\n" not in str(refused.value)


def archive(path, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path


def test_no_archive_takes_more_than_its_share(release, tmp_path):
    index = (release / INDEX).read_text()
    name = json.loads(index)["bitstreams"][1]["bitstream"]
    bomb = archive(tmp_path / "bomb.zip", {INDEX: index, name: bytes(MAX_BITSTREAM + 1)})
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(UserError, match="has more than 67,108,864 bytes; fetch it again"):
        find_released(bomb, "icebreaker", None, None)
    other = archive(tmp_path / "other.zip", {INDEX: index}, zipfile.ZIP_BZIP2)
    with pytest.raises(UserError, match="packed otherwise"):
        find_released(other, "icebreaker", None, None)
    good = archive(tmp_path / "good.zip", {INDEX: index, name: CONTENT}).read_bytes()
    for number in range(0, len(good), 7):
        for hurt in (good[:number], good[:number] + b"\xff" + good[number + 1 :]):
            (tmp_path / "hurt.zip").write_bytes(hurt)
            with contextlib.suppress(UserError):
                assert find_released(tmp_path / "hurt.zip", "icebreaker", None, None)[1] == CONTENT


def test_a_release_is_flashed_without_a_build(release, tmp_path, monkeypatch, cli):
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "iceprog"
    tool.write_text(f"#!{shutil.which('sh')}\necho given; {shutil.which('cat')} $1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nothing"))
    monkeypatch.setattr("allspin.host.cli.flash.ports_of", lambda usb: [])
    assert "--from" in cli.refused("flash icebreaker")
    # The command that a dry run shows can be run.
    name = "icebreaker-ideal-mnist-10.bin"
    packed = shutil.make_archive(str(tmp_path / "all"), "zip", release)
    for place, shown in (
        (release, [f"iceprog {release / name}"]),
        (packed, [f"unzip {packed} {name}", f"iceprog {name}"]),
    ):
        lines = cli.run(f"flash icebreaker --from {place} --dry-run")[0].splitlines()
        assert lines[:-1] == shown
    assert kept_manifests(FLASHED) == []
    out, err = cli.run(f"flash icebreaker --from {release}")
    assert "is programmed" in out
    assert CONTENT.decode() in err
    shown = out.split()[1]
    assert shown.endswith("icebreaker-ideal-mnist-10.bin")
    assert shown != str(release / "icebreaker-ideal-mnist-10.bin")
    assert [record["bitstream_sha256"] for record in kept_manifests(FLASHED)] == [
        hashlib.sha256(CONTENT).hexdigest()
    ]
    assert kept_manifests() == []
    monkeypatch.setenv(VARIABLE, str(tool))
    out, err = cli.run(f"flash icebreaker --from {release}")
    assert "is programmed" in out
    assert "will not know with what" in err
