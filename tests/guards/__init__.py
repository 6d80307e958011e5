"""Negative controls: each guard is taken away once, and something must notice."""
