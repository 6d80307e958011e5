"""The WebSocket: tickets, channels, protocol, one endpoint."""
