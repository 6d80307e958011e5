"""Files that people and programs keep: buckets, signed addresses, contents that are looked at, and when they go."""
