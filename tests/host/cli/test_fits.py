"""Machines that run a network without a build."""

from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_network


def test_boards_list_the_machines_that_a_network_fits(tmp_path, cli):
    def fitting(*topology, status=0):
        path = tmp_path / "net.safetensors"
        save_network(random_network(topology, 1), path)
        return cli.json(f"boards --fits {path}", status)["machines"]

    # Another number of layers: the sizes of each that would do.
    rows = {(row["board"], row["profile"]): row for row in fitting(784, 10, status=1)}
    sizes = "topology up to 1024-136-32 or 1024-136-136-32, not 784-10"
    assert rows["ulx3s-85f", "general"]["why"] == sizes
    rows = fitting(30, 16, 2)
    assert all(row["fits"] for row in rows if row["profile"] in ("general", "chips"))
    by_name = {(row["board"], row["profile"]): row for row in fitting(784, 128, 64, 10)}
    assert by_name["ulx3s-85f", "general"]["fits"]
    other = by_name["ulx3s-25f", "general"]
    assert (other["fits"], other["why"]) == (False, "topology up to 1024-104-16, not 784-128-64-10")
