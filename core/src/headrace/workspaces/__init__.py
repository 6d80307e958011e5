"""Workspaces and their folders."""
