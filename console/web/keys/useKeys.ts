import { onActivated, onBeforeUnmount, onDeactivated, onMounted } from 'vue'
import { handleKey, type Bindings } from './keyboard'

/** Binds keys for as long as the component is on the screen (a page that is kept alive but hidden hears nothing). */
export function useKeys(bindings: Bindings): void {
  const listener = (event: KeyboardEvent) => handleKey(event, bindings)
  const bind = () => window.addEventListener('keydown', listener)
  const unbind = () => window.removeEventListener('keydown', listener)
  onMounted(bind)
  onActivated(bind)
  onDeactivated(unbind)
  onBeforeUnmount(unbind)
}
