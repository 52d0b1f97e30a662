/** A message within a longer recording: times of the message, 0 at its start, against those of the recording. */

export interface Stretch {
  starts: number
  seconds: number
}

/** How far into the message the recording is, between 0 and its length. */
export function within(stretch: Stretch, at: number): number {
  return Math.min(stretch.seconds, Math.max(0, at - stretch.starts))
}

/** Where in the recording a place of the message is. */
export function inRecording(stretch: Stretch, part: number): number {
  return stretch.starts + Math.min(1, Math.max(0, part)) * stretch.seconds
}

export const isOver = (stretch: Stretch, at: number) => at >= stretch.starts + stretch.seconds
