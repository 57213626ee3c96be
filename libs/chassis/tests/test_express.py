"""Express routes answer as FastAPI does: to the letter, and without it while nothing is unusual about a request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import httpx
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
)
from fastapi import Body as InBody
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from chassis import problems
from chassis.edge import Edge
from chassis.express import Express, express, ways
from chassis.http import Body, bearer
from chassis.problems import Problem
from contracts.actors import Citizen

E = TypeVar("E", bound=Callable[..., Awaitable[Any]])


class Full(Problem):
    code, status, title = "full", 409, "No room"


class Unknown(Problem):
    code, status, title = "unknown_office", 404, "There is no such office"


class Order(Body):
    text: str = Field(max_length=20)
    count: int = 1
    id: UUID | None = None


class Answer(BaseModel):
    office: str
    text: str
    count: int
    key: str | None
    by_fastapi: bool


async def _office(office: str) -> str:
    if office == "nowhere":
        raise Unknown
    return office.upper()


async def _key(
    key: Annotated[str | None, Header(alias="Order-Key", min_length=3, pattern="^[a-z]+$")] = None,
) -> str | None:
    return key


def app_of(marked: bool) -> FastAPI:
    """The same routes, express if `marked`."""
    router = APIRouter(prefix="/offices/{office}")
    mark: Callable[[E], E] = express if marked else lambda endpoint: endpoint

    @router.post("/orders", status_code=201)
    @mark
    async def order(
        request: Request,
        office: Annotated[str, Depends(_office)],
        key: Annotated[str | None, Depends(_key)],
        kind: Annotated[str, Header(alias="Order-Kind", max_length=5)],
        body: Order,
    ) -> Answer:
        if body.text == "full":
            raise Full("Nothing is free.", alternatives=["later"])
        if body.text == "broken":
            raise RuntimeError("inside")
        if body.text == "gone":
            raise HTTPException(410, "It is over.", headers={"Retry-After": "never"})
        by_fastapi = "fastapi_inner_astack" in request.scope
        return Answer(office=office, text=f"{kind} {body.text}", count=body.count, key=key, by_fastapi=by_fastapi)

    @router.get("/orders", response_model=Answer)
    @mark
    async def orders(
        request: Request,
        office: str,
        wanted: Annotated[list[int], Query(max_length=2)],
        most: Annotated[int | None, Query(alias="at-most", ge=1)] = 7,
    ) -> Response:
        by_fastapi = "fastapi_inner_astack" in request.scope
        text = f"{wanted} {most}"
        answer = Answer(office=office, text=text, count=len(wanted), key=None, by_fastapi=by_fastapi)
        return Response(answer.model_dump_json(), media_type="application/json")

    app = FastAPI(openapi_url=None)
    problems.install(app)
    app.include_router(router, prefix="/api/shop")
    app.add_middleware(Express, ways=ways([router], "/api/shop"))
    app.add_middleware(Edge, limit=400)
    return app


@pytest.fixture
async def both() -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """A client of FastAPI alone, and one of the same routes as express routes."""
    transports = [httpx.ASGITransport(app_of(marked), raise_app_exceptions=False) for marked in (False, True)]
    slow, quick = (httpx.AsyncClient(transport=each, base_url="http://test") for each in transports)
    async with slow, quick:
        yield slow, quick


async def ask(client: httpx.AsyncClient, method: str, path: str, **how: Any) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body, without what is another for every request."""
    response = await client.request(method, path, **how)
    headers = {name: value for name, value in response.headers.items() if name != "x-correlation-id"}
    body = response.json() if response.content else None
    if isinstance(body, dict) and "correlation_id" in body:
        assert body.pop("correlation_id") == response.headers["x-correlation-id"]
        headers.pop("content-length")
    return response.status_code, headers, body


