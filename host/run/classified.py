"""Classes that a machine gave to image files."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.framing import Framed
from allspin.host.link.answers import Answers
from allspin.host.run.score import Score
from allspin.host.show.result import Result
from allspin.host.show.table import Table, TableColumn


@dataclass(frozen=True, eq=False)
class Classified(Result):
    """Classes and logits of image files.

    Attributes
    ----------
    files : tuple of str
        The files.
    framed : tuple of Framed
        Images as the machine was shown them.
    score : Score
        Score of the run; its accuracy is meaningless, since files have no labels.
    """

    files: tuple[str, ...]
    framed: tuple[Framed, ...]
    score: Score

    @property
    def answers(self) -> Answers:
        """Logits and classes."""
        return self.score.answers

    @property
    def logits(self) -> npt.NDArray[np.int64]:
        """Logits, shape (files, classes)."""
        return self.score.logits

    @property
    def predictions(self) -> npt.NDArray[np.int64]:
        """Class of each file, shape (files,)."""
        return self.score.predictions

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints; see ``docs/formats.md``."""
        images = []
        for file, framed, number, logits in self._rows():
            images.append(
                {
                    "file": file,
                    "class": number,
                    "logits": logits,
                    "framing": framed.framing,
                    "inverted": framed.inverted,
                }
            )
        score = self.score.to_dict()
        return {
            "network": score["network"],
            "on": score["on"],
            "chip": score["chip"],
            "programming": score["programming"],
            "images": images,
            "logits_compared": score["logits_compared"],
            "mismatches": score["mismatches"],
            "commit": score["commit"],
        }

    def tables(self) -> list[Table]:
        """Return class and logits of each file."""
        rows = []
        for file, _, number, logits in self._rows():
            rows.append((file, number, " ".join(map(str, logits))))
        columns = (
            TableColumn("image"),
            TableColumn("class"),
            TableColumn("logits of the classes, from 0 on"),
        )
        return [Table(self.score.title, columns, rows)]

    def notes(self) -> list[str]:
        """Return the outcome of a comparison with the golden model."""
        compared = self.score.compared
        if compared is None:
            return []
        differing = f"{compared.mismatches:,} of {compared.compared:,} logits differ"
        return [f"{differing} from the golden model"]

    def _rows(self) -> list[tuple[str, Framed, int, list[int]]]:
        """Return each file with its image, class and logits."""
        classes = self.predictions.tolist()
        logits = self.logits.tolist()
        return list(zip(self.files, self.framed, classes, logits, strict=True))
