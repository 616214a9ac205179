"""Pictures show the right values for any network, and equal data make equal files."""

import dataclasses
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from allspin.host.charts.confusion import ACROSS, confusion_matrix, wrong_images
from allspin.host.charts.learning_curve import learning_curve
from allspin.host.charts.neuron_curve import neuron_curve
from allspin.host.charts.rah_maps import colour_scale, lit_pixels, rah_maps, resistances, strongest
from allspin.host.charts.row_charts import bars
from allspin.host.charts.timeline import runs, stage_spans, timeline
from allspin.host.data.catalogue import open_device
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.draw.style import R_AH, name_text, new_figure, styled
from allspin.sim.errors import UserError
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_network

pytestmark = pytest.mark.long


def make_network(states=10, hidden=7, neuron=None, classes=3):
    rng = np.random.default_rng(5)
    neuron = neuron or SotNeuron()
    levels = uniform_levels(states)
    return Network(
        layers=(
            Layer(
                rng.integers(0, states, (12, hidden), dtype=np.uint8),
                levels,
                Converter(np.full(hidden, 40, np.int32), np.zeros(hidden, np.int32), 8),
                neuron.table(8, 4) if isinstance(neuron, SotNeuron) else None,
            ),
            Layer(rng.integers(0, states, (hidden, classes), dtype=np.uint8), levels),
        ),
        neuron=neuron,
        image_shape=(3, 4),
    )


IMAGES = np.random.default_rng(6).integers(0, 256, (50, 3, 4)).astype(np.uint8)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_saved_as_png_and_svg_byte_for_byte_again(tmp_path):
    contents = []
    for _ in range(2):
        paths = save_picture(neuron_curve(make_network()), tmp_path, "neuron")
        assert [path.name for path in paths] == ["neuron.png", "neuron.svg"]
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert contents[0][0].startswith(b"\x89PNG\r\n")
    assert b"<svg" in contents[0][1]


