// The time machine: while the slider moves, the server is asked for that moment, one question at a time. At its right
// end it rests, and the page is live.
"use strict";
(() => {
  const form = document.getElementById("travel");
  if (!form) return;
  const ASK_EVERY = 100;
  const FOLLOW_EVERY = 1000;
  const ANSWERED_WITHIN = 10_000;
  const slider = document.getElementById("at");
  const fault = document.getElementById("travel-fault");
  const lang = document.documentElement.lang;

  const isAtRest = () => Number(slider.value) + Number(slider.step) > Number(slider.max);

  // While the past is shown, live fragments are not put in, except the warning about what is missing.
  let isPast = !isAtRest();
  const put = fragments.apply;
  fragments.apply = (parts) => {
    if (!isPast) put(parts);
    else if (parts.alive) put({ alive: parts.alive });
  };

  function say(words) {
    fault.textContent = words;
    fault.hidden = !words;
  }

  async function show(at) {
    const query = new URLSearchParams(at === null ? { lang } : { at, lang });
    try {
      const response = await fetch(`${form.dataset.fragments}?${query}`, { signal: AbortSignal.timeout(ANSWERED_WITHIN) });
      if (!response.ok) throw new Error(response.statusText);
      const parts = await response.json();
      // Back at rest in the meantime: what comes now is live.
      if (at === null || isPast) put(parts);
      say("");
    } catch {
      say(fault.dataset.words);
    }
  }

  // The last wanted moment that was not asked for yet; earlier ones are skipped.
  let wanted;
  let isAsking = false;
  async function ask() {
    if (isAsking) return;
    isAsking = true;
    while (wanted !== undefined) {
      const at = wanted;
      wanted = undefined;
      const soonest = new Promise((resolve) => { setTimeout(resolve, ASK_EVERY); });
      await show(at);
      await soonest;
    }
    isAsking = false;
  }

  function travel() {
    isPast = !isAtRest();
    wanted = isPast ? slider.value : null;
    ask();
  }

  function rest() {
    slider.max = Math.round(serverClock.now());
    slider.value = slider.max;
  }

  slider.addEventListener("input", travel);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("to-now").addEventListener("click", (event) => {
    event.preventDefault();
    rest();
    travel();
  });

  // The stream may have been faster than this script.
  if (isPast) travel();
  else rest();

  // As time goes on the slider at rest moves along; elsewhere its range grows. Not under a finger.
  setInterval(() => {
    if (slider.matches(":active")) return;
    if (isPast) slider.max = Math.round(serverClock.now());
    else rest();
  }, FOLLOW_EVERY);
})();
