"""The running system that all integration tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from system import ROOT, System

from schalter.embedded import free_port


@pytest.fixture(scope="session")
def system(servers_dir: Path) -> Iterator[System]:
    """`schalter up`, healthy."""
    assert (ROOT / "web/dist/citizen/index.html").is_file(), "the pages are not built: make web"
    system = System(servers_dir / "system", free_port())
    try:
        system.wait_ready()
        yield system
    finally:
        system.stop()
