"""What may be dialled: telephone numbers, and SIP URIs of the domains that the house allows.

A line's proxy would take any URI to anywhere at the house's expense (toll fraud): who types one reaches the lines' own
domains, and those of the setting ``sip.uri_domains``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from telephony.calls.refusal import CallRefused
from telephony.lines.peers import AddressError, HostPort
from telephony.settings import PhoneSettings

#: among allowed domains: any
ANY = "*"

_NUMBER = re.compile(r"\+?[0-9*#]{1,40}", re.ASCII)
_URI = re.compile(r"sips?:[A-Za-z0-9+*#._-]{1,64}@([A-Za-z0-9.:\[\]-]{1,128})", re.ASCII)
_SEPARATORS = re.compile(r"[ ()./-]")


def uri_domains(settings: PhoneSettings) -> frozenset[str]:
    """The hosts of SIP URIs that may be dialled: each line's domain and proxy, and what the settings add."""
    own = [place for line in settings.lines for place in (line.domain, line.proxy) if place]
    return frozenset(_host(place) for place in (*own, *settings.uri_domains))


def diallable(number: str, domains: Collection[str]) -> str:
    """What is sent for a number as people write it (full-width digits, blanks, dashes, brackets).

    Raises CallRefused ``bad_number`` for what is neither a telephone number nor a SIP URI, ``foreign_address`` for a
    URI whose host is not among ``domains``.
    """
    plain = unicodedata.normalize("NFKC", number).strip()
    if not plain.lower().startswith(("sip:", "sips:")):
        plain = _SEPARATORS.sub("", plain)
    uri = _URI.fullmatch(plain)
    if not (uri or _NUMBER.fullmatch(plain)) or not any(character.isdigit() for character in plain):
        raise CallRefused("bad_number", "This is not a number that can be dialled.")
    if uri and ANY not in domains and (host := _host(uri[1])) not in domains:
        told = f"SIP addresses of {host} may not be dialled; the setting sip.uri_domains says which may."
        raise CallRefused("foreign_address", told)
    return plain


def _host(place: str) -> str:
    """Without port, as hosts are compared. Raises CallRefused ``bad_number`` where it is none."""
    try:
        return HostPort.parse(place).host.lower().rstrip(".")
    except AddressError as error:
        raise CallRefused("bad_number", "This is not a number that can be dialled.") from error
