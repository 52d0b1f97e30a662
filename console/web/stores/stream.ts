/** Keeps the console socket and leads its events to the stores. */
import { ref } from 'vue'
import { defineStore } from 'pinia'
import { consoleId } from '@/events/console_id'
import { heardFromServer, serverNow } from '@/events/clock'
import { callFrom, type AgentMap, type CallMap, type LineMap, type RulesMap } from '@/events/snapshot'
import { EventSocket, type Notice, type Snapshot, type SocketState } from '@/events/socket'
import { isCallFact, type DeskEvent } from '@/events/types'
import { useCalls } from './calls'
import { useFloor } from './floor'
import { useWaiting } from './waiting'

export function socketUrl(place: Pick<Location, 'protocol' | 'host'> = window.location): string {
  return `${place.protocol === 'https:' ? 'wss' : 'ws'}://${place.host}/ws/events`
}

type Listener = (event: DeskEvent) => void

export const useStream = defineStore('stream', () => {
  const state = ref<SocketState | 'off'>('off')
  /** The web process does not reach the phone process. */
  const phoneAway = ref(false)
  const faults = ref<string[]>([])
  const calls = useCalls()
  const floor = useFloor()
  const waiting = useWaiting()
  const listeners = new Set<Listener>()
  const finished = new Set<(call: string) => void>()
  let socket: EventSocket | null = null

  function snapshot(frame: Snapshot): void {
    if (typeof frame.at === 'number') heardFromServer(frame.at)
    const now = serverNow()
    const mine = frame.agent as AgentMap | null | undefined
    const agents = frame.agents as AgentMap[]
    floor.reset(mine && agents.length === 0 ? [mine] : agents, frame.lines as LineMap[], now)
    phoneAway.value = frame.phone === false
    floor.ruled(frame.rules as RulesMap | null | undefined)
    waiting.told(frame.queues)
    calls.reset(
      (frame.calls as CallMap[]).map((map) => callFrom(map, now)),
      now,
    )
  }

  function notice(frame: Notice): void {
    if (frame.type === 'queues') {
      waiting.told(frame.queues, frame.given_up)
      return
    }
    if (frame.type === 'recording.finished') {
      for (const done of finished) done(frame.call)
      return
    }
    if (frame.type === 'rules') {
      floor.ruled(frame.rules as RulesMap | null)
      return
    }
    const back = phoneAway.value && frame.connected
    phoneAway.value = !frame.connected
    // What stands at the phone after its restart is in a snapshot only.
    if (back) socket?.renew()
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
      notice,
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

  /** The call whose recording has just been finished, or has failed. Gives back what ends it. */
  function whenFinished(done: (call: string) => void): () => void {
    finished.add(done)
    return () => finished.delete(done)
  }

  window.addEventListener('online', () => socket?.retryNow())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') socket?.retryNow()
  })

  return { state, phoneAway, faults, start, stop, listen, whenFinished }
})