def test_a_style_that_lies_in_the_folder_changes_nothing(tmp_path, monkeypatch):
    """A matplotlibrc in the folder could set such a style, and so start LaTeX with its preamble."""
    plain = save_picture(neuron_curve(make_network()), tmp_path, "plain")[0].read_bytes()
    monkeypatch.setitem(mpl.rcParams, "text.usetex", True)
    assert save_picture(neuron_curve(make_network()), tmp_path, "other")[0].read_bytes() == plain


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"a$\frac{$", r"a$\frac{$"),
        (r"\$x\\$", r"\$x\\$"),
        ("a\x1b[31m\n\udcff", r"a\x1b[31m\n\udcff"),
        ("\u7f51\u7edc", "\u7f51\u7edc"),
    ],
)
def test_a_name_is_drawn_as_it_is_written(tmp_path, recwarn, name, shown):
    def titled(title):
        return styled(lambda: new_figure(6, 2, title))()

    text = name_text(name)
    for title in (text, f"{R_AH} {text}"):
        save_picture(titled(title), tmp_path, "named")
    assert not recwarn.list
    # A text beside it that is no formula does not change the picture.
    save_picture(titled(text), tmp_path, "named")
    figure = titled(shown)
    for drawn in figure.texts:
        drawn.set_parse_math(False)
    save_picture(figure, tmp_path, "plain")
    assert (tmp_path / "named.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_the_neurons_steps_are_the_tables_entries():
    network = make_network()
    steps, curve = neuron_curve(network).axes[0].lines[:2]
    table = network.layers[0].table
    assert table is not None
    assert np.asarray(steps.get_ydata())[:-1].tolist() == table.tolist()
    assert np.asarray(curve.get_ydata())[-1] == pytest.approx(15 * network.neuron.response(1.0))
    # A neuron without a table has its curve alone.
    (line,) = neuron_curve(make_network(neuron=ReluNeuron())).axes[0].lines
    assert np.asarray(line.get_ydata()).max() == 15


@pytest.mark.parametrize("look", [PictureStyle(), PictureStyle(journal=True)])
def test_the_names_of_phases_are_above_the_curve(tmp_path, look):
    """Also where loss does not fall."""
    losses = (2.44, 2.46, 2.45, 2.47)
    curve = [{"phase": "array", "loss": loss, "validation_accuracy": 0.1} for loss in losses]
    figure = learning_curve(curve, None, 0.1)
    save_picture(figure, tmp_path, "learning", look)
    top = figure.axes[0]
    [name] = [each for each in top.texts if each.get_text() == "pulses in the array"]
    highest = top.transData.transform((0, max(losses)))[1]
    assert name.get_window_extent().y0 > highest


def test_learning_curve_shows_errors_and_phases():
    curve = [
        {"phase": phase, "loss": 1 / epoch, "validation_accuracy": accuracy}
        for epoch, (phase, accuracy) in enumerate(
            [("float", 0.9), ("float", 0.95), ("quantised", 0.94)], 1
        )
    ]
    figure = learning_curve(curve, 0.94, 0.9)
    errors = figure.axes[1].lines[0]
    assert np.asarray(errors.get_ydata()).tolist() == pytest.approx([10, 5, 6])
    assert "kept, 6.00 %" in figure.axes[1].get_title("left")
    assert {"real numbers", "the machine's integers"} <= set(texts(figure))


@pytest.mark.parametrize("states", [2, 10, 16, 17, 128])
def test_levels_have_colours_of_their_own_and_signs_lie_apart(states):
    network = make_network(states)
    colours, scale = colour_scale(network)
    levels = network.layers[0].levels
    drawn = [tuple(colours(scale(level))) for level in levels.tolist()]
    assert len(set(drawn)) == states
    for (red, _, blue, _), level in zip(drawn, levels, strict=True):
        assert level == 0 or (red > blue) == (level > 0)


def test_maps_show_the_columns_and_leave_out_dark_pixels():
    network = make_network()
    images = IMAGES.copy()
    images[:, 0, 0] = 0
    assert lit_pixels(network, images).sum() == 11
    figure = rah_maps(network, images, rows=1, columns=2)
    chosen = strongest(network, 2)
    strength = np.abs(network.layers[1].words.astype(int)).sum(axis=1)
    assert sorted(strength)[-2:] == sorted(strength[chosen])
    for axes, column in zip(figure.axes, chosen, strict=False):
        shown = np.ma.asarray(axes.images[0].get_array())
        assert np.ma.getmaskarray(shown).sum() == 1
        expected = network.layers[0].words[:, column].reshape(3, 4)
        np.testing.assert_array_equal(np.ma.getdata(shown), expected)


def test_maps_of_kernels_are_pictures_of_them_and_no_image_lights_a_kernels_edge():
    kind = Convolution((4, 4, 2), (3, 2), padding=(1, 0, 0, 0))
    network = random_network((32, 6, 9, 3), 2, kinds=(kind,), image_shape=(4, 4, 2))
    images = np.full((5, 4, 4, 2), 255, np.uint8)
    images[:, :, 1:, 0] = 0  # of the first channel only the left edge is lit
    lit = lit_pixels(network, images)
    assert lit.shape == (3, 2 * 2)
    assert lit[:, [0, 2, 3]].all()
    assert not lit[:, 1].any()
    figure = rah_maps(network, images, rows=1, columns=2)
    # A kernel's column is heard by a row for each of its 9 positions.
    heard = np.abs(network.layers[1].words.astype(int)).sum(axis=1).reshape(9, 6).sum(axis=0)
    chosen = sorted(np.argsort(-heard)[:2].tolist())
    for axes, column in zip(figure.axes, chosen, strict=False):
        kernel = network.layers[0].words[:, column].reshape(3, 2, 2)
        shown = np.ma.getdata(np.ma.asarray(axes.images[0].get_array()))
        np.testing.assert_array_equal(shown, np.hstack([kernel[..., 0], kernel[..., 1]]))


def test_units_are_told_where_the_device_has_them():
    network, device = make_network(), open_device("paper")
    assert resistances(network, None) == resistances(network, device) == ""
    fitted = {"fit": {"neuron": {"full_current": 3.5e-7, "full_resistance": 1.25}}}
    measured = dataclasses.replace(device, unit="ohm", source=fitted)
    top = int(network.layers[0].levels.max())
    assert resistances(network, measured) == f"\u2212{top} is \u22121 ohm, {top} is 1 ohm"
    axes = neuron_curve(network, measured).axes[0]
    assert "is 0.35 \u00b5A)" in axes.get_xlabel()
    assert "is 1.25 ohm)" in axes.get_ylabel()
    assert "ohm" not in neuron_curve(network, device).axes[0].get_ylabel()


def test_a_picture_for_print_is_as_wide_and_its_text_as_large_as_asked_for(tmp_path):
    look = PictureStyle(("svg", "pdf", "png"), width=120, points=8)
    figure = neuron_curve(make_network())
    (axes,) = figure.axes
    svg, pdf, png = save_picture(figure, tmp_path, "neuron", look)
    width = re.search(r'<svg [^>]*width="([\d.]+)pt"', svg.read_text())
    assert width is not None
    assert float(width[1]) / 72 * 25.4 == pytest.approx(120, abs=0.1)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert int.from_bytes(png.read_bytes()[16:20]) == pytest.approx(120 / 25.4 * 300, abs=1)
    figure.draw_without_rendering()
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert {round(float(tick.get_fontsize()), 3) for tick in ticks} == {8}


@styled
def beside_each_other(maps):
    figure = new_figure(9.6, 4, "A title of more words than a column has room for")
    for axes in figure.subplots(1, 2):
        if maps:
            axes.imshow(np.eye(3))
        axes.set_title("What the panel shows, said in words that take more than its width")
    return figure


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("width", [170, 85])
def test_panels_that_have_no_room_side_by_side_stand_below_each_other(tmp_path, maps, width):
    figure = beside_each_other(maps)
    save_picture(figure, tmp_path, "both", PictureStyle(("png",), width=width))
    first, second = (axes.get_window_extent() for axes in figure.axes)
    assert second.x0 > first.x1 if width == 170 else second.y1 < first.y0
    figure.draw_without_rendering()  # saving used another resolution
    named = figure.findobj(lambda text: isinstance(text, Text) and "What the" in text.get_text())
    assert len(named) == 2
    for box in (text.get_window_extent() for text in named):
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_a_picture_that_has_no_room_is_refused(tmp_path):
    with pytest.raises(UserError, match="neuron has no room"):
        save_picture(
            neuron_curve(make_network()), tmp_path, "neuron", PictureStyle(width=20, points=24)
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"formats": ("png", "pnx")}, r"formats must be .*\(did you mean png\?\)"),
        ({"width": 5}, "width must be a number from 20 to 1000, not 5"),
        ({"points": 40}, "points must be a number from 4 to 24, not 40"),
    ],
)
def test_a_look_is_checked(what, message):
    with pytest.raises(ValueError, match=message):
        PictureStyle(**what)


