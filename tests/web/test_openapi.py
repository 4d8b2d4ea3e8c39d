"""The API as it describes itself: whole, valid, with examples that hold, and readable."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import validate
from starlette.routing import Mount, Route

from dealpulse.settings import Settings
from dealpulse.web import viewer, wire
from dealpulse.web.api import ENDPOINTS
from dealpulse.web.app import build_app
from dealpulse.web.dashboard import site as dashboard
from dealpulse.web.dashboard.sessions import Sessions
from dealpulse.web.metrics import serving as metrics
from dealpulse.web.openapi.schemas import reference_to
from web.promises import DOCUMENT, SEEN, validator

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [(method, path, told) for path, methods in DOCUMENT["paths"].items() for method, told in methods.items()]


def test_the_document_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT)


def test_every_route_is_in_it_and_nothing_else(settings: Settings) -> None:
    routes: set[tuple[str, str]] = set()
    for route in build_app(settings).routes:
        inner = route.routes if isinstance(route, Mount) else [route]
        prefix = route.path if isinstance(route, Mount) else ""
        if prefix in viewer.PAGES:
            continue  # pages for people
        for each in inner:
            assert isinstance(each, Route)
            routes |= {(method.lower(), prefix + each.path) for method in (each.methods or ()) if method != "HEAD"}
    for page in dashboard.routes(settings.api, Sessions(settings.supabase.service_role_key)):
        assert isinstance(page, Route)
        routes -= {(method.lower(), page.path) for method in (page.methods or ()) if page.path != "/"}
    assert {(method, path) for method, path, _ in OPERATIONS} == routes


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own() -> None:
    assert [path for _, path, told in OPERATIONS if not told["summary"]] == []
    names = [told["operationId"] for _, _, told in OPERATIONS]
    assert len(set(names)) == len(names)
    for _, path, told in OPERATIONS:
        parameters = [one["name"] for one in told["parameters"] if one.get("in") == "path"]
        assert parameters == re.findall(r"{(\w+)}", path)
        assert all(one["description"] for one in told["parameters"] if one.get("in") == "path"), path


def test_every_operation_tells_the_scope_it_takes() -> None:
    scopes = {("/api" + each.path, each.method.lower()): each for each in ENDPOINTS}
    scopes |= {(each.path, each.method.lower()): each for each in metrics.ENDPOINTS}
    for method, path, told in OPERATIONS:
        endpoint = scopes.get((path, method))
        if endpoint is None:
            assert told["security"] == []
            continue
        assert told["security"][0] == {"token": [endpoint.scope.value]}
        assert ({"user": []} in told["security"]) is (endpoint.about is not None)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_example_is_what_its_schema_and_its_type_say(name: str) -> None:
    (example,) = SCHEMAS[name]["examples"]
    kind = getattr(wire, name)
    validator(reference_to(kind)["$ref"]).validate(example)
    msgspec.json.decode(msgspec.json.encode(example), type=kind)


def test_query_parameters_are_those_the_handlers_read() -> None:
    told = DOCUMENT["paths"]["/api/jobs"]["get"]["parameters"]
    names = {one["name"]: one for one in told}
    assert set(names) == {field.encode_name for field in msgspec.structs.fields(wire.JobsQuery)}
    assert "all that" not in names["text"]["description"]
    assert names["text"]["description"].startswith("Part of the id")
    assert names["limit"]["schema"] == {"type": "integer", "default": 50}


async def test_it_is_served_to_anybody(api: httpx.AsyncClient) -> None:
    answer = await api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["paths"].keys() == DOCUMENT["paths"].keys()


async def test_the_reference_is_one_page_that_loads_nothing_and_tells_of_everything(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/docs")
    page = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert re.findall(r"<script|<link|<img|@import|url\(|https?://(?!example)", page) == []
    assert {f'id="{told["operationId"]}"' in page for _, _, told in OPERATIONS} == {True}
    assert {f'id="{name}"' in page for name in SCHEMAS} == {True}
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))


async def test_real_answers_are_held_against_it(api: httpx.AsyncClient) -> None:
    await api.get("/api/deals")
    await api.get("/api/deals/nothing")
    assert {("GET", "/api/deals", "200"), ("GET", "/api/deals/{deal_id}", "404")} <= SEEN
