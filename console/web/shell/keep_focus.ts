/**
 * For `@mousedown` on a bar of buttons: a click leaves the focus where it was, so that Enter and space, pressed next,
 * mean what they mean on the desk (answer, play) and not "that button again". Tab still reaches every button.
 */
export function keepFocus(event: MouseEvent): void {
  if ((event.target as HTMLElement).closest('button')) event.preventDefault()
}
