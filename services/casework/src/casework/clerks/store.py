"""Accounts, sessions and counted attempts in PostgreSQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlmodel import or_, select

from casework.clerks.model import IDLE_LIFETIME, KEPT, SESSION_LIFETIME, Account, Session
from casework.tables import ClerkRow, SessionRow
from chassis.database import Transaction
from contracts.actors import Role


async def account(tx: Transaction, office: str, username: str) -> Account | None:
    """The account with this name, open or not."""
    query = select(ClerkRow).where(ClerkRow.office == office, ClerkRow.username == username)
    row = (await tx.session.exec(query)).first()
    return _account(row) if row else None


async def same_account(tx: Transaction, account: Account) -> bool:
    """Whether `account` is still open with the password it had, now and until the transaction ends."""
    row = await tx.row("SELECT password_hash, active FROM clerk WHERE clerk_id = :id FOR SHARE", id=account.clerk_id)
    return row is not None and bool(row["active"]) and row["password_hash"] == account.password_hash


async def account_of(tx: Transaction, clerk_id: UUID) -> Account | None:
    """The account with this id, open or not."""
    row = await tx.session.get(ClerkRow, clerk_id)
    return _account(row) if row else None


async def open_accounts(tx: Transaction, office: str) -> list[Account]:
    """The office's accounts that can sign in, by name."""
    query = (
        select(ClerkRow).where(ClerkRow.office == office, ClerkRow.active).order_by(ClerkRow.name, ClerkRow.username)
    )
    return [_account(row) for row in await tx.session.exec(query)]


async def accounts(tx: Transaction, office: str) -> list[tuple[str, Account]]:
    """All accounts of the office, each with its user name, by user name."""
    rows = await tx.rows("SELECT * FROM clerk WHERE office = :office ORDER BY username", office=office)
    return [(row["username"], _account(ClerkRow(**row))) for row in rows]


async def set_password(tx: Transaction, clerk_id: UUID, password_hash: str) -> None:
    """From now on the account has this password."""
    await tx.execute("UPDATE clerk SET password_hash = :hash WHERE clerk_id = :id", hash=password_hash, id=clerk_id)


async def deciding(tx: Transaction, office: str) -> int:
    """How many leads and admins of `office` can sign in."""
    row = await tx.row(
        "SELECT count(*) AS n FROM clerk WHERE office = :office AND active AND role IN ('lead', 'admin')", office=office
    )
    assert row is not None, "an aggregate has one row"
    return int(row["n"])


async def set_active(tx: Transaction, clerk_id: UUID, *, active: bool) -> None:
    """Whether the account can sign in."""
    await tx.execute("UPDATE clerk SET active = :active WHERE clerk_id = :id", active=active, id=clerk_id)


async def end_sessions(tx: Transaction, clerk_id: UUID, now: datetime) -> list[UUID]:
    """Ends all sessions of the account; which ones they were."""
    rows = await tx.rows(
        "UPDATE clerk_session SET revoked_at = :now WHERE clerk_id = :id AND revoked_at IS NULL RETURNING session_id",
        now=now,
        id=clerk_id,
    )
    return [row["session_id"] for row in rows]


async def end_expired(tx: Transaction, office: str, now: datetime) -> list[tuple[UUID, UUID]]:
    """Ends the sessions of `office` that nobody used for too long, or that are too old; whose they were, and which."""
    rows = await tx.rows(
        """
        UPDATE clerk_session AS s SET revoked_at = :now FROM clerk AS c
        WHERE c.clerk_id = s.clerk_id AND c.office = :office AND s.revoked_at IS NULL
          AND (s.rotated_at <= :unused OR s.created_at <= :old)
        RETURNING s.clerk_id, s.session_id
        """,
        office=office,
        now=now,
        unused=now - IDLE_LIFETIME,
        old=now - SESSION_LIFETIME,
    )
    return [(row["clerk_id"], row["session_id"]) for row in rows]


