"""All that the audit trail brings, in one declaration; its tables are written by every room (`storage.audit`)."""

from __future__ import annotations

from rapport.capabilities.audit.command import COMMANDS
from rapport.capabilities.audit.jobs import SEALING, VERIFYING
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.storage.audit import entries
from rapport.storage.audit.tables import audit_entries, audit_heads, audit_nodes, audit_parts
from rapport.web.permissions import Permission

__all__ = ["AUDIT"]

AUDIT = Slice(
    name="audit",
    title="Audit trail",
    holds=(
        of_shop(audit_entries, "who saw whom and changed what, without saying of whom"),
        of_person(audit_parts, "who saw somebody, and what was done to them", by=("key",), erase=entries.erase),
        of_shop(audit_nodes, "the hashes of the audit trail"),
        of_shop(audit_heads, "the roots of the audit trail"),
    ),
    jobs=(SEALING, VERIFYING),
    permissions=(Permission(name="audit:read", words="see who saw whom and changed what"),),
    web="rapport.capabilities.audit.web:WEB",
    commands=COMMANDS,
)
