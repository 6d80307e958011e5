"""OPC UA servers for headrace."""
