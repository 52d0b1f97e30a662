/** My desk: the call that is mine, what may be done with it, and what follows it. */
import { computed, ref, shallowRef } from 'vue'
import { defineStore } from 'pinia'
import * as phone from '@/api/phone'
import * as log from '@/api/calls'
import { newCall, type LiveCall } from '@/events/livecall'
import { asLeft, isWith, ringsAt } from '@/events/mine'
import { speaks } from '@/events/party'
import type { AgentStatus, DeskEvent, OfferOutcome } from '@/events/types'
import { recordingStage } from '@/player/recording_stage'
import { outcomeOf } from '@/words/outcome'
import { unix } from '@/words/time'
import { useCalls } from './calls'
import { makeOnce } from './once'
import { useFloor } from './floor'
import { useSession } from './session'

/** How long a first press on "hang up" waits for the second (D6). */
export const GUARD_MS = 3000

export interface Missed {
  call: LiveCall
  outcome: OfferOutcome
  at: number
}

export const useDesk = defineStore('desk', () => {
  const session = useSession()
  const calls = useCalls()
  const floor = useFloor()

  const dispositions = shallowRef<phone.Disposition[]>([])
  const scripts = shallowRef<phone.Scripts | null>(null)
  const missed = shallowRef<Missed | null>(null)
  /** Id of the call on my screen; stays after its end until the next one or until it is put away. */
  const shownId = ref('')
  const guardUntil = ref(0)
  /** The state chosen during a call, for after it. */
  const nextState = ref<'ready' | 'not_ready' | null>(null)
  const changed = ref(0)
  /** What went wrong without anybody having pressed anything; the shell tells it. */
  const trouble = shallowRef<unknown>(null)

  const me = computed(() => floor.agent(session.user?.username))
  const status = computed<AgentStatus>(() => me.value?.status ?? 'offline')
  const user = computed(() => session.user?.username ?? '')
  /** The call that I am in, or that rings at my desk. */
  const current = computed<LiveCall | null>(() =>
    user.value ? (calls.live.find((call) => isWith(call, user.value)) ?? null) : null,
  )
  /** Me in it, where the phone tells of parties. */
  const myself = computed(() => current.value?.parties.find((one) => one.agent === user.value) ?? null)
  /** In a call of somebody else's: asked, in a conference, or as a supervisor. */
  const visiting = computed(() => myself.value !== null && myself.value.role !== 'agent')
  const ringing = computed(() => (current.value && ringsAt(current.value, user.value) ? current.value : null))
  const shown = computed<LiveCall | null>(
    () => current.value ?? asLeft(calls.byId.get(shownId.value) ?? null, user.value),
  )
  const wrapUp = computed(() => status.value === 'wrap_up')
  /** An outbound call of mine that came to nothing, still on the screen. */
  const failed = computed(() => {
    const call = shown.value
    return call && call.direction === 'outbound' && call.stage === 'ended' && call.answeredAt === null
      ? outcomeOf({
          direction: 'outbound',
          answered: false,
          ended: true,
          sipStatus: call.sipStatus,
          hungUpBy: call.hungUpBy,
        })
      : null
  })
  /** Hanging up now would hang up on a caller who is still there, before they do (D6); private calls excepted. */
  const wouldCut = computed(() => {
    const call = current.value
    if (call?.direction !== 'inbound' || call.stage !== 'talking' || call.privateAt !== null) return false
    return !call.parties.some(
      (one) => one.party !== 0 && one.agent !== user.value && one.state === 'joined' && speaks(one),
    )
  })
  const muted = computed(() => myself.value?.muted ?? current.value?.muted ?? false)
  const guarded = computed(() => wouldCut.value && guardUntil.value > 0)

  let guardTimer: ReturnType<typeof setTimeout> | undefined

  function disarm(): void {
    clearTimeout(guardTimer)
    guardUntil.value = 0
  }

  async function load(): Promise<void> {
    const [list, lines] = await Promise.all([phone.dispositions(), phone.scripts()])
    dispositions.value = log.listed<phone.Disposition>(list, 'dispositions')
    scripts.value = lines
  }

  /** A wrap-up that began before this page was loaded has its call in the log only. */
  async function recallWrapUp(): Promise<void> {
    const id = me.value?.status === 'wrap_up' ? me.value.call : ''
    if (!id || calls.get(id)) {
      if (id) shownId.value = id
      return
    }
    const row = await log.call(id)
    const started = unix(row.started_at) ?? 0
    calls.keep({
      ...newCall(id, started),
      direction: row.direction,
      stage: 'ended',
      number: row.number,
      line: row.line ?? '',
      agent: row.agent ?? '',
      answeredAt: unix(row.answered_at),
      endedAt: unix(row.ended_at),
      callerRings: row.caller_rings,
      agentRings: row.agent_rings,
      withinThreeRings: row.within_three_rings,
      hungUpBy: row.hung_up_by,
      sipStatus: row.sip_status,
      patientId: row.patient_id ?? '',
    })
    shownId.value = id
  }

  /** A call that was under way before this page was: whose it is and that it is recorded, the log knows. */
  async function recallCall(): Promise<void> {
    const id = current.value?.stage === 'talking' ? current.value.id : ''
    if (!id || (calls.get(id)?.patientId && calls.get(id)?.recording !== 'none')) return
    const row = await log.call(id)
    const known = calls.get(id)
    if (known?.stage !== 'talking') return
    const running = known.recording === 'none' && recordingStage(row) === 'running'
    calls.keep({
      ...known,
      patientId: known.patientId || (row.patient_id ?? ''),
      recording: running ? 'running' : known.recording,
    })
  }

  /** A number of exactly one patient: the call is that patient's, until the agent says otherwise. */
  async function linkOnly(id: string): Promise<void> {
    const call = calls.get(id)
    const only = call?.pop?.match === 'one' ? call.pop.patients[0] : undefined
    if (!call || !only || call.patientId) return
    try {
      await attach(id, only.id)
    } catch (error) {
      trouble.value = error
    }
  }

  function heard(event: DeskEvent): void {
    const name = user.value
    if ((event.type === 'call.offered' || event.type === 'call.started') && event.agent === name) {
      shownId.value = event.call
      missed.value = null
    } else if (event.type === 'party.invited' && event.target.agent === name) {
      shownId.value = event.call
      missed.value = null
    } else if (event.type === 'party.left') {
      // who was asked, or only looked in, has nothing to wrap up
      const left = calls.get(event.call)?.left[name]
      if (event.call === shownId.value && left && left.role !== 'agent') shownId.value = ''
    } else if (event.type === 'call.offer_ended' && event.agent === name && event.outcome !== 'answered') {
      const call = calls.get(event.call)
      if (call && !['rejected', 'elsewhere'].includes(event.outcome))
        missed.value = { call, outcome: event.outcome, at: event.at }
      if (shownId.value === event.call) shownId.value = ''
    } else if (event.type === 'call.answered' && event.agent === name) {
      void linkOnly(event.call)
    } else if (event.type === 'call.ended') {
      if (event.call === shownId.value) disarm()
      if (event.agent === name || calls.get(event.call)?.left[name]) changed.value += 1
    } else if (event.type === 'agent.state' && event.agent === name) {
      if (event.status === 'ready' || event.status === 'not_ready') nextState.value = null
      if (event.status === 'wrap_up' && event.call)
        recallWrapUp().catch((error: unknown) => (trouble.value = error))
    }
  }

  async function setState(state: 'ready' | 'not_ready', reason = ''): Promise<void> {
    const busy = ['ringing', 'talking', 'wrap_up'].includes(status.value)
    await phone.setState(state, reason)
    if (busy) nextState.value = state
  }

  const once = makeOnce()
  /** This ringing of the call, not one before or after it. */
  const asItRings = (call: LiveCall) =>
    `${call.id} ${call.offeredAt} ${myself.value?.party} ${myself.value?.since}`

  async function answer(): Promise<void> {
    const call = ringing.value
    if (call) await once(`answer ${asItRings(call)}`, () => phone.answer(call.id))
  }

  async function reject(): Promise<void> {
    const call = ringing.value
    if (call) await once(`reject ${asItRings(call)}`, () => phone.reject(call.id))
  }

  /** Hangs up; on a caller who is still there only at the second press (D6). Gives whether it was done. */
  async function hangUp(): Promise<boolean> {
    const call = current.value
    if (!call || ringing.value) return false
    if (wouldCut.value && !guarded.value) {
      guardUntil.value = Date.now() + GUARD_MS
      clearTimeout(guardTimer)
      guardTimer = setTimeout(disarm, GUARD_MS)
      return false
    }
    disarm()
    return once(`hang up ${call.id}`, () => phone.hangUp(call.id))
  }

  async function toggleMute(): Promise<void> {
    const call = current.value
    if (call?.stage === 'talking') await phone.mute(call.id, !muted.value)
  }

  async function toggleHold(): Promise<void> {
    const call = current.value
    if (call?.stage !== 'talking') return
    await (call.heldBy.includes('agent') ? phone.resume(call.id) : phone.hold(call.id))
  }

  let digitsSent: Promise<unknown> = Promise.resolve()

  /** One after another: two requests under way at once may overtake each other. */
  async function sendDigits(digits: string): Promise<void> {
    const call = current.value
    if (!call) return
    const before = digitsSent
    const send = async () => {
      await before.catch(() => undefined)
      await phone.sendDigits(call.id, digits)
    }
    digitsSent = send()
    await digitsSent
  }

  async function begin(whom: phone.Dialled): Promise<void> {
    const { id } = await phone.dial(whom)
    shownId.value = id
    missed.value = null
  }

  const dial = (number: string) => begin({ number })

  const dialPhone = (patientId: string, phoneId: string) =>
    begin({ patient_id: patientId, phone_id: phoneId })

  const dialBack = (call: string, patientId?: string) =>
    begin(patientId ? { call, patient_id: patientId } : { call })

  async function dispose(call: string, code: string, note: string): Promise<void> {
    await phone.dispose(call, code, note)
    if (shownId.value === call) shownId.value = ''
    changed.value += 1
  }

  async function attach(call: string, patientId: string): Promise<void> {
    await phone.attachPatient(call, patientId)
    const known = calls.get(call)
    if (known) calls.keep({ ...known, patientId })
  }

  function putAway(): void {
    shownId.value = ''
    missed.value = null
  }

  return {
    dispositions,
    scripts,
    missed,
    shownId,
    nextState,
    changed,
    trouble,
    user,
    me,
    status,
    current,
    myself,
    visiting,
    muted,
    ringing,
    shown,
    wrapUp,
    failed,
    guarded,
    load,
    recallCall,
    recallWrapUp,
    heard,
    setState,
    answer,
    reject,
    hangUp,
    toggleMute,
    toggleHold,
    sendDigits,
    dial,
    dialPhone,
    dialBack,
    dispose,
    attach,
    putAway,
  }
})
