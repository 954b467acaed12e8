"""All doors through which something of people is read, leaves or is learnt from: which ask, and why the others do not.

A door that asks names the test that proves it. A new one that stands in no list fails `rooms/app/test_doors.py`.
"""

from __future__ import annotations

__all__ = ["BOTH", "COMMANDS", "FILES", "JOBS", "NOBODY", "OPEN", "SHOP", "Asks"]


class Asks(str):
    """The test that proves that a door asks: its file below `tests`, and its name."""


_STORY = Asks("stories/test_doors.py::test_no_address_tells_a_key_of_whoever_refuses_what_it_was_made_for")
_RULES = "rules and numbers of the shop, nobody's"

OPEN = {
    "POST /api/v1/customers/{reference}/consent": "records what the person allows: it is what others ask",
    "GET /api/v1/customers/{reference}/consent": "tells what the person allows, and nothing else",
    "GET /api/v1/customers/{reference}/may": "is the question itself",
    "DELETE /api/v1/loyalty/passes/apple": "the shop's own keys, none of which is told",
    "DELETE /api/v1/loyalty/passes/google": "the shop's own keys, none of which is told",
    "GET /api/v1/loyalty/passes": "whether the shop has keys for cards, and until when",
    "PUT /api/v1/loyalty/passes/apple": "the shop's own keys, none of which is told",
    "PUT /api/v1/loyalty/passes/google": "the shop's own keys, none of which is told",
    "POST /api/v1/goals/preview": "products and their worth",
    "GET /api/v1/journeys/{name}/effect": "sums of two arms",
    "GET /api/v1/merchandising": _RULES,
    "PUT /api/v1/merchandising": _RULES,
    "POST /api/v1/merchandising/undo": _RULES,
    "GET /api/v1/merchandising/versions": _RULES,
    "GET /api/v1/placements": _RULES,
    "GET /api/v1/privacy/policies": "the policies themselves",
    "PUT /api/v1/privacy/policies/{name}": "the policies themselves",
    "POST /api/v1/privacy/strings": "reads a text that is sent along",
    "GET /api/v1/products/{product_id}/worth": "a product's worth",
    "GET /api/v1/push-subscriptions/key": "the shop's public key",
    "GET /api/v1/questions": _RULES,
    "PUT /api/v1/questions/{name}": _RULES,
    "DELETE /api/v1/questions/{name}": _RULES,
    "POST /api/v1/decisions": Asks("rooms/capabilities/test_doors.py::test_no_placement_looks_at_whoever_objects"),
    "POST /api/v1/merchandising/preview": Asks(
        "rooms/capabilities/test_doors.py::test_no_placement_looks_at_whoever_objects"
    ),
    "POST /api/v1/lake/query": Asks(
        "rooms/capabilities/test_asking.py::test_a_query_for_a_purpose_sees_no_fact_of_whoever_refuses_and_counts_them"
    ),
    "GET /api/v1/products/{product_id}/fit": Asks(
        "rooms/capabilities/test_fit.py::test_a_customer_is_told_the_size_they_keep_and_nobody_who_refuses_is_looked_at"
    ),
    "GET /api/v1/questions/next": Asks(
        "rooms/capabilities/test_questions.py::test_whoever_refuses_the_purpose_is_neither_asked_nor_heard"
    ),
    "POST /api/v1/questions/{name}/answers": Asks(
        "rooms/capabilities/test_questions.py::test_whoever_refuses_the_purpose_is_neither_asked_nor_heard"
    ),
    "POST /api/v1/segments/preview": _STORY,
    "GET /api/v1/segments/{name}/members": _STORY,
}
"""Addresses of the API that say `door`: they ask by themselves, or show nobody. Those that say nothing are asked for
the person whom they name (`{reference}`), or refuse a key that was made for a purpose."""

NOBODY = {
    "settings:read": _RULES, "settings:write": _RULES, "sources:read": "where facts come from",
    "sources:write": "where facts come from", "segments:read": "conditions and sizes",
    "segments:write": "conditions and sizes", "webhooks:write": "addresses of programs", "metrics:read": "sums",
    "supply:read": "stock", "supply:write": "stock", "campaigns:write": "costs", "merchandising:read": _RULES,
    "merchandising:write": _RULES, "goals:read": _RULES, "goals:write": _RULES,
}  # fmt: skip
"""Permissions without people: what they open must not tell of anybody (`stories/test_doors.py` looks)."""

