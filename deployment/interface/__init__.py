"""Pages for the browser: try a model, look at runs. docs/interface.md; started by `scratch ui`."""
