"""Devices that are fitted to measured curves: options, results, and files of devices."""
