"""The simulators that models of cells are tested in."""

import pytest


@pytest.fixture(
    params=["verilator", pytest.param("icarus", marks=pytest.mark.tool("iverilog", "vvp"))]
)
def simulator(request: pytest.FixtureRequest) -> str:
    """Each simulator; Icarus only where it is installed."""
    return request.param
