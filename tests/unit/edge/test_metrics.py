"""Whose address opens the metrics where no token is set."""

import pytest

from gateway.edge.metrics import _check_access
from gateway.errors import Forbidden
from gateway.settings import Settings


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_s_own_addresses_do(address: str) -> None:
    _check_access({"client": (address, 1)}, {}, Settings())


@pytest.mark.parametrize(
    "client",
    [("192.0.2.1", 1), ("10.0.0.1", 1), ("::ffff:192.0.2.1", 1), ("0.0.0.0", 1), ("", 0), None],
)
def test_no_other_does(client: tuple[str, int] | None) -> None:
    """Not a private network's, nor one that the server does not know."""
    with pytest.raises(Forbidden):
        _check_access({"client": client}, {}, Settings())
