"""Values that name nobody, and values that look like them and do."""

from __future__ import annotations

import pytest

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.placeholders import is_placeholder_text

POLICY = IdentifierPolicy()

NOBODY = {
    "user_id": [
        "(null)", "<null>", "null", "NULL", "nil", "None", "NaN", "undefined", "Undefined", "Optional(nil)",
        "(not set)",
        "[object Object]", "[object Undefined]", "{{userId}}", "{{ user.id }}", "${userId}", "${user.id}",
        "#{user.id}",
        "%%user_id%%", "<%= id %>", "{userId}", "{customer.id}", "*|EUID|*", "{% id %}", "[[id]]", "%(id)s", "%s",
        "%@",
        "%!s(<nil>)", "shop-{{id}}", "[USER_ID]", "<USER_ID>", "__USER_ID__", "anonymousId", "userId", "user_id",
        "User ID",
        "guest", "anonymous", "unknown", "n/a", "N/A", "#N/A", "-", "--", "?", "...", "—", "0", "000", "-1", "''",
        "{}", "[]",
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "true", "undefined-undefined",
        "null null", "user_null", "gid://shopify/Customer/undefined", "not_authenticated",
        "function () { return id; }",
        "9774d56d682e549c", "YOUR_USER_ID", "%7B%7BuserId%7D%7D", "Invalid Date", "Infinity", "empty string", "TBD",
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "walk-in",
    ],
    "anonymous_id": ["anonymousId", "anonymous_id", "undefined"],
    "device": ["00000000-0000-0000-0000-000000000000", "02:00:00:00:00:00"],
    "email": [
        "na@na.com", "noemail@noemail.com", "noemail@shop.example", "unknown@unknown.com", "undefined@undefined.com",
        "guest@guest.com", "guest@shop.example", "donotreply@people.example", "do-not-reply@people.example",
        "nil@nil.com",
        "no_reply@people.example", "none@people.example", "test@test.com", "asdf@asdf.com", "a@a.com", "123@123.com",
        "user@example.com", "{{email}}@x.example", "anna@noemail.com", "...@x.example", "na@people.example",
        "n/a@people.example", "noreply+7@people.example", "walk-in@people.example", "geen-email@people.example",
    ],
    "phone": ["+0000000", "+1111111111", "+12345678901"],
}  # fmt: skip
SOMEBODY = {
    "user_id": [
        "42", "1", "ada", "nilsson", "guest42", "user_1042", "gid://shopify/Customer/1", "f15-x", "annull",
        "Ferdinand",
        "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ada@example.com",
        "auth0|5f7",
        "0x1f", "100%", "null-7f3a", "Marta", "11111111", "a/b", "Änne", "田中",
    ],
    "email": [
        "ada@example.com", "nina@people.example", "nil@people.example", "info@shop.example", "bose@bose.com",
        "testa@people.example", "annull@people.example", "0815@people.example", "sean.o'brien@people.example",
        "+491701234567@sms.example",
    ],
    "phone": ["+491701234567", "+12125550123"],
}  # fmt: skip


@pytest.mark.parametrize(("namespace", "value"), [(name, one) for name, several in NOBODY.items() for one in several])
def test_a_placeholder_names_nobody(namespace: str, value: str) -> None:
    assert not POLICY.allows(value, namespace)


@pytest.mark.parametrize(("namespace", "value"), [(name, one) for name, several in SOMEBODY.items() for one in several])
def test_what_only_looks_like_one_is_somebody(namespace: str, value: str) -> None:
    assert POLICY.allows(value, namespace)


@pytest.mark.parametrize(
    "value", ["{{ first_name }}", "undefined", "undefined undefined", "null null", "(not set)", "*|FNAME|*"]
)
def test_an_unfilled_name_is_no_trait(value: str) -> None:
    assert is_placeholder_text(value)


@pytest.mark.parametrize("value", ["Null", "None", "Test", "Nan", "O'Neil", "(Bo)", "van Gogh", "Ada & Bo", "Guest"])
def test_people_may_be_called_what_programs_call_nothing(value: str) -> None:
    assert not is_placeholder_text(value)
