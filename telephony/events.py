"""The vocabulary of the call event stream.

Every fact about a call, an agent, a headset or a line is one of these small frozen records. They are appended
to the node's journal, fanned out to whoever listens at the seam, and stored exactly once under
``(node, sequence)``. Call log, wallboard, rule measurements and audits are all readings of this stream.

Shapes: ``call`` is a UUIDv7 in canonical text form; ``at`` is wall time in Unix seconds (UTC); ``monotonic`` is
nanoseconds on the node's monotonic clock (comparable only within one boot of one node); ``agent`` is a user name.
"""

from __future__ import annotations

import msgspec

from telephony.event_terms import AgentStatus as AgentStatus
from telephony.event_terms import Direction as Direction
from telephony.event_terms import OfferOutcome as OfferOutcome
from telephony.event_terms import Party as Party
from telephony.event_terms import Role as Role
from telephony.event_terms import TransferKind as TransferKind
from telephony.targets import Target as Target
from telephony.targets import TargetKind as TargetKind


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event carries. ``sequence`` grows by one per event of a node and never repeats."""

    node: str = ""
    sequence: int = 0
    at: float = 0.0
    monotonic: int = 0


class CallEvent(Event, frozen=True, kw_only=True):
    call: str


class NodeStarted(Event, frozen=True, kw_only=True, tag="node.started"):
    boot: str
    version: str


class CallStarted(CallEvent, frozen=True, kw_only=True, tag="call.started"):
    """The first sight of a call: an INVITE in, or a dial out. ``number`` is the outside party as signalled."""

    direction: Direction
    line: str
    number: str
    dialled: str = ""
    display_name: str = ""
    queue: str = ""
    agent: str = ""
    sip_call_id: str = ""
    patient_id: str = ""


class CallProgress(CallEvent, frozen=True, kw_only=True, tag="call.progress"):
    """Outbound: a provisional answer (180, 183 …) came back."""

    sip_status: int
    early_media: bool = False


class CallerRing(CallEvent, frozen=True, kw_only=True, tag="call.caller_ring"):
    """The caller hears ring number ``ring`` (1-based; 1 s on, 4 s off from our 180 on) (D3)."""

    ring: int


class CallQueued(CallEvent, frozen=True, kw_only=True, tag="call.queued"):
    queue: str
    position: int


class CallOffered(CallEvent, frozen=True, kw_only=True, tag="call.offered"):
    """The call rings at ``agent``; ``offer`` counts offers of this call from 1."""

    agent: str
    offer: int
    number: str
    line: str
    queue: str = ""
    dialled: str = ""
    caller_rings: int = 0


class AgentRing(CallEvent, frozen=True, kw_only=True, tag="call.agent_ring"):
    """Ring number ``ring`` (1-based) at this agent's desk, counted from the offer to that agent."""

    agent: str
    ring: int


class OfferEnded(CallEvent, frozen=True, kw_only=True, tag="call.offer_ended"):
    agent: str
    offer: int
    outcome: OfferOutcome
    rings: int


class CallAnswered(CallEvent, frozen=True, kw_only=True, tag="call.answered"):
    """Both parties are joined. Rings are whole rings begun before the answer; the rule's version is kept (D128)."""

    agent: str
    codec: str
    caller_rings: int
    agent_rings: int
    within_three_rings: bool | None
    wait_seconds: float
    rule: str = "three_rings"
    rule_version: int = 1


class CallHeld(CallEvent, frozen=True, kw_only=True, tag="call.held"):
    by: Party


class CallResumed(CallEvent, frozen=True, kw_only=True, tag="call.resumed"):
    by: Party


class CallMuted(CallEvent, frozen=True, kw_only=True, tag="call.muted"):
    agent: str
    muted: bool


class CallDigit(CallEvent, frozen=True, kw_only=True, tag="call.digit"):
    """One DTMF digit (RFC 4733 or SIP INFO), 0-9 * # A-D."""

    digit: str
    by: Party


class PartyInvited(CallEvent, frozen=True, kw_only=True, tag="party.invited"):
    """``by`` wants somebody else in the call: they ring or are dialled. ``party`` numbers the call's parties, 0 is the
    caller; it is also the party's track in the recording. The call's first agent is offered the call instead."""

    party: int
    role: Role
    by: str
    target: Target


class PartyRinging(CallEvent, frozen=True, kw_only=True, tag="party.ringing"):
    party: int
    sip_status: int = 180
    early_media: bool = False


class PartyJoined(CallEvent, frozen=True, kw_only=True, tag="party.joined"):
    """The party answered: its voice is on track ``party`` from now. ``agent`` or ``number`` says who it is. Told of
    every party, the caller and the first agent too."""

    party: int
    role: Role
    agent: str = ""
    number: str = ""
    name: str = ""


