"""The web app in a real browser against a real stack; README.md says which part of the acceptance list is where."""
