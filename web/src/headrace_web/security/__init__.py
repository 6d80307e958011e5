"""Who calls, and whether a browser was tricked into it."""
