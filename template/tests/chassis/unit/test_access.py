"""A route without an access rule stops start-up."""

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from tests.chassis.unit.test_settings import VALID
from tests.support.sample_agent import SAMPLE

from chassis.http.access import UndeclaredAccessError, can, public, require_access_rules, rules_of
from chassis.http.app import create_app
from chassis.identity.roles import CHASSIS_ROLES, merge_roles
from chassis.ports.identity import Principal
from chassis.settings_loader import load_settings


async def endpoint() -> None: ...


def app_with(**options: object) -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/things")
    router.add_api_route("/{id}", endpoint, methods=["GET"], **options)  # type: ignore[arg-type]
    app.include_router(router)
    return app


@pytest.mark.parametrize("rule", [can("things:read"), public("a reason")])
def test_one_rule_is_right(rule: object) -> None:
    require_access_rules(app_with(dependencies=[rule]))


def test_no_rule_stops_start_up_and_names_the_route() -> None:
    with pytest.raises(UndeclaredAccessError, match=r"GET /things/\{id\}"):
        require_access_rules(app_with())


def test_two_rules_are_a_contradiction() -> None:
    with pytest.raises(UndeclaredAccessError):
        require_access_rules(app_with(dependencies=[can("a"), public("b")]))


def test_a_mounted_application_cannot_hide() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/hidden", FastAPI())
    with pytest.raises(UndeclaredAccessError, match="Mount /hidden"):
        require_access_rules(app)


def test_only_health_is_public_in_production() -> None:
    settings = load_settings(VALID).model_copy(update={"environment": "production"})
    app = create_app(settings, SAMPLE, lambda: pytest.fail("not opened"))
    open_to_all = {
        route.path for route in iter_route_contexts(app.routes) for rule in rules_of(route) if rule.permission is None
    }
    assert open_to_all == {"/health/live", "/health/ready", "/health/startup"}


def test_a_role_grants_what_any_table_says_and_an_unknown_one_nothing() -> None:
    roles = merge_roles(CHASSIS_ROLES, {"viewer": frozenset({"things:read"})})
    viewer, nobody = Principal("t", "a", ("viewer",)), Principal("t", "b", ("nobody",))
    assert roles.allow(viewer, "runs:read")
    assert roles.allow(viewer, "things:read")
    assert not roles.allow(viewer, "runs:write")
    assert not roles.allow(nobody, "runs:read")
