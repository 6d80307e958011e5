"""What is asked to be executed, what was, and the statements that keep it true."""
