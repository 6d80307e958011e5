"""Who reaches what: every operation and route, by every principal, on objects of both organizations and of none."""
