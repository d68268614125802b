"""Every way a request can fail, in one tree; `edge/problems` turns it into HTTP in one place.

    GatewayError                       500  100005  a fault of ours
    ├── SettingsError                  (start-up only: says which variable, and what to write)
    ├── NotJson                        400  100000
    ├── UnknownCommand                 400  100003
    ├── HeadersTooSlow                 408  408
    ├── HeadersTooLarge                431  431
    ├── BodyTooSlow                    408  408
    ├── BodyTooLarge                   413  413
    ├── BodyUnreadable                 415  415     an encoding we do not read
    ├── Unauthenticated                401  99998
    ├── Forbidden                      403  403     not from this address, or not with this key
    ├── Refused                        422  numbered problems, to the letter of the reference
    │   └── InvalidEvent               422  what is wrong with one event
    ├── RateLimited                    429  429     with Retry-After
    └── Overloaded                     503  503     with Retry-After; nothing was written

A dropped event (bot, test, …) is not an error: it is a receipt with a reason.
"""

import logging
from dataclasses import dataclass
from typing import NamedTuple


class GatewayError(Exception):
    """Root of the tree. `str()` is safe to show to the caller: no path, no trace, no secret."""

    status = 500
    code = 100005
    log_level = logging.ERROR

    def __init__(self, message: str = "Internal error: nothing was stored. Try again.") -> None:
        super().__init__(message)


class SettingsError(GatewayError):
    """A setting that cannot be used; the message names the variable and what to write."""


class NotJson(GatewayError):
    """The request's body cannot be read as the parameters of a call."""

    status = 400
    code = 100000
    log_level = logging.INFO


class UnknownCommand(GatewayError):
    """No such API call."""

    status = 400
    code = 100003
    log_level = logging.INFO


class HeadersTooSlow(GatewayError):
    """The headers did not arrive in time."""

    status = code = 408
    log_level = logging.INFO


class HeadersTooLarge(GatewayError):
    """The headers are too many or too long."""

    status = code = 431
    log_level = logging.INFO


class BodyTooSlow(GatewayError):
    """The body did not arrive in time."""

    status = code = 408
    log_level = logging.INFO

    @classmethod
    def after(cls, seconds: float) -> "BodyTooSlow":
        return cls(f"The body did not arrive within {seconds} seconds.")


class BodyTooLarge(GatewayError):
    """The body is larger than the door's limit."""

    status = code = 413
    log_level = logging.INFO

    @classmethod
    def over(cls, bytes_max: int) -> "BodyTooLarge":
        return cls(f"The body is larger than {bytes_max} bytes: send less at a time.")


class BodyUnreadable(GatewayError):
    """The body comes in an encoding this gateway does not read."""

    status = code = 415
    log_level = logging.INFO


class Unauthenticated(GatewayError):
    """No key or session, or one that is unknown, revoked or expired."""

    status = 401
    code = 99998
    log_level = logging.INFO

    def __init__(self) -> None:
        super().__init__("Authentication failure or session expired")


class Forbidden(GatewayError):
    """Nobody may do this from where it was asked, or whoever asked may not."""

    status = code = 403
    log_level = logging.INFO


@dataclass(frozen=True, slots=True)
class Problem:
    """One numbered thing that is wrong with a call."""

    code: int
    message: str


class Refused(GatewayError):
    """A call that cannot be carried out as sent: all its problems, in the order of their codes."""

    status = 422
    log_level = logging.INFO

    def __init__(self, *problems: Problem) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.code))
        super().__init__(" ".join(problem.message for problem in self.problems))


class InvalidEvent(Refused):
    """One event that cannot be accepted as sent."""


class Allowance(NamedTuple):
    """Of `limit` calls `remaining` are left; the whole is there again in `reset_s` seconds."""

    limit: int
    remaining: int
    reset_s: int


class RateLimited(GatewayError):
    """Too many calls; worth another try after `retry_after_s` seconds."""

    status = code = 429
    log_level = logging.INFO
    reason = "rate limited"

    def __init__(self, retry_after_s: int, allowance: Allowance | None = None) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s
        self.allowance = allowance


class Overloaded(GatewayError):
    """The store cannot take more right now (queue full, disk full, locked); nothing was written."""

    status = code = 503
    log_level = logging.WARNING
    reason = "overloaded"
    retry_after_s = 1

    def __init__(self, message: str = "Busy: nothing was stored. Try again in a second.") -> None:
        super().__init__(message)
