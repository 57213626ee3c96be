"""What HTTP doors share: bodies, the request's transaction, the present instant, the actor."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, ClassVar, Protocol, TypeVar

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict

from chassis.database import Transaction
from chassis.problems import Unauthenticated


class Body(BaseModel):
    """A request body: unknown fields are refused by name, strings are trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True, hide_input_in_errors=True)


async def _transaction(request: Request) -> AsyncIterator[Transaction]:
    async with request.app.state.database.transaction() as tx:
        yield tx


# A coroutine, like every dependency here: FastAPI would send a plain function through a thread, for every request.
async def _now(request: Request) -> datetime:
    instant: datetime = request.app.state.clock()
    return instant


#: One transaction per request. `scope="function"` commits before the answer leaves: nobody hears "booked" too early.
Tx = Annotated[Transaction, Depends(_transaction, scope="function")]
Now = Annotated[datetime, Depends(_now)]


class Claims(Protocol):
    """A token's claims: a model that knows for whom the token is."""

    AUDIENCE: ClassVar[str]

    @classmethod
    def model_validate(cls, obj: object) -> "Claims": ...


C = TypeVar("C", bound=BaseModel)


def bearer(claims: type[C]) -> Callable[..., Awaitable[C]]:
    """A dependency that requires a valid token and gives its claims. Raises Unauthenticated (401).

    The verifier is the one that the composition root registered under `claims.AUDIENCE`.
    """
    audience: str = claims.AUDIENCE  # type: ignore[attr-defined] # every model of claims has one (Claims)
    scheme = HTTPBearer(auto_error=False, scheme_name=audience, bearerFormat="JWT")

    async def actor(
        request: Request, now: Now, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(scheme)]
    ) -> C:
        if credentials is None:
            raise Unauthenticated("Please open the link again, or sign in.", headers={"WWW-Authenticate": "Bearer"})
        verifier = request.app.state.verifiers[audience]
        return claims.model_validate(verifier.verify(credentials.credentials, now=now))

    return actor
