"""Who asks: the dependencies by which routes name their actor."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from casework.clerks import usecases
from chassis.http import Now, Tx, bearer
from chassis.problems import Unauthenticated
from contracts.actors import Citizen, Clerk
from contracts.ids import ClerkId


class _AccessToken(Clerk):
    """A clerk's token as its issuer reads it: with the session that it belongs to."""

    sid: UUID | None = None


async def _signed_in(token: Annotated[_AccessToken, Depends(bearer(_AccessToken))], tx: Tx, now: Now) -> Clerk:
    """The clerk behind a live session. Other services trust the token for its ten minutes; its issuer looks."""
    if token.sid is None:
        raise Unauthenticated("Please sign in again.")
    account = await usecases.require_session(tx, token.sid, now)
    return Clerk(sub=ClerkId(account.clerk_id), office=account.office, role=account.role, display_name=account.name)


SignedInClerk = Annotated[Clerk, Depends(_signed_in)]
LinkHolder = Annotated[Citizen, Depends(bearer(Citizen))]
