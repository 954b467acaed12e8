"""Values that name nobody: what templates, SDKs and people write where there is no id, no e-mail and no number.

A kept list: add to it what shops meet, with the place it was seen. Lists hold skeletons: lower case, letters and digits
alone, so that `userid` stands for `userId`, `user_id`, `(User ID)` and `{userId}`.

**Sources:** the ids that PostHog refuses (docs, "Identifying users") and that Amplitude refuses (docs, "How Amplitude
identifies unique users"); what Swift (`Optional(nil)`), Objective-C (`(null)`, `<null>`), JavaScript
(`[object Object]`), Go (`%!s(<nil>)`), spreadsheets (`#N/A`) and Google Analytics (`(not set)`) print for nothing;
template languages' own manuals (Liquid, Handlebars, ERB, JavaScript, Mailchimp, Salesforce); the device ids of Android
issue 10603 and of iOS 7 (MAC address); the addresses and numbers people type to get past a form.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

__all__ = ["is_placeholder", "is_placeholder_email", "is_placeholder_number", "is_placeholder_text"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IDS = _words("""
    null none nil undefined nan na void unset novalue nodata noid nouser nouserid nullptr optionalnil
    optionalnone notset notavailable notapplicable notdefined notprovided notspecified notauthenticated notloggedin
    notidentified loggedout unauthenticated unidentified unknown unknownuser unknownudid anonymous anonymoususer
    anonymized anonymised anon guest guestuser nobody noone deleted deleteduser redacted
    user customer visitor client shopper default empty void0 nativecode
    true false test string id uid uuid guid userid anonymousid anonid customerid deviceid visitorid clientid distinctid
    externalid previousid accountid memberid profileid personid contactid sessionid username email emailaddress
    phonenumber youruserid yourcustomerid yourid useridhere insertuseridhere
    unbekannt gast anonym anonyme inconnu invité desconocido invitado anonimo anónimo sconosciuto ospite onbekend
    invaliddate infinity emptystring emptyvalue missing missingid tbd tba placeholder dummy example exampleid walkin
    walkincustomer cashcustomer laufkundschaft
    lmy47d 9774d56d682e549c 020000000000
""")

_MAILBOXES = _words("""
    na noreply donotreply dontreply mailerdaemon noemail nomail noemailaddress noemailprovided noaddress notprovided
    notavailable notgiven notset notapplicable none null undefined anonymous unknown guest nobody noone invalid fake
    dummy placeholder test youremail yourname emailaddress keineemail keinemail ohneemail unbekannt sinemail sincorreo
    sinmail notieneemail pasdemail pasdemel sansemail sansmail noaplica geenemail sememail nessunaemail
    tidakada notanemail walkin walkincustomer cashcustomer laufkundschaft invalidemail fakeemail
""")
"""Whatever stands behind the @."""

_DOMAINS = _words("""
    noemail nomail noreply donotreply noemailprovided notprovided undefined nodomain fakeemail
""")
"""Whatever stands before it; of `noemail.com` the first word."""

_TWICE = _words("""
    na no none nil nan null email mail user name domain example sample guest unknown asd asdf asdfasdf qwe qwerty abc
    deleted abcd xyz fake temp dummy customer client anonymous noname foo bar foobar info 123 1234 12345 123456
