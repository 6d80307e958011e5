"""Modbus devices for headrace."""
