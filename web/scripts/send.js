// The presenter's buttons: each sends one request. What becomes of it comes by the stream, to everybody.
"use strict";
(() => {
  const said = document.getElementById("said");
  if (!said) return;
  const underWay = new Set();

  function say(words) {
    said.textContent = words;
    said.hidden = !words;
  }

  async function why(response) {
    if (response.status === 401) return said.dataset.signedOut;
    const problem = await response.json().catch(() => ({}));
    return said.dataset.unavailable.replace("{detail}", problem.detail ?? String(response.status));
  }

  async function send({ send: address, method = "POST", body = "{}" }) {
    try {
      const response = await fetch(address, { method, headers: { "content-type": "application/json" }, body });
      say(response.ok ? "" : await why(response));
    } catch {
      say(said.dataset.noWebsite);
    }
  }

  // A question that reads the whole log takes a moment: its button waits, the others do not.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-send]");
    const request = button && { ...button.dataset };
    const key = JSON.stringify(request);
    if (!button || underWay.has(key)) return;
    underWay.add(key);
    button.setAttribute("aria-disabled", "true");
    await send(request);
    button.removeAttribute("aria-disabled");
    underWay.delete(key);
  });
})();
