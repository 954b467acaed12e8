"""E-mails and telephone numbers as people, programs and keyboards write them."""

from __future__ import annotations

import idna
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.contacts import email_address, phone_number, without_invisible

ADDRESSES = [
    ("sean.o'brien@people.example", "sean.o'brien@people.example"),
    ("D'Angelo@People.Example", "d'angelo@people.example"),
    ("a!#$%&'*+-/=?^_`{|}~z@x.example", "a!#$%&'*+-/=?^_`{|}~z@x.example"),
    ("mailto:ada@x.example?subject=Hi", "ada@x.example"),
    ("Ada Lovelace <Ada@x.example>", "ada@x.example"),
    ("\ufeffada\u200b@exam\u00adple.com\u202c", "ada@example.com"),
    ("ａｄａ＠ｅｘａｍｐｌｅ．com", "ada@example.com"),
    ("ada@example。com.", "ada@example.com"),
    ("jose\u0301@x.example", "josé@x.example"),
    ("用户@例子.广告", "用户@例子.广告"),
    ("अजय@डाटा.भारत", "अजय@डाटा.भारत"),
    ("ผู้ใช้@ตัวอย่าง.ไทย", "ผู้ใช้@ตัวอย่าง.ไทย"),
]
ONE_DOMAIN = ["ada@bücher.example", "ada@BÜCHER.example", "ADA@XN--BCHER-KVA.EXAMPLE", "ada@bu\u0308cher。example"]
NO_ADDRESSES = [
    "", "@", "ada", "ada@example", "a b@x.example", "a@b@", "ada@x.example, bo@x.example",
    "ada@x.example;bo@x.example",
    '"ada"@x.example', "ada@-x.example", "ada@x..example", "ada@.example", "ada@10.0.0.1", "a@xn--\x00.example", 7,
    None,
    "a" * 65 + "@x.example", "<null>", "ada@x.example\nbcc:bo@x.example",
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), ADDRESSES)
def test_an_address_is_read_however_it_is_written(written: str, meant: str) -> None:
    assert email_address(written) == meant
    assert email_address(meant) == meant


def test_the_spellings_of_an_international_domain_are_one() -> None:
    assert {email_address(one) for one in ONE_DOMAIN} == {"ada@bücher.example"}


LABELS = st.text(alphabet="aB1-éßŞİıςﬁ日本شركةकﾊ\u0301\u200d\u200c\u00ad·。", min_size=1, max_size=8)


@given(LABELS)  # a label with an underscore, which hosts have, is none to idna
@settings(max_examples=400)
def test_a_domain_is_one_where_idna_says_so_and_is_shown_as_idna_shows_it(label: str) -> None:
    """What nobody sees is taken away first: where idna refuses a joiner, a shopper's keyboard has put it there."""
    try:
        meant = idna.decode(idna.encode(f"{without_invisible(label)}.example", uts46=True, std3_rules=True))
    except (idna.IDNAError, UnicodeError):
        meant = None
    assert email_address(f"ada@{label}.example") == (None if meant is None else f"ada@{meant}")


@pytest.mark.parametrize("value", NO_ADDRESSES)
def test_what_is_no_single_address_is_none(value: object) -> None:
    assert email_address(value) is None


@given(st.text(alphabet="aéßİıﬁ\u0301\u200d\u00ad@.-xn'+１。", min_size=3, max_size=14))
def test_an_address_that_was_read_is_read_as_itself(text: str) -> None:
    once = email_address(f"a{text}@bü{text.replace('@', '')}.example")
    assert once is None or email_address(once) == once


