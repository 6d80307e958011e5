// A QR code of a text (bytes, error correction L, version 1 to 13): true is a dark square. ISO/IEC 18004.
const SIZES: [words: number, check: number, blocks: number][] = [
  [19, 7, 1],
  [34, 10, 1],
  [55, 15, 1],
  [80, 20, 1],
  [108, 26, 1],
  [136, 18, 2],
  [156, 20, 2],
  [194, 24, 2],
  [232, 30, 2],
  [274, 18, 4],
  [324, 20, 4],
  [370, 24, 4],
  [428, 26, 4],
]
const EXP: number[] = []
const LOG: number[] = []
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = x
  LOG[x] = i
  x = x & 128 ? (x << 1) ^ 285 : x << 1
}
const times = (a: number, b: number) => (a && b ? EXP[(LOG[a]! + LOG[b]!) % 255]! : 0)

/** The check words of Reed and Solomon. */
function checkWords(data: number[], degree: number): number[] {
  let base = [1]
  for (let i = 0; i < degree; i++)
    base = [...base, 0].map((term, at) => term ^ (at ? times(base[at - 1]!, EXP[i]!) : 0))
  const rest = [...data, ...Array<number>(degree).fill(0)]
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i]!
    base.forEach((term, at) => {
      rest[i + at] = rest[i + at]! ^ times(term, factor)
    })
  }
  return rest.slice(data.length)
}

/** All words in the order in which they are drawn: the blocks take turns. */
function wordsOf(bytes: Uint8Array, version: number): number[] {
  const [room, degree, blocks] = SIZES[version - 1]!
  const bits: number[] = []
  const put = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) bits.push((value >> i) & 1)
  }
  put(4, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  bytes.forEach((byte) => put(byte, 8))
  put(0, Math.min(4, room * 8 - bits.length))
  while (bits.length % 8) bits.push(0)
  const words = Array.from({ length: bits.length / 8 }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((sum, bit) => sum * 2 + bit, 0),
  )
  for (let pad = 236; words.length < room; pad = 253 - pad) words.push(pad)
  const short = Math.floor(room / blocks)
  const long = room % blocks
  let at = 0
  const parts = Array.from({ length: blocks }, (_, i) => words.slice(at, (at += short + (i >= blocks - long ? 1 : 0))))
  const turns = (lists: number[][]) =>
    Array.from({ length: Math.max(...lists.map((one) => one.length)) }, (_, i) =>
      lists.flatMap((one) => (i < one.length ? [one[i]!] : [])),
    ).flat()
  return [...turns(parts), ...turns(parts.map((part) => checkWords(part, degree)))]
}

/** Positions of the small squares that keep the grid straight. */
function anchors(version: number): number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const last = version * 4 + 10
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - step * (count - 2 - i))]
}

const MASKS: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]
type Grid = (boolean | undefined)[][]

function divided(value: number, by: number, degree: number): number {
  let rest = value << degree
  for (let bit = 31; bit >= degree; bit--) if ((rest >>> bit) & 1) rest ^= by << (bit - degree)
  return (value << degree) | rest
}

/** The parts that every code of a version has; undefined is free. */
function frame(version: number): Grid {
  const size = version * 4 + 17
  const grid: Grid = Array.from({ length: size }, () => Array<boolean | undefined>(size).fill(undefined))
  const put = (x: number, y: number, on: boolean) => {
    if (x >= 0 && y >= 0 && x < size && y < size) grid[y]![x] = on
  }
  for (let i = 0; i < size; i++) {
    put(6, i, i % 2 === 0)
    put(i, 6, i % 2 === 0)
  }
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const) {
    for (let y = -4; y <= 4; y++)
      for (let x = -4; x <= 4; x++) {
        const far = Math.max(Math.abs(x), Math.abs(y))
        put(cx + x, cy + y, far !== 2 && far !== 4)
      }
  }
  const points = anchors(version)
  const last = points.length - 1
  points.forEach((cx, i) =>
    points.forEach((cy, j) => {
      if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return
      for (let y = -2; y <= 2; y++)
        for (let x = -2; x <= 2; x++) put(cx + x, cy + y, Math.max(Math.abs(x), Math.abs(y)) !== 1)
    }),
  )
  if (version > 6) {
    const bits = divided(version, 0x1f25, 12)
    for (let i = 0; i < 18; i++) {
      const on = ((bits >> i) & 1) === 1
      const a = size - 11 + (i % 3)
      const b = Math.floor(i / 3)
      put(a, b, on)
      put(b, a, on)
    }
  }
  sign(grid, 0)
  return grid
}

/** Correction L and the mask, twice. */
function sign(grid: Grid, mask: number) {
  const size = grid.length
  const bits = divided(8 | mask, 0x537, 10) ^ 0x5412
  const bit = (i: number) => ((bits >> i) & 1) === 1
  for (let i = 0; i < 15; i++) {
    const at = i < 6 ? i : i < 8 ? i + 1 : i === 8 ? 7 : 14 - i
    if (i < 8) {
      grid[at]![8] = bit(i)
      grid[8]![size - 1 - i] = bit(i)
    } else {
      grid[8]![at] = bit(i)
      grid[size - 15 + i]![8] = bit(i)
    }
  }
  grid[size - 8]![8] = true
}

function fill(plain: Grid, words: number[], mask: number): boolean[][] {
  const grid = plain.map((line) => [...line])
  const size = grid.length
  let i = 0
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step++) {
      const y = (right + 1) & 2 ? step : size - 1 - step
      for (const x of [right, right - 1]) {
        if (plain[y]![x] !== undefined) continue
        const on = i < words.length * 8 && ((words[i >> 3]! >> (7 - (i & 7))) & 1) === 1
        i++
        grid[y]![x] = on !== MASKS[mask]!(x, y)
      }
    }
  }
  sign(grid, mask)
  return grid as boolean[][]
}

/** How badly a camera would read it: long lines, blocks, and what looks like a corner. */
function cost(grid: boolean[][]): number {
  const size = grid.length
  let sum = 0
  const lines = [...grid, ...grid.map((_, x) => grid.map((line) => line[x]!))]
  for (const line of lines) {
    const text = line.map((on) => (on ? '1' : '0')).join('')
    for (const found of text.matchAll(/0{5,}|1{5,}/g)) sum += found[0].length - 2
    sum += [...text.matchAll(/(?=10111010000|00001011101)/g)].length * 40
  }
  for (let y = 1; y < size; y++)
    for (let x = 1; x < size; x++) {
      const on = grid[y]![x]
      if (on === grid[y - 1]![x] && on === grid[y]![x - 1] && on === grid[y - 1]![x - 1]) sum += 3
    }
  const dark = grid.flat().filter(Boolean).length
  return sum + Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size)) * 10
}

export function qr(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text)
  const version = SIZES.findIndex(([room], i) => bytes.length + (i < 9 ? 2 : 3) <= room) + 1
  if (!version)
    throw new RangeError(`a QR code of at most version ${SIZES.length} has no room for ${bytes.length} bytes`)
  const plain = frame(version)
  const words = wordsOf(bytes, version)
  const drawn = MASKS.map((_, mask) => fill(plain, words, mask))
  return drawn.reduce((best, one) => (cost(one) < cost(best) ? one : best))
}
