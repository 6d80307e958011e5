"""What is wrong with data, flows and machines, and the sentence that says so."""
