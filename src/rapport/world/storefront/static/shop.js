// What a website's tag does: send the facts of this page to Rapport, under the public write key.
const page = document.body.dataset;
const endpoint = `${location.protocol}//${location.hostname}:${page.rapportPort}/v1/batch`;

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}

let visitor = cookie("shop_visitor");
if (!visitor) {
  visitor = crypto.randomUUID ? crypto.randomUUID() : `v-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  document.cookie = `shop_visitor=${visitor}; path=/; max-age=31536000; samesite=lax`;
}

function send(facts) {
  const now = new Date().toISOString();
  const context = {
    library: { name: "marlow-storefront", version: "1.0.0" },
    userAgent: navigator.userAgent,
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    page: { path: location.pathname, url: location.href, title: document.title, referrer: document.referrer, search: location.search },
    consent: { categoryPreferences: { Functional: true, Analytics: true, Advertising: false, Personalisation: true } },
  };
  const batch = facts.map((fact, place) => ({
    anonymousId: visitor, ...(page.user ? { userId: page.user } : {}), context, timestamp: now,
    messageId: fact.messageId || `shop-${visitor.slice(0, 8)}-${Date.now()}-${place}-${Math.random().toString(36).slice(2, 8)}`,
    ...fact,
  }));
  return fetch(endpoint, {
    method: "POST", keepalive: true, headers: { "Content-Type": "text/plain" },
    body: JSON.stringify({ writeKey: page.writeKey, batch, sentAt: now }),
  }).catch(() => undefined);
}

const stated = JSON.parse(document.getElementById("facts").textContent);
if (stated.length) send(stated);

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-clicked]");
  if (link) send([{ type: "track", event: "Product Clicked", properties: JSON.parse(link.dataset.clicked) }]);
});

// A form that was refused begins at what is to be mended.
document.getElementById("mend")?.focus();

document.documentElement.classList.add("scripted");

// Sorting and filtering show at once; without this script the button does it.
document.querySelector(".tools")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());

// Rapport's parts of the page, from where Rapport is seen from this browser. Without them the page says what it can.
if (document.querySelector("rapport-wallet, rapport-cart-benefits")) {
  const parts = document.createElement("script");
  parts.src = `${location.protocol}//${location.hostname}:${page.rapportPort}/static/loyalty.js`;
  document.head.append(parts);
}
