"""What `schalter init` writes, and what it refuses."""

import json
import subprocess
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from typer.testing import CliRunner

from schalter.embedded import SchalterError
from schalter.init import Answers, initialise
from schalter.main import cli

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "deploy" / "offices"
ANSWERS = {
    "url": "https://termin.town.example/",
    "office": "heidelberg",
    "first_clerk": "Erika.Amt",
    "name": "Érika O'Hara",
    "mail_from": "Town <noreply@town.example>",
    "smtp_host": "mail.town.example",
    "smtp_port": 587,
    "smtp_user": "",
    "smtp_password": "$ecret #1",
    "paypal_client_id": "town",
    "paypal_client_secret": "s3cret",
    "paypal_webhook_id": "WH-1",
    "behind": "",
    "tls": "acme",
    "turn_address": "",
    "turn_listen": "",
    "alerts_page": "oncall@pager.example",
}


def answers(**changes: object) -> Answers:
    return Answers(**ANSWERS | changes)  # type: ignore[arg-type] # as the test wants them


def env(directory: Path) -> dict[str, str]:
    """What a shell reads, which takes single quotes as Compose does."""
    script = "set -a; . ./.env; env -0"
    done = subprocess.run(["sh", "-c", script], cwd=directory, env={}, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_everything_stands_in_env_and_the_office_in_a_folder_of_the_towns(tmp_path: Path) -> None:
    done = initialise(tmp_path, answers(), example=EXAMPLE)
    assert done.files == [tmp_path / ".env", tmp_path / "offices" / "heidelberg.toml"]
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    written = env(tmp_path)
    assert written["COMPOSE_FILE"] == "docker-compose.yml:deploy/production.yml:deploy/tls.yml"
    assert (written["SCHALTER_PUBLIC_URL"], written["GATEWAY_SITE"]) == ("https://termin.town.example",) * 2
    assert (written["GATEWAY_TLS"], written["SCHALTER_SMTP_SECURITY"]) == ("acme", "starttls")
    assert written["SCHALTER_ALERTS_PAGE"] == "oncall@pager.example"
    assert written["SCHALTER_SMTP_PASSWORD"] == "$ecret #1"
    first = json.loads(written["SCHALTER_FIRST_CLERK"])
    assert (first["office"], first["username"], first["name"]) == ("heidelberg", "erika.amt", "Érika O'Hara")
    assert PasswordHash.recommended().verify(done.password, first["password_hash"])
    assert done.password not in (tmp_path / ".env").read_text()


def test_behind_a_proxy_the_gateway_speaks_http_on_loopback_and_believes_it(tmp_path: Path) -> None:
    initialise(tmp_path, answers(behind="10.0.0.0/8,192.0.2.7", smtp_port=465), example=EXAMPLE)
    written = env(tmp_path)
    assert written["COMPOSE_FILE"] == "docker-compose.yml:deploy/production.yml"
    assert (written["GATEWAY_SITE"], written["GATEWAY_TLS"]) == ("http://:8080", "none")
    assert (written["GATEWAY_TRUSTED_PROXIES"], written["SCHALTER_SMTP_SECURITY"]) == ("10.0.0.0/8 192.0.2.7/32", "tls")


def test_with_a_turn_server_browsers_are_told_of_it(tmp_path: Path) -> None:
    initialise(tmp_path, answers(turn_address=" 192.0.2.7", tls="files"), example=EXAMPLE)
    written = env(tmp_path)
    assert written["COMPOSE_FILE"].endswith(":deploy/tls.yml:deploy/turn.yml")
    assert (written["TURN_ADDRESS"], written["TURN_LISTEN"]) == ("192.0.2.7", "192.0.2.7")
    host = "termin.town.example"
    assert written["SCHALTER_TURN_URLS"].split(",") == [
        f"turn:{host}:3478?transport=udp",
        f"turn:{host}:3478?transport=tcp",
        f"turns:{host}:5349?transport=tcp",
    ]


def test_every_variable_is_one_that_compose_reads(tmp_path: Path) -> None:
    initialise(tmp_path, answers(turn_address="192.0.2.7"), example=EXAMPLE)
    files = [ROOT / "docker-compose.yml", *(ROOT / "deploy" / f"{name}.yml" for name in ("production", "tls", "turn"))]
    read = "".join(file.read_text() for file in files)
    unread = [name for name in env(tmp_path) if f"${{{name}" not in read and name not in ("COMPOSE_FILE", "PWD")]
    assert unread == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://termin.town.example"}, "is no address for citizens"),
        ({"url": "https://termin.town.example/office"}, "is no address for citizens"),
        ({"url": "termin.town.example"}, "is no address for citizens"),
        ({"office": "weinheim"}, "There is no file for 'weinheim'"),
        ({"first_clerk": "Erika Amt"}, "is no user name"),
        ({"url": "https://termin.town.example:8443"}, "is no address for citizens"),
        ({"url": "https://termin.town.example/#x"}, "is no address for citizens"),
        ({"url": "https://[2001:db8::1]"}, "is no address for citizens"),
        ({"url": "https://user:pass@termin.town.example"}, "is no address for citizens"),
        ({"turn_address": "turn.town.example"}, "TURN server's addresses look like"),
        ({"behind": "proxy.town.example"}, "--behind takes addresses"),
        ({"name": " "}, "A name has 1 to 200 characters"),
        ({"smtp_host": "a b"}, "is no mail server"),
        ({"mail_from": "nope"}, "is no e-mail address"),
        ({"mail_from": "a@@b.example"}, "is no e-mail address"),
        ({"alerts_page": "112"}, "is no e-mail address"),
        ({"alerts_page": "a@b.example, c@d.example"}, "is no e-mail address"),
        ({"paypal_client_id": " "}, "is missing"),
        ({"paypal_client_secret": ""}, "is missing"),
        ({"paypal_webhook_id": ""}, "is missing"),
        ({"smtp_password": "it's"}, "SCHALTER_SMTP_PASSWORD cannot stand in .env: no apostrophes"),
        ({"smtp_password": "abc\\"}, "SCHALTER_SMTP_PASSWORD cannot stand in .env"),
    ],
)
def test_what_cannot_be_right_is_said_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(SchalterError, match=said):
        initialise(tmp_path, answers(**changes), example=EXAMPLE)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEPT=1")
    with pytest.raises(SchalterError, match="is not overwritten"):
        initialise(tmp_path, answers(), example=EXAMPLE)
    assert (tmp_path / ".env").read_text() == "KEPT=1"


