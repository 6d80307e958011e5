"""What a plugin is tested with; for third parties as for us."""
