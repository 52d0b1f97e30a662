/**
 * Has the browser ask before the page is closed, reloaded or left while `inCall` says so: a call whose headset is gone
 * is heard by nobody. Gives back what ends it.
 */
export function askBeforeLeaving(inCall: () => boolean, page: EventTarget = window): () => void {
  const ask = (event: Event) => {
    if (inCall()) event.preventDefault()
  }
  page.addEventListener('beforeunload', ask)
  return () => page.removeEventListener('beforeunload', ask)
}
