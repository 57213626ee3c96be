"""What is Schalter's own: databases, bus, Redis, services, offices, files."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import psycopg
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from contracts.topology import SERVICES
from schalter.bus import Difference, differences
from schalter.doctor.model import Finding, Patient
from schalter.embedded import SchalterError
from schalter.offices import read_offices
from schalter.replay import replay
from schalter.status import counted, look_at_services

_CLOCK_SECONDS: Final = 5.0
_FULL: Final = 0.9
_AWAY: Final = "cannot be reached"
_PASSWORDS: Final = "Restart it: it reads its passwords at its start. Or restore all from one backup."


async def databases(patient: Patient) -> Sequence[Finding]:
    """Each service's: reached, at the schema of this version, with connections left, and a clock that agrees."""
    found = [finding for service in SERVICES for finding in await _database(patient, service)]
    away = [finding for finding in found if finding.trouble == _AWAY]
    if len(away) == len(SERVICES):  # one cause
        return [replace(away[0], what="databases", trouble="cannot be reached, none of them")]
    return found


async def _database(patient: Patient, service: str) -> list[Finding]:
    what = f"database of {service}"
    url = patient.installation.database(service)
    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=5, autocommit=True) as connection:
            cursor = await connection.execute(
                "SELECT (SELECT max(version_num) FROM alembic_version), clock_timestamp(),"
                " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
                " CAST(current_setting('max_connections') AS integer)"
            )
            row = await cursor.fetchone()
    except psycopg.errors.UndefinedTable:
        return [Finding(what, "has no tables", f"Start {service}: it makes them. Its log says what hinders it.")]
    except psycopg.OperationalError as error:
        if "authentication" in str(error):
            return [Finding(what, "refuses the password", _PASSWORDS)]
        return [Finding(what, _AWAY, "docker compose ps postgres; is its port open from here?")]
    assert row is not None, "a SELECT without FROM has one row"
    schema, now, used, most = row
    found = [_schema(patient, service, schema)]
    off = abs((datetime.now(UTC) - now).total_seconds())
    if off > _CLOCK_SECONDS:
        found.append(Finding("clock", f"differs from the database's by {off:.0f} s", "Let NTP set both clocks."))
    if used > _FULL * most:
        remedy = "Raise max_connections, or run fewer instances."
        found.append(Finding("connections of PostgreSQL", f"{used} of {most} are used", remedy))
    return found


def _schema(patient: Patient, service: str, schema: str | None) -> Finding:
    what = f"schema of {service}"
    files = (patient.root / "services" / service / "migrations" / "versions").glob("[0-9]*.py")
    newest = max((file.name.partition("_")[0] for file in files), default=schema)
    if schema is None or (newest is not None and schema < newest):
        return Finding(what, f"is at {schema}, this version needs {newest}", f"Start {service} of this version.")
    if newest is not None and schema > newest:
        return Finding(what, f"is at {schema}, newer than this version's {newest}", "Finish the update.")
    return Finding(what)


async def bus(patient: Patient) -> Sequence[Finding]:
    """Reached, as the topology has it, and without dead letters."""
    access = patient.installation.bus
    try:
        differing = await differences(access)
        dead = [letter async for letter in replay(access, dry_run=True)]
    except SchalterError as error:
        if "uthorization" in str(error):
            return [Finding("bus", "refuses the operator's password", _PASSWORDS)]
        remedy = "docker compose ps nats. Nothing is lost: events wait in the outboxes."
        return [Finding("bus", _AWAY, remedy)]
    found = [_difference(each) for each in differing]
    if dead:
        remedy = "schalter events replay --dry-run shows why; mend the cause, then replay."
        found.append(Finding("dead letters", f"{counted(len(dead), 'event')} could not be processed", remedy))
    return found or [Finding("bus")]


