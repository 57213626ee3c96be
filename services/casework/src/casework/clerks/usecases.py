"""Signing in and out. A failed try is counted although it fails, so these functions hold their own transactions."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from casework.clerks import passwords, signing_out, store
from casework.clerks.model import (
    ACCESS_LIFETIME,
    ATTEMPT_WINDOW,
    Account,
    Session,
    buckets,
    new_token,
    token_hash,
)
from casework.errors import SessionEnded, SignInRefused, TooManyAttempts
from casework.metrics import SESSIONS_STOLEN, SIGN_INS
from chassis.database import Database, Transaction
from chassis.tokens import TokenSigner
from contracts.actors import Clerk, Role
from contracts.ids import OfficeSlug

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SignedIn:
    """A fresh access token, and a fresh refresh token where one was issued."""

    account: Account
    access_token: str
    expires_at: datetime
    refresh_token: str | None


class DemoClerk(BaseModel):
    """One entry of the demo clerks' file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    office: OfficeSlug
    username: str
    name: str
    role: Role
    password: SecretStr


async def sign_in(
    database: Database,
    signer: TokenSigner,
    *,
    office: str,
    username: str,
    password: str,
    address: str,
    now: datetime,
) -> SignedIn:
    """Open a session. Raises SignInRefused, alike in words and time whatever is wrong, and TooManyAttempts."""
    username = username.lower()
    limits = buckets(office, username, address)
    async with database.transaction() as tx:
        blocked_until = await store.count_attempt(tx, limits, now, now + ATTEMPT_WINDOW)
        account = await store.account(tx, office, username)
    if blocked_until:
        seconds = max(1, int((blocked_until - now).total_seconds()))
        SIGN_INS.labels("locked").inc()
        log.warning("sign_in_throttled", office=office)
        raise TooManyAttempts("Please wait before you try again.", headers={"Retry-After": str(seconds)})
    # No transaction is open while the password is checked: that takes a tenth of a second.
    fits = await passwords.matches(password, account.password_hash if account else None)
    if account is None or not fits or not account.active:
        SIGN_INS.labels("refused").inc()
        log.info("sign_in_refused", office=office)
        raise SignInRefused("Please check name and password.")
    token = new_token()
    session = Session(uuid4(), account.clerk_id, token_hash(token), created_at=now, rotated_at=now)
    async with database.transaction() as tx:
        if not await store.same_account(tx, account):  # closed, or given another password, in this tenth of a second
            SIGN_INS.labels("refused").inc()
            raise SignInRefused("Please check name and password.")
        await store.forget_attempts(tx, limits, now)
        await store.add_session(tx, session)
        tx.count(SIGN_INS.labels("done"))
    return _signed_in(signer, account, session, token, now)


async def refresh(database: Database, signer: TokenSigner, token: str, now: datetime) -> SignedIn:
    """A new access token for a refresh token, which is replaced. Raises SessionEnded.

    A refresh token that was replaced before ends its session: somebody has a copy.
    """
    stolen = False
    async with database.transaction() as tx:
        session = await store.session_with(tx, token_hash(token))
        if session is None:
            raise SessionEnded("You are signed out.")
        session.require_alive(now)
        account = await store.account_of(tx, session.clerk_id)
        fresh: str | None = None
        match session.judge(token, now):
            case "current":
                fresh = session.rotate(now)
            case "stolen":
                session.revoked_at, stolen = now, True
                tx.count(SESSIONS_STOLEN)
                if account:
                    await signing_out.told(tx, account.office, account.clerk_id, [session.session_id], now)
        await store.save_session(tx, session)
    if stolen or account is None or not account.active:
        log.warning("session_revoked", clerk_id=str(session.clerk_id), stolen=stolen)
        raise SessionEnded("You are signed out.")
    return _signed_in(signer, account, session, fresh, now)


async def sign_out(tx: Transaction, token: str | None, now: datetime) -> None:
    """End the session of this refresh token, and with it its access tokens here. Signing out twice is fine."""
    session = await store.session_with(tx, token_hash(token)) if token else None
    if session and session.revoked_at is None:
        session.revoked_at = now
        await store.save_session(tx, session)
        if account := await store.account_of(tx, session.clerk_id):
            await signing_out.told(tx, account.office, account.clerk_id, [session.session_id], now)


async def colleagues(tx: Transaction, clerk: Clerk) -> list[Account]:
    """The accounts of the clerk's own office that can sign in, by name. Nobody sees another office's people."""
    return await store.open_accounts(tx, clerk.office)


async def require_session(tx: Transaction, session_id: UUID, now: datetime) -> Account:
    """The account behind a live session, as it is now: a role taken away is gone with the next request."""
    session = await store.session(tx, session_id)
    if session is None:
        raise SessionEnded("You are signed out.")
    session.require_alive(now)
    account = await store.account_of(tx, session.clerk_id)
    if account is None or not account.active:
        raise SessionEnded("This account is closed.")
    return account


def read_demo_clerks(file: Path) -> list[DemoClerk]:
    """The demo clerks of `file`. Raises ValueError naming what is wrong."""
    return TypeAdapter(list[DemoClerk]).validate_python(json.loads(file.read_text(encoding="utf-8")))


async def add_demo_clerks(database: Database, clerks: list[DemoClerk]) -> None:
    """Create the accounts that do not exist yet."""
    for clerk in clerks:
        async with database.transaction() as tx:
            known = await store.account(tx, clerk.office, clerk.username.lower())
        if known is None:
            await _put(database, clerk, await passwords.hashed(clerk.password.get_secret_value()))


async def update_demo_clerks(database: Database, clerks: list[DemoClerk]) -> None:
    """Bring existing accounts up to date. Checking passwords takes a while, so this runs beside the service."""
    for clerk in clerks:
        password = clerk.password.get_secret_value()
        async with database.transaction() as tx:
            known = await store.account(tx, clerk.office, clerk.username.lower())
        same = known is not None and await passwords.matches(password, known.password_hash)
        await _put(database, clerk, None if same else await passwords.hashed(password))


async def close_demo_clerks(database: Database, clerks: list[DemoClerk], now: datetime) -> None:
    """Close the accounts that still have the password of a trial, and end their sessions."""
    for clerk in clerks:
        async with database.transaction() as tx:
            known = await store.account(tx, clerk.office, clerk.username.lower())
        if known and known.active and await passwords.matches(clerk.password.get_secret_value(), known.password_hash):
            async with database.transaction() as tx:
                await store.set_active(tx, known.clerk_id, active=False)
                await signing_out.everywhere(tx, known, now)


async def _put(database: Database, clerk: DemoClerk, password_hash: str | None) -> None:
    async with database.transaction() as tx:
        await store.put_account(
            tx,
            office=clerk.office,
            username=clerk.username.lower(),
            name=clerk.name,
            role=clerk.role,
            password_hash=password_hash,
        )


def _signed_in(
    signer: TokenSigner, account: Account, session: Session, refresh_token: str | None, now: datetime
) -> SignedIn:
    expires_at = now + ACCESS_LIFETIME
    claims = {
        "sub": str(account.clerk_id),
        "sid": str(session.session_id),
        "office": account.office,
        "role": account.role,
        "display_name": account.name,
    }
    access_token = signer.sign(claims, now=now, expires_at=expires_at)
    return SignedIn(account, access_token, expires_at, refresh_token)
