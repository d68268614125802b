"""What a User-Agent header and the client hints beside it say about browser, OS and device.

ua-parser reads the families by re2, user-agents' rules decide mobile, tablet and bot. A website
sees few distinct agents, so each is parsed once and remembered.
"""

import importlib.util
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import msgspec
import ua_parser
from ua_parser import loaders, re2

AGENT_CHARS_MAX = 1_024


def _defer(package: ModuleType, name: str) -> None:
    """Have a module of a package load at its first use instead of its import."""
    spec = importlib.util.find_spec(f"{package.__name__}.{name}")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[spec.name] = module
    setattr(package, name, module)


# user-agents imports ua-parser's old pure-Python matcher, which compiles 1,500 expressions (half a
# second, 20 MB) that nothing here uses: it gets what re2 has found.
_defer(ua_parser, "user_agent_parser")
from user_agents import parsers  # noqa: E402 - after its import was made cheap


class Device(msgspec.Struct, frozen=True):
    """What is known of the visitor's browser; None where nothing is."""

    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None
    device_type: str | None = None

    def properties(self) -> dict[str, str | None]:
        """As standard properties, unknown ones left out."""
        named = {
            "$browser": self.browser,
            "$browser_version": self.browser_version,
            "$os": self.os,
            "$device": self.device,
            "$device_type": self.device_type,
        }
        return {name: value for name, value in named.items() if value is not None}


class Hints(msgspec.Struct, frozen=True):
    """The client hints that change an answer: `Sec-CH-UA-Mobile`, `-Platform`, `-Model`."""

    mobile: bool = False
    platform: str = ""
    model: str = ""


NO_HINTS = Hints()


def device_of(user_agent: str, hints: Hints = NO_HINTS) -> Device:
    """The device behind a User-Agent; `device_type` is desktop, mobile, tablet, bot or other."""
    if not user_agent.strip():
        return Device()
    return _parsed(user_agent[:AGENT_CHARS_MAX], hints)


def stated_device(properties: Mapping[str, Any]) -> Device:
    """The device a server says that its visitor has, by `$user_agent`."""
    agent = properties.get("$user_agent")
    return device_of(agent) if isinstance(agent, str) else Device()


@lru_cache(1_000)
def _parsed(user_agent: str, hints: Hints) -> Device:
    agent = _Agent(user_agent)
    device_type = "other"
    if agent.is_bot:
        device_type = "bot"
    elif agent.is_tablet:
        device_type = "tablet"
    elif agent.is_mobile or hints.mobile:
        device_type = "mobile"
    elif agent.is_pc:
        device_type = "desktop"
    os_name = agent.os.family
    if os_name == "Other" and hints.platform:
        os_name = hints.platform
    return Device(
        browser=agent.browser.family,
        browser_version=agent.browser.version_string or None,
        os=os_name,
        device=hints.model or agent.device.family,
        device_type=device_type,
    )


class _Agent(parsers.UserAgent):  # type: ignore[misc]  # the library has no types
    """user-agents' rules over what ua-parser reads."""

    def __init__(self, user_agent: str) -> None:
        read = _read(user_agent).with_defaults()
        self.ua_string = user_agent
        self.browser = parsers.parse_browser(*_fields(read.user_agent))
        self.os = parsers.parse_operating_system(*_fields(read.os))
        self.device = parsers.parse_device(*_fields(read.device))


def _read(user_agent: str) -> ua_parser.Result:
    try:
        return _parser().parse(user_agent)
    except ValueError:  # of an expression that can find a device without a name
        return ua_parser.Result(None, None, None, user_agent)


@cache
def _parser() -> ua_parser.Parser:
    """Its matcher in Rust takes 36 MB, this one 18, and 65 us instead of 25 for an agent that was
    not seen lately. What it finds is remembered above, not here."""
    return ua_parser.Parser(re2.Resolver(loaders.load_lazy_builtins()))


def _fields(read: Any) -> tuple[str | None, ...]:
    return tuple(getattr(read, name) for name in read.__dataclass_fields__)
