"""The course of `schalter up`, from checks to clean-up."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import filelock
from rich.console import Console

from schalter.bus import apply
from schalter.embedded import SchalterError, observers
from schalter.embedded.network import is_taken
from schalter.offices import read_offices
from schalter.running.clerks import demo_clerks
from schalter.running.home import Home
from schalter.running.plan import Plan, make_plan
from schalter.running.secret_store import SecretStore, write_private
from schalter.running.summary import summary
from schalter.running.supervisor import Supervisor


def up(home: Home, port: int, ready_file: Path | None, console: Console, *, observe: bool = False) -> None:
    """Runs the whole system until Ctrl-C or SIGTERM. Raises SchalterError when it does not come up.

    With `observe` Prometheus and Alertmanager look at it, if the machine has them.
    `ready_file` (and `var/up.json`) tell addresses, ports and process ids once all is healthy and after each restart.
    """
    begin = time.monotonic()
    offices, _ = read_offices(home.offices)
    if not (home.web / "citizen" / "index.html").is_file():
        raise SchalterError("The pages are not built: `make web` builds them, `make up` does so by itself.")
    home.logs.mkdir(parents=True, exist_ok=True)
    home.var.chmod(0o711)  # PostgreSQL's unprivileged user passes through; every file with a secret is closed itself
    with _alone(home):
        _check_port(port)
        secrets = SecretStore(home.var / "secrets.json")
        plan = make_plan(home, secrets, port, observe=observe and observers_are_there(console))
        secrets.save()
        clerks = demo_clerks(home.demo_clerks, offices)
        say = _Teller(console, home.logs / "schalter.log")
        state_files = [home.state, *([ready_file] if ready_file else [])]
        supervisor = Supervisor(say, changed=lambda: _write_state(state_files, home, plan, supervisor))
        supervisor.listen_for_signals()
        try:
            with console.status("Starting PostgreSQL, NATS, Redis and the services ..."):
                _start(plan, supervisor)
            if not supervisor.stopping:
                _write_state(state_files, home, plan, supervisor)
                console.print(summary(plan, offices, clerks, home, time.monotonic() - begin))
                supervisor.run()
            console.print("Stopping ...", style="dim")
        finally:
            for file in state_files:
                file.unlink(missing_ok=True)
            supervisor.stop()


def _start(plan: Plan, supervisor: Supervisor) -> None:
    for server in plan.servers:
        server.prepare()
    supervisor.start(server.program() for server in plan.servers)
    if supervisor.stopping:
        return
    for name, password in plan.database_passwords.items():
        plan.postgres.create_database(name, password)
    plan.postgres.create_monitor(plan.monitor_password)
    asyncio.run(apply(plan.bus))
    plan.gateway.prepare()
    supervisor.start([*plan.applications, plan.gateway.program()])
    if plan.observers and not supervisor.stopping:
        for observer in plan.observers:
            observer.prepare()
        supervisor.start(observer.program() for observer in plan.observers)


def observers_are_there(console: Console) -> bool:
    """Whether the machine has Prometheus and Alertmanager; says how to install them if not."""
    if observers.found("prometheus") and observers.found("alertmanager"):
        return True
    console.print(f"Nothing is observed: Prometheus and Alertmanager are missing. {observers.HOW_TO_INSTALL}")
    return False


def _check_port(port: int) -> None:
    try:
        taken = is_taken(port)
    except PermissionError:
        raise SchalterError(f"Port {port} is reserved for root. Choose another: make up PORT=8080") from None
    if taken:
        raise SchalterError(f"Port {port} is in use by another program. Choose another: make up PORT={port + 1}")


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two systems on one `var` would spoil each other's data."""
    lock = filelock.FileLock(home.var / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise SchalterError(f"Schalter already runs with {home.var}. Stop it first, or give another --var.") from None
    try:
        yield
    finally:
        lock.release()


class _Teller:
    def __init__(self, console: Console, log: Path) -> None:
        self._console = console
        self._log = log

    def __call__(self, line: str) -> None:
        now = datetime.now().astimezone()
        self._console.print(f"[dim]{now:%H:%M:%S}[/dim]", end=" ")
        self._console.print(line, markup=False, highlight=False)
        with self._log.open("a") as log:
            log.write(f"{now.isoformat(timespec='milliseconds')} {line}\n")


def _write_state(files: list[Path], home: Home, plan: Plan, supervisor: Supervisor) -> None:
    state = {
        "public_url": plan.public_url,
        "clerk_url": f"{plan.public_url}/clerk/",
        "mail_url": f"{plan.public_url}/mail/",
        "var": str(home.var),
        "offices": str(home.offices.absolute()),
        "demo_clerks": str(home.demo_clerks),
        "secrets": str(home.var / "secrets.json"),
        "ports": dict(plan.ports),
        "pids": {"schalter": os.getpid(), **supervisor.pids()},
    }
    for file in files:
        write_private(file, json.dumps(state, indent=1) + "\n")
