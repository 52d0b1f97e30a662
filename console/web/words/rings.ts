/** The ring limit in words: 三声, "three rings"; whatever number the rule in force has (D3, D128). */
const CHINESE = ['零', '一', '两', '三', '四', '五', '六', '七', '八', '九', '十']
const ENGLISH = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']

export function ringWord(limit: number, language: string): string {
  const words = language === 'en' ? ENGLISH : CHINESE
  return words[limit] ?? String(limit)
}
