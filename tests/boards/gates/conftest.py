"""The simulators that models of cells are tested in."""

import shutil

import pytest


@pytest.fixture(params=["verilator", "icarus"])
def simulator(request: pytest.FixtureRequest) -> str:
    """Each simulator; Icarus only where it is installed."""
    if request.param == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    return request.param
