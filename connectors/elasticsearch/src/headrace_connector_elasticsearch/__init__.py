"""Elasticsearch and OpenSearch for headrace."""
