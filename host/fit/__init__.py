"""Devices fitted to what laboratories measure."""
