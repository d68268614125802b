"""A gateway in a process of its own, over a file that a harness has made."""

import contextlib
from collections.abc import Iterator

from gateway.settings import Settings
from tests.support import gateway_process, wait_until_it_answers


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Ready on `settings.port`, without rate limits; stopped in good order."""
    variables = {"DB": str(settings.db), "PORT": str(settings.port), "RATE_LIMITS": "off"}
    with gateway_process("serve", **variables) as process:
        wait_until_it_answers(f"http://127.0.0.1:{settings.port}/readyz", process)
        yield
        process.terminate()
        process.communicate()
