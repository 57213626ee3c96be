"""What operators do with accounts: who may sign in, and who may no longer."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI

from casework.app import build
from casework.clerks import accounts, passwords, signing_out
from casework.clerks.accounts import AccountError, Named
from casework.clerks.model import IDLE_LIFETIME, SESSION_LIFETIME
from casework.settings import FirstClerk, Settings
from contracts.actors import Role

BASE = "http://localhost:8080/api/casework"
WHO = Named("heidelberg", "erika.amt")
FIRST, SECOND = "abcd-efgh-jkmn-pqrs", "tuvw-xyz2-3456-789a"


@pytest.fixture
async def app(settings: Settings, clock: Any) -> AsyncIterator[FastAPI]:
    app = build(settings, clock=clock)
    async with app.router.lifespan_context(app):
        async with app.state.database.transaction() as tx:
            await tx.execute("DELETE FROM sign_in_attempt")
            await tx.execute("TRUNCATE clerk CASCADE")
        await accounts.add(app.state.database, WHO, " Erika  Amt ", "lead", FIRST)
        yield app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, password: str) -> httpx.Response:
    body = {"office": WHO.office, "username": "Erika.Amt", "password": password}
    return await browser.post("/session", json=body)


async def test_a_new_account_signs_in_with_its_name_and_role(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, FIRST)
    assert answer.status_code == 200, answer.text
    clerk = answer.json()["clerk"]
    assert (clerk["name"], clerk["role"], clerk["office"]) == ("Erika Amt", "lead", "heidelberg")


async def test_a_new_password_ends_sessions_and_the_old_password(app: FastAPI, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, FIRST)
    await accounts.reset(app.state.database, WHO, SECOND, app.state.clock())
    assert (await browser.post("/session/refresh")).status_code == 401
    assert (await sign_in(browser, FIRST)).status_code == 401
    assert (await sign_in(browser, SECOND)).status_code == 200


async def test_a_closed_account_is_signed_out_and_opens_with_its_old_password(
    app: FastAPI, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, FIRST)
    await accounts.disable(app.state.database, WHO, app.state.clock())
    assert (await browser.post("/session/refresh")).status_code == 401
    assert (await sign_in(browser, FIRST)).status_code == 401
    await accounts.enable(app.state.database, WHO)
    assert (await browser.post("/session/refresh")).status_code == 401
    assert (await sign_in(browser, FIRST)).status_code == 200


async def ended(app: FastAPI) -> list[str]:
    """The sessions of which the other services hear that they are over, in that order."""
    async with app.state.database.transaction() as tx:
        rows = await tx.rows("SELECT body FROM outbox WHERE subject = 'casework.sessions_ended.v1' ORDER BY id")
    return [session for row in rows for session in json.loads(row["body"])["sessions"]]


def session_of(answer: httpx.Response) -> str:
    return str(jwt.decode(answer.json()["access_token"], options={"verify_signature": False})["sid"])


@pytest.mark.parametrize("how", ["reset", "disable", "sign out", "stolen", "expired"])
async def test_the_other_services_hear_which_sessions_are_over(
    app: FastAPI, browser: httpx.AsyncClient, clock: Any, how: str
) -> None:
    database, before = app.state.database, len(await ended(app))
    mine = session_of(await sign_in(browser, FIRST))
    cookie = dict(browser.cookies)
    assert (await ended(app))[before:] == []
    match how:
        case "reset":
            await accounts.reset(database, WHO, SECOND, clock())
        case "disable":
            await accounts.disable(database, WHO, clock())
        case "sign out":
            await browser.delete("/session")
        case "stolen":
            await browser.post("/session/refresh")
            clock.advance(seconds=30)
            browser.cookies.clear()
            browser.cookies.update(cookie)
            assert (await browser.post("/session/refresh")).status_code == 401
        case "expired":
            await signing_out.expire(database, [WHO.office], clock() + IDLE_LIFETIME - timedelta(seconds=1))
            assert (await ended(app))[before:] == []
            await signing_out.expire(database, ["demo"], clock() + SESSION_LIFETIME)
            assert (await ended(app))[before:] == [], "another office's"
            await signing_out.expire(database, [WHO.office], clock() + IDLE_LIFETIME)
    assert (await ended(app))[before:] == [mine]


async def test_a_closed_account_gets_no_new_password(app: FastAPI) -> None:
    await accounts.disable(app.state.database, WHO, app.state.clock())
    with pytest.raises(AccountError, match="is closed"):
        await accounts.reset(app.state.database, WHO, SECOND, app.state.clock())


async def test_the_list_has_closed_accounts_too_and_no_other_offices(app: FastAPI) -> None:
    database = app.state.database
    await accounts.add(database, Named("heidelberg", "anna"), "Anna", "clerk", FIRST)
    await accounts.add(database, Named("demo", "zoe"), "Zoe", "clerk", FIRST)
    await accounts.disable(database, Named("heidelberg", "anna"), app.state.clock())
    found = await accounts.listed(database, "heidelberg")
    assert [(username, account.active) for username, account in found] == [("anna", False), ("erika.amt", True)]


async def test_closing_an_account_tells_how_many_are_left_who_decide(app: FastAPI) -> None:
    database, now = app.state.database, app.state.clock()
    roles: dict[str, Role] = {"zoe": "clerk", "anna": "lead", "otto": "admin"}
    for username, role in roles.items():
        await accounts.add(database, Named("demo", username), username.title(), role, FIRST)
    await accounts.add(database, Named("heidelberg", "elsewhere"), "Elsewhere", "lead", FIRST)
    assert [await accounts.disable(database, Named("demo", name), now) for name in ("zoe", "anna", "otto")] == [2, 1, 0]


async def test_two_accounts_of_one_name_are_refused_in_one_office_and_fine_in_two(app: FastAPI) -> None:
    database = app.state.database
    with pytest.raises(AccountError, match="reset"):
        await accounts.add(database, WHO, "Another", "clerk", SECOND)
    await accounts.disable(database, WHO, app.state.clock())
    with pytest.raises(AccountError, match="enable"):
        await accounts.add(database, WHO, "Another", "clerk", SECOND)
    await accounts.add(database, Named("demo", WHO.username), "Another", "clerk", SECOND)
    assert [account.name for _, account in await accounts.listed(database, "heidelberg")] == ["Erika Amt"]


@pytest.mark.parametrize("act", ["reset", "disable", "enable"])
async def test_who_is_not_there_is_named(app: FastAPI, act: str) -> None:
    nobody = Named("demo", WHO.username)
    more = {"reset": (SECOND, app.state.clock()), "disable": (app.state.clock(),), "enable": ()}[act]
    with pytest.raises(AccountError, match="demo has no account"):
        await getattr(accounts, act)(app.state.database, nobody, *more)


async def test_the_first_clerk_of_an_installation_is_added_once(settings: Settings, clock: Any) -> None:
    first = {"office": "demo", "username": "first", "name": "First", "password_hash": await passwords.hashed(FIRST)}
    settings = settings.model_copy(update={"first_clerk": FirstClerk.model_validate(first)})
    for expected in (True, False):  # the second start finds the account closed, and leaves it so
        app = build(settings, clock=clock)
        async with app.router.lifespan_context(app):
            found = dict(await accounts.listed(app.state.database, "demo"))["first"]
            assert (found.role, found.active) == ("lead", expected)
            await accounts.disable(app.state.database, Named("demo", "first"), clock())


async def test_a_production_closes_the_accounts_of_the_trial_before_it(
    settings: Settings, clock: Any, tmp_path: Path
) -> None:
    """But not one that an operator has given another password since."""
    trial = [
        {"office": "demo", "username": name, "name": name, "role": "clerk", "password": FIRST}
        for name in ("left.over", "taken.over")
    ]
    file = tmp_path / "clerks.json"
    file.write_text(json.dumps(trial))
    app = build(settings.model_copy(update={"demo_clerks_file": file}), clock=clock)
    async with app.router.lifespan_context(app):
        await accounts.reset(app.state.database, Named("demo", "taken.over"), SECOND, clock())
    app = build(settings.model_copy(update={"former_demo_clerks_file": file}), clock=clock)
    async with app.router.lifespan_context(app):
        found = {name: account.active for name, account in await accounts.listed(app.state.database, "demo")}
    assert (found["left.over"], found["taken.over"]) == (False, True)


async def test_of_two_operators_who_add_one_name_at_once_one_is_refused(app: FastAPI) -> None:
    who = Named("demo", "jonas.weber")
    both = (
        accounts.add(app.state.database, who, "Jonas", "lead", FIRST),
        accounts.add(app.state.database, who, "Joachim", "clerk", SECOND),
    )
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["AccountError", "NoneType"]


@pytest.mark.parametrize("act", ["reset", "disable"])
async def test_a_sign_in_that_a_change_overtakes_is_refused(
    app: FastAPI, browser: httpx.AsyncClient, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passwords.matches

    async def meanwhile(password: str, password_hash: str | None) -> bool:
        fits = await real(password, password_hash)
        more = (SECOND, app.state.clock()) if act == "reset" else (app.state.clock(),)
        await getattr(accounts, act)(app.state.database, WHO, *more)
        return fits

    monkeypatch.setattr(passwords, "matches", meanwhile)
    assert (await sign_in(browser, FIRST)).status_code == 401


@pytest.mark.parametrize("username", ["", "x", "erika amt", "érika", "-erika", "erika@town.example", "a" * 101])
def test_a_user_name_can_be_typed_everywhere(username: str) -> None:
    with pytest.raises(AccountError, match="is no user name"):
        Named.of("demo", username)


def test_a_user_name_is_lower_case() -> None:
    assert Named.of("demo", " Erika.Amt ") == Named("demo", "erika.amt")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_a_clerk_has_a_name(app: FastAPI, name: str) -> None:
    with pytest.raises(AccountError, match="200 characters"):
        await accounts.add(app.state.database, Named("demo", "nameless"), name, "clerk", FIRST)
