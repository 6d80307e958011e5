"""InfluxDB for headrace."""