POST = "/api/shop/offices/demo/orders"
JSON = {"content-type": "application/json", "order-kind": "quick"}
RIGHT = [
    ("POST", POST, {"json": {"text": "a"}, "headers": JSON}),
    (
        "POST",
        POST,
        {"json": {"text": " ä ", "count": 3, "id": "0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10"}, "headers": JSON},
    ),
    ("POST", POST, {"json": {"text": "a"}, "headers": {**JSON, "order-key": "abc"}}),
    ("GET", POST + "?wanted=1", {}),
    ("GET", POST + "?wanted=1&wanted=2&at-most=3&other=x", {}),
    ("GET", "/api/shop/offices/b%C3%BCro/orders?wanted=1", {}),
]
REFUSED = [
    ("POST", POST, {"json": {"text": "full"}, "headers": JSON}),
    ("POST", POST, {"json": {"text": "gone"}, "headers": JSON}),
    ("POST", "/api/shop/offices/nowhere/orders", {"json": {"text": "a"}, "headers": JSON}),
    ("POST", "/api/shop/offices/nowhere/orders", {"json": {"text": 3}, "headers": {**JSON, "order-key": "1"}}),
]
UNUSUAL = [
    ("POST", POST, {"json": {"text": "a" * 21}, "headers": JSON}),
    ("POST", POST, {"json": {"text": "a", "more": 1}, "headers": JSON}),
    ("POST", POST, {"json": {"count": "x"}, "headers": {**JSON, "order-key": "1"}}),
    ("POST", POST, {"json": ["a"], "headers": JSON}),
    ("POST", POST, {"content": b"{", "headers": JSON}),
    ("POST", POST, {"content": b"", "headers": JSON}),
    ("POST", POST, {"content": b'{"text": "\xff"}', "headers": JSON}),
    ("POST", POST, {"content": b'{"text": "a"}', "headers": {"order-kind": "quick", "content-type": "text/plain"}}),
    ("POST", POST, {"content": b'{"text": "a"}', "headers": {"order-kind": "quick"}}),
    ("POST", POST, {"json": {"text": "a"}, "headers": {"content-type": "application/json"}}),
    ("POST", POST, {"json": {"text": "a"}, "headers": {**JSON, "order-kind": "too long"}}),
    ("POST", POST, {"json": {"text": "a" * 500}, "headers": JSON}),
    ("GET", POST, {}),
    ("GET", POST + "?wanted=x&at-most=0", {}),
    ("GET", POST + "?wanted=1&wanted=2&wanted=3", {}),
    ("PUT", POST, {}),
    ("HEAD", POST, {}),
    ("GET", "/api/shop/offices/demo/orders/", {}),
    ("GET", "/api/shop/offices/a/b/orders?wanted=1", {}),
]


@pytest.mark.parametrize(("method", "path", "how"), [*RIGHT, *REFUSED, *UNUSUAL])
async def test_an_express_route_answers_as_fastapi_does(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], method: str, path: str, how: dict[str, Any]
) -> None:
    slow, quick = [await ask(client, method, path, **how) for client in both]
    for answer in (slow, quick):
        if isinstance(answer[2], dict):
            answer[2].pop("by_fastapi", None)
            answer[1].pop("content-length", None)
    assert quick == slow


@pytest.mark.parametrize(("method", "path", "how"), RIGHT)
async def test_what_is_plainly_right_does_without_fastapi(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], method: str, path: str, how: dict[str, Any]
) -> None:
    slow, quick = both
    assert (await ask(slow, method, path, **how))[2]["by_fastapi"]
    assert not (await ask(quick, method, path, **how))[2]["by_fastapi"]


