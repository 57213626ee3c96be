"""What an express route may not ask for, refused when the service starts: its layer would not honour it."""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

#: What documents a route, says where it is, or is worked out from its signature. Whatever else FastAPI knows or will
#: know of a route (a class of response, a limit, what to leave out of the answer) must be as if nobody had asked.
_HONOURED: Final = frozenset(
    (
        "path",
        "path_regex",
        "path_format",
        "param_convertors",
        "endpoint",
        "name",
        "methods",
        "status_code",
        "app",
        "unique_id",
        "operation_id",
        "generate_unique_id_function",
        "summary",
        "description",
        "response_description",
        "deprecated",
        "tags",
        "responses",
        "response_fields",
        "openapi_extra",
        "include_in_schema",
        "dependencies",
        "dependant",
        "body_field",
        "response_model",
        "response_field",
        "dependency_overrides_provider",
    )
)
_UNKNOWN: Final = (
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)


def routes(routers: Iterable[APIRouter]) -> Iterator[Route]:
    """All routes of `routers`, in the order in which they are tried. Raises TypeError for a router in a router.

    What includes a router may add dependencies that none of its routes knows.
    """
    for router in routers:
        for route in router.routes:
            if isinstance(route, Route):
                yield route
            elif not isinstance(route, WebSocketRoute):
                raise TypeError(f"{router.prefix}: routers that hold {type(route).__name__} have no express routes")


def check(route: Route, before: Sequence[Route]) -> APIRoute:
    """`route` if it asks for nothing that an express route does not honour. Raises TypeError, saying what it asks for.

    `before`: all routes of the service, in their order; one before `route` that answers its path would be passed over.
    """
    if type(route) is not APIRoute:
        raise TypeError(f"{route.path}: {type(route).__name__} has ways of its own")
    router = APIRouter()
    router.add_api_route(route.path, route.endpoint, methods=list(route.methods or ()))
    bare = vars(router.routes[0])
    for name in sorted((vars(route).keys() | bare.keys()) - _HONOURED):
        if vars(route).get(name) != bare.get(name):
            raise TypeError(f"{route.path}: express routes do not know {name}")
    if route.response_field is None and not _gives_a_response(route):
        raise TypeError(f"{route.path}: an express route declares the model of its answer")
    for other in before[: before.index(route)]:
        if (other.methods or set()) & (route.methods or set()) and other.path_regex.match(route.path_format):
            raise TypeError(f"{route.path}: {other.path} stands before it")
    _check_parameters(route, route.dependant)
    return route


def _gives_a_response(route: APIRoute) -> bool:
    given = inspect.signature(route.endpoint, eval_str=True).return_annotation
    return isinstance(given, type) and issubclass(given, Response)


def _check_parameters(route: APIRoute, dependant: Dependant) -> None:
    call = dependant.call
    if not inspect.iscoroutinefunction(call) or any(getattr(dependant, name) for name in _UNKNOWN):
        raise TypeError(f"{route.path}: {call} asks for what express routes do not know")
    if not dependant.use_cache:
        raise TypeError(f"{route.path}: {call} is asked once, whatever use_cache says")
    for field in (*dependant.path_params, *dependant.query_params, *dependant.header_params):
        if field.validation_alias not in (None, field.alias):
            raise TypeError(f"{route.path}: {field.name} has one alias for all")
    for field in dependant.body_params:
        body = field.field_info.annotation
        if not (isinstance(body, type) and issubclass(body, BaseModel)):
            raise TypeError(f"{route.path}: the body of an express route is a model")
        if (
            getattr(field.field_info, "embed", None)
            or route.body_field is None
            or route.body_field.field_info.annotation is not body
        ):
            raise TypeError(f"{route.path}: the body of an express route is one model alone")
    for other in dependant.dependencies:
        _check_parameters(route, other)
