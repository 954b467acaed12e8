"""Names, streets and machines the simulated people have, by country. Domains and numbers are reserved or made up."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["APPS", "BROWSERS", "COUNTRIES", "MAIL_DOMAINS", "Country"]


class Country(NamedTuple):
    """What is typical of people who live there."""

    code: str
    share: int
    currency: str
    locale: str
    other_locale: str
    timezone: str
    offset_hours: int
    """Hours the wall clock is ahead of UTC, without summer time."""
    phone: str
    """Template of a mobile number in a range nobody answers; takes `n`."""
    given: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    """City and the start of its post codes."""


COUNTRIES: tuple[Country, ...] = (
    Country(
        "GB", 64, "GBP", "en-GB", "en-GB", "Europe/London", 0, "+44 7700 9{n:05d}",
        ("Ada", "Amelia", "Arthur", "Beth", "Callum", "Charlotte", "Daniel", "Edith", "Ella", "Eleanor", "Fatima",
         "Florence", "Freya", "George", "Grace", "Hannah", "Harry", "Imogen", "Isla", "Jack", "James", "Jasmine",
         "Jessica", "Leo", "Lewis", "Lily", "Maya", "Mia", "Mohammed", "Nadia", "Niamh", "Oliver", "Oscar", "Poppy",
         "Priya", "Rhys", "Rosie", "Samuel", "Sophie", "Theo", "Thomas", "William", "Zara"),
        ("Ahmed", "Baker", "Barnes", "Bennett", "Brown", "Campbell", "Carter", "Clarke", "Collins", "Cooper", "Davies",
         "Edwards", "Evans", "Fletcher", "Foster", "Green", "Hall", "Harris", "Hughes", "Jackson", "Jones", "Kaur",
         "Khan", "Lewis", "Marsh", "Mitchell", "Morgan", "Murray", "O'Brien", "Okafor", "Palmer", "Patel", "Price",
         "Reid", "Roberts", "Shaw", "Singh", "Smith", "Stewart", "Taylor", "Thompson", "Walker", "White", "Young"),
        ("High Street", "Mill Lane", "Church Road", "Station Road", "Orchard Close", "Victoria Terrace", "The Green",
         "Park Avenue", "Chapel Row", "Queen's Road"),
        (("London", "N1"), ("London", "SE5"), ("Bath", "BA1"), ("Bristol", "BS6"), ("Edinburgh", "EH3"),
         ("Manchester", "M20"), ("Leeds", "LS6"), ("Brighton", "BN2"), ("Cardiff", "CF11"), ("Norwich", "NR2")),
    ),
    Country(
        "DE", 12, "EUR", "de-DE", "en-GB", "Europe/Berlin", 1, "+49 1500 0{n:06d}",
        ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hannes", "Ida", "Jonas", "Jürgen", "Klara", "Lena",
         "Lukas", "Maja", "Max", "Mila", "Nico", "Paula", "Rüdiger", "Sabine", "Sören", "Thea", "Ute", "Yusuf"),
        ("Bauer", "Becker", "Braun", "Fischer", "Großmann", "Hoffmann", "Huber", "Klein", "Krüger", "Lange", "Lehmann",
         "Maier", "Müller", "Neumann", "Richter", "Schäfer", "Schmidt", "Schulz", "Wagner", "Weber", "Yılmaz"),
        ("Hauptstraße", "Gartenweg", "Lindenallee", "Schulstraße", "Am Kirchplatz", "Bergstraße"),
        (("Hamburg", "20"), ("Berlin", "10"), ("Köln", "50"), ("München", "80"), ("Leipzig", "04")),
    ),
    Country(
        "FR", 10, "EUR", "fr-FR", "en-GB", "Europe/Paris", 1, "+33 6 39 9{n:05d}",
        ("Adèle", "Antoine", "Baptiste", "Camille", "Chloé", "Émile", "Gabriel", "Hélène", "Inès", "Jules", "Léa",
         "Louis", "Lucie", "Manon", "Mathis", "Noémie", "Paul", "Raphaël", "Romane", "Théo", "Zoé"),
        ("Bernard", "Bonnet", "Dubois", "Durand", "Fontaine", "Garnier", "Lambert", "Laurent", "Lefèvre", "Leroy",
         "Martin", "Mercier", "Moreau", "Petit", "Richard", "Robert", "Rousseau", "Roux", "Simon"),
        ("Rue de la République", "Avenue Jean Jaurès", "Rue du Moulin", "Place du Marché", "Rue Victor Hugo"),
        (("Lyon", "69"), ("Paris", "75"), ("Nantes", "44"), ("Bordeaux", "33")),
    ),
    Country(
        "IT", 8, "EUR", "it-IT", "en-GB", "Europe/Rome", 1, "+39 300 0{n:06d}",
        ("Alessandro", "Alice", "Andrea", "Beatrice", "Chiara", "Davide", "Elena", "Federico", "Francesca", "Giulia",
         "Lorenzo", "Luca", "Marco", "Martina", "Matteo", "Nicolò", "Paola", "Sara", "Sofia", "Tommaso"),
        ("Bianchi", "Bruno", "Colombo", "Conti", "Costa", "D'Angelo", "Esposito", "Ferrari", "Galli", "Greco", "Leone",
         "Mancini", "Marino", "Moretti", "Ricci", "Romano", "Rossi", "Russo", "Villa"),
        ("Via Roma", "Via Garibaldi", "Corso Italia", "Via San Vitale", "Piazza Maggiore"),
        (("Bologna", "40"), ("Milano", "20"), ("Torino", "10"), ("Firenze", "50")),
    ),
    Country(
        "IE", 6, "EUR", "en-IE", "ga-IE", "Europe/Dublin", 0, "+353 85 0{n:06d}",
        ("Aoife", "Caoimhe", "Cian", "Ciara", "Conor", "Eoin", "Fionn", "Jack", "Maeve", "Niamh", "Oisín", "Orla",
         "Róisín", "Saoirse", "Seán", "Tadhg"),
        ("Brennan", "Byrne", "Doyle", "Gallagher", "Kelly", "Kennedy", "Lynch", "McCarthy", "Murphy", "Nolan",
         "O'Connor", "O'Neill", "O'Sullivan", "Ryan", "Walsh"),
        ("Main Street", "Harbour Road", "College Green", "Abbey Lane", "Strand Road"),
        (("Dublin", "D06"), ("Cork", "T12"), ("Galway", "H91")),
    ),
)  # fmt: skip

MAIL_DOMAINS: tuple[str, ...] = (
    "mail.example", "mail.example", "mail.example", "post.example", "inbox.example", "example.com", "example.net",
    "example.org", "family.example", "work.example",
)  # fmt: skip

BROWSERS: dict[str, tuple[str, ...]] = {
    "mobile": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 Chrome/132.0.0.0 Mobile Safari/537.36",
    ),
    "desktop": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    ),
    "tablet": (
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Version/17.6 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    ),
    "kiosk": ("Mozilla/5.0 (X11; CrOS x86_64 15917.71.0) AppleWebKit/537.36 Chrome/127.0.0.0 Safari/537.36",),
}

APPS: tuple[tuple[str, str, str, str, str], ...] = (
    ("iOS", "18.1", "Apple", "iPhone16,1", "analytics-swift"),
    ("iOS", "17.6", "Apple", "iPhone14,5", "analytics-swift"),
    ("Android", "14", "Google", "Pixel 8", "analytics-kotlin"),
    ("Android", "15", "Samsung", "SM-S921B", "analytics-kotlin"),
    ("Android", "13", "Motorola", "moto g84", "analytics-kotlin"),
)
"""Operating system, its version, manufacturer, model and the library the app was built with."""
