"""A pytest plugin that writes down which test runs which line, and how long each test takes.

Loaded with `-p tools.mutants.recorder` before anything of ours is imported. SCHALTER_MUTANTS_RECORD names the file,
SCHALTER_MUTANTS_SOURCE the folder whose files are looked at.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

_file = Path(os.environ["SCHALTER_MUTANTS_RECORD"])
_coverage = coverage.Coverage(data_file=None, config_file=False, source=[os.environ["SCHALTER_MUTANTS_SOURCE"]])
_coverage.start()
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
    """The end of the tests."""
    _coverage.stop()
    data = _coverage.get_data()
    lines = {path: data.contexts_by_lineno(path) for path in sorted(data.measured_files())}
    _file.write_text(json.dumps({"lines": lines, "seconds": _seconds}))
