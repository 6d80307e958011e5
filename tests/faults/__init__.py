"""Single faults on a real stack, each with what is expected; README.md is the table, `python -m tests.faults` runs."""
