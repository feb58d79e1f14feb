import { Tracing } from './tracing';

/** Spans that wait to be sent: while the collector is away newer ones are dropped, and the service goes on. */
const waitingMax = 8_192;
const perBatchMax = 512;
const sentEveryMs = 2_000;
/** A shutdown does not wait longer for a collector that says nothing. */
const sendTimeoutMs = 3_000;

/** Where spans go. What OpenTelemetry names besides (`OTEL_EXPORTER_OTLP_HEADERS` and the like) its exporter reads itself. */
export interface TraceExport {
  /** OTLP over HTTP. */
  url: string;
  serviceName: string;
  /** 0 to 1: of the traces that begin here, those that are recorded. A trace that began elsewhere goes by what was decided there. */
  ratio: number;
}

/** Tracing that sends what it records to a collector. Its packages are loaded only here, so that nobody pays who does not trace. */
export async function tracingTo({ url, serviceName, ratio }: TraceExport): Promise<Tracing> {
  const [sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const processor = new sdk.BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url, timeoutMillis: sendTimeoutMs }),
    maxQueueSize: waitingMax,
    maxExportBatchSize: perBatchMax,
    scheduledDelayMillis: sentEveryMs,
    exportTimeoutMillis: sendTimeoutMs,
  });
  const provider = new sdk.TracerProvider({
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    resource: resources
      .resourceFromAttributes({ 'service.name': serviceName })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [processor],
  });
  // What is still waiting is sent; a collector that is away must not hold up the end of the process.
  return new Tracing(provider.getTracer('medmij-subscriptions'), () => provider.shutdown().catch(() => undefined));
}
