"""The entrance to every door that asks for a key or a session: who may come in, and how often.

An address that has tried too many wrong ones waits before another is even looked up, so they
cannot be guessed at full speed and a flood of 401s is cheap; what has opened before still does,
for others may share the address. Who is known is counted by key or account.
"""

from starlette.types import Scope

from gateway.edge.auth import Caller, Credentials, caller_of, credentials_of
from gateway.edge.commands.command import Rate
from gateway.edge.limits import AddressLimit, RateLimit, share
from gateway.edge.parameters import Parameters
from gateway.edge.problems import count
from gateway.edge.requests import Headers, client_address
from gateway.edge.usage import KeyUsage
from gateway.errors import Unauthenticated
from gateway.services import Services

OPENED_MAX = 100_000
MINUTE_S = 60


class Entrance:
    """Made once for all doors, on the event loop that serves them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._proxies = services.settings.trusted_proxies
        self._usage = KeyUsage(services.writer)
        limits, workers = services.settings.limits, services.settings.workers
        on = services.settings.rate_limits
        self._rates = {
            Rate.EVENT: RateLimit(limits.event_calls_per_minute, MINUTE_S, enabled=on),
            Rate.READ: RateLimit(limits.read_calls_per_minute, MINUTE_S, enabled=on),
            Rate.WRITE: RateLimit(limits.write_calls_per_minute, MINUTE_S, enabled=on),
            Rate.LOGIN: AddressLimit(
                share(limits.login_calls_per_minute, workers), MINUTE_S, enabled=on
            ),
        }
        self._wrong = AddressLimit(
            share(limits.wrong_keys_per_minute, workers), MINUTE_S, enabled=on
        )
        self._opened: set[int] = set()  # hashes: nobody's key is kept

    def admit(
        self,
        rate: Rate,
        scope: Scope,
        headers: Headers,
        parameters: Parameters,
        *,
        anybody: bool = False,
        checked_again: bool = False,
    ) -> Caller:
        """Who calls, once the call is counted. `anybody` may come in without a key or session,
        and is counted by address; `checked_again` as for `caller_of`. Raises Unauthenticated or
        RateLimited."""
        address = client_address(scope, headers, self._proxies)
        if anybody:
            caller = Caller(account_id=0, credential=address)
        else:
            caller = self._known(scope, credentials_of(parameters, headers), address, checked_again)
        limit = self._rates[rate]
        limit.take(caller.credential)
        count(scope, limit.left(caller.credential))
        if caller.key is not None:
            self._usage.note(caller.key.id, address)
        return caller

    def _known(
        self, scope: Scope, credentials: Credentials, address: str, checked_again: bool
    ) -> Caller:
        mark = hash(credentials)
        if mark not in self._opened:
            self._wrong.check(address)
        try:
            caller = caller_of(self._services, credentials, address, checked_again=checked_again)
        except Unauthenticated:
            self._opened.discard(mark)
            self._wrong.take(address)
            count(scope, self._wrong.left(address))
            raise
        if len(self._opened) >= OPENED_MAX:
            self._opened.clear()
        self._opened.add(mark)
        return caller
