"""Proof at the gate: netlists simulated with the models of their cells, spoken to by their pins."""
