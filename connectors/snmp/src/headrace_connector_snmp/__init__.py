"""SNMP devices for headrace."""
