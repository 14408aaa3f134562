"""A new chapter, made from `template/`."""
