/* Loyalty in a shop's own pages, each part drawn by Rapport in the shopper's language, styled by `::part()`:

   <rapport-wallet key="wk_…" token="…">What stands here is shown until it is there, and where it cannot be.</rapport-wallet>
   <rapport-tier-progress …> <rapport-membership …> <rapport-cart-benefits key="wk_…" token="…" cart='{"currency":"GBP",…}'>
   <script src="https://…/static/loyalty.js" defer></script>

   The token comes from POST /api/v1/customers/{reference}/loyalty/links; a basket may be asked about without one. */
(() => {
  const home = new URL(document.currentScript.src).origin;
  const look = new CSSStyleSheet();
  look.replaceSync(`
    :host { display: block; font: inherit; color: inherit; }
    :host([hidden]) { display: none; }
    h2 { font: inherit; font-weight: 600; margin: 1em 0 .35em; }
    p { margin: 0 0 .5em; } ul { margin: 0 0 .75em; padding: 0; list-style: none; } li { padding: .2em 0; }
    strong { display: block; font-size: 1.6em; line-height: 1.2; font-variant-numeric: tabular-nums; }
    small { opacity: .8; } summary { cursor: pointer; min-height: 44px; display: flex; align-items: center; text-decoration: underline; text-underline-offset: 3px; }
    progress { width: 100%; height: .6em; accent-color: var(--rapport-accent, currentColor); }
    button { font: inherit; font-weight: 600; min-height: 44px; padding: .6em 1.1em; cursor: pointer; border: 1px solid currentColor; border-radius: var(--rapport-radius, 2px);
      background: var(--rapport-button, transparent); color: var(--rapport-button-ink, inherit); }
    :focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }`);

  class Part extends HTMLElement {
    static observedAttributes = ["cart", "token", "key"];

    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [look];
      root.innerHTML = "<slot></slot>";
      root.addEventListener("submit", (event) => {
        event.preventDefault();
        this.draw(new URLSearchParams(new FormData(event.target, event.submitter)));
      });
      this.draw();
    }

    attributeChangedCallback(name, before) {
      if (this.shadowRoot && before !== null) this.draw();
    }

    async draw(more = new URLSearchParams()) {
      for (const [name, as] of [["token", "t"], ["cart", "cart"]]) if (this.hasAttribute(name)) more.set(as, this.getAttribute(name));
      const turn = (this.turn = (this.turn || 0) + 1);
      this.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(`${home}/components/loyalty/${this.part_}?key=${encodeURIComponent(this.getAttribute("key") || "")}`, { method: "POST", body: more });
        const html = await answer.text();
        if (turn !== this.turn) return; // a later one is on its way
        if (answer.ok && answer.headers.has("Rapport-Component")) this.shadowRoot.innerHTML = html;
        this.dispatchEvent(new CustomEvent(answer.ok ? "rapport-drawn" : "rapport-failed", { bubbles: true }));
      } catch {
        this.dispatchEvent(new CustomEvent("rapport-failed", { bubbles: true }));
      } finally {
        if (turn === this.turn) this.removeAttribute("aria-busy");
      }
    }
  }

  for (const name of ["wallet", "tier-progress", "membership", "cart-benefits"])
    if (!customElements.get(`rapport-${name}`)) customElements.define(`rapport-${name}`, class extends Part { part_ = name; });
})();
