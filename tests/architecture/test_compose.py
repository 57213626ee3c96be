"""docker-compose.yml: who holds which secrets, who may speak with whom, and that nothing is unbounded.

On a container engine the same is tried (`make production`).
"""

import re
from typing import Any, Final

import pytest
import yaml
from system import ROOT

from contracts.topology import SERVICES

COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
#: Who may connect to what keeps data.
HOLDERS: Final = {
    "postgres": {*SERVICES, "operator", "exporter"},
    "nats": {*SERVICES, "operator", "bus", "exporter"},
    "redis": {"booking", "signaling", "operator", "exporter"},
}


def neighbours(name: str) -> set[str]:
    """Every container that shares a network with `name`."""
    own = set(CONTAINERS[name].get("networks", []))
    return {other for other, part in CONTAINERS.items() if other != name and own & set(part.get("networks", []))}


def test_prometheus_scrapes_every_service() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {name for job in jobs for found in job.get("dns_sd_configs", []) for name in found["names"]}
    assert {*SERVICES, "signaling-check"} <= asked <= CONTAINERS.keys()
    assert asked <= neighbours("prometheus")


def test_each_container_has_its_own_secrets_and_the_technical_check_has_none() -> None:
    mounted = {
        name: {volume.partition(":")[0] for volume in part.get("volumes", []) if volume.startswith("secrets-")}
        for name, part in CONTAINERS.items()
        if name != "secrets"
    }
    holding = {name: volumes for name, volumes in mounted.items() if volumes}
    own = {name: holding.pop(name) for name in (*SERVICES, "postgres", "nats", "redis", "paypal", "exporter", "bus")}
    assert own == {name: {f"secrets-{name}"} for name in own}
    assert {name: volumes for name, volumes in holding.items() if volumes != {"secrets-store"}} == {}
    assert holding.keys() <= {"operator"}


def test_it_publishes_on_loopback_alone() -> None:
    ports = [port for part in CONTAINERS.values() for port in part.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("store", HOLDERS)
def test_what_keeps_data_is_reached_by_who_needs_it_and_reaches_nobody_outside(store: str) -> None:
    assert neighbours(store) <= HOLDERS[store]
    assert {*SERVICES} & HOLDERS[store] <= neighbours(store)
    assert all((COMPOSE["networks"][network] or {}).get("internal") for network in CONTAINERS[store]["networks"])


def test_what_reads_strangers_media_reaches_no_service_and_no_store() -> None:
    assert neighbours("signaling-check") == {"gateway", "prometheus"}


def test_the_gateway_reaches_no_store() -> None:
    assert not neighbours("gateway") & HOLDERS.keys()


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name != "secrets"])
def test_a_container_is_bounded_and_can_change_nothing_but_its_volumes(name: str) -> None:
    part = CONTAINERS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["mem_limit"]
    assert part["pids_limit"]
    assert part["logging"]["options"]["max-size"]
    assert part["networks"]


def test_the_turn_server_is_bounded_and_holds_its_secret_alone() -> None:
    turn = yaml.safe_load((ROOT / "deploy/turn.yml").read_text())["services"]["turn"]
    assert turn["read_only"] is True
    assert turn["mem_limit"]
    assert turn["pids_limit"]
    assert [volume for volume in turn["volumes"] if volume.startswith("secrets")] == ["secrets-turn:/run/secrets:ro"]


def test_what_others_built_is_named_by_its_version() -> None:
    bases = re.findall(r"^FROM (\S+:\S+)", (ROOT / "deploy/docker/Dockerfile").read_text(), re.M)
    images = [part["image"] for part in CONTAINERS.values() if "build" not in part]
    assert images
    for image in (*images, *bases):
        assert re.search(r":v?\d+\.\d+", image), image
