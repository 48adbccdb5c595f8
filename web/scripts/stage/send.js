// The presenter's buttons: each sends one request. Its effect comes by the stream, to everybody.
"use strict";
(() => {
  const underWay = new Set();

  // A question that reads the whole log takes a moment: its button waits, the others do not.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-send]");
    const { send: address, method = "POST", body = "{}" } = button?.dataset ?? {};
    const key = `${method} ${address} ${body}`;
    if (!button || underWay.has(key)) return;
    underWay.add(key);
    button.setAttribute("aria-disabled", "true");
    if (await speaker.ask(method, address, JSON.parse(body))) speaker.say("");
    button.removeAttribute("aria-disabled");
    underWay.delete(key);
  });

  // The input, by the names of the fields.
  document.addEventListener("submit", async (event) => {
    const { sendTyped: address } = event.target.dataset;
    if (!address) return;
    event.preventDefault();
    if (!await speaker.ask("POST", address, Object.fromEntries(new FormData(event.target)))) return;
    event.target.reset();
    speaker.say("");
  });
})();
