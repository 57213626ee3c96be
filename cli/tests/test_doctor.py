"""Planted faults, and what the doctor says of each: what is wrong, and what to do."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from collector import collecting
from nats.js.api import AckPolicy, ConsumerConfig
from system import ROOT, System

from contracts.booking import BookingCompleted
from contracts.topology import durable
from schalter.bus import apply, connected
from schalter.doctor import inside, outside
from schalter.doctor.command import CHECKS
from schalter.doctor.model import Finding, MailServer, Patient, examine
from schalter.embedded import free_port
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore


@pytest.fixture(scope="module")
def system(servers_dir: Path) -> Iterator[System]:
    if not (ROOT / "web/dist/citizen/index.html").exists():
        pytest.skip("needs built pages: make web")
    system = System(servers_dir / "doctor", free_port())
    try:
        system.wait_ready()
        yield system
    finally:
        system.process.kill()
        system.process.wait()


@pytest.fixture(scope="module")
def patient(system: System) -> Patient:
    return Patient.here(Home.find(system.var))


def ill(patient: Patient, only: Any = None) -> dict[str, str]:
    """What is wrong, by what it is wrong with; each has a remedy."""
    checks = CHECKS if only is None else [("check", only)]
    found: list[Finding] = [finding for finding in asyncio.run(examine(patient, checks)) if finding.trouble]
    assert all(finding.remedy for finding in found)
    assert not [finding for finding in found if "docker compose" in finding.remedy], "there are no containers here"
    return {finding.what: finding.trouble or "" for finding in found}


@contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback that `talk`s to whoever comes; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def superuser(system: System, database: str) -> psycopg.Connection[Any]:
    password = SecretStore(system.var / "secrets.json").password("postgres")
    port = system.state["ports"]["postgres"]
    return psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/{database}", autocommit=True)


def test_a_system_that_is_well_has_nothing_to_mend(patient: Patient) -> None:
    assert ill(patient) == {}


def test_the_command_says_so_and_ends_with_2_where_something_is_wrong(system: System) -> None:
    command = [str(ROOT / ".venv/bin/schalter"), "doctor", "--var", str(system.var)]
    env = {**os.environ, "SCHALTER_TURN_URLS": f"turn:127.0.0.1:{free_port()}?transport=tcp"}
    well = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    wrong = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert (well.returncode, "All is well." in well.stdout) == (0, True), well.stdout
    assert wrong.returncode == 2
    assert "cannot be reached" in wrong.stdout
    assert " to mend." in wrong.stdout


def test_personal_data_is_asked_for_by_the_number_of_an_appointment_that_there_is(system: System) -> None:
    command = [str(ROOT / ".venv/bin/schalter"), "personal-data", "of", "--var", str(system.var)]
    with superuser(system, "booking") as connection:
        assert connection.execute("SELECT count(*) FROM appointment").fetchone() == (0,)
    said = subprocess.run([*command, "hd-7k3m9q"], capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    assert "There is no appointment 'hd-7k3m9q'" in said.stderr


def test_a_wrong_password_and_a_closed_port_of_each_store(patient: Patient, tmp_path: Path) -> None:
    away = f"127.0.0.1:{free_port()}"
    closed = replace(patient.installation, postgres=away, nats=away, redis=away)
    unreachable = replace(patient, installation=closed, redis_url=f"redis://{away}/0")
    for check, what in ((inside.databases, "databases"), (inside.bus, "bus"), (inside.redis, "Redis")):
        found = ill(unreachable, check)
        assert list(found) == [what]
        assert found[what].startswith("cannot be reached")
    strange = replace(patient.installation, secrets=SecretStore(tmp_path / "none.json"))
    refused = replace(patient, installation=strange, redis_url=f"redis://:wrong@{patient.installation.redis}/0")
    for check, what in ((inside.databases, "database of notify"), (inside.bus, "bus"), (inside.redis, "Redis")):
        assert "password" in ill(refused, check)[what]


def test_an_old_schema_a_newer_one_and_none(system: System, patient: Patient, tmp_path: Path) -> None:
    versions = tmp_path / "services" / "booking" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "9999_later.py").touch()
    assert "this version needs 9999" in ill(replace(patient, root=tmp_path), inside.databases)["schema of booking"]
    (versions / "9999_later.py").rename(versions / "0001_first.py")
    assert "newer than" in ill(replace(patient, root=tmp_path), inside.databases)["schema of booking"]
    with superuser(system, "payment") as connection:
        connection.execute("ALTER TABLE alembic_version RENAME TO lost")
        try:
            assert ill(patient, inside.databases)["database of payment"] == "has no tables"
        finally:
            connection.execute("ALTER TABLE lost RENAME TO alembic_version")


def test_a_missing_consumer_one_that_was_planted_and_a_dead_letter(patient: Patient) -> None:
    access, name = patient.installation.bus, durable("notify", BookingCompleted)

    async def plant() -> None:
        async with connected(access) as client:
            await client.jetstream().delete_consumer("BOOKING", name)
            headers = {"dead-reason": "planted", "dead-subject": "booking.completed.v1", "dead-consumer": name}
            await client.jetstream().publish(f"dead.notify.{name}", b"{}", headers=headers)
            spy = ConsumerConfig(durable_name="spy", deliver_subject="_INBOX_payment.spy", ack_policy=AckPolicy.NONE)
            await client.jetstream().add_consumer("BOOKING", spy)

    async def heal() -> None:
        await apply(access, prune=True)
        async with connected(access) as client:
            await client.jetstream().purge_stream("DEAD_LETTERS_NOTIFY")

    asyncio.run(plant())
    try:
        found = ill(patient, inside.bus)
        assert found[f"consumer {name} of BOOKING"] == "is missing"
        assert found["consumer spy of BOOKING"] == "sends what it gets to _INBOX_payment.spy: somebody else listens"
        assert found["dead letters"] == "1 event could not be processed"
    finally:
        asyncio.run(heal())


def test_a_service_that_hangs(system: System, patient: Patient) -> None:
    process = psutil.Process(system.state["pids"]["payment"])
    process.suspend()
    try:
        assert "does not answer" in ill(patient, inside.services)["payment"]
    finally:
        process.resume()


def test_redis_that_evicts_and_redis_that_is_full(patient: Patient) -> None:
    import redis

    client = redis.Redis.from_url(patient.redis_url)
    before = client.config_get("maxmemory*")
    try:
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert ill(patient, inside.redis)["Redis"] == "evicts (allkeys-lru)"
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", client.info("memory")["used_memory"])
        assert "of its memory is used" in ill(patient, inside.redis)["Redis"]
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            client.config_set(name, before[name] or "")


def test_an_office_without_a_lead_and_a_file_that_is_wrong(system: System, patient: Patient, tmp_path: Path) -> None:
    with superuser(system, "casework") as connection:
        connection.execute("UPDATE clerk SET active = false WHERE office = 'demo' AND role <> 'clerk'")
        try:
            assert ill(patient, inside.offices) == {"office demo": "has no lead who can sign in"}
        finally:
            connection.execute("UPDATE clerk SET active = true WHERE office = 'demo'")
    (tmp_path / "demo.toml").write_text("slug = 7")
    assert "demo.toml" in ill(replace(patient, offices=tmp_path), inside.offices)["office files"]


def test_a_full_disk_and_secrets_that_others_read(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = patient.private[0]
    secret.chmod(0o644)
    try:
        assert ill(patient, inside.files) == {str(secret): "others can read it"}
    finally:
        secret.chmod(0o600)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: (100, 95, 5))
    assert ill(patient, inside.files)[f"disk of {patient.folders[0]}"] == "5% is free"


def test_a_collector_of_traces_that_is_away(patient: Patient) -> None:
    assert ill(patient, outside.traces) == {}
    with collecting() as collector:
        url = collector.url
        assert ill(replace(patient, traces_url=url), outside.traces) == {}
        assert ill(replace(patient, traces_url=f"{url}/elsewhere"), outside.traces) == {
            f"collector of traces {url}/elsewhere": "answers 404"
        }
    assert ill(replace(patient, traces_url=url), outside.traces) == {f"collector of traces {url}": "cannot be reached"}


def test_alerts_that_wake_nobody(patient: Patient) -> None:
    assert ill(patient, outside.alerts) == {}
    assert ill(replace(patient, alerts_page=""), outside.alerts) == {"alerts": "wake nobody"}


def test_a_wrong_address_of_citizens(patient: Patient) -> None:
    def page(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

    with answering(page) as port:
        url = f"http://127.0.0.1:{port}"
        assert (
            ill(replace(patient, public_url=url), outside.public_address)[f"address {url}"]
            == "is not this installation"
        )
    url = f"http://127.0.0.1:{free_port()}"
    away = ill(replace(patient, public_url=url), outside.public_address)
    assert away[f"address {url}"] == "cannot be reached from here"


def test_a_clock_that_is_wrong(patient: Patient) -> None:
    ours = httpx.get(f"{patient.installation.service('booking')}/api/booking/offices").content
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S GMT").encode()

    def page(connection: socket.socket) -> None:
        connection.recv(4096)
        head = b"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        connection.sendall(head % (yesterday, len(ours)) + ours)

    with answering(page) as port:
        found = ill(replace(patient, public_url=f"http://127.0.0.1:{port}"), outside.public_address)
    assert "differs from the gateway's by 864" in found["clock"]


def test_a_certificate_that_nobody_knows(patient: Patient, tmp_path: Path) -> None:
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    def greet(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with answering(greet) as port:
        found = ill(replace(patient, public_url=f"https://localhost:{port}"), outside.certificate)
    assert found["certificate of localhost"]


@pytest.mark.parametrize(
    ("security", "says", "trouble"),
    [
        ("starttls", b"220 mail\r\n", "offers no STARTTLS"),
        ("starttls", b"554 go away\r\n", "refuses: 554 go away"),
        ("tls", b"220 mail\r\n", "does not speak TLS from the first byte"),
    ],
)
def test_a_mail_server_that_is_spoken_to_wrongly(patient: Patient, security: Any, says: bytes, trouble: str) -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(says)
        connection.recv(4096)
        connection.sendall(b"250-mail\r\n250 SIZE 1000\r\n")

    with answering(greet) as port:
        mail = MailServer("127.0.0.1", port, security)
        found = ill(replace(patient, mail=mail), outside.mail_server)
    assert found[f"mail server 127.0.0.1:{port}"] == trouble


def test_a_setting_that_there_is_not_is_a_finding_and_no_end(patient: Patient) -> None:
    strange = replace(patient, mail=MailServer("mail", 25, "ssl"))
    assert ill(strange, outside.mail_server) == {"mail server mail:25": "is to be spoken to by 'ssl'"}


def test_a_mail_server_and_a_payment_provider_that_are_away(patient: Patient) -> None:
    port = free_port()
    away = replace(patient, mail=MailServer("127.0.0.1", port, "none"), payment_url=f"http://127.0.0.1:{port}")
    assert ill(away, outside.mail_server)[f"mail server 127.0.0.1:{port}"] == "cannot be reached"
    assert ill(away, outside.payment_provider)[f"payment provider {away.payment_url}"] == "cannot be reached"


def test_a_turn_server_that_is_away_or_knows_another_secret(patient: Patient, tmp_path: Path) -> None:
    url = f"turn:127.0.0.1:{free_port()}?transport=tcp"
    assert ill(replace(patient, turn_urls=(url,)), outside.turn_servers)[url] == "cannot be reached"
    if not shutil.which("turnserver"):
        pytest.skip("needs coturn: apt-get install coturn")
    port = free_port()
    argv = ["turnserver", "-n", "--use-auth-secret", "--realm=x", "--listening-ip=127.0.0.1", "--no-tls", "--no-dtls"]
    argv += ["--static-auth-secret=another", f"--listening-port={port}", "--log-file=/dev/null", "--no-cli"]
    argv += ["--no-stdout-log", f"--pidfile={tmp_path}/pid", f"--userdb={tmp_path}/db"]
    running = subprocess.Popen(argv)
    try:
        url = f"turn:127.0.0.1:{port}?transport=tcp"
        for _ in range(50):
            found = ill(replace(patient, turn_urls=(url,)), outside.turn_servers)
            if found[url] != "cannot be reached":
                break
            time.sleep(0.2)
    finally:
        running.terminate()
        running.wait(10)
    assert found[url] == "refuses our credentials"
