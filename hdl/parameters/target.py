"""Properties of kinds of FPGA: blocks ask for a property, and never for a part's name.

A further kind of part is one more `Target` in `TARGETS`. Where its R_AH words are kept in a
memory that no other part has, it is one more subclass of `InferredBlocks`, with its gateware in
`allspin.hdl.engine.layer`.
"""

from dataclasses import dataclass
from typing import Any

ECP5_DEPTHS = {512: 36, 1024: 18, 2048: 9}
"""Lines of an ECP5's block RAM (a DP16KD), and the bits of each."""
ECP5_WORD_BITS = 9
"""Bits of such a line that are written together."""
SMALLEST_BLOCK = 129
"""Lines; shorter memories of words are distributed RAM: an ECP5-25F's blocks are few."""
MOST_DISTRIBUTED = 2**17
"""Bits of an array that may be distributed RAM: beyond, LUTs are fewer than blocks."""
BLOCK_WIDTH = 16
"""Bits of a word of which `InferredBlocks.blocks` is told how many a block holds."""
SMALL_MEMORY = 4096
"""Bits of a memory that is LUTs where blocks are few."""
MEMORIES_PER_HOP = 2
"""Memories between two registers of an ECP5's write bus."""


@dataclass(frozen=True)
class InferredBlocks:
    """Memory of R_AH words in block RAM as any tool infers it; other memories are subclasses.

    Each says of an array, a crossbar's `CrossbarParameters`, how many memories hold it, and when.

    Parameters
    ----------
    bank_bits : int
        Width of a memory. A block RAM of 1024 words is 16 bits wide or a little more, so one
        memory is one block.

    Attributes
    ----------
    blocks_name : str
        Unit that a data sheet counts, in the plural.
    """

    bank_bits: int = 16
    blocks_name = "blocks of memory"

    def check(self, array: Any) -> None:
        """Raise a ValueError that names the possible sizes if an array does not fit.

        Any does here: memories may be as deep and as many as it takes.
        """

    def bank_lanes(self, array: Any) -> int:
        """Return the lanes that share a memory: as many as fit the width."""
        return min(array.lanes, self.bank_bits // array.word_bits)

    def write_clocks(self, array: Any) -> int:
        """Return the clocks from a word that is taken to the word in its memory.

        The placer's register, that of a line of states, and the memory.
        """
        return 2 + array.keeps_states

    def blocks(self, array: Any, words: int) -> int:
        """Return the blocks of an array, if a block holds so many words of 16 bits.

        Return the number of memories; a block of half the width is twice as deep.
        """
        of_part = 0
        for first in range(0, array.lanes, self.bank_lanes(array)):
            lanes = min(self.bank_lanes(array), array.lanes - first)
            width = 1 << (lanes * array.word_bits - 1).bit_length()
            of_part += -(-array.lines * width // (words * BLOCK_WIDTH))
        return array.rows_per_clock * of_part


@dataclass(frozen=True)
class Sprams(InferredBlocks):
    """The SPRAMs of an iCE40UP5K, side by side.

    Words are bytes in an SPRAM. A line of states may be longer than all SPRAMs together: block RAM
    holds its last bits.

    Parameters
    ----------
    count : int
        Number of SPRAMs of the part.
    width, depth : int
        Bits that one gives in a clock, and lines that it has.
    further : int
        Bits of a line that block RAM may give besides.
    """

    count: int = 4
    width: int = 16
    depth: int = 16384
    further: int = 16
    blocks_name = "SPRAMs"

    def check(self, array: Any) -> None:
        """Return one: all SPRAMs are one memory with one address."""
        if array.rows_per_clock != 1:
            raise ValueError("the memory spram drives 1 row per clock")
        bits = self.count * self.width
        cell_bits = self.cell_bits(array)
        name = f"SPRAMs give {bits} bits a clock"
        if array.keeps_states:
            bits += self.further
            name += f", block RAM {self.further} more"
        if array.lanes * cell_bits > bits:
            raise ValueError(
                f"{name}: lanes must be at most {bits // cell_bits}, not {array.lanes}"
            )
        if array.lines > self.depth:
            raise ValueError(f"SPRAMs have {self.depth} lines, and the array needs {array.lines}")

    def cell_bits(self, array: Any) -> int:
        """Return the bits of a cell: a byte for a word, since an SPRAM writes four bits
        together.
        """
        return array.word_bits if array.keeps_states else 8

    def bank_lanes(self, array: Any) -> int:
        """Return all lanes: they share one memory."""
        return array.lanes

    def blocks(self, array: Any, words: int) -> int:
        """Return the number of SPRAMs side by side: all are deep enough, or the array is
        refused.
        """
        return min(self.count, -(-array.lanes * self.cell_bits(array) // self.width))


@dataclass(frozen=True)
class Ecp5Blocks(InferredBlocks):
    """Block RAMs of an ECP5 with their own output registers, nine bits for a word.

    Words that are written pass from memory to memory, over a bus of registers.
    """

    def check(self, array: Any) -> None:
        """Check that a lane's words fit one block."""
        if array.lines > max(ECP5_DEPTHS):
            raise ValueError(
                f"a block RAM of an ECP5 has at most {max(ECP5_DEPTHS)} words, and each lane "
                f"needs {array.lines}: take more lanes or memory block"
            )

    def bank_lanes(self, array: Any) -> int:
        """Return the lanes in a line of the shallowest block that holds all lines."""
        bits = next(bits for depth, bits in ECP5_DEPTHS.items() if array.lines <= depth)
        if array.keeps_states:
            return min(array.lanes, bits // array.word_bits)
        return bits // ECP5_WORD_BITS

    def distributed(self, array: Any) -> bool:
        """Return True if the memories are LUTs: memories of few lines, if they are not too many."""
        bits = array.rows_per_clock * array.lines * array.lanes * array.word_bits
        return array.lines < SMALLEST_BLOCK and bits <= MOST_DISTRIBUTED

    def write_clocks(self, array: Any) -> int:
        """Return the registers on the way: the entrance, the placer, a line of states, the bus, the
        memory's neighbour, the memory.
        """
        hops = -(-array.banks * array.rows_per_clock // MEMORIES_PER_HOP)
        return 4 + array.keeps_states + hops

    def blocks(self, array: Any, words: int) -> int:
        """Return one block for each memory that is not made of LUTs."""
        return 0 if self.distributed(array) else array.rows_per_clock * array.banks


@dataclass(frozen=True)
class Target:
    """A kind of FPGA, as the blocks of the engine see it.

    Parameters
    ----------
    cells : InferredBlocks
        Memory of the R_AH words.
    further : str
        Name of the target of the crossbars behind the first; empty for this target. One large
        memory of a part is filled by the first crossbar.
    multipliers : int
        Blocks that multiply which the engine takes by itself, since LUTs are few; 0 where
        products are sums, with a register behind each.
    few_luts : bool
        True if crossbars behind the first have only as many lanes as they can use.
    slow_clock : bool
        True if a clock is long enough for two steps in a row, such as a memory and a product, but
        logic is slow: the registers between such steps are left out, and the output of many LUTs or
        of a wide adder, such as a counter's sum or the winner so far, leaves from a register.
    wide : bool
        True if a way across the part takes a clock of its own: a signal that comes from far or goes
        to many places has a register beside its destination.
    registered_blocks : bool
        True if block RAMs are columns of nine bits with registers at their outputs, from which
        large memories are composed.
    distributed_ram : bool
        True if small memories may be LUTs, near their reader.
    few_blocks : bool
        True if blocks of memory are so few that small memories are LUTs.
    smallest_window : int
        Bytes of the link's receive buffer; it has more only where one image or one row of R_AH
        words needs it.
    """

    cells: InferredBlocks
    further: str = ""
    multipliers: int = 0
    few_luts: bool = False
    slow_clock: bool = False
    wide: bool = False
    registered_blocks: bool = False
    distributed_ram: bool = False
    few_blocks: bool = False
    smallest_window: int = 2048

    def distributes(self, bits: int) -> bool:
        """Return True if a memory of this size is LUTs in place of a block that it would not
        fill.
        """
        return self.few_blocks and bits <= SMALL_MEMORY


PORTABLE = Target(cells=InferredBlocks())
"""Target of any part."""
ICE40UP5K = Target(
    cells=Sprams(),
    further="block",
    multipliers=8,
    few_luts=True,
    slow_clock=True,
    smallest_window=1024,  # its blocks of memory are few
)
GW1N = Target(cells=InferredBlocks(), few_blocks=True)
ECP5 = Target(cells=Ecp5Blocks(), wide=True, registered_blocks=True, distributed_ram=True)

TARGETS: dict[str, Target] = {
    "block": PORTABLE,
    "spram": ICE40UP5K,
    "ecp5": ECP5,
    "bsram": GW1N,
}
"""The targets, each by the name of its memory, which profiles and documents know it by."""
