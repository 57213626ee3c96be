"""What a service answers to, read from its application: every route, whether it is in the schema or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security.http import HTTPBearer

#: By format, something that has it.
_EXAMPLES: Final = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "date-time": "2026-06-03T12:00:00Z",
    "date": "2026-06-03",
    "email": "erika@example.org",
}


@dataclass(frozen=True)
class Route:
    """`actors`: whose tokens are good here; `lead`: it is for those who decide for the office."""

    method: str
    path: str
    actors: frozenset[str]
    lead: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes(app: FastAPI) -> list[Route]:
    """Every route that is written as a function with dependencies."""
    return sorted(_routes(app), key=str)


def others(app: FastAPI) -> set[tuple[str, str]]:
    """Whatever else answers: (kind, path)."""
    found = iter_route_contexts(app.routes)
    return {(type(each.route).__name__, each.path or "") for each in found if not isinstance(each.route, APIRoute)}


def _routes(app: FastAPI) -> Iterator[Route]:
    for each in iter_route_contexts(app.routes):
        if isinstance(each.route, APIRoute):
            needed = list(_needed(each.route.dependant))
            actors = frozenset(one.call.scheme_name for one in needed if isinstance(one.call, HTTPBearer))
            lead = any(getattr(one.call, "__name__", "") == "_lead" for one in needed)
            for method in sorted(each.route.methods or ()):
                yield Route(method, each.path or "", actors, lead)


def _needed(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _needed(inner)


def body_of(app: FastAPI, route: Route) -> Any:
    """The smallest body that the route's schema lets through; None where it takes none."""
    document = app.openapi()
    content = document["paths"][route.path][route.method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return None if schema is None else _smallest(schema, document["components"]["schemas"])


def _smallest(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _smallest(known[schema["$ref"].rpartition("/")[2]], known)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _smallest(schema[choice][0], known)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: _smallest(properties[name], known) for name in schema.get("required", ())}
        case "array":
            one = schema.get("prefixItems", [schema.get("items", {})])
            return [_smallest(one[0], known)] * max(schema.get("minItems", 0), len(schema.get("prefixItems", ())))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    if "64" in schema.get("pattern", ""):
        return "0" * 64
    return _EXAMPLES.get(schema.get("format", ""), "a" * max(1, schema.get("minLength", 1)))
