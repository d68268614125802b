"""What the tracker costs a page's main thread: `python -m tests.bench.tracker_cost`.

A page of 2,000 nodes in Chromium, its CPU slowed down four times. Each run loads the page with
the snippet in it and waits until the first beacon was answered; the trace of the main thread says
how long the script was compiled and run, whether it caused layout, and the longest single task that
it had a part in. A page without the snippet is the measure of what would have been there anyway.
"""

import asyncio
import contextlib
import json
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gateway.edge.tracker import snippet
from tests.support import free_socket, running_gateway, serving

RUNS = 15
NODES = 2_000
SLOWDOWN = 4
RUNNING = {"EvaluateScript", "FunctionCall", "v8.compile", "RunMicrotasks", "TimerFire"}
LAYOUT = {"Layout", "UpdateLayoutTree"}


@dataclass(frozen=True)
class Cost:
    """Of one load, in milliseconds by the slowed-down CPU."""

    script_ms: float
    layouts: int
    longest_task_ms: float


def main() -> None:
    body = "".join(f"<div><p>Paragraph {n}</p></div>" for n in range(NODES // 2))
    with tempfile.TemporaryDirectory() as folder, running_gateway(Path(folder)) as gateway:
        tracked = gateway.new_list()
        head = snippet(gateway.settings, tracked.user_tracker_id, tracked.list_tracker_id)

        async def page(request: Request) -> HTMLResponse:
            tag = head if request.url.path == "/with" else ""
            await asyncio.sleep(0)
            html = f"<!doctype html><html><head>{tag}</head><body>{body}</body></html>"
            return HTMLResponse(html)

        sock = free_socket()
        origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with serving(Starlette(routes=[Route("/{path}", page)]), sock), sync_playwright() as tool:
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
            costs = [_measure(browser, f"{origin}/with") for _ in range(RUNS)]
            without = [_measure(browser, f"{origin}/without") for _ in range(RUNS)]
            browser.close()
    _say("with the tracker", costs)
    _say("without", without)


def _measure(browser: Browser, url: str) -> Cost:
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto("about:blank")
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        # the whole browser is traced: its events say which script they belong to
        browser.start_tracing(page=page, categories=["devtools.timeline", "v8", "toplevel"])
        page.goto(url)
        if url.endswith("/with"):
            page.wait_for_function("window.oct && oct.uuid && oct.uuid()")
        page.wait_for_load_state("networkidle")
        trace = json.loads(browser.stop_tracing())["traceEvents"]
    return _cost(trace)


def _cost(trace: list[dict[str, Any]]) -> Cost:
    whole = [event for event in trace if event.get("ph") == "X"]
    ours = [event for event in whole if event["name"] in RUNNING and _is_ours(event)]
    outermost = [event for event in ours if not any(_within(event, other) for other in ours)]
    layouts = [
        event
        for event in whole
        if event["name"] in LAYOUT and any(_within(event, script) for script in outermost)
    ]
    tasks = [
        event for event in whole if event["name"] in ("RunTask", "ThreadControllerImpl::RunTask")
    ]
    touched = [task for task in tasks if any(_within(script, task) for script in outermost)]
    return Cost(
        script_ms=sum(event["dur"] for event in outermost) / 1_000,
        layouts=len(layouts),
        longest_task_ms=max((task["dur"] for task in touched or tasks), default=0) / 1_000,
    )


def _is_ours(event: dict[str, Any]) -> bool:
    return "/tracker." in json.dumps(event.get("args", {}))


def _within(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    return (
        inner is not outer
        and (inner["pid"], inner["tid"]) == (outer["pid"], outer["tid"])
        and outer["ts"] <= inner["ts"]
        and inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"]
    )


def _say(what: str, costs: list[Cost]) -> None:
    scripts = sorted(cost.script_ms for cost in costs)
    print(
        f"{what}: script median {statistics.median(scripts):.1f} ms, most {scripts[-1]:.1f} ms; "
        f"layouts it forced {max(cost.layouts for cost in costs)}; "
        f"longest task {max(cost.longest_task_ms for cost in costs):.1f} ms"
    )


if __name__ == "__main__":
    main()
