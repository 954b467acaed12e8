/* Puts Rapport's components into a shop's own page, and keeps their forms there:
   <div data-rapport="giftcards/left" data-key="wk_…"></div> <script src="https://…/static/components.js" defer></script> */
(() => {
  const home = new URL(document.currentScript.src).origin;

  const fill = async (place, form) => {
    const address = `${home}/components/${place.dataset.rapport}?key=${encodeURIComponent(place.dataset.key)}`;
    const answer = await fetch(address, form ? { method: "POST", body: new URLSearchParams(new FormData(form)) } : {});
    const html = await answer.text();
    place.querySelectorAll(".rapport-answer, .rapport-failed").forEach((old) => old.remove());
    if (answer.ok) place.innerHTML = html;
    else place.insertAdjacentHTML("afterbegin", html);
  };

  document.addEventListener("submit", (event) => {
    const place = event.target.closest("[data-rapport]");
    if (!place) return;
    event.preventDefault();
    fill(place, event.target);
  });
  document.querySelectorAll("[data-rapport]").forEach((place) => fill(place));
})();
