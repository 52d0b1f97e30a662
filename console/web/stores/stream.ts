/** Keeps the console socket and leads its events to the stores. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import { heardFromServer, serverNow } from '@/events/clock'
import { callFrom, type AgentMap, type CallMap, type LineMap } from '@/events/snapshot'
import { EventSocket, type Snapshot, type SocketState } from '@/events/socket'
import { isCallFact, type DeskEvent } from '@/events/types'
import { useCalls } from './calls'
import { useFloor } from './floor'

const CONSOLE_ID = 'sansheng.console'

/** One random id per tab, kept over reloads, so that a reload is not taken for a second console. */
export function consoleId(): string {
  const kept = sessionStorage.getItem(CONSOLE_ID)
  if (kept) return kept
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  sessionStorage.setItem(CONSOLE_ID, fresh)
  return fresh
}

export function socketUrl(place: Pick<Location, 'protocol' | 'host'> = window.location): string {
  return `${place.protocol === 'https:' ? 'wss' : 'ws'}://${place.host}/ws/events`
}

type Listener = (event: DeskEvent) => void

export const useStream = defineStore('stream', () => {
  const state = ref<SocketState | 'off'>('off')
  const faults = ref<string[]>([])
  const calls = useCalls()
  const floor = useFloor()
  const listeners = new Set<Listener>()
  let socket: EventSocket | null = null

  function snapshot(frame: Snapshot): void {
    if (typeof frame.at === 'number') heardFromServer(frame.at)
    const now = serverNow()
    floor.reset(frame.agents as AgentMap[], frame.lines as LineMap[], now)
    calls.reset(
      (frame.calls as CallMap[]).map((map) => callFrom(map, now)),
      now,
    )
  }

  function event(fact: DeskEvent): void {
    heardFromServer(fact.at)
    if (isCallFact(fact)) calls.apply(fact)
    else if (fact.type === 'agent.state') floor.agentState(fact)
    else if (fact.type === 'agent.headset') floor.headset(fact)
    else if (fact.type === 'line.state') floor.line(fact)
    for (const listener of listeners) listener(fact)
  }

  function start(): void {
    stop()
    socket = new EventSocket(socketUrl(), consoleId(), {
      snapshot,
      event,
      state: (next) => (state.value = next),
      fault: (reason) => (faults.value = [...faults.value.slice(-19), reason]),
    })
    socket.connect()
  }

  function stop(): void {
    socket?.close()
    socket = null
    state.value = 'off'
  }

  /** Each event after the stores took it. Gives back what ends it. */
  function listen(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  window.addEventListener('online', () => socket?.retryNow())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') socket?.retryNow()
  })

  return { state, faults, start, stop, listen }
})
