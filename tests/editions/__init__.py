"""T-EDITION-1: every gate of editions and plans, at every way in."""
