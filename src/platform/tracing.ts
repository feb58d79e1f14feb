import {
  type AttributeValue,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { isTraceparent } from './trace-ids';

const kinds = {
  /** It answers somebody who waits. */
  request: SpanKind.SERVER,
  /** It takes what somebody left, or leaves something for somebody. */
  taking: SpanKind.CONSUMER,
  leaving: SpanKind.PRODUCER,
  /** It asks somebody and waits. */
  call: SpanKind.CLIENT,
  inside: SpanKind.INTERNAL,
} as const;

export interface UnitOfWork {
  kind: keyof typeof kinds;
  /** Few different ones: a route, a topic, never an id. */
  name: string;
  /** What caused it, as a W3C trace context; without one a trace begins here. */
  parent: string | undefined;
  attributes?: TraceAttributes;
}

/** Ids and codes, never anything about a person. */
export type TraceAttributes = Record<string, AttributeValue | undefined>;

/** One unit of work as a trace shows it. */
export interface TraceSpan {
  /** For what this unit causes. */
  readonly traceparent: string;
  end(attributes?: TraceAttributes, outcome?: 'well' | 'failed'): void;
}

/**
 * Traces by hand, at the units of work that the log names too: what happens between a request and its notification goes through
 * batches, a table and Kafka, and no context of the process survives that (docs/adr/0024). The trace context travels with the data.
 */
export class Tracing {
  /** Every `begin` is undefined: what is handed on stays what came in. */
  static readonly off = new Tracing();

  constructor(
    private readonly tracer?: Tracer,
    readonly close: () => Promise<void> = () => Promise.resolve(),
  ) {}

  get isOn(): boolean {
    return this.tracer !== undefined;
  }

  begin({ kind, name, parent, attributes }: UnitOfWork): TraceSpan | undefined {
    const { tracer } = this;
    if (!tracer) return undefined;
    const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(parent));
    return { traceparent: traceparentOf(span), end: (more, outcome) => end(span, more, outcome) };
  }
}

/** Injection token of the tracing. */
export const TRACING = Symbol('TRACING');

function contextOf(traceparent: string | undefined) {
  if (!isTraceparent(traceparent)) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string];
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function end(span: Span, attributes: TraceAttributes = {}, outcome: 'well' | 'failed' = 'well'): void {
  span.setAttributes(attributes);
  if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
