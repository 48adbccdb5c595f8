// Every visible text within these elements that is smaller than `least` pixels, with its place.
const [selector, least] = arguments;
const found = new Map();
for (const part of document.querySelectorAll(selector)) look(document.createTreeWalker(part, NodeFilter.SHOW_TEXT));
return [...found.values()];

function look(texts) {
  while (texts.nextNode()) lookAt(texts.currentNode.data.trim(), texts.currentNode.parentElement);
}

function lookAt(text, element) {
  const isSeen = element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  if (!text || !isSeen || element.closest(".hidden-words, .skip, script, noscript, title")) return;
  let size = parseFloat(getComputedStyle(element).fontSize);
  // A picture may be drawn larger or smaller than its own units.
  const matrix = element instanceof SVGElement && element.getScreenCTM();
  if (matrix) size *= Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c));
  const where = `${element.parentElement.localName} > ${element.localName}.${element.getAttribute("class") ?? ""}`;
  // Sizes that follow the width of the window are rounded somewhere.
  if (size < least - 0.05) found.set(where, `${size.toFixed(1)} px in ${where}: ${text.slice(0, 40)}`);
}
