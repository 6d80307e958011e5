"""Users, organizations, sign-in and permissions."""
