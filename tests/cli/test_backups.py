"""`gateway backup` and `gateway restore`, also around a gateway that serves the file."""

import contextlib
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway.settings import Settings
from gateway.signing import Signing
from gateway.store.database import connect
from gateway.store.migrations import SCHEMA, migrations, schema_of
from tests.cli.conftest import Run
from tests.support import free_port, gateway_process, running_gateway, wait_until_it_answers

SECRET = "a secret of enough characters"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe" / "backup.db"


def secret(db: Path) -> Path:
    return Path(f"{db}.secret")


def track(path: Path, made: dict[str, Any], *names: str) -> None:
    """Events that a gateway of this file stores."""
    with running_gateway(path.parent) as gateway:
        for name in names:
            call = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": name}
            assert gateway.client.post("/api/v1/event", json=call).status_code == 200


def names(run: Run, path: Path) -> list[str]:
    exported = run("export", "--db", path, "--list", 1).stdout
    return [json.loads(line)["event"] for line in exported.splitlines()]


class TestBackup:
    def test_it_is_whole_and_shows_what_is_in_it(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        track(path, made, "one", "two")
        said = json.loads(run("backup", copy, "--db", path, "--json").stdout)
        assert (said["backup"], said["events"], said["lists"]) == (str(copy), 2, 1)
        assert said["bytes"] == copy.stat().st_size
        assert names(run, copy) == ["one", "two"]

    def test_the_secret_goes_along_for_its_owners_eyes_only(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        result = run("backup", copy, "--db", path)
        assert str(secret(copy)) in result.stdout
        assert secret(copy).read_text() == secret(path).read_text()
        for each in (copy, secret(copy)):
            assert stat.S_IMODE(each.stat().st_mode) == 0o600

    def test_a_secret_that_is_a_setting_is_not_in_it_and_that_is_said(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        result = run("backup", copy, "--db", path, SECRET=SECRET)
        assert result.exit_code == 0
        assert "GATEWAY_SECRET" in result.stderr
        assert list(copy.parent.iterdir()) == [copy]

    def test_nothing_that_is_there_is_overwritten_unless_that_is_said(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        copy.write_text("precious")
        result = run("backup", copy, "--db", path)
        assert (result.exit_code, copy.read_text()) == (1, "precious")
        assert "--overwrite" in result.stderr
        assert run("backup", copy, "--db", path, "--overwrite").exit_code == 0
        assert names(run, copy) == []

    def test_a_secret_that_is_there_is_not_overwritten_either(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        secret(copy).write_text("precious")
        assert run("backup", copy, "--db", path).exit_code == 1
        assert secret(copy).read_text() == "precious"

    def test_a_database_that_is_not_there_is_a_wrong_call(
        self, run: Run, path: Path, copy: Path
    ) -> None:
        result = run("backup", copy, "--db", path)
        assert result.exit_code == 2
        assert "There is no database" in result.stderr

    @pytest.mark.slow
    def test_while_the_gateway_takes_events_it_has_all_that_were_answered_before(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        """And all that are answered meanwhile are in the database."""
        done, sent = threading.Event(), 0
        with running_gateway(path.parent) as gateway:
            call = {"APIKey": made["api_key"], "ListID": made["list_id"], "Event": "x"}

            def send() -> None:
                nonlocal sent
                while not done.is_set():
                    assert gateway.client.post("/api/v1/event", json=call).status_code == 200
                    sent += 1

            sender = threading.Thread(target=send)
            sender.start()
            try:
                for _ in range(3):
                    before = sent
                    result = run("backup", copy, "--db", path, "--overwrite", "--json")
                    assert before <= json.loads(result.stdout)["events"] <= sent + 1
            finally:
                done.set()
                sender.join()
        assert len(names(run, path)) == sent > 0


class TestRestore:
    def test_it_is_the_gateway_it_was(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        """With its events, its keys, and the secret its tokens were signed with."""
        track(path, made, "one")
        run("backup", copy, "--db", path)
        new = path.parent / "new" / path.name
        new.parent.mkdir()
        said = json.loads(run("restore", copy, "--db", new, "--json").stdout)
        assert (said["db"], said["events"], "replaced" in said) == (str(new), 1, False)
        signing = Signing(tuple(secret(new).read_text().split()))
        assert signing.list_tracker_id(1) == made["list_tracker_id"]
        track(new, made, "two")
        assert names(run, new) == ["one", "two"]

    def test_over_a_database_only_when_that_is_said_and_then_that_one_is_kept(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        run("backup", copy, "--db", path)
        track(path, made, "later")
        old_secret = "another secret of enough characters"
        secret(path).write_text(old_secret)
        result = run("restore", copy, "--db", path)
        assert result.exit_code == 2
        assert "--yes" in result.stderr
        assert names(run, path) == ["later"]
        said = json.loads(run("restore", copy, "--db", path, "--yes", "--json").stdout)
        kept = Path(said["replaced"])
        assert (names(run, path), names(run, kept)) == ([], ["later"])
        assert secret(kept).read_text() == old_secret
        assert secret(path).read_text() == secret(copy).read_text()

    @pytest.mark.slow
    def test_not_while_a_gateway_serves_it(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        """However idle it is: a process that only waits still has the file."""
        run("backup", copy, "--db", path)
        port = free_port()
        with gateway_process("serve", "--db", str(path), "--port", str(port)) as process:
            wait_until_it_answers(f"http://127.0.0.1:{port}/readyz", process)
            result = run("restore", copy, "--db", path, "--yes")
            assert result.exit_code == 1
            assert "in use" in result.stderr
            assert "stop the gateway" in result.stderr
            assert list(path.parent.glob("*.replaced-*")) == []
            process.kill()  # and its log stays behind
            process.wait()
        assert run("restore", copy, "--db", path, "--yes").exit_code == 0
        assert names(run, path) == []

    def test_one_of_an_older_gateway_is_brought_up_to_date(
        self, run: Run, path: Path, copy: Path
    ) -> None:
        newest = max(each.stem for each in SCHEMA.glob("*.sql"))
        later = [each.stem for each in SCHEMA.glob("*.sql") if each.stem > "0001_first"]
        with contextlib.closing(connect(copy)) as db:
            migrations.apply(Database(db), stop_before=later)
        result = run("restore", copy, "--db", path, "--json")
        assert json.loads(result.stdout)["schema"] == newest
        with contextlib.closing(connect(path)) as db:
            assert schema_of(db) == newest
        with contextlib.closing(connect(copy)) as db:
            assert schema_of(db) == "0001_first"
        assert sorted(each.name for each in path.parent.iterdir()) == ["gateway.db", "safe"]

    def test_one_of_a_newer_gateway_is_refused(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        run("backup", copy, "--db", path)
        with contextlib.closing(connect(copy)) as db:
            db.execute(
                "insert into _sqlite_migrations (migration_set, name, applied_at)"
                " values ('gateway', '9999_later', '2030-01-01')"
            )
        result = run("restore", copy, "--db", path, "--yes")
        assert result.exit_code == 2
        assert "newer gateway" in result.stderr
        assert list(path.parent.glob("*.replaced-*")) == []

    def test_a_damaged_one_changes_nothing(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        run("backup", copy, "--db", path)
        with copy.open("r+b") as file:
            file.seek(3 * 4096)
            file.write(b"\xff" * 20 * 4096)
        before = sorted(path.parent.iterdir())
        result = run("restore", copy, "--db", path, "--yes")
        assert result.exit_code == 1
        assert str(copy) in result.stderr
        assert sorted(path.parent.iterdir()) == before

    def test_one_that_is_not_there_is_said(self, run: Run, path: Path) -> None:
        result = run("restore", path.with_name("none.db"), "--db", path)
        assert result.exit_code == 1
        assert "There is no backup" in result.stderr

    def test_without_its_secret_it_says_what_that_means(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        run("backup", copy, "--db", path)
        secret(copy).unlink()
        before = secret(path).read_text()
        result = run("restore", copy, "--db", path, "--yes")
        assert result.exit_code == 0
        assert "Tokens in browsers" in result.stderr
        assert secret(path).read_text() == before

    def test_a_secret_that_is_a_setting_stays_the_secret(
        self, run: Run, path: Path, made: dict[str, Any], copy: Path
    ) -> None:
        run("backup", copy, "--db", path)
        new = path.with_name("new.db")
        result = run("restore", copy, "--db", new, SECRET=SECRET)
        assert "GATEWAY_SECRET" in result.stderr
        assert not secret(new).exists()
        assert Settings(db=new, secret=(SECRET,)).secret == (SECRET,)
