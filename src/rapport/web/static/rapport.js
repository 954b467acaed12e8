/* Rapport in a shop's own pages: what visitors do, as far as they allow it, and what is decided for them.

   <script src="https://…/static/rapport.js" data-key="wk_…" defer></script>
   <rapport-recommendations placement="home" limit="4">What stands here is shown until it is there, and where it cannot be.</rapport-recommendations>
   <rapport-product-availability product="P1" location="bath"></rapport-product-availability>
   <rapport-search><form action="/search"><input type="search" name="q" aria-label="Search"></form></rapport-search>

   docs/how-to/put-rapport-on-your-pages.md says what each attribute, part, property and event is. */
(() => {
  const script = document.currentScript;
  if (window.rapport && window.rapport.version) return; // loaded twice, or beside another version: the first goes on
  const waiting = Array.isArray(window.rapport) ? window.rapport : [];
  const home = new URL(script.src).origin;
  const { key = "", consent: stated = "", cookie: cookieName = "rapport_id", user = "", page: pages = "auto" } = script.dataset;
  const CHOICE = "rapport_consent", WORDING = "rapport_wording", UNSENT = "rapport_unsent", MOST = 400, BYTES = 50000; // a browser lets 64 KiB go when a page is left, in all
  const CALLED = { analytics: ["analytics", "measurement", "statistics", "performance"], personalisation: ["personalisation", "personalization", "preferences"] };

  /* -- what is kept in this browser; none of it before the visitor has allowed it, but the choice itself -- */

  const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  };
  const read = (text) => { try { return JSON.parse(text); } catch { return null; } };
  const stored = (name) => { try { return read(localStorage.getItem(name)); } catch { return null; } };
  const store = (name, value) => { try { value === null ? localStorage.removeItem(name) : localStorage.setItem(name, JSON.stringify(value)); } catch { /* a browser that keeps nothing */ } };
  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  let visitor = cookie(cookieName) || "", somebody = user, choice = read(stated) || stored(CHOICE) || {}, presumed = {}, wording = stored(WORDING) || {};
  const signal = navigator.globalPrivacyControl === true;
  const says = (category) => {
    for (const answers of [choice, presumed]) {
      const said = Object.entries(answers).filter(([name]) => CALLED[category].includes(name.toLowerCase())).map(([, may]) => may === true);
      if (said.length) return said.every(Boolean);
    }
    return undefined; // nobody has asked yet
  };
  const anonymous = () => {
    visitor ||= random();
    if (says("analytics") && cookie(cookieName) !== visitor) keep(cookieName, visitor);
    return visitor;
  };

  /* -- collecting -- */

  let held = [], queue = says("analytics") ? stored(UNSENT) || [] : [], timer = 0, wait = 1000, sending = false, flying = new Set();

  function state(fact) {
    if (says("analytics") === false) return;
    const now = new Date().toISOString();
    const made = {
      messageId: `js-${random()}`, timestamp: now, anonymousId: anonymous(), ...(somebody ? { userId: somebody } : {}), ...fact,
      context: {
        library: { name: "rapport.js", version: rapport.version }, userAgent: navigator.userAgent, locale: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        page: { path: location.pathname, url: location.href, title: document.title, referrer: document.referrer, search: location.search },
        ...fact.context,
      },
    };
    const to = says("analytics") ? queue : held; // before the answer nothing leaves this page
    if (to.push(made) > MOST) to.shift();
    soon();
  }

  function begin() { // it is allowed from here on: what waited goes
    anonymous();
    queue.push(...held.splice(0));
  }

  function soon(after = 200) {
    if (!timer && queue.length) timer = setTimeout(() => { timer = 0; flush(); }, after);
  }

  async function flush() {
    if (!queue.length || sending || !key) return;
    sending = true;
    const batch = [], { at, ...shown } = wording;
    const consent = { categoryPreferences: choice, ...shown, ...(at ? { answeredAt: new Date(at).toISOString() } : {}) };
    let size = 200;
    for (const fact of queue) { // as many as fit, by the bytes that go
      const made = { ...fact, context: { ...fact.context, ...(signal ? { globalPrivacyControl: true } : {}), consent } };
      const bytes = new TextEncoder().encode(JSON.stringify(made)).length + 1;
      if (batch.length && size + bytes > BYTES) break;
      size += bytes;
      batch.push(made);
    }
    flying = new Set(batch.map((fact) => fact.messageId));
    let again = false;
    try {
      const answer = await fetch(`${home}/v1/batch`, {
        method: "POST", keepalive: size <= BYTES, headers: { "Content-Type": "text/plain" },
        body: JSON.stringify({ writeKey: key, batch, sentAt: new Date().toISOString() }),
      });
      again = answer.status === 429 || answer.status >= 500;
      wait = again ? Math.max(Number(answer.headers.get("Retry-After")) * 1000 || 0, Math.min(wait * 2, 60000)) : 1000;
    } catch {
      again = true;
      wait = Math.min(wait * 2, 60000);
    }
    sending = false;
    if (!again) {
      queue = queue.filter((fact) => !flying.has(fact.messageId));
      store(UNSENT, document.visibilityState === "hidden" && queue.length && says("analytics") ? queue : null);
    }
    soon(again ? wait : 0);
  }

  function leave() { // what could not be sent goes with the next page; the same message twice counts once
    flush();
    const left = queue.filter((fact) => wait > 1000 || !flying.has(fact.messageId)); // the last try failed, or there is more than goes at once
    if (left.length && says("analytics")) store(UNSENT, left);
  }
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());

  const rapport = {
    version: "1.0.0",
    track: (event, properties = {}, more = {}) => state({ type: "track", event, properties, ...more }),
    page: (name = document.title, properties = {}) => state({ type: "page", name, properties }),
    identify: (userId, traits = {}) => { somebody = userId || somebody; state({ type: "identify", traits }); },
    state,
    /* What the visitor allows, by the name of each category: {Analytics: true, Personalisation: false}; and what they
       were shown: {wording, language, at}. */
    consent(answers, shown) {
      const before = says("analytics");
      const isNew = shown || Object.entries(answers).some(([name, may]) => choice[name] !== may); // not told again by a consent tool
      choice = { ...choice, ...answers };
      store(CHOICE, choice);
      if (isNew) store(WORDING, (wording = { ...wording, at: Date.now(), ...shown }));
      if (says("analytics")) {
        begin();
        if (before === false || (shown && !queue.length)) state({ type: "identify", traits: {} });
        soon();
      } else if (says("analytics") === false) {
        held = [];
        if (before) { // the refusal is told, and is the last that is
          queue.push({ type: "identify", traits: {}, messageId: `js-${random()}`, timestamp: new Date().toISOString(), anonymousId: visitor, ...(somebody ? { userId: somebody } : {}), context: {} });
          flush();
        }
        keep(cookieName, "");
        store(UNSENT, null);
        visitor = "";
      }
      rapport.refresh();
    },
    /* What the policy allows before anybody has answered; it is kept nowhere, and no fact calls it an answer. */
    presume(answers) {
      presumed = answers;
      if (says("analytics")) { begin(); soon(); }
      rapport.refresh();
    },
    reset() { somebody = ""; visitor = ""; keep(cookieName, ""); rapport.refresh(); },
    refresh: () => document.querySelectorAll(PARTS).forEach((part) => part.draw?.()),
    flush,
    get anonymousId() { return visitor; },
    get choices() { return { ...choice }; },
    get wording() { return { ...wording }; },
    key, home, signal,
    push: (...calls) => calls.forEach(([name, ...more]) => rapport[name]?.(...more)),
  };
  window.rapport = rapport;

  /* -- what all components share -- */

  const PARTS = "rapport-recommendations, rapport-product-availability";
  const WORDS = {
    en: { why: "Why this?", in_stock: "In stock", sold_out: "Sold out", unknown: "Stock not known just now", left: "Only {n} left", at: "in {place}", elsewhere: "Other stores that have it: {n}",
      from: "expected {date}", asof: "as of {time}", suggestions: "Suggestions", found: "{n} suggestions, reached with the arrow keys", none: "No suggestions", all: "See everything for “{query}”" },
    de: { why: "Warum das?", in_stock: "Vorrätig", sold_out: "Ausverkauft", unknown: "Bestand gerade nicht bekannt", left: "Nur noch {n}", at: "in {place}", elsewhere: "Andere Filialen, die es haben: {n}",
      from: "erwartet am {date}", asof: "Stand {time}", suggestions: "Vorschläge", found: "{n} Vorschläge, mit den Pfeiltasten zu erreichen", none: "Keine Vorschläge", all: "Alles zu „{query}“ ansehen" },
  };
  const look = new CSSStyleSheet();
  look.replaceSync(`
    :host { display: block; font: inherit; color: inherit; } :host([hidden]), [hidden] { display: none !important; }
    ul { margin: 0; padding: 0; list-style: none; } p { margin: 0; } a { color: inherit; text-decoration: none; }
    h2 { font: inherit; font-size: 1.5em; line-height: 1.3; margin: 0 0 .8em; }
    .grid { display: grid; gap: var(--rapport-gap, 1.5rem); grid-template-columns: repeat(var(--rapport-columns, auto-fill), minmax(min(var(--rapport-item, 180px), 45%), 1fr)); }
    .card { display: flex; flex-direction: column; min-width: 0; }
    .pic { display: block; aspect-ratio: var(--rapport-ratio, 4/5); background: var(--rapport-wash, rgb(127 127 127 / .1)); margin-bottom: .6em; overflow: hidden; border-radius: var(--rapport-radius, 2px); }
    .pic img { width: 100%; height: 100%; object-fit: cover; display: block; }
    .line { display: block; min-height: 1.5em; line-height: 1.5; overflow: hidden; overflow-wrap: anywhere; }
    .by { font-size: .85em; opacity: .85; white-space: nowrap; text-overflow: ellipsis; }
    .name { min-height: 3em; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; } .price { font-variant-numeric: tabular-nums; }
    a:hover .name { text-decoration: underline; }
    details { min-height: 44px; font-size: .85em; line-height: 1.45; } summary { cursor: pointer; min-height: 44px; display: flex; align-items: center; text-decoration: underline; text-underline-offset: 3px; }
    .ghost { visibility: hidden; } .ghost .pic { visibility: visible; }
    .state { min-height: 1.5em; line-height: 1.5; } .small { font-size: .85em; opacity: .85; }
    :host(rapport-product-availability) { min-height: 1.5em; }
    :host(rapport-search) { position: relative; }
    .panel { position: absolute; z-index: 30; top: 100%; right: 0; width: max(100%, min(26rem, 92vw)); box-sizing: border-box; margin-top: 4px; padding: 6px; max-height: min(70vh, 34rem); overflow: auto;
      background: var(--rapport-panel, Canvas); color: var(--rapport-panel-ink, CanvasText); border: 1px solid var(--rapport-edge, GrayText); border-radius: var(--rapport-radius, 2px); box-shadow: 0 8px 24px rgb(0 0 0 / .18); }
    .hit { display: grid; grid-template-columns: 44px minmax(0, 1fr) auto; gap: 10px; align-items: center; min-height: 56px; padding: 4px 6px; }
    .hit:hover, .hit:focus-visible { background: var(--rapport-wash, rgb(127 127 127 / .15)); }
    .hit .pic { aspect-ratio: auto; width: 44px; height: 52px; margin: 0; } .all { display: flex; align-items: center; min-height: 44px; padding: 0 6px; text-decoration: underline; text-underline-offset: 3px; }
    .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    :focus-visible { outline: 2px solid var(--rapport-accent, currentColor); outline-offset: 2px; }`);

  const language = (of) => (of.closest("[lang]")?.getAttribute("lang") || document.documentElement.lang || navigator.language || "en");
  const word = (of, name, values = {}) => (WORDS[language(of).slice(0, 2).toLowerCase()] || WORDS.en)[name].replace(/\{(\w+)\}/g, (_, one) => values[one]);
  function money(of, minor, currency) {
    try {
      const shown = new Intl.NumberFormat(language(of), { style: "currency", currency });
      return shown.format(minor / 10 ** shown.resolvedOptions().maximumFractionDigits);
    } catch { return ""; }
  }
  /* An element with its class and part; text is set as text, whoever wrote it. */
  function el(tag, name = "", text = "", more = {}) {
    const made = document.createElement(tag);
    if (name) { made.className = name; made.setAttribute("part", name); }
    if (text) made.textContent = text;
    for (const [attribute, value] of Object.entries(more)) if (value !== undefined) made.setAttribute(attribute, value);
    return made;
  }
  /* Only what leads to a page: never javascript: or data:. */
  function address(url) {
    try { const found = new URL(url, document.baseURI); return /^https?:$/.test(found.protocol) ? found.href : undefined; } catch { return undefined; }
  }
  const tell = (of, name, detail = {}, cancelable = false) => of.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, cancelable, detail }));
  async function ask(path, body) {
    const answer = await fetch(`${home}/components/${path}`, body ? { method: "POST", headers: { "Content-Type": "text/plain" }, body: JSON.stringify(body) } : {});
    if (!answer.ok || !answer.headers.has("Rapport-Component")) throw new Error(String(answer.status));
    return answer.json();
  }
  const keyOf = (part) => part.getAttribute("key") || key;

  /* Parts of one page that ask about the same are asked for together, so that nothing is shown twice. */
  let asking = new Map();
  function decide(part, placement, context, limit) {
    const may = says("personalisation") !== false && says("analytics") && visitor;
    const shared = { context, limit, language: language(part).slice(0, 35), ...(may ? { anonymous_id: visitor } : {}) };
    const same = `${keyOf(part)} ${JSON.stringify(shared)}`;
    return new Promise((resolve, reject) => {
      if (!asking.size) setTimeout(() => { const all = asking; asking = new Map(); all.forEach(together); });
      const one = { placement, resolve, reject };
      const found = asking.get(same);
      found ? found.asked.push(one) : asking.set(same, { key: keyOf(part), shared, asked: [one] });
    });
  }
  async function together({ key: by, shared, asked }) {
    const placements = [...new Set(asked.map((one) => one.placement))].slice(0, 10);
    try {
      const { decisions } = await ask(`decide/decisions?key=${encodeURIComponent(by)}`, { placements, ...shared });
      asked.forEach((one) => one.resolve(decisions[placements.indexOf(one.placement)]));
    } catch (error) { // one that is wrong spoils no other
      asked.forEach((one) => (placements.length > 1 ? together({ key: by, shared, asked: [one] }) : one.reject(error)));
    }
  }

  /* What a click says: which product, at which place of which decision. A machine's click is not one. */
  function clicked(event, decision, item) {
    if (!event.isTrusted || event.button > 1) return;
    const { position, product_id, name, category, brand } = item;
    state({ type: "track", event: "Product Clicked", properties: { product_id, name, category, brand, position, placement: decision.placement, decision_id: decision.decision_id } });
    flush();
  }
  function itemsOf(part, decision) {
    const detail = { decision, items: decision.items };
    tell(part, "rapport-items", detail); // the page may change what is drawn: addresses, pictures, prices
    const currency = part.getAttribute("currency");
    return detail.items.map((item) => ({ ...item, price: item.price_minor != null && item.currency && (!currency || currency === item.currency) ? money(part, item.price_minor, item.currency) : "" }));
  }
  function picture(item) {
    const box = el("span", "pic"), from = address(item.image_url || "") && item.image_url ? item.image_url : "";
    if (from) box.append(el("img", "", "", { src: address(from), alt: "", loading: "lazy", decoding: "async" }));
    return box;
  }

  const near = "IntersectionObserver" in window && new IntersectionObserver((seen) => seen.forEach(({ isIntersecting, target }) => {
    if (isIntersecting) { near.unobserve(target); target.draw(); }
  }), { rootMargin: "400px" });

  class Part extends HTMLElement {
    connectedCallback() {
      if (!this.shadowRoot) {
        this.attachShadow({ mode: "open" }).adoptedStyleSheets = [look];
        this.begin();
        if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.drawn || this.begin(), { once: true });
      }
      if (this.turn) return; // moved within the page
      near && !this.hasAttribute("eager") ? near.observe(this) : this.draw();
    }
    disconnectedCallback() { near && near.unobserve(this); }
    attributeChangedCallback(name, before, now) {
      if (this.turn && before !== now) this.later ||= setTimeout(() => { this.later = 0; this.draw(); });
    }
    ghost() { return el("span"); }
    get owns() { return this.childElementCount > 0 || this.textContent.trim() !== ""; }
    begin() { this.shadowRoot.replaceChildren(this.owns ? el("slot") : this.ghost()); }

    async draw() {
      if (!this.shadowRoot) return;
      const turn = (this.turn = (this.turn || 0) + 1);
      this.setAttribute("aria-busy", "true");
      try {
        const found = await this.asked();
        if (turn !== this.turn) return; // a later one is on its way
        const made = found && this.made(found);
        if (made) {
          this.hidden = false;
          this.style.minHeight = "";
          this.shadowRoot.replaceChildren(made);
        } else this.empty();
        tell(this, "rapport-drawn", { empty: !made });
      } catch (error) {
        if (turn === this.turn) { if (!this.drawn) this.empty(); tell(this, "rapport-failed", { reason: String(error) }); }
      } finally {
        if (turn === this.turn) { this.drawn = true; this.removeAttribute("aria-busy"); }
      }
    }
    /* Nothing to show: what stands in the element stays; an empty one takes its room away only where nobody sees it. */
    empty() {
      if (this.owns) { this.shadowRoot.replaceChildren(el("slot")); return; }
      const box = this.getBoundingClientRect();
      if (box.top >= innerHeight || !this.drawn && !box.height) this.hidden = true;
      else { this.style.minHeight = `${box.height}px`; this.shadowRoot.replaceChildren(); }
    }
    list(name) {
      const text = this.getAttribute(name), found = text && read(text);
      return Array.isArray(found) ? found : text ? text.split(",").map((one) => one.trim()).filter(Boolean) : undefined;
    }
    said(...names) {
      return Object.fromEntries(names.map(([attribute, as = attribute]) => [as, this.getAttribute(attribute)]).filter(([, value]) => value));
    }
  }

  class Recommendations extends Part {
    static observedAttributes = ["placement", "product", "category", "query", "cart", "viewed", "location", "market", "currency", "limit", "lang"];
    get limit() { return Math.min(Math.max(Number.parseInt(this.getAttribute("limit") || "4", 10) || 4, 1), 50); }

    ghost() { return this.made({ placement: "", items: Array.from({ length: this.limit }, () => ({})) }, true); }
    asked() {
      const cart = this.list("cart"), viewed = this.list("viewed");
      const context = { ...this.said(["product", "product_id"], ["category"], ["query"], ["location"], ["market"], ["currency"]), ...(cart ? { cart } : {}), ...(viewed ? { viewed } : {}) };
      return decide(this, this.getAttribute("placement") || "home", context, this.limit);
    }
    made(decision, ghost = false) {
      if (!decision.items.length) return null;
      const section = el("section", "section"), list = el("ul", "list", "", { role: "list" }), heading = this.getAttribute("heading");
      list.className = "grid";
      if (heading) {
        section.append(el("h2", "heading", heading, { id: "heading" }));
        section.setAttribute("aria-labelledby", "heading");
      }
      if (ghost) list.setAttribute("aria-hidden", "true");
      for (const item of ghost ? decision.items : itemsOf(this, decision)) list.append(this.card(item, decision, ghost));
      section.append(list);
      return section;
    }
    card(item, decision, ghost) {
      const card = el("li", "item"), link = el(item.url || ghost ? "a" : "div", "link", "", ghost ? {} : { href: address(item.url || "") });
      card.className = ghost ? "card ghost" : "card";
      link.append(picture(item), el("span", "by", item.brand || ""), el("span", "name", item.name || item.product_id || ""), el("span", "price", item.price || ""));
      link.querySelectorAll("span:not(.pic)").forEach((one) => one.classList.add("line"));
      for (const kind of ["click", "auxclick"]) link.addEventListener(kind, (event) => clicked(event, decision, item));
      card.append(link);
      if (this.getAttribute("why") !== "off") card.append(this.why(item, ghost));
      return card;
    }
    why(item, ghost) {
      const box = el("details", "why"), asked = el("summary", "ask", word(this, "why")), said = el("ul", "reasons");
      if (!ghost && !item.reasons?.length) return el("div");
      asked.append(el("span", "quiet", ` ${item.name || ""}`));
      for (const reason of item.reasons || []) said.append(el("li", "reason", reason.charAt(0).toUpperCase() + reason.slice(1)));
      box.append(asked, said);
      return box;
    }
  }

  class Availability extends Part {
    static observedAttributes = ["product", "variant", "location", "market", "lang"];
    asked() {
      const said = this.said(["product"], ["variant"], ["location"], ["market"]);
      return said.product ? ask(`supply/availability?${new URLSearchParams({ key: keyOf(this), ...said })}`) : null;
    }
    made(found) {
      if (found.state === "unknown" && this.owns) return null; // the page may know better
      const box = el("div", "box"), line = el("p", "state", "", { "data-state": found.state, role: this.drawn ? "status" : undefined });
      const place = found.location ? ` ${word(this, "at", { place: found.location })}` : "";
      line.part.add(found.state.replace("_", "-"));
      line.textContent = (found.left ? word(this, "left", { n: found.left }) : word(this, found.state)) + place;
      if (found.incoming_at && found.state === "sold_out") line.textContent += `, ${word(this, "from", { date: this.date(found.incoming_at, { dateStyle: "medium" }) })}`;
      if (found.stated_at) line.append(" ", el("span", "small", `(${word(this, "asof", { time: this.date(found.stated_at, { dateStyle: "short", timeStyle: "short" }) })})`));
      box.append(line);
      const others = found.places.filter((one) => one.state === "in_stock" && one.location_id !== found.location_id);
      if (others.length && this.hasAttribute("stores")) {
        const more = el("details", "stores"), list = el("ul", "places");
        for (const one of others) list.append(el("li", "place", one.left ? `${one.name}: ${word(this, "left", { n: one.left })}` : one.name));
        more.append(el("summary", "ask", word(this, "elsewhere", { n: others.length })), list);
        box.append(more);
      }
      return box;
    }
    date(text, shape) { try { return new Intl.DateTimeFormat(language(this), shape).format(new Date(text)); } catch { return text; } }
  }

  /* The shop's own form stays what it is; under it stands what is found while somebody types. */
  class Search extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [look];
      this.panel = el("div", "panel", "", { role: "region", "aria-label": word(this, "suggestions"), hidden: "" });
      this.status = el("p", "quiet", "", { role: "status" });
      root.append(el("slot"), this.panel, this.status);
      this.kept = new Map();
      this.addEventListener("input", () => this.typed());
      this.addEventListener("focusin", () => this.typed());
      this.addEventListener("focusout", ({ relatedTarget }) => relatedTarget !== this && !this.contains(relatedTarget) && this.close());
      this.addEventListener("keydown", (event) => this.pressed(event));
    }
    get input() { return this.querySelector("input"); }
    get limit() { return Math.min(Math.max(Number.parseInt(this.getAttribute("limit") || "6", 10) || 6, 1), 20); }

    typed() {
      const query = this.input?.value.trim().slice(0, 100) || "";
      if (query === this.query && !this.panel.hidden) return;
      clearTimeout(this.later);
      if (query.length < 2) { this.query = ""; this.close(); return; }
      this.later = setTimeout(() => this.draw(query), this.kept.has(query) ? 0 : 180);
    }
    async draw(query = this.query) {
      if (!query) return;
      this.query = query;
      const context = { query, as_typed: 1 };
      for (const name of ["location", "market", "currency"]) if (this.hasAttribute(name)) context[name] = this.getAttribute(name);
      try {
        const decision = this.kept.get(query) || (await decide(this, this.getAttribute("placement") || "search", context, this.limit));
        if (this.kept.size > 20) this.kept.clear();
        this.kept.set(query, decision);
        if (query === this.query && this.matches(":focus-within")) this.show(decision);
      } catch (error) {
        this.close();
        tell(this, "rapport-failed", { reason: String(error) });
      }
    }
    show(decision) {
      const list = el("ul", "hits", "", { role: "list" });
      for (const item of itemsOf(this, decision)) {
        const row = el("li"), hit = el("a", "hit", "", { href: address(item.url || "") }), text = el("span", "text");
        text.append(el("span", "line by", item.brand || ""), el("span", "line", item.name || item.product_id || ""));
        hit.append(picture(item), text, el("span", "price", item.price || ""));
        for (const kind of ["click", "auxclick"]) hit.addEventListener(kind, (event) => clicked(event, decision, item));
        row.append(hit);
        list.append(row);
      }
      const form = this.input.form, all = el("a", "all", word(this, "all", { query: this.query }), { href: "#" });
      all.addEventListener("click", (event) => { event.preventDefault(); form?.requestSubmit(); });
      this.panel.replaceChildren(list, ...(form && decision.items.length ? [all] : []));
      this.panel.hidden = !decision.items.length;
      this.status.textContent = decision.items.length ? word(this, "found", { n: decision.items.length }) : word(this, "none");
      tell(this, "rapport-drawn", { empty: !decision.items.length });
    }
    close() { this.panel.hidden = true; this.status.textContent = ""; }
    pressed(event) {
      if (event.key === "Escape" && !this.panel.hidden) { event.preventDefault(); this.input.focus(); this.close(); return; }
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key], links = [...this.panel.querySelectorAll("a")];
      if (!move || this.panel.hidden || !links.length) return;
      event.preventDefault();
      const next = links.indexOf(this.shadowRoot.activeElement) + move;
      next < 0 ? this.input.focus() : links[Math.min(next, links.length - 1)].focus();
    }
  }

  for (const [name, made] of [["recommendations", Recommendations], ["product-availability", Availability], ["search", Search]])
    if (!customElements.get(`rapport-${name}`)) customElements.define(`rapport-${name}`, made);

  /* Loyalty's parts, and the question what is allowed, have files of their own, fetched by pages that have them. */
  const OTHERS = { loyalty: "rapport-wallet, rapport-tier-progress, rapport-membership, rapport-cart-benefits", consent: "rapport-consent" };
  const start = () => {
    for (const [file, parts] of Object.entries(OTHERS)) {
      if (!document.querySelector(parts) || customElements.get(parts.split(",")[0])) continue;
      const more = document.createElement("script");
      more.src = `${home}/static/${file}.js`;
      document.head.append(more);
    }
    if (pages === "auto") rapport.page();
  };
  if (says("analytics") && visitor) keep(cookieName, visitor);
  rapport.push(...waiting);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
  soon(0);
  tell(document, "rapport-ready");
})();
