// The presenter throws the switches of the stock page, or makes a burst. What is shown comes from the server.
"use strict";
(() => {
  const said = document.getElementById("said");

  // `a.b` and a value as the merge patch that sets it.
  function change(path, value) {
    return path.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
  }

  async function ask(method, address, body) {
    try {
      const response = await fetch(address, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (response.status === 401) location.assign("/sign-in?next=/stage/stock");
      const problem = response.ok ? null : await response.json().catch(() => ({}));
      said.textContent = problem ? said.dataset.undone.replace("{detail}", problem.detail ?? response.status) : "";
    } catch {
      said.textContent = said.dataset.noWebsite;
    }
  }

  // One thing at a time: a burst while a switch is thrown would be one of neither way.
  let busy = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button || busy) return;
    const { value, burst } = button.dataset;
    busy = true;
    if (value) await ask("PATCH", "/api/settings", change(button.closest("[data-path]").dataset.path, JSON.parse(value)));
    else if (burst !== undefined) await ask("POST", "/api/stage/burst", {});
    busy = false;
  });
})();
