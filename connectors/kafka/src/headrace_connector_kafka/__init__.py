"""Apache Kafka for headrace."""
