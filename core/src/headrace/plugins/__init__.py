"""The plugin host: finding, loading and registering declarations."""
