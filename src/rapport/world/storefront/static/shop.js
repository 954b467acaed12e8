// What a website does with Rapport: its script collects what this page states, under the public write key, and fills
// the page's <rapport-…> parts. Rapport is found at its port of the host this page came from.
const page = document.body.dataset;
const rapportUrl = `${location.protocol}//${location.hostname}:${page.rapportPort}`;

window.rapport = window.rapport || [];
for (const fact of JSON.parse(document.getElementById("facts").textContent)) window.rapport.push(["state", fact]);

const tag = document.createElement("script");
tag.src = `${rapportUrl}/static/rapport.js`;
Object.assign(tag.dataset, {
  key: page.writeKey, cookie: "shop_visitor", user: page.user, page: "off",
  // What the visitor chose by “Privacy choices”, or else what this demonstration says for them.
  consent: localStorage.getItem("rapport_consent") || JSON.stringify({ Functional: true, Analytics: true, Advertising: false, Personalisation: true }),
});
document.head.append(tag);

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-clicked]");
  if (link) window.rapport.push(["track", "Product Clicked", JSON.parse(link.dataset.clicked)], ["flush"]);
});

// Facts name the shop's public address; what is decided is drawn with those of this host.
document.addEventListener("rapport-items", (event) => {
  const here = (url) => (url || "").replace("https://shop.example/", "/");
  event.detail.items = event.detail.items.map((item) => ({ ...item, url: here(item.url), image_url: here(item.image_url) }));
});

// A form that was refused begins at what is to be mended.
document.getElementById("mend")?.focus();

document.documentElement.classList.add("scripted");

// Sorting and filtering show at once; without this script the button does it.
document.querySelector(".tools")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