BOTH = {
    "/console/segments/{name}": "its members' names are for who may see customers, too",
    "/console/segments/{name}/edit": "its sample's names are for who may see customers, too",
}
"""Pages that open by a permission without people and tell of somebody all the same."""

FILES = {
    "GET /console/customers.csv": Asks(
        "rooms/remember/test_list_pages.py::"
        "test_a_file_for_a_purpose_leaves_out_who_does_not_allow_it_says_how_many_and_is_told_of"
    ),
    "GET /console/loyalty/members.csv": Asks(
        "rooms/remember/test_list_pages.py::"
        "test_a_file_for_a_purpose_leaves_out_who_does_not_allow_it_says_how_many_and_is_told_of"
    ),
    "GET /shop/loyalty/card.pkpass": "the member themselves, by their signed link: their own card",
    "GET /console/segments/{name}/members.csv": Asks(
        "stories/test_doors.py::test_a_segment_s_file_is_made_for_a_purpose_alone"
    ),
    "POST /console/lake": Asks(
        "rooms/capabilities/test_asking.py::test_a_query_for_a_purpose_sees_no_fact_of_whoever_refuses_and_counts_them"
    ),
    "GET /console/acquisition/rows.csv": "sums by campaign",
    "GET /console/insights/{name}/rows.csv": "sums",
    "GET /console/metrics/{name}/rows.csv": "sums",
    "GET /console/customers/{reference}/export": "all of one person, for that person: what they may ask for by law",
    "GET /console/refused-lines/{import_id}": "lines of a file, back to who handed it in, before they are facts",
    "GET /console/requests/{request_id}/answer": "what a person asked for, for that person",
    "GET /console/requests/{request_id}/proof": "counts, and nothing of the person",
    "GET /shop/consent/answer": "what a person asked for, for that person",
    "GET /shop/consent/receipt": "what a person answered, for that person",
}
"""Files that people save, of the console and of the shop's own pages."""

SHOP = {
    "/components/consent/choices": "what the shop asks",
    "/components/decide/decisions": Asks(
        "rooms/capabilities/test_doors.py::test_no_placement_looks_at_whoever_objects"
    ),
    "/components/supply/availability": "stock",
    "/components/loyalty": "the member themselves, by their signed link: what they joined for",
    "/shop/consent": "the person themselves, by their signed link",
    "/shop/loyalty": "the member themselves, by their signed link: what they joined for",
    "/shop/messages/link": "the same answer for all",
    "/shop/promises/order": "the orderer themselves, by their signed link",
}
"""What shoppers open, by how its address begins."""

_MAKES_ITSELF = "moves or sums what is held already, and tells nobody"
_KEEPS = "keeps the database in order"

JOBS = {
    "act.timers": "has others do what is due; they ask",
    "act.outbox": Asks(
        "rooms/capabilities/test_doors.py::test_nothing_that_would_win_somebody_goes_by_any_channel_without_their_yes"
    ),
    "act.secrets": _KEEPS,
    "audit.sealing": _KEEPS,
    "audit.verifying": _KEEPS,
    "collect.quarantine": _KEEPS,
    "goals.figures": "of products",
    "imports.files": "takes in, as endpoints do",
    "journeys.starts": Asks(
        "rooms/capabilities/test_journeys.py::test_a_message_that_cannot_go_takes_its_own_edge_and_nobody_elses"
    ),
    "journeys.steps": Asks(
        "rooms/capabilities/test_journey_clockwork.py::test_whoever_refuses_personalisation_is_asked_nothing"
    ),
    "lake.archiving": "copies the log; queries of the copy ask",
    "lake.compacting": _KEEPS,
    "lake.forgetting": _KEEPS,
    "lake.recording": "copies the records; a query of the copy for a purpose does not see them",
    "lake.refiling": _KEEPS,
    "loyalty.announcing": "to members, of what they joined for; each message asks when it goes",
    "loyalty.time": "ends points and tiers, as the programme says",
    "measure.minutes": _MAKES_ITSELF,
    "orders.books": "lets go what was kept of orders, tied to nobody",
    "orders.sums": _MAKES_ITSELF,
    "prediction.ending": Asks(
        "rooms/capabilities/test_prediction.py::test_what_may_not_be_said_any_more_ends_without_another_fit"
    ),
    "prediction.fitting": Asks(
        "rooms/capabilities/test_prediction.py::test_of_who_objects_nothing_is_learnt_and_what_was_foretold_ends"
    ),
    "prediction.telling": Asks(
        "rooms/capabilities/test_prediction.py::test_of_who_objects_nothing_is_learnt_and_what_was_foretold_ends"
    ),
    "promises.learning": "how long parcels take, by carrier and place",
    "recommendations.pairs": "counts of products, nobody's",
    "recommendations.recents": _KEEPS,
    "recommendations.training": Asks("rooms/capabilities/test_learning.py::test_who_refused_is_not_learnt_from"),
    "recommendations.moments": _KEEPS,
    "remember.summaries": _MAKES_ITSELF,
    "resolve.asking": "learns which records are one person; a rule of the shop",
    "resolve.expiry": _KEEPS,
    "resolve.linking": "says which records are one person; a rule of the shop",
    "segments.clock": _MAKES_ITSELF,
    "shops.pull": "takes in, as a shop's webhooks do",
    "system.secrets": _KEEPS,
    "segments.filling": _MAKES_ITSELF,
    "export.erasing": "what people asked for",
    "export.answering": "what people asked for",
    "export.redacting": _KEEPS,
    "remember.filling": _MAKES_ITSELF,
    "collect.undoing": _KEEPS,
    "collect.forgetting": _KEEPS,
    "export.retention": "lets go whom no purpose keeps",
}
"""What workers do by themselves."""

