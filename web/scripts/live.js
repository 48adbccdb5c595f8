// Listens to the server and says so; and says so as well when it does not hear anything any more.
"use strict";

// A phone's clock can be off by minutes: countdowns go by the server's, first as of the page, then of each event.
const serverClock = {
  ahead: 0,
  set(micros) { if (micros) this.ahead = micros / 1000 - Date.now(); },
  now() { return Date.now() + this.ahead; },
};
serverClock.set(Number(document.body.dataset.now));

(() => {
  const page = document.body.dataset.live;
  if (!page) return;
  const address = new URLSearchParams(location.search).has("follow") ? `${page}&follow` : page;
  const OLD_AFTER = 2000;
  const SILENT_AFTER = 6000;
  const WAIT_LEAST = 250;
  const WAIT_MOST = 2000;
  let source = null;
  let heardAt = performance.now();
  let wait = WAIT_LEAST;
  let retry = 0;
  // By how much the server's clock is ahead, by the event that was under way for the shortest time.
  let ahead = -Infinity;
  let openedAt = 0;
  let isFirst = true;

  function show(live) {
    document.body.classList.toggle("live", live);
    document.body.classList.toggle("late", !live);
  }

  // What a crowded network held back is not of now, however much of it arrives. The first event of a stream is no older
  // than the stream: if it comes soon it is of now, whatever became of either clock.
  function heard(event) {
    const now = performance.now();
    const sentAt = Number(event.lastEventId) / 1000;
    const isOfNow = isFirst && now - openedAt <= OLD_AFTER;
    ahead = isOfNow ? sentAt - now : Math.max(ahead, sentAt - now);
    isFirst = false;
    if (now + ahead - sentAt > OLD_AFTER) {
      show(false);
      return;
    }
    serverClock.set(sentAt * 1000);
    heardAt = now;
    wait = WAIT_LEAST;
    show(true);
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
    document.dispatchEvent(new Event("closed"));
  }

  function open() {
    close();
    if (document.hidden) return;
    source = new EventSource(address);
    openedAt = performance.now();
    isFirst = true;
    document.dispatchEvent(new Event("opened"));
    source.addEventListener("fragments", (event) => {
      fragments.apply(JSON.parse(event.data));
      heard(event);
    });
    source.addEventListener("heartbeat", heard);
    source.addEventListener("notice", (event) => {
      document.dispatchEvent(new CustomEvent("notice", { detail: JSON.parse(event.data) }));
    });
    source.addEventListener("follow", (event) => {
      document.dispatchEvent(new CustomEvent("follow", { detail: JSON.parse(event.data) }));
    });
    // A browser's own retry waits longer, and some errors it gives up on.
    source.onerror = openLater;
  }

  function openLater() {
    close();
    show(false);
    // Not all at once: a whole room may have lost the same server.
    retry = setTimeout(open, wait * (0.5 + Math.random() / 2));
    wait = Math.min(2 * wait, WAIT_MOST);
  }

  // While a laptop sleeps the page's own clock may stand still; the time of day does not.
  let awakeAt = Date.now();
  setInterval(() => {
    const hasSlept = Date.now() - awakeAt > OLD_AFTER;
    awakeAt = Date.now();
    if (document.hidden) return;
    const silence = performance.now() - heardAt;
    if (hasSlept || silence > OLD_AFTER) show(false);
    if ((hasSlept || silence > SILENT_AFTER) && source) {
      heardAt = performance.now() - OLD_AFTER;
      open();
    }
  }, 250);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else {
      if (performance.now() - heardAt > OLD_AFTER) show(false);
      open();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
})();
