// Sizes in words.
import { t } from '../../lib/text'
import { language } from '../../lib/text'

const UNITS = ['kilobyte', 'megabyte', 'gigabyte', 'terabyte']

export function sized(bytes: number): string {
  if (bytes < 1_000) return t('files.size.bytes', { n: bytes })
  const power = Math.min(UNITS.length, Math.floor(Math.log10(bytes) / 3))
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: UNITS[power - 1],
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(bytes / 1_000 ** power)
}
