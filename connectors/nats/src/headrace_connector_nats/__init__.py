"""NATS JetStream for headrace."""
