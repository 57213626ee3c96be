"""The command line: `schalter up` runs everything, the other commands are chores."""

import asyncio
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from contracts.topology import SERVICES
from schalter import chores, clerks, init, metrics, pages, personal_data, way
from schalter.bus import apply, differences
from schalter.compose_secrets import give_volumes, write_secrets
from schalter.embedded import SchalterError
from schalter.installation import BusAccess, Installation, services_named
from schalter.keys import keys
from schalter.offices import report
from schalter.replay import DeadLetter, replay
from schalter.republish import republish_all, since_when
from schalter.running.home import Home
from schalter.running.up import up as run_up
from schalter.status import look, shown

cli = typer.Typer(
    name="schalter",
    help="Schalter, the virtual citizens' office.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
offices = typer.Typer(help="The offices of this installation.", no_args_is_help=True)
events = typer.Typer(help="The events on the bus.", no_args_is_help=True)
cli.add_typer(offices, name="offices")
cli.add_typer(events, name="events")
bus = typer.Typer(help="Streams and consumers on the bus.", no_args_is_help=True)
cli.add_typer(bus, name="bus")
personal = typer.Typer(help="What is stored about whom.", no_args_is_help=True)
cli.add_typer(personal, name="personal-data")
figures = typer.Typer(help="What Prometheus is told.", no_args_is_help=True)
cli.add_typer(figures, name="metrics")
cli.add_typer(keys, name="keys")
mails = typer.Typer(help="The mails to citizens.", no_args_is_help=True)
cli.add_typer(mails, name="mails")
cli.add_typer(clerks.commands, name="clerks")
cli.command("init")(init.command)

_out = Console(soft_wrap=False)


def app() -> None:
    """The entry point: an expected failure is one line and exit code 1, never a traceback."""
    try:
        cli()
    except KeyboardInterrupt:
        sys.exit(130)
    except SchalterError as error:
        line = Console(stderr=True, soft_wrap=True)
        line.print("[bold red]schalter:[/bold red]", end=" ")
        line.print(" ".join(str(error).split()), markup=False, highlight=False)
        sys.exit(1)


@cli.command()
def up(
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Port of the gateway.")] = 8080,
    var: Annotated[Path | None, typer.Option(help="Where data, logs and secrets are kept [default: var/].")] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written (JSON: addresses, ports, process ids) when all is healthy.")
    ] = None,
    observe: Annotated[
        bool, typer.Option("--observe", help="With Prometheus and Alertmanager, if they are installed.")
    ] = False,
) -> None:
    """Runs the whole system from this terminal; Ctrl-C stops it and leaves nothing behind."""
    run_up(Home.find(var), port, ready_file, _out, observe=observe)


@cli.command()
def doctor(
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
) -> None:
    """Examines everything that commonly is wrong, and says what to do about it; exit code 2 where something is."""
    from schalter.doctor.command import CHECKS, shown
    from schalter.doctor.model import Patient, examine

    findings = asyncio.run(examine(Patient.here(Home.find(var)), CHECKS))
    _out.print(shown(findings))
    if any(finding.trouble for finding in findings):
        raise typer.Exit(2)


@cli.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
) -> None:
    """Shows whether everything is well, and what to do where it is not; exit code 2 then."""
    installation = Installation.running(Home.find(var))
    if watch:
        with Live(console=_out, auto_refresh=False) as live:
            while True:
                live.update(shown(look(installation), datetime.now().astimezone()), refresh=True)
                time.sleep(2)
    seen = look(installation)
    _out.print(shown(seen))
    if seen.troubles:
        raise typer.Exit(2)


