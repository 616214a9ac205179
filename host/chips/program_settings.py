"""Settings of programming: a scheme by its name, or a TOML file of its settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from allspin.host.options import parsed
from allspin.sim.errors import UserError, check_one_of, not_one_of, refused
from allspin.sim.files import read_text
from allspin.sim.plain_values import parse_toml
from allspin.sim.programming.schemes import DEFAULT_BAND, SCHEMES, VERIFYING, Programming

MAX_BYTES = 1 << 16
"""Most bytes of a file of settings."""
CHIPS_KEYS = ("polarity", "tries", "band")
"""Settings that all schemes of `allspin.host.chips.measured` share."""


@dataclass(frozen=True)
class ProgramSettings:
    """Scheme that programs a chip, and its settings.

    Parameters
    ----------
    scheme : str
        Scheme: open-loop, pulse-width, write-verify or incremental.
    polarity : str
        Polarity of the pulse trains: quieter, potentiation, depression or halves.
    tries : int, optional
        Writes of a cell that write-verify and incremental may take, 1 to 1024: 8 up to 16
        states, else 32, unless given.
    band : float, optional
        Largest distance from the level that they accept, as a fraction of the range, above 0 to
        0.5: 0.02 unless given.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    UserError
        If `tries` or `band` is given for a scheme that does not read cells.
    """

    scheme: str = "open-loop"
    polarity: str = "quieter"
    tries: int | None = None
    band: float | None = None

    def __post_init__(self) -> None:
        self.programming(1)  # checks the ranges
        for name in ("tries", "band"):
            if getattr(self, name) is not None and self.scheme not in VERIFYING:
                raise UserError(f"`{name}` needs the scheme {' or '.join(VERIFYING)}")

    @classmethod
    def open(cls, program: str | Path) -> Self:
        """Return the settings of a scheme's name, or read them from a TOML file.

        Raises
        ------
        UserError
            If the scheme is unknown, or the file cannot be read or holds anything else.
        """
        if str(program) in SCHEMES:
            return cls(str(program))
        path = Path(program)
        if path.suffix != ".toml":
            advice = "or name a file that ends with .toml"
            raise UserError(f"{not_one_of('`program`', str(program), SCHEMES)}; {advice}")
        values = read_settings(path, ("scheme", *CHIPS_KEYS))
        try:
            with refused(kinds=(ValueError, TypeError)):
                return cls(**values)
        except UserError as error:
            raise UserError(f"{path} is no programming file: {error}") from error

    def programming(self, usual_tries: int) -> Programming:
        """Return the scheme with settings, where `usual_tries` are those that are not given."""
        return Programming(
            self.scheme,
            self.polarity,
            tries=usual_tries if self.tries is None else self.tries,
            band=DEFAULT_BAND if self.band is None else self.band,
        )


def read_settings(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Read a TOML file that has these keys only; ranges are not checked.

    Raises
    ------
    UserError
        If the file cannot be read, or holds anything else.
    """
    text = read_text(path, "programming file", MAX_BYTES)
    with refused(f"{path} is no programming file: "):
        values = parse_toml(text)
        for key, value in values.items():
            check_one_of("a key", key, keys)
            if isinstance(value, bool):  # Python takes true for 1
                raise ValueError(f"{key} must not be true or false")
    return values


PROGRAM = parsed(
    ProgramSettings.open,
    "SCHEME|FILE.toml",
    name="--program",
    help="Programming of the chip: open-loop, pulse-width, write-verify or incremental, or a TOML "
    "file with scheme, polarity, tries and band; open-loop unless given",
)
