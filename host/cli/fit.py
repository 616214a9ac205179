"""``allspin fit``: a device file made from measured curves."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.answers import FAILED, answer
from allspin.host.cli.command import check_needs, is_given
from allspin.host.cli.shared import Json, RecipeFile, Steps, Style
from allspin.host.data.catalogue import operating_point
from allspin.host.data.files import check_apart, check_writable
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.fit.decay import FittedDecay, fit_decay
from allspin.host.fit.explain import HEADS, columns_table
from allspin.host.fit.fitted import Fitted
from allspin.host.fit.fitting import fit
from allspin.host.fit.lookup import LookupDevice, take_lookup_tables
from allspin.host.fit.options import DecayOptions, FitOptions
from allspin.host.fit.switching import FittedSwitching, fit_switching, is_switching
from allspin.host.lab.column_map import is_decay
from allspin.host.lab.reading import ReadOptions
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.host.options import DEVICE, FLAT
from allspin.host.show.say import warn
from allspin.host.show.terminal import print_tables
from allspin.sim.device.device_file import save_device, save_point
from allspin.sim.errors import UserError
from allspin.sim.synapse.lookup_table import is_lookup_table
from allspin.sim.systems import MissingPackage, naming_extras

EXAMPLES = """\
A file has a header with names and units, such as
device,cycle,polarity,pulse,R_AH (ohm) for a synapse or
device,cycle,current (mA),R_AH (ohm) for a neuron. See docs/formats.md. Two
lookup tables of CrossSim (dG_increasing.txt, dG_decreasing.txt) are taken
without a fit; each further pair is another device.

If the model does not describe a curve, the command says so, writes only the
picture, and ends with exit status 1. Then --table writes the measured table as
the device, and --force writes the model anyway.

examples:
  allspin fit pulses.csv neuron.csv -o mine.toml
  allspin fit --explain pulses.csv
  allspin fit device-*.csv --column resistance=Rxy -o mine.toml
  allspin fit dG_increasing.txt dG_decreasing.txt -o measured.toml
  allspin fit pulses.csv --where current=8,-11 --point current=8mA -o mine.toml
  allspin fit decay.csv --base mine.toml -o aged.toml
  allspin fit switching.csv --base mine.toml -o chance.toml
  allspin run paper-10 --device mine.toml --chip 1
"""

NOT_FOR_DECAYS = ("states", "table", "occasion", "reading", "meter", "currents")
"""Fields of `FitOptions` that have no effect on decays."""


def run(
    files: Annotated[list[Path], Parameter(metavar="CSV")],
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o", metavar="DEVICE")] = None,
    explain: bool = False,
    force: bool = False,
    base: Annotated[str | None, DEVICE] = None,
    point: Annotated[str | None, Parameter(metavar="POINT")] = None,
    recipe: RecipeFile = None,
    fitting: Annotated[FitOptions, FLAT] = FitOptions(),  # noqa: B008 (it is frozen)
    decays: Annotated[DecayOptions | None, FLAT] = None,
    reading_files: Annotated[ReadOptions, FLAT] = ReadOptions(),  # noqa: B008 (it is frozen)
    style: Style = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Fit measured curves, and write a device file.

    The curves are R_AH of a synapse against pulse number, over any number of cycles and devices,
    and R_AH of a neuron against current. The device file has values, intervals and readings, and
    beside it lies a picture of data, fit and residuals. From R_AH against time, at one or more
    temperatures, retention by thermal activation is fitted; from probabilities or counts of
    switching against current, a neuron that switches by chance.

    Parameters
    ----------
    files : list of Path
        Files of curves.
    output : Path, optional
        Device file to write.
    explain : bool
        Print the columns, their roles with the reason, and the curves too; without `output` no file
        is written.
    force : bool
        Write a model that does not describe the data.
    base : str, optional
        Device whose values are used for quantities that were not measured; without it these are
        left out, and energy is unknown. A decay's retention is added to it.
    point : str, optional
        Operating point of the measurement, such as current=8mA, added to the points of the device
        file.
    """
    check_needs({"style": style}, {"output": output})
    if output is not None:
        check_writable(output, regular=True)
        check_apart(output, recipe, *files)
    elif not explain:
        raise UserError("give -o DEVICE, or `explain` to see how the files are read")
    look = PictureStyle.open(style or "screen")
    taken_at = operating_point(point)
    explained = [columns_table(files, reading_files.columns)] if explain else []
    if explained and not json:
        # Printed before the fit, since it also tells why a file is refused.
        print_tables(explained)
    task = _Task(files, output, base, point, fitting, decays, reading_files)
    pictures = []
    with steps.waiting("fitting, and drawing the fit"):
        fitted = task.fit(steps)
        device = fitted.device() if force or not fitted.complaints else None
        if output is not None:
            pictures = _draw(fitted, output, look)
    for complaint in fitted.complaints:
        warn(f"the model does not describe {complaint}")
    tables = [fitted.explained()] if explained else []
    record = fitted.to_dict(None if device is None else output, pictures) | {
        table.title: [dict(zip(HEADS[table.title], row, strict=True)) for row in table.rows]
        for table in explained + tables
    }
    if device is None:
        if json or tables:
            answer(steps, record, tables, json_wanted=json)
        seen = f"see {pictures[0]}, and " if pictures else ""
        warn(
            f"{output or 'a device'} is not written; {seen}give --table to write the table of "
            "measured pulse curves as the device, or --force to write the model anyway"
        )
        return FAILED
    notes = fitted.notes(device)
    if output is not None:
        notes.append(f"{output} {'and its picture are' if pictures else 'is'} written.")
        if taken_at is None:
            save_device(device, output)
        elif (lacking := save_point(device, output, taken_at)) is not None:
            warn(f"{output} has the point {taken_at}, and is not complete yet: {lacking}")
    answer(steps, record, tables + fitted.tables(device), notes, json_wanted=json)
    return 0


