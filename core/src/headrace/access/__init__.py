"""Who may do what with which object: roles everywhere, grants on single objects."""
