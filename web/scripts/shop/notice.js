// "Your beer is on its way": shown when the notification comes, and removed after a while.
"use strict";
(() => {
  const SHOWN_FOR = 8000;
  const notice = document.getElementById("notice");
  let hiding = 0;
  document.addEventListener("notice", ({ detail }) => {
    clearTimeout(hiding);
    notice.textContent = notice.dataset.pattern.replace("{courier}", detail.courier);
    notice.hidden = false;
    hiding = setTimeout(() => { notice.hidden = true; }, SHOWN_FOR);
  });
})();
