"""The registries of personal data of all services: as a part of docs/data-protection.md, and to answer who asks."""

import asyncio
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from contracts.personal_data import Cell, Emptied, Key, Kind, Registry, Rule, Stays, Table, Told
from contracts.topology import DEAD_LETTERS, PUBLISHES, SERVICES, STREAMS
from schalter.embedded import SchalterError
from schalter.embedded.errors import unreachable
from schalter.pages import row as _row
from schalter.pages import with_part

BEGIN: Final = "<!-- made by `schalter personal-data document` from the services' personal_data.py -->"
END: Final = "<!-- end of what is made -->"

#: Tables that all services have.
_SHARED: Final = ("outbox", "idempotent_answers")
_HEAD: Final = ("| where | erasing takes | stays, and why | goes by itself |", "|---|---|---|---|")


def registry(service: str) -> Registry:
    """The registry of `service`."""
    found: Registry = importlib.import_module(f"{service}.personal_data").REGISTRY
    return found


def document(path: Path) -> str:
    """What `path` reads when what stands between its marks is current. Raises SchalterError without marks."""
    return with_part(path, BEGIN, END, tables())


def tables() -> str:
    """All registries in Markdown: what there is of whom and why, and what becomes of it, service by service."""
    registries = [registry(service) for service in SERVICES]
    lines = ["| data | whose | what for | where |", "|---|---|---|---|"]
    for (kind, whose), where in _kinds(registries).items():
        lines.append(_row(kind.what, whose, kind.why, ", ".join(where)))
    for found in registries:
        lines += ["", f"### {found.service}", "", *_HEAD]
        lines += [_of_table(table) for table in found.tables if table.name not in _SHARED]
        lines += [_row(f"Redis `{key.pattern}`", "", key.kind.what, _rule(key.goes)) for key in found.keys]
    lines += ["", "### Copies", "", *_HEAD, *_copies(registries)]
    return "\n".join(lines) + "\n"


def about(databases: Mapping[str, str], appointment: UUID) -> dict[str, Any]:
    """What all services store about the citizen of an appointment, by service and table (GDPR Art. 15).

    Raises SchalterError when a database cannot be reached.
    """
    import asyncpg

    from chassis.personal_data import stored_about

    try:
        return {
            service: asyncio.run(stored_about(url, registry(service), appointment))
            for service, url in databases.items()
        }
    except (OSError, asyncpg.PostgresError) as error:
        raise unreachable("A database", error) from None


def named(booking: str, appointment: str) -> UUID:
    """The id of an appointment that is named by its id or its number. Raises SchalterError for an unknown one."""
    try:
        return UUID(appointment)
    except ValueError:
        pass
    try:
        with psycopg.connect(booking, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT id FROM appointment WHERE reference = %s", [appointment.strip().upper()]
            ).fetchall()
    except psycopg.Error as error:
        raise unreachable("A database", error) from None
    if len(rows) != 1:
        raise SchalterError(f"There is no appointment {appointment!r}. Its number looks like HD-7K3M9Q.")
    return UUID(str(rows[0][0]))


def _kinds(registries: Sequence[Registry]) -> dict[tuple[Kind, str], list[str]]:
    """In which services data of each kind lies; copies that go within days do not count."""
    where: dict[tuple[Kind, str], list[str]] = {}
    for found in registries:
        cells = [cell for table in found.tables if table.name not in _SHARED for cell in table.cells.values()]
        held: list[Cell | Key] = [*cells, *found.keys]
        for kind in dict.fromkeys((one.kind, one.whose) for one in held):
            where.setdefault(kind, []).append(found.service)
    return where


def _of_table(table: Table) -> str:
    """All that is said of one table."""
    goes = {name: cell for name, cell in table.cells.items() if not isinstance(cell.erasing, Stays)}
    stays: dict[str, dict[str, Cell]] = {}
    for name, cell in table.cells.items():
        if isinstance(cell.erasing, Stays):
            stays.setdefault(cell.erasing.why, {})[name] = cell
    by_link = any(isinstance(cell.telling, Told) for cell in table.cells.values())
    whole = goes and not any(isinstance(cell.erasing, Emptied) for cell in goes.values())
    return _row(
        f"**{table.name}**{' (by the link)' if by_link else ''}",
        f"{'the row: ' if whole else ''}{_columns(goes)}",
        "; ".join(f"{_columns(cells)}: {why}" for why, cells in stays.items()),
        _rule(table.goes),
    )


def _copies(registries: Sequence[Registry]) -> Iterator[str]:
    """What carries data from one service to another, and what is kept for who repeats a request."""
    rows: dict[str, list[str]] = {}
    for found in registries:
        for name in _SHARED:
            rows.setdefault(_of_table(found[name]), []).append(found.service)
    for row, services in rows.items():
        whose = "every service" if len(services) == len(registries) else ", ".join(services)
        yield row.replace("** ", f"** of {whose} ", 1)
    for service, events in PUBLISHES.items():
        if named := [event.SUBJECT.removeprefix(f"{service}.") for event in events if "citizen" in event.model_fields]:
            yield _row(
                f"**the bus** of {service}: {_listed(named)}",
                "",
                "whom to write to and about what",
                f"after {STREAMS[service].max_age.days} days, undeliverable after {DEAD_LETTERS[service].max_age.days}",
            )


def _columns(cells: Mapping[str, Cell]) -> str:
    """Citizens' columns, then clerks'."""
    named = [(f"{name}.{cell.key}" if cell.key else name, cell.whose) for name, cell in cells.items()]
    citizens, clerks = (_listed(name for name, whose in named if whose == kind) for kind in ("citizen", "clerk"))
    return ", ".join(filter(None, (citizens, clerks and f"of clerks {clerks}")))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rule(rule: Rule) -> str:
    return f"{rule.when} ({rule.source})"
