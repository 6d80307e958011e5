"""Event subscriptions: what happens here is told to addresses outside."""
