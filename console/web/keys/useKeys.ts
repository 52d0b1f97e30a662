import { onActivated, onBeforeUnmount, onDeactivated, onMounted, ref } from 'vue'
import { handleKey, type Bindings } from './keyboard'

/** Something lies over the desk and has the keyboard to itself (shell/CoverSheet.vue). */
export const deskCovered = ref(false)

/** Binds keys for as long as the component is on the screen (a page that is kept alive but hidden hears nothing). */
export function useKeys(bindings: Bindings): void {
  const listener = (event: KeyboardEvent) => {
    if (!deskCovered.value) handleKey(event, bindings)
  }
  const bind = () => window.addEventListener('keydown', listener)
  const unbind = () => window.removeEventListener('keydown', listener)
  onMounted(bind)
  onActivated(bind)
  onDeactivated(unbind)
  onBeforeUnmount(unbind)
}
