// Puts new fragments into the page, without taking away what someone is typing, opened or has the focus on.
"use strict";
const fragments = (() => {
  const shown = new Map();

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

  // The element itself stays, so that a screen reader goes on listening to it.
  function replace(element, fresh) {
    // What is to be picked from keeps still under the pointer.
    if (isBeingEdited(element) || element.matches("[data-still]:hover")) return false;
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

  // A list keeps every child it had and still has; one that is being edited keeps even its old words.
  function replaceChildren(list, fresh) {
    takeAttributes(list, fresh);
    const wanted = [...fresh.children];
    const ids = new Set(wanted.map((child) => child.id));
    for (const child of [...list.children]) if (!ids.has(child.id) && !isBeingEdited(child)) child.remove();
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
      if (isShown || replace(old, child)) shown.set(child.id, html);
      // Moving an element takes its focus away: only if it is not where it belongs.
      if (old === before) before = before.nextElementSibling;
      else if (!isBeingEdited(old)) list.insertBefore(old, before);
    }
  }

  function apply(parts) {
    for (const [id, html] of Object.entries(parts)) {
      const element = document.getElementById(id);
      if (!element || shown.get(id) === html) continue;
      const fresh = parsed(html);
      if (!fresh) continue;
      // What a page begins with comes once more when its stream opens. Put in again, it would take a button away from
      // under a finger.
      const isShown = element.isEqualNode(fresh);
      if (!isShown && element.hasAttribute("data-list")) replaceChildren(element, fresh);
      else if (!isShown && !replace(element, fresh)) continue;
      shown.set(id, html);
    }
    document.dispatchEvent(new Event("fragments"));
  }

  return { apply };
})();
