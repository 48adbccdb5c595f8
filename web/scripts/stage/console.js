// The speaker's console: presses become requests, in turn with those of the keys. What is shown comes from the server.
"use strict";
(() => {
  const CONFIRM_WITHIN = 3000;
  // The longest act, played at its own speed.
  const REHEARSED_WITHIN = 300_000;
  const { say, fill, ask, inTurn, change } = speaker;
  const said = document.getElementById("said");
  const rehearsed = document.getElementById("rehearsed");

  // The present settings: from the stream, or earlier from the answer to a change.
  let known = {};
  let read = "";
  function readSettings() {
    const text = document.getElementById("position").dataset.settings;
    if (text !== read) known = JSON.parse(text);
    read = text;
  }

  async function patch(change) {
    const settings = await ask("PATCH", "/api/settings", change);
    if (!settings) return;
    say("");
    if ("couriers" in settings) known = settings;
  }

  // The room's page in its own window, which follows the speaker.
  let room = null;
  const isOpen = () => room && !room.closed;
  speaker.show = (page) => {
    if (isOpen()) room.location.assign(page);
    else room = open(page, "room");
  };
  // An act waits for the room's window; a step that shows something opens it.
  speaker.lead = (_page, step) => {
    if (step > 0 && !isOpen()) speaker.show(speaker.room);
  };

  document.addEventListener("played", ({ detail: { act, step } }) => {
    if (step === 0) rehearsed.hidden = true;
    known = { ...known, act, step };
  });

  function turn(control, by) {
    const ladder = JSON.parse(control.dataset.ladder);
    const now = control.dataset.path.split(".").reduce((inner, name) => inner?.[name], known);
    const next = by > 0 ? ladder.find((step) => step > now) : ladder.findLast((step) => step < now);
    return next === undefined ? Promise.resolve() : patch(change(control.dataset.path, next));
  }

  function togglePause(service) {
    const paused = known.paused ?? [];
    const isPaused = paused.includes(service);
    return patch({ paused: isPaused ? paused.filter((other) => other !== service) : [...paused, service] });
  }

  async function crash(whom, who) {
    if (await ask("POST", "/api/stage/crash", JSON.parse(whom))) say(fill(said.dataset.crashed, { who }));
  }

  async function burst() {
    if (await ask("POST", "/api/stage/burst")) say(said.dataset.burst);
  }

  async function reset(keep) {
    say("…");
    const answer = await ask("POST", "/api/stage/reset", { keep_settings: keep });
    if (!answer) return;
    const seconds = ((answer.took_ms ?? 0) / 1000).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    const open = fill(said.dataset.reset, { episode: answer.episode, seconds });
    const missing = answer.not_moved ?? [];
    say(missing.length ? `${open} ${fill(said.dataset.notMoved, { services: missing.join(", ") })}` : open);
  }

  // Takes as long as the act; everything else goes on meanwhile.
  async function rehearse(button) {
    if (!known.act || button.disabled) return;
    button.disabled = true;
    say(said.dataset.rehearsing);
    const answer = await ask("POST", `/api/stage/rehearse/${known.act}`, {}, { quietly: [404], within: REHEARSED_WITHIN });
    button.disabled = false;
    if (answer === 404) {
      button.hidden = true;
      say("");
    } else if (answer) {
      say(answer.ok ? said.dataset.rehearsed : said.dataset.failed, !answer.ok);
      rehearsed.replaceChildren(...(answer.lines ?? []).map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }));
      rehearsed.hidden = false;
    }
  }

  // What cannot be undone needs a second press.
  const armed = new Map();
  function disarm(button) {
    const before = armed.get(button);
    if (!before) return false;
    clearTimeout(before.timer);
    button.textContent = before.words;
    button.classList.remove("armed");
    return armed.delete(button);
  }
  function isConfirmed(button) {
    if (!button.dataset.confirm || disarm(button)) return true;
    const timer = setTimeout(() => disarm(button), CONFIRM_WITHIN);
    armed.set(button, { words: button.textContent, timer });
    button.textContent = button.dataset.confirm;
    button.classList.add("armed");
    return false;
  }

  function press(button) {
    const { act, step, turn: by, value, pause, crash: whom, who, reset: what } = button.dataset;
    const control = button.closest("[data-path]");
    if (!isConfirmed(button)) return;
    if (act) inTurn(() => speaker.play(`/api/stage/acts/${act}`));
    else if (step) inTurn(() => speaker.play(`/api/stage/steps/${step}`));
    else if (by) inTurn(() => turn(control, Number(by)));
    else if (value) inTurn(() => patch(change(control.dataset.path, JSON.parse(value))));
    else if (pause) inTurn(() => togglePause(pause));
    else if (whom) inTurn(() => crash(whom, who));
    else if (what) inTurn(() => reset(what === "keep"));
    else if ("burst" in button.dataset) inTurn(burst);
    else if ("again" in button.dataset) inTurn(() => speaker.play(`/api/stage/acts/${known.act}`));
    else if ("room" in button.dataset) speaker.show(speaker.room);
    else if ("qr" in button.dataset) speaker.show(speaker.code);
    else if ("rehearse" in button.dataset) rehearse(button);
    else if ("help" in button.dataset) speaker.toggleHelp();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.closest("dialog")) return;
    press(button);
    // After a click the keys are the speaker's again: space must not press this button once more.
    if (event.detail > 0) button.blur();
  });

  // The current step stays in sight, but the page scrolls only when the step changes.
  let inSight = "";
  function follow() {
    readSettings();
    const now = document.querySelector("#steps .now");
    if ((now?.id ?? "") === inSight) return;
    inSight = now?.id ?? "";
    (document.querySelector("#steps .next") ?? now)?.scrollIntoView({ block: "nearest" });
    now?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("fragments", follow);
  follow();
})();
