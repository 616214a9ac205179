"""What a report is about, and the commands that give its figures again."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import COLUMNS, Lot, Measured
from allspin.host.chips.measured import measure_columns
from allspin.host.chips.tiles import calibration_images, cut_network
from allspin.host.compare.subject import ComparisonSubject as Compared
from allspin.host.data.catalogue import network_name, open_device, operating_point, shipped_devices
from allspin.host.data.datasets import load_test_set
from allspin.host.keywords import takes
from allspin.host.run.inference import TracedRun, run_traced
from allspin.host.show.display import Display
from allspin.host.train.parameters import DEFAULT_NEURON, TrainingParameters
from allspin.host.train.training_options import USUAL, Robustness
from allspin.sim.cost.liberty import CELLS_45, load_library
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_range
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, tiles_of
from allspin.sim.parameters import Brief, Shown
from allspin.sim.programming.schemes import Programming, default_tries
from allspin.sim.systems import MissingPackage, naming_extras

CHIPS, QUICK_CHIPS, MAX_CHIPS = 20, 5, 1000
QUICK_IMAGES = 2000

CUTTING = ("run", "chips", "compare", "report")
"""Commands that cut a network into tiles."""
TRAIN_OPTIONS = (
    *("states", "hidden", "neuron", "pixel_bits", "hidden_bits", "rah_bits", "noise", "augment"),
    *("rate", "batch", "tile_rows", "adc_bits", "epochs", "seed", "device", "at"),
    *("levels", "polarity", "update", "rounding", "threshold", "momentum", "reference", "pair"),
    *("straight_through", "conv", "neuron_per"),
)
"""What a network's provenance has of the options of ``train``."""
DEFAULTS: dict[str, Any] = {
    **vars(TrainingParameters()),
    "noise": 0.0,
    "hidden": list(TrainingParameters().hidden),
    "levels": "nearest",
    "polarity": "quieter",
}
"""Values that need not be said."""


@dataclass(frozen=True, eq=False)
class ReportSubject(Shown):
    """What a report is about.

    Parameters
    ----------
    name : str
        The network as it was asked for: a shipped name, or a file.
    network : Network
        The network.
    device_name : str
        The device as it was asked for.
    device : Device
        What the chips are made of.
    data : Path or None
        Folder or archive of the data set; None for the MNIST that ships.
    images : ndarray of uint8, shape (images, height, width)
        Test images, grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    whole : int
        How many test images the data set has.
    chips : int
        How many chips, from chip 0 on.
    at : str or None
        Operating point of the device; None for its file's default.
    tiles : Tiles or None
        What the network's columns were cut into; None for its own.
    """

    name: str
    network: Network
    device_name: str
    device: Device
    data: Path | None
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    whole: int
    chips: int
    at: str | None = None
    tiles: Tiles | None = None

    @classmethod
    @takes(tiles=Tiles.asked)
    def open(
        cls,
        network: str | Path | Network,
        device: str | Path | Device = "paper",
        *,
        at: str | OperatingPoint | None = None,
        chips: int | None = None,
        images: int | None = None,
        data: str | Path | None = None,
        tiles: Tiles | None = None,
        quick: bool = False,
        progress: Any = None,
        **keywords: Any,
    ) -> Self:
        """Load what a report is about.

        Parameters
        ----------
        network : str, Path or Network
            A network, its file, or the name of one that ships.
        device : str, Path or Device
            A device, its file, or the name of one that ships.
        at : str or OperatingPoint, optional
            Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.
        chips : int, optional
            How many, 1 to 1000; 20, or 5 of a quick report.
        images : int, optional
            First test images; all, or 2000 of a quick report.
        data : str or Path, optional
            Folder or archive of the data set; the MNIST that ships.
        tiles : Tiles, optional
            What the network's columns are cut into (its own).
        quick : bool
            Whether fewer chips and images will do.
        progress : Display or bool, optional
            Shows the cutting.
        **keywords
            ``tile_rows`` and ``adc_bits``.

        Raises
        ------
        UserError
            If there is no such network, device or data set, or they do not fit one another.
        ValueError
            If a number is out of its range; the message begins with its name.
        """
        if chips is None:
            chips = QUICK_CHIPS if quick else CHIPS
        check_range("chips", chips, 1, MAX_CHIPS)
        opened = cut_network(network, tiles, data, progress)
        made_of = open_device(device, at)
        pixels, labels = load_test_set(data, [opened])
        whole = len(pixels)
        if images is None:
            images = min(QUICK_IMAGES, whole) if quick else whole
        check_range("images", images, 1, whole)
        return cls(
            network_name(network),
            opened,
            device.name if isinstance(device, Device) else str(device),
            made_of,
            None if data is None else Path(data),
            # Lists of values have the shape that the network sees in them.
            pixels[:images].reshape(-1, *opened.image_shape),
            labels[:images],
            whole,
            chips,
            None if at is None else str(operating_point(at)),
            tiles,
        )

    @property
    def device_options(self) -> tuple[str, ...]:
        """The options of a command that name the device."""
        point = () if self.at is None else ("--at", self.at)
        return ("--device", self.device_name, *point)

    @property
    def title(self) -> str:
        """The network's name without folder and suffix."""
        return Path(self.name).name.removesuffix(".safetensors") or self.name

    @property
    def data_name(self) -> str:
        """The data set's name."""
        return "MNIST" if self.data is None else self.data.name or str(self.data)

    @property
    def some(self) -> str:
        """Which test images these are; empty where they are all."""
        shown = len(self.images)
        return "" if shown == self.whole else f"first {shown:,} of {self.whole:,} test images"

    def command(self, name: str, *options: str, images: bool = True) -> str:
        """A command line of allspin about this network, on these images.

        Parameters
        ----------
        name : str
            The command.
        *options : str
            Its options, after the network.
        images : bool
            Whether the command is shown the images that the report is shown.
        """
        words = ["allspin", name, self.name, *options]
        if self.tiles is not None and name in CUTTING:
            words += ["--tile-rows", str(self.tiles.rows), "--adc-bits", str(self.tiles.bits)]
        if images and self.some:
            words += ["--images", str(len(self.images))]
        if self.data is not None:
            words += ["--data", str(self.data)]
        return shlex.join(words)


