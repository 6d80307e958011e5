"""What letters say: subject and text by occasion; the names in braces are filled in."""

from __future__ import annotations

TEXTS = {
    "reset_password": (
        "Choose a new password for headrace",
        (
            "Somebody, probably you, asked for a new password for this address.\n\n"
            "Choose it here within 15 minutes; the link works once:\n{link}\n\n"
            "If it was not you, do nothing: your password stays as it is.\n"
        ),
    ),
    "register": (
        "Finish your headrace account",
        (
            "Finish your account here within a day; the link works once:\n{link}\n\n"
            "If you did not ask for an account, do nothing: none is made.\n"
        ),
    ),
    "has_account": (
        "You have a headrace account already",
        (
            "Somebody, probably you, asked for a headrace account with this address. You have one already; sign in or "
            "ask for a new password here:\n{link}\n\nIf it was not you, do nothing.\n"
        ),
    ),
    "invitation": (
        "You are invited to {organization} on headrace",
        (
            "{inviter} invites you to {organization} as {role}.\n\nAccept here; the link works once:\n{link}\n\n"
            "If you do not expect this, do nothing.\n"
        ),
    ),
    "notice": (
        "{organization} on headrace: a limit is passed",
        "{organization}: {sentence}\n\nWork goes on. You get this as an owner; once a month each:\n{link}\n",
    ),
}
