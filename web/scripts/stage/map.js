// A clicked order lights up its journey on the map, hop by hop; while little happens the newest one does so by itself.
"use strict";
(() => {
  const strip = document.getElementById("followed");
  const flow = () => document.getElementById("flow");
  if (!strip) return;
  const statuses = JSON.parse(strip.dataset.statuses);
  // Tenths of orders per second: faster than one per second nobody can follow the newest.
  const SLOW = 10;
  const SHOWN_FOR = 12000;
  let source = null;
  let followed = "";
  let chosen = false;
  let newest = flow().dataset.newest;
  let fading = 0;

  function lit() {
    return document.querySelectorAll(".map .lit, .map .lit-now");
  }

  function darken() {
    for (const element of lit()) element.classList.remove("lit", "lit-now");
  }

  function leave() {
    clearTimeout(fading);
    source?.close();
    source = null;
    followed = "";
    chosen = false;
    strip.hidden = true;
    journey = [];
    darken();
  }

  let journey = [];
  // News replaces elements, which lose their class, so they are lit again.
  function light() {
    if (!followed) return;
    darken();
    journey.forEach(({ service, topic }, index) => {
      const now = index === journey.length - 1;
      for (const element of document.querySelectorAll(`.map [data-service="${service}"], .map [data-topic="${topic}"]`)) {
        element.classList.add("lit");
        if (now) element.classList.add("lit-now");
      }
    });
    document.querySelector(`.map [data-order="${CSS.escape(followed)}"]`)?.classList.add("lit-now");
  }

  function nameOf(service) {
    const element = document.querySelector(`.map [data-service="${service}"] :is(h3, strong)`);
    return element?.textContent || service;
  }

  function hop({ service, topic, at }, began) {
    const item = document.createElement("li");
    const who = document.createElement("b");
    who.textContent = service === "delivery" ? "Delivery" : nameOf(service);
    const when = document.createElement("span");
    const later = Math.round(Date.parse(at) - began);
    const seconds = (later / 1000).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    when.textContent = later < 1000 ? `+ ${Math.max(0, later)} ms` : `+ ${seconds} s`;
    item.append(who, ` → ${topic} `, when);
    return item;
  }

  function show(order) {
    journey = order.journey;
    const began = Date.parse(journey[0]?.at);
    const title = document.createElement("a");
    title.href = strip.dataset.page.replace("{id}", encodeURIComponent(order.order_id));
    title.textContent = strip.dataset.words.replace("{id}", order.order_id).replace("{status}", statuses[order.status] ?? order.status);
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = strip.dataset.close;
    close.addEventListener("click", leave);
    const list = document.createElement("ol");
    list.append(...journey.map((step) => hop(step, began)));
    strip.replaceChildren(title, list, close);
    strip.hidden = false;
    light();
  }

  function follow(id, byHand) {
    leave();
    followed = id;
    chosen = byHand;
    listen();
    if (!byHand) fading = setTimeout(leave, SHOWN_FOR);
  }

  // Opened and closed together with the page's stream, which notices when the stage is gone.
  function listen() {
    source?.close();
    source = new EventSource(`/api/live?order=${encodeURIComponent(followed)}`);
    const heard = (event) => show(JSON.parse(event.data));
    source.addEventListener("snapshot", heard);
    source.addEventListener("order", heard);
    // An order that can no longer be followed is not shown. A lost connection does not count yet: it may be noticed
    // here before the page's stream notices it.
    source.onerror = ({ target }) => {
      if (target.readyState === EventSource.CLOSED && document.body.classList.contains("live")) leave();
    };
  }
  document.addEventListener("opened", () => { if (followed) listen(); });
  document.addEventListener("closed", () => source?.close());
  // Where streams are held back the page polls, and so does this.
  document.addEventListener("asked", async () => {
    const asked = followed;
    if (!asked) return;
    const order = await fetch(`/api/orders/${encodeURIComponent(asked)}`).then((answer) => answer.json()).catch(() => null);
    if (order?.journey && asked === followed) show(order);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-order]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    follow(link.dataset.order, true);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && followed) leave();
  });

  document.addEventListener("fragments", () => {
    const { newest: now, rate } = flow().dataset;
    if (now !== newest) {
      newest = now;
      if (now && !chosen && Number(rate) <= SLOW) follow(now, false);
    }
    light();
  });

  const asked = new URLSearchParams(location.search).get("order");
  if (asked) follow(asked, true);
})();
