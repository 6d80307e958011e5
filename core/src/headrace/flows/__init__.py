"""The flow model: graph, canvas and text forms, validation, versions."""
