"""Routes on the hot path, answered without FastAPI's machinery while nothing is unusual about a request.

FastAPI works out anew for every request what a route takes, through eleven layers; for a route with a body and six
dependencies that costs as much CPU as all that a booking asks of PostgreSQL and Redis. What an express route takes is
worked out once, from FastAPI's own analysis of its signature, which documents it as ever. A request that is not plainly
right (a field that is not valid, no JSON) goes FastAPI's way as if nobody had looked at it, so refusals are the same to
the letter. See docs/adr/0020.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar, cast, get_origin

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import express_fence, problems

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])

_MARK: Final = "chassis_express"
_JSON: Final = b"application/json"
_SHORT_QUERY: Final = 500


def express(endpoint: Endpoint) -> Endpoint:
    """Marks the endpoint of a hot route, below its route's decorator.

    It may take path parameters, query parameters, headers, one body model, the request, and dependencies that are
    coroutines taking the same. `create_app` raises TypeError for anything else (`express_fence`), as at import for a
    typo.
    """
    setattr(endpoint, _MARK, True)
    return endpoint


class _UnusualError(Exception):
    """The request is not plainly right: FastAPI shall say what is wrong."""


class _Asked(NamedTuple):
    """A request while its parameters are looked up. `known`: what its dependencies have given so far."""

    request: Request
    headers: dict[bytes, bytes]
    path: dict[str, str]
    query: Sequence[Any]
    body: BaseModel | None
    known: list[Any]


_Get = Callable[[_Asked], Any]


@dataclass(frozen=True)
class _Step:
    """A dependency, or at last the endpoint: what is called, and how each of its parameters is found."""

    call: Callable[..., Awaitable[Any]]
    takes: tuple[tuple[str, _Get], ...]


class _Query:
    """The query parameters of a route. What is asked again, as free slots of a day are, has been read before."""

    def __init__(self) -> None:
        self.fields: list[Any] = []
        self._read_before = lru_cache(maxsize=1024)(self._read)

    def read(self, query: bytes) -> tuple[Any, ...]:
        """The values of `fields`, in their order, which nobody may change. Raises _UnusualError."""
        return self._read_before(query) if len(query) <= _SHORT_QUERY else self._read(query)

    def _read(self, query: bytes) -> tuple[Any, ...]:
        given = QueryParams(query)
        return tuple(
            _valid(
                field,
                given.getlist(field.alias) or None
                if get_origin(field.field_info.annotation) is list
                else given.get(field.alias),
            )
            for field in self.fields
        )


@dataclass(frozen=True)
class _Way:
    """An express route, worked out."""

    route: APIRoute
    path: "re.Pattern[str]"
    body: type[BaseModel] | None
    query: "_Query"
    steps: tuple[_Step, ...]
    answer: TypeAdapter[Any]

    async def run(self, request: Request, path: dict[str, str], raw: bytes) -> Response:
        """The endpoint's answer. Raises what it raises, or _UnusualError before anything has happened."""
        headers = dict(reversed(request.scope["headers"]))  # of several of one name the first, as Starlette takes
        body = self._parsed(headers, raw) if self.body else None
        asked = _Asked(request, headers, path, self.query.read(request.scope["query_string"]), body, [])
        result = None
        for step in self.steps:
            # Parameters of all steps are looked up before the endpoint, which alone changes anything, is called.
            result = await step.call(**{name: get(asked) for name, get in step.takes})
            asked.known.append(result)
        if isinstance(result, Response):
            return result
        # What is not of the declared type raises: FastAPI would drop its further fields, and nobody else would.
        content = self.answer.dump_json(result, by_alias=True, warnings="error")
        return Response(content, self.route.status_code or 200, media_type="application/json")

    def _parsed(self, headers: dict[bytes, bytes], raw: bytes) -> BaseModel:
        assert self.body is not None
        if headers.get(b"content-type") != _JSON:
            raise _UnusualError
        try:
            return self.body.model_validate_json(raw)
        except ValidationError:
            raise _UnusualError from None


