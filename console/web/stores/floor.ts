/** Agents and lines as the stream tells them. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import type { AgentMap, LineMap, RulesMap } from '@/events/snapshot'
import type { AgentState, AgentStatus, HeadsetState, LineState } from '@/events/types'

export interface FloorAgent {
  user: string
  name: string
  status: AgentStatus
  reason: string
  call: string
  headset: boolean
  /** Why it is away, and since when it is there or away. */
  headsetReason: string
  headsetSince: number
  queues: string[]
  device: 'headset' | 'phone'
  /** The supervisor who put the agent in this state. */
  by: string
  /** Unix seconds, server clock. */
  since: number
}

export interface FloorLine {
  name: string
  status: string
  detail: string
  capabilities: Record<string, boolean>
  since: number
}

export const useFloor = defineStore('floor', () => {
  const agents = shallowRef<ReadonlyMap<string, FloorAgent>>(new Map())
  const lines = shallowRef<ReadonlyMap<string, FloorLine>>(new Map())

  /** Rings within which a call should be answered, as the phone counts them now (D3); 3 until it has said. */
  const ringLimit = ref(3)
  /** Seconds from one ring to the next. */
  const ringCadence = ref(5)
  /** Seconds of hold before the console says so; of talk (D7); of a private call at most (D8). */
  const holdHint = ref(60)
  const durationHint = ref(300)
  const privateLimit = ref(180)

  function ruled(rules: RulesMap | null | undefined): void {
    if (rules && rules.three_rings > 0) ringLimit.value = rules.three_rings
    if (rules?.ring_cadence) ringCadence.value = rules.ring_cadence
    if (rules?.hold_hint) holdHint.value = rules.hold_hint
    if (rules?.duration_hint) durationHint.value = rules.duration_hint
    if (rules?.private_call_limit) privateLimit.value = rules.private_call_limit
  }

  const agentList = computed(() => [...agents.value.values()].sort((a, b) => a.user.localeCompare(b.user)))
  /** Those who are offered calls; a supervisor with a headset is in no queue. */
  const attendants = computed(() => agentList.value.filter((one) => one.name === '' || one.queues.length > 0))
  const lineList = computed(() => [...lines.value.values()].sort((a, b) => a.name.localeCompare(b.name)))

  function put(agent: FloorAgent): void {
    agents.value = new Map(agents.value).set(agent.user, agent)
  }

  function blank(user: string, at: number): FloorAgent {
    return {
      user,
      name: '',
      status: 'offline',
      reason: '',
      call: '',
      headset: false,
      headsetReason: '',
      headsetSince: at,
      queues: [],
      device: 'headset',
      by: '',
      since: at,
    }
  }

  function reset(agentMaps: AgentMap[], lineMaps: LineMap[], now: number): void {
    agents.value = new Map(
      agentMaps.map((map) => [
        map.agent,
        {
          user: map.agent,
          name: map.name || map.agent,
          status: map.status,
          reason: map.reason ?? '',
          call: map.call ?? '',
          headset: map.headset ?? false,
          headsetReason: map.headset_reason ?? '',
          headsetSince: now - (map.headset_seconds ?? 0),
          queues: map.queues ?? [],
          device: map.device ?? 'headset',
          by: map.by ?? '',
          since: now - (map.seconds ?? 0),
        },
      ]),
    )
    lines.value = new Map(
      lineMaps.map((map) => [
        map.line,
        {
          name: map.line,
          status: map.status,
          detail: map.detail ?? '',
          capabilities: map.capabilities ?? {},
          since: now,
        },
      ]),
    )
  }

  /** An agent whom the snapshot did not know: its name is not in the stream. */
  const unnamed = computed(() =>
    agentList.value.some((agent) => agent.name === '' && agent.status !== 'offline'),
  )

  function learnNames(agentMaps: AgentMap[]): void {
    for (const map of agentMaps) {
      const known = agents.value.get(map.agent)
      if (known) put({ ...known, name: map.name || map.agent, queues: map.queues ?? known.queues })
    }
  }

  function agentState(event: AgentState): void {
    const before = agents.value.get(event.agent) ?? blank(event.agent, event.at)
    put({
      ...before,
      status: event.status,
      reason: event.reason ?? '',
      call: event.call ?? '',
      by: event.by ?? '',
      device: event.device ?? before.device,
      since: event.at,
    })
  }

  function headset(event: HeadsetState): void {
    const before = agents.value.get(event.agent) ?? blank(event.agent, event.at)
    const headsetSince = before.headset === event.connected ? before.headsetSince : event.at
    put({ ...before, headset: event.connected, headsetReason: event.reason ?? '', headsetSince })
  }

  function line(event: LineState): void {
    const before = lines.value.get(event.line)
    lines.value = new Map(lines.value).set(event.line, {
      name: event.line,
      capabilities: before?.capabilities ?? {},
      status: event.status,
      detail: event.detail ?? '',
      since: event.at,
    })
  }

  const agent = (user: string | undefined) => (user ? (agents.value.get(user) ?? null) : null)
  const nameOf = (user: string | null | undefined) => (user ? agents.value.get(user)?.name || user : '')

  return {
    agents,
    lines,
    agentList,
    attendants,
    lineList,
    ringLimit,
    ringCadence,
    holdHint,
    durationHint,
    privateLimit,
    ruled,
    unnamed,
    learnNames,
    reset,
    agentState,
    headset,
    line,
    agent,
    nameOf,
  }
})
