"""The machine room: PostgreSQL, NATS, Redis and Caddy as child processes, from wheels, without root or daemon."""

from schalter.embedded.caddy import Caddy
from schalter.embedded.errors import PartFailedError, SchalterError, ToolMissingError
from schalter.embedded.nats import Nats
from schalter.embedded.network import free_port, free_ports
from schalter.embedded.observers import Alertmanager, Prometheus
from schalter.embedded.part import Part
from schalter.embedded.postgres import Postgres
from schalter.embedded.process import Process, Program
from schalter.embedded.redis import Redis

__all__ = [
    "Alertmanager",
    "Caddy",
    "Nats",
    "Part",
    "PartFailedError",
    "Postgres",
    "Process",
    "Program",
    "Prometheus",
    "Redis",
    "SchalterError",
    "ToolMissingError",
    "free_port",
    "free_ports",
]
