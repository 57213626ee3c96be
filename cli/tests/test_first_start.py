"""What the first start makes, and what the second must keep."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.topology import SERVICES
from schalter.embedded import SchalterError
from schalter.running.clerks import demo_clerks
from schalter.running.home import Home
from schalter.running.plan import make_plan
from schalter.running.secret_store import SecretStore

ROOT = Path(__file__).resolve().parents[2]


def test_secrets_are_made_once_and_are_for_this_user_alone(tmp_path: Path) -> None:
    first = SecretStore(tmp_path / "secrets.json")
    password, keys = first.password("postgres"), first.key_pair("link")
    first.save()
    second = SecretStore(tmp_path / "secrets.json")
    assert (second.password("postgres"), second.key_pair("link")) == (password, keys)
    assert second.password("redis") != password
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_damaged_secrets_are_said_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(SchalterError, match="damaged"):
        SecretStore(tmp_path / "secrets.json")


def test_clerks_keep_their_passwords_and_new_offices_get_their_own(tmp_path: Path) -> None:
    file = tmp_path / "clerks.json"
    first = demo_clerks(file, ["demo", "heidelberg"])
    assert [clerk["office"] for clerk in first] == ["demo", "demo", "heidelberg"]
    assert len({clerk["password"] for clerk in first}) == 3
    second = demo_clerks(file, ["demo", "heidelberg", "weinheim"])
    assert second[:3] == first
    assert second[3]["office"] == "weinheim"
    assert json.loads(file.read_text()) == second
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_private_key_has_one_holder_and_every_service_its_own_passwords(tmp_path: Path) -> None:
    plan = make_plan(Home(root=ROOT, var=tmp_path), SecretStore(tmp_path / "secrets.json"), 8080)
    environments = {program.name: program.env for program in plan.applications}
    holders = {key: [name for name, env in environments.items() if key in env] for key in _keys_of(environments)}
    assert holders["SCHALTER_LINK_PRIVATE_KEY"] == ["booking"]
    assert holders["SCHALTER_CLERK_PRIVATE_KEY"] == ["casework"]
    assert holders["SCHALTER_PAYPAL_CLIENT_SECRET"] == ["payment", "paypal"]
    for setting in ("DATABASE_URL", "NATS_PASSWORD", "REDIS_URL"):
        assert len({environments[service][f"SCHALTER_{setting}"] for service in SERVICES}) == len(SERVICES)


def test_no_secret_is_an_argument_which_any_user_of_the_machine_could_read(tmp_path: Path) -> None:
    secrets = SecretStore(tmp_path / "secrets.json")
    plan = make_plan(Home(root=ROOT, var=tmp_path), secrets, 8080)
    secrets.save()
    values = json.loads((tmp_path / "secrets.json").read_text()).values()
    for program in (*plan.applications, *(server.program() for server in plan.servers), plan.gateway.program()):
        assert not any(value in argument for argument in program.argv for value in values)


def _keys_of(environments: Mapping[str, Mapping[str, str]]) -> set[str]:
    return {key for environment in environments.values() for key in environment}
