"""Other systems whose flows are brought here: connections with the capability SYNC_FLOWS."""
