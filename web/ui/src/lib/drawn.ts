import { defaultRangeExtractor } from '@tanstack/react-virtual'
import type { Range } from '@tanstack/react-virtual'

const MOST = 300

/** What of a long list is drawn: on paper nothing cuts it off, and a million rows would be. */
export const drawn = (range: Range) =>
  defaultRangeExtractor({ ...range, endIndex: Math.min(range.endIndex, range.startIndex + MOST) })
