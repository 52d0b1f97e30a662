/** An initial password: easy to read out over the telephone, without letters and figures that look alike. */
const SIGNS = 'abcdefghjkmnpqrstuvwxyz23456789'
const LENGTH = 12

/** Three groups of four, about 59 bits. */
export function newPassword(
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes),
): string {
  let text = ''
  // bytes beyond the last whole multiple would favour the first signs
  const fair = 256 - (256 % SIGNS.length)
  while (text.length < LENGTH) {
    for (const byte of random(new Uint8Array(LENGTH))) {
      if (byte < fair && text.length < LENGTH) text += SIGNS[byte % SIGNS.length] ?? ''
    }
  }
  return text.replace(/(.{4})(?=.)/g, '$1-')
}
