"""Kit for databases with a SQLAlchemy dialect."""
