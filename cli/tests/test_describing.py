"""What describes the services builds them with settings that nobody keeps."""

import os
from collections.abc import Callable

import pytest

from schalter import chores, metrics
from schalter.running.home import Home


@pytest.mark.parametrize(
    "describes", [lambda home: chores.openapi("payment", home), metrics.declared], ids=["interfaces", "figures"]
)
def test_the_environment_is_afterwards_what_it_was(describes: Callable[[Home], object]) -> None:
    before = dict(os.environ)
    assert describes(Home.find())
    assert dict(os.environ) == before
