/** What is special about a call, as the filters of the call log name it. */
import { CALL_FLAGS, type CallFlag, type CallJourney } from '@/api/calls'

const HAS: Record<CallFlag, (row: CallJourney) => boolean> = {
  transferred: (row) => row.transferred === true && row.wrong_transfer !== true,
  private: (row) => row.private === true,
  wrong_transfer: (row) => row.wrong_transfer === true,
  voicemail: (row) => Boolean(row.voicemail),
  callback: (row) => Boolean(row.callback_requested_at) || Boolean(row.callback_of),
}

/** A wrong transfer is one already, and an outcome says what it is: neither is marked twice. */
export const flagsOf = (row: CallJourney & { outcome?: string }): CallFlag[] =>
  CALL_FLAGS.filter((flag) => HAS[flag](row) && row.outcome !== flag)

/** The labels that were chosen in these calls' menus, each once. */
export function branchesOf(rows: readonly CallJourney[]): string[] {
  return [...new Set(rows.flatMap((row) => row.branches ?? []))].sort()
}
