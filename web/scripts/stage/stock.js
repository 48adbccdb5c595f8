// The switches and bursts of the stock page, for the presenter. What is shown comes from the server.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { value, burst } = button.dataset;
  const path = button.closest("[data-path]")?.dataset.path;
  // In turn: a burst during a change would belong to neither mode.
  if (value) speaker.inTurn(() => speaker.ask("PATCH", "/api/settings", speaker.change(path, JSON.parse(value))));
  else if (burst !== undefined) speaker.inTurn(() => speaker.ask("POST", "/api/stage/burst"));
});
