"""Pages for the browser: try a model, look at runs."""
