/** What page, worker and worklets say to each other. Media never passes the page. */
import type { PayloadType } from './g711'
import type { CallDirection, HeadsetStats } from './headset_events'

export type PageToWorker =
  | { type: 'ports'; capture: MessagePort; playback: MessagePort }
  | { type: 'connect'; url: string; token: string }
  | { type: 'disconnect' }
  /** Close the socket and end the worker. */
  | { type: 'end' }
  | { type: 'retry_after'; delayMs: number }
  | { type: 'mute'; muted: boolean }
  /** There is a microphone, or no longer one. */
  | { type: 'microphone'; present: boolean }
  | { type: 'page_alive' }

export type WorkerToPage =
  /** The page's main thread is asked whether it still runs. */
  | { type: 'ask_alive' }
  | { type: 'opened'; agent: string }
  | { type: 'closed'; code: number; detail: string }
  /** The pause before the next attempt is over (counted here: a page's timers are throttled in the background). */
  | { type: 'retry_due' }
  | { type: 'ring'; call: string; on: boolean }
  | { type: 'call_started'; call: string; direction: CallDirection; payloadType: PayloadType }
  | { type: 'call_stopped'; call: string; reason: 'stopped' | 'lost' }
  | { type: 'muted'; muted: boolean }
  | { type: 'level'; mic: number; ear: number }
  | { type: 'stats'; stats: HeadsetStats }
  | { type: 'trouble'; message: string }

/** 20 ms of the microphone at 8 kHz. */
export type CaptureToWorker = Float32Array<ArrayBuffer>

export type WorkerToPlayback =
  | {
      type: 'packet'
      sequence: number
      timestamp: number
      marker: boolean
      samples: Float32Array<ArrayBuffer>
    }
  /** Forget all audio and figures: a call starts or stops. */
  | { type: 'reset' }

export type PlaybackFigures = Omit<HeadsetStats, 'sent'>

/** About 15 times a second. */
export type PlaybackToWorker = { ear: number; figures: PlaybackFigures }

/** Sent to a worklet through its node's own port, once. */
export interface WorkletPort {
  port: MessagePort
}
