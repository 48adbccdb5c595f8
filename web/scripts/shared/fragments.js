// Replaces fragments of the page, and keeps what somebody is typing, has opened or focused.
"use strict";
const fragments = (() => {
  const AGAIN_EVERY = 500;
  const shown = new Map();
  // Fragments held back because of a pointer or a pen, replaced as soon as that is gone.
  let held = new Map();

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  function isBeingEdited(element) {
    const fields = [...element.querySelectorAll("input, textarea, select")];
    return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
  }

  function takeAttributes(element, fresh) {
    for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  // The element itself stays, so that a screen reader keeps listening to it.
  function replace(element, fresh) {
    // A list to pick from keeps still under the pointer, but a name that is to be hidden is hidden.
    const hides = fresh.matches("[data-names-hidden]") && !element.matches("[data-names-hidden]");
    if (!hides && (isBeingEdited(element) || element.matches("[data-still]:hover"))) return false;
    const focused = element.contains(document.activeElement) && document.activeElement;
    for (const details of element.querySelectorAll("details[open][id]")) {
      fresh.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    takeAttributes(element, fresh);
    element.replaceChildren(...fresh.childNodes);
    if (focused) {
      const same = focused.id ? `#${CSS.escape(focused.id)}` : `${focused.localName}[href="${CSS.escape(focused.getAttribute("href") ?? "")}"]`;
      element.querySelector(same)?.focus({ preventScroll: true });
    }
    return true;
  }

  // A list keeps every child that still exists; one that is being edited keeps even its old text. Returns whether all
  // of it is up to date.
  function replaceChildren(list, fresh) {
    let isWhole = true;
    takeAttributes(list, fresh);
    const wanted = [...fresh.children];
    const ids = new Set(wanted.map((child) => child.id));
    for (const child of [...list.children]) {
      if (ids.has(child.id)) continue;
      if (isBeingEdited(child)) isWhole = false;
      else child.remove();
    }
    let before = list.firstElementChild;
    for (const child of wanted) {
      const old = child.id && list.querySelector(`:scope > #${CSS.escape(child.id)}`);
      if (!old) {
        list.insertBefore(child, before);
        shown.set(child.id, child.outerHTML);
        continue;
      }
      const html = child.outerHTML;
      const isShown = shown.get(child.id) === html || old.isEqualNode(child);
      const put = old.hasAttribute("data-list") ? replaceChildren : replace;
      if (isShown || put(old, child)) shown.set(child.id, html);
      else isWhole = false;
      // Moving an element removes its focus, so move it only if it is misplaced.
      if (old === before) before = before.nextElementSibling;
      else if (!isBeingEdited(old)) list.insertBefore(old, before);
    }
    return isWhole;
  }

  function apply(parts) {
    for (const [id, html] of Object.entries(parts)) {
      const element = document.getElementById(id);
      held.delete(id);
      if (!element || shown.get(id) === html) continue;
      const fresh = parsed(html);
      if (!fresh) continue;
      // The stream repeats the page's first fragments when it opens. Replacing them would take a button away from under
      // a finger.
      const isShown = element.isEqualNode(fresh);
      const put = element.hasAttribute("data-list") ? replaceChildren : replace;
      if (isShown || put(element, fresh)) shown.set(id, html);
      else held.set(id, html);
    }
    document.dispatchEvent(new Event("fragments"));
  }

  const putter = { apply };
  setInterval(() => {
    if (held.size === 0) return;
    const parts = Object.fromEntries(held);
    held = new Map();
    putter.apply(parts);
  }, AGAIN_EVERY);
  return putter;
})();
