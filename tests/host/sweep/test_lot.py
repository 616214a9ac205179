"""Sweeps on a board that keeps images: the golden model's table, on a perfect or faulty line."""

import dataclasses

import numpy as np
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.memory_map import ENGINE, LABELS
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.data.catalogue import open_network
from allspin.host.link.line import Undone
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import ResidentImages
from allspin.host.sweep import kept_machine, measuring
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import run_sweep
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_images, random_network
from tests.host.link.test_session import Old
from tests.host.machines.test_profiles import PATIENT
from tests.host.sweep.conftest import Small
from tests.host.virtual.faults import (
    Faults,
    FaultyTransport,
)

CHIPS = 5
GRID = {"c2c": [0.5, 1], "calibrate": [False, True], "chips": CHIPS}
"""Four points."""
IMAGES = 40
"""More than two batches."""
PROFILE = HardwareProfile(
    variation=VariationParameters(10, 22, redraw=True),
    resident=ResidentParameters(beats=512, images=16),
)
"""The machine of ``tests/host/link/test_session.py``, which is compiled already."""


@pytest.fixture
def small(tmp_path, idx_folder):
    network = dataclasses.replace(random_network((60, 11, 5), 1), image_shape=(6, 10))
    path = tmp_path / "small.safetensors"
    save_network(network, path)
    return Small(path, idx_folder(shape=(6, 10), classes=5, train=8, test=IMAGES))


@pytest.fixture
def program(small):
    return build(TopParameters.from_network(open_network(str(small.network)), PROFILE))


@pytest.fixture
def golden(small, tmp_path):
    """Return the table of the golden model."""
    run_sweep(make_plan(small.grid(**GRID)), tmp_path / "golden.csv")
    return (tmp_path / "golden.csv").read_bytes()


@pytest.fixture
def on_board(small, program, tmp_path, monkeypatch):
    """Return a function that runs the sweep on a board behind a faulty line.

    The function returns the table, the line, and the machines that were opened. Each call resumes
    the same table.
    """

    def run(
        faults=Faults(),  # noqa: B008
        progress=lambda done, total, text: None,
        again=None,
        way="to_device",
        **more,
    ):
        line = FaultyTransport(lambda: VirtualTransport(program), faults)
        if again is not None:
            setattr(line, way, Old(again))
            line.latency = line.timeout = PATIENT  # so that frames keep their numbers
            LinkedMachine(line)  # an earlier session, whose IDENTIFY is frame 1

        machines = []

        def opened(*_):
            if machines:
                line.reset()  # it was closed
            machines.append(LinkedMachine(line))
            return machines[-1]

        monkeypatch.setattr(kept_machine, "open_machine", opened)
        plan = make_plan(small.grid(**GRID, on="board", **more))
        run_sweep(plan, tmp_path / "board.csv", workers=2, progress=progress)
        return (tmp_path / "board.csv").read_bytes(), line, machines

    return run


def test_the_table_is_the_golden_model_s_and_images_go_once_for_all_chips(on_board, golden):
    told = []
    table, line, (machine,) = on_board(progress=lambda done, total, text: told.append(done))
    assert table == golden
    assert len({line.split(b",")[-5] for line in golden.splitlines()[1:]}) > 3  # chips differ
    assert told == sorted(told)
    assert told[-1] == 4 * CHIPS
    assert any(done % 1 for done in told)
    # Streamed, each image would be a frame for each chip. A busy machine answers late, and is sent
    # some frames again.
    assert line.to_device.frames - machine.resent < 4 * CHIPS * IMAGES / 2


@pytest.fixture
def sent(monkeypatch):
    """Return a list that gets the number of images of each transfer."""
    counts = []
    send = ResidentImages._send

    def counted(self, values, *more):
        counts.append(len(values))
        return send(self, values, *more)

    monkeypatch.setattr(ResidentImages, "_send", counted)
    return counts


def test_images_that_fit_at_once_are_sent_once_until_a_reset(
    on_board, small, sent, tmp_path, monkeypatch
):
    """Eight lots of two chips at four points are shown ten images."""
    monkeypatch.setattr(measuring, "LOT", 2)
    run_sweep(make_plan(small.grid(**GRID, images=10)), tmp_path / "few.csv")
    golden = (tmp_path / "few.csv").read_bytes()
    table, line, (machine,) = on_board(images=10)
    assert table == golden
    assert sent == [10] or machine.resent
    (tmp_path / "board.csv").unlink()
    del sent[:]
    table, _, machines = on_board(Faults(reset_after=(line.to_host.frames // 2,)), images=10)
    assert (table, len(machines)) == (golden, 2)
    assert sent == [10, 10] or machines[1].resent


def test_images_are_sent_again_unless_the_same_lie_there(program, sent):
    network, other, narrow = (
        random_network((60, 11, 5), seed, pixel_bits=bits)
        for seed, bits in ((1, 4), (2, 4), (1, 2))
    )
    images, labels = random_images(network, 40, 2), np.arange(40) % 5
    line = FaultyTransport(lambda: VirtualTransport(program), Faults())
    line.latency = line.timeout = PATIENT

    def run(machine, of, part, shift=0):
        machine.load(of)
        del sent[:]
        found = machine.resident_images().run_all(images[part], labels[part] + shift)
        right = GoldenModel(of).classify(images[part]) == labels[part] + shift
        assert (found.images, found.correct) == (len(right), np.count_nonzero(right))
        return len(sent)

    few, whole = slice(0, 9), slice(0, 40)
    with LinkedMachine(line) as machine:
        assert [run(machine, of, few) for of in (network, network, other)] == [1, 0, 0]
        assert [run(machine, of, few) for of in (narrow, narrow, network)] == [1, 0, 1]
        assert [run(machine, network, few, 1), run(machine, network, slice(1, 10), 1)] == [1, 1]
        # Several batches do not fit at once, so each is sent again.
        assert run(machine, network, whole) == run(machine, network, whole) >= 3
        # Other writes into the memory, and a faulty line, make the images unknown.
        assert [run(machine, network, few) for _ in range(2)] == [1, 0]
        machine.write_memories([(ENGINE << 4 | LABELS, np.zeros((9, 2), np.uint8))])
        assert run(machine, network, few) == 1
        machine.write(ENGINE << 4 | LABELS, 3, bytes(2))
        assert run(machine, network, few) == 1
        machine.session.line.told += 1
        assert [run(machine, network, few) for _ in range(2)] == [1, 0]
        line.reset()
        with pytest.raises(Undone):
            machine.resident_images().run_all(images[few], labels[few])
        machine.reopen()
        assert [run(machine, network, few) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    ("way", "again"),
    [
        # Frames that change memories without notice.
        ("to_device", {113: 72}),
        ("to_device", {113: 1}),
        ("to_host", {113: 1}),
    ],
)
def test_an_old_frame_that_comes_again_changes_no_row(on_board, golden, capsys, way, again):
    table, _, machines = on_board(again=again, way=way)
    assert (table, len(machines)) == (golden, 2)
    assert "what it was programmed to be; it is programmed again" in capsys.readouterr().err


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_reset_changes_no_row(on_board, golden, capsys, tmp_path, place):
    frames = on_board()[1].to_host.frames
    (tmp_path / "board.csv").unlink()
    table, _, machines = on_board(Faults(reset_after=(int(frames * place),)))
    assert (table, len(machines)) == (golden, 2)
    assert "was reset: it is no longer" in capsys.readouterr().err
