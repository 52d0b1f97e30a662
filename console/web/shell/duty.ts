/** What runs while somebody is signed in: the event stream, the desk's lists, the headset, the alert when it rings. */
import { onBeforeUnmount, onMounted, watch } from 'vue'
import { signedOut } from '@/api/client'
import { floorAgents } from '@/api/house'
import { whoAmI } from '@/api/session'
import type { DeskEvent } from '@/events/types'
import { i18n } from '@/i18n'
import { startAlert, stopAlert } from '@/notify/ringing'
import { useControl } from '@/stores/control'
import { useDesk } from '@/stores/desk'
import { useFloor } from '@/stores/floor'
import { useHeadset } from '@/stores/headset'
import { useMissed } from '@/stores/missed'
import { useQueueNames } from '@/stores/queue_names'
import { useSession } from '@/stores/session'
import { useStream } from '@/stores/stream'
import { useWaiting } from '@/stores/waiting'
import { callerLabel } from '@/words/caller'
import { askBeforeLeaving } from './leaving'
import { attempt, tellFailure, tellWarning } from './report'

const TRY_AGAIN_MS = 2000

/** The server let this console go: because the session is over, or, when it still stands, for another try. */
async function askWhetherSignedOut(): Promise<void> {
  const session = useSession()
  if (!session.user) return
  try {
    if (!(await whoAmI())) signedOut()
    else
      setTimeout(() => {
        if (session.user && useStream().state === 'closed') useStream().start()
      }, TRY_AGAIN_MS)
  } catch (error) {
    tellFailure(error)
  }
}

export function useDuty(): void {
  const session = useSession()
  const stream = useStream()
  const desk = useDesk()
  const headset = useHeadset()
  const floor = useFloor()
  const control = useControl()
  const missed = useMissed()
  const waiting = useWaiting()
  const ends: (() => void)[] = []

  /** The list of missed calls is read again when it may have changed. */
  function missedOne(event: DeskEvent): void {
    if (['call.offer_ended', 'call.ended', 'call.answered'].includes(event.type)) missed.readSoon()
  }

  /** After an update a page that was not opened yet is there under another name only; a fresh start finds it. */
  function outdated(): void {
    if (stream.state !== 'open') return
    if (desk.current) tellWarning(i18n.global.t('socket.updated'))
    else window.location.reload()
  }

  onMounted(() => {
    window.addEventListener('vite:preloadError', outdated)
    // one that only rings goes to somebody else; what another console took over is safe there
    ends.push(askBeforeLeaving(() => !!desk.current && !desk.ringing && stream.state !== 'replaced'))
    stream.start()
    void attempt(desk.load)
    useQueueNames().renew()
    ends.push(stream.listen(desk.heard), stream.listen(control.heard))
    if (!session.isAgent) return
    missed.start()
    ends.push(stream.listen(missedOne))
    void attempt(headset.connect)
  })

  // Whoever gave up waiting is to be called back: by everybody of the queue, rung at or not.
  watch(
    () => waiting.givenUp,
    () => {
      if (session.isAgent) missed.readSoon()
    },
  )

  // Signed in again over the desk, in the call in which the session ended (SignInAgain).
  watch(
    () => session.expired,
    (expired) => {
      if (expired || !session.user) return
      stream.start()
      void attempt(desk.load)
      if (!headset.connected && (session.isAgent || desk.current)) void attempt(headset.connect)
    },
  )

  // Of a call that is older than this page, or went on while it was away, the rest is in the log.
  watch(
    () => (stream.state === 'open' ? (desk.current?.id ?? '') : ''),
    (call) => {
      if (call) void attempt(desk.recallCall)
    },
  )

  // A call that rings, and one that waits for its wrap-up, may be older than this page.
  watch(
    () => [stream.state, desk.me?.status, desk.me?.call] as const,
    ([state]) => {
      if (state === 'open' && desk.me?.status === 'wrap_up') void attempt(desk.recallWrapUp)
    },
  )

  watch(
    () => desk.ringing?.id ?? '',
    (call) => {
      headset.ring(call !== '')
      if (call && desk.ringing) startAlert(call, callerLabel(desk.ringing))
      else stopAlert()
    },
  )

  // A supervisor's headset is connected for a call only; after a reload in it, that is now.
  watch(
    () => desk.current !== null && stream.state === 'open',
    (inCall) => {
      if (inCall && !session.isAgent && headset.state.name === 'off') void attempt(headset.connect)
    },
  )

  watch(
    () => floor.unnamed && (session.role === 'supervisor' || session.role === 'admin'),
    (wanted) => {
      if (wanted) void attempt(async () => floor.learnNames(await floorAgents()))
    },
  )

  watch(
    () => desk.trouble,
    (error) => {
      if (error) tellFailure(error)
    },
  )

  watch(
    () => stream.state,
    (state) => {
      if (state === 'replaced') {
        headset.disconnect()
        stopAlert()
      }
      if (state === 'closed') void askWhetherSignedOut()
    },
  )

  onBeforeUnmount(() => {
    window.removeEventListener('vite:preloadError', outdated)
    for (const end of ends) end()
    missed.stop()
    headset.ring(false)
    headset.disconnect()
    stopAlert()
    stream.stop()
  })
}
