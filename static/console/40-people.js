// The page of an erasure under way looks again by itself, and says so when it is done.
(() => {
  "use strict";
  const AGAIN_MS = 1500;
  if (!document.querySelector("[data-follow]")) return;

  const again = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = document.querySelector("[data-follow]");
    const fresh = page.querySelector("main .card");
    if (!answer.ok || !fresh) return;
    shown.replaceChildren(...fresh.childNodes);
    if (fresh.hasAttribute("data-follow")) setTimeout(again, AGAIN_MS);
  };
  setTimeout(again, AGAIN_MS);
})();
