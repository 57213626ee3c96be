"""Repeating a write repeats its answer, not its effect (draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final, TypeVar

from fastapi import Header
from pydantic import BaseModel

from chassis.database import Transaction
from chassis.problems import Problem

M = TypeVar("M", bound=BaseModel)

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=128, pattern=r"^[\x21-\x7e]+$")
]


#: For a hot path that keeps the answer within a statement of its own: `f"{KEEP} FROM booked"`, with `kept_parameters`.
#: A key that was used before is asyncpg.UniqueViolationError; nothing of the statement stays, and `once` knows more.
KEEP: Final = """
    INSERT INTO idempotent_answers (scope, key, request_hash, answer, created_at)
    SELECT :kept_scope, :kept_key, :kept_hash, CAST(:kept_answer AS jsonb), :now"""


class IdempotencyMismatch(Problem):
    code, status, title = "idempotency_mismatch", 422, "This Idempotency-Key was used for another request"


async def once(
    tx: Transaction,
    *,
    scope: str,
    key: str,
    request: BaseModel,
    now: datetime,
    answer: type[M],
    act: Callable[[], Awaitable[M]],
) -> M:
    """The answer of `act`, done once per `scope` and `key`; a repetition gets the stored answer.

    A concurrent repetition waits for the first to commit (unique index). When `act` raises, the key is free again.
    Raises IdempotencyMismatch when the key comes back with another request.
    """
    digest = _digest(request)
    fresh = await tx.execute(
        "INSERT INTO idempotent_answers (scope, key, request_hash, created_at) VALUES (:scope, :key, :digest, :now)"
        " ON CONFLICT DO NOTHING",
        scope=scope,
        key=key,
        digest=digest,
        now=now,
    )
    if not fresh:
        row = await tx.row(
            "SELECT request_hash, answer FROM idempotent_answers WHERE scope = :scope AND key = :key",
            scope=scope,
            key=key,
        )
        if row is None or bytes(row["request_hash"]) != digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for a new request.")
        return answer.model_validate(row["answer"])
    result = await act()
    await tx.execute(
        "UPDATE idempotent_answers SET answer = CAST(:answer AS jsonb) WHERE scope = :scope AND key = :key",
        answer=result.model_dump_json(),
        scope=scope,
        key=key,
    )
    return result


async def known(tx: Transaction, *, scope: str, key: str) -> bool:
    """Whether a request with this `key` was answered before, as far as is committed."""
    sql = "SELECT true AS known FROM idempotent_answers WHERE scope = :scope AND key = :key"
    return await tx.row(sql, scope=scope, key=key) is not None


def kept_parameters(scope: str, key: str, request: BaseModel, answer: BaseModel) -> dict[str, object]:
    """The parameters of KEEP, but for `now`."""
    return {
        "kept_scope": scope,
        "kept_key": key,
        "kept_hash": _digest(request),
        "kept_answer": answer.model_dump_json(),
    }


def _digest(request: BaseModel) -> bytes:
    return hashlib.sha256(request.model_dump_json().encode()).digest()
