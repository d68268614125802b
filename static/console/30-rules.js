// Forms of rules: what their buttons do without a script by a new page is put into this one, and
// what is found is shown while one types. One request at a time, however fast somebody types.
(() => {
  "use strict";

  const PAUSE_MS = 400;

  const page = async (url, options) => {
    const answer = await fetch(url, options);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  const renew = (from) => {
    for (const part of document.querySelectorAll("[data-refreshed]")) {
      const fresh = from.getElementById(part.id);
      if (fresh) part.replaceChildren(...fresh.childNodes);
    }
  };

  const form = document.querySelector("[data-builder]");
  if (form) {
    const send = (command) => {
      const said = new URLSearchParams(new FormData(form));
      said.set("change", command);
      return page(form.action, { method: "POST", body: said });
    };

    let timer, busy = false, again = false, built = 0;
    const look = async () => {
      clearTimeout(timer);
      if (busy) { again = true; return; }
      busy = true;
      const before = built;
      try {
        const fresh = await send("look");
        if (before === built) renew(fresh);
      } catch {
        // The next keystroke asks again.
      }
      busy = false;
      if (again) { again = false; look(); }
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE_MS);
    });

    form.addEventListener("submit", async (event) => {
      const button = event.submitter;
      if (button?.name !== "change" || form.dataset.plain) return;
      event.preventDefault();
      if (button.value === "look") { look(); return; }
      built += 1;
      const mine = built;
      try {
        const fresh = await send(button.value);
        const part = fresh.querySelector("[data-built]");
        if (!part) throw new Error("not the form");
        if (mine !== built) return;
        document.querySelector("[data-built]").replaceWith(document.importNode(part, true));
      } catch {
        form.dataset.plain = "yes";
        form.requestSubmit(button);
        return;
      }
      const now = document.querySelector("[data-built]");
      const place = button.value.split(" ").pop().replace(/\.\d+$/, "");
      const near = [...now.querySelectorAll("button[value^='add ']")].filter((each) => each.value.endsWith(" " + place));
      (now.querySelector("[autofocus]") || near[0] || now.querySelector("input, select"))?.focus();
      look();
    });
    // What was wrong when it was sent stays to be read.
    if (!form.querySelector(".fault:not(:empty)")) look();
  }

  // The first counts of a list of segments come by themselves, one after the other.
  const COUNTED = 10;
  const count = async (link) => {
    const cell = document.getElementById(link.dataset.count);
    const found = (await page(link.href)).getElementById(cell.id);
    if (found) cell.replaceChildren(...found.childNodes);
  };
  const uncounted = [...document.querySelectorAll("[data-count]")];
  for (const link of uncounted) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      count(link);
    });
  }
  (async () => {
    for (const link of uncounted.slice(0, COUNTED)) await count(link).catch(() => {});
  })();
})();