def _usual_neuron(device: object) -> str | None:
    """Kind of neuron that ``train`` takes unasked; None where only the user's file tells."""
    if isinstance(device, str) and device in shipped_devices():
        return open_device(device).neuron.name
    return DEFAULT_NEURON if device is None else None


def train_command(
    provenance: Mapping[str, Any], name: str, files: Mapping[str, str] | None = None
) -> str | None:
    """The command that trained a network, as far as its file tells.

    Parameters
    ----------
    provenance : mapping
        Of the network.
    name : str
        File to write.
    files : mapping of str to str, optional
        Devices and data sets by the names that provenance has of them.

    Returns
    -------
    str or None
        None where the network was not made by ``allspin train``, or for a device whose file is not
        known.
    """
    options, files = provenance.get("options"), files or {}
    if provenance.get("command") != "train" or not isinstance(options, Mapping):
        return None
    if isinstance(device := options.get("device"), str) and device not in shipped_devices():
        if device not in files:
            return None
        options = {**options, "device": files[device]}
    usual = DEFAULTS | {"neuron": _usual_neuron(options.get("device"))}
    words = ["allspin", "train"]
    if options.get("in_array") is True:
        # There other values need not be said.
        words, usual = [*words, "--in-array"], {}
    if options.get("conv"):
        usual |= {"hidden": []}
    robust = options.get("robust")
    if isinstance(robust, str):
        words += ["--robust"] if robust == USUAL else ["--robust", robust]
        usual |= {"epochs": Robustness.EPOCHS}
    for key in TRAIN_OPTIONS:
        value = options.get(key)
        if value is None or (value == usual.get(key) and key != "states"):
            continue
        if isinstance(value, list):
            value = ",".join(map(str, value))
        option = "level_choice" if key == "levels" else key
        words += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
    data = provenance.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("name"), str) and data["name"] != "mnist":
        words += ["--data", files.get(data["name"], data["name"])]
    return shlex.join([*words, "-o", f"{name}.safetensors"])


