"""Load: an install of its own, many executions, what they came to, and the invariants afterwards."""
