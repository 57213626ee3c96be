"""Domain errors and how they leave a service: RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """One field that was refused. `field` is its dotted path in the request.

    `code` says why to programs, which have words of their own for it; without one there is only the message.
    """

    field: str
    message: str
    code: str = ""

    def body(self) -> dict[str, JsonValue]:
        """As it stands in the problem document."""
        body: dict[str, JsonValue] = {"field": self.field, "message": self.message}
        return body | {"code": self.code} if self.code else body


class Problem(Exception):
    """A refusal with a stable `code` for programs, an HTTP `status`, and a detail that says what to do.

    Services subclass it in model.py; plain Python code raises it and never touches a framework.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: JsonValue,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> dict[str, JsonValue]:
        """The problem document."""
        body: dict[str, JsonValue] = {
            "type": f"urn:schalter:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "correlation_id": structlog.contextvars.get_contextvars().get("correlation_id"),
        }
        if self.errors:
            body["errors"] = [error.body() for error in self.errors]
        return body | self.extra


class InvalidRequest(Problem):
    code, status, title = "invalid_request", 422, "The request is not valid"


class Unauthenticated(Problem):
    code, status, title = "token_invalid", 401, "The link or sign-in is missing or not valid"


class NotFound(Problem):
    code, status, title = "not_found", 404, "There is nothing here"


class TooLarge(Problem):
    code, status, title = "too_large", 413, "The request is too large"


class TooSlow(Problem):
    code, status, title = "too_slow", 408, "The request did not arrive in time"


class Busy(Problem):
    code, status, title = "busy", 503, "Too much is going on; please try again in a moment"

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


#: What is safe to do when nobody knows what has become of a request.
_UNKNOWN: Final = (
    "It is not known whether this was done. Please send it again, with the same Idempotency-Key if it had one."
)

#: 08 connection, 53 resources, 57P restarting, 40 serialisation and deadlock
_TRANSIENT_STATES: Final = ("08", "53", "57P", "40")


def is_transient(error: BaseException) -> bool:
    """Whether `error` is the database's or the network's passing trouble, not the request's or the code's fault."""
    if isinstance(error, OSError | Busy | InterfaceError | OperationalError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a closed connection, but not an argument of the wrong type
    # A connection that is being closed by the server; a table that a migration has changed: it is planned anew.
    if isinstance(error, asyncpg.InternalClientError | asyncpg.InvalidCachedStatementError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(_TRANSIENT_STATES)
    if isinstance(error, DBAPIError):  # what went through an ORM session
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return error.connection_invalidated or state.startswith(_TRANSIENT_STATES)
    return False


def _is_lost(error: BaseException) -> bool:
    """Whether the way to the database broke: then nobody knows whether what was asked last was done."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or bool(
            error.orig and error.orig.__cause__ and _is_lost(error.orig.__cause__)
        )
    lost = TimeoutError | asyncpg.PostgresConnectionError | asyncpg.InterfaceError | asyncpg.InternalClientError
    return isinstance(error, lost)


def trouble(error: BaseException) -> str | None:
    """Which of metrics.DATABASE_ERROR_KINDS an error of a transaction is; None if the transaction is to blame."""
    match error:
        case Busy():
            return None  # counted where it is raised, if it is the pool's
        case TimeoutError() | asyncpg.QueryCanceledError():
            return "timeout"
        case DBAPIError() if error.orig and error.orig.__cause__:  # what went through an ORM session
            return trouble(error.orig.__cause__)
        case asyncpg.PostgresError() if str(error.sqlstate or "").startswith("53"):
            return "busy"
        case asyncpg.PostgresError() if str(error.sqlstate or "").startswith("40"):
            return "conflict"
    return "away" if is_transient(error) else None


def respond(problem: Problem) -> JSONResponse:
    """`problem` as a response."""
    return JSONResponse(problem.body(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document; unexpected ones are logged and say nothing of the inside."""

    # What can be trouble that passes is named: Starlette raises again whatever only the handler of `Exception` took, so
    # that a busy database would fill the log with tracebacks and close the client's connection.
    @app.exception_handler(Problem)
    @app.exception_handler(RequestValidationError)
    @app.exception_handler(HTTPException)
    @app.exception_handler(DBAPIError)
    @app.exception_handler(asyncpg.PostgresError)
    @app.exception_handler(asyncpg.InterfaceError)
    @app.exception_handler(asyncpg.InternalClientError)
    @app.exception_handler(OSError)
    @app.exception_handler(Exception)
    async def _answer(_: Request, error: Exception) -> JSONResponse:
        return answer(error)


def answer(error: Exception) -> JSONResponse:
    """The problem document for whatever was raised while a request was answered."""
    match error:
        case Problem():
            return respond(error)
        case RequestValidationError():
            errors = [FieldError(".".join(map(str, e["loc"][1:])), e["msg"], e["type"]) for e in error.errors()]
            named = ", ".join(sorted({e.field for e in errors if e.field})) or "the body"
            return respond(InvalidRequest(f"Please correct: {named}.", errors=errors))
        case HTTPException():
            body = Problem(str(error.detail)).body()
            phrase = HTTPStatus(error.status_code).phrase
            code = phrase.lower().replace(" ", "_").replace("-", "_")
            body |= {"type": f"urn:schalter:problem:{code}", "code": code, "status": error.status_code, "title": phrase}
            return JSONResponse(body, error.status_code, headers=dict(error.headers or {}), media_type=MEDIA_TYPE)
        case _:
            return respond(unexpected(error))


def unexpected(error: Exception) -> Problem:
    """The problem for an error nobody raised on purpose: 503 when it will pass, otherwise 500. Logs the latter.

    PostgreSQL's text knows no NUL, and JSON does: which field it came in is not known here, only that it was sent.
    """
    if is_transient(error):
        log.warning("unavailable", error=type(error).__name__)
        return Busy(_UNKNOWN if _is_lost(error) else "")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return InvalidRequest("The character NUL (U+0000) cannot be stored; please leave it out.")
    log.error("unexpected_error", exc_info=error)
    return Problem("Please try again. If it happens again, tell us the number below.")
