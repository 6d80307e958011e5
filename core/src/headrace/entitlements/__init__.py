"""Editions, features and limits of an organization."""
