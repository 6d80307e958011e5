"""Connectors whose other side speaks records: documents, keys, messages, points of a plant."""
