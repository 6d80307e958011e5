"""The forms of those who are not signed in yet. `static/auth.js` sends them to the API."""

from __future__ import annotations

from msgspec import Struct


class Field(Struct, frozen=True):
    """One input; `complete` is its token of HTML's `autocomplete`, `later` one that shows when it is asked for."""

    name: str
    label: str
    kind: str
    complete: str
    later: bool = False


class Form(Struct, frozen=True, kw_only=True):
    """A form and what follows it.

    Attributes:
        title: Heading.
        text: A sentence below it.
        action: Where its JSON goes.
        fields: Its inputs.
        button: The word on the button.
        ticket: Where the one-time token of a link is: `query`, `hash` (never sent to a server), or nowhere.
        then: The page after it; empty stays and shows `done`.
        done: What to say in the end.
        link: Address and words of a way out.
        ways: Whether other ways to sign in are shown below it.
    """

    title: str
    text: str
    action: str
    fields: tuple[Field, ...]
    button: str
    ticket: str = ""
    then: str = "/"
    done: str = ""
    link: tuple[str, str] | None = None
    ways: bool = False

    @property
    def nameless(self) -> bool:
        """Whether it takes a password and no name; browsers want a place for one."""
        return all(field.complete != "username" for field in self.fields)


NAME = Field("full_name", "Your name", "text", "name")
EMAIL = Field("email", "E-mail", "email", "username")
PASSWORD = Field("password", "Password", "password", "current-password")
NEW = Field("password", "Password (12 characters or more)", "password", "new-password")
CODE = Field("code", "Code of your second factor, or a recovery code", "text", "one-time-code", later=True)
BACK = ("/login", "Sign in")

FORMS = {
    "/login": Form(
        title="Sign in", text="Welcome back.", action="/api/v1/auth/login", fields=(EMAIL, PASSWORD, CODE),
        button="Sign in", link=("/forgot-password", "Forgot your password?"), ways=True,
    ),
    "/setup": Form(
        title="Create your account", text="The first account owns this install. The link works once.",
        action="/api/v1/setup", fields=(NAME, EMAIL, NEW), button="Create", ticket="query",
    ),
    "/forgot-password": Form(
        title="Forgot your password?", text="We write a letter with a link to choose a new one.",
        action="/api/v1/auth/forgot-password", fields=(EMAIL,), button="Send the letter", then="", link=BACK,
        done="If the address has an account, a letter is on its way. Without a mail server, ask an admin for the link.",
    ),
    "/reset-password": Form(
        title="Choose a new password", text="Every sign-in ends; you sign in with the new one.",
        action="/api/v1/auth/reset-password", ticket="hash", then="/login", button="Change",
        fields=(Field("new_password", "New password (12 characters or more)", "password", "new-password"),),
    ),
    "/sign-up": Form(
        title="Create your account", text="We write a letter with a link to go on.",
        action="/api/v1/auth/register", button="Send the letter", then="", link=BACK,
        fields=(NAME, EMAIL, Field("organization_name", "Organization", "text", "organization")),
        done="A letter is on its way; its link leads on.",
    ),
    "/register": Form(
        title="Choose a password", text="Then your account is ready.", action="/api/v1/auth/register/confirm",
        fields=(NEW,), button="Create", ticket="hash",
    ),
    "/invitation": Form(
        title="You are invited", text="Choose a name and a password; whoever has an account gives its password.",
        action="/api/v1/invitations/accept", fields=(NAME, NEW), button="Accept", ticket="hash", then="/login",
    ),
}  # fmt: skip