""")
"""On both sides of the @: `na@na.com`."""

_NO_MAIL = _words("no none my your keine kein meine ohne sin sans pas mon geen nessuna senza")
"""Before `@email.com` and `@mail.com` in any country."""

_EMAILS = frozenset(("user@example.com", "name@example.com", "email@example.com", "you@example.com", "name@domain.com",
    "user@domain.com", "email@domain.com", "your@email.com", "name@email.com", "user@email.com", "foo@bar.com",
    "abc@xyz.com", "sample@email.tst"))  # fmt: skip

_TEMPLATE = re.compile(
    r"""\{\{.*\}\} | \{%.*%\} | [$\#@]\{[^}]*\} | <%.*%> | <\?.*\?> | %%[\w.\ -]+%% | \*\|.+\|\* | \[\[.+\]\]
      | %\(\w+\)[sd] | %!\w?\(.*\) | \[object\ \w+\]
      | ^\{[a-z_][\w.\ -]*\}$ | ^\[[a-z]+[_.][a-z_.]+\]$ | ^<[a-z_][\w.\ -]*>$ | ^%[a-z_]\w*%$ | ^%[sdi]$
      | ^symbol\(.*\)$ | \[native\ code\]
      | ^\#(?:ref!|value!|name\?|null!|div/0!|num!)$ | ^(?:async\ )?function\b.*\{ | =>\s*\{""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ESCAPED = re.compile(r"%([0-9a-f]{2})", re.IGNORECASE | re.ASCII)
_GUID = re.compile(r"^[{<]?[0-9a-f]{8}-", re.IGNORECASE)
_ODD = re.compile(r"[^\w.@:/+-]")
_NOTHINGS = re.compile(r"(?:null|none|nil|undefined|nan){2,}")
_ENDS = ("undefined", "null", "nan")
_BEFORE = _words("ga1 amp fb gid shopify customer customers user users id uid anonymous anon guest visitor client")
_REPEATED = re.compile(r"0+|f{12,}|x{2,}")
_PUNCTUATION = {ord(c): None for c in string.punctuation + string.whitespace}
_UPWARDS, _DOWNWARDS = "01234567890123456789", "98765432109876543210"


def is_placeholder(value: str) -> bool:
    """Whether an id (a user's, a browser's, a device's, a card's …) is what is written where there is none.

    >>> [is_placeholder(v) for v in ("(null)", "{{ user.id }}", "user_null", "0", "42", "ada", "nilsson")]
    [True, True, True, True, False, False, False]
    """
    return _is_template(value) if len(value) > 60 else _is_short_placeholder(value)


@lru_cache(maxsize=32_768)
def _is_short_placeholder(value: str) -> bool:
    """Remembered, since whoever comes once comes again."""
    low = value.lower()
    if low in _IDS:
        return True
    if len(low) == 36 and low[8] == low[13] == "-":  # a UUID: the usual case, quickly
        return not low.strip("0-") or not low.strip("f-") or not low.strip("x-")
    if low.isalnum():
        return _bare(low)
    skeleton = _skeleton(low)
    if not skeleton or low == "-1" or skeleton in _IDS or _bare(skeleton):
        return True
    return (low.endswith(_ENDS) and _names_none(low)) or _is_template(value)


def is_placeholder_email(value: str) -> bool:
    """Whether an address, normalised, is nobody's.

    >>> [is_placeholder_email(v) for v in ("na@na.com", "no-reply@shop.eu", "ada@example.com", "nina@shop.eu")]
    [True, True, False, False]
    """
    mailbox, _, domain = value.rpartition("@")
    if value in _EMAILS or (not mailbox.isalnum() and _is_template(mailbox)):
        return True
    skeleton = mailbox if mailbox.isalnum() else _skeleton(mailbox.partition("+")[0] or mailbox)
    if skeleton in _MAILBOXES or not skeleton or mailbox in ("n/a", "n.a.", "n.a", "#n/a"):
        return True
    word = domain.partition(".")[0].replace("-", "")
    if word in _DOMAINS:
        return True
    if skeleton in _NO_MAIL and word in ("email", "mail"):
        return True
    return skeleton == word and (word in _TWICE or (len(word) < 5 and len(set(word)) == 1))


def is_placeholder_number(digits: str) -> bool:
    """Whether the digits of a telephone number (without its country code) are what people type to fill a field.

    One digit all the way, all upwards or downwards, or a number that ends in seven zeros.

    >>> [is_placeholder_number(v) for v in ("0000000000", "1234567890", "2125550123")]
    [True, True, False]
    """
    if len(digits) < 5:
        return False
    if digits.endswith("0000000") or digits == digits[0] * len(digits):
        return True
    return digits in _UPWARDS or digits in _DOWNWARDS


def is_placeholder_text(value: str) -> bool:
    """Whether a name or a place is an unfilled template, or how a program prints nothing. `Null` alone is a surname.

    >>> [is_placeholder_text(v) for v in ("{{first_name}}", "undefined undefined", "(not set)", "Null", "Ada")]
    [True, True, True, False, False]
    """
    if value.isalpha():
        return value == "undefined"
    low = value.lower()
    skeleton = _skeleton(low)
    if _NOTHINGS.fullmatch(skeleton) or skeleton == "undefined":
        return True
    bracketed = low[0] in "([<{" and low[-1] in ")]>}"
    return (bracketed and skeleton in _IDS) or _is_template(value)


def _skeleton(low: str) -> str:
    plain = low.translate(_PUNCTUATION)
    return plain if plain.isalnum() else "".join(c for c in plain if c.isalnum())


def _bare(skeleton: str) -> bool:
    return (skeleton[0] in "0fx" and _REPEATED.fullmatch(skeleton) is not None) or (
        skeleton[0] in "nu" and _NOTHINGS.fullmatch(skeleton) is not None
    )


def _names_none(low: str) -> bool:
    """Whether it is a known word and nothing behind it, as in `gid://shopify/Customer/undefined`."""
    words = [word for word in re.split(r"[^a-z0-9]+", low) if word]
    return words[-1] in _ENDS and all(word in _BEFORE or len(word) == 1 for word in words[:-1])


def _is_template(value: str) -> bool:
    if _ODD.search(value) is None or _GUID.match(value):
        return False
    if "%7B" in value or "%7b" in value:  # a template in an address of a page
        value = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    return _TEMPLATE.search(value) is not None
