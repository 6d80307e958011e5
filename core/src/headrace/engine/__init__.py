"""Compiles a flow into segments and executes one segment; no database, no network of its own."""