class PartyRole(CallEvent, frozen=True, kw_only=True, tag="party.role"):
    """A party goes on in another role: a consulted one joins the conference, a listener whispers."""

    party: int
    role: Role


class PartyLeft(CallEvent, frozen=True, kw_only=True, tag="party.left"):
    """The party is gone, or never came (``joined`` False). ``by``: the side that ended its part."""

    party: int
    by: Party
    sip_status: int = 200
    reason: str = ""
    joined: bool = True


class PartyAway(CallEvent, frozen=True, kw_only=True, tag="party.away"):
    """The headset of a party is gone in mid-call (``away``), or is back. ``reason``: ``frozen`` (the audio goes on),
    ``unplugged`` (the party still hears), ``closed``, ``silent`` and other words of the socket's end. The others wait
    for ``limit`` seconds, then the call goes on without this party; 0: for as long as it lasts."""

    party: int
    agent: str
    away: bool
    reason: str = ""
    limit: float = 0.0


class AudioRouted(CallEvent, frozen=True, kw_only=True, tag="call.audio"):
    """From now on each party (by number, as text) hears the parties listed; told at each change.

    The proof of what the caller could hear: a whisperer is in no list but the agent's.
    """

    hears: dict[str, tuple[int, ...]]


class CallTransferred(CallEvent, frozen=True, kw_only=True, tag="call.transferred"):
    """The call goes on with somebody else. ``party`` is the new party's number; -1 for a queue or another house."""

    kind: TransferKind
    by: str
    target: Target
    party: int = -1


class TransferFailed(CallEvent, frozen=True, kw_only=True, tag="call.transfer_failed"):
    """Nothing came of it; the call goes back to ``returned_to``: ``agent``, ``queue`` or ``nobody`` (it ended)."""

    kind: TransferKind
    by: str
    target: Target
    sip_status: int
    reason: str
    returned_to: str


class CallPrivate(CallEvent, frozen=True, kw_only=True, tag="call.private"):
    """The agent says that this call is a private one (D6, D8), or that it is not."""

    agent: str
    private: bool


class CallMarked(CallEvent, frozen=True, kw_only=True, tag="call.marked"):
    """Somebody says something about the call, also after its end. ``mark``: ``wrong_transfer`` (D21)."""

    by: str
    mark: str
    detail: str = ""


class CallPriority(CallEvent, frozen=True, kw_only=True, tag="call.priority"):
    """The call's place in its queue changed: greater goes first. ``reason``: ``emergency``, ``vip``, ``elderly``,
    ``third_ring`` (D3), ``returned``, or a supervisor's word; ``by`` a user name or empty."""

    priority: int
    reason: str
    by: str = ""


class LinePickedUp(CallEvent, frozen=True, kw_only=True, tag="call.picked_up"):
    """200 was sent for a menu or an announcement; no agent has answered yet."""

    codec: str


class AnnouncementPlayed(CallEvent, frozen=True, kw_only=True, tag="call.announcement"):
    """``prompt`` began to play to the caller. ``why``: ``recording``, ``closed``, ``position``, ``greeting`` …"""

    prompt: str
    why: str


class MenuEntered(CallEvent, frozen=True, kw_only=True, tag="menu.entered"):
    menu: str
    version: int


class MenuAnswered(CallEvent, frozen=True, kw_only=True, tag="menu.answered"):
    """What the caller did. ``outcome``: ``chosen``, ``invalid``, ``timeout``, ``gave_up`` (the retries are used up).
    ``label`` is the branch as people call it (D2)."""

    menu: str
    outcome: str
    digit: str = ""
    label: str = ""


class CallDequeued(CallEvent, frozen=True, kw_only=True, tag="call.dequeued"):
    """The call left its queue without an agent's answer. ``why``: ``overflow``, ``callback``, ``voicemail``,
    ``transfer``, ``closed``, ``abandoned``. ``to`` says where it went, in words for programs (``queue:vip``)."""

    queue: str
    why: str
    waited_seconds: float
    to: str = ""


class CallbackRequested(CallEvent, frozen=True, kw_only=True, tag="callback.requested"):
    """The caller chose to be called back; ``waiting_since`` (Unix seconds) and ``priority`` keep the place in the
    queue."""

    queue: str
    number: str
    waiting_since: float
    priority: int = 0


class CallbackStarted(CallEvent, frozen=True, kw_only=True, tag="callback.started"):
    """This call calls back who asked for it in call ``requested_in``; ``attempt`` counts from 1."""

    queue: str
    requested_in: str
    attempt: int = 1


