"""Experiments are run once, kept, and found again; an interrupted run goes on."""

import dataclasses

import pytest

from allspin.host.data.datasets import load_dataset
from allspin.host.learn.paper_types import TYPES
from allspin.host.paper import experiments
from allspin.host.paper.experiments import (
    ResultCache,
    paper_type,
    parameters_of,
    training,
)
from allspin.host.paper.reproduce import run_experiments
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse


@pytest.fixture
def folder(idx_folder):
    return idx_folder(shape=(8, 8), classes=4, train=96, test=40)


@pytest.fixture
def cache(tmp_path, folder):
    results = tmp_path / "results"
    results.mkdir()
    return ResultCache(results, load_dataset(folder).digest)


def small(seed, **values):
    return training(**({"seed": seed, "states": 100, "full_scale": 5.0, "epochs": 1} | values))


@pytest.mark.parametrize("number", TYPES)
def test_the_papers_types_are_those_of_the_recipe(number):
    given, expected = (
        parameters_of(paper_type(number, 4).values),
        dataclasses.replace(TYPES[number], seed=4),
    )
    if expected.synapse is not None:
        # Without D2D its reading has no effect.
        assert isinstance(given.synapse, SotSynapse)
        assert isinstance(expected.synapse, SotSynapse)
        assert not any(given.synapse.d2d[polarity] for polarity in Polarity)
        synapse = dataclasses.replace(given.synapse, d2d=expected.synapse.d2d)
        given = dataclasses.replace(given, synapse=synapse)
    assert given == expected


def test_equal_parameters_are_one_experiment_and_others_are_not():
    assert small(1) == small(1, rate=0.03)
    assert small(1).key("a") == small(1).key("a")
    keys = {small(1).key("a"), small(2).key("a"), small(1).key("b"), small(1, A=[22, 9]).key("a")}
    assert len(keys) == 4
    with pytest.raises(ValueError, match="no parameter sped"):
        training(sped=3)


def test_results_are_kept_and_damaged_ones_are_not_used(cache):
    one, two = small(1), small(2)
    assert cache.find(one) is None
    cache.keep(one, {"accuracy": 0.5})
    assert cache.find(one) == {"accuracy": 0.5}
    whole = cache.path(one).read_bytes()
    cache.path(two).write_bytes(whole)
    cache.path(one).write_bytes(whole[:-20])
    assert cache.find(one) is cache.find(two) is None


def test_an_interrupted_run_keeps_its_finished_experiments(cache, folder):
    wanted = [small(seed) for seed in range(4)]
    wanted += [small(0, epochs=2, states=None, neuron="relu")]

    def interrupt(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiments(wanted, cache, folder, workers=1, progress=interrupt)
    done = [one for one in wanted if cache.find(one) is not None]
    assert 0 < len(done) < len(wanted)
    # A mark that a second computation would not leave.
    for one in done:
        cache.keep(one, {**(cache.find(one) or {}), "kept": True})
    told = []
    results = run_experiments(
        [*wanted, wanted[0]], cache, folder, workers=1, progress=lambda *what: told.append(what)
    )
    assert set(results) == set(wanted)
    assert [one for one in wanted if "kept" in results[one]] == done
    assert len(told) == len(wanted) - len(done) + 1
    # From the known results on, so that the time left can be computed.
    total = sum(one.cost for one in wanted)
    assert told[0] == (pytest.approx(sum(one.cost for one in done)), total)
    assert told[-1] == (pytest.approx(total), total)
    assert run_experiments(wanted, cache, folder, progress=interrupt) == results


def test_variation_after_training_comes_out_worse_than_none(folder):
    data = load_dataset(folder)
    afterwards = {"after_synapse": [0.0, 1.0], "after_gain": [0.0], "after_threshold": [0.0, 1.0]}
    result = experiments.perform(small(0, epochs=8, d2d_reading="range", **afterwards), data)
    assert result["after_synapse"][0] == result["after_gain"][0] == result["accuracy"]
    assert max(result["after_synapse"][1], result["after_threshold"][1]) < result["accuracy"]
    assert sum(map(sum, result["confusion"])) == len(data.test_labels)
