import pytest

from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters, distance_bits


@pytest.mark.parametrize(("value_bits", "bits"), [(1, 8), (2, 7), (4, 5), (5, 8), (8, 8)])
def test_distance_and_value_fill_columns_of_nine_bits(value_bits: int, bits: int) -> None:
    assert distance_bits(value_bits) == bits


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lanes": 0}, "lanes must be from 1 to 65535, not 0"),
        ({"lanes": 65536}, "lanes must be from 1 to 65535, not 65536"),
        ({"rah_bits": 1}, "rah_bits must be from 2 to 8, not 1"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
    ],
)
def test_profile_ranges(change: dict[str, int], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        HardwareProfile(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "bits"), [(2, 1), (3, 2), (4, 2), (5, 3), (16, 4), (17, 5), (128, 7)]
)
def test_bits_of_a_state(states: int, bits: int) -> None:
    assert VariationParameters(states).state_bits == bits
