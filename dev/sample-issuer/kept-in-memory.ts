import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider' with { 'resolution-mode': 'import' };

/** Sign-ins, sessions and tokens that are remembered at once; the oldest goes first. */
const keptMax = 1_000;

interface Kept {
  payload: AdapterPayload;
  untilMs: number;
}

/** What an issuer remembers for as long as it runs: for development that is meant so, while the provider warns of its own. */
export function keptInMemory(): AdapterFactory {
  const kept = new Map<string, Kept>();
  return (model) => new KeptInMemory(kept, `${model} `);
}

/** Things of one kind, in the memory that all kinds share. */
class KeptInMemory implements Adapter {
  constructor(
    private readonly kept: Map<string, Kept>,
    private readonly prefix: string,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresInS = Number.POSITIVE_INFINITY): Promise<void> {
    this.kept.delete(this.prefix + id);
    this.kept.set(this.prefix + id, { payload, untilMs: performance.now() + expiresInS * 1000 });
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptMax) this.kept.delete(oldest!);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = this.kept.get(this.prefix + id);
    return found && found.untilMs > performance.now() ? found.payload : undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.findBy((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.findBy((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload) payload.consumed = true;
  }

  async destroy(id: string): Promise<void> {
    this.kept.delete(this.prefix + id);
  }

  /** What was given out under one grant goes together; a sign-in under way that names it goes on, for another account perhaps. */
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.kept)
      if (payload.grantId === grantId && !/^(Interaction|Session|Grant) /.test(key)) this.kept.delete(key);
  }

  private async findBy(fits: (payload: AdapterPayload) => boolean): Promise<AdapterPayload | undefined> {
    for (const [key, { payload }] of this.kept)
      if (key.startsWith(this.prefix) && fits(payload)) return this.find(key.slice(this.prefix.length));
    return undefined;
  }
}
