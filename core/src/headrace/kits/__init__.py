"""What families of connectors share."""
