// What a chart says where it is pointed at, or with the arrow keys where it has the focus: read from
// the table beside it, so the two cannot differ.
(() => {
  "use strict";

  for (const chart of document.querySelectorAll(".chart")) {
    const area = chart.querySelector(".area");
    const guide = chart.querySelector(".guide");
    const readout = chart.querySelector(".readout");
    const heads = [...chart.querySelectorAll("thead th")].map((each) => each.textContent);
    const rows = [...chart.querySelectorAll("tbody tr")];
    const slots = Number(chart.dataset.slots);
    let at = rows.length - 1;

    const show = (place) => {
      at = Math.min(Math.max(place, 0), rows.length - 1);
      const cells = [...rows[at].cells].map((each) => each.textContent);
      const numbers = cells.slice(1).map((text, column) => `${text} ${heads[column + 1]}`);
      readout.textContent = `${cells[0]}: ${numbers.join(", ").toLowerCase()}`;
      const x = slots > 1 ? (1000 * at) / (slots - 1) : 500;
      guide.setAttribute("x1", x);
      guide.setAttribute("x2", x);
      guide.setAttribute("visibility", "visible");
    };
    const hide = () => {
      readout.textContent = "";
      guide.setAttribute("visibility", "hidden");
    };

    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      show(Math.round(((event.clientX - box.left) / box.width) * (slots - 1)));
    });
    area.addEventListener("pointerleave", hide);

    const moves = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, Home: () => 0, End: () => rows.length - 1 };
    area.tabIndex = 0;
    area.setAttribute("role", "group");
    area.setAttribute("aria-label", "Chart; the arrow keys go along it");
    area.addEventListener("focus", () => show(at));
    area.addEventListener("blur", hide);
    area.addEventListener("keydown", (event) => {
      if (!moves[event.key]) return;
      event.preventDefault();
      show(moves[event.key]());
    });
  }
})();
