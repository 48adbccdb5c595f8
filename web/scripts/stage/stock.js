// The presenter throws the switches of the stock page, or makes a burst. What is shown comes from the server.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { value, burst } = button.dataset;
  const path = button.closest("[data-path]")?.dataset.path;
  // In turn: a burst while a switch is thrown would be one of neither way.
  if (value) speaker.inTurn(() => speaker.ask("PATCH", "/api/settings", speaker.change(path, JSON.parse(value))));
  else if (burst !== undefined) speaker.inTurn(() => speaker.ask("POST", "/api/stage/burst"));
});
