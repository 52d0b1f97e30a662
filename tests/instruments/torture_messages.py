"""Messages after the descriptions of RFC 4475, made anew for a phone on loopback.

``{desk}`` is the desk's host and port, ``{here}`` those of the peer that sends; each has the peer's own Via on top, so
that an answer comes back. What a message must lead to is a set: final statuses, ``call`` (it is offered to the core),
``silence`` (no answer, no call).
"""

from __future__ import annotations

from dataclasses import dataclass

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"


@dataclass(frozen=True)
class Torture:
    """``head`` without its last blank line; ``sent_as`` changes the datagram's bytes at the end."""

    section: str
    about: str
    leads_to: frozenset[object]
    head: str
    body: str = ""
    length: str | None = None
    raw: tuple[tuple[bytes, bytes], ...] = ()

    def datagram(self, desk: str, here: str) -> bytes:
        head = self.head.strip("\n").format(desk=desk, here=here, long="long" * 60)
        body = self.body.encode()
        lines = head.split("\n")
        if self.length != "":
            lines.append(f"Content-Length: {self.length if self.length is not None else len(body)}")
        octets = "\r\n".join([*lines, "", ""]).encode() + body
        for old, new in self.raw:
            assert old in octets, f"{self.section}: {old!r}"
            octets = octets.replace(old, new)
        return octets


def _message(section: str, about: str, leads_to: object, head: str, **options: object) -> Torture:
    wanted = leads_to if isinstance(leads_to, tuple) else (leads_to,)
    return Torture(section, about, frozenset(wanted), head, **options)  # type: ignore[arg-type]


def _common(method: str, name: str, uri: str = "sip:1001@{desk}", cseq: int | str = 1, more: str = "") -> str:
    more = f"\n{more}" if more else ""
    return (
        f"{method} {uri} SIP/2.0\n"
        f"Via: SIP/2.0/UDP {{here}};rport;branch=z9hG4bK-{name}\n"
        "Max-Forwards: 70\n"
        f"From: <sip:caller@pbx.test>;tag=from-{name}\n"
        "To: <sip:1001@pbx.test>\n"
        f"Call-ID: {name}@pbx.test\n"
        f"CSeq: {cseq} {method}{more}"
    )


_CONTACT = "Contact: <sip:caller@{here}>"
_TYPE = "Content-Type: application/sdp"

VALID = (
    _message(
        "3.1.1.1",
        "a short tortuous INVITE",
        "call",
        """
INVITE sip:1001@{desk};unknownparam SIP/2.0
TO :
 sip:1001@pbx.test
from   : "J Rosenberg \\\\\\""       <sip:caller@pbx.test>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 0
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    {here};branch=z9hG4bK390skdjuw;rport
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:caller@{here}> ; newparam =
      newvalue ;
  secondparam ; q = 0.33""",
        length="",
    ),
    _message(
        "3.1.1.2",
        "a method of all valid characters",
        405,
        _common("!interesting-Method0123456789_*+`.%indeed'~", "intmeth"),
    ),
    _message(
        "3.1.1.3",
        "escaped characters that are valid",
        ("call",),
        _common("INVITE", "esc01", "sip:sips%3A1001%40example.com@{desk}", more=_CONTACT),
    ),
    _message(
        "3.1.1.4",
        "escaped NULs in URIs",
        405,
        _common("REGISTER", "escnull", more="Contact: <sip:%00@{here}>\nContact: <sip:%00%00@{here}>"),
    ),
    _message("3.1.1.5", "a per cent sign that is no escape", 405, _common("RE%47IST%45R", "esc02")),
    _message(
        "3.1.1.6",
        "no blank between name and <",
        200,
        _common("OPTIONS", "lwsdisp"),
        raw=((b"From: <", b"From: caller<"),),
    ),
    _message(
        "3.1.1.7",
        "long values",
        "call",
        _common(
            "INVITE",
            "longreq",
            more=(
                "Contact: <sip:caller@{here};extraparam={long}>\nUnknown-{long}: {long}\n"
                "X-Header: {long}{long}{long}{long}\n" + _TYPE
            ),
        ),
        body=SDP,
        raw=((b"From: <", b'From: "I have a user name of extreme' + b" extreme" * 60 + b' proportion" <'),),
    ),
    _message(
        "3.1.1.8",
        "octets beyond the end",
        200,
        _common("OPTIONS", "dblreq"),
        body="INVITE sip:1001@x SIP/2.0\r\n",
        length="0",
    ),
    _message(
        "3.1.1.9",
        "a semicolon in the user part",
        200,
        _common("OPTIONS", "semiuri", "sip:user;par=u%40example.net@{desk}"),
    ),
    _message(
        "3.1.1.10",
        "transports that nobody knows",
        200,
        _common(
            "OPTIONS",
            "transports",
            more=(
                "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKk\nVia: SIP/2.0/UNKNOWN t.example.com;branch=z9hG4bK5\n"
                "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bKsck"
            ),
        ),
    ),
    _message(
        "3.1.1.11",
        "a multipart body with NULs",
        405,
        _common("MESSAGE", "mpart01", more="Content-Type: multipart/mixed;boundary=7a9cbec02ceef655"),
        body="--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\0\x01\x02\0\r\n--7a9cbec02ceef655--",
    ),
    _message(
        "3.3.11",
        "Max-Forwards 0 at its destination",
        200,
        _common("OPTIONS", "zeromf"),
        raw=((b"Max-Forwards: 70", b"Max-Forwards: 0"),),
    ),
    _message(
        "3.4.1",
        "an INVITE of RFC 2543",
        "call",
        """
INVITE sip:1001@{desk} SIP/2.0
Via: SIP/2.0/UDP {here}
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:1001@example.com;maddr=127.0.0.1>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Contact: <sip:caller@{here}>
Content-Type: application/sdp""",
        body=SDP,
    ),
)

