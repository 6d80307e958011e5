"""Supervisor, runners, scheduler and reconciler."""
