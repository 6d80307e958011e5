// Written by tools/api_types.py from the OpenAPI document; not to be changed by hand.
import type { AccountBody, AccountOut, AccountPatch, AccountPut, AnnouncementBody, AnnouncementOut, AnnouncementPatch, AnnouncementPut, Artifact, AssetOut, Attempt, AuthUserPatch, AuthUserPut, Away, BackfillBody, BackfillOut, BucketOut, BudgetBody, BudgetOut, BudgetPatch, BudgetPut, BulkBody, BulkOutcome, BulkRetryBody, CalendarBody, CalendarOut, CalendarPatch, CalendarPut, Canvas, ChangeBody, CheckBody, Choice, ChoicesBody, CodeBody, CompensationOut, ConfirmBody, ConnectBegun, ConnectStatus, ConnectionBody, ConnectionOut, ConnectionPatch, ConnectionPut, ConnectionWhole, ConnectorOut, Day, Decision, Delegate, Deletion, DeliveryOut, DirectoryBody, Draft, EditionPatch, EditionsPreviewBody, Enrolment, Event, EventSubscriptionsRotateBody, EventSubscriptionsSubscriptionBody, EventSubscriptionsSubscriptionOut, EventSubscriptionsSubscriptionPatch, EventSubscriptionsSubscriptionPut, ExecuteBody, ExecutionSlot, FactorState, FeatureAnswer, FeatureBody, FeatureOut, FileBody, FileMade, FileOut, FilePatch, FilePut, FlowBody, FlowOut, FlowPatch, FlowPut, FolderOut, FolderPatch, FolderPut, ForgotBody, FrameProfile, GroupBody, GroupOut, ImportBody, InfoBody, InfoOut, InfoPatch, InvoiceBody, InvoiceOut, InvoicePatch, JobBody, JobOut, KeyBody, KeyOut, KeyPatch, KeysRotateBody, LogRow, LoginBody, MappedRows, MappingBody, MappingOut, MappingPatch, MappingPut, Me, Move, NewKeyOut, NodeExecuteBody, PasswordBody, PinBody, PlannedChange, ProbeBody, Providers, QueryBody, RefreshBody, RegisterBody, ResetBody, ResumeBody, RetryBody, Signed, Tested, TextBody, TextOut, Tokens, Trial, TrialBody, TriggerBody, TriggerOut, UpdateOut, Usage, Validation, VersionBody, VersionOut, WritePlanBody } from './types.gen'
import type { Json } from './types'

