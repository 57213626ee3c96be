"""The HTTP door: every refusal is a problem document, nobody hears yes before the commit, tokens are checked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from pydantic import BaseModel, Field

from chassis import logging
from chassis.http import Body, Now, Tx, bearer
from chassis.idempotency import KEEP, IdempotencyKey, kept_parameters, known, once
from chassis.problems import Problem
from chassis.service import create_app
from chassis.settings import ServiceSettings
from chassis.tokens import TokenSigner, TokenVerifier, generate_keys
from contracts.actors import Citizen

PRIVATE, PUBLIC = generate_keys()
APPOINTMENT = "0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10"

router = APIRouter()


class Note(Body):
    text: str = Field(max_length=20)


class Answer(BaseModel):
    count: int


class Full(Problem):
    code, status, title = "full", 409, "No room"


@router.post("/notes", status_code=201)
async def write_note(note: Note, tx: Tx, now: Now, key: IdempotencyKey) -> Answer:
    async def act() -> Answer:
        if note.text == "full":
            raise Full("Nothing is free.", alternatives=["later"])
        await tx.execute("INSERT INTO notes (text) VALUES (:text)", text=note.text)
        row = await tx.row("SELECT count(*) AS n FROM notes")
        assert row is not None
        return Answer(count=row["n"])

    return await once(tx, scope="notes", key=key, request=note, now=now, answer=Answer, act=act)


@router.get("/me")
async def me(citizen: Annotated[Citizen, Depends(bearer(Citizen))]) -> Citizen:
    return citizen


@router.get("/broken")
async def broken() -> Answer:
    raise KeyError("a secret detail")


@router.get("/slow")
async def slow(tx: Tx) -> Answer:
    await tx.execute("SELECT pg_sleep(3)")
    return Answer(count=1)


@router.websocket("/talk")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(structlog.contextvars.get_contextvars()["trace_id"])
    await socket.close()


@pytest.fixture(scope="module")
def migrations_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("migrations")
    (directory / "versions").mkdir()
    (directory / "env.py").write_text("from chassis.migrations import run\n\nrun()\n")
    (directory / "versions" / "0001_first.py").write_text(
        "from alembic import op\n"
        "from chassis.migrations import create_chassis_tables\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    create_chassis_tables(op)\n"
        "    op.execute('CREATE TABLE notes (text text)')\n"
    )
    return directory


@pytest.fixture
async def app(database_url: str, nats_url: str, offices_dir: Path, migrations_dir: Path) -> AsyncIterator[FastAPI]:
    settings = ServiceSettings(
        database_url=database_url,
        nats_url=nats_url,
        public_url="http://localhost",
        offices_dir=offices_dir,
    )
    app = create_app(
        "notify",
        settings,
        title="Test",
        migrations_dir=migrations_dir,
        routers=[router],
        verifiers=[("citizen", TokenVerifier(PUBLIC, issuer="booking", audience="citizen"))],
        state={"counter": "of the first floor"},
    )
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/notify") as client:
        yield client


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"key-{name}-{datetime.now(UTC).timestamp()}"}


async def test_an_unknown_field_is_refused_by_name(client: httpx.AsyncClient) -> None:
    response = await client.post("/notes", json={"text": "a", "admin": True}, headers=key("unknown"))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == "admin"


async def test_a_character_that_the_database_cannot_store_is_the_senders_fault(client: httpx.AsyncClient) -> None:
    response = await client.post("/notes", json={"text": "a\0b"}, headers=key("nul"))
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_a_domain_error_carries_code_status_and_extras(client: httpx.AsyncClient) -> None:
    body = (await client.post("/notes", json={"text": "full"}, headers=key("full"))).json()
    assert (body["code"], body["status"], body["alternatives"]) == ("full", 409, ["later"])
    assert body["correlation_id"]


async def test_an_unexpected_error_tells_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    response = await client.get("/broken")
    assert response.status_code == 500
    assert "secret" not in response.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/notes", 405)])
async def test_the_frameworks_refusals_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_repeated_write_repeats_its_answer_and_not_its_effect(client: httpx.AsyncClient) -> None:
    headers = key("repeat")
    first = await client.post("/notes", json={"text": "once"}, headers=headers)
    again = await client.post("/notes", json={"text": "once"}, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await client.post("/notes", json={"text": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_whether_a_write_was_answered_can_be_asked_by_its_scope_and_key(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    headers, other = key("asked"), key("never")
    await client.post("/notes", json={"text": "asked"}, headers=headers)
    async with app.state.database.autocommit() as tx:
        asked = [("notes", headers), ("notes", other), ("elsewhere", headers)]
        answers = [await known(tx, scope=scope, key=each["Idempotency-Key"]) for scope, each in asked]
    assert answers == [True, False, False]


async def test_an_answer_that_was_kept_beside_a_statement_is_given_to_who_repeats_the_request(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """As what is booked in a single statement keeps it."""
    headers, note = key("kept"), Note(text="kept")
    kept = kept_parameters("notes", headers["Idempotency-Key"], note, Answer(count=4711))
    async with app.state.database.autocommit() as tx:
        await tx.execute(KEEP, now=datetime.now(UTC), **kept)
    again = await client.post("/notes", json={"text": "kept"}, headers=headers)
    assert (again.status_code, again.json()) == (201, {"count": 4711})
    other = await client.post("/notes", json={"text": "other"}, headers=headers)
    assert other.json()["code"] == "idempotency_mismatch"


async def test_concurrent_repetitions_have_one_effect(client: httpx.AsyncClient) -> None:
    headers = key("race")
    answers = await asyncio.gather(*(client.post("/notes", json={"text": "race"}, headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1


async def test_a_refused_write_frees_its_key(client: httpx.AsyncClient) -> None:
    headers = key("freed")
    assert (await client.post("/notes", json={"text": "full"}, headers=headers)).status_code == 409
    assert (await client.post("/notes", json={"text": "fits"}, headers=headers)).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_huge_body_is_refused(client: httpx.AsyncClient, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    content = chunks() if chunked else b"x" * 2_000_000
    response = await client.post("/notes", content=content, headers=key("huge"))
    assert response.status_code == 413


async def test_an_exhausted_pool_answers_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/slow") for _ in range(12)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 2
    assert all(answer.headers["retry-after"] for answer in refused)


async def test_health_tells_alive_from_ready(app: FastAPI, client: httpx.AsyncClient) -> None:
    base = "http://test"
    async with asyncio.timeout(10):
        while (await client.get(f"{base}/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    await app.state.bus.close()
    ready = await client.get(f"{base}/readyz")
    assert (ready.status_code, ready.json()["failing"]) == (503, {"bus": "ConnectionError"})
    assert (await client.get(f"{base}/healthz")).status_code == 200


async def test_metrics_use_route_templates(client: httpx.AsyncClient) -> None:
    await client.get("/me")
    text = (await client.get("http://test/metrics")).text
    assert 'route="/me"' in text


def forged(alg_none: bool = False, **changes: object) -> str:
    now = datetime.now(UTC)
    claims = {"sub": APPOINTMENT, "office": "demo", "gen": 1, "iss": "booking", "aud": "citizen"}
    times = {"iat": int(now.timestamp()), "exp": int((now + timedelta(hours=1)).timestamp())}
    if alg_none:
        return jwt.encode({**claims, **times, **changes}, "", algorithm="none")
    return jwt.encode({**claims, **times, **changes}, PUBLIC, algorithm="HS256")


def signed(audience: str = "citizen", issuer: str = "booking", hours: float = 1) -> str:
    now = datetime.now(UTC)
    signer = TokenSigner(PRIVATE, issuer=issuer, audience=audience)
    claims = {"sub": APPOINTMENT, "office": "demo", "gen": 1}
    return signer.sign(claims, now=now, expires_at=now + timedelta(hours=hours))


@pytest.mark.parametrize(
    "token",
    [
        lambda: "",
        lambda: "nonsense",
        lambda: forged(),
        lambda: forged(alg_none=True),
        lambda: signed(audience="clerk"),
        lambda: signed(issuer="casework"),
        lambda: signed(hours=-1),
        lambda: signed()[:-2],
    ],
    ids=["none", "nonsense", "hs256-with-public-key", "alg-none", "audience", "issuer", "expired", "cut"],
)
async def test_a_bad_token_is_refused(client: httpx.AsyncClient, token: Callable[[], str]) -> None:
    response = await client.get("/me", headers={"Authorization": f"Bearer {token()}"})
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


async def test_a_good_token_names_the_actor_and_the_answer_is_not_stored(client: httpx.AsyncClient) -> None:
    response = await client.get("/me", headers={"Authorization": f"Bearer {signed()}"})
    assert response.json()["sub"] == APPOINTMENT
    assert response.headers["cache-control"] == "no-store"


async def test_every_route_documents_its_refusals_as_problems(app: FastAPI, client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert operations
    for operation in operations:
        assert set(operation["responses"]) >= {"4XX", "503"}
        assert "422" not in operation["responses"], "FastAPI's own shape is not what is sent"
        for status in ("4XX", "503"):
            schema = operation["responses"][status]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    problem = (await client.post("/notes", json={})).json()
    assert set(problem) <= set(document["components"]["schemas"]["Problem"]["properties"])
    assert set(problem) >= set(document["components"]["schemas"]["Problem"]["required"])


async def test_a_service_has_what_it_was_given_and_logs_in_its_name(
    app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.state.counter == "of the first floor"
    assert app.state.consumers == ()
    logging.configure("another")
    create_app("notify", app.state.settings, title="Test", migrations_dir=Path(), routers=[])
    structlog.get_logger("test").info("hello")
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["service"] == "notify"


async def test_nothing_can_be_put_where_express_routes_do_not_pass(app: FastAPI) -> None:
    with pytest.raises(TypeError, match="edge"):
        app.add_middleware(httpx.ASGITransport)  # type: ignore[arg-type]  # any class
    with pytest.raises(TypeError, match="problems"):
        app.add_exception_handler(KeyError, lambda *_: None)  # type: ignore[arg-type]  # any handler


async def test_a_socket_carries_its_trace_as_a_request_does(app: FastAPI) -> None:
    trace, sent = "4bf92f3577b34da6a3ce929d0e0e4736", list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())]
    scope = {"type": "websocket", "path": "/api/notify/talk", "headers": headers, "query_string": b""}
    await app(scope, receive, send)
    assert [message.get("text") for message in sent] == [None, trace, None]
