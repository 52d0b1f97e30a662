import { expect, it } from 'vitest'
import en from './en'
import zh from './zh-CN'

type Tree = { [key: string]: string | Tree }

function flat(tree: Tree, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(path + key, value)
    else for (const [inner, text] of flat(value, `${path}${key}.`)) found.set(inner, text)
  }
  return found
}

const chinese = flat(zh)
const english = flat(en)
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()

it('says everything in both languages', () => {
  expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  for (const [key, text] of [...chinese, ...english]) expect(text.trim(), key).not.toBe('')
})

it('fills the same names into a sentence in both languages', () => {
  for (const [key, text] of chinese) {
    const other = names(english.get(key) ?? '')
    // A language may leave a name out, never ask for one that is not given.
    expect(
      other.filter((name) => !names(text).includes(name)),
      key,
    ).toEqual([])
  }
})

it('leaves no Chinese in the English screens', () => {
  const left = [...english].filter(([key, text]) => /[\u4e00-\u9fff]/.test(text) && key !== 'bar.language')
  expect(left.map(([key]) => key)).toEqual(['patients.hint'])
})