def test_the_towns_own_offices_are_kept(tmp_path: Path) -> None:
    (tmp_path / "offices").mkdir()
    own = (EXAMPLE / "heidelberg.toml").read_text().replace('"heidelberg"', '"weinheim"')
    (tmp_path / "offices" / "weinheim.toml").write_text(own)
    done = initialise(tmp_path, answers(office="weinheim"), example=EXAMPLE)
    assert done.files[1:] == [tmp_path / "offices" / "weinheim.toml"]
    assert (tmp_path / "offices" / "weinheim.toml").read_text() == own


def test_an_answer_that_cannot_be_right_is_asked_for_again(tmp_path: Path) -> None:
    answered = ["termin.town", "https://termin.town.example", "heidelberg", "Erika Amt", "erika.amt", "Erika Amt", ""]
    answered += ["a b", "mail.town.example", "town", "s3cret", "WH-1", "112", ""]
    done = CliRunner().invoke(cli, ["init", "--directory", str(tmp_path)], input="\n".join(answered) + "\n")
    assert done.exit_code == 0, done.output
    assert "'termin.town' is no address for citizens" in done.output
    assert "is no user name" in done.output
    assert "[noreply@termin.town.example]" in done.output
    assert "Alerts wake nobody" in done.output
    assert "s3cret" not in done.output, "what is secret is not shown while it is typed"
    assert env(tmp_path)["SCHALTER_PAYPAL_CLIENT_SECRET"] == "s3cret"
    assert env(tmp_path)["SCHALTER_SMTP_HOST"] == "mail.town.example"


def test_without_questions_what_is_missing_is_named_by_its_flag(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", "--yes", "--url", "https://a.example", "--directory", str(tmp_path)])
    assert "--office is missing" in str(done.exception)
    assert list(tmp_path.iterdir()) == []
