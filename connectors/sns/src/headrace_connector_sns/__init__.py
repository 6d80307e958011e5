"""Amazon SNS for headrace."""
