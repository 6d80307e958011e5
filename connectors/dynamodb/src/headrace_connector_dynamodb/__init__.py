"""Amazon DynamoDB for headrace."""
