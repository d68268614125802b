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


def pytest_configure(config: pytest.Config) -> None:
    """Where Python is told to keep no bytecode beside the source, it is kept with pytest's cache:
    to compile the tests takes longer than many of them, and each process that is started would
    compile all of the gateway."""
    if sys.dont_write_bytecode and hasattr(config, "cache"):
        folder = str(config.cache.mkdir("bytecode"))
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Each test makes an account: real password hashes at the least cost, not at 50 ms each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
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