_OPERATOR = "for who has the data folder, and prints nobody"

COMMANDS = {
    "audit export": "the trail, for whoever checks it; it names people by opaque keys",
    "audit verify": _OPERATOR, "backfill": _OPERATOR, "backup": "the whole database, sealed", "demo": "invented people",
    "digest": _OPERATOR, "doctor": _OPERATOR, "evaluate": _OPERATOR,
    "features": Asks(
        "rooms/remember/test_features.py::test_who_does_not_permit_it_is_left_out_and_no_cell_is_a_formula"
    ),
    "identity batch": "over files that are given to it", "identity card": _OPERATOR, "identity models": _OPERATOR,
    "identity policy apply": _OPERATOR, "identity policy check": _OPERATOR, "identity policy show": _OPERATOR,
    "identity review": "which records are one person; a rule of the shop", "identity score": _OPERATOR,
    "identity train": "learns which records are one person; a rule of the shop", "identity use": _OPERATOR,
    "import csv": "takes in", "import maps": _OPERATOR, "import olist": "takes in", "import online-retail": "takes in",
    "jobs list": _OPERATOR, "jobs pause": _OPERATOR, "jobs resume": _OPERATOR,
    "jobs run": "as the job", "keys": _OPERATOR, "lake archive": "as the job",
    "lake compact": _OPERATOR, "lake verify": _OPERATOR, "loyalty verify": _OPERATOR,
    "predict fit": Asks(
        "rooms/capabilities/test_prediction.py::test_of_who_objects_nothing_is_learnt_and_what_was_foretold_ends"
    ),
    "predict show": _OPERATOR,
    "privacy erase": "what a person asked for", "privacy export": "all of one person, for that person",
    "privacy hold end": _OPERATOR, "privacy hold list": _OPERATOR, "privacy hold place": _OPERATOR,
    "privacy policy apply": _OPERATOR, "privacy policy check": _OPERATOR, "privacy policy show": _OPERATOR,
    "privacy redact": _OPERATOR,
    "quarantine discard": _OPERATOR, "quarantine list": "what could not be read, before it is anybody's",
    "quarantine replay": _OPERATOR, "rebuild": _OPERATOR, "restore": "the whole database, sealed; then who was erased",
    "secrets seal": _OPERATOR, "secrets show": _OPERATOR,
    "serve": "the server, whose doors ask", "settings change": _OPERATOR, "settings show": _OPERATOR,
    "sources add": _OPERATOR, "sources disable": _OPERATOR, "sources enable": _OPERATOR,
    "sources end-old-key": _OPERATOR, "sources limit": _OPERATOR, "sources list": _OPERATOR,
    "sources rotate": _OPERATOR,
    "sql": Asks("rooms/capabilities/test_lake.py::test_sql_is_asked_from_the_command_line"),
    "train": Asks("rooms/capabilities/test_learning.py::test_who_refused_is_not_learnt_from"),
    "traits status": _OPERATOR, "undo": _OPERATOR, "undo-back": _OPERATOR, "user add": _OPERATOR,
    "user reset": _OPERATOR, "worker": "the jobs", "workspaces add": _OPERATOR, "workspaces change": _OPERATOR,
    "workspaces list": _OPERATOR,
}  # fmt: skip
"""The command line."""
