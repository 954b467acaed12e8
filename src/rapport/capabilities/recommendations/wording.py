"""Why a product is offered, in the languages that reasons are written in. Words alone, and what fills them in."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["WORDS"]

WORDS: Mapping[str, Mapping[str, str]] = {
    "bought": {
        "en": "bought together with {name} in {orders} orders",
        "de": "in {orders} Bestellungen zusammen mit {name} gekauft",
        "fr": "acheté avec {name} dans {orders} commandes",
        "es": "comprado junto con {name} en {orders} pedidos",
        "pt": "comprado junto com {name} em {orders} pedidos",
        "id": "dibeli bersama {name} dalam {orders} pesanan",
        "th": "ซื้อพร้อมกับ {name} ใน {orders} คำสั่งซื้อ",
    },
    "bought_here": {
        "en": "bought together with this product in {orders} orders",
        "de": "in {orders} Bestellungen zusammen mit diesem Artikel gekauft",
        "fr": "acheté avec cet article dans {orders} commandes",
        "es": "comprado junto con este artículo en {orders} pedidos",
        "pt": "comprado junto com este artigo em {orders} pedidos",
        "id": "dibeli bersama produk ini dalam {orders} pesanan",
        "th": "ซื้อพร้อมกับสินค้านี้ใน {orders} คำสั่งซื้อ",
    },
    "viewed": {
        "en": "viewed with {name} in {visits} visits",
        "de": "in {visits} Besuchen zusammen mit {name} angesehen",
        "fr": "vu avec {name} lors de {visits} visites",
        "es": "visto junto con {name} en {visits} visitas",
        "pt": "visto junto com {name} em {visits} visitas",
        "id": "dilihat bersama {name} dalam {visits} kunjungan",
        "th": "มีผู้ดูพร้อมกับ {name} ในการเข้าชม {visits} ครั้ง",
    },
    "viewed_here": {
        "en": "viewed with this product in {visits} visits",
        "de": "in {visits} Besuchen zusammen mit diesem Artikel angesehen",
        "fr": "vu avec cet article lors de {visits} visites",
        "es": "visto junto con este artículo en {visits} visitas",
        "pt": "visto junto com este artigo em {visits} visitas",
        "id": "dilihat bersama produk ini dalam {visits} kunjungan",
        "th": "มีผู้ดูพร้อมกับสินค้านี้ในการเข้าชม {visits} ครั้ง",
    },
    "sometimes": {
        "en": "sometimes looked at with {name}",
        "de": "manchmal zusammen mit {name} angesehen",
        "fr": "parfois regardé avec {name}",
        "es": "a veces se mira junto con {name}",
        "pt": "às vezes visto junto com {name}",
        "id": "kadang dilihat bersama {name}",
        "th": "บางครั้งมีผู้ดูพร้อมกับ {name}",
    },
    "sometimes_here": {
        "en": "sometimes looked at with this product",
        "de": "manchmal zusammen mit diesem Artikel angesehen",
        "fr": "parfois regardé avec cet article",
        "es": "a veces se mira junto con este artículo",
        "pt": "às vezes visto junto com este artigo",
        "id": "kadang dilihat bersama produk ini",
        "th": "บางครั้งมีผู้ดูพร้อมกับสินค้านี้",
    },
    "alike": {
        "en": "similar to {name}", "de": "ähnlich wie {name}", "fr": "semblable à {name}", "es": "parecido a {name}",
        "pt": "parecido com {name}", "id": "mirip dengan {name}", "th": "คล้ายกับ {name}",
    },
    "alike_here": {
        "en": "similar to this product", "de": "ähnlich wie dieser Artikel", "fr": "semblable à cet article",
        "es": "parecido a este artículo", "pt": "parecido com este artigo", "id": "mirip dengan produk ini",
        "th": "คล้ายกับสินค้านี้",
    },
    "popular_in": {
        "en": "popular in {category}", "de": "beliebt in {category}", "fr": "apprécié dans {category}",
        "es": "popular en {category}", "pt": "popular em {category}", "id": "populer di {category}",
        "th": "ยอดนิยมใน {category}",
    },
    "in_category": {
        "en": "in {category}", "de": "aus {category}", "fr": "dans {category}", "es": "en {category}",
        "pt": "em {category}", "id": "dalam {category}", "th": "ใน {category}",
    },
    "found": {
        "en": "found by the search", "de": "von der Suche gefunden", "fr": "trouvé par la recherche",
        "es": "encontrado por la búsqueda", "pt": "encontrado pela busca", "id": "ditemukan oleh pencarian",
        "th": "พบจากการค้นหา",
    },
    "store_time": {
        "en": "popular in this store at this time of day", "de": "in dieser Filiale um diese Tageszeit beliebt",
        "fr": "apprécié dans ce magasin à cette heure de la journée",
        "es": "popular en esta tienda a esta hora del día", "pt": "popular nesta loja a esta hora do dia",
        "id": "populer di toko ini pada waktu seperti ini",
        "th": "ยอดนิยมในสาขานี้ในช่วงเวลานี้ของวัน",
    },
    "store": {
        "en": "popular in this store", "de": "in dieser Filiale beliebt", "fr": "apprécié dans ce magasin",
        "es": "popular en esta tienda", "pt": "popular nesta loja", "id": "populer di toko ini",
        "th": "ยอดนิยมในสาขานี้",
    },
    "weather": {
        "en": "popular in this weather", "de": "bei diesem Wetter beliebt", "fr": "apprécié par ce temps",
        "es": "popular con este tiempo", "pt": "popular com este tempo", "id": "populer saat cuaca seperti ini",
        "th": "ยอดนิยมในสภาพอากาศเช่นนี้",
    },
    "time": {
        "en": "popular at this time of day", "de": "um diese Tageszeit beliebt",
        "fr": "apprécié à cette heure de la journée", "es": "popular a esta hora del día",
        "pt": "popular a esta hora do dia", "id": "populer pada waktu seperti ini", "th": "ยอดนิยมในช่วงเวลานี้ของวัน",
    },
    "device": {
        "en": "popular on devices like yours", "de": "auf Geräten wie Ihrem beliebt",
        "fr": "apprécié sur des appareils comme le vôtre", "es": "popular en dispositivos como el suyo",
        "pt": "popular em aparelhos como o seu", "id": "populer di perangkat seperti milik Anda",
        "th": "ยอดนิยมบนอุปกรณ์แบบเดียวกับของคุณ",
    },
    "shop": {
        "en": "popular in the shop", "de": "beliebt im Shop", "fr": "apprécié dans la boutique",
        "es": "popular en la tienda", "pt": "popular na loja", "id": "populer di toko", "th": "ยอดนิยมในร้าน",
    },
    "range": {
        "en": "from our range", "de": "aus unserem Sortiment", "fr": "de notre assortiment", "es": "de nuestro surtido",
        "pt": "do nosso sortimento", "id": "dari pilihan produk kami", "th": "จากสินค้าของเรา",
    },
    "follows": {
        "en": "often looked at after {name}", "de": "wird oft nach {name} angesehen",
        "fr": "souvent regardé après {name}", "es": "a menudo se mira después de {name}",
        "pt": "muitas vezes visto depois de {name}", "id": "sering dilihat setelah {name}",
        "th": "มักมีผู้ดูต่อจาก {name}",
    },
    "follows_here": {
        "en": "often looked at after this product", "de": "wird oft nach diesem Artikel angesehen",
        "fr": "souvent regardé après cet article", "es": "a menudo se mira después de este artículo",
        "pt": "muitas vezes visto depois deste artigo", "id": "sering dilihat setelah produk ini",
        "th": "มักมีผู้ดูต่อจากสินค้านี้",
    },
    "neighbours": {
        "en": "looked at in visits like this one", "de": "in ähnlichen Besuchen angesehen",
        "fr": "regardé lors de visites semblables", "es": "visto en visitas parecidas a esta",
        "pt": "visto em visitas parecidas com esta", "id": "dilihat dalam kunjungan seperti ini",
        "th": "มีผู้ดูในการเข้าชมที่คล้ายกัน",
    },
    "around": {
        "en": "looked at in the same visits as {name}", "de": "in denselben Besuchen wie {name} angesehen",
        "fr": "regardé lors des mêmes visites que {name}", "es": "visto en las mismas visitas que {name}",
        "pt": "visto nas mesmas visitas que {name}", "id": "dilihat dalam kunjungan yang sama dengan {name}",
        "th": "มีผู้ดูในการเข้าชมเดียวกับ {name}",
    },
    "around_here": {
        "en": "looked at in the same visits", "de": "in denselben Besuchen angesehen",
        "fr": "regardé lors des mêmes visites", "es": "visto en las mismas visitas", "pt": "visto nas mesmas visitas",
        "id": "dilihat dalam kunjungan yang sama", "th": "มีผู้ดูในการเข้าชมเดียวกัน",
    },
    "near": {
        "en": "close to {name}", "de": "nah an {name}", "fr": "proche de {name}", "es": "cercano a {name}",
        "pt": "próximo de {name}", "id": "dekat dengan {name}", "th": "ใกล้เคียงกับ {name}",
    },
    "near_here": {
        "en": "looked at in the same company", "de": "in derselben Nachbarschaft angesehen",
        "fr": "regardé dans le même entourage", "es": "visto en la misma compañía", "pt": "visto na mesma companhia",
        "id": "dilihat di lingkungan yang sama", "th": "มีผู้ดูในกลุ่มสินค้าเดียวกัน",
    },
}  # fmt: skip
"""By why it is; `…_here` is of the product on the page, which needs no name."""
