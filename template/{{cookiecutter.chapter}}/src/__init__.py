"""{{ cookiecutter.title }} ({{ cookiecutter.byline }})."""