READ = [
    ("DE", "+49 170 1234567 (mobil)", "+491701234567", ""),
    ("DE", "0170 1234567 Handy", "+491701234567", ""),
    ("DE", "Handy: 0170/1234567 (ab 18 Uhr)", "+491701234567", ""),
    ("DE", "Tel. 030/1234567", "+49301234567", ""),
    ("DE", "０１７０ １２３４５６７", "+491701234567", ""),
    ("DE", "\u202a+49\u00a0170\u00a01234567\u202c", "+491701234567", ""),
    ("DE", "0170 1234567 (2)", "+491701234567", ""),
    ("DE", "tel:+49-170-1234567", "+491701234567", ""),
    ("US", "(212) 555-0123 home", "+12125550123", ""),
    ("US", "212.555.0123 ext. 12", "+12125550123", "12"),
    ("US", "212-555-0123x4567", "+12125550123", "4567"),
    ("US", "+1 212 555 0123;ext=12", "+12125550123", "12"),
    ("US", "212 555 0123 #12", "+12125550123", "12"),
    ("US", "1-800-FLOWERS", "+18003569377", ""),
    ("DE", "+1 800 FLOWERS", "+18003569377", ""),
    ("FR", "06 12 34 56 78 (portable)", "+33612345678", ""),
    ("DE", "491701234567.0", "+491701234567", ""),
    ("GB", "2071234567", "+442071234567", ""),
    ("AR", "+54 11 4321 1234 int. 5", "+541143211234", "5"),
    (None, "+86 138 1234 5678 手机", "+8613812345678", ""),
]
REFUSED = [
    ("DE", "0170 1234567 / 0171 7654321"), ("DE", "0170 1234567, 030 1234567"), ("DE", "030 123456 or 0170 1234567"),
    ("DE", "+49 170 1234567 +49 171 7654321"), ("DE", "call me"), ("DE", "555-0100"), ("DE", "8123456"),
    ("US", "555 0123"), ("US", "000-000-0000"),
    ("US", "+1 (555) 555-5555"), ("US", "1234567890"), ("FR", "01 23 45 67 89"), ("DE", "+49 170 0000000"),
    ("GB", "11111111111"), ("DE", "4.9170E+11"), ("DE", "4.91701234567E+11"), (None, "0170 1234567"),
    ("US", "1-800-FLOWERS or 212 555 0123"), ("GB", "0800 FLOWERS"), ("DE", "+49170123456701234567"),
]  # fmt: skip


@pytest.mark.parametrize(("region", "written", "e164", "extension"), READ)
def test_a_number_is_read_with_words_and_extensions_around_it(
    region: str | None, written: str, e164: str, extension: str
) -> None:
    assert phone_number(written, region=region) == (e164, extension)


@pytest.mark.parametrize(("region", "written"), REFUSED)
def test_two_numbers_half_numbers_and_placeholders_are_refused(region: str | None, written: str) -> None:
    assert phone_number(written, region=region) is None


REGIONS = ["AR", "AT", "AU", "BE", "BR", "CH", "CN", "CZ", "DE", "DK", "ES", "FR", "GB", "GR", "HU", "IE", "IL", "IN",
           "IT", "JP", "KR", "MX", "NL", "NO", "NZ", "PL", "PT", "RU", "SE", "SG", "TR", "UA", "US",
           "ZA"]  # fmt: skip
FORMATS = [
    phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.RFC3966,
]  # fmt: skip
KINDS = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]


@pytest.mark.parametrize("region", REGIONS)
def test_every_form_of_a_number_is_read_as_phonenumbers_reads_it(region: str) -> None:
    """We differ only where `phone_number` says: placeholders, and numbers without their area code."""
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for form in FORMATS:
            text = phonenumbers.format_number(number, form)
            for written in (text, text.replace("-", " "), text.replace(" ", "\u00a0"), f"  {text} (home)"):
                read = phone_number(written, region=region)
                if read is not None or phone_number(e164) is not None:
                    assert read == (e164, ""), written


@pytest.mark.parametrize(
    ("written", "region", "meant"),
    [
        ("49 151 12345678", "DE", "+4915112345678"), ("33 6 12 34 56 78", "FR", "+33612345678"),
        ("442079460123", "GB", "+442079460123"), ("3931234567", "IT", "+393931234567"),
        ("9198765432", "IN", "+919198765432"), (2125550123.0, "US", "+12125550123"), (0.5, "US", None),
    ],
)  # fmt: skip
def test_a_number_that_begins_with_its_country_s_code_and_lacks_the_plus_is_that_number(
    written: object, region: str, meant: str | None
) -> None:
    """Unless it is a number of the country as it stands: an Italian mobile one, an Indian one."""
    number = phone_number(written, region=region)
    assert (number.e164 if number else None) == meant


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_without_its_plus_is_never_read_as_another_mobile_one(region: str) -> None:
    """Where `phonenumbers` takes it for a longer number of the country itself, it is refused or read as meant."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return
    meant = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    found = phone_number(meant.removeprefix("+"), region=region)
    assert found is None or found.e164 == meant
