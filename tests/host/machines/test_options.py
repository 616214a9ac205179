"""Every pair of a machine's options, on the virtual board, against the golden model."""

import dataclasses
import re
from typing import Any

import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from tests.coverage.pairs import Choice, all_choices, cover_pairs
from tests.host.machines.test_profiles import MACHINES, small_network
from tests.host.machines.work import Work

OPTIONS: dict[str, tuple[Any, ...]] = {
    "lanes": (None, 4),
    "words": ("the network's", "wider", "states"),
    "rows_per_clock": (1, 2, 4, 8),
    "memory": ("block", "spram", "ecp5", "bsram"),
    "rounds_per_clock": (None, 1, 22),  # None: no Programmer
    "noise_rounds_per_clock": (None, 1, 22),
    "redraw": (False, True),
    "use_noise": (False, True),
    "sum_noise": (False, True),
    "states": (16, 128),
    "resident": (False, True),
}
TOPOLOGY = (9, 5, 2)


NETWORKS = {rah_bits: random_network(TOPOLOGY, 3, rah_bits=rah_bits) for rah_bits in (6, 8)}


def network_of(choice: Choice) -> Network:
    return NETWORKS[6 if choice["words"] == "wider" else 8]


def profile_of(choice: Choice) -> HardwareProfile:
    names = (
        *("rounds_per_clock", "noise_rounds_per_clock", "redraw"),
        *("use_noise", "sum_noise", "states"),
    )
    programmer = choice["rounds_per_clock"] is not None
    return HardwareProfile(
        lanes=choice["lanes"],
        rah_bits=8 if choice["words"] == "wider" else None,
        rows_per_clock=choice["rows_per_clock"],
        memory=choice["memory"],
        states=choice["words"] == "states",
        variation=VariationParameters(**{n: choice[n] for n in names}) if programmer else None,
        resident=ResidentParameters(beats=60, images=12) if choice["resident"] else None,
    )


def choice_of(profile: HardwareProfile) -> Choice:
    """Choice of options that a board's profile makes, with the network of `test_profiles`."""
    network = small_network(profile)
    columns = network.layers[0].columns
    made = profile.variation
    none = dict.fromkeys(("rounds_per_clock", "noise_rounds_per_clock"))
    return {
        "lanes": 4 if profile.lanes is not None and profile.lanes < columns else None,
        "words": "states" if profile.states else "the network's",
        "rows_per_clock": profile.rows_per_clock,
        "memory": profile.memory,
        **(
            dataclasses.asdict(made)
            if made
            else none | {"redraw": False, "use_noise": False, "sum_noise": False, "states": 16}
        ),
        "resident": profile.resident is not None,
    }


REFUSED = {
    "the memory spram drives 1 row per clock": lambda c: (
        c["memory"] == "spram" and c["rows_per_clock"] > 1
    ),
    "a chip has R_AH words of any value": lambda c: (
        c["words"] == "states" and c["rounds_per_clock"]
    ),
    "noise_rounds_per_clock must be one of ": lambda c: (
        c["rounds_per_clock"]
        and c["noise_rounds_per_clock"] not in (None, c["rounds_per_clock"], 22)
    ),
    "sum_noise needs use_noise, and rounds_per_clock or noise_rounds_per_clock 22": lambda c: (
        c["sum_noise"]
        and c["rounds_per_clock"]
        and not (c["use_noise"] and (c["noise_rounds_per_clock"] or c["rounds_per_clock"]) == 22)
    ),
    "noise of several neurons per clock needs rounds_per_clock 22": lambda c: (
        c["use_noise"]
        and c["rows_per_clock"] > 1
        and c["rounds_per_clock"]
        and (c["noise_rounds_per_clock"] or c["rounds_per_clock"]) == 1
    ),
    "lanes must be a multiple of [248], the neurons per clock": lambda c: (
        (c["lanes"] == 3 and c["rows_per_clock"] > 1)
        or (c["lanes"] == 4 and c["rows_per_clock"] == 8)
    ),
}
"""Refused choices, by the words of the refusal; every other choice is built."""


def counts(choice: Choice) -> bool:
    """True if options without effect have their first value, so that each machine counts once."""
    idle = []
    if choice["rounds_per_clock"] is None:
        idle += ["noise_rounds_per_clock", "redraw", "use_noise", "sum_noise", "states"]
    if not choice["use_noise"] or choice["noise_rounds_per_clock"] == choice["rounds_per_clock"]:
        idle += ["noise_rounds_per_clock"]
    return all(choice[name] == OPTIONS[name][0] for name in idle)


def legal(choice: Choice) -> bool:
    return not any(wrong(choice) for wrong in REFUSED.values())


def cost(choice: Choice) -> float:
    """Lines of C++, in thousands, roughly."""
    lines = 4.0
    if choice["memory"] == "ecp5":
        lines += choice["rows_per_clock"]
    lines += 0.5 * choice["rows_per_clock"]
    rounds = choice["rounds_per_clock"]
    if rounds:
        lines += 4.8 if rounds == 22 else 1.2
        if choice["use_noise"] and 22 in (rounds, choice["noise_rounds_per_clock"]):
            lines += choice["rows_per_clock"] + 1
            lines += choice["sum_noise"] * (choice["rows_per_clock"] + 2)
    return lines + choice["resident"]


EVERY = [choice for choice in all_choices(OPTIONS) if counts(choice)]
CHOICES = cover_pairs(
    [choice for choice in EVERY if legal(choice)],
    cost=cost,
    made=[choice_of(profile) for profile in MACHINES.values()],
)


def refusal(choice: Choice) -> str | None:
    """Reason why a machine cannot be built; None if it can."""
    try:
        EngineParameters.from_network(network_of(choice), profile_of(choice))
    except ValueError as error:
        return str(error)
    return None


def test_an_impossible_machine_is_refused_in_words() -> None:
    seen = set()
    # Lanes that no memory and no number of rows can have are refused too.
    for choice in all_choices({**OPTIONS, "lanes": (*OPTIONS["lanes"], 3)}):
        wrong = [words for words, is_wrong in REFUSED.items() if is_wrong(choice)]
        said = refusal(choice)
        found = [words for words in wrong if re.match(words, said or "")]
        assert bool(wrong) == bool(found) == (said is not None), (choice, said)
        seen.update(found)
    assert seen == set(REFUSED)


@pytest.mark.long
@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(map(str, choice.values())))
def test_every_pair_of_options_is_the_golden_model(choice: Choice) -> None:
    network = network_of(choice)
    parameters = TopParameters.from_network(network, profile_of(choice))
    with LinkedMachine(VirtualTransport(build(parameters))) as device:
        Work.of(network).everything(device)
