"""CouchDB for headrace."""
