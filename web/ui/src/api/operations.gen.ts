// Written by tools/api_types.py from the OpenAPI document; not to be changed by hand.
import type { AcceptBody, AcceptanceOut, Accepted, AccountBody, AccountOut, AccountPatch, AccountPut, AnnouncementBody, AnnouncementOut, AnnouncementPatch, AnnouncementPut, Answer, Artifact, AssetOut, Attempt, AuthProviderType, AuthUserPatch, AuthUserPut, Away, BackfillBody, BackfillOut, BucketOut, BudgetBody, BudgetOut, BudgetPatch, BudgetPut, BulkBody, BulkOutcome, BulkRetryBody, CalendarBody, CalendarOut, CalendarPatch, CalendarPut, CallOut, Canvas, ChangeBody, Changed, CheckBody, Choice, ChoicesBody, CodeBody, CompensationOut, ConfirmBody, ConnectBegun, ConnectStatus, ConnectionBody, ConnectionOut, ConnectionPatch, ConnectionPut, ConnectionWhole, ConnectorOut, Day, Decision, Delegate, Deletion, DeliveryOut, DirectoryBody, Draft, Duplicate, EditionPatch, EditionsPreviewBody, Enrolment, Event, EventSubscriptionsRotateBody, EventSubscriptionsSubscriptionBody, EventSubscriptionsSubscriptionOut, EventSubscriptionsSubscriptionPatch, EventSubscriptionsSubscriptionPut, ExecuteBody, ExecutionSlot, FactorState, FeatureAnswer, FeatureBody, FeatureOut, FileBody, FileMade, FileOut, FilePatch, FilePut, FlowBody, FlowOut, FlowPatch, FlowPut, FolderBody, FolderOut, FolderPatch, FolderPut, ForgotBody, FrameProfile, GrantBody, GrantOut, GroupBody, GroupMemberBody, GroupMemberOut, GroupOut, GroupPatch, GroupPut, HomeBody, HomeOut, IdentityOut, IdentityProviderBody, IdentityProviderOut, IdentityProviderPatch, ImportBody, InfoBody, InfoOut, InfoPatch, IntegrationBody, IntegrationOut, IntegrationPatch, IntegrationPut, InvitationBody, InvitationOut, InvoiceBody, InvoiceOut, InvoicePatch, JobBody, JobOut, JobPatch, JobPut, KeyBody, KeyOut, KeyPatch, KeysOut, KeysRotateBody, LetterOut, LetterText, LinkOut, LogRow, LoginBody, LookBody, MappedRows, MappingBody, MappingOut, MappingPatch, MappingPut, Me, Member, MemberOut, MemberPatch, MemberPut, MessageBody, MessageOut, MineOut, Move, MovePreview, N8nSyncBody, NewKeyOut, NextBody, NodeExecuteBody, NodeTypeOut, Option, OptionsBody, OrganizationBody, OrganizationPatch, OrganizationPut, OverrideBody, PackageBody, PackagePatch, PackagePut, PasswordBody, PauseBody, PinBody, PlanBody, PlanOut, PlanPatch, PlanPut, PlannedChange, PluginOut, PluginPatch, Preview, ProbeBody, ProviderTested, Providers, QueryBody, RefreshBody, RegisterBody, Registration, ResetBody, ResumeBody, RetryBody, RoleBody, RoleOut, RolePatch, RolePut, RunBody, ScheduleBody, ScheduleOut, SchedulePatch, SchedulePut, SchedulesPreviewBody, ServiceAccountBody, ServiceAccountOut, ServiceAccountPatch, ServiceAccountPut, SetupBody, Shown, SignInOut, Signed, Started, SubscriptionsSubscriptionBody, SubscriptionsSubscriptionOut, SubscriptionsSubscriptionPatch, SubscriptionsSubscriptionPut, SyncBody, Synced, TemplateBody, TemplateOut, TermsBody, TermsOut, Tested, TextBody, TextOut, TickOut, Ticket, TicketBody, TicketOut, TicketPatch, Tokens, Trial, TrialBody, TriggerBody, TriggerOut, TriggerPatch, TriggerPut, TriggerTypeOut, UpdateOut, UpgradeBody, Usage, UserBody, UsersUserOut, UsersUserPatch, UsersUserPut, Validation, VersionBody, VersionOut, WebhookBody, WebhookOut, WebhookPatch, WebhookPut, WebsocketConnectionOut, WholeOut, WorkspaceBody, WorkspaceOut, WorkspacePatch, WorkspacePut, WritePlanBody } from './types.gen'
import type { Json } from './types'

