"""Amazon SQS for headrace."""
