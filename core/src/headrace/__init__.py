"""headrace: plugin-based data and workflow automation."""

__version__ = "0.1.0"
