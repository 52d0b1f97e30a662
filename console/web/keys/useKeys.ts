import { onBeforeUnmount, onMounted } from 'vue'
import { handleKey, type Bindings } from './keyboard'

/** Binds keys for as long as the component lives. */
export function useKeys(bindings: Bindings): void {
  const listener = (event: KeyboardEvent) => handleKey(event, bindings)
  onMounted(() => window.addEventListener('keydown', listener))
  onBeforeUnmount(() => window.removeEventListener('keydown', listener))
}
