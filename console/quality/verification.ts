import type { Verification } from '@/api/audits'

/** Whether the draw, computed again, came out the same. Nothing said counts as no. */
export function isVerified(told: Verification): boolean {
  return told.ok === true || told.verified === true
}

export function candidateCount(told: Verification): number | null {
  if (Array.isArray(told.candidates)) return told.candidates.length
  return typeof told.candidates === 'number' ? told.candidates : null
}
