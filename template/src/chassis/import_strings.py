"""Objects by import string (`package.module:attribute`), so that naming something does not load it."""

from importlib import import_module
from typing import Any

from chassis.ports.errors import ConfigurationError


class BadImportStringError(ConfigurationError):
    """An import string in AGENT or in the selected adapters does not lead to an object."""


def load_object(reference: str) -> Any:
    """Import the module and return the attribute; raise `BadImportStringError` naming what is missing."""
    module_name, separator, attribute = reference.partition(":")
    if not separator:
        message = f"'{reference}' is not an import string; write it as 'package.module:attribute'."
        raise BadImportStringError(message)
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        message = f"'{reference}' names a module that does not exist: {error.name}."
        raise BadImportStringError(message) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        message = f"'{reference}': the module {module_name} has no '{attribute}'."
        raise BadImportStringError(message) from error
