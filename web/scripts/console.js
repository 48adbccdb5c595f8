// The speaker's console: keys and presses become requests, one after the other. What is shown comes from the server.
"use strict";
(() => {
  const CONFIRM_WITHIN = 3000;
  const WAITING_MAX = 8;
  const said = document.getElementById("said");
  const help = document.getElementById("help");
  const rehearsed = document.getElementById("rehearsed");

  // The settings as they are: from the stream, or sooner from the answer to a change.
  let known = {};
  let read = "";
  function readSettings() {
    const text = document.getElementById("position").dataset.settings;
    if (text !== read) known = JSON.parse(text);
    read = text;
  }

  function say(words, isTrouble = false) {
    said.classList.toggle("fault", isTrouble);
    said.replaceChildren(words);
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
    link.href = "/sign-in?next=/console";
    link.textContent = said.dataset.signIn;
    said.replaceChildren(`${said.dataset.signedOut} `, link);
  }

  // The answer, `{}` if it has no body; null if it was not done, and the page says why.
  async function ask(method, address, body, quietly = []) {
    try {
      const response = await fetch(address, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body ?? {}),
      });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return answer;
      if (!quietly.includes(response.status)) sayWhyNot(response.status, answer);
      return quietly.includes(response.status) ? response.status : null;
    } catch {
      say(said.dataset.noWebsite, true);
      return null;
    }
  }

  // One thing at a time, each from what the one before left; whoever presses faster than that for long is not heard.
  let waiting = 0;
  let last = Promise.resolve();
  function inTurn(work) {
    if (waiting >= WAITING_MAX) return;
    waiting += 1;
    last = last.then(work).catch((error) => say(String(error), true)).finally(() => { waiting -= 1; });
  }

  async function patch(change) {
    const settings = await ask("PATCH", "/api/settings", change);
    if (!settings) return;
    say("");
    if ("couriers" in settings) known = settings;
  }

  // The room's page in a window of its own, which follows from then on.
  let room = null;
  // A page that is shown already is live: loading it again would only flash.
  function shows(page) {
    return room.location.pathname === page;
  }

  function showRoom(page, opens) {
    if (room && !room.closed && shows(page)) return;
    if (room && !room.closed) room.location.assign(page);
    else if (opens) room = open(page, "room");
  }

  const acts = () => [...document.querySelectorAll("[data-act]")];
  const actButton = (number) => acts().find((button) => Number(button.dataset.act) === number);
  const stepButton = (n) => document.querySelector(`#steps [data-step="${n}"]`);

  async function beginAct(number) {
    const button = actButton(number);
    if (!button) return;
    const answer = await ask("POST", `/api/stage/acts/${number}`);
    if (!answer) return;
    say("");
    rehearsed.hidden = true;
    known = { ...known, act: number, step: 0 };
    showRoom(button.dataset.page, false);
  }

  async function doStep(n) {
    const page = stepButton(n)?.dataset.open;
    if (page) showRoom(page, true);
    const answer = await ask("POST", `/api/stage/steps/${n}`);
    if (!answer) return;
    say("");
    known = { ...known, step: answer.step ?? n };
  }

  async function next() {
    const length = Number(actButton(known.act)?.dataset.length ?? 0);
    if (known.act && known.step < length) await doStep(known.step + 1);
    else await beginAct((known.act ?? 0) + 1);
  }

  async function back() {
    if (known.act && known.step > 0) await patch({ step: known.step - 1 });
  }

  async function again() {
    if (!known.act) return;
    if (known.step > 0) await doStep(known.step);
    else await beginAct(known.act);
  }

  // `a.b` and a value as the merge patch that sets it.
  function change(path, value) {
    return path.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
  }

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
    const seconds = ((answer.took_ms ?? 0) / 1000).toFixed(1);
    say(fill(said.dataset.reset, { episode: answer.episode, seconds }));
  }

  // Takes as long as the act does: everything else goes on meanwhile.
  async function rehearse(button) {
    if (!known.act || button.disabled) return;
    button.disabled = true;
    say(said.dataset.rehearsing);
    const answer = await ask("POST", `/api/stage/rehearse/${known.act}`, {}, [404]);
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

  // What cannot be taken back is done by a second press only.
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

  function toggleHelp() {
    if (help.open) help.close();
    else help.showModal();
  }

  function press(button) {
    const { act, step, turn: by, value, pause, crash: whom, who, reset: what } = button.dataset;
    const control = button.closest("[data-path]");
    if (!isConfirmed(button)) return;
    if (act) inTurn(() => beginAct(Number(act)));
    else if (step) inTurn(() => doStep(Number(step)));
    else if (by) inTurn(() => turn(control, Number(by)));
    else if (value) inTurn(() => patch(change(control.dataset.path, JSON.parse(value))));
    else if (pause) inTurn(() => togglePause(pause));
    else if (whom) inTurn(() => crash(whom, who));
    else if (what) inTurn(() => reset(what === "keep"));
    else if ("burst" in button.dataset) inTurn(burst);
    else if ("again" in button.dataset) inTurn(() => beginAct(known.act));
    else if ("room" in button.dataset) openRoom();
    else if ("qr" in button.dataset) showRoom("/stage/qr", true);
    else if ("rehearse" in button.dataset) rehearse(button);
    else if ("help" in button.dataset) toggleHelp();
  }

  function openRoom() {
    showRoom(actButton(known.act)?.dataset.page ?? "/stage", true);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.closest("dialog")) return;
    press(button);
    // After the mouse the keys are the speaker's again: space must not press this button once more.
    if (event.detail > 0) button.blur();
  });

  const keys = { ArrowRight: next, ArrowLeft: back, " ": again };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const onButton = event.target instanceof Element && event.target.closest("button, a");
    if (event.key === "?") toggleHelp();
    else if (help.open || (event.key === " " && onButton)) return;
    else if (keys[event.key]) inTurn(keys[event.key]);
    else if (/^[1-9]$/.test(event.key)) inTurn(() => beginAct(Number(event.key)));
    else if (event.key === "o") openRoom();
    else if (event.key === "h") inTurn(() => patch({ hide_names: !known.hide_names }));
    else if (event.key === "q") showRoom("/stage/qr", true);
    else return;
    event.preventDefault();
  });

  // The step at hand stays in sight, but the page moves only when it has changed.
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
