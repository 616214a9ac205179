"""Weights that lie in a file beside an ONNX model, where PyTorch's exporter puts them."""

import math
from pathlib import Path
from typing import Any

from allspin.host.data.foreign.description import MAX_BYTES
from allspin.host.data.foreign.graphs.package import onnx_package
from allspin.sim.errors import UserError
from allspin.sim.files.user_file import open_file

KIND = "file of an ONNX model's weights"
FIELDS = ("offset", "length")
MAX_DIGITS = 12
"""Of a place in a file."""


def is_external(tensor: Any) -> bool:
    """Whether a tensor's values lie in another file."""
    external = onnx_package().TensorProto.EXTERNAL
    return tensor.data_location == external or bool(tensor.external_data)


class ExternalFiles:
    """The files beside a model, of which at most as much is read as a model may have.

    Parameters
    ----------
    model : Path
        The model's file.
    """

    def __init__(self, model: Path) -> None:
        self._folder = model.parent
        self._left = MAX_BYTES

    def take_in(self, tensor: Any) -> None:
        """Read a tensor's values, and put them into it.

        Parameters
        ----------
        tensor : onnx.TensorProto
            One whose values lie in another file.

        Raises
        ------
        ValueError
            If it names no plain file beside the model, or no possible place in it.
        UserError
            If the file cannot be read.
        """
        about = {entry.key: entry.value for entry in tensor.external_data}
        name = about.get("location", "")
        if name in ("", ".", "..") or "\0" in name or Path(name).name != name:
            raise ValueError(
                f"its values lie in {name[:80]!r}, which is no file beside the model; save the "
                "model in one file (PyTorch: external_data=False)"
            )
        size = self._bytes_of(tensor)
        for field in FIELDS:
            word = about.get(field, "0")
            if not (word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS):
                raise ValueError(f"the {field} of its values is {word[:40]!r}")
        if int(about.get("length", size)) != size:
            raise ValueError("its values do not fit its shape")
        tensor.raw_data = self._read(self._folder / name, int(about.get("offset", 0)), size)
        tensor.data_location = onnx_package().TensorProto.DEFAULT
        del tensor.external_data[:]

    def _bytes_of(self, tensor: Any) -> int:
        """Bytes of a tensor's values by its type and shape."""
        onnx = onnx_package()
        numbers = onnx.TensorProto
        whole = (numbers.FLOAT, numbers.DOUBLE, numbers.FLOAT16, numbers.BFLOAT16)
        if tensor.data_type not in (*whole, numbers.INT64, numbers.INT32, numbers.INT8):
            raise ValueError("its values are no numbers that a file beside the model has")
        if any(side < 0 for side in tensor.dims):
            raise ValueError("it has no possible shape")
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        size = item * math.prod(tensor.dims)
        if size > self._left:
            raise ValueError(f"its values make more than {MAX_BYTES:,} bytes")
        self._left -= size
        return size

    def _read(self, path: Path, offset: int, size: int) -> bytes:
        file, there = open_file(path, KIND, MAX_BYTES)
        with file:
            if offset + size > there:
                raise UserError(f"{path} is cut short: weights end at byte {offset + size:,}")
            try:
                file.seek(offset)
                content = file.read(size)
            except OSError as error:
                raise UserError(f"cannot read {KIND} {path}: {error.strerror}") from error
        if len(content) != size:
            raise UserError(f"{path} changed while it was read; try again")
        return content
