/** What the headset tells the page: its state, levels, figures, calls and devices. */

/** Why the socket was lost. `socket`: closed or unreachable; `token`: refused (4003) or none could be had. */
export type LostReason = 'socket' | 'token'

export type HeadsetState =
  /** Not connected, or disconnected by `disconnect()`. */
  | { name: 'off' }
  /** Asking for the microphone and starting the audio engine. */
  | { name: 'starting' }
  /** The browser wants a click or key first: call `resume()` from its handler. No call can be heard until then. */
  | { name: 'needs_gesture' }
  /** The socket is being opened; `attempt` counts from 1 since the last success. */
  | { name: 'connecting'; attempt: number }
  /** Ready for calls. */
  | { name: 'connected'; agent: string }
  /** The socket broke; a new attempt follows by itself in `retryInMs`. */
  | { name: 'lost'; reason: LostReason; detail: string; retryInMs: number }
  /** A newer console of the same agent took the headset over. Nothing is tried again before `connect()`. */
  | { name: 'replaced' }
  /** The user or a policy denies the microphone. `connect()` again once it is allowed. */
  | { name: 'denied' }
  /** There is no microphone (any more). Goes on by itself as soon as one is plugged in. */
  | { name: 'no_device' }
  /** The audio engine cannot run here; `message` is for the log. */
  | { name: 'failed'; message: string }

/** Root-mean-square levels, 0 to 1, about 15 times a second while the audio engine runs. */
export interface HeadsetLevel {
  /** The microphone, also while muted. */
  mic: number
  /** The call's audio in the earphone, before the volume. */
  ear: number
}

/** Figures of the inbound audio, once a second while the audio engine runs. Counters count from `start` of the call. */
export interface HeadsetStats {
  /** Audio waiting in the jitter buffer now, milliseconds. */
  depthMs: number
  /** Depth that the buffer aims at, milliseconds. */
  targetMs: number
  /** Delay added by the buffer beyond the fastest packet of the last seconds, milliseconds. */
  addedDelayMs: number
  /** Audio invented to fill gaps, milliseconds. */
  concealedMs: number
  /** Audio removed to shed delay, milliseconds. */
  shedMs: number
  /** Packets that came in. */
  received: number
  /** Packets that never came, or came too late to be heard. */
  lost: number
  /** Packets that came after their turn (also counted in `lost`). */
  late: number
  /** Times that the buffer ran dry while audio was expected. */
  underruns: number
  /** Packets sent. */
  sent: number
}

/** Of the media, as the phone says it: sendrecv, sendonly, recvonly, inactive. */
export type CallDirection = string

/** Again for the same call when its direction or codec changes. */
export interface HeadsetCallStarted {
  call: string
  direction: CallDirection
  /** 0 PCMU, 8 PCMA. */
  payloadType: 0 | 8
}

export interface HeadsetCallStopped {
  call: string
  /** `stopped`: the phone said so; `lost`: the socket broke (the phone starts it again after the reconnect). */
  reason: 'stopped' | 'lost'
}

export type DeviceNotice =
  /** The chosen or default microphone went away; `label` is the one used from now on, empty if there is none. */
  | { kind: 'input_lost'; label: string }
  /** A microphone is in use (again). */
  | { kind: 'input_changed'; label: string }
  /** The chosen earphone went away; the system's default is used from now on. */
  | { kind: 'output_lost' }
  /** Devices came or went: read `listDevices()` again. */
  | { kind: 'list_changed' }

export interface HeadsetEvents {
  state: HeadsetState
  level: HeadsetLevel
  stats: HeadsetStats
  callStarted: HeadsetCallStarted
  callStopped: HeadsetCallStopped
  /** Muted by `setMuted` or by the phone; a stopped call ends its mute. */
  muted: { muted: boolean }
  device: DeviceNotice
  /** Something that should not happen but was survived; for the log. */
  trouble: { message: string }
}

export interface HeadsetDevice {
  id: string
  /** Empty until the microphone was allowed once. */
  label: string
}

export interface HeadsetDevices {
  inputs: HeadsetDevice[]
  outputs: HeadsetDevice[]
  /** False where the browser cannot choose an output (then `outputs` is empty). */
  canChooseOutput: boolean
}

/** Microphone processing by the browser; all on by default. */
export interface MicrophoneProcessing {
  echoCancellation: boolean
  noiseSuppression: boolean
  autoGainControl: boolean
}

/** Where to connect: the headset socket's address and a token signed by the web process. */
export interface HeadsetTicket {
  url: string
  token: string
}
