/** The calls that live now, and those that ended while this console looked on. */
import { computed, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import { newCall, withFact, type LiveCall } from '@/events/livecall'
import type { CallFact } from '@/events/types'

const KEEP_ENDED = 40

export const useCalls = defineStore('calls', () => {
  const byId = shallowRef<ReadonlyMap<string, LiveCall>>(new Map())

  const all = computed(() => [...byId.value.values()])
  const live = computed(() => all.value.filter((call) => call.stage !== 'ended'))
  const waiting = computed(() =>
    live.value
      .filter(
        (call) =>
          (call.direction === 'inbound' || call.callback) && ['queued', 'offered'].includes(call.stage),
      )
      .sort((a, b) => b.priority - a.priority || a.startedAt - b.startedAt),
  )

  /** Callers whom a menu, an announcement or the voice mail has: they wait for nobody. */
  const inMenu = computed(() =>
    live.value.filter((call) => call.direction === 'inbound' && call.stage === 'menu'),
  )

  function keep(call: LiveCall): void {
    const next = new Map(byId.value)
    next.set(call.id, call)
    const ended = [...next.values()].filter((each) => each.stage === 'ended')
    for (const old of ended.slice(0, Math.max(0, ended.length - KEEP_ENDED))) next.delete(old.id)
    byId.value = next
  }

  function apply(fact: CallFact): void {
    // the beginning told again: its whole story follows, for somebody who is brought in
    const known = fact.type === 'call.started' ? null : byId.value.get(fact.call)
    const before = known ?? newCall(fact.call, fact.at)
    const after = withFact(before, fact)
    if (after !== before) keep(after)
  }

  /** What the server says is live now; calls known here that it no longer knows have ended unseen. */
  function reset(calls: LiveCall[], now: number): void {
    const next = new Map<string, LiveCall>()
    const alive = new Set(calls.map((call) => call.id))
    for (const known of byId.value.values()) {
      if (alive.has(known.id)) continue
      next.set(known.id, known.stage === 'ended' ? known : { ...known, stage: 'ended', endedAt: now })
    }
    for (const call of calls) {
      const known = byId.value.get(call.id)
      next.set(
        call.id,
        known && known.stage !== 'ended'
          ? {
              ...call,
              pop: call.pop ?? known.pop,
              patientId: call.patientId || known.patientId,
              startedAt: known.startedAt,
              offeredAt: known.offeredAt ?? call.offeredAt,
              answeredAt: call.answeredAt === null ? null : (known.answeredAt ?? call.answeredAt),
              callerRings: Math.max(call.callerRings, known.callerRings),
              withinThreeRings: known.withinThreeRings ?? call.withinThreeRings,
              recording: known.recording,
            }
          : call,
      )
    }
    byId.value = next
  }

  const get = (id: string) => byId.value.get(id) ?? null

  return { byId, all, live, waiting, inMenu, apply, reset, keep, get }
})
