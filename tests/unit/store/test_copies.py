"""A copy is whole or there is none; a file is replaced only while nobody has it open."""

import contextlib
import shutil
import sqlite3
import stat
from collections import namedtuple
from pathlib import Path

import pytest

from gateway.records import accounts, lists
from gateway.store import copies
from gateway.store.copies import CopyFailed
from gateway.store.database import connect, open_database, transaction

BLOCK = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A gateway's file with twenty accounts."""
    path = tmp_path / "with space & #.db"
    with contextlib.closing(open_database(path)) as db:
        for number in range(20):
            accounts.create(db, f"{number}@example.com", "correct horse", number)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder / "copy.db"


def emails(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute("select count(*) from accounts").fetchone()[0])


def spoil(path: Path, page: int) -> None:
    """Write nonsense over a page."""
    with path.open("r+b") as file:
        file.seek(page * BLOCK)
        file.write(b"\xff" * BLOCK)


def root_of(path: Path, name: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        row = db.execute("select rootpage from sqlite_schema where name = ?", (name,)).fetchone()
        return int(row[0]) - 1


def test_a_copy_says_what_is_in_it_and_is_its_owners_only(path: Path, target: Path) -> None:
    contents = copies.copy(path, target)
    assert contents.counts["accounts"] == emails(target) == 20
    assert contents.counts["events"] == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_what_is_only_in_the_log_and_what_is_written_meanwhile(path: Path, target: Path) -> None:
    """Committed before: in it. Not committed yet: not in it, and nobody waits."""
    with contextlib.closing(connect(path)) as db:
        accounts.create(db, "committed@example.com", "correct horse", 1)
        db.execute("begin immediate")
        accounts.create(db, "not-yet@example.com", "correct horse", 1)
        assert copies.copy(path, target).counts["accounts"] == 21
        db.execute("commit")
    assert emails(target) == 21


def test_what_was_deleted_is_not_in_it(path: Path, target: Path) -> None:
    with contextlib.closing(connect(path)) as db:
        db.execute("pragma secure_delete = off")
        db.execute("create table secrets (x)")
        db.execute("insert into secrets values (?)", ("tell nobody " * 10_000,))
        db.execute("drop table secrets")
    assert b"tell nobody" in path.read_bytes()
    copies.copy(path, target)
    assert b"tell nobody" not in target.read_bytes()


def test_progress_is_told_in_bytes(path: Path, target: Path) -> None:
    with contextlib.closing(connect(path)) as db, transaction(db):
        db.executemany(
            "insert into contexts (digest, properties) values (?, '{}')",
            [(number.to_bytes(12),) for number in range(20_000)],
        )
    told: list[tuple[int, int]] = []
    copies.copy(path, target, progress=lambda done, total: told.append((done, total)))
    assert told
    assert all(0 <= done <= target.stat().st_size for done, _ in told)
    [total] = {total for _, total in told}
    assert total == pytest.approx(target.stat().st_size, rel=0.2)


@pytest.mark.parametrize("name", ["accounts", "sqlite_autoindex_accounts_1"])
def test_a_damaged_file_has_no_copy(path: Path, target: Path, name: str) -> None:
    spoil(path, root_of(path, name))
    with pytest.raises(CopyFailed, match=r"malformed|damaged"):
        copies.copy(path, target)
    assert list(target.parent.iterdir()) == []


def test_an_index_that_lacks_a_row_is_found(path: Path, target: Path) -> None:
    """Every page of it reads well: only a look at each row shows it."""
    index = "select * from sqlite_schema where name = 'lists_by_account'"
    with contextlib.closing(connect(path)) as db:
        db.execute("pragma writable_schema = on")
        row = tuple(db.execute(index).fetchone())
        db.execute("delete from sqlite_schema where name = 'lists_by_account'")
    with contextlib.closing(connect(path)) as db:
        lists.create(db, 1, "Unlisted", (), 1)
        db.execute("pragma writable_schema = on")
        db.execute("insert into sqlite_schema values (?, ?, ?, ?, ?)", row)
    with pytest.raises(CopyFailed, match=r"damaged: .*lists_by_account"):
        copies.copy(path, target)


def test_rows_that_point_nowhere_are_found(path: Path, target: Path) -> None:
    with contextlib.closing(connect(path)) as db:
        db.execute("pragma foreign_keys = off")
        db.execute("insert into event_names (list_id, name, kind) values (99, 'x', 0)")
    with pytest.raises(CopyFailed, match="points to one that is not there"):
        copies.copy(path, target)


def test_a_file_of_another_program_is_refused(tmp_path: Path, target: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(theirs)) as db:
        db.execute("create table t (x)")
    with pytest.raises(CopyFailed, match="no database of a gateway"):
        copies.copy(theirs, target)


def test_a_letter_is_refused(tmp_path: Path, target: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader, " * 500)
    with pytest.raises(CopyFailed, match="not a database"):
        copies.copy(letter, target)


def test_a_folder_that_is_not_there_is_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CopyFailed, match=r"nowhere/copy\.db.*No such file"):
        copies.copy(path, tmp_path / "nowhere" / "copy.db")


def test_without_room_it_is_not_begun(
    path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = namedtuple("full", "free")(BLOCK)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(CopyFailed, match="MB free: make room"):
        copies.copy(path, target)
    assert list(target.parent.iterdir()) == []


def test_one_that_fails_leaves_the_copy_there_was(path: Path, target: Path) -> None:
    copies.copy(path, target)
    spoil(path, root_of(path, "accounts"))
    with pytest.raises(CopyFailed):
        copies.copy(path, target)
    assert emails(target) == 20


class TestReplacing:
    def test_the_old_file_is_kept_with_what_was_in_its_log(self, path: Path, target: Path) -> None:
        """As a gateway leaves it that was killed: its last commits are in the log only."""
        copies.copy(path, target)
        killed = path.with_name("killed.db")
        with contextlib.closing(connect(path)) as db:
            accounts.create(db, "last@example.com", "correct horse", 1)
            for end in ("", "-wal", "-shm"):
                shutil.copy(f"{path}{end}", f"{killed}{end}")
        kept = path.with_name("kept.db")
        copies.replace(killed, target, kept)
        assert (emails(killed), emails(kept)) == (20, 21)
        assert not Path(f"{killed}-wal").exists()

    def test_a_log_without_its_file_does_not_get_into_the_new_one(
        self, path: Path, target: Path
    ) -> None:
        copies.copy(path, target)
        lost = path.with_name("lost.db")
        with contextlib.closing(connect(path)) as db:
            accounts.create(db, "last@example.com", "correct horse", 1)
            for end in ("-wal", "-shm"):
                shutil.copy(f"{path}{end}", f"{lost}{end}")
        copies.replace(lost, target, path.with_name("kept.db"))
        assert emails(lost) == 20
        assert path.with_name("kept.db-wal").exists()

    @pytest.mark.parametrize("read_only", [True, False])
    def test_not_while_anybody_has_it_open(self, path: Path, target: Path, read_only: bool) -> None:
        copies.copy(path, target)
        with contextlib.closing(connect(path, read_only=read_only)) as other:
            other.execute("select * from accounts").fetchall()
            with pytest.raises(CopyFailed, match=r"in use .*: stop the gateway"):
                copies.replace(path, target, path.with_name("kept.db"))
        assert target.exists()
        assert not path.with_name("kept.db").exists()

    def test_not_where_that_cannot_be_seen(self, path: Path, target: Path) -> None:
        copies.copy(path, target)
        path.write_text("Dear reader, " * 500)
        with pytest.raises(CopyFailed, match="move the file away"):
            copies.replace(path, target, path.with_name("kept.db"))

    def test_who_could_open_the_old_file_can_open_the_new_one(
        self, path: Path, target: Path
    ) -> None:
        copies.copy(path, target)
        path.chmod(0o640)
        copies.replace(path, target, path.with_name("kept.db"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
