"""The secrets of the containers: made once, private keys with one holder each."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from schalter.compose_secrets import USER, give_volumes, write_secrets
from schalter.embedded.redis import MAY


def test_a_second_run_changes_nothing(tmp_path: Path, offices_dir: Path) -> None:
    first = write_secrets(tmp_path, offices_dir)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert write_secrets(tmp_path, offices_dir) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_every_private_key_has_one_holder(tmp_path: Path, offices_dir: Path) -> None:
    write_secrets(tmp_path, offices_dir)
    holders = {path.name: path.parent.name for path in tmp_path.rglob("*_private_key")}
    assert holders == {"schalter_link_private_key": "booking", "schalter_clerk_private_key": "casework"}


def test_signaling_and_the_turn_server_share_a_secret(tmp_path: Path, offices_dir: Path) -> None:
    write_secrets(tmp_path, offices_dir)
    secret = (tmp_path / "signaling" / "schalter_turn_secret").read_text()
    assert f"static-auth-secret={secret}\n" in (tmp_path / "turn" / "turnserver.conf").read_text()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_volumes_of_others_become_the_containers_users(tmp_path: Path) -> None:
    (tmp_path / "nats" / "jetstream").mkdir(parents=True)
    (tmp_path / "nats" / "jetstream" / "meta").touch()
    give_volumes(tmp_path)
    assert {path.stat().st_uid for path in (tmp_path / "nats").rglob("*")} == {USER}


def test_no_service_can_enter_anothers_database(tmp_path: Path, offices_dir: Path) -> None:
    write_secrets(tmp_path, offices_dir)
    urls = {path.parent.name: path.read_text() for path in tmp_path.rglob("schalter_database_url")}
    assert len({url.rsplit("@", 1)[0].rsplit(":", 1)[1] for url in urls.values()}) == len(urls) == 5
    assert all(url.endswith(f"/{service}") for service, url in urls.items())


def test_production_has_no_demo_clerks_and_is_told_of_those_of_a_trial(tmp_path: Path, offices_dir: Path) -> None:
    assert write_secrets(tmp_path / "new", offices_dir, demo=False) == []
    assert list((tmp_path / "new").rglob("*clerks*")) == []
    trial = write_secrets(tmp_path, offices_dir)
    for _ in range(2):
        assert write_secrets(tmp_path, offices_dir, demo=False) == []
        assert [path.name for path in (tmp_path / "casework").glob("*clerks*")] == ["former-demo-clerks.json"]
    assert json.loads((tmp_path / "casework" / "former-demo-clerks.json").read_text()) == trial


def test_each_service_reaches_its_own_keys_of_redis_alone(tmp_path: Path, offices_dir: Path) -> None:
    write_secrets(tmp_path, offices_dir)
    urls = {path.parent.name: urlsplit(path.read_text()) for path in tmp_path.rglob("schalter_redis_url")}
    conf = (tmp_path / "redis" / "redis.conf").read_text().splitlines()
    assert sorted(urls) == ["booking", "signaling"]
    for service, url in urls.items():
        assert url.username == service
        assert f"user {service} on >{url.password} ~{service}:* &{service}:* {MAY}" in conf


def test_who_makes_the_bus_holds_the_operators_password_and_nothing_else(tmp_path: Path, offices_dir: Path) -> None:
    write_secrets(tmp_path, offices_dir)
    told = (tmp_path / "nats" / "passwords.conf").read_text()
    (only,) = (tmp_path / "bus").iterdir()
    assert f"NATS_PASSWORD_OPERATOR: {only.read_text()}\n" in told
