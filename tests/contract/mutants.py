"""All mutants, and the honest connector itself: here and behind the server."""

from . import mutants_declare, mutants_read, mutants_tables, mutants_write  # noqa: F401 - they register
from .mutant import MUTANTS, Mutant

HONEST = [Mutant(name="Honest", rules=frozenset()), Mutant(name="HonestRemote", rules=frozenset(), remote=True)]

__all__ = ["HONEST", "MUTANTS", "Mutant"]
