"""Browsers that are not Chromium, each behind the same few verbs: what a visitor does, no more.

WebKit is the system's own, driven through its WebDriver. Firefox is driven over WebDriver BiDi,
which it speaks itself on a websocket: no other program is needed.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from selenium import webdriver
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from websockets.sync.client import ClientConnection, connect

MINI_BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser"))


class Engine(Protocol):
    """One window of a fresh browser."""

    def goto(self, url: str) -> None: ...
    def evaluate(self, expression: str) -> Any: ...


def missing(name: str) -> str:
    """What to install before this engine can run; empty when it is all there."""
    if name == "webkit":
        if not shutil.which("WebKitWebDriver") or not shutil.which("Xvfb") or not MINI_BROWSERS:
            return "apt-get install webkit2gtk-driver xvfb"
    elif not shutil.which("firefox") and not shutil.which("firefox-esr"):
        return "apt-get install firefox-esr"
    return ""


@contextlib.contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    with _display() as display:
        environment = os.environ | {
            "DISPLAY": display,
            "HOME": str(folder),
            # Its sandbox wants namespaces, which root in a container has not.
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        options = Options()
        options.binary_location = str(MINI_BROWSERS[-1])
        options.add_argument("--automation")
        service = Service(shutil.which("WebKitWebDriver"), env=environment)
        with warnings.catch_warnings():
            # selenium's own way into its own deprecated parameter
            warnings.simplefilter("ignore", DeprecationWarning)
            driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            yield _WebKit(driver)
        finally:
            driver.quit()


class _WebKit:
    def __init__(self, driver: webdriver.WebKitGTK) -> None:
        self._driver = driver

    def goto(self, url: str) -> None:
        self._driver.get(url)

    def evaluate(self, expression: str) -> Any:
        return self._driver.execute_script(f"return {expression}")


@contextlib.contextmanager
def _display() -> Iterator[str]:
    """A screen nobody looks at."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24"]
    process = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            yield f":{said.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    # Names under .localhost lead here in every browser but this one.
    (folder / "user.js").write_text(
        'user_pref("network.dns.localDomains", "www.site.localhost");\n'
    )
    binary = shutil.which("firefox-esr") or shutil.which("firefox") or ""
    command = [binary, "--headless", "--no-remote", "--profile", str(folder)]
    process = subprocess.Popen(
        [*command, "--remote-debugging-port", "0"],
        env=os.environ | {"HOME": str(folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        url = next(found[1] for line in process.stderr if (found := re.search(r"(ws://\S+)", line)))
        with connect(f"{url}/session", max_size=None) as connection:
            yield _Firefox(connection)
    finally:
        process.terminate()
        process.stderr.close()
        process.wait()


class _Firefox:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._call("session.new", {"capabilities": {}})
        tree = self._call("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        where = {"context": self._context, "url": url, "wait": "complete"}
        self._call("browsingContext.navigate", where)

    def evaluate(self, expression: str) -> Any:
        """Through JSON, so that any value comes back as it is."""
        answer = self._call(
            "script.evaluate",
            {
                "expression": f"JSON.stringify(({expression}) ?? null)",
                "target": {"context": self._context},
                "awaitPromise": False,
            },
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._connection.recv(timeout=30))).get("id") != number:
            pass  # an event nobody asked for
        assert answer["type"] == "success", answer
        return dict(answer["result"])


ENGINES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Engine]]] = {
    "webkit": webkit,
    "firefox": firefox,
}
