// The speaker's keys, in every signed-in window: each becomes a request, one after the other. What is shown comes from
// the server.
"use strict";
const speaker = (() => {
  const WAITING_MAX = 8;
  const SAID_FOR = 5000;
  // After this time without an answer the page shows that it waits; other presses are ignored meanwhile.
  const SLOW_AFTER = 700;
  // Longer than the slowest action of a key: a step with a question about the past.
  const ANSWERED_WITHIN = 65_000;
  const said = document.querySelector("[data-keys]");
  const help = document.getElementById("help");
  const follows = new URLSearchParams(location.search).has("follow");

  // A success message disappears from the room's page.
  let passing = 0;
  function say(words, isTrouble = false) {
    clearTimeout(passing);
    said.classList.toggle("fault", isTrouble);
    said.replaceChildren(words);
    if ("passing" in said.dataset && !isTrouble) passing = setTimeout(() => said.replaceChildren(), SAID_FOR);
  }

  function fill(pattern, values) {
    return pattern.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  function sayWhyNot(status, problem) {
    const faults = (problem.errors ?? []).map(({ field, detail }) => `${field} ${detail}`);
    const detail = faults.join("; ") || problem.detail || String(status);
    say(fill(status === 422 ? said.dataset.unusable : said.dataset.unavailable, { detail }), true);
    if (status !== 401) return;
    const link = document.createElement("a");
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = said.dataset.signIn;
    said.replaceChildren(`${said.dataset.signedOut} `, link);
  }

  // The answer, `{}` if it has no body; null if the request failed, and the page shows why.
  async function ask(method, address, body, { quietly = [], within = ANSWERED_WITHIN } = {}) {
    try {
      const sent = method === "GET" ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) };
      const response = await fetch(address, { method, signal: AbortSignal.timeout(within), ...sent });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      if (!quietly.includes(response.status)) sayWhyNot(response.status, answer);
      return quietly.includes(response.status) ? response.status : null;
    } catch {
      say(said.dataset.noAnswer, true);
      return null;
    }
  }

  // One request at a time, each based on the result of the one before. Further presses are dropped.
  let waiting = 0;
  let isSlow = false;
  let last = Promise.resolve();
  function inTurn(work) {
    if (waiting >= WAITING_MAX || isSlow) return;
    waiting += 1;
    last = last.then(() => timed(work)).catch((error) => say(String(error), true)).finally(() => { waiting -= 1; });
  }
  async function timed(work) {
    const slow = setTimeout(() => {
      isSlow = true;
      said.classList.remove("fault");
      said.replaceChildren("…");
    }, SLOW_AFTER);
    try {
      return await work();
    } finally {
      clearTimeout(slow);
      if (isSlow && said.textContent === "…") say("");
      isSlow = false;
    }
  }

  // The stage's position as far as this window knows: from its stream, or earlier from the answer to a press.
  let position = null;
  const isAt = ({ act, step }) => { position = { act, step }; };
  document.addEventListener("follow", ({ detail }) => isAt(detail));

  const speaker = {
    // The page the room shows by itself, and the code, which stays until the next step.
    room: "/?follow",
    code: "/qr?follow=next",
    say,
    fill,
    ask,
    inTurn,
    // The merge patch that sets `a.b` to a value.
    change(path, value) {
      return path.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
    },
    // Shows the room a page: in this window, unless the console has opened another.
    show(page) {
      location.assign(page);
    },
    // An act or a step has led the room to a page; a window that follows goes by itself.
    lead(page) {
      if (!follows && location.pathname !== page) location.assign(page);
    },
    // Plays an act or a step, by its address. It sends the step that is left: two presses at once do one step.
    async play(address) {
      const { act = null, step } = position ?? await ask("GET", "/api/settings") ?? {};
      if (step === undefined) return;
      const played = await ask("POST", address, { act, step });
      if (!played) return;
      isAt(played);
      say(fill(said.dataset.played, { ...played, act: played.act ?? "–" }));
      document.dispatchEvent(new CustomEvent("played", { detail: played }));
      if (played.page) speaker.lead(played.page, played.step);
    },
    toggleHelp() {
      if (help.open) help.close();
      else help.showModal();
    },
  };

  async function toggleNames() {
    const settings = await ask("GET", "/api/settings");
    if (!settings) return;
    const after = await ask("PATCH", "/api/settings", { hide_names: !settings.hide_names });
    if (after) say(after.hide_names ? said.dataset.hidden : said.dataset.shown);
  }

  const next = () => speaker.play("/api/stage/next");
  const back = () => speaker.play("/api/stage/back");
  const keys = {
    ArrowRight: next,
    ArrowLeft: back,
    // A clicker sends the keys for pages.
    PageDown: next,
    PageUp: back,
    " ": () => speaker.play("/api/stage/again"),
    h: toggleNames,
    o: () => speaker.show(speaker.room),
    q: () => speaker.show(speaker.code),
  };
  // A digit is known by its position: some keyboards need Shift for it. A letter is known by its character, whatever
  // CapsLock does, or on keyboards of another script by its position.
  function pressed({ key, code, shiftKey }) {
    const place = /^(?:Digit|Key)(\w)$/.exec(code)?.[1].toLowerCase();
    if (/^[1-9]$/.test(place) && !shiftKey) return place;
    if (/^[a-z]$/i.test(key)) return key.toLowerCase();
    return /^\p{L}$/u.test(key) && place ? place : key;
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const on = event.target instanceof Element ? event.target : document.body;
    if (on.closest("input, textarea, select")) return;
    const key = pressed(event);
    const own = /^[a-z]$/.test(key) && document.querySelector(`[data-key="${key}"]`);
    if (key === "?") speaker.toggleHelp();
    else if (help.open || (key === " " && on.closest("button, a, summary"))) return;
    else if (keys[key]) inTurn(keys[key]);
    else if (/^[1-9]$/.test(key)) inTurn(() => speaker.play(`/api/stage/acts/${key}`));
    else if (own) own.click();
    else return;
    event.preventDefault();
  });

  return speaker;
})();