def compared(subject: ReportSubject, progress: Display) -> dict[str, Any] | str:
    """Compare a network's neurons as ``allspin compare`` does by default.

    Parameters
    ----------
    subject : ReportSubject
        What the report is about.
    progress : Display
        Told of the step.

    Returns
    -------
    dict or str
        What `allspin.host.compare.comparison.compare` returns, or why there is no comparison.
    """
    # All test images, however many the rest of the page takes: so the command says the same.
    network, (images, labels) = subject.network, load_test_set(subject.data)
    try:
        with naming_extras():
            from allspin.host.compare.comparison import compare
        chosen = calibration_images(network, subject.data) if any(tiles_of(network)) else None
        cells = load_library(CELLS_45)
        whole = Compared(subject.name, network, subject.device, cells, images, labels, chosen)
        return compare(whole, progress=progress).to_dict()
    except UserError as error:
        progress.finish(str(error))
        return str(error)


@dataclass(frozen=True, eq=False)
class Findings(Brief):
    """What was found about a subject.

    Attributes
    ----------
    subject : ReportSubject
        What it is about.
    logits : ndarray of int64, shape (images, classes)
        Of the golden model, without variation.
    answers : ndarray of int64, shape (images,)
        Its classes.
    chips : list of Measured
        Accuracy over chips, one for each of `allspin.host.chips.accuracy.COLUMNS`.
    engine : TracedRun or str
        The images' way through the simulated gateware, or why it could not be run here.
    builds : list of dict
        Figures of the boards that were built on this machine for the network, with `older`.
    comparison : dict or str
        With CMOS neurons, as ``allspin compare --json`` prints it, or why there is none.
    """

    subject: ReportSubject
    logits: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]
    chips: list[Measured]
    engine: TracedRun | str
    builds: list[dict[str, Any]]
    comparison: dict[str, Any] | str

    @property
    def mismatches(self) -> int:
        """Logits of the gateware that are not the golden model's."""
        assert not isinstance(self.engine, str)
        return int(np.count_nonzero(self.engine.answers.logits != self.logits))

    @property
    def accuracy(self) -> float:
        """Share of the test images that the network classifies rightly, without variation."""
        return float(np.mean(self.answers == self.subject.labels))


def why_no_engine(subject: ReportSubject) -> str | None:
    """Why the gateware cannot be run here; None where it can."""
    try:
        with naming_extras():
            from allspin.boards.top import TopParameters
            from allspin.boards.virtual.build import compiler
        compiler()
        TopParameters.from_network(subject.network)
    except (UserError, ValueError) as error:
        return str(error)
    return None


def find(subject: ReportSubject, progress: Display) -> Findings:
    """Compute all that a report tells.

    Parameters
    ----------
    subject : ReportSubject
        What it is about.
    progress : Display
        Told of each step.

    Raises
    ------
    UserError
        If the network's levels cannot be programmed into the device, or the machine fails.
    """
    network, images = subject.network, subject.images
    progress.start(f"{len(images):,} images through the golden model")
    logits = GoldenModel(network).logits(images)
    answers = np.argmax(logits, axis=1)
    progress.finish(f"{np.mean(answers == subject.labels):.2%} accuracy")
    lot = Lot(subject.device, range(subject.chips), Programming(tries=default_tries(network)))
    chips = measure_columns(
        subject.title, network, COLUMNS, lot, (images, subject.labels), progress
    )
    engine = why_no_engine(subject) or run_traced(network, images, progress)
    return Findings(
        subject,
        logits,
        answers,
        chips,
        engine,
        _builds(subject, progress),
        compared(subject, progress),
    )


def _builds(subject: ReportSubject, progress: Display) -> list[dict[str, Any]]:
    """Figures of the boards that were built on this machine, in order, with `older`."""
    try:
        with naming_extras():
            from allspin.host.bitstreams.kept import kept_manifests
            from allspin.host.bitstreams.manifest import is_older
    except MissingPackage:
        return []
    records = [record for record in kept_manifests() if record["network"] == subject.name]
    records.sort(key=lambda record: (record["board"], record["part"], record["profile"]))
    if records:
        progress.start("elaborating the machines that were built, once after a change of sources")
        for number, record in enumerate(records):
            progress.advance(number, len(records), record["board"])
            records[number] = {**record, "older": is_older(record, subject.network)}
        progress.finish(f"{len(records)} builds")
    return records
