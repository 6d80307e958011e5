// What steps and panels know of the page around them.
import { createContext, useContext } from 'react'
import type { Problem } from '../api/types'
import type { Types } from './graph'

type FlowPage = { flowId: string; types: Types; problems: Problem[]; readOnly: boolean; save: () => Promise<boolean>; run: (part?: { node: string; mode: 'to_here' | 'node' | 'from_here' }) => void }
export const FlowPageContext = createContext<FlowPage>({ flowId: '', types: new Map(), problems: [], readOnly: false, save: async () => false, run: () => undefined })
export const useFlowPage = () => useContext(FlowPageContext)
