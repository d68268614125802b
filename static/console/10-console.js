// What every page of the console gains from a script. Pages work without it: each part looks for
// what it serves, and nothing else depends on it.
(() => {
  "use strict";

  // Copy buttons appear where copying is possible.
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      const label = button.textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied: select the text";
      }
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  // What cannot be taken back is asked about once more.
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // A menu that was opened closes by a click elsewhere, and by Escape.
  const chooser = document.querySelector(".chooser");
  if (chooser) {
    document.addEventListener("click", (event) => {
      if (!chooser.contains(event.target)) chooser.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && chooser.open) {
        chooser.open = false;
        chooser.querySelector("summary").focus();
      }
    });
  }

  // On a small screen the menu scrolls: show where we are in it.
  document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
