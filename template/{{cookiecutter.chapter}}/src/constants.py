"""What this chapter is about. Plain literals: the `scratch` command reads them without running the file."""

{{ cookiecutter.constants }}
