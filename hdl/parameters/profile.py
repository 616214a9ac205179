"""Hardware profile: resources of a part for any network, and the options for chips and resident
images.
"""

from dataclasses import dataclass, field, fields

from allspin.hdl.parameters.checks import keep_in_range, keep_one_of
from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.parameters.target import TARGETS, Target
from allspin.sim.network.levels import MAX_RAH_BITS, MIN_RAH_BITS
from allspin.sim.network.network import MAX_LINES

ROWS_PER_CLOCK = (1, 2, 4, 8, 16)
ROUNDS_PER_CLOCK = (1, 22)
NO_CHIPS = "a chip has R_AH words of any value, so a machine that makes chips cannot keep states"


@dataclass(frozen=True)
class VariationParameters:
    """The gateware that makes a chip of a seed.

    Parameters
    ----------
    states : int
        States of a synapse at most, 2 to 128.
    rounds_per_clock : int
        Rounds of the generator's cipher in a clock: 1 (iterative) or 22 (a draw a clock).
    redraw : bool
        True if the states have a memory of their own, so that a new chip is drawn in place.
    use_noise : bool
        True if neurons have cycle-to-cycle noise at each use.
    noise_rounds_per_clock : int or None
        `rounds_per_clock` of that noise alone: chips are made seldom, and noise is drawn for each
        image. None for the same number. All users with less than 22 rounds share one small
        generator.
    sum_noise : bool
        True if column sums have read noise at each use, and amplifiers an offset and, in the last
        layer, a gain error; it needs `use_noise` with 22 rounds in a clock.
    """

    states: int = 128
    rounds_per_clock: int = 22
    redraw: bool = False
    use_noise: bool = True
    noise_rounds_per_clock: int | None = None
    sum_noise: bool = False

    def __post_init__(self) -> None:
        keep_in_range(self, states=(2, 128))
        keep_one_of(self, "rounds_per_clock", ROUNDS_PER_CLOCK)
        if self.noise_rounds_per_clock is not None:
            keep_one_of(
                self, "noise_rounds_per_clock", (self.rounds_per_clock, ROUNDS_PER_CLOCK[-1])
            )
        if self.sum_noise and (self.iterative_noise or not self.use_noise):
            raise ValueError(
                "sum_noise needs use_noise, and rounds_per_clock or noise_rounds_per_clock "
                f"{ROUNDS_PER_CLOCK[-1]}"
            )

    @property
    def state_bits(self) -> int:
        """Width of a state."""
        return (self.states - 1).bit_length()

    @property
    def iterative(self) -> bool:
        """True if blocks share one small generator, which takes several clocks for a draw."""
        return self.rounds_per_clock != ROUNDS_PER_CLOCK[-1]

    @property
    def iterative_noise(self) -> bool:
        """The same of the noise at each use."""
        return (self.noise_rounds_per_clock or self.rounds_per_clock) != ROUNDS_PER_CLOCK[-1]


def distance_bits(value_bits: int) -> int:
    """Return the width of a row distance in the memory of resident images.

    Distance and value of a slot fill one or two columns of block RAM, which are 9 bits wide;
    the link carries a distance in a byte.

    Parameters
    ----------
    value_bits : int
        Width of a row's value, 1 to 8.
    """
    columns = 1 if value_bits <= 4 else 2
    return min(8, 9 * columns - value_bits)


SDRAM_LINE_BYTES = 256
"""Bytes of a line of images in SDRAM, as the link writes it."""


@dataclass(frozen=True)
class ResidentParameters:
    """The memory that keeps images on the board.

    Parameters
    ----------
    beats : int
        Clocks' worth of events that fit, or lines of `SDRAM_LINE_BYTES`; 1 to 65535.
    images : int
        Number of images with labels, 1 to 65535.
    sdram : SdramParameters or None
        SDRAM of the images and their labels; None for block RAM.
    """

    beats: int
    images: int
    sdram: SdramParameters | None = None

    def __post_init__(self) -> None:
        keep_in_range(self, beats=(1, MAX_LINES), images=(1, MAX_LINES))

    @classmethod
    def of(cls, sdram: SdramParameters) -> "ResidentParameters":
        """Return the parameters of resident images that fill an SDRAM."""
        return cls(min(MAX_LINES, 2 * sdram.words // SDRAM_LINE_BYTES), MAX_LINES, sdram)

    @property
    def words(self) -> int:
        """Words of 16 bits that its lines in SDRAM have."""
        return self.beats * SDRAM_LINE_BYTES // 2


@dataclass(frozen=True)
class HardwareProfile:
    """Resources of a part for any network.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in one clock, 1 to 65535; None for all columns. A layer with fewer
        columns uses as many lanes as it has columns.
    rah_bits : int or None
        Width of an R_AH word in memory, 2 to 8; None for the network's own width.
    rows_per_clock : int
        Rows that are driven in one clock, 1, 2, 4, 8 or 16.
    memory : str
        Name of the target in `allspin.hdl.parameters.target.TARGETS`, after its memory of R_AH
        words: ``block`` (block RAM as any tool infers it), ``spram`` (the four SPRAMs of an
        iCE40UP5K), ``ecp5`` (block RAM with its own output register) or ``bsram`` (the few of a
        Gowin GW1N).
    states : bool
        True to keep states in place of R_AH words, in the fewest bits that hold the network's, in
        each layer with uniform levels whose columns are read in one piece; the other layers keep
        words. Not with `variation`, since a chip has words of any value.
    variation : VariationParameters or None
        Gateware that makes chips; None for ideal devices only.
    resident : ResidentParameters or None
        Memory that keeps images on the board; None to stream every image.
    tile_offsets : bool
        True if the converters of tiles have offsets, for chips whose words the host computes. A
        machine that makes chips always has them.
    general : bool
        True if the machine also runs networks of fewer layers and classes, chosen by registers.
    """

    lanes: int | None = None
    rah_bits: int | None = None
    rows_per_clock: int = 1
    memory: str = "block"
    states: bool = field(default=False, metadata={"flag": "--keep-states"})
    variation: VariationParameters | None = None
    resident: ResidentParameters | None = None
    tile_offsets: bool = False
    general: bool = False

    def __post_init__(self) -> None:
        if self.lanes is not None:
            keep_in_range(self, lanes=(1, MAX_LINES))
        if self.rah_bits is not None:
            keep_in_range(self, rah_bits=(MIN_RAH_BITS, MAX_RAH_BITS))
        keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        keep_one_of(self, "memory", tuple(TARGETS))
        if self.states and self.variation is not None:
            raise ValueError(NO_CHIPS)

    def __repr__(self) -> str:
        # Fields that differ from the default identify a profile as well as all fields.
        given = ", ".join(
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if getattr(self, each.name) != each.default
        )
        return f"{type(self).__name__}({given})"

    @property
    def target(self) -> Target:
        """Target of the profile."""
        return TARGETS[self.memory]