def _difference(difference: Difference) -> Finding:
    what = str(difference.thing)
    match difference.kind:
        case "missing":
            return Finding(what, "is missing", "schalter bus apply", cause="topology")
        case "differs":
            return Finding(what, f"differs in {', '.join(difference.settings)}", "schalter bus apply")
        case "unknown":
            return Finding(what, "is unknown", "Find out who made it, then: schalter bus apply --prune")
        case "former":
            return Finding(what, "is empty, and nobody needs it any more", "schalter bus apply")
        case "listens":
            heard = f"sends what it gets to {difference.thing.sent_to}: somebody else listens"
            remedy = "It was planted: find out by whom, turn that service's password, then: schalter bus apply --prune"
            return Finding(what, heard, remedy)


async def redis(patient: Patient) -> Sequence[Finding]:
    """Reached, with memory left, and evicting nothing."""
    client = Redis.from_url(patient.redis_url, socket_timeout=3, socket_connect_timeout=5)
    try:
        memory = await client.info("memory")
    except AuthenticationError:
        return [Finding("Redis", "refuses the password", _PASSWORDS)]
    except (RedisError, OSError):
        remedy = "docker compose ps redis. Bookings go on, for a proof of work each."
        return [Finding("Redis", _AWAY, remedy)]
    finally:
        await client.aclose()
    used, most, policy = memory["used_memory"], memory["maxmemory"], memory["maxmemory_policy"]
    if policy != "noeviction":
        remedy = "Set maxmemory-policy to noeviction, else what is counted vanishes."
        return [Finding("Redis", f"evicts ({policy})", remedy)]
    if most and used > _FULL * most:
        return [Finding("Redis", f"{used / most:.0%} of its memory is used", "Raise maxmemory. Who floods it?")]
    return [Finding("Redis")]


async def services(patient: Patient) -> Sequence[Finding]:
    """Each answers, is ready, and nothing waits for too long."""
    seen = await asyncio.to_thread(look_at_services, patient.installation)
    ill = [
        Finding(one.name, trouble.text, f"docker compose logs {one.name}", follows=_causes(one.name, trouble.needs))
        for one in seen
        for trouble in one.troubles
    ]
    return [*ill, *(Finding(one.name) for one in seen if not one.troubles)]


def _causes(service: str, needs: str) -> tuple[str, ...]:
    """The findings that say already why a service does not have what it needs."""
    known = {"bus": ("bus",), "topology": ("bus", "topology"), "redis": ("Redis",)}
    return known.get(needs, ("databases", f"database of {service}") if needs == "database" else ())


async def offices(patient: Patient) -> Sequence[Finding]:
    """Their files are good, and each has somebody who can sign in and decide."""
    try:
        known = read_offices(patient.offices)[0]
    except SchalterError as error:
        return [Finding("office files", str(error), "schalter offices check")]
    try:
        url = patient.installation.database("casework")
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=5, autocommit=True) as connection:
            cursor = await connection.execute(
                "SELECT DISTINCT office FROM clerk WHERE active AND role IN ('lead', 'admin')"
            )
            led = {office for (office,) in await cursor.fetchall()}
    except psycopg.Error:
        return [Finding("office files")]  # what is wrong with the database is said of it
    remedy = "schalter clerks add OFFICE USERNAME NAME --role lead"
    trouble = "has no lead who can sign in"
    return [Finding(f"office {office}", None if office in led else trouble, remedy) for office in known]


async def files(patient: Patient) -> Sequence[Finding]:
    """Room on the disk, and secrets that are nobody else's."""
    found = []
    for folder in patient.folders:
        total, _, free = shutil.disk_usage(folder)
        trouble = f"{free / total:.0%} is free" if free < (1 - _FULL) * total else None
        found.append(Finding(f"disk of {folder}", trouble, "Make room: when it is full, nothing can be booked."))
    for path in patient.private:
        if path.exists():
            others = path.stat().st_mode & 0o077
            found.append(Finding(str(path), "others can read it" if others else None, f"chmod 600 {path}"))
    return found