INVALID = (
    _message(
        "3.1.2.1",
        "separators that separate nothing",
        (400, "silence"),
        _common("INVITE", "badinv01", more='Contact: "Joe" <sip:joe@{here}>;;;;'),
        raw=((b"From: <", b'From: "Bell, Joe" <sip:a@b> <sip:c@d>;;,;,, <'),),
    ),
    _message(
        "3.1.2.2",
        "a Content-Length beyond the end",
        400,
        _common("INVITE", "clerr", more=_CONTACT + "\n" + _TYPE),
        body=SDP,
        length="9999",
    ),
    _message(
        "3.1.2.3",
        "a negative Content-Length",
        400,
        _common("INVITE", "ncl", more=_CONTACT + "\n" + _TYPE),
        body=SDP,
        length="-999",
    ),
    _message(
        "3.1.2.4",
        "numbers that are too great",
        400,
        _common("REGISTER", "scalar02", cseq="36893488147419103232", more=_CONTACT + ";expires=280297596632815"),
        raw=((b"Max-Forwards: 70", b"Max-Forwards: 300"),),
    ),
    _message(
        "3.1.2.6",
        "a quote that never ends",
        (400, 200),
        _common("OPTIONS", "quotbal"),
        raw=((b"To: <", b'To: "Mr. J. User <'),),
    ),
    _message(
        "3.1.2.7",
        "brackets around the Request-URI",
        400,
        _common("INVITE", "ltgtruri", "<sip:1001@{desk}>", more=_CONTACT),
    ),
    _message(
        "3.1.2.8",
        "blanks within the Request-URI",
        400,
        _common("INVITE", "lwsruri", "sip:1001@{desk}; lr", more=_CONTACT),
    ),
    _message(
        "3.1.2.9",
        "several blanks in the request line",
        (400, "call"),
        _common("INVITE", "lwsstart", " sip:1001@{desk} ", more=_CONTACT),
    ),
    _message(
        "3.1.2.10",
        "blanks after the request line",
        (400, 200, "silence"),
        _common("OPTIONS", "trws"),
        raw=((b" SIP/2.0\r\n", b" SIP/2.0  \r\n"),),
    ),
    _message(
        "3.1.2.11",
        "headers in the Request-URI",
        (400, "call"),
        _common("INVITE", "escruri", "sip:1001@{desk}?Route=%3Csip:example.com%3E", more=_CONTACT),
    ),
    _message(
        "3.1.2.12",
        "a Date in another time zone",
        (400, 200),
        _common("OPTIONS", "baddate", more="Date: Fri, 01 Jan 2010 16:00:00 EST"),
    ),
    _message(
        "3.1.2.13",
        "a Contact with headers and without brackets",
        (400, 405),
        _common("REGISTER", "regbadct", more="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    ),
    _message(
        "3.1.2.14",
        "blanks within brackets",
        (400, 200),
        _common("OPTIONS", "badaspec"),
        raw=((b"To: <sip:1001@pbx.test>", b'To: "Watson, Thomas" < sip:1001@pbx.test >'),),
    ),
    _message(
        "3.1.2.15",
        "a name of characters that need quotes",
        (400, 200),
        _common("OPTIONS", "baddn"),
        raw=((b"From: <", b"From: Bell, Alexander <"),),
    ),
    _message(
        "3.1.2.16", "another version", 505, _common("OPTIONS", "badvers"), raw=((b" SIP/2.0\r\n", b" SIP/7.0\r\n"),)
    ),
    _message(
        "3.1.2.17",
        "a CSeq of another method",
        400,
        _common("OPTIONS", "mismatch01"),
        raw=((b"CSeq: 1 OPTIONS", b"CSeq: 8 INVITE"),),
    ),
    _message(
        "3.1.2.18",
        "an unknown method with a CSeq of another",
        (400, 405, 501),
        _common("NEWMETHOD", "mismatch02"),
        raw=((b"CSeq: 1 NEWMETHOD", b"CSeq: 8 INVITE"),),
    ),
    _message(
        "3.2.1",
        "a branch of the magic cookie alone",
        (200, 400),
        _common("OPTIONS", "badbranch"),
        raw=((b"branch=z9hG4bK-badbranch", b"branch=z9hG4bK"),),
    ),
    _message(
        "3.3.1",
        "no Call-ID, From or To",
        "silence",
        """
INVITE sip:1001@{desk} SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP {here};rport;branch=z9hG4bKkdj.insuf
Content-Type: application/sdp""",
        body=SDP,
    ),
    _message(
        "3.3.2",
        "a Request-URI of an unknown scheme",
        416,
        _common("OPTIONS", "unkscm", "nobodyKnowsThisScheme:totallyopaquecontent"),
    ),
    _message(
        "3.3.3",
        "a Request-URI of a known but odd scheme",
        416,
        _common("OPTIONS", "novelsc", "soap.beep://192.0.2.103:3002"),
    ),
    _message(
        "3.3.4",
        "unknown schemes in From, To and Contact",
        (400, 405),
        _common("REGISTER", "unksm2", more="Contact: <name:John_Smith>"),
        raw=((b"To: <sip:1001@pbx.test>", b"To: <isbn:2983792873>"), (b"From: <sip:caller", b"From: <http://caller")),
    ),
    _message(
        "3.3.5",
        "Require and Proxy-Require",
        420,
        _common(
            "OPTIONS",
            "bext01",
            more=("Require: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis"),
        ),
    ),
    _message(
        "3.3.6",
        "an INVITE with a body of an unknown kind",
        415,
        _common("INVITE", "invut", more=_CONTACT + "\nContent-Type: application/unknownformat"),
        body="<audio/>",
    ),
    _message(
        "3.3.7",
        "an unknown authorization scheme",
        (400, 401, 405),
        _common("REGISTER", "regaut01", more=_CONTACT + "\nAuthorization: NoOneKnowsThisScheme opaque-data=here"),
    ),
    _message(
        "3.3.8",
        "several values where one is wanted",
        400,
        _common(
            "INVITE",
            "multi01",
            more=_CONTACT + "\nCSeq: 59 INVITE\nCall-ID: other@x\nTo: <sip:o@x>\nFrom: <sip:o@x>;tag=3",
        ),
    ),
    _message(
        "3.3.9",
        "several Content-Lengths",
        400,
        _common("OPTIONS", "mcl01", more="Content-Length: 13\nContent-Length: 5"),
        length="5",
        body="12345",
    ),
    _message(
        "3.3.12",
        "a REGISTER with Contact parameters",
        405,
        _common("REGISTER", "cparam01", more="Contact: sip:+19725552222@gw1.example.net;unknownparam"),
    ),
    _message(
        "3.3.13",
        "a REGISTER with URI parameters",
        405,
        _common("REGISTER", "cparam02", more="Contact: <sip:+19725552222@gw1.example.net;unknownparam>"),
    ),
    _message(
        "3.3.14",
        "a REGISTER with escaped headers in its Contact",
        405,
        _common("REGISTER", "regescrt", more="Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"),
    ),
    _message(
        "3.3.15",
        "a caller that takes no SDP",
        406,
        _common("INVITE", "sdp01", more=_CONTACT + "\nAccept: text/nobodyKnowsThis\n" + _TYPE),
        body=SDP,
    ),
)
