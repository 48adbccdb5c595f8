// Dots in the pipes: each is one order that really passed, or ten where there are too many to follow.
"use strict";
(() => {
  const flow = () => document.getElementById("flow");
  if (!flow()) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const TRAVEL = 900;
  // News comes five times a second; its dots are spread over the time until the next.
  const SPREAD = 200;
  const EACH_BELOW = 14;
  const DOTS_MAX = 24;
  // Milliseconds between two drawings. Where dots stand for many, half as many drawings are smooth enough.
  const DRAW_EVERY = 15;
  const DRAW_MANY_EVERY = 30;

  const pipes = [...document.querySelectorAll("canvas[data-flow]")].map((canvas) => ({
    canvas,
    draw: canvas.getContext("2d"),
    what: canvas.dataset.flow,
    toLeft: canvas.dataset.way === "left",
    backlog: canvas.parentElement.querySelector(".pipe-backlog"),
    seen: null,
    owed: 0,
    dots: [],
    size: [0, 0],
    isEmpty: true,
  }));
  let colour = "";
  let drawEvery = DRAW_EVERY;

  // A dot is one order up to a few per second, then ten, then a hundred.
  function worth() {
    const perSecond = Number(flow().dataset.rate) / 10;
    let orders = 1;
    while (perSecond / orders > EACH_BELOW) orders *= 10;
    return orders;
  }

  function hear() {
    const each = worth();
    drawEvery = each > 1 ? DRAW_MANY_EVERY : DRAW_EVERY;
    for (const pipe of pipes) {
      const now = Number(flow().dataset[pipe.what]);
      // What passed before this page was open, or in another episode, does not pass now.
      const news = pipe.seen === null || now < pipe.seen ? 0 : now - pipe.seen;
      pipe.seen = now;
      if (calm.matches || document.hidden) continue;
      pipe.owed += news / each;
      const dots = Math.min(Math.floor(pipe.owed), DOTS_MAX - pipe.dots.length);
      pipe.owed -= Math.floor(pipe.owed);
      const at = performance.now();
      for (let n = 0; n < dots; n += 1) pipe.dots.push({ at: at + (n * SPREAD) / dots, large: each > 1 });
      if (dots > 0) wake();
    }
  }

  // The size of a canvas is read when it may have changed, not at every frame.
  function measure() {
    colour = getComputedStyle(document.documentElement).getPropertyValue("--amber");
    for (const pipe of pipes) {
      const { clientWidth: width, clientHeight: height } = pipe.canvas;
      pipe.size = [width, height];
      pipe.canvas.width = width;
      pipe.canvas.height = height;
    }
  }

  function drawPipe(pipe, now) {
    const [width, height] = pipe.size;
    const { draw } = pipe;
    if (!pipe.isEmpty) draw.clearRect(0, 0, width, height);
    pipe.dots = pipe.dots.filter(({ at }) => now < at + TRAVEL);
    pipe.isEmpty = pipe.dots.length === 0;
    if (pipe.isEmpty) return;
    // A dot stops at the backlog.
    const end = pipe.backlog ? Number(pipe.backlog.dataset.x) / 100 : 1;
    draw.fillStyle = colour;
    for (const { at, large } of pipe.dots) {
      if (at > now) continue;
      const way = ((now - at) / TRAVEL) * end * width;
      const radius = height * (large ? 0.42 : 0.3);
      draw.beginPath();
      draw.arc(pipe.toLeft ? width - way : way, height / 2, radius, 0, 2 * Math.PI);
      draw.fill();
    }
  }

  let running = false;
  let drawnAt = 0;
  function frame(now) {
    running = pipes.some((pipe) => pipe.dots.length > 0);
    if (now - drawnAt >= drawEvery) {
      drawnAt = now;
      for (const pipe of pipes) drawPipe(pipe, now);
    }
    if (running) requestAnimationFrame(frame);
  }

  function wake() {
    if (running) return;
    running = true;
    requestAnimationFrame(frame);
  }

  addEventListener("resize", measure);
  document.addEventListener("theme", measure);
  document.addEventListener("fragments", hear);
  measure();
  hear();
})();
