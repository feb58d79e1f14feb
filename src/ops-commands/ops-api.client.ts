/** Where the operators' API is, and who asks. */
export interface OpsAccess {
  baseUrl: string;
  token: string;
}

/** The service answered "no", or does not answer: one sentence for the operator. */
export class OpsFailed extends Error {
  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
    this.name = 'OpsFailed';
  }
}

/** One page of a list (contract.md 4). */
export interface OpsPage<Item> {
  items: Item[];
  next: string | null;
}

/** Longer than the service takes for anything; a replay of 50,000 deliveries takes the longest. */
const answerTimeoutMs = 120_000;

type Query = Record<string, string | undefined>;

/** The operators' API over HTTP. Redirects are not followed: the token is for this service only. */
export class OpsApi {
  constructor(private readonly access: OpsAccess) {}

  get<Body>(path: string, query: Query = {}): Promise<Body> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    return this.ask<Body>('GET', `${path}${search}`);
  }

  post<Body>(path: string, body?: unknown): Promise<Body> {
    return this.ask<Body>('POST', path, body);
  }

  private async ask<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await this.send(method, path, body);
    const text = await response.text();
    const content = /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as unknown) : undefined;
    if (response.ok && content !== undefined) return content as Body;
    throw new OpsFailed(sentenceOf(response.status, content), response.status);
  }

  private async send(method: string, path: string, body: unknown): Promise<Response> {
    const { baseUrl, token } = this.access;
    const url = `${baseUrl.replace(/\/+$/, '')}/ops/api${path}`;
    try {
      return await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
    } catch (error) {
      throw new OpsFailed(`No answer from ${baseUrl}: ${reasonOf(error)}`);
    }
  }
}

function sentenceOf(status: number, content: unknown): string {
  const { code, detail, errors } = (content ?? {}) as {
    code?: string;
    detail?: string;
    errors?: { path: string; message: string }[];
  };
  const faults = (errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  return [`${status}${code === undefined ? '' : ` ${code}`}`, detail, ...faults].filter(Boolean).join(' - ');
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error & { code?: string } };
  return cause?.code ?? cause?.message ?? message;
}
