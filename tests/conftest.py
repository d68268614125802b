"""Fixtures every test may use. The clock and the outside are the only things ever faked."""

import os
import sqlite3
import sys
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from gateway.records import accounts
from gateway.store.database import open_database
from tests.support import RunningGateway, Tracked, running_gateway


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Each test makes an account: real password hashes at the least cost, not at 50 ms each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Many tests start processes, and each would compile all of the gateway where Python is told to
    keep no bytecode beside the source: they share what they compile, in a folder of this run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        yield


@pytest.fixture(scope="session")
def template() -> Iterator[sqlite3.Connection]:
    """An empty database of this code's schema, to copy from."""
    connection = open_database(":memory:")
    yield connection
    connection.close()


@pytest.fixture
def db(template: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A fresh database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    template.backup(connection)
    connection.execute("pragma foreign_keys = on")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A running gateway that all tests share; each makes a list of its own. No rate limits."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), rate_limits=False) as running:
        yield running


@pytest.fixture
def tracked(gateway: RunningGateway) -> Tracked:
    """A list of the shared gateway that nobody else uses."""
    return gateway.new_list()
