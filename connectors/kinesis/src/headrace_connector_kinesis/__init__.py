"""Amazon Kinesis for headrace."""