export type Operations = {
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
  'PUT /groups/{group_id}': { data: GroupOut; body: GroupPut }
  'PATCH /groups/{group_id}': { data: GroupOut; body: GroupPatch }
  'DELETE /groups/{group_id}': { data: Record<string, string> }
  'GET /groups/{group_id}/members': { data: GroupMemberOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /groups/{group_id}/members': { data: Record<string, string>; body: GroupMemberBody }
  'DELETE /groups/{group_id}/members/{user_id}': { data: Record<string, string> }
  'GET /health': { data: Record<string, Json> }
  'GET /health/live': { data: Record<string, Json> }
  'GET /health/ready': { data: Record<string, Json> }
  'GET /identity-providers': { data: IdentityProviderOut[] }
  'POST /identity-providers': { data: IdentityProviderOut; body: IdentityProviderBody }
  'GET /identity-providers/types': { data: AuthProviderType[] }
  'GET /identity-providers/{provider_id}': { data: IdentityProviderOut }
  'PATCH /identity-providers/{provider_id}': { data: IdentityProviderOut; body: IdentityProviderPatch }
  'DELETE /identity-providers/{provider_id}': { data: Record<string, string> }
  'GET /identity-providers/{provider_id}/identities': { data: IdentityOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'DELETE /identity-providers/{provider_id}/identities/{identity_id}': { data: Record<string, string> }
  'POST /identity-providers/{provider_id}/test': { data: ProviderTested }
  'GET /integrations': { data: IntegrationOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string } }
  'POST /integrations': { data: IntegrationOut; body: IntegrationBody }
  'POST /integrations/n8n/sync': { data: Synced; body: N8nSyncBody }
  'GET /integrations/{connection_id}': { data: IntegrationOut }
  'PUT /integrations/{connection_id}': { data: IntegrationOut; body: IntegrationPut }
  'PATCH /integrations/{connection_id}': { data: IntegrationOut; body: IntegrationPatch }
  'DELETE /integrations/{connection_id}': { data: Record<string, string> }
  'POST /integrations/{connection_id}/sync': { data: Synced; body: SyncBody }
  'GET /invitations': { data: InvitationOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /invitations': { data: InvitationOut; body: InvitationBody }
  'POST /invitations/accept': { data: Accepted; body: AcceptBody }
  'POST /invitations/look': { data: Shown; body: LookBody }
  'DELETE /invitations/{invitation_id}': { data: Record<string, string> }
  'POST /invitations/{invitation_id}/link': { data: LinkOut }
  'GET /job-packages': { data: JobOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /job-packages': { data: JobOut; body: PackageBody }
  'GET /job-packages/{package_id}': { data: JobOut }
  'PUT /job-packages/{package_id}': { data: JobOut; body: PackagePut }
  'PATCH /job-packages/{package_id}': { data: JobOut; body: PackagePatch }
  'DELETE /job-packages/{package_id}': { data: Record<string, string> }
  'POST /job-packages/{package_id}/execute': { data: Record<string, Json> }
  'GET /jobs': { data: JobOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; folder_id?: string | null } }
  'POST /jobs': { data: JobOut; body: JobBody }
  'GET /jobs/{job_id}': { data: JobOut }
  'PUT /jobs/{job_id}': { data: JobOut; body: JobPut }
  'PATCH /jobs/{job_id}': { data: JobOut; body: JobPatch }
  'DELETE /jobs/{job_id}': { data: Record<string, string> }
  'POST /jobs/{job_id}/execute': { data: Record<string, Json> }
  'GET /jobs/{job_id}/executions': { data: Record<string, Json>[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'GET /jobs/{job_id}/flows': { data: Member[] }
  'POST /jobs/{job_id}/flows': { data: JobOut; body: Member }
  'GET /members': { data: MemberOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'POST /members': { data: InvitationOut; body: InvitationBody }
  'GET /members/{user_id}': { data: MemberOut }
  'PUT /members/{user_id}': { data: MemberOut; body: MemberPut }
  'PATCH /members/{user_id}': { data: MemberOut; body: MemberPatch }
  'DELETE /members/{user_id}': { data: Record<string, string> }
  'POST /members/{user_id}/reset-link': { data: LinkOut }
  'DELETE /members/{user_id}/second-factor': { data: Record<string, string> }
  'GET /node-types': { data: NodeTypeOut[] }
  'GET /node-types/{type_id}': { data: NodeTypeOut }
  'POST /node-types/{type_id}/options': { data: Record<string, Option[]>; body: OptionsBody }
  'GET /organizations': { data: MineOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /organizations': { data: WholeOut; body: OrganizationBody }
  'GET /organizations/{organization_id}': { data: WholeOut }
  'PUT /organizations/{organization_id}': { data: WholeOut; body: OrganizationPut }
  'PATCH /organizations/{organization_id}': { data: WholeOut; body: OrganizationPatch }
  'DELETE /organizations/{organization_id}': { data: Record<string, string> }
  'POST /organizations/{organization_id}/leave': { data: Record<string, string> }
  'GET /organizations/{organization_id}/members': { data: MemberOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'POST /organizations/{organization_id}/members': { data: InvitationOut; body: InvitationBody }
  'GET /organizations/{organization_id}/members/{user_id}': { data: MemberOut }
  'PUT /organizations/{organization_id}/members/{user_id}': { data: MemberOut; body: MemberPut }
  'PATCH /organizations/{organization_id}/members/{user_id}': { data: MemberOut; body: MemberPatch }
  'DELETE /organizations/{organization_id}/members/{user_id}': { data: Record<string, string> }
  'POST /organizations/{organization_id}/members/{user_id}/reset-link': { data: LinkOut }
  'DELETE /organizations/{organization_id}/members/{user_id}/second-factor': { data: Record<string, string> }
  'POST /organizations/{organization_id}/switch': { data: Tokens }
  'GET /permissions': { data: GrantOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; object_type?: "workspace" | "folder" | "job" | "job_package" | "flow" | "connection" | null; object_id?: string | null; user_id?: string | null; group_id?: string | null } }
  'POST /permissions': { data: GrantOut; body: GrantBody }
  'GET /permissions/check': { data: Answer; query: { permission: string; object_type: "workspace" | "folder" | "job" | "job_package" | "flow" | "connection"; object_id: string; user_id?: string | null } }
  'DELETE /permissions/{grant_id}': { data: Record<string, string> }
  'GET /plans': { data: PlanOut[] }
  'POST /plans': { data: PlanOut; body: PlanBody }
  'GET /plans/{key}': { data: PlanOut }
  'PUT /plans/{key}': { data: PlanOut; body: PlanPut }
  'PATCH /plans/{key}': { data: PlanOut; body: PlanPatch }
  'DELETE /plans/{key}': { data: Record<string, string> }
  'GET /plugins': { data: PluginOut[] }
  'PATCH /plugins/{name}': { data: PluginOut; body: PluginPatch }
  'GET /queues': { data: Record<string, Json>[] }
  'GET /queues/dead-letters': { data: Record<string, Json>[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /queues/dead-letters/{execution_id}/discard': { data: Record<string, string> }
  'POST /queues/dead-letters/{execution_id}/retry': { data: Record<string, string> }
  'POST /queues/{queue}/pause': { data: Record<string, string>; body: PauseBody | null }
  'POST /queues/{queue}/resume': { data: Record<string, string> }
  'POST /resume/{organization_id}/{wait_id}/{token}': { data: Record<string, string>; body: Record<string, Json> | null }
  'GET /roles': { data: RoleOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /roles': { data: RoleOut; body: RoleBody }
  'GET /roles/{role_id}': { data: RoleOut }
  'PUT /roles/{role_id}': { data: RoleOut; body: RolePut }
  'PATCH /roles/{role_id}': { data: RoleOut; body: RolePatch }
  'DELETE /roles/{role_id}': { data: Record<string, string> }
  'GET /schedules': { data: ScheduleOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; flow_id?: string | null; is_active?: boolean | null } }
  'POST /schedules': { data: ScheduleOut; body: ScheduleBody }
  'GET /schedules/next': { data: ScheduleOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /schedules/preview': { data: Preview; body: SchedulesPreviewBody }
  'GET /schedules/{schedule_id}': { data: ScheduleOut }
  'PUT /schedules/{schedule_id}': { data: ScheduleOut; body: SchedulePut }
  'PATCH /schedules/{schedule_id}': { data: ScheduleOut; body: SchedulePatch }
  'DELETE /schedules/{schedule_id}': { data: Record<string, string> }
  'POST /schedules/{schedule_id}/pause': { data: ScheduleOut }
  'GET /schedules/{schedule_id}/preview': { data: Preview; query: { limit?: number; after?: string | null } }
  'POST /schedules/{schedule_id}/resume': { data: ScheduleOut }
  'POST /schedules/{schedule_id}/run': { data: Started }
  'GET /schedules/{schedule_id}/ticks': { data: TickOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'GET /service-accounts': { data: ServiceAccountOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /service-accounts': { data: ServiceAccountOut; body: ServiceAccountBody }
  'GET /service-accounts/{account_id}': { data: ServiceAccountOut }
  'PUT /service-accounts/{account_id}': { data: ServiceAccountOut; body: ServiceAccountPut }
  'PATCH /service-accounts/{account_id}': { data: ServiceAccountOut; body: ServiceAccountPatch }
  'DELETE /service-accounts/{account_id}': { data: Record<string, string> }
  'GET /sessions': { data: SignInOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'DELETE /sessions': { data: Record<string, number> }
  'DELETE /sessions/{session_id}': { data: Record<string, string> }
  'GET /setup': { data: Record<string, boolean> }
  'POST /setup': { data: Tokens; body: SetupBody }
  'GET /subscriptions': { data: SubscriptionsSubscriptionOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string } }
  'POST /subscriptions': { data: SubscriptionsSubscriptionOut; body: SubscriptionsSubscriptionBody }
  'POST /subscriptions/upgrade': { data: Changed; body: UpgradeBody }
  'GET /subscriptions/{subscriber_id}': { data: SubscriptionsSubscriptionOut }
  'PUT /subscriptions/{subscriber_id}': { data: SubscriptionsSubscriptionOut; body: SubscriptionsSubscriptionPut }
  'PATCH /subscriptions/{subscriber_id}': { data: SubscriptionsSubscriptionOut; body: SubscriptionsSubscriptionPatch }
  'DELETE /subscriptions/{subscriber_id}': { data: SubscriptionsSubscriptionOut }
  'PUT /subscriptions/{subscriber_id}/overrides/{feature}': { data: SubscriptionsSubscriptionOut; body: OverrideBody }
  'DELETE /subscriptions/{subscriber_id}/overrides/{feature}': { data: SubscriptionsSubscriptionOut }
  'GET /system/homes': { data: HomeOut[] }
  'GET /system/homes/{home_id}': { data: HomeOut }
  'PUT /system/homes/{home_id}': { data: HomeOut; body: HomeBody }
  'DELETE /system/homes/{home_id}': { data: HomeOut }
  'GET /system/homes/{home_id}/preview': { data: MovePreview }
  'GET /system/keys': { data: KeysOut }
  'GET /system/letters': { data: LetterOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /system/letters/{letter_id}/open': { data: LetterText }
  'GET /system/registration': { data: Registration }
  'PUT /system/registration': { data: Registration; body: Registration }
  'GET /templates': { data: TemplateOut[] }
  'GET /templates/{template_id}': { data: TemplateOut }
  'POST /templates/{template_id}/flows': { data: FlowOut; body: TemplateBody }
  'GET /terms': { data: TermsOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; every_version?: boolean } }
  'POST /terms': { data: TermsOut; body: TermsBody }
  'GET /terms/{terms_id}': { data: TermsOut }
  'POST /terms/{terms_id}/accept': { data: TermsOut }
  'GET /terms/{terms_id}/acceptances': { data: AcceptanceOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'GET /tickets': { data: TicketOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; status?: "open" | "pending" | "closed" | null; label?: string } }
  'POST /tickets': { data: TicketOut; body: TicketBody }
  'GET /tickets/labels': { data: string[] }
  'GET /tickets/{ticket_id}': { data: TicketOut }
  'PATCH /tickets/{ticket_id}': { data: TicketOut; body: TicketPatch }
  'GET /tickets/{ticket_id}/messages': { data: MessageOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /tickets/{ticket_id}/messages': { data: MessageOut; body: MessageBody }
  'GET /triggers': { data: TriggerOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; flow_id?: string | null; is_active?: boolean | null } }
  'POST /triggers/next': { data: string[]; body: NextBody }
  'GET /triggers/types': { data: TriggerTypeOut[] }
  'GET /triggers/{trigger_id}': { data: TriggerOut }
  'PUT /triggers/{trigger_id}': { data: TriggerOut; body: TriggerPut }
  'PATCH /triggers/{trigger_id}': { data: TriggerOut; body: TriggerPatch }
  'DELETE /triggers/{trigger_id}': { data: Record<string, string> }
  'GET /triggers/{trigger_id}/duplicates': { data: Duplicate[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'POST /triggers/{trigger_id}/run': { data: Started; body: RunBody | null }
  'GET /users': { data: UsersUserOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'POST /users': { data: UsersUserOut; body: UserBody }
  'GET /users/{person_id}': { data: UsersUserOut }
  'PUT /users/{person_id}': { data: UsersUserOut; body: UsersUserPut }
  'PATCH /users/{person_id}': { data: UsersUserOut; body: UsersUserPatch }
  'DELETE /users/{person_id}': { data: UsersUserOut }
  'POST /waits/{wait_id}/address': { data: Record<string, string> }
  'GET /webhooks': { data: WebhookOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; flow_id?: string | null; event_type?: string | null } }
  'POST /webhooks': { data: WebhookOut; body: WebhookBody }
  'GET /webhooks/{webhook_id}': { data: WebhookOut }
  'PUT /webhooks/{webhook_id}': { data: WebhookOut; body: WebhookPut }
  'PATCH /webhooks/{webhook_id}': { data: WebhookOut; body: WebhookPatch }
  'DELETE /webhooks/{webhook_id}': { data: Record<string, string> }
  'GET /webhooks/{webhook_id}/calls': { data: CallOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null } }
  'GET /webhooks/{webhook_id}/calls/{call_id}/body': { data: null }
  'POST /webhooks/{webhook_id}/calls/{call_id}/replay': { data: Started }
  'POST /webhooks/{webhook_id}/rotate-key': { data: WebhookOut }
  'GET /websocket-connections': { data: WebsocketConnectionOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; is_active?: boolean | null } }
  'GET /workers': { data: Record<string, Json>[] }
  'POST /workers/{worker_id}/drain': { data: Record<string, string> }
  'GET /workspaces': { data: WorkspaceOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string } }
  'POST /workspaces': { data: WorkspaceOut; body: WorkspaceBody }
  'GET /workspaces/{workspace_id}': { data: WorkspaceOut }
  'PUT /workspaces/{workspace_id}': { data: WorkspaceOut; body: WorkspacePut }
  'PATCH /workspaces/{workspace_id}': { data: WorkspaceOut; body: WorkspacePatch }
  'DELETE /workspaces/{workspace_id}': { data: Record<string, string> }
  'GET /workspaces/{workspace_id}/flows': { data: FlowOut[]; query: { page?: number; per_page?: number; limit?: number | null; offset?: number | null; q?: string; sort?: string } }
  'GET /workspaces/{workspace_id}/folders': { data: FolderOut[] }
  'POST /workspaces/{workspace_id}/folders': { data: FolderOut; body: FolderBody }
  'POST /workspaces/{workspace_id}/restore': { data: WorkspaceOut }
  'GET /workspaces/{workspace_id}/statistics': { data: Record<string, Json> }
  'POST /ws-tickets': { data: Ticket }
}