class CallbackUnreached(CallEvent, frozen=True, kw_only=True, tag="callback.unreached"):
    """The number was dialled and nobody was reached: try ``attempt`` of ``attempts``. The next one is made
    ``retry_in`` seconds from now; 0: there is none, and the wish becomes a ticket of ``queue``."""

    queue: str
    requested_in: str
    attempt: int
    attempts: int
    retry_in: float
    sip_status: int = 0
    reason: str = ""


class CallbackCancelled(CallEvent, frozen=True, kw_only=True, tag="callback.cancelled"):
    """Nobody needs to call back any more who asked for it in ``call``: they are in the house by themselves, or were
    reached otherwise, in call ``by_call``. Supervisors cancel by an event of the desk of this name."""

    by: str
    by_call: str
    note: str = ""


class VoicemailLeft(CallEvent, frozen=True, kw_only=True, tag="voicemail.left"):
    """The caller spoke a message; it is in the call's recording from second ``starts`` on."""

    queue: str
    starts: float
    seconds: float


class CallEnded(CallEvent, frozen=True, kw_only=True, tag="call.ended"):
    """The call is over. ``sip_status`` is the final SIP status of the INVITE (200 once it was answered)."""

    by: Party
    sip_status: int
    reason: str
    caller_rings: int = 0
    agent_rings: int = 0
    agent: str = ""
    talk_seconds: float = 0.0


class RecordingStarted(CallEvent, frozen=True, kw_only=True, tag="recording.started"):
    path: str


class RecordingFailed(CallEvent, frozen=True, kw_only=True, tag="recording.failed"):
    """Audio of a live call could not be kept; the call goes on. ``lost_seconds`` is what is missing so far."""

    reason: str
    lost_seconds: float = 0.0


class RecordingClosed(CallEvent, frozen=True, kw_only=True, tag="recording.closed"):
    """``packets`` is 0 (not counted) when a phone process closes what one that died before it left behind."""

    path: str
    bytes: int
    packets: int


class MediaQuality(CallEvent, frozen=True, kw_only=True, tag="media.quality"):
    """What one leg's receiver saw (RFC 3550 §6.4.1 meanings). ``leg`` is ``line`` or ``headset``, of ``party``."""

    leg: str
    party: int = 0
    received: int
    lost: int
    late: int = 0
    jitter_ms: float = 0.0
    ignored: int = 0


class MediaOneWay(CallEvent, frozen=True, kw_only=True, tag="media.one_way"):
    """For seconds no packet has come from ``party``, whom somebody should hear: the call has audio in one direction
    only. ``silent`` False: it comes again, or need not. ``leg`` as in ``media.quality``."""

    party: int
    silent: bool
    leg: str
    agent: str = ""


class AgentState(Event, frozen=True, kw_only=True, tag="agent.state"):
    """``by``: the supervisor who forced it, or empty. ``device``: ``headset``, or ``phone`` (home shift, D103)."""

    agent: str
    status: AgentStatus
    reason: str = ""
    call: str = ""
    by: str = ""
    device: str = "headset"


class HeadsetState(Event, frozen=True, kw_only=True, tag="agent.headset"):
    """``reason`` of a headset that is gone as in ``party.away``."""

    agent: str
    connected: bool
    reason: str = ""


class RoutingChanged(Event, frozen=True, kw_only=True, tag="routing.changed"):
    """Another version of menus, queues, prompts and hours is in force; calls under way keep the step they are at."""

    version: int


class LineState(Event, frozen=True, kw_only=True, tag="line.state"):
    """``status``: ``up`` (registered, or a trunk that listens), ``down``, ``registering``, ``failed``, ``stopped``."""

    line: str
    status: str
    detail: str = ""


class RequestRefused(Event, frozen=True, kw_only=True, tag="line.refused"):
    """An INVITE from somebody who is not a configured peer got 403; ``count`` such since the last report."""

    source: str
    count: int
    detail: str = ""


AnyEvent = (
    NodeStarted
    | CallStarted
    | CallProgress
    | CallerRing
    | CallQueued
    | CallOffered
    | AgentRing
    | OfferEnded
    | CallAnswered
    | CallHeld
    | CallResumed
    | CallMuted
    | CallDigit
    | PartyInvited
    | PartyRinging
    | PartyJoined
    | PartyRole
    | PartyLeft
    | PartyAway
    | AudioRouted
    | CallTransferred
    | TransferFailed
    | CallPrivate
    | CallMarked
    | CallPriority
    | LinePickedUp
    | AnnouncementPlayed
    | MenuEntered
    | MenuAnswered
    | CallDequeued
    | CallbackRequested
    | CallbackStarted
    | CallbackUnreached
    | CallbackCancelled
    | VoicemailLeft
    | CallEnded
    | RecordingStarted
    | RecordingFailed
    | RecordingClosed
    | MediaQuality
    | MediaOneWay
    | AgentState
    | HeadsetState
    | RoutingChanged
    | LineState
    | RequestRefused
)
