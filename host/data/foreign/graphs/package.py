"""The package `onnx`, which is not needed for anything else."""

from types import ModuleType

from allspin.sim.errors import UserError


def onnx_package() -> ModuleType:
    """The package, with what is used of it.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.reference
    except ImportError:
        raise UserError(
            "ONNX files need a package that is not here: pip install onnx, or allspin[onnx]"
        ) from None
    return onnx
