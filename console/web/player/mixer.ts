/** Which voices are heard: all that are not muted, or only those that are played alone. */
import { computed, ref, type Ref } from 'vue'

export interface Mixer {
  muted: Ref<ReadonlySet<number>>
  alone: Ref<ReadonlySet<number>>
  audible: (party: number) => boolean
  toggleMute: (party: number) => void
  toggleAlone: (party: number) => void
}

function toggled(set: ReadonlySet<number>, party: number): ReadonlySet<number> {
  const next = new Set(set)
  if (!next.delete(party)) next.add(party)
  return next
}

/** Playing a voice alone unmutes it; muting it ends its being alone. */
export function useMixer(changed: () => void): Mixer {
  const muted = ref<ReadonlySet<number>>(new Set())
  const alone = ref<ReadonlySet<number>>(new Set())
  const heard = computed(
    () => (party: number) => (alone.value.size > 0 ? alone.value.has(party) : !muted.value.has(party)),
  )
  const without = (set: ReadonlySet<number>, party: number) =>
    new Set([...set].filter((one) => one !== party))
  return {
    muted,
    alone,
    audible: (party) => heard.value(party),
    toggleMute(party) {
      muted.value = toggled(muted.value, party)
      alone.value = without(alone.value, party)
      changed()
    },
    toggleAlone(party) {
      alone.value = toggled(alone.value, party)
      muted.value = without(muted.value, party)
      changed()
    },
  }
}
