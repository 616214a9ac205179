"""Options as texts, and kernels; errors are one line."""

import pytest
from hypothesis import given, strategies as st

from allspin.host.train.kernels import Kernels, convolutions, read_conv
from allspin.host.train.training_options import ALL, AUGMENTATIONS, Augmentation, Robustness
from allspin.sim.errors import UserError


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("none", (0, 0, 0, 0, 0)),
        ("digits", (5, 0.05, 0.7, 0.5, 0)),
        ("gentle", (3.5, 0.035, 0.49, 0.35, 0)),
        ("objects", (0, 0, 1, 0, 0.5)),
        ("objects,shift=2", (0, 0, 2, 0, 0.5)),
        ("digits, rotation=3 ,mirror=1", (3, 0.05, 0.7, 0.5, 1)),
    ],
)
def test_an_augmentation_is_named_by_a_text(text: str, amounts: tuple[float, ...]) -> None:
    found = Augmentation.parse(text)
    assert found == Augmentation(*amounts)
    assert (found.text == text) == (text in AUGMENTATIONS)


most = {"rotation": 180, "stretch": 0.5, "shift": 1000, "elastic": 1000, "mirror": 1}
augmentations = st.builds(Augmentation, **{name: st.floats(0, top) for name, top in most.items()})
robustnesses = st.builds(
    Robustness, st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 100), st.integers(1, 65535)
)


@given(augmentations, robustnesses)
def test_any_options_have_a_text(augmentation: Augmentation, robust: Robustness) -> None:
    assert Augmentation.parse(augmentation.text) == augmentation
    assert Robustness.parse(robust.text) == robust


def test_the_text_of_robust_options_has_only_changed_ones() -> None:
    assert Robustness().text == "usual"
    assert Robustness.parse(ALL) == Robustness()
    assert Robustness(0.25, teacher=30).text == "verified=0.25,teacher=30"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            Augmentation,
            "letters",
            "augment must be one of none, digits, gentle, objects, not 'letters'",
        ),
        (Augmentation, "", "augment must be one of none, digits, gentle, objects, not ''"),
        (Augmentation, "digits,shift", "augment takes words such as shift=1, not 'shift'"),
        (Augmentation, "digits,shift=x", "augment takes words such as shift=1, not 'shift=x'"),
        (Augmentation, "digits,zoom=1", "augment has no 'zoom'; it has rotation, stretch, shift"),
        (Augmentation, "digits,mirror=2", "mirror must be a number from 0 to 1, not 2.0"),
        (Augmentation, "none,stretch=0.6", "stretch must be a number from 0 to 0.5, not 0.6"),
        (Augmentation, "digits,shift=-1", "shift must be a number from 0 to 1000, not -1.0"),
        (Augmentation, "none,elastic=1001", "elastic must be a number from 0 to 1000, not 1001"),
        (Augmentation, "digits,rotation=nan", "rotation must be a number from 0 to 180, not nan"),
        (Robustness, "tought=1", "robust has no 'tought'; it has verified, taught, temperature"),
        (Robustness, "", "robust has no ''"),
        (Robustness, "teacher=3.5", "robust takes words such as teacher=1, not 'teacher=3.5'"),
        (Robustness, "verified=7", "verified must be a number from 0 to 1, not 7.0"),
        (Robustness, "taught=-1", "taught must be a number from 0 to 1, not -1.0"),
        (Robustness, "temperature=0", "temperature must be a number from 0.1 to 100, not 0"),
        (Robustness, "teacher=0", "teacher must be from 1 to 65535, not 0"),
    ],
)
def test_a_wrong_option_is_named(
    kind: type[Augmentation | Robustness], text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        kind.parse(text)


@given(
    st.lists(
        st.builds(
            Kernels,
            st.tuples(st.integers(1, 40), st.integers(1, 40)),
            st.integers(1, 65535),
            st.integers(1, 9),
            st.integers(0, 9).map(lambda lines: (lines,) * 4),
            st.sampled_from([1, 2]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_kernels_have_a_text(conv: list[Kernels]) -> None:
    assert list(read_conv(", ".join(each.text for each in conv))) == conv


def test_a_padded_map_is_as_large_as_before() -> None:
    first, second = convolutions(read_conv("4x3x6 pad,5x5x2 pad s2 pool"), (9, 8))
    assert (first.padding, first.pooled, second.map) == ((1, 1, 2, 1), (9, 8), (9, 8, 6))
    assert (second.places, second.pooled) == ((5, 4), (2, 2))
    assert read_conv("4x3x6 pad")[0].text == "4x3x6 pad"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "conv takes kernels such as"),
        ("5x5x16,", "conv takes kernels such as"),
        ("5x5", "not '5x5'"),
        ("5x5x16 s2 q3", "not 'q3'"),
        ("5x5x16 s2 s1", "two words for the stride"),
        ("5x5x16 p1 pad", "two words for the padding"),
        ("5x5x0", "number of kernels must be from 1"),
    ],
)
def test_a_text_that_says_no_kernels_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_conv(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5x5x16, 9x9x4", "`conv` 9x9x4: a kernel of 9 x 9 does not fit a map of 5 x 4"),
        ("5x5x16 s0", "`conv` 5x5x16 s0: each of a stride"),
        ("3x3x4 p3", "`conv` 3x3x4 p3: each of a padding"),
        ("1x1x4 pool, 1x1x9000", "`conv` 1x1x9000: 9000 columns at 16 positions are more"),
    ],
)
def test_kernels_that_do_not_fit_are_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        convolutions(read_conv(text), (9, 8))
