import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, isReady, rowsOf } from '../journeys/walk';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
}

/** Takes spans as an OpenTelemetry collector does: OTLP over HTTP, with JSON. */
class Collector {
  readonly spans: Span[] = [];
  /** Everything that was sent, as it was sent. */
  text = '';
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => void pieces.push(piece));
      request.on('end', () => {
        const body = Buffer.concat(pieces).toString();
        this.text += body;
        const sent = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
        for (const { scopeSpans } of sent.resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  of(traceId: string): Map<string, Span> {
    return new Map(this.spans.filter((span) => span.traceId === traceId).map((span) => [span.name, span]));
  }
}

const attribute = (span: Span | undefined, name: string) =>
  span?.attributes.find(({ key }) => key === name)?.value.stringValue;

describe('a trace', () => {
  const collector = new Collector();
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start() });
    await isReady(service);
  });
  afterAll(async () => {
    await service.stop();
    await collector.stop();
  });

  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const subject = somePerson();

  it('leads from the request that came in through append and Kafka to the notification', async () => {
    const { otherSide } = service.world;
    await otherSide.follow('medmij.subscriptions.v1');
    const answer = await service.post<{ subscription_id: string }>(
      '/authorizations',
      {
        authorization_id: 'traced',
        client_id: 'localhost',
        scope: 'subscribe~180/eenofanderezorgaanbieder~42',
        subject,
        authorized_at: new Date().toISOString(),
      },
      'authorizations:write',
      { traceparent, 'x-correlation-id': 'the-conversation' },
    );
    expect(answer.status).toBe(201);
    await eventually(() =>
      expect([...collector.of(traceId).keys()].sort()).toEqual([
        'POST /authorizations',
        'append',
        'notify subscription',
        'send medmij.subscriptions.v1',
      ]),
    );
    const spans = collector.of(traceId);
    const request = spans.get('POST /authorizations')!;
    expect(request.parentSpanId).toBe('00f067aa0ba902b7');
    for (const name of ['append', 'send medmij.subscriptions.v1', 'notify subscription'])
      expect([name, spans.get(name)?.parentSpanId]).toEqual([name, request.spanId]);
    for (const [name, span] of spans)
      expect([name, attribute(span, 'medmij.correlation_id')]).toEqual([name, 'the-conversation']);
    expect(attribute(spans.get('notify subscription'), 'medmij.subscription_id')).toBe(answer.body.subscription_id);
    await eventually(() => expect(otherSide.seen).toHaveLength(1));
    expect(otherSide.seen[0]!.headers.ce_traceparent).toBe(`00-${traceId}-${request.spanId}-01`);
    const line = service.world.logLines
      .map((text) => JSON.parse(text) as { msg: string; correlation_id?: string; trace_id?: string })
      .find(({ msg, correlation_id }) => msg === 'request.answered' && correlation_id === 'the-conversation');
    expect(line?.trace_id).toBe(traceId);
  });

  it('leads from a change at a source to the notification of it', async () => {
    const changeTrace = 'aaf92f3577b34da6a3ce929d0e0e4736';
    const change = {
      change_id: 'traced-change',
      subject,
      provider: 'eenofanderezorgaanbieder',
      service_id: '42',
      available_at: new Date().toISOString(),
    };
    const answer = await service.post('/resource-changes', change, 'resource-changes:write', {
      traceparent: `00-${changeTrace}-00f067aa0ba902b7-01`,
    });
    expect([answer.status, answer.body]).toEqual([202, { notifications: 1 }]);
    await eventually(() => expect(collector.of(changeTrace).get('notify resource')).toBeDefined());
  });

  it('leads from a record of Kafka to the notification', async () => {
    const recordTrace = 'bbf92f3577b34da6a3ce929d0e0e4736';
    await service.world.otherSide.send('medmij.authorizations.v1', {
      key: null,
      value: JSON.stringify({
        authorization_id: 'traced-record',
        client_id: 'localhost',
        scope: 'subscribe~180/eenofanderezorgaanbieder~42',
        subject: somePerson(),
        authorized_at: new Date().toISOString(),
      }),
      headers: {
        ce_specversion: '1.0',
        ce_id: 'traced-record',
        ce_source: 'urn:test',
        ce_type: 'nl.medmij.authorization.granted.v1',
        ce_traceparent: `00-${recordTrace}-00f067aa0ba902b7-01`,
        'content-type': 'application/json',
      },
    });
    await eventually(() =>
      expect([...collector.of(recordTrace).keys()]).toEqual(
        expect.arrayContaining(['process medmij.authorizations.v1', 'append', 'notify subscription']),
      ),
    );
  });

  it('is not kept where its caller decided against it', async () => {
    const unsampled = 'ccf92f3577b34da6a3ce929d0e0e4736';
    await service.send('GET', '/ops/api/lists', { traceparent: `00-${unsampled}-00f067aa0ba902b7-00` });
    await service.send('GET', '/ops/api/lists', { 'x-correlation-id': 'kept' });
    await eventually(() =>
      expect(collector.spans.map((span) => attribute(span, 'medmij.correlation_id'))).toContain('kept'),
    );
    expect(collector.of(unsampled).size).toBe(0);
  });

  it('says nothing about the person', () => {
    expect(collector.spans.length).toBeGreaterThan(5);
    expect(collector.text).not.toContain(subject);
    expect(collector.text).not.toContain('Bearer');
  });

  it('is none where nobody asked for it, and what came in is handed on as it came', async () => {
    await service.restart({ OTEL_SDK_DISABLED: 'true' });
    await isReady(service);
    const { subscription_id: id } = await accepted(service);
    await eventually(() => expect(service.world.dvp.of(id)).toHaveLength(1));
    const [{ metadata }] = (await rowsOf<{ metadata: object }>(
      service,
      'select metadata from event order by pos desc limit 1',
    )) as [{ metadata: object }];
    expect(metadata).not.toHaveProperty('traceparent');
    // A process sends what is waiting before it ends.
    await service.restart();
    expect(collector.text).not.toContain(id);
  });
});