export type FirstOperations = {
  'GET /announcements': { data: AnnouncementOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; all_of_them?: boolean } }
  'POST /announcements': { data: AnnouncementOut; body: AnnouncementBody }
  'GET /announcements/{announcement_id}': { data: AnnouncementOut }
  'PUT /announcements/{announcement_id}': { data: AnnouncementOut; body: AnnouncementPut }
  'PATCH /announcements/{announcement_id}': { data: AnnouncementOut; body: AnnouncementPatch }
  'DELETE /announcements/{announcement_id}': { data: Record<string, string> }
  'GET /api-keys': { data: KeyOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; user_id?: string | null } }
  'POST /api-keys': { data: NewKeyOut; body: KeyBody }
  'GET /api-keys/{key_id}': { data: KeyOut }
  'PUT /api-keys/{key_id}': { data: KeyOut; body: KeyPatch }
  'PATCH /api-keys/{key_id}': { data: KeyOut; body: KeyPatch }
  'DELETE /api-keys/{key_id}': { data: Record<string, string> }
  'POST /api-keys/{key_id}/rotate': { data: NewKeyOut; body: KeysRotateBody }
  'GET /approvals': { data: Record<string, Json>[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; status?: "open" | "resumed" | "expired" | "cancelled" } }
  'POST /approvals/{wait_id}/approve': { data: Record<string, string>; body: Decision | null }
  'POST /approvals/{wait_id}/delegate': { data: Record<string, string>; body: Delegate }
  'POST /approvals/{wait_id}/reject': { data: Record<string, string>; body: Decision | null }
  'GET /assets': { data: AssetOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; connection_id?: string | null } }
  'GET /assets/{asset_id}': { data: AssetOut }
  'GET /assets/{asset_id}/updates': { data: UpdateOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /auth/change-password': { data: Record<string, boolean>; body: ChangeBody }
  'POST /auth/forgot-password': { data: Record<string, boolean>; body: ForgotBody }
  'POST /auth/login': { data: Tokens; body: LoginBody }
  'POST /auth/logout': { data: Record<string, boolean> }
  'GET /auth/me': { data: Me }
  'PUT /auth/me': { data: Me; body: AuthUserPut }
  'PATCH /auth/me': { data: Me; body: AuthUserPatch }
  'GET /auth/providers': { data: Providers; query: { organization?: string; email?: string } }
  'GET /auth/providers/{provider_id}/callback': { data: null }
  'POST /auth/providers/{provider_id}/callback': { data: null }
  'POST /auth/providers/{provider_id}/link': { data: Away }
  'POST /auth/providers/{provider_id}/login': { data: Tokens; body: DirectoryBody }
  'GET /auth/providers/{provider_id}/metadata': { data: null }
  'GET /auth/providers/{provider_id}/start': { data: null; query: { next?: string } }
  'POST /auth/refresh': { data: Tokens; body: RefreshBody }
  'POST /auth/register': { data: Record<string, boolean>; body: RegisterBody }
  'POST /auth/register/confirm': { data: Tokens; body: ConfirmBody }
  'POST /auth/reset-password': { data: Record<string, boolean>; body: ResetBody }
  'GET /auth/second-factor': { data: FactorState }
  'POST /auth/second-factor': { data: Enrolment; body: PasswordBody }
  'POST /auth/second-factor/confirm': { data: Record<string, string[]>; body: CodeBody }
  'POST /auth/second-factor/recovery-codes': { data: Record<string, string[]>; body: PasswordBody }
  'POST /auth/second-factor/remove': { data: Record<string, boolean>; body: PasswordBody }
  'GET /backfills': { data: BackfillOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; flow_id?: string | null } }
  'POST /backfills': { data: BackfillOut; body: BackfillBody }
  'GET /backfills/{backfill_id}': { data: BackfillOut }
  'POST /backfills/{backfill_id}/cancel': { data: BackfillOut }
  'POST /backfills/{backfill_id}/pause': { data: BackfillOut }
  'POST /backfills/{backfill_id}/resume': { data: BackfillOut }
  'GET /billing/accounts': { data: AccountOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /billing/accounts': { data: AccountOut; body: AccountBody }
  'GET /billing/accounts/{billing_account_id}': { data: AccountOut }
  'PUT /billing/accounts/{billing_account_id}': { data: AccountOut; body: AccountPut }
  'PATCH /billing/accounts/{billing_account_id}': { data: AccountOut; body: AccountPatch }
  'DELETE /billing/accounts/{billing_account_id}': { data: Record<string, string> }
  'GET /billing/info': { data: InfoOut }
  'PUT /billing/info': { data: InfoOut; body: InfoBody }
  'PATCH /billing/info': { data: InfoOut; body: InfoPatch }
  'GET /billing/invoices': { data: InvoiceOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; status?: "draft" | "issued" | "paid" | "void" | null } }
  'POST /billing/invoices': { data: InvoiceOut; body: InvoiceBody }
  'GET /billing/invoices/{invoice_id}': { data: InvoiceOut }
  'PATCH /billing/invoices/{invoice_id}': { data: InvoiceOut; body: InvoicePatch }
  'GET /budgets': { data: BudgetOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /budgets': { data: BudgetOut; body: BudgetBody }
  'GET /budgets/{budget_id}': { data: BudgetOut }
  'PUT /budgets/{budget_id}': { data: BudgetOut; body: BudgetPut }
  'PATCH /budgets/{budget_id}': { data: BudgetOut; body: BudgetPatch }
  'DELETE /budgets/{budget_id}': { data: Record<string, string> }
  'GET /calendars': { data: CalendarOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /calendars': { data: CalendarOut; body: CalendarBody }
  'GET /calendars/{calendar_id}': { data: CalendarOut }
  'PUT /calendars/{calendar_id}': { data: CalendarOut; body: CalendarPut }
  'PATCH /calendars/{calendar_id}': { data: CalendarOut; body: CalendarPatch }
  'DELETE /calendars/{calendar_id}': { data: Record<string, string> }
  'GET /calendars/{calendar_id}/days': { data: Day[]; query: { from: string; to: string } }
  'GET /connections': { data: ConnectionOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; connector?: string | null; q?: string } }
  'POST /connections': { data: ConnectionWhole; body: ConnectionBody }
  'GET /connections/oauth/callback': { data: null }
  'POST /connections/options': { data: Record<string, Choice[]>; body: ChoicesBody }
  'POST /connections/test': { data: Tested; body: ProbeBody }
  'GET /connections/{connection_id}': { data: ConnectionWhole }
  'PUT /connections/{connection_id}': { data: ConnectionWhole; body: ConnectionPut }
  'PATCH /connections/{connection_id}': { data: ConnectionWhole; body: ConnectionPatch }
  'DELETE /connections/{connection_id}': { data: Record<string, string>; query: { force?: boolean } }
  'GET /connections/{connection_id}/mappings': { data: MappingOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /connections/{connection_id}/mappings': { data: MappingOut; body: MappingBody }
  'GET /connections/{connection_id}/mappings/{mapping_id}': { data: MappingOut }
  'PUT /connections/{connection_id}/mappings/{mapping_id}': { data: MappingOut; body: MappingPut }
  'PATCH /connections/{connection_id}/mappings/{mapping_id}': { data: MappingOut; body: MappingPatch }
  'DELETE /connections/{connection_id}/mappings/{mapping_id}': { data: Record<string, string> }
  'GET /connections/{connection_id}/mappings/{mapping_id}/rows': { data: MappedRows; query: { equipment_types?: string[] | null; status_filter?: string[] | null; from?: string | null; to?: string | null; limit?: number | null } }
  'GET /connections/{connection_id}/oauth': { data: ConnectStatus }
  'DELETE /connections/{connection_id}/oauth': { data: ConnectStatus }
  'POST /connections/{connection_id}/oauth/check': { data: ConnectStatus; body: CheckBody }
  'POST /connections/{connection_id}/oauth/start': { data: ConnectBegun }
  'POST /connections/{connection_id}/plan': { data: PlannedChange[]; body: WritePlanBody }
  'GET /connections/{connection_id}/preview': { data: Record<string, Json>; query: { stream: string; limit?: number } }
  'POST /connections/{connection_id}/query': { data: Record<string, Json>; body: QueryBody }
  'POST /connections/{connection_id}/restore': { data: ConnectionWhole }
  'GET /connections/{connection_id}/schema': { data: Record<string, Json>[] }
  'POST /connections/{connection_id}/test': { data: Tested }
  'GET /connectors': { data: ConnectorOut[] }
  'GET /connectors/{connector_id}': { data: ConnectorOut }
  'GET /connectors/{connector_id}/schema': { data: Record<string, Json> }
  'GET /deletions': { data: Deletion[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'GET /editions': { data: Record<string, Json>[] }
  'POST /editions/preview': { data: Move[]; body: EditionsPreviewBody }
  'PATCH /editions/{key}': { data: Record<string, Json>; body: EditionPatch }
  'GET /event-subscriptions': { data: EventSubscriptionsSubscriptionOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /event-subscriptions': { data: EventSubscriptionsSubscriptionOut; body: EventSubscriptionsSubscriptionBody }
  'GET /event-subscriptions/events': { data: string[] }
  'GET /event-subscriptions/{subscription_id}': { data: EventSubscriptionsSubscriptionOut }
  'PUT /event-subscriptions/{subscription_id}': { data: EventSubscriptionsSubscriptionOut; body: EventSubscriptionsSubscriptionPut }
  'PATCH /event-subscriptions/{subscription_id}': { data: EventSubscriptionsSubscriptionOut; body: EventSubscriptionsSubscriptionPatch }
  'DELETE /event-subscriptions/{subscription_id}': { data: Record<string, string> }
  'GET /event-subscriptions/{subscription_id}/deliveries': { data: DeliveryOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; status?: "pending" | "delivered" | "failed" | null } }
  'POST /event-subscriptions/{subscription_id}/deliveries/{delivery_id}/redeliver': { data: Record<string, number> }
  'POST /event-subscriptions/{subscription_id}/redeliver': { data: Record<string, number> }
  'POST /event-subscriptions/{subscription_id}/rotate-secret': { data: EventSubscriptionsSubscriptionOut; body: EventSubscriptionsRotateBody | null }
  'POST /event-subscriptions/{subscription_id}/test': { data: Record<string, string> }
  'GET /events': { data: null; query: { channel: string[]; after?: number | null } }
  'GET /executions': { data: Record<string, Json>[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; flow_id?: string | null; status?: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelling" | "cancelled" | "timed_out" | null; trigger_type?: string | null; parent_id?: string | null; parent_segment_no?: number | null; since?: string | null; until?: string | null } }
  'POST /executions/bulk/cancel': { data: BulkOutcome[]; body: BulkBody }
  'POST /executions/bulk/retry': { data: BulkOutcome[]; body: BulkRetryBody }
  'GET /executions/summary': { data: ExecutionSlot[]; query: { since?: string | null; until?: string | null; slots?: number; flow_id?: string | null } }
  'GET /executions/{execution_id}': { data: Record<string, Json> }
  'GET /executions/{execution_id}/artifacts': { data: Artifact[] }
  'GET /executions/{execution_id}/artifacts/{node_id}/{port}': { data: null }
  'GET /executions/{execution_id}/attempts': { data: Attempt[] }
  'POST /executions/{execution_id}/cancel': { data: Record<string, Json> }
  'GET /executions/{execution_id}/children': { data: Record<string, Json>[] }
  'GET /executions/{execution_id}/compare/{other_id}': { data: Record<string, Json> }
  'POST /executions/{execution_id}/compensate': { data: Record<string, Json> }
  'GET /executions/{execution_id}/compensations': { data: CompensationOut[] }
  'GET /executions/{execution_id}/definition': { data: Record<string, Json> }
  'GET /executions/{execution_id}/events': { data: Event[]; query: { after?: number; limit?: number } }
  'GET /executions/{execution_id}/logs': { data: LogRow[]; query: { after?: number; limit?: number; level?: ("debug" | "info" | "warning" | "error")[] | null; node_id?: string | null; q?: string | null } }
  'GET /executions/{execution_id}/logs/stream': { data: null; query: { after?: number; level?: ("debug" | "info" | "warning" | "error")[] | null; node_id?: string | null; q?: string | null } }
  'GET /executions/{execution_id}/nodes': { data: Record<string, Json>[] }
  'GET /executions/{execution_id}/nodes/{node_id}/preview': { data: Record<string, Json>; query: { limit?: number; offset?: number; port?: string; profile?: boolean } }
  'GET /executions/{execution_id}/nodes/{node_id}/profile': { data: FrameProfile; query: { port?: string } }
  'POST /executions/{execution_id}/resume': { data: Record<string, string>; body: ResumeBody }
  'POST /executions/{execution_id}/retry': { data: Record<string, Json>; body: RetryBody | null }
  'GET /executions/{execution_id}/waits': { data: Record<string, Json>[] }
  'GET /features': { data: FeatureOut[] }
  'GET /features/check/{key}': { data: FeatureAnswer }
  'GET /features/enabled': { data: Record<string, boolean> }
  'GET /features/usage/{kind}': { data: Usage; query: { workspace_id?: string | null; user_id?: string | null } }
  'PUT /features/{key}': { data: FeatureOut; body: FeatureBody }
  'DELETE /features/{key}': { data: Record<string, string> }
  'GET /files': { data: FileOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; bucket?: "files" | "frames" | "backups" | "templates" | "reports" | null; q?: string; deleted?: boolean } }
  'POST /files': { data: FileMade; body: FileBody }
  'GET /files/buckets': { data: BucketOut[] }
  'GET /files/{file_id}': { data: FileOut }
  'PUT /files/{file_id}': { data: FileOut; body: FilePut }
  'PATCH /files/{file_id}': { data: FileOut; body: FilePatch }
  'DELETE /files/{file_id}': { data: Record<string, string> }
  'GET /files/{file_id}/content': { data: null; query: { token: string } }
  'PUT /files/{file_id}/content': { data: FileOut; query: { token: string } }
  'GET /files/{file_id}/download': { data: Signed }
  'POST /files/{file_id}/restore': { data: FileOut }
  'POST /files/{file_id}/upload': { data: Signed }
  'GET /flows': { data: FlowOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; workspace_id?: string | null; folder_id?: string | null; status?: "draft" | "active" | "inactive" | "archived" | null; kind?: "automation" | "pipeline" | "monitoring" | null; q?: string; sort?: string } }
  'POST /flows': { data: FlowOut; query: { kind?: "automation" | "pipeline" | "monitoring" | null }; body: FlowBody }
  'POST /flows/import': { data: FlowOut; body: ImportBody }
  'GET /flows/{flow_id}': { data: FlowOut }
  'PUT /flows/{flow_id}': { data: FlowOut; body: FlowPut }
  'PATCH /flows/{flow_id}': { data: FlowOut; body: FlowPatch }
  'DELETE /flows/{flow_id}': { data: Record<string, string> }
  'GET /flows/{flow_id}/data': { data: Record<string, Json> }
  'PUT /flows/{flow_id}/data': { data: Record<string, Json>; body: Canvas }
  'POST /flows/{flow_id}/execute': { data: Record<string, Json>; body: ExecuteBody | null }
  'GET /flows/{flow_id}/executions': { data: Record<string, Json>[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; status?: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelling" | "cancelled" | "timed_out" | null } }
  'GET /flows/{flow_id}/export': { data: null }
  'POST /flows/{flow_id}/expressions/try': { data: Trial; body: TrialBody }
  'POST /flows/{flow_id}/nodes/{node_id}/execute': { data: Record<string, Json>; body: NodeExecuteBody | null }
  'PUT /flows/{flow_id}/nodes/{node_id}/pin': { data: Record<string, Json>; body: PinBody | null }
  'DELETE /flows/{flow_id}/nodes/{node_id}/pin': { data: Record<string, string> }
  'GET /flows/{flow_id}/nodes/{node_id}/preview': { data: Record<string, Json>; query: { limit?: number; offset?: number; port?: string; use_pins?: boolean } }
  'POST /flows/{flow_id}/restore': { data: FlowOut }
  'GET /flows/{flow_id}/statistics': { data: Record<string, Json> }
  'PUT /flows/{flow_id}/text': { data: TextOut; body: TextBody }
  'GET /flows/{flow_id}/triggers': { data: TriggerOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /flows/{flow_id}/triggers': { data: TriggerOut; body: TriggerBody }
  'POST /flows/{flow_id}/validate': { data: Validation; body: Draft | null }
  'GET /flows/{flow_id}/versions': { data: VersionOut[] }
  'POST /flows/{flow_id}/versions': { data: VersionOut; body: VersionBody }
  'POST /flows/{flow_id}/versions/revert/{number}': { data: VersionOut }
  'GET /flows/{flow_id}/versions/{number}': { data: Record<string, Json> }
  'GET /folders/{folder_id}': { data: FolderOut }
  'PUT /folders/{folder_id}': { data: FolderOut; body: FolderPut }
  'PATCH /folders/{folder_id}': { data: FolderOut; body: FolderPatch }
  'DELETE /folders/{folder_id}': { data: Record<string, string> }
  'GET /folders/{folder_id}/flows': { data: FlowOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'GET /folders/{folder_id}/jobs': { data: JobOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /folders/{folder_id}/jobs': { data: JobOut; body: JobBody }
  'POST /folders/{folder_id}/restore': { data: FolderOut }
  'GET /groups': { data: GroupOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'POST /groups': { data: GroupOut; body: GroupBody }
  'GET /groups/{group_id}': { data: GroupOut }
}
