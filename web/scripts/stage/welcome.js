// The shop beside its code: in the colours of this page, and reloaded after it was gone.
"use strict";
(() => {
  const frame = document.getElementById("shop");
  const isCovered = () => !document.getElementById("shop-cover").hidden;

  // Without an entry in the history: back leads to the page before this one.
  function load() {
    const address = new URL(frame.src);
    address.searchParams.set("theme", document.documentElement.dataset.theme);
    frame.contentWindow.location.replace(address.href);
  }

  let wasCovered = isCovered();
  document.addEventListener("fragments", () => {
    const covered = isCovered();
    if (wasCovered && !covered) load();
    wasCovered = covered;
  });
  document.addEventListener("theme", load);
  if (new URL(frame.src).searchParams.get("theme") !== document.documentElement.dataset.theme) load();
})();