def test_confusion_counts_every_image_once():
    labels = np.array([0, 0, 1, 2, 2, 2])
    answers = np.array([0, 1, 1, 2, 2, 0])
    figure = confusion_matrix(labels, answers, 3)
    assert sorted(texts(figure)) == ["1", "1", "1", "1", "2"]
    assert figure.get_suptitle().startswith("Confusion: 2 of 6")
    figure.draw_without_rendering()
    # A transparent patch is white, since viewers that blend it with its neighbours draw lines.
    (image,) = figure.axes[0].images
    pixels = image.make_image(FigureCanvasAgg(figure).get_renderer())[0]
    through = pixels[..., 3] < 255
    assert through.any()
    assert np.all(pixels[through][:, :3] == 255)


@pytest.mark.parametrize("most", [1, 4, 5, 60, 1000])
def test_the_end_of_the_colour_bar_has_its_number(most):
    labels, answers = np.repeat([0, 1, 2], [5, most, 1]), np.repeat([0, 2, 1], [5, most, 1])
    figure = confusion_matrix(labels, answers, 3)
    ticks = figure.axes[1].get_yticks()
    assert (ticks[0], ticks[-1]) == (1, most)
    assert len(ticks) < 14


@pytest.mark.parametrize("classes", [3, 47])
def test_no_mistake_and_many_classes_can_be_drawn(tmp_path, classes):
    labels = np.arange(50) % classes
    figure = confusion_matrix(labels, labels, classes)
    assert len(figure.axes) == 1  # no colour stands for anything
    save_picture(figure, tmp_path, "confusion")
    (axes,) = bars("Wrong", {"0": 0.0, "1": 0.0}, "%", ".1f").axes
    assert axes.get_xlim()[0] == 0
    save_picture(wrong_images(IMAGES, labels, labels), tmp_path, "wrong")


def test_wrong_images_are_the_wrong_ones():
    labels = np.zeros(50, dtype=int)
    answers = labels.copy()
    answers[[7, 31]] = [2, 1]
    figure = wrong_images(IMAGES, labels, answers)
    assert texts(figure) == ["0", "\u2192 2", "7", "0", "\u2192 1", "31"]
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    (tall, wide), (height, width) = (sheet.shape[0], sheet.shape[1] // ACROSS), IMAGES.shape[1:]
    top = (tall - height) // 2
    for place, number in enumerate((7, 31)):
        drawn = sheet[top : top + height, place * wide : place * wide + width]
        np.testing.assert_array_equal(drawn, 255 - IMAGES[number])


# Two layers of two stages; images of 2 and 3 rows. Clock: 0  1  2  3  4  5  6  7  8  9
ROWS = [0, 1, 1, 1, 0, 1, 1, 0, 0, 0]
LAST_ROW = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
SUMS = [0, 0, 0, 1, 1, 0, 0, 1, 1, 0]
LAST_SUM = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
LAYER = np.array(ROWS) | np.array(LAST_ROW) << 1 | np.array(SUMS) << 2 | np.array(LAST_SUM) << 3


def test_spans_of_a_trace_by_hand():
    activity = np.concatenate([[0], LAYER]) << 4 | np.concatenate([LAYER, [0]])
    spans = stage_spans(activity, 0, 0, 1)
    assert [(span.image, span.first, span.last) for span in spans] == [(0, 1, 2), (1, 3, 6)]
    assert spans[1].busy.tolist() == [3, 5, 6]
    # Two positions of one image.
    (span,) = stage_spans(activity, 0, 0, 1, 2)
    assert (span.image, span.first, span.last) == (0, 1, 6)
    spans = stage_spans(activity, 1, 2, 3)
    assert [(span.image, span.first, span.last) for span in spans] == [(0, 4, 5), (1, 8, 9)]
    assert runs(np.array([3, 4, 5, 9, 11, 12])) == [(3, 3), (9, 1), (11, 2)]


def test_timeline_names_stages_and_images():
    activity = np.concatenate([[0], LAYER]) << 4 | np.concatenate([LAYER, [0]])
    figure = timeline(activity, [1, 1])
    labels = [label.get_text().split("\n")[0] for label in figure.axes[0].get_yticklabels()]
    assert labels == ["crossbar 0", "neurons 0", "crossbar 1", "readout"]
    assert texts(figure).count("image 1") == 4
