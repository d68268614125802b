// The status of the Event Tracker's page: says by itself when an event has come.
(() => {
  "use strict";

  const status = document.querySelector("[data-stream]");
  if (!status || !window.EventSource) return;
  new EventSource(status.dataset.stream).onmessage = (message) => {
    const told = JSON.parse(message.data);
    for (const place of status.querySelectorAll("[data-told]")) {
      place.textContent = told[place.dataset.told];
    }
    for (const each of status.querySelectorAll("[data-received]")) each.hidden = false;
    status.querySelector("[data-waiting]").hidden = true;
  };
})();
