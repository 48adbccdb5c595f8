// Listens to the server and shows whether the page is live.
"use strict";

// A phone's clock can be off by minutes: countdowns use the server's, first from the page, then from each event.
const serverClock = {
  ahead: 0,
  set(micros) { if (micros) this.ahead = micros / 1000 - Date.now(); },
  now() { return Date.now() + this.ahead; },
};
serverClock.set(Number(document.body.dataset.now));

(() => {
  // The page's stream, and the events it has in addition to fragments and heartbeats.
  const { live: address, events = "" } = document.body.dataset;
  if (!address) return;
  const OLD_AFTER = 2000;
  const SILENT_AFTER = 6000;
  const WAIT_LEAST = 250;
  const WAIT_MOST = 2000;
  // The server writes as soon as a stream is open. If nothing arrives for this long, a tunnel or proxy holds the stream
  // back: the page then polls instead, and sometimes tries a stream again.
  const HELD_AFTER = 4000;
  const ASK_EVERY = 2000;
  const ANSWERED_WITHIN = 8000;
  const STREAM_AGAIN_AFTER = 60_000;
  let stream = null;
  let answer = null;
  let isAsking = false;
  let streamAgainAt = 0;
  let heardAt = performance.now();
  let wait = WAIT_LEAST;
  let later = 0;
  // How far the server's clock is ahead, by the event with the shortest delay.
  let ahead = -Infinity;

  function show(live) {
    document.body.classList.toggle("live", live);
    document.body.classList.toggle("late", !live);
  }

  // Events that a crowded network has delayed are not current, however many arrive. The first event of a connection is
  // no older than the connection: if it comes soon it is current, whatever happened to either clock.
  function heard(connection, event) {
    const now = performance.now();
    const sentAt = Number(event.lastEventId) / 1000;
    const isOfNow = connection.isSilent && now - connection.openedAt <= OLD_AFTER;
    ahead = isOfNow ? sentAt - now : Math.max(ahead, sentAt - now);
    connection.isSilent = false;
    if (isAsking && connection === stream) stopAsking();
    if (now + ahead - sentAt > OLD_AFTER) {
      show(false);
      return;
    }
    serverClock.set(sentAt * 1000);
    heardAt = now;
    wait = WAIT_LEAST;
    show(true);
    if (isAsking && !stream && now > streamAgainAt) tryStream();
  }

  function connect(to) {
    const connection = { source: new EventSource(to), openedAt: performance.now(), isSilent: true };
    const on = (name, act) => connection.source.addEventListener(name, (event) => act(event, JSON.parse(event.data)));
    on("fragments", (event, parts) => {
      fragments.apply(parts);
      heard(connection, event);
    });
    on("heartbeat", (event) => heard(connection, event));
    for (const name of events.split(" ")) {
      on(name, (_, detail) => document.dispatchEvent(new CustomEvent(name, { detail })));
    }
    return connection;
  }

  function close() {
    clearTimeout(later);
    stream?.source.close();
    answer?.source.close();
    stream = null;
    answer = null;
    document.dispatchEvent(new Event("closed"));
  }

  function open() {
    close();
    if (document.hidden) return;
    if (isAsking) {
      ask();
      return;
    }
    stream = connect(address);
    document.dispatchEvent(new Event("opened"));
    // A browser's own retry waits longer, and gives up after some errors.
    stream.source.onerror = openLater;
  }

  function openLater() {
    close();
    show(false);
    // Not all at once: a whole room may have lost the same server.
    later = setTimeout(open, wait * (0.5 + Math.random() / 2));
    wait = Math.min(2 * wait, WAIT_MOST);
  }

  // The stream's first events, as an answer that ends; to the browser its end is an error.
  function ask() {
    clearTimeout(later);
    answer?.source.close();
    answer = connect(`${address}&once`);
    answer.source.onerror = ({ target }) => {
      target.close();
      later = setTimeout(ask, ASK_EVERY);
    };
    document.dispatchEvent(new Event("asked"));
  }

  function startAsking() {
    close();
    isAsking = true;
    document.body.classList.add("asking");
    ask();
  }

  function stopAsking() {
    clearTimeout(later);
    answer?.source.close();
    answer = null;
    isAsking = false;
    document.body.classList.remove("asking");
    stream.source.onerror = openLater;
    document.dispatchEvent(new Event("opened"));
  }

  // In parallel with polling: the page stays live meanwhile.
  function tryStream() {
    streamAgainAt = performance.now() + STREAM_AGAIN_AFTER;
    stream = connect(address);
    stream.source.onerror = giveStreamUp;
  }

  function giveStreamUp() {
    stream?.source.close();
    stream = null;
  }

  const isSilentFor = (connection, time) => connection?.isSilent && performance.now() - connection.openedAt > time;

  // While a laptop sleeps the page's own clock may stop; the time of day does not.
  let awakeAt = Date.now();
  setInterval(() => {
    const hasSlept = Date.now() - awakeAt > OLD_AFTER;
    awakeAt = Date.now();
    if (document.hidden) return;
    const silence = performance.now() - heardAt;
    if (hasSlept || silence > OLD_AFTER + (isAsking ? ASK_EVERY : 0)) show(false);
    if (isAsking) {
      if (isSilentFor(stream, HELD_AFTER)) giveStreamUp();
      if (hasSlept || isSilentFor(answer, ANSWERED_WITHIN)) ask();
    } else if (isSilentFor(stream, HELD_AFTER)) {
      startAsking();
    } else if ((hasSlept || silence > SILENT_AFTER) && stream) {
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
