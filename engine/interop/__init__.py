"""A chapter's model under the trainers of others; each module needs the package that it is about."""
