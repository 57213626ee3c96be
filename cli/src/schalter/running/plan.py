"""What runs, and what each part is told: the composition root of `schalter up`."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from contracts.topology import SERVICES
from schalter.advice import for_make_up
from schalter.embedded import Alertmanager, Caddy, Nats, Part, Postgres, Program, Prometheus, Redis, free_ports
from schalter.embedded.network import LOOPBACK, http_status
from schalter.installation import BusAccess
from schalter.nats_config import OPERATOR, service_users
from schalter.running.home import Home
from schalter.running.secret_store import SecretStore

_SERVERS = ("postgres", "nats", "redis")
_SIMULATORS = ("paypal", "mail")
#: The echo of the technical check: a process of its own, lest its media work slow the rooms down. It needs no access.
CHECK = "signaling-check"
_PORTS = (*_SERVERS, *SERVICES, CHECK, *_SIMULATORS, "smtp", "bounce")
EXPORTER = "exporter"
_OBSERVERS = ("prometheus", "alertmanager", EXPORTER, "nats-monitor")


#: On a development machine everybody comes from one address, a load test too. Real offices have booking's own limits.
_LOCAL_LIMITS: Final = {
    "hold": {"proof_from": 50_000, "at_most": 100_000, "seconds": 3600},
    "booking": {"proof_from": 50_000, "at_most": 100_000, "seconds": 3600},
    "email": {"proof_from": 100, "at_most": 1_000, "seconds": 3600},
    "mailbox": {"proof_from": 100, "at_most": 1_000, "seconds": 3600},
}


@dataclass(frozen=True)
class Plan:
    """The parts in the order of their start: what keeps data, then (all at once) what serves, then what looks at it."""

    public_url: str
    ports: Mapping[str, int]
    postgres: Postgres
    servers: tuple[Part, ...]
    gateway: Caddy
    applications: tuple[Program, ...]
    observers: tuple[Part, ...]
    database_passwords: Mapping[str, str]
    monitor_password: str
    bus: BusAccess


def make_plan(home: Home, secrets: SecretStore, port: int, *, observe: bool = False) -> Plan:
    """Decides ports, secrets and environment of every part. Nothing is started, nothing written."""
    names = (*_PORTS, *(_OBSERVERS if observe else ()))
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    public_url = f"http://localhost:{port}"
    logs = home.logs
    nats_passwords = {user: secrets.password(f"nats_{user}") for user in (*SERVICES, OPERATOR)}
    postgres = Postgres(
        home.var / "postgres", ports["postgres"], password=secrets.password("postgres"), log=logs / "postgres.log"
    )
    nats = Nats(
        home.var / "nats",
        ports["nats"],
        users=service_users(nats_passwords),
        log=logs / "nats.log",
        monitor=ports.get("nats-monitor"),
    )
    redis = Redis(
        home.var / "redis",
        ports["redis"],
        password=secrets.password("redis"),
        users={service: secrets.password(f"redis_{service}") for service in SERVICES},
        log=logs / "redis.log",
        monitor_password=secrets.password("redis_monitor"),
    )
    database_passwords = {service: secrets.password(f"postgres_{service}") for service in SERVICES}
    shared = {
        "SCHALTER_ENVIRONMENT": "development",
        "SCHALTER_LOG_LEVEL": os.environ.get("SCHALTER_LOG_LEVEL", "info"),
        # Somebody who looks at a process with a debugger wants none: SCHALTER_WATCHDOG_SECONDS= make up
        "SCHALTER_WATCHDOG_SECONDS": os.environ.get("SCHALTER_WATCHDOG_SECONDS", "30"),
        "SCHALTER_PUBLIC_URL": public_url,
        "SCHALTER_OFFICES_DIR": str(home.offices),
    }
    special = _special_environments(home, secrets, ports, public_url)
    environments: dict[str, dict[str, str]] = {}
    for service in SERVICES:
        environments[service] = {
            **shared,
            "SCHALTER_DATABASE_URL": postgres.url(service, service, database_passwords[service]),
            "SCHALTER_NATS_URL": nats.url,
            "SCHALTER_NATS_USER": service,
            "SCHALTER_NATS_PASSWORD": nats_passwords[service],
            "SCHALTER_REDIS_URL": redis.user_url(service),
            **special.get(service, {}),
        }
    applications = [
        uvicorn(service, f"{service}.app:build", ports[service], environments[service], logs / f"{service}.log")
        for service in SERVICES
    ]
    applications.append(uvicorn(CHECK, "signaling.check_app:build", ports[CHECK], shared, logs / f"{CHECK}.log"))
    applications += [
        Program(
            name=simulator,
            argv=(sys.executable, "-m", f"simulators.{simulator}"),
            env={**shared, **special[simulator]},
            ready=partial(_is_ready, ports[simulator]),
            log=logs / f"{simulator}.log",
        )
        for simulator in _SIMULATORS
    ]
    monitor_password = secrets.password("postgres_monitor")
    if observe:
        looks_at = {
            "SCHALTER_MONITOR_POSTGRES_URL": postgres.url("postgres", "monitor", monitor_password),
            "SCHALTER_MONITOR_REDIS_URL": redis.monitor_url,
            "SCHALTER_MONITOR_NATS_URL": f"http://{LOOPBACK}:{ports['nats-monitor']}",
            "SCHALTER_PUBLIC_URL": public_url,
            "SCHALTER_GATEWAY_ADDRESS": f"{LOOPBACK}:{port}",
            "SCHALTER_GATEWAY_SITE": f"http://:{port}",
            "SCHALTER_MONITOR_DISKS": f"postgres={postgres.directory},nats={nats.directory}",
        }
        applications.append(_exporter(ports[EXPORTER], looks_at, logs / f"{EXPORTER}.log"))
    gateway = Caddy(
        home.var / "caddy",
        port,
        caddyfile=home.caddyfile,
        env=_gateway_environment(home, ports, port),
        log=logs / "gateway.log",
    )
    return Plan(
        public_url=public_url,
        ports=ports,
        postgres=postgres,
        servers=(postgres, nats, redis),
        gateway=gateway,
        applications=tuple(applications),
        observers=_observers(home, ports) if observe else (),
        database_passwords=database_passwords,
        monitor_password=monitor_password,
        bus=BusAccess(nats.url, nats_passwords[OPERATOR]),
    )


def _observers(home: Home, ports: Mapping[str, int]) -> tuple[Part, ...]:
    """Prometheus with production's rules, and Alertmanager, whose mails land in the mail simulator."""
    deploy = home.root / "deploy"
    prometheus = Prometheus(
        home.var / "prometheus",
        ports["prometheus"],
        rules=[deploy / "prometheus" / file for file in ("alerts.yml", "slo.yml")],
        targets={service: ports[service] for service in (*SERVICES, CHECK, EXPORTER)},
        alertmanager=ports["alertmanager"],
        advice=for_make_up(home.logs),
    )
    alertmanager = Alertmanager(
        home.var / "alertmanager",
        ports["alertmanager"],
        configuration=deploy / "alertmanager",
        smtp_port=ports["smtp"],
    )
    return prometheus, alertmanager


