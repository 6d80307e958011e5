"""Kit for files: filesystems x formats."""
