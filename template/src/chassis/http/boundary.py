"""Data classes: what kind of data each field is that enters or leaves through the API.

A model names the class of its fields once, and marks the fields that differ. Policies (redaction, retention, refusal)
will be decided by class, which is why no model may be without one: `require_data_classes` stops start-up otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from chassis.ports.errors import ConfigurationError

DataClass = Literal["public", "internal", "personal"]


@dataclass(frozen=True, slots=True)
class Classified:
    """Marks a field whose class is not its model's."""

    data_class: DataClass


T = TypeVar("T")
Personal = Annotated[T, Classified("personal")]
"""A field that may hold data about a person: `requester: Personal[str]`."""


class Boundary(BaseModel):
    """A model of the API's edge; a subclass names the class of the fields that it does not mark."""

    data_class: ClassVar[DataClass]


class UndeclaredDataClassError(ConfigurationError):
    """Every model of a request or response must derive from Boundary and name its data_class."""


def data_class_of(model: type[Boundary], field: str) -> DataClass:
    """Give the class of a field."""
    marks = [mark for mark in model.model_fields[field].metadata if isinstance(mark, Classified)]
    return marks[0].data_class if marks else model.data_class


def require_data_classes(app: FastAPI) -> None:
    """Raise `UndeclaredDataClassError` naming every model that says not what kind of data it holds."""
    undeclared = {model.__name__ for model in boundary_models(app) if not _declared(model)}
    if undeclared:
        message = f"{UndeclaredDataClassError.__doc__} Without one: {', '.join(sorted(undeclared))}."
        raise UndeclaredDataClassError(message)


def boundary_models(app: FastAPI) -> Iterator[type[BaseModel]]:
    """Yield every model that a route takes or returns, by itself or through what it depends on, however deep."""
    seen: set[type[BaseModel]] = set()
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        taken = _taken(dependant) if isinstance(dependant, Dependant) else ()
        for annotation in (getattr(route, "response_model", None), *taken):
            for model in _models(annotation):
                if model not in seen:
                    seen.add(model)
                    yield model


def _taken(dependant: Dependant) -> Iterator[Any]:
    for parameter in (*dependant.body_params, *dependant.query_params):
        yield parameter.field_info.annotation
    for inner in dependant.dependencies:
        yield from _taken(inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for argument in get_args(annotation):
        yield from _models(argument)


def _declared(model: type[BaseModel]) -> bool:
    return issubclass(model, Boundary) and getattr(model, "data_class", None) in get_args(DataClass)
