"""Signing in and out: passwords, tokens, throttling, rotation, and what ends a session."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import jwt
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from twin_office import Twin, move_in

from casework.app import build
from casework.clerks import passwords, store
from casework.clerks.model import ATTEMPTS, IDLE_LIFETIME, KEPT, SESSION_LIFETIME
from casework.settings import Settings

PASSWORD = " correct horse battery staple "
KARL = {"office": "heidelberg", "username": "karl", "password": PASSWORD}
BASE = "http://localhost:8080/api/casework"


@pytest.fixture
def costly_hashing() -> None:
    """Asks for passwords to be hashed as in production."""


@pytest.fixture(autouse=True)
def cheap_hashing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same Argon2id with little work: these tests are not about how long it takes."""
    if "costly_hashing" not in request.fixturenames:
        cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
        monkeypatch.setattr(passwords, "_HASHER", cheap)
    passwords._nobody.cache_clear()
    yield
    passwords._nobody.cache_clear()


@pytest.fixture
async def browser(settings: Settings, clock: Any, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the office's page, where a demo clerk exists."""
    file = tmp_path / "clerks.json"
    clerks = [{"office": "heidelberg", "username": "Karl", "name": "Karl Amt", "role": "clerk", "password": PASSWORD}]
    file.write_text(json.dumps(clerks))
    app = build(settings.model_copy(update={"demo_clerks_file": file}), clock=clock)
    async with app.router.lifespan_context(app):
        await move_in(str(settings.database_url), Twin())
        async with app.state.database.transaction() as tx:
            await tx.execute("DELETE FROM sign_in_attempt")
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            client.app = app  # type: ignore[attr-defined]
            yield client


async def sign_in(browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await browser.post("/session", json=KARL | changes)


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"schalter_session={token}"}


class TestSignIn:
    async def test_a_clerk_signs_in_and_is_known(self, browser: httpx.AsyncClient) -> None:
        answer = await sign_in(browser, username="KARL ")
        assert answer.status_code == 200
        assert answer.json()["clerk"]["name"] == "Karl Amt"
        assert answer.json()["expires_at"] == "2026-11-24T08:10:00Z"
        known = await browser.get("/session", headers=bearer(answer))
        assert known.json() == answer.json()["clerk"]

    async def test_nobody_can_read_later_who_signed_in_when(self, browser: Any, clock: Any) -> None:
        old = bearer(await sign_in(browser))
        clock.advance(seconds=KEPT.total_seconds() + 1)
        assert (await sign_in(browser)).status_code == 200
        assert (await browser.get("/session", headers=old)).status_code == 401
        async with browser.app.state.database.transaction() as tx:
            assert [row["created_at"] for row in await tx.rows("SELECT created_at FROM clerk_session")] == [clock()]

    async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, browser: httpx.AsyncClient) -> None:
        cookie = (await sign_in(browser)).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/api/casework/session" in cookie
        assert "Secure" not in cookie  # http://localhost

    async def test_over_tls_it_travels_over_tls_alone(self, settings: Settings) -> None:
        assert settings.model_copy(update={"public_url": "https://schalter.example"}).secure_cookies

    @pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}, {"office": "demo"}])
    async def test_whatever_is_wrong_the_answer_is_the_same(
        self, browser: httpx.AsyncClient, wrong: dict[str, str]
    ) -> None:
        answer = await sign_in(browser, **wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
        assert "set-cookie" not in answer.headers

    async def test_a_closed_account_is_no_different(self, browser: Any) -> None:
        async with browser.app.state.database.transaction() as tx:
            await tx.execute("UPDATE ours.clerk SET active = false")
        assert (await sign_in(browser)).json()["code"] == "sign_in_refused"
        async with browser.app.state.database.transaction() as tx:
            await tx.execute("UPDATE ours.clerk SET active = true")

    @pytest.mark.usefixtures("costly_hashing")
    async def test_time_does_not_tell_who_exists(self, browser: Any, clock: Any) -> None:
        async with browser.app.state.database.transaction() as tx:
            await store.put_account(
                tx,
                office="heidelberg",
                username="somebody",
                name="Some Body",
                role="clerk",
                password_hash=await passwords.hashed(PASSWORD),
            )

        async def seconds(username: str) -> float:
            clock.advance(minutes=20)
            started = perf_counter()
            await sign_in(browser, username=username, password="wrong")
            return perf_counter() - started

        known = [await seconds("somebody") for _ in range(3)]
        unknown = [await seconds("nobody") for _ in range(3)]
        assert 0.4 < median(known) / median(unknown) < 2.5

    async def test_another_sites_page_cannot_sign_in(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.post("/session", json=KARL, headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")

    async def test_a_changed_demo_password_counts_after_the_restart(
        self, browser: Any, settings: Settings, clock: Any, tmp_path: Path
    ) -> None:
        file = tmp_path / "changed.json"
        file.write_text(json.dumps([{**KARL, "name": "Karl A. Amt", "role": "lead", "password": "another one"}]))
        app = build(settings.model_copy(update={"demo_clerks_file": file}), clock=clock)
        async with app.router.lifespan_context(app):
            for _ in range(100):
                clock.advance(minutes=20)
                answer = await sign_in(browser, password="another one")
                if answer.status_code == 200:
                    break
        assert answer.json()["clerk"]["role"] == "lead"
        file.write_text(json.dumps([{**KARL, "name": "Karl Amt", "role": "clerk"}]))
        async with app.router.lifespan_context(app):
            while (await sign_in(browser)).status_code != 200:
                clock.advance(minutes=20)


class TestThrottling:
    async def test_guessing_is_slowed_down_and_then_goes_on(self, browser: httpx.AsyncClient, clock: Any) -> None:
        for _ in range(ATTEMPTS["name_and_address"]):
            assert (await sign_in(browser, password="wrong")).status_code == 401
        blocked = await sign_in(browser)
        assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_attempts")
        assert int(blocked.headers["retry-after"]) == 15 * 60
        clock.advance(minutes=15)
        assert (await sign_in(browser)).status_code == 200

    async def test_many_guesses_at_once_are_many_guesses(self, browser: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(sign_in(browser, password=f"guess {n}") for n in range(12)))
        codes = [answer.status_code for answer in answers]
        assert codes.count(401) <= ATTEMPTS["name_and_address"]
        assert codes.count(401) + codes.count(429) == 12

    async def test_signing_in_forgives(self, browser: httpx.AsyncClient) -> None:
        for _ in range(3):
            for _ in range(ATTEMPTS["name_and_address"] - 1):
                await sign_in(browser, password="wrong")
            assert (await sign_in(browser)).status_code == 200


class TestSession:
    async def test_refreshing_replaces_the_token(self, browser: httpx.AsyncClient, clock: Any) -> None:
        await sign_in(browser)
        before = browser.cookies["schalter_session"]
        clock.advance(minutes=9)
        answer = await browser.post("/session/refresh")
        assert answer.status_code == 200
        assert browser.cookies["schalter_session"] != before
        assert (await browser.get("/session", headers=bearer(answer))).status_code == 200

    async def test_two_tabs_may_refresh_at_once(self, browser: httpx.AsyncClient) -> None:
        await sign_in(browser)
        old = browser.cookies["schalter_session"]
        await browser.post("/session/refresh")
        newest = browser.cookies["schalter_session"]
        browser.cookies.clear()
        second = await browser.post("/session/refresh", headers=_cookie(old))
        assert second.status_code == 200
        assert "set-cookie" not in second.headers
        assert (await browser.post("/session/refresh", headers=_cookie(newest))).status_code == 200

    async def test_a_stolen_token_ends_the_session(self, browser: httpx.AsyncClient, clock: Any) -> None:
        await sign_in(browser)
        old = browser.cookies["schalter_session"]
        answer = await browser.post("/session/refresh")
        clock.advance(seconds=11)
        newest = browser.cookies["schalter_session"]
        browser.cookies.clear()
        thief = await browser.post("/session/refresh", headers=_cookie(old))
        assert (thief.status_code, thief.json()["code"]) == (401, "session_ended")
        assert (await browser.post("/session/refresh", headers=_cookie(newest))).status_code == 401
        assert (await browser.get("/session", headers=bearer(answer))).status_code == 401

    async def test_signing_out_ends_access_at_once(self, browser: httpx.AsyncClient) -> None:
        answer = await sign_in(browser)
        token = browser.cookies["schalter_session"]
        out = await browser.delete("/session")
        assert out.status_code == 204
        assert 'schalter_session=""' in out.headers["set-cookie"]
        assert (await browser.get("/session", headers=bearer(answer))).json()["code"] == "session_ended"
        assert (await browser.post("/session/refresh", headers=_cookie(token))).status_code == 401
        assert (await browser.delete("/session")).status_code == 204

    @pytest.mark.parametrize("pause", [IDLE_LIFETIME, SESSION_LIFETIME])
    async def test_sessions_end_by_themselves(self, browser: httpx.AsyncClient, clock: Any, pause: Any) -> None:
        await sign_in(browser)
        step = IDLE_LIFETIME / 2 if pause is SESSION_LIFETIME else pause
        spent = clock() + pause
        while clock() + step < spent:
            clock.now += step
            assert (await browser.post("/session/refresh")).status_code == 200
        clock.now = spent
        assert (await browser.post("/session/refresh")).status_code == 401

    async def test_a_role_taken_away_is_gone_with_the_next_request(self, browser: Any) -> None:
        answer = await sign_in(browser)
        async with browser.app.state.database.transaction() as tx:
            await tx.execute("UPDATE ours.clerk SET active = false")
        assert (await browser.get("/agenda", headers=bearer(answer))).status_code == 401
        async with browser.app.state.database.transaction() as tx:
            await tx.execute("UPDATE ours.clerk SET active = true")

    async def test_only_hashes_of_tokens_and_passwords_are_stored(self, browser: Any) -> None:
        await sign_in(browser)
        async with browser.app.state.database.transaction() as tx:
            stored = str([*await tx.rows("SELECT * FROM clerk_session"), *await tx.rows("SELECT * FROM ours.clerk")])
        assert browser.cookies["schalter_session"] not in stored
        assert PASSWORD.strip() not in stored
        assert "$argon2id$" in stored


class TestAccessToken:
    async def test_it_lives_ten_minutes(self, browser: httpx.AsyncClient, clock: Any) -> None:
        answer = await sign_in(browser)
        clock.advance(minutes=10, seconds=6)
        expired = await browser.get("/session", headers=bearer(answer))
        assert (expired.status_code, expired.json()["code"]) == (401, "token_invalid")

    async def test_it_says_who_acts_where(self, browser: httpx.AsyncClient) -> None:
        token = (await sign_in(browser)).json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert jwt.get_unverified_header(token)["alg"] == "EdDSA"
        assert (claims["aud"], claims["iss"], claims["office"], claims["role"]) == (
            "clerk",
            "casework",
            "heidelberg",
            "clerk",
        )

    async def test_forged_ones_are_refused(self, browser: httpx.AsyncClient, keys: Any, clerk_token: Any) -> None:
        token = (await sign_in(browser)).json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        forged = [
            jwt.encode(claims, "", algorithm="none"),
            jwt.encode(claims, keys.clerk.public.ljust(64, "x"), algorithm="HS256"),
            token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB"),
            clerk_token("heidelberg"),  # signed with our key, but of no session
        ]
        for bad in forged:
            assert (await browser.get("/session", headers={"Authorization": f"Bearer {bad}"})).status_code == 401


async def test_colleagues_are_the_open_accounts_of_ones_own_office(world: Any) -> None:
    me = await world.clerk(name="Karl Colleague")
    await world.clerk(name="Bea Colleague", role="lead")
    await world.clerk(office="demo", name="Fremder Colleague")
    answer = await world.client.get("/clerks", headers=me)
    clerks = [clerk for clerk in answer.json()["clerks"] if clerk["name"].endswith("Colleague")]
    assert [(clerk["name"], clerk["role"]) for clerk in clerks] == [
        ("Bea Colleague", "lead"),
        ("Karl Colleague", "clerk"),
    ]
    assert set(clerks[0]) == {"clerk_id", "name", "role"}
