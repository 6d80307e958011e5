"""Sign-in with other systems: configured providers, who came by them, and what that makes of them here."""
