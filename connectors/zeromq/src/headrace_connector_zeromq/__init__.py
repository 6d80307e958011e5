"""ZeroMQ sockets for headrace."""