def ways(routers: Sequence[APIRouter], prefix: str) -> list[_Way]:
    """The express routes of `routers`, mounted under `prefix`. Raises TypeError for one that asks for too much."""
    routes = list(express_fence.routes(routers))
    marked = [route for route in routes if getattr(route.endpoint, _MARK, False)]
    return [_way(express_fence.check(route, routes), prefix) for route in marked]


class Express:
    """The layer that answers express routes and passes everything else on."""

    def __init__(self, app: ASGIApp, ways: Sequence[_Way]) -> None:
        self._app = app
        self._ways = [(method, way) for way in ways for method in way.route.methods or ()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and not scope.get("root_path") and not scope["app"].dependency_overrides:
            method, path = scope["method"], scope["path"]
            for known, way in self._ways:
                if known == method and (found := way.path.match(path)):
                    await self._answer(way, found.groupdict(), scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(self, way: _Way, path: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []
        try:
            raw = await _read(receive, messages) if way.body else b""
            scope["route"] = way.route
            response = await way.run(Request(scope), path, raw)
        except _UnusualError:
            await self._app(scope, _again(messages, receive), send)
            return
        except Exception as error:  # noqa: BLE001 - as the handlers that `problems.install` gives FastAPI
            response = problems.answer(error)
        await response(scope, receive, send)


async def _read(receive: Receive, messages: list[Message]) -> bytes:
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":  # the client has hung up
            raise _UnusualError
        if not message.get("more_body"):
            return b"".join(each.get("body", b"") for each in messages)


def _again(messages: list[Message], receive: Receive) -> Receive:
    """`receive`, beginning with `messages` that were taken from it."""
    taken: Iterator[Message] = iter(messages)

    async def receive_again() -> Message:
        return next(taken, None) or await receive()

    return receive_again


def _way(route: APIRoute, prefix: str) -> _Way:
    steps: list[_Step] = []
    query = _Query()
    _plan(route.dependant, route, steps, query, {})
    body = cast(type[BaseModel], route.body_field.field_info.annotation) if route.body_field else None
    return _Way(
        route, compile_path(prefix + route.path)[0], body, query, tuple(steps), TypeAdapter(route.response_model)
    )


def _plan(dependant: Dependant, route: APIRoute, steps: list[_Step], query: _Query, places: dict[Any, int]) -> int:
    """Appends the steps of `dependant`, those that it depends on first. Returns where its result will lie."""
    call = dependant.call
    if call in places:
        return places[call]
    assert call is not None
    takes: list[tuple[str, _Get]] = []
    for other in dependant.dependencies:
        place = _plan(other, route, steps, query, places)
        if other.name is not None:
            takes.append((other.name, _known(place)))
    takes += [(field.name, _of_path(field)) for field in dependant.path_params]
    for field in dependant.query_params:
        takes.append((field.name, _of_query(len(query.fields))))
        query.fields.append(field)
    takes += [(field.name, _of_header(field)) for field in dependant.header_params]
    takes += [(field.name, _body) for field in dependant.body_params]
    if dependant.request_param_name:
        takes.append((dependant.request_param_name, _request))
    places[call] = len(steps)
    steps.append(_Step(call, tuple(takes)))
    return places[call]


def _known(place: int) -> _Get:
    return lambda asked: asked.known[place]


def _body(asked: _Asked) -> Any:
    return asked.body


def _request(asked: _Asked) -> Request:
    return asked.request


def _of_path(field: Any) -> _Get:
    return lambda asked: _valid(field, asked.path[field.alias])


def _of_query(place: int) -> _Get:
    return lambda asked: asked.query[place]


def _of_header(field: Any) -> _Get:
    name = field.alias.lower().encode()

    def get(asked: _Asked) -> Any:
        given = asked.headers.get(name)
        return _valid(field, None if given is None else given.decode("latin-1"))

    return get


def _valid(field: Any, given: str | list[str] | None) -> Any:
    """`given` as `field` (FastAPI's, which exports no type for it) wants it, or its default."""
    if given is None:
        if field.field_info.is_required():
            raise _UnusualError
        return field.get_default()
    value, errors = field.validate(given)
    if errors:
        raise _UnusualError
    return value