def _special_environments(
    home: Home, secrets: SecretStore, ports: Mapping[str, int], public_url: str
) -> dict[str, dict[str, str]]:
    """What some are told and others are not: above all, each private key has one holder."""
    public_keys = {f"SCHALTER_{name.upper()}_PUBLIC_KEY": secrets.public_keys(name) for name in ("link", "clerk")}
    paypal_url = f"http://{LOOPBACK}:{ports['paypal']}"
    paypal = {
        "SCHALTER_PAYPAL_API_URL": paypal_url,
        "SCHALTER_PAYPAL_CLIENT_ID": "schalter-development",
        "SCHALTER_PAYPAL_CLIENT_SECRET": secrets.password("paypal_client"),
        "SCHALTER_PAYPAL_WEBHOOK_ID": secrets.password("paypal_webhook"),
        "SCHALTER_PAYPAL_CA_FILE": str(home.var / "paypal-ca.pem"),
    }
    return {
        "booking": {
            **public_keys,
            "SCHALTER_LINK_PRIVATE_KEY": secrets.key_pair("link")[0],
            "SCHALTER_LIMITS": os.environ.get("SCHALTER_LIMITS") or json.dumps(_LOCAL_LIMITS),
        },
        "signaling": {
            **public_keys,
            "SCHALTER_TURN_URLS": os.environ.get("SCHALTER_TURN_URLS", ""),
            "SCHALTER_TURN_SECRET": os.environ.get("SCHALTER_TURN_SECRET") or secrets.password("turn"),
        },
        "casework": {
            **public_keys,
            "SCHALTER_CLERK_PRIVATE_KEY": secrets.key_pair("clerk")[0],
            "SCHALTER_DEMO_CLERKS_FILE": str(home.demo_clerks),
        },
        "payment": {**public_keys, **paypal, "SCHALTER_PAYPAL_CERT_ORIGIN": paypal_url},
        "notify": {
            **public_keys,
            "SCHALTER_SMTP_HOST": LOOPBACK,
            "SCHALTER_SMTP_PORT": str(ports["smtp"]),
            "SCHALTER_SMTP_SECURITY": "none",
            "SCHALTER_BOUNCE_DOMAIN": "bounce.localhost",
            "SCHALTER_BOUNCE_HOST": LOOPBACK,
            "SCHALTER_BOUNCE_PORT": str(ports["bounce"]),
            "SCHALTER_BOUNCE_KEY": secrets.password("bounce"),
        },
        "paypal": {
            **paypal,
            "SCHALTER_PAYPAL_PORT": str(ports["paypal"]),
            "SCHALTER_PAYPAL_PUBLIC_URL": f"{public_url}/paypal-simulator",
            "SCHALTER_PAYPAL_WEBHOOK_TARGET": f"http://{LOOPBACK}:{ports['payment']}/api/payment/webhooks/paypal",
        },
        "mail": {
            "SCHALTER_MAIL_SMTP_PORT": str(ports["smtp"]),
            "SCHALTER_MAIL_HTTP_PORT": str(ports["mail"]),
            "SCHALTER_MAIL_RETURN_PORT": str(ports["bounce"]),
        },
    }