@cli.command()
def trace(
    wanted: Annotated[
        str,
        typer.Argument(metavar="ID", help="An error's reference, a trace, an event, an appointment's number."),
    ],
    where: Annotated[
        str | None, typer.Argument(metavar="LOGS", help="A folder, a file, or - [default: the logs of `schalter up`].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lines themselves, for programs.")] = False,
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
) -> None:
    """Shows the whole way of a request, from the services' logs: requests, events, mails, errors; exit code 2 if none.

    With containers: docker compose logs --no-log-prefix | schalter trace ID -
    """
    home = Home.find(var)
    asked = wanted.strip()
    if way.is_number(asked):
        asked = str(personal_data.named(Installation.running(home).database("booking"), asked))
    found = way.follow((line for source in way.sources(where, home.logs) for line in way.read(source)), asked)
    if as_json:
        sys.stdout.write(way.as_json(found))
    elif _out.is_terminal:
        _out.print(way.shown(found))
    else:
        sys.stdout.writelines(f"{line}\n" for line in way.plain(found))
    if not found.lines:
        Console(stderr=True).print(f"No line tells of {wanted}: logs are kept for a while only.", markup=False)
        raise typer.Exit(2)


@offices.command("check")
def offices_check(
    directory: Annotated[Path | None, typer.Argument(help="Folder of office files [default: deploy/offices].")] = None,
) -> None:
    """Reads all office files as the services do: what each office offers, or what is wrong with the first bad one."""
    for line in report(directory or Home.find().offices):
        _out.print(line, markup=False, highlight=False, soft_wrap=True)


@cli.command()
def openapi(
    target: Annotated[
        str, typer.Argument(help="A service's name (printed), or a folder ({service}.json are written).")
    ],
) -> None:
    """Describes the services' HTTP interfaces in OpenAPI; nothing has to run."""
    if target in chores.DESCRIBED:
        sys.stdout.write(chores.openapi(target, Home.find()))
        return
    for path in chores.write_openapi(Path(target), Home.find()):
        _out.print(str(path), highlight=False)


