/* The strip at the bottom of the demo: the events as the gateway stores them, newest first.

   It listens to the event stream at `live`, beside the page. Everything shown goes through
   textContent: an event's name is written by whoever sent it. Remove this file and live.css
   and the shop is the same. */

"use strict";

(() => {
  const KEPT_MAX = 50;
  const RETRIES_MAX = 6;
  const strip = build();
  const shown = new Map(); // row number -> li
  let latest = null;
  let announceTimer = 0;
  let source = null;
  let everOpen = false;
  let failures = 0;
  let retryTimer = 0;

  document.body.append(strip.root);
  setOpen(recallOpen());
  new ResizeObserver(reserve).observe(strip.root);
  reserve();
  strip.toggle.addEventListener("click", () => { setOpen(strip.panel.hidden); keepOpen(!strip.panel.hidden); });
  strip.again.addEventListener("click", () => { failures = 0; connect(); });
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();


  /* ---- The stream ---- */

  function connect() {
    disconnect();
    if (location.protocol === "file:" || !window.EventSource) return setState("none");
    setState(everOpen ? "again" : "connecting");
    source = new EventSource("live");
    source.onopen = () => { everOpen = true; setState("live"); };
    source.onmessage = (message) => { failures = 0; take(message); };
    source.onerror = () => failed();
  }

  function disconnect() {
    clearTimeout(retryTimer);
    if (source) source.close();
    source = null;
  }

  /* A stream that never was is not asked for again: this page is then a plain shop. One that
     was: the browser's own first try says where it left off; after that we ask at longer and
     longer intervals, and in the end only when somebody presses the button. */
  function failed() {
    failures += 1;
    if (everOpen && failures === 1 && source.readyState === EventSource.CONNECTING) return setState("again");
    disconnect();
    if (!everOpen || failures > RETRIES_MAX) return setState("none");
    setState("again");
    retryTimer = setTimeout(connect, Math.min(1000 * 2 ** failures, 30000));
  }

  function take(message) {
    let event;
    try { event = JSON.parse(message.data); } catch { return; }
    if (!event || typeof event !== "object") return;
    const id = Number(event.id ?? message.lastEventId);
    if (!Number.isFinite(id) || shown.has(id)) return;

    const item = entry(event);
    shown.set(id, item);
    const older = [...strip.list.children].find((other) => Number(other.dataset.row) < id);
    item.dataset.row = String(id);
    strip.list.insertBefore(item, older || null);
    while (strip.list.children.length > KEPT_MAX) {
      shown.delete(Number(strip.list.lastElementChild.dataset.row));
      strip.list.lastElementChild.remove();
    }
    strip.empty.hidden = true;

    if (!latest || id > latest.id) latest = { id, event };
    clearTimeout(announceTimer); // the replay is many events at once: say only the last
    announceTimer = setTimeout(() => {
      strip.latest.textContent = `${text(latest.event.event)}, ${clock(latest.event.happened_at_ms)}`;
    }, 120);
  }


  /* ---- One event ---- */

  function entry(event) {
    const properties = event.properties && typeof event.properties === "object" ? event.properties : {};
    const at = new Date(Number(event.happened_at_ms));
    const time = make("time", "at", clock(event.happened_at_ms));
    if (!Number.isNaN(at.getTime())) time.dateTime = at.toISOString();

    const summary = make("summary", "");
    summary.append(
      time,
      make("span", "event", text(event.event)),
      make("span", "own", ownProperties(properties)),
      make("span", "agent", agent(properties, event.source)),
      make("span", "who", event.email ? text(event.email) : "visitor " + text(event.uuid).slice(0, 8)),
    );

    const details = make("details", "");
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(raw(event, properties));
    });

    const item = make("li", "");
    item.dataset.event = text(event.event);
    item.dataset.kind = text(event.kind);
    item.append(details);
    return item;
  }

  function agent(properties, source) {
    const device = properties.$device && properties.$device_type
      ? `${text(properties.$device)} (${text(properties.$device_type)})`
      : text(properties.$device || properties.$device_type);
    const known = [text(properties.$browser), text(properties.$os), device].filter(Boolean);
    return known.length ? known.join(" · ") : source === "api" ? "from a server" : "unknown browser";
  }

  /* The sender's own properties in a few words; the standard ones begin with a dollar sign. */
  function ownProperties(properties) {
    return Object.keys(properties)
      .filter((name) => !name.startsWith("$") && properties[name] !== null)
      .map((name) => `${name}: ${text(properties[name])}`)
      .join(", ");
  }

  /* The whole event: a line on how it came in, then all properties as JSON, the empty ones muted. */
  function raw(event, properties) {
    const box = make("div", "raw");
    const facts = make("dl", "");
    const fact = (name, value) => {
      if (!value) return;
      const pair = make("div", "");
      pair.append(make("dt", "", name), make("dd", "", value));
      facts.append(pair);
    };
    fact("Kind", text(event.kind));
    fact("Through", text(event.source));
    fact("Received", clock(event.received_at_ms));
    fact("Visitor", text(event.uuid));
    fact("Event id", text(event.event_id));
    fact("Row", text(event.id));

    const names = Object.keys(properties).sort((a, b) => a.startsWith("$") - b.startsWith("$"));
    const json = make("pre", "");
    json.append(names.length ? "{\n" : "{");
    names.forEach((name, index) => {
      const value = JSON.stringify(properties[name], null, 2).replace(/\n/g, "\n  ");
      const line = `  ${JSON.stringify(name)}: ${value}${index < names.length - 1 ? "," : ""}\n`;
      json.append(properties[name] === null ? make("span", "is-null", line) : line);
    });
    json.append("}");

    box.append(facts, json);
    return box;
  }

  function text(value) {
    if (value === null || value === undefined) return "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  function clock(ms) {
    const at = new Date(Number(ms));
    return ms === null || ms === undefined || Number.isNaN(at.getTime()) ? "no time" : at.toLocaleTimeString("en-GB");
  }


  /* ---- The strip itself ---- */

  function build() {
    const root = make("section", "live");
    root.id = "live-strip";
    root.setAttribute("aria-label", "Events as the gateway stores them");

    const bar = make("div", "bar");
    const toggle = make("button", "toggle", "Live events");
    toggle.type = "button";
    toggle.id = "live-toggle";
    toggle.setAttribute("aria-controls", "live-panel");
    const state = make("span", "state");
    state.id = "live-state";
    state.setAttribute("role", "status");
    const latest = make("span", "latest");
    latest.setAttribute("aria-live", "polite");
    const again = make("button", "again", "Connect");
    again.type = "button";
    again.hidden = true;
    bar.append(toggle, latest, state, again);

    const panel = make("div", "panel");
    panel.id = "live-panel";
    const empty = make("p", "empty");
    const list = make("ol", "");
    list.id = "live-events";
    list.dataset.testid = "live-events";
    panel.append(empty, list);
    root.append(bar, panel);
    return { root, toggle, state, latest, again, panel, empty, list };
  }

  function setState(name) {
    strip.root.dataset.state = name;
    strip.state.textContent = {
      connecting: "Connecting",
      live: "Connected",
      again: "Connection lost, trying again",
      none: "Not connected to a gateway",
    }[name];
    strip.again.hidden = name !== "none" || location.protocol === "file:";
    strip.empty.textContent = name === "live"
      ? "No events yet. The next one shows up here."
      : "Events show up here once the shop is opened through a gateway.";
    strip.empty.hidden = shown.size > 0;
  }

  function setOpen(open) {
    strip.panel.hidden = !open;
    strip.toggle.setAttribute("aria-expanded", String(open));
  }

  /* Opened or closed as the visitor left it; to begin with, open where there is room. */
  function recallOpen() {
    let kept = null;
    try { kept = localStorage.getItem("shop.live-open"); } catch { /* storage is off */ }
    return kept === null ? window.matchMedia("(min-width: 44rem)").matches : kept === "1";
  }

  function keepOpen(open) {
    try { localStorage.setItem("shop.live-open", open ? "1" : "0"); } catch { /* storage is off */ }
  }

  /* The strip is fixed; the page ends above it. */
  function reserve() {
    document.documentElement.style.setProperty("--live-height", strip.root.offsetHeight + "px");
  }

  function make(tag, className, content) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  }
})();
