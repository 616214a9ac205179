import dataclasses

import pytest

from allspin.host.train.parameters import TrainingParameters


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"states": 1}, "states must be from 2 to 128, not 1"),
        ({"states": 129}, "states must be from 2 to 128, not 129"),
        ({"states": 100, "rah_bits": 6}, "100 states need R_AH words of at least 8 bits, not 6"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
        ({"hidden": ()}, "number of hidden layers must be from 1 to 14, not 0"),
        ({"hidden": (8,) * 15}, "number of hidden layers must be from 1 to 14, not 15"),
        ({"hidden": (100, 0)}, "hidden must be from 1 to 65535, not 0"),
        (
            {"neuron": "tanh"},
            "neuron must be one of .*relu, sot, not 'tanh'; a kind of your own is registered .*",
        ),
        ({"pixel_bits": 0}, "pixel_bits must be from 1 to 8, not 0"),
        ({"hidden_bits": 9}, "hidden_bits must be from 1 to 8, not 9"),
        ({"noise": -0.1}, "noise must be from 0 to 0.5, not -0.1"),
        ({"noise": float("nan")}, "noise must be from 0 to 0.5, not nan"),
        ({"epochs": 0}, "epochs must be from 1 to 10000, not 0"),
        ({"seed": -1}, "seed must be from 0 to 4294967295, not -1"),
        ({"rate": 0.0}, "rate must be a number from 1e-06 to 1, not 0.0"),
        ({"rate": float("nan")}, "rate must be a number from 1e-06 to 1, not nan"),
        ({"batch": 0}, "batch must be from 1 to 65536, not 0"),
    ],
)
def test_values_outside_their_range_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(TrainingParameters(), **changes)
