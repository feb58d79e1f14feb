/** What a scope asks for: a subscription of at most `days` days (0 ends it) on one service of one provider. */
export interface SubscribeScope {
  days: number;
  /** Without `@medmij`. */
  provider: string;
  serviceId: string;
}

/** Exactly one provider-service combination and nothing else (ext.abo.authint.200); how each part is spelled is decided. */
const subscribeScope =
  /^subscribe~(?<days>0|[1-9][0-9]{0,4})\/(?<provider>[a-z]{3,50})~(?<serviceId>[0-9A-Za-z._-]{1,30})$/;

/** Reads `subscribe~<days>/<provider>~<serviceId>`; undefined for anything else (ext.abo.authint.200). */
export function parseScope(text: string): SubscribeScope | undefined {
  const parts = subscribeScope.exec(text)?.groups;
  return parts && { days: Number(parts.days), provider: parts.provider!, serviceId: parts.serviceId! };
}

/** The scope's text, as it stands in a token answer with the days granted (ext.abo.tknint.200). */
export function formatScope({ days, provider, serviceId }: SubscribeScope): string {
  return `subscribe~${days}/${provider}~${serviceId}`;
}