def _gateway_environment(home: Home, ports: Mapping[str, int], port: int) -> dict[str, str]:
    upstreams = {"CHECK" if name == CHECK else name.upper(): f"{LOOPBACK} {number}" for name, number in ports.items()}
    return {
        "ENVIRONMENT": "development",
        "GATEWAY_SITE": f"http://:{port}",
        "GATEWAY_BIND": _loopback_addresses(),
        "GATEWAY_WEB": str(home.web),
        **_gateway_traces(os.environ.get("SCHALTER_TRACES_ENDPOINT"), os.environ.get("SCHALTER_TRACES_RATIO")),
        **{f"GATEWAY_{name}": address for name, address in upstreams.items()},
    }


def _gateway_traces(endpoint: str | None, ratio: str | None) -> dict[str, str]:
    """Caddy's spans go where the services' go (they read SCHALTER_TRACES_* themselves), without any attribute."""
    if not endpoint:
        return {}
    return {
        "GATEWAY_TRACES": "on",
        "OTEL_SERVICE_NAME": "gateway",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{endpoint.rstrip('/')}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": ratio or "1",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
    }


def _loopback_addresses() -> str:
    """This machine alone, also where "localhost" means ::1 first: a development system is not for the network."""
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return f"{LOOPBACK} ::1"
    return LOOPBACK


def uvicorn(name: str, factory: str, port: int, env: Mapping[str, str], log: Path) -> Program:
    """A process that serves what `factory` builds, with the flags that all services run with."""
    return Program(
        name=name,
        argv=(
            *(sys.executable, "-m", "uvicorn", "--factory", factory, "--host", LOOPBACK, "--port", str(port)),
            *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"),
            *("--http", "httptools", "--proxy-headers", "--forwarded-allow-ips", LOOPBACK),
            *("--ws-max-size", "131072", "--ws-per-message-deflate", "false"),
        ),
        env=env,
        ready=partial(_is_ready, port),
        log=log,
    )


def _exporter(port: int, env: Mapping[str, str], log: Path) -> Program:
    """What looks at the servers and the disks."""
    return Program(
        name=EXPORTER,
        argv=(sys.executable, "-m", "schalter.main", "exporter", "--host", LOOPBACK, "--port", str(port)),
        env=env,
        ready=lambda: http_status(port, "/metrics") == 200,
        log=log,
    )


def _is_ready(port: int) -> bool:
    return http_status(port, "/readyz") == 200
