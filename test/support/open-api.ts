import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020';
import type { Answer } from './app';

export interface Operation {
  summary?: string;
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
  security?: Record<string, string[]>[];
}

export interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

/** One call as it was made; `operation` is written as `POST /ops/api/deliveries/{id}/retry`. */
export interface MadeCall {
  operation: string;
  query?: Record<string, string>;
  body?: unknown;
}

/** The service's own OpenAPI document, held against what it really answers. */
export class DescribedAnswers {
  readonly operations: ReadonlyMap<string, Operation>;
  /** `POST /authorizations 201`. */
  private readonly seen = new Set<string>();
  private readonly ajv = new Ajv2020({ allErrors: true });

  constructor({ paths }: OpenApi) {
    addFormats.default(this.ajv);
    this.operations = new Map(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
      ),
    );
  }

  /** What the document has against an answer, and against what was sent when the service took it. */
  faults({ operation, query = {}, body }: MadeCall, answer: Answer<unknown>): string[] {
    const described = this.operations.get(operation);
    if (!described) return [`${operation} is not described`];
    const response = described.responses[answer.status];
    if (!response) return [`${operation} does not say that it answers ${answer.status}`];
    this.seen.add(`${operation} ${answer.status}`);
    const faults = this.faultsOfBody(response.content ?? {}, answer);
    if (answer.status >= 400) return faults;
    const names = (described.parameters ?? []).filter(({ in: place }) => place === 'query').map(({ name }) => name);
    const unnamed = Object.keys(query).filter((name) => !names.includes(name));
    return [...faults, ...unnamed.map((name) => `takes the parameter ${name}`), ...this.faultsOfSent(described, body)];
  }

  /** Operations that have done what they are for. */
  done(): [string, Operation][] {
    return [...this.operations].filter(([operation]) =>
      [...this.seen].some((answer) => answer.startsWith(`${operation} 2`)),
    );
  }

  /** Answers that are described of these operations and have not been seen. */
  unseen(): string[] {
    return this.done().flatMap(([operation, { responses }]) =>
      Object.keys(responses)
        .map((status) => `${operation} ${status}`)
        .filter((answer) => !this.seen.has(answer)),
    );
  }

  private faultsOfBody(
    content: Record<string, { schema: object }>,
    { headers, text, body }: Answer<unknown>,
  ): string[] {
    if (Object.keys(content).length === 0) return text === '' ? [] : ['has a body'];
    const type = headers.get('content-type')?.split(';')[0] ?? '';
    const described = content[type];
    if (!described) return [`is of the type ${type}`];
    return this.against(described.schema, /json/.test(type) ? body : text);
  }

  private faultsOfSent({ requestBody }: Operation, body: unknown): string[] {
    const json = requestBody?.content['application/json'];
    if (json && body !== undefined) return this.against(json.schema, body).map((fault) => `took: ${fault}`);
    return body === undefined || requestBody ? [] : ['takes a body'];
  }

  private against(schema: object, value: unknown): string[] {
    const validate = this.ajv.compile(schema);
    return validate(value) ? [] : validate.errors!.map((error) => `${error.instancePath} ${error.message}`);
  }
}
