"""Random networks and images, for benches."""

from allspin.sim.network.random_networks import in_tiles, random_images, random_network

__all__ = ["in_tiles", "random_images", "random_network"]
