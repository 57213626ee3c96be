"""The whole system by the one command: up, healthy, healing, gone."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from system import ROOT, System

from contracts.booking import BookingCompleted
from contracts.topology import SERVICES, durable
from schalter.bus import connected
from schalter.embedded import free_port, observers
from schalter.embedded.network import http_status
from schalter.installation import Installation
from schalter.running.home import Home
from schalter.running.plan import CHECK, EXPORTER

Eventually = Callable[..., object]


@pytest.fixture(scope="module")
def var(servers_dir: Path) -> Path:
    return servers_dir / "up"


@pytest.fixture(scope="module")
def system(var: Path) -> Iterator[System]:
    if not (ROOT / "web/dist/citizen/index.html").exists():
        pytest.skip("needs built pages: make web")
    system = System(var, free_port(), observe=True)
    try:
        system.wait_ready()
        yield system
    finally:
        system.process.kill()
        system.process.wait()


def gone(processes: list[psutil.Process]) -> bool:
    return all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in processes)


def test_it_says_where_to_go_and_how_to_sign_in(system: System, eventually: Eventually) -> None:
    eventually(lambda: "Ctrl-C" in system.output)
    text = system.output
    url = system.state["public_url"]
    clerks = json.loads((system.var / "demo-clerks.json").read_text())
    for expected in (f"{url}/", f"{url}/demo/", f"{url}/clerk/", f"{url}/mail/", *(c["password"] for c in clerks)):
        assert expected in text


def test_who_asked_for_it_has_a_prometheus_that_sees_every_service(system: System, eventually: Eventually) -> None:
    if "prometheus" not in system.state["ports"]:
        assert observers.HOW_TO_INSTALL in " ".join(system.output.split())
        pytest.skip(f"Prometheus and Alertmanager are not installed: {observers.HOW_TO_INSTALL}")
    url = f"http://127.0.0.1:{system.state['ports']['prometheus']}/api/v1"

    def seen() -> set[str]:
        found = httpx.get(f"{url}/query", params={"query": "up == 1"}, timeout=10).json()["data"]["result"]
        return {each["metric"]["service"] for each in found}

    eventually(lambda: seen() == {*SERVICES, CHECK, EXPORTER}, seconds=30)
    managers = httpx.get(f"{url}/alertmanagers", timeout=10).json()["data"]["activeAlertmanagers"]
    assert [str(system.state["ports"]["alertmanager"]) in each["url"] for each in managers] == [True]


def test_pages_and_interfaces_are_served(system: System) -> None:
    with httpx.Client(base_url=system.state["public_url"], timeout=10) as client:
        assert "<script" in client.get("/demo/").text
        assert "<script" in client.get("/clerk/").text
        for service in SERVICES:
            assert client.get(f"/api/{service}/openapi.json").json()["openapi"].startswith("3.")
        assert client.get("/mail/").status_code == 200


def test_an_operator_makes_an_account_that_signs_in_until_it_is_closed(system: System) -> None:
    def schalter(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name("schalter")), *arguments, "--var", str(system.var)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)

    added = schalter("clerks", "add", "demo", "Erika.Amt", "Erika Amt", "--role", "lead")
    assert added.returncode == 0, added.stderr
    who, username, password = added.stdout.splitlines()[0].split()
    assert (who, username) == ("demo:", "erika.amt")
    body = {"office": "demo", "username": "erika.amt", "password": password}
    with httpx.Client(base_url=system.state["public_url"], timeout=10) as client:
        assert client.post("/api/casework/session", json=body).json()["clerk"]["role"] == "lead"
        assert schalter("clerks", "disable", "demo", "erika.amt").returncode == 0
        assert client.post("/api/casework/session", json=body).status_code == 401
    assert "closed" in next(line for line in schalter("clerks", "list", "demo").stdout.splitlines() if "erika" in line)
    again = schalter("clerks", "add", "demo", "erika.amt", "Erika Amt")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("schalter: demo has an account erika.amt already. Open it again with `enable`.")
    assert "There is no office 'nowhere'" in schalter("clerks", "list", "nowhere").stderr


def test_the_bus_has_refused_nothing(system: System) -> None:
    lines = (system.var / "log/nats.log").read_text().splitlines()
    assert [line for line in lines if "Violation" in line or "ERR" in line] == []


@pytest.mark.parametrize("name", ["notify", "nats", "redis", "postgres"])
def test_a_killed_part_comes_back_and_everything_is_ready_again(
    system: System, name: str, eventually: Eventually
) -> None:
    state = system.state
    os.kill(state["pids"][name], signal.SIGKILL)
    eventually(lambda: system.state["pids"][name] != state["pids"][name], seconds=60)
    eventually(lambda: all(http_status(state["ports"][s], "/readyz") == 200 for s in SERVICES), seconds=60)
    assert f"{name} was killed by SIGKILL" in (system.var / "log/schalter.log").read_text()


def test_secrets_are_in_no_log_and_no_file_that_others_can_read(system: System) -> None:
    secrets = json.loads((system.var / "secrets.json").read_text())
    for log in (system.var / "log").iterdir():
        text = log.read_text(errors="replace")
        assert not [name for name, value in secrets.items() if value in text and not name.endswith("_public")], log
    for name in ("secrets.json", "demo-clerks.json", "up.json", "nats/nats.conf", "redis/redis.conf"):
        assert (system.var / name).stat().st_mode & 0o077 == 0, name


def schalter(system: System, *words: str) -> "subprocess.CompletedProcess[str]":
    """A chore beside the running system."""
    command = [str(Path(sys.executable).with_name("schalter")), *words, "--var", str(system.var)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)


def test_status_tells_what_is_well_and_what_to_do_where_it_is_not(system: System, eventually: Eventually) -> None:
    eventually(lambda: schalter(system, "status").returncode == 0, seconds=30)
    text = schalter(system, "status").stdout
    assert "All is well." in text
    assert sum(line.split()[1:2] == ["ready"] for line in text.splitlines()) == len(SERVICES)
    stopped = psutil.Process(system.state["pids"]["payment"])
    stopped.suspend()
    try:
        seen = schalter(system, "status")
    finally:
        stopped.resume()
    assert seen.returncode == 2
    assert "! payment does not answer: is it running?" in seen.stdout


def test_a_lost_consumer_is_told_and_the_operator_makes_it_again(system: System, eventually: Eventually) -> None:
    name = durable("notify", BookingCompleted)

    async def lose() -> None:
        async with connected(Installation.running(Home.find(system.var)).bus) as client:
            await client.jetstream().delete_consumer("BOOKING", name)

    asyncio.run(lose())
    eventually(lambda: "notify has nothing to speak to or to listen to" in schalter(system, "status").stdout)
    check = schalter(system, "bus", "apply", "--check")
    assert (check.returncode, check.stdout) == (2, f"consumer {name} of BOOKING: missing\n")
    assert schalter(system, "bus", "apply").stdout == f"consumer {name} of BOOKING: missing: created\n"
    eventually(lambda: "All is well." in schalter(system, "status").stdout)


def test_a_second_system_on_the_same_data_is_refused(system: System) -> None:
    second = System(system.var, free_port())
    assert second.process.wait(60) == 1
    assert "already runs" in system.output


def test_sigterm_stops_all_and_the_second_start_is_quick_and_has_the_data(system: System, var: Path) -> None:
    secrets = json.loads((var / "secrets.json").read_text())
    url = f"postgresql://postgres:{secrets['postgres']}@127.0.0.1:{system.state['ports']['postgres']}/booking"
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    processes = system.processes()
    assert len(processes) > 12
    begin = time.monotonic()
    assert system.stop() == 0
    assert gone(processes)
    assert time.monotonic() - begin < 30
    assert not system.ready
    again = System(var, free_port())
    try:
        again.wait_ready()
        url = f"postgresql://postgres:{secrets['postgres']}@127.0.0.1:{again.state['ports']['postgres']}/booking"
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
            connection.execute("DROP TABLE kept")
        processes = again.processes()
    finally:
        again.process.kill()
        again.process.wait()
    deadline = time.monotonic() + 30
    while not gone(processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(processes), "kill -9 of the supervisor must leave nothing behind"
