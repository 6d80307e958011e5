"""Revisions of the branch `billing`."""
