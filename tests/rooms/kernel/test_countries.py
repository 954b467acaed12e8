"""A country however it is written."""

from __future__ import annotations

import pytest

from rapport.kernel.countries import country_code

WRITTEN = {
    "DE": [
        "DE",
        "de",
        " De ",
        "DEU",
        "deu",
        "276",
        "Germany",
        "germany",
        "GERMANY",
        "Deutschland",
        "Allemagne",
        "Alemania",
        "Duitsland",
        "ドイツ",
        "Германия",
    ],
    "US": [
        "US",
        "USA",
        "U.S.A.",
        "United States",
        "United States of America",
        "the United States",
        "Vereinigte Staaten",
    ],
    "GB": ["GB", "UK", "GBR", "United Kingdom", "Great Britain", "England", "Scotland", "Royaume-Uni"],
    "CI": ["Côte d'Ivoire", "Côte d’Ivoire", "Cote dIvoire", "Ivory Coast", "CIV"],
    "BA": ["Bosnia & Herzegovina", "Bosnia and Herzegovina"],
    "AT": ["Österreich", "O\u0308sterreich", "Austria"],
    "KR": ["South Korea", "Korea, Republic of", "대한민국"],
    "CZ": ["Czechia", "Czech Republic", "Česko"],
    "NL": ["Netherlands", "The Netherlands", "Holland"],
    "TR": ["Turkey", "Türkiye"],
    "GR": ["EL", "Greece", "Ελλάδα"],
    "ES": ["España", "Espan\u0303a", "ESPANA", "Spanien", "Espagne", "Kingdom of Spain", "Spain (ES)", "Spain - ESP"],
    "IE": ["Ireland", "Republic of Ireland", "Ireland, Republic of", "Éire"],
    "TH": ["ไทย", "ประเทศไทย", "Thaïlande"],
    "CD": ["DR Congo", "Democratic Republic of the Congo"],
    "CN": ["中国", "PRC", "People's Republic of China"],
    "AE": ["UAE", "U.A.E.", "Emirats arabes unis"],
    "ID": ["Republic of Indonesia", "Indonésie"],
}
WRITTEN["GB"] += ["Großbritannien", "Grossbritannien", "Grande-Bretagne", "Schottland", "Engeland"]
WRITTEN["US"] += ["EE. UU.", "EEUU", "États-Unis", "Amerika Serikat", "สหรัฐอเมริกา"]
WRITTEN["CZ"] += ["Tschechische Republik", "République tchèque"]
WRITTEN["AT"] += ["Oesterreich", "Republic of Austria", "Austria, Federal Republic of"]


@pytest.mark.parametrize("code", WRITTEN)
def test_all_that_is_written_for_a_country_is_its_code(code: str) -> None:
    assert {country_code(written) for written in WRITTEN[code]} == {code}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "X",
        "ZZ",
        "XX",
        "EU",
        "Congo",
        "Korea",
        "Republic of China",
        "Germany (FR)",
        "Republic of Elbonia",
        "Elbonia",
        "Unspecified",
        "12",
        "a" * 200,
        7,
        None,
    ],
)
def test_what_names_no_country_for_certain_is_not_read(value: object) -> None:
    assert country_code(value) is None
