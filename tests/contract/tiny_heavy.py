"""A declaration that imports what only the work needs."""

import polars  # noqa: F401

from .tiny import headrace_connectors  # noqa: F401
