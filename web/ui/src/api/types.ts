// What the API answers, as far as the pages use it.
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Value = Record<string, Json>

export type Rule = { [key: string]: Json }
export type Hints = {
  widget?: string
  order?: number
  group?: string
  advanced?: boolean
  placeholder?: string
  help?: string
  unit?: string
  rows?: number
  language?: string
  visible_if?: Rule
  enabled_if?: Rule
  nullable?: boolean
  enum_labels?: Record<string, string>
  options_from?: string
  expression?: 'off' | 'allow' | 'force'
  depends_on?: string[]
  allow_custom?: boolean
  connection_type?: string
  port?: string
}
export type Schema = {
  type?: string | string[]
  title?: string
  description?: string
  default?: Json
  enum?: Json[]
  const?: Json
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  oneOf?: Schema[]
  format?: string
  additionalProperties?: Schema | boolean
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  examples?: Json[]
  writeOnly?: boolean
  'x-ui'?: Hints
}

export type Kind = 'trigger' | 'source' | 'transform' | 'logic' | 'ai' | 'quality' | 'sink'
export type Port = {
  name: string
  title: string
  kind: 'data' | 'error' | 'control' | 'compensate'
  many: boolean
  required: boolean
}
export type Plugin = { name: string; distribution: string; version: string }
export type NodeType = {
  id: string
  title: string
  kind: Kind
  role: '' | 'join' | 'loop' | 'input' | 'output' | 'on_error' | 'finally'
  category: string
  summary: string
  icon: string
  docs: string
  tags: string[]
  version: number
  inputs: Port[]
  outputs: Port[]
  schema: Schema
  plugin: Plugin
  feature: string
  connector: string
}
export type Connector = {
  id: string
  title: string
  category: string
  summary: string
  icon: string
  docs: string
  schema: Schema
  proof: string
  support: string
  capabilities: string[]
  auth: string[]
  plugin: Plugin
  feature: string
}

export type Check = { name: string; ok: boolean; detail: string }
export type Tested = { ok: boolean; ms: number; checks: Check[]; hint: string }
export type Connection = {
  id: string
  name: string
  description: string
  connector: string
  health_status: string
  test_status: string
  test_result: Tested | null
  last_tested_at: string | null
  updated_at: string
  row_version: number
  config?: Value
  used_by?: { id: string; name: string }[]
}

export type Flow = {
  id: string
  name: string
  description: string
  kind: string
  status: string
  workspace_id: string
  current_version: number
  updated_at: string
  last_execution_at: string | null
  row_version: number
  variables?: Value
}
export type Retry = { max?: number; delay_s?: number; [key: string]: unknown }
export type StepData = {
  nodeType: string
  nodeVersion?: number
  label: string
  config: Value
  disabled?: boolean
  notes?: string
  onError?: string
  retry?: Retry
  timeout?: number
  [key: string]: unknown
}
export type CanvasNode = {
  id: string
  type?: string
  position: { x: number; y: number }
  data: StepData
  parentId?: string | undefined
  width?: number
  height?: number
}
export type CanvasEdge = {
  id: string
  source: string
  target: string
  sourceHandle?: string | null
  targetHandle?: string | null
}
export type Canvas = { nodes: CanvasNode[]; edges: CanvasEdge[]; viewport?: Value; row_version: number }
export type Problem = {
  severity: 'error' | 'warning' | 'info'
  code: string
  node_id: string
  path: string
  message: string
  fix: string
}

export type Failure = { code: string; message: string; hint?: string; node_id?: string }
export type NodeExecution = {
  node_id: string
  segment_no: number
  status: string
  attempt: number
  started_at: string | null
  completed_at: string | null
  duration_ms: number | null
  rows_in: number | null
  rows_out: number | null
  rows_rejected: number
  bytes: number | null
  memory_peak_bytes?: number | null
  error: Failure | null
  has_output: boolean
  ports: Record<string, number | null>
  waits_for: 'timer' | 'callback' | 'children' | null
  resumes_at: string | null
  compensation?: 'armed' | 'due' | 'running' | 'completed' | 'failed' | null
  cache_hit?: boolean
  pinned?: boolean
}
export type Children = {
  segment_no: number | null
  mode: 'body' | 'flow' | 'handler' | 'compensation'
  status: string
  count: number
}
export type Wait = {
  id: string
  execution_id: string
  flow_id: string
  flow_name: string
  segment_no: number
  node_id: string
  kind: 'approval' | 'webhook'
  title: string
  message: string
  form: Schema
  assignees: string[]
  status: 'open' | 'resumed' | 'expired' | 'cancelled'
  payload: Value | null
  deadline_at: string | null
  created_at: string
  resolved_at: string | null
}
export type Execution = {
  id: string
  flow_id: string
  status: string
  trigger_type: string
  queued_at: string
  started_at: string | null
  completed_at: string | null
  duration_ms: number | null
  error: Failure | null
  error_message?: string | null
  rows_processed: number
  rows_failed: number
  last_seq: number
  held: boolean
  mode: string
  progress: number
  target_node_id?: string | null
  compensation?: 'running' | 'compensated' | 'incomplete' | null
  parent_execution_id: string | null
  parent_segment_no: number | null
  item_no: number | null
  version: number | null
  attempt: number
  input_data: Value | null
  eta_at?: string | null
  eta_from?: string | null
  eta_to?: string | null
}
export type LogLine = { id: number; node_id: string; level: string; message: string; created_at: string }
export type Column = { name: string; type: string; nullable: boolean }
export type Rows = { schema: Column[]; rows: Json[][]; total_rows: number | null; truncated: boolean; ports?: string[] }

export type Me = {
  user: { id: string; email: string; full_name: string }
  organization: { id: string; name: string }
  role: string
  permissions: string[]
  features: Record<string, boolean>
}
export type Pagination = { page: number; per_page: number; total: number; total_pages: number }