async def test_an_error_inside_is_a_problem_that_says_nothing_of_the_inside(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    status, _, body = await ask(both[1], "POST", POST, json={"text": "broken"}, headers=JSON)
    assert (status, body["code"]) == (500, "internal_error")
    assert "inside" not in str(body)


async def test_json_with_a_charset_goes_fastapis_way(both: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
    headers = {"content-type": "application/json; charset=utf-8", "order-kind": "quick"}
    status, _, body = await ask(both[1], "POST", POST, content=b'{"text": "a"}', headers=headers)
    assert (status, body["by_fastapi"]) == (201, True)


async def test_a_body_in_pieces_is_read_whole_by_whoever_answers(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    _, quick = both
    status, _, body = await ask(quick, "POST", POST, content=pieces(b'{"text"', b': "a"}'), headers=JSON)
    assert (status, body["text"], body["by_fastapi"]) == (201, "quick a", False)
    status, _, body = await ask(quick, "POST", POST, content=pieces(b'{"text"', b": 7}"), headers=JSON)
    assert (status, body["errors"][0]["field"]) == (422, "text")
    status, _, body = await ask(quick, "POST", POST, content=pieces(b'{"text": "', b"a" * 500, b'"}'), headers=JSON)
    assert (status, body["code"]) == (413, "too_large")


async def _yielding() -> AsyncIterator[int]:
    yield 1


def _plain() -> int:
    return 1


async def _coroutine() -> int:
    return 1


class Two(Body):
    text: str


@pytest.mark.parametrize(
    "what",
    [
        Annotated[Any, Depends(_yielding)],
        Annotated[Any, Depends(_plain)],
        Annotated[Any, Depends(_coroutine, use_cache=False)],
        Annotated[Any, Depends(bearer(Citizen))],
        Annotated[Any, Cookie()],
        Annotated[str, Query(validation_alias="other")],
        Annotated[Two, InBody(embed=True)],
        Annotated[str, InBody()],
        Response,
        BackgroundTasks,
    ],
    ids=["yields", "plain", "asked twice", "security", "cookie", "alias", "embedded", "no model", "response", "tasks"],
)
def test_a_parameter_that_express_routes_do_not_know_is_refused_at_the_start(what: Any) -> None:
    router = APIRouter()

    async def endpoint(value: what) -> Answer:
        raise AssertionError

    router.get("/", response_model=Answer)(express(endpoint))
    with pytest.raises(TypeError):
        ways([router], "")


@pytest.mark.parametrize(
    "option",
    [
        {"response_model_exclude_none": True},
        {"response_model_exclude": {"text"}},
        {"response_model_by_alias": False},
        {"response_class": PlainTextResponse},
        {"response_model": None},
        {"status_code": 204, "response_model": None},
        {"max_body_size": 10},
    ],
    ids=str,
)
def test_an_option_that_express_routes_do_not_know_is_refused_at_the_start(option: dict[str, Any]) -> None:
    router = APIRouter()

    async def endpoint() -> Answer:
        raise AssertionError

    router.get("/", **{"response_model": Answer, **option})(express(endpoint))
    with pytest.raises(TypeError):
        ways([router], "")


def test_a_route_of_another_kind_or_behind_another_or_within_another_router_is_refused_at_the_start() -> None:
    class Own(APIRoute):
        """A kind of its own."""

    async def endpoint() -> Answer:
        raise AssertionError

    own = APIRouter(route_class=Own)
    own.get("/")(express(endpoint))
    hidden = APIRouter()
    hidden.get("/{any}")(_coroutine)
    hidden.get("/one")(express(endpoint))
    inner, outer = APIRouter(), APIRouter(dependencies=[Depends(_coroutine)])
    inner.get("/one")(express(endpoint))
    outer.include_router(inner)
    for router in (own, hidden, outer):
        with pytest.raises(TypeError):
            ways([router], "")


def test_the_type_of_an_answer_may_stand_in_quotes() -> None:
    async def endpoint() -> "Response":
        raise AssertionError

    router = APIRouter()
    router.get("/")(express(endpoint))
    assert len(ways([router], "")) == 1


async def test_a_routers_dependency_decides_before_an_express_route() -> None:
    async def deny() -> None:
        raise HTTPException(403)

    router = APIRouter(dependencies=[Depends(deny)])

    async def endpoint() -> Answer:
        raise AssertionError

    router.get("/")(express(endpoint))
    assert (await answer_of(router)).status_code == 403


async def test_an_answer_of_another_type_gives_nothing_away() -> None:
    class Wide(Answer):
        secret: str = "secret"

    wide = Wide(office="a", text="b", count=1, key=None, by_fastapi=False)

    async def more() -> Answer:
        return wide

    async def other() -> Any:
        return wide.model_dump()

    router = APIRouter()
    router.get("/more")(express(more))
    router.get("/other", response_model=Answer)(express(other))
    found = await answer_of(router, "/more")
    assert found.status_code == 200
    assert "secret" not in found.text
    refused = await answer_of(router, "/other")
    assert refused.status_code == 500
    assert "secret" not in refused.text


async def test_a_dependency_that_a_test_overrides_is_overridden() -> None:
    router = APIRouter()

    async def endpoint(count: Annotated[int, Depends(_coroutine)]) -> int:
        return count

    router.get("/")(express(endpoint))
    assert (await answer_of(router)).json() == 1
    assert (await answer_of(router, overrides={_coroutine: lambda: 2})).json() == 2


async def answer_of(router: APIRouter, path: str = "/", overrides: dict[Any, Any] | None = None) -> httpx.Response:
    app = FastAPI(openapi_url=None)
    problems.install(app)
    app.include_router(router, prefix="/api")
    app.add_middleware(Express, ways=ways([router], "/api"))
    app.dependency_overrides = overrides or {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/api" + path)
