"""Builds of boards: jobs, manifests, rates, releases and tables."""
