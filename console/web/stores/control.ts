/** What may be done with my call besides talking: take it to somebody, ask somebody, bring people together. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import * as phone from '@/api/phone'
import { speaks, type CallParty } from '@/events/party'
import type { LiveCall } from '@/events/livecall'
import type { DeskEvent, TransferFailed } from '@/events/types'
import { useCalls } from './calls'
import { useDesk } from './desk'
import { useFloor } from './floor'
import { makeOnce } from './once'

/** Who speak in one call at most (docs/call-control.md). */
export const MOST_SPEAKERS = 5

export const useControl = defineStore('control', () => {
  const desk = useDesk()
  const calls = useCalls()
  const floor = useFloor()

  /** The directory is open, to choose who gets the call or is asked. */
  const choosing = ref(false)
  /** The latest call of mine with a caller, for calling back and for saying that it was none of ours. */
  const lastId = ref('')
  const failure = shallowRef<TransferFailed | null>(null)

  const call = computed(() => desk.current)
  const parties = computed(() => call.value?.parties ?? [])
  const talking = computed(() => call.value?.stage === 'talking' && !desk.ringing)
  const role = computed(() => desk.myself?.role ?? 'agent')
  /** I have the call, and may send it on; who was asked or only looks in may not. */
  const mine = computed(() => talking.value && ['agent', 'member', 'barger'].includes(role.value))
  /** The one whom I ask apart from the caller. */
  const asked = computed<CallParty | null>(() =>
    role.value === 'agent' ? (parties.value.find((one) => one.role === 'consulted') ?? null) : null,
  )
  /** With whom I speak while I ask somebody. */
  const side = computed(() => desk.myself?.group ?? 'main')
  const speakers = computed(() => parties.value.filter((one) => speaks(one) && one.state === 'joined'))
  const conference = computed(() => !asked.value && speakers.value.length > 2)
  const watching = computed(() => role.value === 'listener' || role.value === 'whisperer')
  /** Here as a supervisor: not mine to hang up, only to leave. */
  const supervising = computed(() => watching.value || role.value === 'barger')
  const heldByMe = computed(
    () => role.value === 'agent' && !asked.value && (call.value?.heldBy.includes('agent') ?? false),
  )
  const lastCall = computed<LiveCall | null>(() => calls.get(lastId.value))

  /** The line, or the call as it stands, cannot do everything; what nobody has spoken of is taken to be possible. */
  function can(what: 'hold' | 'transfer' | 'consult' | 'conference' | 'digits'): boolean {
    const told = call.value?.can[what]
    if (told !== undefined) return told
    return floor.lines.get(call.value?.line ?? '')?.capabilities[what] !== false
  }

  const mayAsk = computed(
    () =>
      talking.value &&
      role.value === 'agent' &&
      !asked.value &&
      can('consult') &&
      speakers.value.length < MOST_SPEAKERS,
  )
  const mayTransfer = computed(
    () => talking.value && role.value === 'agent' && !asked.value && can('transfer'),
  )

  function on(act: (id: string) => Promise<unknown>): Promise<unknown> {
    failure.value = null
    return call.value ? act(call.value.id) : Promise.resolve()
  }

  async function transfer(target: phone.TargetWish): Promise<void> {
    if (!mayTransfer.value) return
    await on((id) => phone.transfer(id, target))
    choosing.value = false
  }

  async function consult(target: phone.TargetWish): Promise<void> {
    if (!mayAsk.value) return
    await on((id) => phone.consult(id, target))
    choosing.value = false
  }

  const joined = computed(() => asked.value?.state === 'joined')
  const swap = async () => joined.value && on(phone.swap)
  const once = makeOnce()
  /** Ends this asking of that party, one way or the other. */
  const endAsking = (act: (id: string) => Promise<unknown>) =>
    once(`${call.value?.id} ${asked.value?.party} ${asked.value?.since}`, () => on(act))
  const merge = async () => joined.value && can('conference') && endAsking(phone.merge)
  const complete = async () => joined.value && endAsking(phone.complete)
  const cancelConsult = async () => asked.value && endAsking(phone.cancelConsult)
  const drop = async (party: number) => on((id) => phone.drop(id, party))
  /** Whoever came last, me aside. */
  const latest = computed(
    () =>
      parties.value
        .filter((one) => one.party !== 0 && one.agent !== desk.user && speaks(one) && one.role !== 'barger')
        .at(-1) ?? null,
  )
  const dropLatest = async () =>
    mine.value && conference.value && latest.value ? drop(latest.value.party) : undefined
  const leave = async () =>
    talking.value && once(`leave ${call.value?.id} ${desk.myself?.since}`, () => on(phone.leave))

  async function togglePrivate(): Promise<void> {
    const it = call.value
    if (it && talking.value && !watching.value) await phone.setPrivate(it.id, it.privateAt === null)
  }

  async function markWrong(): Promise<void> {
    const id = call.value?.id ?? desk.shown?.id ?? lastId.value
    if (id) await phone.mark(id, 'wrong_transfer')
  }

  async function callBackLast(): Promise<void> {
    const it = lastCall.value
    if (it && !desk.current) await desk.dialBack(it.id, it.patientId || undefined)
  }

  function heard(event: DeskEvent): void {
    if (event.type === 'call.transfer_failed' && event.by === desk.user) failure.value = event
    if (event.type === 'call.answered' && event.agent === desk.user) lastId.value = event.call
    if (event.type === 'party.joined' && event.agent === desk.user) lastId.value = event.call
    if ((event.type === 'call.offered' || event.type === 'call.started') && event.agent === desk.user)
      failure.value = null
    if (!talking.value) choosing.value = false
  }

  return {
    choosing,
    lastId,
    lastCall,
    failure,
    call,
    parties,
    talking,
    role,
    mine,
    asked,
    side,
    joined,
    speakers,
    conference,
    watching,
    supervising,
    heldByMe,
    latest,
    mayAsk,
    mayTransfer,
    can,
    transfer,
    consult,
    swap,
    merge,
    complete,
    cancelConsult,
    drop,
    dropLatest,
    leave,
    togglePrivate,
    markWrong,
    callBackLast,
    heard,
  }
})
