"""`schalter clerks`: the accounts that sign in at an office. A password is shown once, and kept nowhere."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.actors import Role
from schalter.embedded import SchalterError
from schalter.embedded.errors import unreachable
from schalter.installation import Installation
from schalter.offices import read_offices
from schalter.running.clerks import new_password
from schalter.running.home import Home

if TYPE_CHECKING:
    from chassis.database import Database

T = TypeVar("T")

commands: Final = typer.Typer(help="The accounts of clerks.", no_args_is_help=True)

_Office = Annotated[str, typer.Argument(help="The office, such as heidelberg.")]
_Username = Annotated[str, typer.Argument(help="What they sign in with.")]
_Var = Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")]
_out: Final = Console()


@commands.command()
def add(
    office: _Office,
    username: _Username,
    name: Annotated[str, typer.Argument(help="As citizens and colleagues see it.")],
    role: Annotated[Role, typer.Option(help="A lead also sets opening hours and takes over cases.")] = "clerk",
    var: _Var = None,
) -> None:
    """Adds an account and prints its password, once."""
    from casework.clerks import accounts

    password = new_password()
    _with_database(var, office, lambda db: accounts.add(db, accounts.Named.of(office, username), name, role, password))
    _show(office, username, password)


@commands.command("list")
def list_(office: _Office, var: _Var = None) -> None:
    """Shows an office's accounts, closed ones too."""
    from casework.clerks import accounts

    table = Table("user name", "name", "role", "", box=None, pad_edge=False)
    for username, account in _with_database(var, office, lambda db: accounts.listed(db, office)):
        table.add_row(username, escape(account.name), account.role, "" if account.active else "closed")
    _out.print(table if table.row_count else f"{office} has no accounts. `schalter clerks add` makes one.")


@commands.command()
def reset(office: _Office, username: _Username, var: _Var = None) -> None:
    """Gives an account a new password, prints it once, and signs its clerk out everywhere."""
    from casework.clerks import accounts
    from chassis.clock import utc_now

    password = new_password()
    who = (office, username)
    _with_database(var, office, lambda db: accounts.reset(db, accounts.Named.of(*who), password, utc_now()))
    _show(office, username, password)


@commands.command()
def disable(office: _Office, username: _Username, var: _Var = None) -> None:
    """Closes an account and signs its clerk out; what they did keeps their name."""
    from casework.clerks import accounts
    from chassis.clock import utc_now

    left = _with_database(var, office, lambda db: accounts.disable(db, accounts.Named.of(office, username), utc_now()))
    _out.print(f"{username} of {office} can sign in no longer.", highlight=False)
    if not left:
        _out.print(f"Nobody is left who can decide for {office}: schalter clerks add {office} ... --role lead")


@commands.command()
def enable(office: _Office, username: _Username, var: _Var = None) -> None:
    """Opens a closed account again; its password is the old one."""
    from casework.clerks import accounts

    _with_database(var, office, lambda db: accounts.enable(db, accounts.Named.of(office, username)))
    _out.print(f"{username} of {office} can sign in again.", highlight=False)


def _show(office: str, username: str, password: str) -> None:
    _out.print(f"{office}: {username.strip().lower()} {password}", markup=False, highlight=False)
    _out.print("Hand it over in person; it is kept nowhere and not shown again.", style="dim")


def _with_database(var: Path | None, office: str, act: "Callable[[Database], Awaitable[T]]") -> T:
    """What `act` gives on casework's database. Raises SchalterError for an unknown office, or what `act` refuses."""
    import asyncpg

    from casework.clerks.accounts import AccountError
    from chassis.database import Database

    installation = Installation.running(Home.find(var))
    known = read_offices(installation.offices)[0]
    if office not in known:
        raise SchalterError(f"There is no office {office!r}. There are: {', '.join(known)}.")
    url = installation.database("casework")

    async def run() -> T:
        database = Database(url, pool_size=1)
        try:
            return await act(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except AccountError as refused:
        raise SchalterError(str(refused)) from None
    except (OSError, asyncpg.PostgresError) as error:
        raise unreachable("The database of casework", error) from None
