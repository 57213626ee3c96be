"""Accounts as operators keep them (`schalter clerks`): added, listed, given a new password, closed and opened again.

Closing an account and giving it a new password end its sessions, and what is open of them (a waiting room, a call)
within seconds. Access tokens that are out live on at other services for up to ten minutes; nobody gets a fresh one.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casework.clerks import passwords, signing_out, store
from casework.clerks.model import Account
from chassis.database import Database, Transaction
from contracts.actors import Role

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,98}[a-z0-9]")


class AccountError(ValueError):
    """What an operator asked for cannot be done. The message says why, and what to do."""


@dataclass(frozen=True)
class Named:
    """Whose account it is: names are unique within an office, and lower case."""

    office: str
    username: str

    @classmethod
    def of(cls, office: str, username: str) -> "Named":
        """Raises AccountError unless `username` is one that can be typed everywhere."""
        folded = username.strip().lower()
        if not _USERNAME.fullmatch(folded):
            raise AccountError(
                f"{username!r} is no user name: 3 to 100 letters a to z, digits, dots, hyphens and underscores."
            )
        return cls(office, folded)


async def add(database: Database, who: Named, name: str, role: Role, password: str) -> None:
    """A new account. Raises AccountError when there is one, open or closed."""
    shown = displayed(name)
    password_hash = await passwords.hashed(password)
    async with database.transaction() as tx:
        if not await store.add_account(
            tx, office=who.office, username=who.username, name=shown, role=role, password_hash=password_hash
        ):
            known = await _found(tx, who)
            how = "Give it a new password with `reset`." if known.active else "Open it again with `enable`."
            raise AccountError(f"{who.office} has an account {who.username} already. {how}")


def displayed(name: str) -> str:
    """A clerk's name as it is shown. Raises AccountError for none, or one of more than 200 characters."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= 200:
        raise AccountError("A name has 1 to 200 characters.")
    return shown


async def add_first(database: Database, who: Named, name: str, role: Role, password_hash: str) -> None:
    """The account that everything begins with. Where there is one of this name already, nothing happens."""
    async with database.transaction() as tx:
        await store.add_account(
            tx, office=who.office, username=who.username, name=displayed(name), role=role, password_hash=password_hash
        )


async def listed(database: Database, office: str) -> list[tuple[str, Account]]:
    """All accounts of `office`, closed ones too, each with its user name, by user name."""
    async with database.autocommit() as tx:
        return await store.accounts(tx, office)


async def reset(database: Database, who: Named, password: str, now: datetime) -> None:
    """A new password; whoever is signed in with the old one is signed out.

    Raises AccountError for no account, or a closed one.
    """
    password_hash = await passwords.hashed(password)
    async with database.transaction() as tx:
        account = await _found(tx, who)
        if not account.active:
            raise AccountError(f"The account {who.username} of {who.office} is closed. `enable` opens it.")
        await store.set_password(tx, account.clerk_id, password_hash)
        await signing_out.everywhere(tx, account, now)


async def disable(database: Database, who: Named, now: datetime) -> int:
    """Closes the account and ends its sessions; what its clerk did keeps their name. Raises AccountError for none.

    Returns how many are left who can sign in and decide for the office.
    """
    async with database.transaction() as tx:
        account = await _found(tx, who)
        await store.set_active(tx, account.clerk_id, active=False)
        await signing_out.everywhere(tx, account, now)
        return await store.deciding(tx, who.office)


async def enable(database: Database, who: Named) -> None:
    """Opens the account again, with its old password. Raises AccountError for no account."""
    async with database.transaction() as tx:
        await store.set_active(tx, (await _found(tx, who)).clerk_id, active=True)


async def _found(tx: Transaction, who: Named) -> Account:
    account = await store.account(tx, who.office, who.username)
    if account is None:
        raise AccountError(f"{who.office} has no account {who.username}. `list` shows those that there are.")
    return account
