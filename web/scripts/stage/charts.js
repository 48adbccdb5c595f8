// Counts per minute, drawn from the data beside the server's own charts, which are shown without this script.
"use strict";
(() => {
  const plots = document.getElementById("plots");
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language);
  const STEPS = [1, 2, 5, 10, 15, 20, 30];
  const drawn = [];

  const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = (rems, weight = 400) => `${weight} ${Math.ceil(rems * rem())}px Figtree, sans-serif`;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // Each minute is a step from its beginning to its end. The running one, which is not over, is a series of its own.
  function steps({ first, counts }) {
    const last = counts.length - 1;
    const minutes = [...counts, 0].map((_, place) => first + place);
    const whole = minutes.map((_, place) => (place < last ? counts[place] : place === last && last > 0 ? counts[last - 1] : null));
    const running = minutes.map((_, place) => (place < last ? null : counts[last]));
    return [minutes, whole, running];
  }

  function read(figure) {
    const { first, counts, shown, top, offsets, words } = figure.dataset;
    return {
      title: figure.querySelector("figcaption").textContent,
      first: Number(first), counts: counts.split(",").map(Number), shown: Number(shown), top: Number(top), words,
      offsets: offsets.split(",").map(Number),
    };
  }

  // The local time: the server sends its offset from UTC before and after the minute at which the clocks change.
  function time(minute, [before, change, after]) {
    const local = minute + (minute < change ? before : after);
    return [Math.floor(local / 60) % 24, local % 60].map((part) => String(part).padStart(2, "0")).join(":");
  }

  // Labels at the ends of the lines: the higher count above the lower one, apart, and within the plot.
  function label(plot, { counts }) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const em = rem() * ratio;
    const left = bbox.left + bbox.width + 0.6 * em;
    const write = (text, rems, weight, name, y) => {
      ctx.font = font(rems * ratio, weight);
      ctx.fillStyle = colour(name);
      ctx.fillText(text, left, y);
    };
    const running = {
      count: counts.at(-1), up: 0.8 * em, down: 1.7 * em,
      write(y) {
        write(number.format(this.count), 1.2, 650, "ink", y - 0.1 * em);
        write(plots.dataset.soFar, 1, 400, "soft", y + em);
      },
    };
    const whole = {
      count: counts.at(-2), up: 1.1 * em, down: em,
      write(y) { write(number.format(this.count), 1.9, 750, "amber-words", y); },
    };
    const labels = (counts.length > 1 ? [running, whole] : [running]).sort((one, other) => one.count - other.count);
    let lowest = bbox.top + bbox.height + 0.8 * em;
    for (const label of labels) {
      label.y = Math.min(plot.valToPos(label.count, "y", true), lowest - label.down);
      lowest = label.y - label.up;
    }
    let highest = bbox.top - em;
    for (const label of labels.reverse()) {
      label.y = Math.max(label.y, highest + label.up);
      highest = label.y + label.down;
    }
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const label of labels) label.write(label.y);
    ctx.restore();
  }

  function make(entry, box) {
    const { data } = entry;
    const context = document.createElement("canvas").getContext("2d");
    const widths = (rems, weight, texts) => {
      context.font = font(rems, weight);
      // On the page every digit is as wide as a zero.
      return Math.max(...texts.map((text) => context.measureText(text.replace(/\d/g, "0")).width));
    };
    const gutter = Math.max(widths(1.9, 750, [number.format(data.top)]), widths(1, 400, [plots.dataset.soFar])) + 0.8 * rem();
    const side = widths(1, 400, [number.format(data.top)]) + 0.8 * rem();
    const line = (more) => ({ stroke: () => colour("amber"), width: 3, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), ...more });
    const range = () => [entry.data.first + entry.data.counts.length - entry.data.shown, entry.data.first + entry.data.counts.length];
    const axis = { stroke: () => colour("soft"), font: font(1), ticks: { show: false } };
    entry.gutterFor = data.top;
    entry.plot = new uPlot({
      width: box.clientWidth,
      height: box.clientHeight,
      padding: [1.1 * rem(), gutter, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range }, y: { range: () => [0, entry.data.top] } },
      series: [{}, line({ fill: () => `${colour("amber")}38` }), line({ fill: () => `${colour("amber")}1c`, dash: [7, 6] })],
      axes: [
        {
          ...axis, size: 2 * rem(), gap: 0.5 * rem(), grid: { show: false },
          splits: (plot, _, from, to) => {
            const room = Math.max(1, Math.floor(plot.width / (8 * rem())));
            const step = STEPS.find((minutes) => (to - from) / minutes <= room) ?? 60;
            const marks = [];
            for (let minute = Math.ceil(from / step) * step; minute <= to; minute += step) marks.push(minute);
            return marks;
          },
          values: (_, marks) => marks.map((minute) => time(minute, entry.data.offsets)),
        },
        {
          ...axis, size: side, gap: 0.6 * rem(), grid: { stroke: () => colour("line"), width: 2 },
          splits: (_, __, from, to) => [from, to / 2, to],
          values: (_, marks) => marks.map((count) => number.format(count)),
        },
      ],
      hooks: { draw: [(plot) => label(plot, entry.data)] },
    }, steps(data), box);
  }

  function show(figure, place) {
    const data = read(figure);
    let entry = drawn[place];
    if (!entry) {
      const element = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const name = document.createElement("b");
      const box = document.createElement("div");
      name.textContent = data.title;
      box.className = "plot";
      box.setAttribute("role", "img");
      caption.append(name);
      element.append(caption, box);
      plots.append(element);
      entry = drawn[place] = { box, plot: null };
    }
    entry.data = data;
    entry.box.setAttribute("aria-label", data.words);
    // Longer numbers need more room.
    const fits = entry.plot?.width === entry.box.clientWidth && String(entry.gutterFor).length === String(data.top).length;
    if (fits) return entry.plot.setData(steps(data));
    entry.plot?.destroy();
    return make(entry, entry.box);
  }

  function showAll() {
    const figures = document.querySelectorAll("#sales figure[data-counts]");
    plots.hidden = figures.length === 0;
    figures.forEach(show);
  }

  function again() {
    // A hidden plot has no width; it is made again when there is something to show.
    if (plots.hidden) return;
    for (const entry of drawn) {
      entry.plot.destroy();
      make(entry, entry.box);
    }
  }

  document.addEventListener("fragments", showAll);
  new MutationObserver(() => drawn.forEach(({ plot }) => plot.redraw(false))).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  addEventListener("resize", again);
  document.fonts.ready.then(again);
  showAll();
})();
