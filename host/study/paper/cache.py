"""Finished results, kept in a folder: an interrupted run goes on from them."""

from pathlib import Path
from typing import Any

from allspin.hdl.cache import read_note, write_note
from allspin.host.study.paper.experiments import Experiment


class ResultCache:
    """Results by experiment, a JSON file each.

    Parameters
    ----------
    folder : Path
        Where they lie; it must exist.
    digest : str
        Of the data set: results of another one are others.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.folder, self.digest = folder, digest

    def path(self, experiment: Experiment) -> Path:
        """The file of an experiment's result."""
        return self.folder / f"{experiment.kind}-{experiment.key(self.digest)}.json"

    def find(self, experiment: Experiment) -> dict[str, Any] | None:
        """The result of an experiment, or None where it is not there or damaged."""
        try:
            record = read_note(self.path(experiment))
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or record.get("parameters") != experiment.values:
            return None
        result = record.get("result")
        return result if isinstance(result, dict) else None

    def keep(self, experiment: Experiment, result: dict[str, Any]) -> None:
        """Write a result, whole or not at all.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        record = {"kind": experiment.kind, "parameters": experiment.values, "result": result}
        write_note(self.path(experiment), record)
