"""A pytest plugin that writes down which test runs which line, and how long each test takes.

Loaded with `-p tools.mutants.recorder` before anything of ours is imported. SCHALTER_MUTANTS_RECORD names the file;
parallel workers add their names to it.
"""

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

_file = f"{os.environ['SCHALTER_MUTANTS_RECORD']}.{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
_coverage = coverage.Coverage(
    data_file=_file,
    config_file=False,
    source=os.environ["SCHALTER_MUTANTS_SOURCES"].split(":"),
    concurrency=["thread", "greenlet"],
)
_coverage.start()
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in whatever a shell runs behind itself
_seconds: defaultdict[str, float] = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What runs from here on, runs for this test."""
    _coverage.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Setting up counts: who runs the test alone pays for it, too."""
    _seconds[report.nodeid] += report.duration


def pytest_unconfigure() -> None:
    """The end of this process's tests."""
    _coverage.stop()
    _coverage.save()
    Path(f"{_file}.json").write_text(json.dumps(_seconds))
