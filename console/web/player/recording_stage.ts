import type { CallRow } from '@/api/calls'

/**
 * `running` while it is captured, `finishing` until the worker has made the file, then `ready`, or `forbidden` where it is
 * not for this user; or `failed`, `none`.
 */
export type RecordingStage = 'none' | 'running' | 'finishing' | 'ready' | 'forbidden' | 'failed'

export function recordingStage(call: Pick<CallRow, 'recording' | 'ended_at'>): RecordingStage {
  const { recording } = call
  if (!recording) return 'none'
  switch (recording.state) {
    case 'ready':
      return recording.url === null ? 'forbidden' : 'ready'
    case 'failed':
      return 'failed'
    case 'capturing':
      return call.ended_at === null ? 'running' : 'finishing'
    case 'captured':
    case 'finishing':
      return 'finishing'
    default:
      if (recording.url && recording.seconds !== null) return 'ready'
      return call.ended_at === null ? 'running' : 'finishing'
  }
}
