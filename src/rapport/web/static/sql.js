// Completion in the query of the lake: <textarea data-words='[["name", "what it is"], …]' aria-controls="list">.
(() => {
  "use strict";
  const MOST = 8;
  function begin(area) {
    const words = JSON.parse(area.dataset.words), list = document.getElementById(area.getAttribute("aria-controls"));
    let chosen = 0, shown = [];
    const token = () => area.value.slice(0, area.selectionStart).match(/[\w$.'" ]*$/)[0].match(/(?:\$\.[\w.]*|[A-Za-z_]\w*(?: \w+)*)$/)?.[0] ?? "";
    const tails = (text) => { const parts = text.split(" "); return parts.map((_, n) => parts.slice(n).join(" ")); };
    function look() {
      shown = [];
      if (area.selectionStart === area.selectionEnd) {
        for (const typed of tails(token())) {
          if (typed.length < 2) continue;
          shown = words.filter(([word]) => word.length > typed.length && word.toLowerCase().startsWith(typed.toLowerCase())).slice(0, MOST).map(([word, what]) => ({ word, what, typed }));
          if (shown.length) break;
        }
      }
      chosen = 0;
      draw();
    }
    function draw() {
      list.hidden = !shown.length;
      list.replaceChildren(...shown.map(({ word, what }, number) => {
        const item = document.createElement("li"), name = document.createElement("code"), told = document.createElement("span");
        item.id = `${list.id}-${number}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(number === chosen));
        name.textContent = word;
        told.textContent = what;
        told.className = "faint small";
        item.append(name, " ", told);
        item.addEventListener("mousedown", (event) => { event.preventDefault(); take(number); });
        return item;
      }));
      if (shown.length) area.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
      else area.removeAttribute("aria-activedescendant");
    }
    function take(number) {
      const { word, typed } = shown[number], end = area.selectionStart;
      area.setRangeText(word, end - typed.length, end, "end");
      shown = [];
      draw();
      area.focus();
    }
    area.addEventListener("input", look);
    area.addEventListener("blur", () => { shown = []; draw(); });
    area.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") { event.preventDefault(); area.form.querySelector("[value=run]").click(); return; }
      if (!shown.length) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { chosen = (chosen + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length; draw(); }
      else if (event.key === "Tab" || event.key === "Enter") take(chosen);
      else if (event.key === "Escape") { shown = []; draw(); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("textarea[data-words]").forEach(begin));
})();
