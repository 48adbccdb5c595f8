// The theme, before the first paint: from the link, else the last choice. The key `t` changes it.
"use strict";
(() => {
  const themes = ["dark", "projector"];
  const root = document.documentElement;
  root.classList.add("js");

  // A browser may forbid storage; the theme then lasts as long as the page.
  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* not kept */ } };

  const asked = new URLSearchParams(location.search).get("theme");
  if (themes.includes(asked)) {
    root.dataset.theme = asked;
    keep(asked);
  } else if (themes.includes(kept())) {
    root.dataset.theme = kept();
  }

  // The letter on the key, whatever CapsLock does; on keyboards of another script, the position of the key.
  const isT = ({ key, code }) => (/^[a-z]$/i.test(key) ? key.toLowerCase() === "t" : /^\p{L}$/u.test(key) && code === "KeyT");

  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
    if (!isT(event) || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    root.dataset.theme = root.dataset.theme === "dark" ? "projector" : "dark";
    keep(root.dataset.theme);
    // Neither a reload nor the next page of a window that follows must apply the link's theme again.
    const address = new URL(location.href);
    if (address.searchParams.has("theme")) {
      address.searchParams.set("theme", root.dataset.theme);
      history.replaceState(history.state, "", address);
    }
    document.dispatchEvent(new Event("theme"));
  });
})();
