// Draws what changes with time: lanes that fill, seconds to wait, ages. By the server's clock, four times a second.
"use strict";
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const drawn = new WeakSet();
  const words = new WeakMap();

  function drawLane(lane, now) {
    const since = Number(lane.dataset.since) / 1000;
    const until = Number(lane.dataset.until) / 1000;
    const share = Math.min(1, Math.max(0, (now - since) / Math.max(1, until - since)));
    // A new lane starts where it is and does not run there from zero.
    lane.classList.toggle("settled", drawn.has(lane) && !calm.matches);
    lane.style.setProperty("--share", share.toFixed(4));
    drawn.add(lane);
  }

  function drawWait(element, now) {
    const seconds = Math.ceil((Number(element.dataset.until) / 1000 - now) / 1000);
    const text = seconds > 0 ? element.dataset.pattern.replace("{n}", seconds) : element.dataset.done;
    if (element.textContent !== text) element.textContent = text;
  }

  function drawAge(element, now) {
    if (!words.has(element)) words.set(element, element.textContent);
    const seconds = Math.max(0, Math.floor((now - Number(element.dataset.age) / 1000) / 1000));
    const age = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
    const text = `${words.get(element)} · ${age}`;
    if (element.textContent !== text) element.textContent = text;
  }

  function draw() {
    // A page that is not live does not move.
    if (document.hidden || document.body.classList.contains("late")) return;
    const now = serverClock.now();
    for (const lane of document.querySelectorAll(".lane-fill[data-since]")) drawLane(lane, now);
    for (const element of document.querySelectorAll("[data-until][data-pattern]")) drawWait(element, now);
    for (const element of document.querySelectorAll("[data-age]")) drawAge(element, now);
  }

  document.addEventListener("fragments", draw);
  setInterval(draw, 250);
  draw();
})();
