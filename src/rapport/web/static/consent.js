/* <rapport-consent>: asks visitors what a shop may do, by the policy in force, and remembers what they say.

   rapport.js fetches this file where a page has the element; docs/how-to/put-rapport-on-your-pages.md says the rest.
   Where the policy cannot be had nothing is asked, and nothing is allowed that needs an answer. */
(() => {
  if (customElements.get("rapport-consent")) return;
  const WORDS = {
    en: { heading: "You decide what we may do", text: "Some things we only do if you allow them. Change your mind whenever you like.", accept: "Accept all", refuse: "Refuse all",
      choose: "Choose by purpose", save: "Save my choices", close: "Close", saved: "Your choices are saved.", asked: "Your browser asks us not to. It stays off unless you tick it yourself." },
    de: { heading: "Sie entscheiden, was wir dürfen", text: "Manches tun wir nur, wenn Sie es erlauben. Sie können es jederzeit ändern.", accept: "Alle annehmen", refuse: "Alle ablehnen",
      choose: "Nach Zweck auswählen", save: "Auswahl speichern", close: "Schließen", saved: "Ihre Auswahl ist gespeichert.", asked: "Ihr Browser bittet uns, das nicht zu tun. Es bleibt aus, bis Sie es selbst ankreuzen." },
  };
  const look = new CSSStyleSheet();
  look.replaceSync(`
    :host { font: inherit; } [hidden] { display: none !important; }
    .box { position: fixed; z-index: var(--rapport-layer, 1000); inset: auto 0 0 auto; box-sizing: border-box; width: min(30rem, 100%); max-height: min(85vh, 40rem); overflow: auto; padding: 1.25rem;
      background: var(--rapport-panel, Canvas); color: var(--rapport-panel-ink, CanvasText); border: 1px solid var(--rapport-edge, GrayText); border-radius: var(--rapport-radius, 2px); box-shadow: 0 8px 24px rgb(0 0 0 / .18); }
    @media (min-width: 520px) { .box { inset: auto 1rem 1rem auto; } }
    h2 { font: inherit; font-size: 1.2em; font-weight: 600; line-height: 1.3; margin: 0 0 .5em; } p { margin: 0 0 1em; line-height: 1.5; }
    .buttons { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
    button { font: inherit; color: inherit; background: none; min-height: 44px; padding: .4em .8em; border: 1px solid currentColor; border-radius: var(--rapport-radius, 2px); cursor: pointer; }
    .answer { background: var(--rapport-accent, CanvasText); color: var(--rapport-accent-ink, Canvas); border-color: var(--rapport-accent, CanvasText); font-weight: 600; }
    .choose, .close { border: 0; text-decoration: underline; text-underline-offset: 3px; } .more { display: flex; flex-wrap: wrap; justify-content: space-between; margin-top: .4rem; }
    fieldset { border: 0; margin: .8rem 0 0; padding: 0; } label { display: grid; grid-template-columns: 24px 1fr; gap: .7rem; align-items: start; min-height: 44px; padding: .5rem 0; line-height: 1.45; cursor: pointer; }
    input { width: 22px; height: 22px; margin: 0; accent-color: var(--rapport-accent, auto); } small { display: block; font-size: .9em; } .save { width: 100%; margin-top: .4rem; }
    .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    .box:focus { outline: none; } :focus-visible { outline: 2px solid var(--rapport-accent, currentColor); outline-offset: 2px; }`);

  function el(tag, name = "", text = "", more = {}) {
    const made = document.createElement(tag);
    if (name) { made.className = name; made.setAttribute("part", name); }
    if (text) made.textContent = text;
    for (const [attribute, value] of Object.entries(more)) made.setAttribute(attribute, value);
    return made;
  }

  class Consent extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [look];
      this.status = el("p", "quiet", "", { role: "status" });
      this.shadowRoot.append(this.status);
      document.addEventListener("click", (event) => {
        const opener = event.target instanceof Element && event.target.closest("[data-rapport-consent]");
        if (opener) { event.preventDefault(); this.open(); }
      });
      this.ready = this.load();
    }
    get language() { return this.closest("[lang]")?.getAttribute("lang") || navigator.language || "en"; }
    word(name) { return this.getAttribute(name) || (WORDS[this.language.slice(0, 2).toLowerCase()] || WORDS.en)[name]; }

    async load() {
      const query = new URLSearchParams({ key: this.getAttribute("key") || rapport.key, lang: this.language.slice(0, 35), country: this.getAttribute("country") || "" });
      try {
        const answer = await fetch(`${rapport.home}/components/consent/choices?${query}`);
        if (!answer.ok || !answer.headers.has("Rapport-Component")) throw new Error(String(answer.status));
        this.policy = await answer.json();
      } catch (error) {
        this.dispatchEvent(new CustomEvent("rapport-failed", { bubbles: true, composed: true, detail: { reason: String(error) } }));
        return;
      }
      const wanted = this.getAttribute("purposes")?.split(/[\s,]+/);
      this.purposes = this.policy.purposes.filter(({ name }) => (wanted ? wanted.includes(name) : !name.endsWith("_marketing")));
      for (const purpose of this.purposes) purpose.against = rapport.signal && purpose.signal_denies;
      rapport.presume(Object.fromEntries(this.purposes.filter((one) => one.before_answer && !one.against).map(({ name }) => [name, true])));
      if (this.purposes.length && !this.isAnswered() && !this.hasAttribute("manual")) this.show();
    }
    /* What was said of a purpose, by whichever of its names. */
    said({ called }) {
      const found = Object.entries(rapport.choices).filter(([name]) => called.includes(name.toLowerCase())).map(([, may]) => may === true);
      return found.length ? found.every(Boolean) : undefined;
    }
    isAnswered() {
      const at = rapport.wording.at || 0;
      return this.purposes.every((one) => this.said(one) !== undefined && !(one.asked_anew_at && at < one.asked_anew_at));
    }
    async open() {
      await this.ready;
      if (!this.policy) return;
      const inside = document.activeElement;
      this.back = inside instanceof HTMLElement ? inside : null;
      this.show(true);
      this.box.focus();
    }
    show(chosen = false) {
      const box = el("section", "box", "", { role: "dialog", "aria-labelledby": "heading", "aria-describedby": "text", tabindex: "-1" });
      const button = (name, then, more = {}) => { const made = el("button", name, this.word(name), { type: "button", ...more }); made.addEventListener("click", then); return made; };
      const buttons = el("div", "buttons"), more = el("div", "more"), list = this.list(!chosen);
      buttons.append(button("refuse", () => this.answer(() => false)), button("accept", () => this.answer((one) => !one.against || list.ticked(one))));
      for (const one of buttons.children) { one.classList.add("answer"); one.part.add("answer"); }
      const choose = button("choose", () => { list.hidden = !list.hidden; choose.setAttribute("aria-expanded", String(!list.hidden)); }, { "aria-expanded": String(chosen), "aria-controls": "purposes" });
      list.append(button("save", () => this.answer((one) => list.ticked(one))));
      more.append(choose);
      if (this.isAnswered()) {
        more.append(button("close", () => this.close()));
        box.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
      }
      box.append(el("h2", "heading", this.word("heading"), { id: "heading" }), el("p", "text", this.word("text"), { id: "text" }), buttons, more, list);
      this.box?.remove();
      this.shadowRoot.prepend((this.box = box));
    }
    list(hidden) {
      const list = el("fieldset", "purposes", "", { id: "purposes" }), boxes = new Map();
      list.append(el("legend", "quiet", this.word("choose")));
      list.hidden = hidden;
      for (const one of this.purposes) {
        const label = el("label", "purpose"), box = el("input", "box-of", "", { type: "checkbox", name: one.name }), text = el("span", "asked", one.text);
        box.checked = this.said(one) ?? (one.before_answer && !one.against);
        if (one.against) text.append(el("small", "against", this.word("asked")));
        boxes.set(one, box);
        label.append(box, text);
        list.append(label);
      }
      list.ticked = (one) => boxes.get(one).checked;
      return list;
    }
    answer(may) {
      const known = Object.keys(rapport.choices), answers = {};
      for (const one of this.purposes) for (const name of [one.name, ...known.filter((other) => one.called.includes(other.toLowerCase()))]) answers[name] = may(one);
      rapport.consent(answers, { wording: this.policy.wording, language: this.policy.language, at: Date.now() });
      this.status.textContent = this.word("saved");
      this.close();
      this.dispatchEvent(new CustomEvent("rapport-consent", { bubbles: true, composed: true, detail: { answers } }));
    }
    close() {
      this.box.remove();
      this.back?.focus();
      this.back = null;
    }
  }
  customElements.define("rapport-consent", Consent);
})();
