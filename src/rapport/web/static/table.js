// Tables: choose all of a page, say how many are chosen. Without it every box still works by itself.
(() => {
  "use strict";

  const boxes = () => [...document.querySelectorAll("td.pick input")];
  function told() {
    const all = boxes();
    const chosen = all.filter((box) => box.checked).length;
    const words = document.querySelector("[data-picked]");
    if (words) words.textContent = `${chosen} chosen`;
    const head = document.querySelector("[data-pick-all]");
    if (head) { head.checked = chosen > 0 && chosen === all.length; head.indeterminate = chosen > 0 && chosen < all.length; }
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches("[data-pick-all], td.pick input")) told();
  });
  addEventListener("pageshow", told);
})();