Fit = Fitted | FittedDecay | FittedSwitching | LookupDevice


def _draw(fitted: Fit, output: Path, style: PictureStyle) -> list[Path]:
    """Draw the picture of a fit, and return its files; without Matplotlib the list is empty."""
    try:
        with naming_extras():
            from allspin.host.draw.picture_files import save_picture

            return save_picture(fitted.plot(), output.parent, output.stem, style)
    except MissingPackage as error:
        warn(f"there is no picture: {error}")
        return []


@dataclass(frozen=True)
class _Task:
    """Files to fit, with the options of the fit."""

    files: list[Path]
    output: Path | None
    base: str | None
    point: str | None
    options: FitOptions
    decays: DecayOptions | None
    reading: ReadOptions

    def fit(self, steps: Steps) -> Fit:
        """Fit curves or decays, or take lookup tables without a fit."""
        files, base, reading = self.files, self.base, self.reading
        tables = is_lookup_table(files[0])
        read = [] if tables else [read_csv(path) for path in files]
        if not tables and self._has_decays(read):
            name = self.options.name or None
            kept = self.options.keep_outliers
            decays = replace(self.decays or DecayOptions(), name=name, keep_outliers=kept)
            return fit_decay(files, str(base), decays, reading, progress=steps)
        name = self.options.name or (self.output or files[0]).stem
        options = replace(self.options, name=name)
        if tables:
            return take_lookup_tables(files, options, reading, base)
        if any(is_switching(file, reading.columns) for file in read):
            if base is None:
                raise UserError(
                    "switching probabilities make a neuron: give `base`, the device that it is put "
                    "into"
                )
            return fit_switching(files, base, options, reading, progress=steps)
        return fit(files, options, reading, base, progress=steps)

    def _has_decays(self, files: list[CsvFile]) -> bool:
        """Return True if the files are decays, that is R_AH against time.

        Raises
        ------
        UserError
            If only some files are decays, or an option is for the other kind of files.
        """
        decays = [is_decay(file, self.reading.columns) for file in files]
        if not any(decays):
            if self.decays is not None:
                raise UserError("`attempt_time` and `equilibrium` are for decays")
            return False
        path = self.files[decays.index(True)]
        if not all(decays) or self.base is None:
            raise UserError(
                f"{path} is a decay, whose retention is added to a device; fit that first, then "
                "give decays alone, with `base`"
            )
        given = {name: getattr(self.options, name) for name in NOT_FOR_DECAYS}
        for name, value in {**given, "point": self.point}.items():
            if is_given(value):
                raise UserError(f"`{name}` is for pulse curves and neurons, not for decays")
        return True
