"""openapi.yaml and the handlers are the same interface; its schemas are held by every test's answers."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.server.backend import HIDDEN
from nodetool_jupyter.server.base import Handler
from nodetool_jupyter.server.jobs import FIELDS
from nodetool_jupyter.server.routes import ROUTES
from tests.server.client import openapi

METHODS = ("get", "post", "put", "patch", "delete")


def test_each_route_is_described_and_no_other() -> None:
    """Both ways, with methods and the parameters of the path."""
    described = {
        path: {name for name in item if name in METHODS} for path, item in openapi()["paths"].items()
    }
    answered = {
        route.path: {name for name in METHODS if getattr(route.handler, name) is not getattr(Handler, name)}
        for route in ROUTES
    }
    assert described == answered
    assert openapi()["servers"] == [{"url": "/nodetool/api"}]


def test_each_path_parameter_is_described() -> None:
    """Where it stands in the path, it stands in the list."""
    shared = openapi()["components"]["parameters"]
    for path, item in openapi()["paths"].items():
        for name, operation in item.items():
            if name in METHODS:
                listed = [*item.get("parameters", ()), *operation.get("parameters", ())]
                found = [
                    shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in listed
                ]
                names = {each["name"] for each in found if each["in"] == "path"}
                assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_the_schemas_have_our_fields() -> None:
    """A field that a model gets is described, or the answers that have it are refused."""
    schemas = openapi()["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert set(schemas["Submission"]["properties"]) == set(FIELDS)
    assert set(schemas["Limits"]["properties"]) == set(ResourceLimits.model_fields)
    assert set(schemas["JobFields"]["properties"]) == set(JobRecord.model_fields) - HIDDEN - {"params"}
