// A window that follows the speaker: it goes to the page of the act whenever the act or its step changes. It never
// leaves this site, where its stream comes from: links to the shop open their own window.
"use strict";
(() => {
  const KEPT = "followed";
  function kept() {
    try { return JSON.parse(sessionStorage.getItem(KEPT)) ?? {}; } catch { return null; }
  }
  function keep(followed) {
    sessionStorage.setItem(KEPT, JSON.stringify(followed));
  }

  // A page may redirect, as that of the newest order does; the window has then arrived.
  const arrived = kept();
  if (arrived?.landed === null) keep({ ...arrived, landed: location.pathname });

  function addressOf(page) {
    const asked = new URLSearchParams(location.search);
    const kept = ["lang", "theme"].filter((name) => asked.has(name)).map((name) => `${name}=${encodeURIComponent(asked.get(name))}&`);
    return `${page}?${kept.join("")}follow`;
  }

  // A page opened by its key stays until the next step: `follow=next`.
  let staysForNow = new URLSearchParams(location.search).get("follow") === "next";
  document.addEventListener("follow", ({ detail: { act, step, page } }) => {
    const before = kept();
    // Without storage the window cannot know what it has followed already.
    if (!before) return;
    const position = `${act} ${step}`;
    const stays = staysForNow;
    staysForNow = false;
    if (before.position === position) return;
    if (stays) {
      keep({ position });
      return;
    }
    const isThere = location.pathname === page || (before.page === page && before.landed === location.pathname);
    keep({ position, page, landed: isThere ? location.pathname : null });
    if (!isThere) location.assign(addressOf(page));
  });

  // A window that a click led elsewhere comes back with the next step.
  function following(address) {
    const url = new URL(address, location.href);
    if (url.origin !== location.origin || url.searchParams.has("follow")) return address;
    return `${url.pathname}${url.search}${url.search ? "&" : "?"}follow${url.hash}`;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    // A link within this page loads nothing.
    if (link && !link.getAttribute("href").startsWith("#")) link.href = following(link.href);
  }, true);
  document.addEventListener("submit", (event) => {
    event.target.action = following(event.target.action);
  }, true);
})();
