"""What a User-Agent and the client hints beside it say, by agents met in the wild."""

import pytest

from gateway.events.device import Device, Hints, device_of

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

CHROME_WINDOWS = f"{WINDOWS} {KHTML} Chrome/120.0.0.0 Safari/537.36"
CHROME_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {KHTML} Chrome/120.0.0.0 Mobile Safari/537.36"
IPHONE = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) {WEBKIT} "
    "Version/17.2 Mobile/15E148 Safari/604.1"
)

AGENTS: dict[str, tuple[str, str | None, str | None, str]] = {
    "Chrome on Windows": (CHROME_WINDOWS, "Chrome", "Windows", "desktop"),
    "Chrome on macOS": (
        f"{MAC} {KHTML} Chrome/120.0.0.0 Safari/537.36",
        "Chrome",
        "Mac OS X",
        "desktop",
    ),
    "Chrome on Linux": (
        f"Mozilla/5.0 (X11; Linux x86_64) {KHTML} Chrome/120.0.0.0 Safari/537.36",
        "Chrome",
        "Linux",
        "desktop",
    ),
    "Firefox on Linux": (
        "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
        "Firefox",
        "Linux",
        "desktop",
    ),
    "Safari on macOS": (
        f"{MAC} {WEBKIT} Version/17.2 Safari/605.1.15",
        "Safari",
        "Mac OS X",
        "desktop",
    ),
    "Edge on Windows": (
        f"{WINDOWS} {KHTML} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
        "Edge",
        "Windows",
        "desktop",
    ),
    "headless Chrome": (
        f"Mozilla/5.0 (X11; Linux x86_64) {KHTML} HeadlessChrome/120.0.0.0 Safari/537.36",
        "HeadlessChrome",
        "Linux",
        "desktop",
    ),
    "iPhone": (IPHONE, "Mobile Safari", "iOS", "mobile"),
    "iPad": (
        IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS"),
        "Mobile Safari",
        "iOS",
        "tablet",
    ),
    "Android phone": (
        CHROME_ANDROID.replace("10; K", "13; Pixel 7"),
        "Chrome Mobile",
        "Android",
        "mobile",
    ),
    "Android tablet": (
        f"Mozilla/5.0 (Linux; Android 12; SM-T870) {KHTML} Chrome/119.0.0.0 Safari/537.36",
        "Chrome",
        "Android",
        "tablet",
    ),
    "Firefox on Android": (
        "Mozilla/5.0 (Android 13; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
        "Firefox Mobile",
        "Android",
        "mobile",
    ),
    "Googlebot": (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Googlebot",
        None,
        "bot",
    ),
    "Googlebot's phone": (
        f"{CHROME_ANDROID} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Googlebot",
        "Android",
        "bot",
    ),
    "bingbot": (
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "bingbot",
        None,
        "bot",
    ),
    "curl": ("curl/8.5.0", "curl", None, "other"),
    "a made-up program": ("Frobnicate", None, None, "other"),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_tells_its_browser_its_system_and_its_type(agent: str) -> None:
    """Where the table says None, the answer is unknown: nothing, or the library's word for it."""
    user_agent, browser, os, device_type = AGENTS[agent]
    device = device_of(user_agent)
    assert device.browser == browser or (browser is None and device.browser in (None, "Other"))
    assert device.os == os or (os is None and device.os in (None, "Other"))
    assert device.device_type == device_type


@pytest.mark.parametrize(
    ("user_agent", "version"),
    [(CHROME_WINDOWS, "120.0.0"), (IPHONE, "17.2"), ("curl/8.5.0", "8.5.0"), ("Frobnicate", None)],
)
def test_a_browser_has_a_version(user_agent: str, version: str | None) -> None:
    assert device_of(user_agent).browser_version == version


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [(IPHONE, "iPhone"), (CHROME_ANDROID.replace("10; K", "13; Pixel 7"), "Pixel 7")],
)
def test_a_phone_is_told_by_its_model(user_agent: str, device: str) -> None:
    assert device_of(user_agent).device == device


@pytest.mark.parametrize("user_agent", ["", " ", "\t"])
def test_no_agent_is_nothing_known(user_agent: str) -> None:
    """Not even that it is no desktop: standard properties are null where not known."""
    assert device_of(user_agent) == Device()
    assert device_of(user_agent).properties() == {}


def test_a_hint_tells_the_model_that_chrome_hides() -> None:
    """Chrome on Android says `K` for every phone and keeps the name for the hint."""
    assert device_of(CHROME_ANDROID, Hints(mobile=True, model="Pixel 8")).device == "Pixel 8"


def test_a_hint_tells_the_system_where_the_agent_does_not() -> None:
    assert device_of("Frobnicate", Hints(platform="Windows")).os == "Windows"
    assert device_of(IPHONE, Hints(platform="Windows")).os == "iOS"


def test_a_hint_tells_a_phone_from_a_desktop() -> None:
    """A phone that asks for the desktop site."""
    assert device_of(CHROME_WINDOWS, Hints(mobile=True)).device_type == "mobile"
    assert device_of(AGENTS["iPad"][0], Hints(mobile=True)).device_type == "tablet"
    assert device_of(AGENTS["Googlebot"][0], Hints(mobile=True)).device_type == "bot"


@pytest.mark.parametrize("user_agent", ["\0", "é" * 50, "(" * 5_000, "Mozilla/5.0 " * 10_000])
def test_no_agent_is_too_odd_to_be_read(user_agent: str) -> None:
    assert device_of(user_agent).device_type == "other"


def test_agents_that_differ_only_far_behind_are_remembered_as_one() -> None:
    """So nobody fills the memory with long ones."""
    assert device_of(CHROME_WINDOWS.ljust(2_000)) is device_of(CHROME_WINDOWS.ljust(3_000))


def test_an_agent_that_names_a_device_of_no_name_is_another_one() -> None:
    """ua-parser raises for it: an expression of its own matches, and finds nothing."""
    assert device_of("; wetab Build") == Device(
        browser="Other", os="Other", device="Other", device_type="other"
    )
