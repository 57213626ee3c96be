"""Every mail, word for word: whoever changes a text sees in the snapshots what citizens will read.

After a change that is meant: SCHALTER_UPDATE_SNAPSHOTS=1 pytest services/notify/tests/test_preview.py
"""

import os
from pathlib import Path

import pytest

from notify.preview import previews, write

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, offices_dir: Path) -> Path:
    directory = tmp_path_factory.mktemp("mails")
    write(directory, offices_dir, "heidelberg")
    if os.environ.get("SCHALTER_UPDATE_SNAPSHOTS"):
        for old in SNAPSHOTS.glob("*"):
            old.unlink()
        write(SNAPSHOTS, offices_dir, "heidelberg")
        (SNAPSHOTS / "index.html").unlink()
    return directory


def test_every_mail_has_a_snapshot_and_every_snapshot_a_mail(written: Path) -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {path.name for path in written.iterdir()} - {"index.html"}


@pytest.mark.parametrize("name", [preview.name for preview in previews()])
def test_mails_are_what_they_were(written: Path, name: str) -> None:
    for path in sorted(written.glob(f"{name}.*")):
        if path.stem == name:
            assert path.read_bytes().decode() == (SNAPSHOTS / path.name).read_bytes().decode(), path.name


def test_the_index_shows_them_all_and_lets_them_do_nothing(written: Path) -> None:
    index = (written / "index.html").read_text()
    for preview in previews():
        assert f'src="{preview.name}.html" sandbox=""' in index
