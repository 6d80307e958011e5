"""The entrance in the browser's language: German here, every other language reads the English as it is written."""

from __future__ import annotations

LANGUAGES = ("en", "de")
GERMAN = {
    "Your name": "Ihr Name", "E-mail": "E-Mail", "Password": "Passwort", "Organization": "Organisation",
    "Password (12 characters or more)": "Passwort (mindestens 12 Zeichen)",
    "New password (12 characters or more)": "Neues Passwort (mindestens 12 Zeichen)",
    "Code of your second factor, or a recovery code": "Code Ihres zweiten Faktors oder ein Wiederherstellungscode",
    "Sign in": "Anmelden", "Welcome back.": "Willkommen zurück.", "Forgot your password?": "Passwort vergessen?",
    "Create your account": "Konto anlegen", "Create": "Anlegen", "Change": "Ändern", "Accept": "Annehmen",
    "The first account owns this install. The link works once.":
        "Dem ersten Konto gehört diese Installation. Der Link gilt einmal.",
    "We write a letter with a link to choose a new one.":
        "Wir schicken Ihnen einen Link, mit dem Sie ein neues wählen.",
    "Send the letter": "Link schicken", "Choose a new password": "Neues Passwort wählen",
    "If the address has an account, a letter is on its way. Without a mail server, ask an admin for the link.":
        "Wenn die Adresse ein Konto hat, ist eine Nachricht unterwegs. Ohne Mailserver fragen Sie Ihre Administration "
        "nach dem Link.",
    "Every sign-in ends; you sign in with the new one.": "Jede Anmeldung endet; Sie melden sich mit dem neuen an.",
    "We write a letter with a link to go on.": "Wir schicken Ihnen einen Link, mit dem es weitergeht.",
    "A letter is on its way; its link leads on.": "Eine Nachricht ist unterwegs; ihr Link führt weiter.",
    "Choose a password": "Passwort wählen", "Then your account is ready.": "Danach ist Ihr Konto bereit.",
    "You are invited": "Sie sind eingeladen",
    "Choose a name and a password; whoever has an account gives its password.":
        "Wählen Sie Namen und Passwort; wer schon ein Konto hat, gibt dessen Passwort an.",
    "Other ways to sign in": "Andere Wege zur Anmeldung", "Sign in with {name}": "Anmelden mit {name}",
    "User name ({name})": "Benutzername ({name})",
    "The token of this link never reaches the server by itself; turn JavaScript on to use it, or ask an admin.":
        "Der Schlüssel dieses Links erreicht den Server nicht von selbst; schalten Sie JavaScript ein oder fragen Sie "
        "Ihre Administration.",
    "Your password is right. Open your authenticator app, or take a recovery code.":
        "Ihr Passwort stimmt. Öffnen Sie Ihre Authenticator-App oder nehmen Sie einen Wiederherstellungscode.",
    "headrace does not answer; is it running?": "headrace antwortet nicht; läuft es?",
    "The link is not complete; open it again as it was sent.":
        "Der Link ist nicht vollständig; öffnen Sie ihn so, wie er geschickt wurde.",
    "The provider did not let you in, or the sign-in took too long; try again or ask an admin.":
        "Der Anbieter hat Sie nicht eingelassen, oder die Anmeldung dauerte zu lange; versuchen Sie es noch einmal "
        "oder fragen Sie Ihre Administration.",
    "Too many attempts; wait a few minutes and try again.":
        "Zu viele Versuche; warten Sie einige Minuten und versuchen Sie es dann noch einmal.",
    "The provider does not answer; try again in a moment.":
        "Der Anbieter antwortet nicht; versuchen Sie es gleich noch einmal.",
    "One does not sign in this way now; choose another way or ask an admin.":
        "So meldet man sich hier zurzeit nicht an; wählen Sie einen anderen Weg oder fragen Sie Ihre Administration.",
    "Your password is right. Type it again with the code of your authenticator app, or a recovery code.":
        "Ihr Passwort stimmt. Geben Sie es noch einmal ein, mit dem Code Ihrer Authenticator-App oder einem "
        "Wiederherstellungscode.",
    "fill in every field as its label asks": "füllen Sie jedes Feld so aus, wie es seine Beschriftung verlangt",
}  # fmt: skip


def language_of(accepted: str) -> str:
    """The first of our languages in an `Accept-Language` header, as browsers order it; else English."""
    wanted = (part.split(";")[0].strip()[:2].lower() for part in accepted.split(","))
    return next((one for one in wanted if one in LANGUAGES), LANGUAGES[0])


def words_of(language: str) -> dict[str, str]:
    """Texts by their English."""
    return GERMAN if language == "de" else {}
