/* Puts Rapport's components into a shop's own page, and keeps their forms there:
   <div data-rapport="giftcards/left" data-key="wk_…"></div> <script src="https://…/static/components.js" defer></script> */
(() => {
  const home = new URL(document.currentScript.src).origin;
  const FAILED = '<p class="rapport-failed" role="alert">This does not work at the moment. Please try again later.</p>';

  const ask = async (place, form) => {
    const address = `${home}/components/${place.dataset.rapport}?key=${encodeURIComponent(place.dataset.key)}`;
    try {
      const answer = await fetch(address, form ? { method: "POST", body: new URLSearchParams(new FormData(form)) } : {});
      const ours = answer.headers.has("Rapport-Component"); // not the page of a proxy that could not reach us
      return { ok: answer.ok && ours, html: ours ? await answer.text() : FAILED };
    } catch {
      return { ok: false, html: FAILED };
    }
  };

  const fill = async (place, form) => {
    const button = form?.querySelector("button");
    if (button) button.disabled = true;
    const { ok, html } = await ask(place, form);
    place.querySelectorAll(".rapport-answer, .rapport-failed").forEach((old) => old.remove());
    if (ok) place.innerHTML = html;
    else if (form) place.insertAdjacentHTML("afterbegin", html); // nobody asked for what could not be filled at first
    if (button) button.disabled = false;
  };

  document.addEventListener("submit", (event) => {
    const place = event.target.closest("[data-rapport]");
    if (!place) return;
    event.preventDefault();
    fill(place, event.target);
  });
  document.querySelectorAll("[data-rapport]").forEach((place) => fill(place));
})();
