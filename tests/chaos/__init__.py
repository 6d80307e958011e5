"""Chaos: real workers and schedulers on services of their own, faults of every kind, and a checker afterwards."""
