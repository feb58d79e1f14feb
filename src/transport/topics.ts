const dayMs = 24 * 60 * 60 * 1000;

/** The topics of contract.md 5. Those that hold subjects keep them for at most 7 days (domain.md 12). */
export const topics = {
  subscriptions: { name: 'medmij.subscriptions.v1' },
  clients: { name: 'medmij.clients.v1' },
  authorizations: { name: 'medmij.authorizations.v1', retentionMs: 7 * dayMs },
  resourceChanges: { name: 'medmij.resource-changes.v1', retentionMs: 7 * dayMs },
  deadLetters: { name: 'medmij.dead-letters.v1', retentionMs: 7 * dayMs },
} as const satisfies Record<string, { name: string; retentionMs?: number }>;

/** Partitions of a topic that this service creates. More can be added, but keys then move. */
export const partitionsAtCreation = 12;
