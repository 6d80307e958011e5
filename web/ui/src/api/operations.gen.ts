// Written by tools/api_types.py from the OpenAPI document; not to be changed by hand.
import type { FirstOperations } from './operations.first.gen'
import type { AcceptBody, AcceptanceOut, Accepted, Answer, AuthProviderType, CallOut, Changed, Duplicate, FlowOut, FolderBody, FolderOut, GrantBody, GrantOut, GroupMemberBody, GroupMemberOut, GroupOut, GroupPatch, GroupPut, HomeBody, HomeOut, IdentityOut, IdentityProviderBody, IdentityProviderOut, IdentityProviderPatch, IntegrationBody, IntegrationOut, IntegrationPatch, IntegrationPut, InvitationBody, InvitationOut, JobBody, JobOut, JobPatch, JobPut, KeysOut, LetterOut, LetterText, LinkOut, LookBody, Member, MemberOut, MemberPatch, MemberPut, MessageBody, MessageOut, MineOut, MovePreview, N8nSyncBody, NextBody, NodeTypeOut, Option, OptionsBody, OrganizationBody, OrganizationPatch, OrganizationPut, OverrideBody, PackageBody, PackagePatch, PackagePut, PauseBody, PlanBody, PlanOut, PlanPatch, PlanPut, PluginOut, PluginPatch, Preview, ProviderTested, Registration, RoleBody, RoleOut, RolePatch, RolePut, RunBody, ScheduleBody, ScheduleOut, SchedulePatch, SchedulePut, SchedulesPreviewBody, ServiceAccountBody, ServiceAccountOut, ServiceAccountPatch, ServiceAccountPut, SetupBody, Shown, SignInOut, Started, SubscriptionsSubscriptionBody, SubscriptionsSubscriptionOut, SubscriptionsSubscriptionPatch, SubscriptionsSubscriptionPut, SyncBody, Synced, TemplateBody, TemplateOut, TermsBody, TermsOut, TickOut, Ticket, TicketBody, TicketOut, TicketPatch, Tokens, TriggerOut, TriggerPatch, TriggerPut, TriggerTypeOut, UpgradeBody, UserBody, UsersUserOut, UsersUserPatch, UsersUserPut, WebhookBody, WebhookOut, WebhookPatch, WebhookPut, WebsocketConnectionOut, WholeOut, WorkspaceBody, WorkspaceOut, WorkspacePatch, WorkspacePut } from './types.gen'
import type { Json } from './types'

export type Operations = FirstOperations & {
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
