"""RabbitMQ queues for headrace."""
