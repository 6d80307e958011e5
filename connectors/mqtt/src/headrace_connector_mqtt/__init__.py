"""MQTT topics for headrace."""
