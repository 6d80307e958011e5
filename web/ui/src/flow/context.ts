// What steps and panels know of the page around them.
import { createContext, useContext } from 'react'
import type { Problem } from '../api/types'
import type { Types } from './graph'
import type { Part } from './run'

export type FlowPage = {
  flowId: string
  types: Types
  problems: Problem[]
  readOnly: boolean
  save: (quiet?: boolean) => Promise<boolean>
  run: (part?: Part) => void
}
export const FlowPageContext = createContext<FlowPage>({
  flowId: '',
  types: new Map(),
  problems: [],
  readOnly: false,
  save: async () => false,
  run: () => undefined,
})
export const useFlowPage = () => useContext(FlowPageContext)
