"""The running system that all integration tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from system import ROOT, RemoteSystem, System

from chassis.logging import REDACTED
from contracts.topology import SERVICES
from schalter.embedded import free_port


@pytest.fixture(scope="session")
def system(servers_dir: Path) -> Iterator[System]:
    """`schalter up`, healthy; or the running system that SCHALTER_URL and SCHALTER_DEMO_CLERKS name."""
    if url := os.environ.get("SCHALTER_URL"):
        yield RemoteSystem(url, Path(os.environ["SCHALTER_DEMO_CLERKS"]))
        return
    assert (ROOT / "web/dist/citizen/index.html").is_file(), "the pages are not built: make web"
    system = System(servers_dir / "system", free_port())
    try:
        system.wait_ready()
        yield system
    finally:
        system.stop()
    logs = {service: (system.var / "log" / f"{service}.log").read_text() for service in SERVICES}
    # A detail is redacted unread; that of a database that is just starting is about nobody.
    lines = [line for log in logs.values() for line in log.splitlines() if "CannotConnectNowError" not in line]
    told = [line for line in lines if "@example" in line or REDACTED in line]
    assert not told, "a service logged something personal"


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the fake cameras' films are kept, written when first needed."""
    return tmp_path_factory.mktemp("films")