async def add_account(
    tx: Transaction, *, office: str, username: str, name: str, role: Role, password_hash: str
) -> bool:
    """Add the account; False when the office has one of this name."""
    return bool(
        await tx.execute(
            """
            INSERT INTO clerk (clerk_id, office, username, name, role, password_hash, active)
            VALUES (:clerk_id, :office, :username, :name, :role, :password_hash, true)
            ON CONFLICT ON CONSTRAINT clerk_username DO NOTHING
            """,
            clerk_id=uuid4(),
            office=office,
            username=username,
            name=name,
            role=role,
            password_hash=password_hash,
        )
    )


async def put_account(
    tx: Transaction, *, office: str, username: str, name: str, role: Role, password_hash: str | None
) -> None:
    """Add the account, or bring it up to date; without `password_hash` its password stays."""
    await tx.execute(
        """
        INSERT INTO clerk (clerk_id, office, username, name, role, password_hash, active)
        VALUES (:clerk_id, :office, :username, :name, :role, COALESCE(:password_hash, ''), true)
        ON CONFLICT ON CONSTRAINT clerk_username DO UPDATE
        SET name = EXCLUDED.name, role = EXCLUDED.role,
            password_hash = COALESCE(:password_hash, clerk.password_hash)
        """,
        clerk_id=uuid4(),
        office=office,
        username=username,
        name=name,
        role=role,
        password_hash=password_hash,
    )


async def names(tx: Transaction, clerk_ids: set[UUID]) -> dict[UUID, str]:
    """The names of these clerks."""
    rows = await tx.rows("SELECT clerk_id, name FROM clerk WHERE clerk_id = ANY(:ids)", ids=list(clerk_ids))
    return {row["clerk_id"]: row["name"] for row in rows}


async def count_attempt(tx: Transaction, limits: Mapping[str, int], now: datetime, until: datetime) -> datetime | None:
    """Count one try in every bucket of `limits`; the end of the longest window that is used up, or None.

    Counted before the password is looked at: a hundred tries at once are a hundred tries.
    """
    blocked = None
    for bucket in sorted(limits):  # in one order everywhere, so that two tries cannot deadlock
        row = await tx.row(
            """
            INSERT INTO sign_in_attempt AS a (bucket, tries, until) VALUES (:bucket, 1, :until)
            ON CONFLICT (bucket) DO UPDATE
            SET tries = CASE WHEN a.until <= :now THEN 1 ELSE a.tries + 1 END,
                until = CASE WHEN a.until <= :now THEN :until ELSE a.until END
            RETURNING tries, until
            """,
            bucket=bucket,
            now=now,
            until=until,
        )
        assert row is not None
        if row["tries"] > limits[bucket]:
            blocked = max(blocked or row["until"], row["until"])
    return blocked


async def forget_attempts(tx: Transaction, buckets: Mapping[str, int], now: datetime) -> None:
    """After a sign-in that succeeded: its buckets start anew, and windows long over are cleared away."""
    await tx.execute(
        "DELETE FROM sign_in_attempt WHERE bucket = ANY(:buckets) OR until <= :now", buckets=list(buckets), now=now
    )


async def add_session(tx: Transaction, session: Session) -> None:
    """Store a new session. Those that are over whatever happened in them are forgotten: they tell who worked when."""
    before = session.created_at - KEPT
    await tx.execute("DELETE FROM clerk_session WHERE created_at < :before", before=before)
    tx.session.add(SessionRow(**vars(session)))
    await tx.session.flush()


async def session_with(tx: Transaction, hash_of_token: str) -> Session | None:
    """The session whose newest or last refresh token has this hash, locked."""
    matching = or_(SessionRow.token_hash == hash_of_token, SessionRow.previous_hash == hash_of_token)
    row = (await tx.session.exec(select(SessionRow).where(matching).with_for_update())).first()
    return Session(**row.model_dump()) if row else None


async def session(tx: Transaction, session_id: UUID) -> Session | None:
    """The session with this id."""
    row = await tx.session.get(SessionRow, session_id)
    return Session(**row.model_dump()) if row else None


async def save_session(tx: Transaction, changed: Session) -> None:
    """Store what changed in a session."""
    row = await tx.session.get_one(SessionRow, changed.session_id)
    for name, value in vars(changed).items():
        setattr(row, name, value)
    await tx.session.flush()


def _account(row: ClerkRow) -> Account:
    return Account(row.clerk_id, row.office, row.name, cast(Role, row.role), row.password_hash, row.active)
