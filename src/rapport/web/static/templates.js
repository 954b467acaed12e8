// A template's page: what is typed is shown in the frames of the preview a moment later. Nothing of it is kept.
(() => {
  "use strict";

  const form = document.getElementById("template-form");
  const frames = [...document.querySelectorAll("iframe[data-scheme]")];
  form.elements.customer?.setAttribute("list", "known-customers");
  let waiting = 0;
  function show() {
    if (!form.elements.body.value.trim() || !form.elements.subject.value.trim()) return;
    for (const frame of frames) {
      const sent = document.createElement("form");
      sent.method = "post"; sent.hidden = true; sent.target = frame.name;
      sent.action = `${form.action.split("?")[0]}/mail`;
      for (const [name, value] of [...new FormData(form), ["scheme", frame.dataset.scheme]]) {
        const field = document.createElement("textarea");
        field.name = name; field.value = value;
        sent.append(field);
      }
      document.body.append(sent);
      sent.submit();
      sent.remove();
    }
  }
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 700); });
})();
