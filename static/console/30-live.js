// The live page: rows come from the server ready-made, every text in them escaped, and are put on
// top of the table. Nothing is read while the tab is hidden: a browser has few connections.
(() => {
  "use strict";
  const section = document.querySelector("[data-live]");
  if (!section || !window.EventSource) return;
  const ROWS_MAX = 200;
  const SAY_MS = 10000;

  const rows = section.querySelector("tbody");
  const state = section.querySelector("[data-live-state]");
  const said = section.querySelector("[data-live-said]");
  const older = section.querySelector("[data-live-older]");
  const button = document.querySelector("[data-live-pause]");
  const template = document.createElement("template");
  const url = new URL(section.dataset.live, location);

  let source = null;
  let paused = false;
  let isOver = false;
  let waiting = 0; // came while paused
  let unsaid = 0; // shown, and not announced yet
  let held = []; // the rows of what waits, newest first
  let isFlood = false; // more came at once than rows with it

  const events = (count) => `${count.toLocaleString("en")} new ${count === 1 ? "event" : "events"}`;

  function tell(text, kind) {
    state.textContent = text;
    state.parentElement.dataset.kind = kind;
  }

  function tellState() {
    if (isOver) return;
    if (paused) tell(waiting ? `Paused. ${events(waiting)} wait.` : "Paused. Nothing new yet.", "paused");
    else if (source?.readyState !== EventSource.OPEN) tell("Connecting…", "paused");
    else if (isFlood) tell("More events come than can be shown: these are some of the newest.", "live");
    else tell("Events appear as they are stored.", "live");
  }

  function put(fresh) {
    section.querySelector("[data-live-empty]")?.remove();
    section.querySelector(".scroll").hidden = false;
    rows.prepend(...fresh);
    const surplus = [...rows.children].slice(ROWS_MAX);
    for (const row of surplus) if (!row.contains(document.activeElement)) row.remove();
    if (surplus.length) linkOlder();
  }

  // What was taken off the end is the next page's now.
  function linkOlder() {
    const link = older.querySelector("[rel=next]") ?? document.createElement("a");
    const target = new URL(older.dataset.liveOlder, location);
    target.searchParams.set("before", rows.lastElementChild.dataset.id);
    Object.assign(link, { href: target.pathname + target.search, rel: "next", textContent: "Older" });
    older.append(link);
  }

  function take(message) {
    const { count, rows: html } = JSON.parse(message.data);
    url.searchParams.set("after", message.lastEventId);
    if (!count) return;
    template.innerHTML = html;
    const fresh = [...template.content.children];
    isFlood = count > fresh.length;
    if (paused) {
      waiting += count;
      held = [...fresh, ...held].slice(0, ROWS_MAX);
    } else {
      for (const row of fresh) row.classList.add("new");
      put(fresh);
      unsaid += count;
    }
    tellState();
  }

  function open() {
    source = new EventSource(url);
    source.onopen = tellState;
    source.onmessage = take;
    source.onerror = () => {
      isOver = source.readyState === EventSource.CLOSED;
      if (isOver) {
        tell("The stream has ended. Reload the page to go on.", "over");
        said.textContent = state.textContent;
        button.hidden = true;
      } else tellState();
    };
    tellState();
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Resume" : "Pause";
    if (!paused) {
      put(held);
      said.textContent = waiting ? `${events(waiting)} shown` : "";
      held = [];
      waiting = 0;
    }
    tellState();
  });

  // Now and then, how many came: not each of them, and not while nobody can see them.
  setInterval(() => {
    if (unsaid) said.textContent = events(unsaid);
    unsaid = 0;
  }, SAY_MS);

  document.addEventListener("visibilitychange", () => {
    if (isOver) return;
    if (document.hidden) source.close();
    else open();
  });
  if (!document.hidden) open();
})();
