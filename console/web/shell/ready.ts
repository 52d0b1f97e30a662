/** 示闲 / 示忙 by one press, of the button or of its key; whoever a supervisor has signed off comes back by it. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useDesk } from '@/stores/desk'
import { useHeadset } from '@/stores/headset'
import { useStream } from '@/stores/stream'
import { attempt, tellWarning } from './report'

export function useReady() {
  const { t } = useI18n()
  const desk = useDesk()
  const headset = useHeadset()
  const stream = useStream()

  const busy = computed(() => ['ringing', 'talking', 'wrap_up'].includes(desk.status))
  /** What one press brings; null: nothing, while the floor is out of reach. */
  const target = computed<'ready' | 'not_ready' | 'back' | null>(() => {
    if (desk.status === 'offline') return stream.state === 'open' && !stream.phoneAway ? 'back' : null
    if (busy.value) return desk.nextState === 'not_ready' ? 'ready' : 'not_ready'
    return desk.status === 'ready' ? 'not_ready' : 'ready'
  })

  function press(): void {
    const to = target.value
    // saying hello again signs in to the floor
    if (to === 'back') stream.start()
    else if (to === 'ready' && !headset.connected && desk.me?.device !== 'phone')
      tellWarning(t('headset.needed'))
    else if (to) void attempt(() => desk.setState(to, to === 'ready' ? '' : 'break'))
  }

  return { busy, target, press }
}
