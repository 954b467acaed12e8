"""What was done, as the page of the trail says it."""

from __future__ import annotations

from collections.abc import Mapping

from rapport.kernel.language import gettext, noted

__all__ = ["done"]

_DONE: Mapping[str, str] = {
    "account.factor_added": noted("Second factor added"), "account.factor_removed": noted("Second factor removed"),
    "account.invited": noted("Invited to the team"), "account.joined": noted("Joined the team"),
    "account.made": noted("Account made"), "account.password_changed": noted("Password changed"),
    "account.password_reset": noted("Password set anew by a link"),
    "account.provider_forgotten": noted("Sign-in by the provider forgotten"),
    "account.provider_tied": noted("Signed in by the provider for the first time"),
    "account.recovery_codes_made": noted("Recovery codes made"), "account.removed": noted("Removed from the team"),
    "account.reset_asked": noted("Link for a new password asked for"),
    "account.sign_in_refused": noted("Sign-in refused"), "account.signed_in": noted("Signed in"),
    "backup.made": noted("Backup made"), "backup.restored": noted("Backup restored"),
    "channel.changed": noted("Channel changed"), "customer.erased": noted("Customer erased"),
    "customer.exported": noted("Customer handed out"), "customer.viewed": noted("Customer looked at"),
    "hold.ended": noted("Legal hold ended"), "hold.placed": noted("Legal hold placed"),
    "erasure.repeated": noted("Erasure repeated"), "journey.changed": noted("Journey changed"),
    "journey.removed": noted("Journey removed"), "key.changed": noted("API key changed"),
    "key.made": noted("API key made"), "key.old_secret_ended": noted("Old secret of an API key ended"),
    "key.revoked": noted("API key revoked"), "key.rotated": noted("API key renewed"),
    "merchandising.changed": noted("Merchandising changed"), "partner.answered": noted("A partner answered"),
    "passes.changed": noted("Keys of cards for phones changed"),
    "privacy_policies.changed": noted("Privacy policies changed"), "question.changed": noted("Question changed"),
    "question.removed": noted("Question removed"), "reports.ended": noted("Delivery reports ended"),
    "reports.taken": noted("Delivery reports taken"), "request.answered": noted("Request answered"),
    "request.made": noted("Change made by a request"), "request.settled": noted("Request settled"),
    "request.taken": noted("Request taken"), "request.verified": noted("Request proved"),
    "role.changed": noted("Role changed"), "settings.changed": noted("Settings changed"),
    "source.key_rotated": noted("Write key renewed"), "source.old_key_ended": noted("Old write key ended"),
    "source.signatures": noted("Signatures of a source changed"),
    "source.signing_secret_renewed": noted("Signing secret of a source renewed"),
    "suppression.lifted": noted("Let in again after an erasure"),
    "withdrawal.back_wanted": noted("Withdrawal of facts undone"), "withdrawal.wanted": noted("Facts withdrawn"),
}  # fmt: skip


def done(action: str) -> str:
    """What an action was, in words.

    >>> done("key.made"), done("coffee.brewed_twice")
    ('API key made', 'coffee: brewed twice')
    """
    return gettext(_DONE[action]) if action in _DONE else action.replace("_", " ").replace(".", ": ", 1)
