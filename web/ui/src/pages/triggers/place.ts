/** Where a trigger has its page, by its mode. */
export const placeOf = (mode: string, id: string) =>
  `/${mode === 'time' ? 'schedules' : mode === 'webhook' ? 'webhooks' : 'triggers'}/${id}`
