// All elements that the keyboard reaches invisibly: no outline of their own, nor around what they cover.
const reached = document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex='0']");
const isOutlined = (element) => [null, "::after"].some((part) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(element, part);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
});
const before = document.activeElement;
const unseen = [...reached].filter((element) => {
  element.focus({ focusVisible: true, preventScroll: true });
  return document.activeElement === element && !isOutlined(element);
});
before.focus?.({ preventScroll: true });
return unseen.map((element) => `the focus is not seen on ${element.localName} ${element.className} ${element.textContent.trim().slice(0, 30)}`);
