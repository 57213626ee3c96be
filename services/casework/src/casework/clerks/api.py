"""The HTTP door for clerks' sessions. The refresh token lives in a cookie that no script can read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from casework.clerks import usecases
from casework.clerks.access import SignedInClerk
from casework.clerks.model import SESSION_LIFETIME, Account
from casework.clerks.usecases import SignedIn
from casework.errors import ForeignOrigin, SessionEnded
from chassis.http import Now, Tx
from contracts.actors import Clerk, Role
from contracts.base import Instant
from contracts.ids import OfficeSlug

COOKIE = "schalter_session"
_PATH = "/api/casework/session"

router = APIRouter(prefix="/session", tags=["session"])
colleagues = APIRouter(prefix="/clerks", tags=["clerks"])
RefreshToken = Annotated[str | None, Cookie(alias=COOKIE, max_length=200)]


class Credentials(BaseModel):
    """What a clerk signs in with. The password is taken as it is typed, spaces and all."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    office: OfficeSlug
    username: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class ClerkView(BaseModel):
    """The clerk who is signed in."""

    clerk_id: UUID
    name: str
    role: Role
    office: str


class SessionView(BaseModel):
    """An access token for ten minutes, sent as `Authorization: Bearer` to every service."""

    access_token: str
    expires_at: Instant
    clerk: ClerkView


def _require_same_origin(request: Request) -> None:
    """Refuse what another site made the browser send; SameSite=Strict does so already, where it is known."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise ForeignOrigin("Sign in on the office's own page.")


@router.post("")
async def sign_in(credentials: Credentials, request: Request, response: Response, now: Now) -> SessionView:
    """Sign in with name and password."""
    _require_same_origin(request)
    signed_in = await usecases.sign_in(
        request.app.state.database,
        request.app.state.clerk_signer,
        office=credentials.office,
        username=credentials.username.strip(),
        password=credentials.password.get_secret_value(),
        address=request.client.host if request.client else "",
        now=now,
    )
    return _answer(request, response, signed_in)


@router.post("/refresh")
async def refresh(request: Request, response: Response, now: Now, token: RefreshToken = None) -> SessionView:
    """A new access token for the cookie of a session, which is replaced."""
    _require_same_origin(request)
    if token is None:
        raise SessionEnded("You are signed out.")
    state = request.app.state
    return _answer(request, response, await usecases.refresh(state.database, state.clerk_signer, token, now))


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(request: Request, response: Response, tx: Tx, now: Now, token: RefreshToken = None) -> None:
    """Sign out here: the session of the cookie ends."""
    _require_same_origin(request)
    await usecases.sign_out(tx, token, now)
    response.delete_cookie(COOKIE, path=_PATH)


@router.get("")
async def who_am_i(clerk: SignedInClerk) -> ClerkView:
    """The clerk who is signed in."""
    return _clerk_view(clerk)


class ColleagueView(BaseModel):
    """An account that can sign in, as its colleagues see it."""

    clerk_id: UUID
    name: str
    role: Role


class ColleaguesView(BaseModel):
    """The accounts of an office, by name."""

    clerks: list[ColleagueView]


@colleagues.get("")
async def of_my_office(clerk: SignedInClerk, tx: Tx) -> ColleaguesView:
    """Who can sign in at the clerk's own office: the town says whose time an appointment takes."""
    accounts = await usecases.colleagues(tx, clerk)
    return ColleaguesView(clerks=[ColleagueView(clerk_id=a.clerk_id, name=a.name, role=a.role) for a in accounts])


def _answer(request: Request, response: Response, signed_in: SignedIn) -> SessionView:
    if signed_in.refresh_token:
        response.set_cookie(
            COOKIE,
            signed_in.refresh_token,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path=_PATH,
            httponly=True,
            samesite="strict",
            secure=request.app.state.settings.secure_cookies,
        )
    return SessionView(
        access_token=signed_in.access_token,
        expires_at=signed_in.expires_at,
        clerk=_clerk_view(signed_in.account),
    )


def _clerk_view(clerk: Clerk | Account) -> ClerkView:
    if isinstance(clerk, Clerk):
        return ClerkView(clerk_id=clerk.sub, name=clerk.display_name, role=clerk.role, office=clerk.office)
    return ClerkView(clerk_id=clerk.clerk_id, name=clerk.name, role=clerk.role, office=clerk.office)
