"""Triggers: what starts flows by itself."""
