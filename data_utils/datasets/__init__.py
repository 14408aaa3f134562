"""The data sets, a module for each family. A module in this folder is found by being there."""

from importlib import import_module
from pkgutil import iter_modules

from data_utils.sections import DataSection

__all__ = ["config_classes"]


def config_classes() -> list[type[DataSection]]:
    """The config class of every data set: those with a `name`, in every module whose own name has no underscore."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__) if module.name[0] != "_"]
    return [
        member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, DataSection)
        if member.__module__ == module.__name__ and "name" in member.model_fields
    ]
