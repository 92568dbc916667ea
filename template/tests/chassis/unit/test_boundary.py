"""Every field that enters or leaves has a data class, and a model without one stops start-up."""

from typing import Annotated, ClassVar

import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from tests.chassis.unit.test_settings import VALID
from tests.support.sample_agent import SAMPLE

from chassis.http.app import create_app
from chassis.http.boundary import (
    Boundary,
    DataClass,
    Personal,
    UndeclaredDataClassError,
    boundary_models,
    data_class_of,
    require_data_classes,
)
from chassis.http.schemas import RunCreate, ThreadCreate
from chassis.settings_loader import load_settings


class Inner(BaseModel):
    name: str


class Outer(Boundary):
    data_class: ClassVar[DataClass] = "internal"
    name: Personal[str]
    number: int
    inner: list[Inner] | None = None


def app_with(model: object) -> FastAPI:
    app = FastAPI(openapi_url=None)

    async def endpoint() -> None: ...

    app.add_api_route("/thing", endpoint, response_model=model)
    return app


def test_a_field_has_its_own_class_or_its_models() -> None:
    assert [data_class_of(Outer, name) for name in ("name", "number")] == ["personal", "internal"]
    assert data_class_of(RunCreate, "input") == "personal"
    assert data_class_of(ThreadCreate, "if_exists") == "internal"


def test_a_model_without_a_class_stops_start_up_however_deep() -> None:
    with pytest.raises(UndeclaredDataClassError, match="Inner"):
        require_data_classes(app_with(Outer))


def test_what_a_dependency_takes_is_no_way_around() -> None:
    app = FastAPI(openapi_url=None)

    async def taking(body: Inner) -> str:
        return body.name

    async def endpoint(name: Annotated[str, Depends(taking)]) -> None: ...

    app.add_api_route("/thing", endpoint, methods=["POST"])
    with pytest.raises(UndeclaredDataClassError, match="Inner"):
        require_data_classes(app)


def test_every_model_of_the_api_is_found() -> None:
    app = create_app(load_settings(VALID), SAMPLE, lambda: pytest.fail("not opened"))
    names = {model.__name__ for model in boundary_models(app)}
    assert {"ThreadCreate", "ThreadOut", "ThreadStateOut", "RunCreate", "RunOut", "AssistantOut", "Health"} <= names
