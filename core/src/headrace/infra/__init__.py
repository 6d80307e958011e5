"""The outside world: database, queue, object store, keys, logs, embedded servers."""