@bus.command("apply")
def bus_apply(
    check: Annotated[bool, typer.Option("--check", help="Only say what differs; exit code 2 then.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what the topology does not know, streams with all they keep.")
    ] = False,
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
    nats_url: Annotated[str | None, typer.Option(help="Another bus than that of `schalter up`.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="For --nats-url: where the operator's is.")] = None,
) -> None:
    """Makes streams and consumers as the topology has them; services themselves only publish and listen."""
    if nats_url and password_file:
        access = BusAccess(nats_url, chores.read(password_file))
    else:
        access = Installation.running(Home.find(var)).bus
    found = asyncio.run(differences(access) if check else apply(access, prune=prune))
    foreign = "deleted" if prune else "left alone"
    outcomes = {"missing": "created", "differs": "updated", "former": "deleted", "unknown": foreign, "listens": foreign}
    for each in found:
        line = str(each) if check else f"{each}: {outcomes[each.kind]}"
        _out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not found:
        _out.print("The bus is as the topology has it.")
    elif check:
        raise typer.Exit(2)


@events.command("replay")
def events_replay(
    consumer: Annotated[str | None, typer.Option(help="Only what this consumer could not process.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only list the dead letters.")] = False,
    copies: Annotated[
        bool, typer.Option("--copies", help="Believe the service's copy where the event itself is gone from the bus.")
    ] = False,
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
    nats_url: Annotated[str | None, typer.Option(help="Another bus than that of `schalter up`.")] = None,
    password: Annotated[str | None, typer.Option(envvar="NATS_PASSWORD_OPERATOR", help="For --nats-url.")] = None,
) -> None:
    """Publishes the events of dead letters again; who had processed one already ignores it."""
    access = BusAccess(nats_url, password or "") if nats_url else Installation.running(Home.find(var)).bus

    async def show() -> list[DeadLetter]:
        letters = []
        async for letter in replay(access, consumer=consumer, dry_run=dry_run, copies=copies):
            letters.append(letter)
            stays = f" (stays: {letter.kept})" if letter.kept else ""
            line = f"{letter.stream} {letter.sequence}: {letter.subject} -> {letter.consumer}: {letter.reason}{stays}"
            _out.print(line, markup=False)
        return letters

    letters = asyncio.run(show())
    done = [letter for letter in letters if not letter.kept]
    _out.print(f"{len(letters)} dead letters wait." if dry_run else f"{len(done)} dead letters replayed.")
    if not dry_run and len(done) < len(letters):
        raise typer.Exit(2)


@events.command("republish")
def events_republish(
    since: Annotated[str, typer.Option(help="From when on, such as 2026-11-22T08:00+01:00; 72 hours are kept.")],
    service: Annotated[
        list[str] | None, typer.Option(help="Only what this service published; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only count the events.")] = False,
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
) -> None:
    """Publishes events again, after a restore; who had processed one already ignores it, so no mail goes out twice."""
    count = 0
    services = services_named(service or ())
    databases = Installation.running(Home.find(var)).databases(services)
    for publisher, subject, events in republish_all(databases, since_when(since), dry_run=dry_run):
        count += events
        _out.print(f"{publisher}: {events} {subject}", markup=False, highlight=False)
    _out.print(f"{count} events" + (" would be published again." if dry_run else " are published again."))


@mails.command("preview")
def mails_preview(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; index.html shows them all.")],
    office: Annotated[str | None, typer.Option(help="In whose name [default: the first office].")] = None,
) -> None:
    """Writes every mail as citizens would get it, with samples for names and times; nothing has to run."""
    _out.print(chores.write_mails(directory, Home.find(), office), highlight=False, soft_wrap=True)


@personal.command("document")
def personal_data_document(
    file: Annotated[Path, typer.Argument(help="The page whose marked part is written anew.")],
    check: Annotated[bool, typer.Option(help="Only say whether the page is current.")] = False,
) -> None:
    """Writes into a page of the docs what the services' registries of personal data say."""
    pages.write(file, personal_data.document(file), check=check, command="schalter personal-data document")


@figures.command("document")
def metrics_document(
    file: Annotated[Path, typer.Argument(help="The page whose marked part is written anew.")],
    check: Annotated[bool, typer.Option(help="Only say whether the page is current.")] = False,
) -> None:
    """Writes into a page of the docs which series all processes tell."""
    pages.write(file, metrics.document(file, Home.find()), check=check, command="schalter metrics document")


@personal.command("of")
def personal_data_of(
    appointment: Annotated[str, typer.Argument(help="The appointment's number (HD-7K3M9Q), or its id.")],
    var: Annotated[Path | None, typer.Option(help="The running system's folder [default: var/].")] = None,
) -> None:
    """Prints all that is stored about the citizen of an appointment (GDPR Art. 15), as JSON."""
    databases = Installation.running(Home.find(var)).databases(SERVICES)
    found = personal_data.about(databases, personal_data.named(databases["booking"], appointment))
    if not any(found.values()):
        raise SchalterError(f"Nothing is stored about an appointment {appointment}: there is none, or it is erased.")
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


@cli.command()
def exporter(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where Prometheus asks.")] = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Tells Prometheus of PostgreSQL, NATS, Redis, certificate and disks; SCHALTER_MONITOR_* say where they are."""
    from schalter.exporter import run  # heavy, and needed here only

    asyncio.run(run.run(run.Settings(), port, host))


@cli.command("nats-config")
def nats_config(
    output: Annotated[Path | None, typer.Argument(help="File to write [default: print].")] = None,
    check: Annotated[bool, typer.Option(help="Only say whether the file is current.")] = False,
) -> None:
    """Derives the bus's configuration for docker-compose.yml from the topology; passwords come from its environment."""
    text = chores.compose_nats_config()
    if output is None:
        sys.stdout.write(text)
    elif check:
        if not output.exists() or output.read_text() != text:
            raise SchalterError(f"{output} is not what the topology says. Write it anew: schalter nats-config {output}")
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)


@cli.command("secrets")
def secrets(
    directory: Annotated[Path, typer.Argument(help="Where a folder per container is written.")],
    offices_dir: Annotated[Path | None, typer.Option(help="Folder of office files [default: deploy/offices].")] = None,
    demo: Annotated[
        bool, typer.Option(envvar="SCHALTER_DEMO", help="Whether there are demo clerks; production has none.")
    ] = True,
    volumes: Annotated[Path | None, typer.Option(help="Volumes below it become the containers' user's.")] = None,
) -> None:
    """Makes the secrets of docker-compose.yml once; a second run changes nothing. Prints the demo clerks' sign-ins."""
    if volumes:
        give_volumes(volumes)
    for clerk in write_secrets(directory, offices_dir or Home.find().offices, demo=demo):
        _out.print(f"{clerk['office']}: {clerk['username']} {clerk['password']}", markup=False, highlight=False)


if __name__ == "__main__":
    app()
