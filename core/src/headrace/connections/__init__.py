"""Configured, encrypted instances of connectors."""
