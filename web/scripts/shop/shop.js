// The shop as on a phone: plus, minus, a bar with the sum, then the checkout. Without this script the plain form works.
"use strict";
(() => {
  const form = document.getElementById("shop");
  const rows = [...form.querySelectorAll(".beer")].map((row) => ({
    row,
    cents: Number(row.dataset.cents),
    name: row.querySelector("h2").textContent,
    input: row.querySelector("input"),
    fewer: row.querySelector(".fewer"),
    more: row.querySelector(".more"),
    label: row.querySelector(".more").getAttribute("aria-label"),
  }));
  const checkout = document.getElementById("checkout");
  const toCheckout = form.querySelector(".to-checkout");
  const place = form.querySelector(".place");
  const back = form.querySelector(".back");
  const sum = form.querySelector(".sum");
  const plurals = new Intl.PluralRules(document.documentElement.lang);
  let failedBefore = form.classList.contains("with-faults");

  const countOf = ({ input }) => (input.disabled ? 0 : Math.max(0, Math.floor(Number(input.value)) || 0));

  function money(cents) {
    return form.dataset.money.replace(/1(.)000(.)00/, (_, between, mark) => {
      const whole = String(Math.floor(cents / 100)).replace(/\B(?=(\d{3})+$)/g, between);
      return `${whole}${mark}${String(cents % 100).padStart(2, "0")}`;
    });
  }

  function inWords(bottles) {
    const { one, many } = form.dataset;
    return (plurals.select(bottles) === "one" ? one : many).replace("{n}", bottles);
  }

  function drawRow(entry) {
    const count = countOf(entry);
    entry.row.classList.toggle("chosen", count > 0);
    entry.fewer.hidden = count === 0;
    entry.more.hidden = false;
    entry.more.firstElementChild.textContent = count || "+";
    entry.more.setAttribute("aria-label", count ? `${entry.label} (${count})` : entry.label);
  }

  function drawBasket(chosen) {
    const lines = chosen.map((entry) => {
      const line = document.createElement("li");
      const words = document.createElement("span");
      const price = document.createElement("span");
      words.textContent = `${countOf(entry)} × ${entry.name}`;
      price.textContent = money(countOf(entry) * entry.cents);
      line.append(words, price);
      return line;
    });
    checkout.querySelector(".basket").replaceChildren(...lines);
  }

  function draw() {
    rows.forEach(drawRow);
    const chosen = rows.filter((entry) => countOf(entry) > 0);
    const bottles = chosen.reduce((all, entry) => all + countOf(entry), 0);
    const cents = chosen.reduce((all, entry) => all + countOf(entry) * entry.cents, 0);
    drawBasket(chosen);
    const [words, price] = sum.children;
    words.textContent = bottles ? inWords(bottles) : form.dataset.none;
    price.textContent = bottles ? money(cents) : "";
    const checkingOut = bottles > 0 && (location.hash === "#checkout" || failedBefore);
    form.classList.toggle("checking-out", checkingOut);
    sum.hidden = false;
    back.hidden = false;
    toCheckout.hidden = checkingOut;
    place.hidden = !checkingOut;
    toCheckout.setAttribute("aria-disabled", String(bottles === 0));
  }

  function add(entry, more) {
    const most = Number(entry.input.max);
    entry.input.value = Math.min(most, Math.max(0, countOf(entry) + more));
    draw();
  }

  // A row that sold out, or was restocked, while the customer looks at it.
  function followShelves() {
    for (const entry of rows) {
      const soldOut = entry.row.querySelector(".left").dataset.level === "0";
      entry.row.classList.toggle("sold-out", soldOut);
      entry.input.disabled = soldOut;
      entry.more.disabled = soldOut;
    }
    draw();
  }

  for (const entry of rows) {
    entry.more.addEventListener("click", () => add(entry, 1));
    entry.fewer.addEventListener("click", () => {
      add(entry, -1);
      if (entry.fewer.hidden) entry.more.focus();
    });
  }
  toCheckout.addEventListener("click", (event) => {
    if (toCheckout.getAttribute("aria-disabled") === "true") event.preventDefault();
  });
  back.addEventListener("click", () => { failedBefore = false; draw(); });
  addEventListener("hashchange", () => {
    draw();
    scrollTo(0, 0);
    if (form.classList.contains("checking-out")) checkout.focus({ preventScroll: true });
  });
  form.addEventListener("submit", () => { setTimeout(() => { place.disabled = true; }); });
  // Back from the order: its token is used up, and only a fresh page can order again.
  addEventListener("pageshow", (event) => (event.persisted ? location.reload() : draw()));
  document.addEventListener("fragments", followShelves);
  // A wrong number of bottles is corrected in the list, not in the checkout.
  if (form.querySelector(".beers-side .fault")) failedBefore = false;
  draw();
})();
