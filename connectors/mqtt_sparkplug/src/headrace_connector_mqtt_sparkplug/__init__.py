"""Sparkplug B over MQTT for headrace."""
