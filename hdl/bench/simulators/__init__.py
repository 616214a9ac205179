"""Simulators: found, built of a component, kept, and told what to run."""
