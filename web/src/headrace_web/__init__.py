"""headrace over HTTP: REST, WebSocket, pages."""
