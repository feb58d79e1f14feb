import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../dev/ports';
import { runOpsCommand } from '../../src/ops-commands';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { accepted, deliveriesOf, isReady, itemOf, rowsOf, type Standing } from './walk';

const projectRoot = resolve(__dirname, '../..');

describe('the operator’s command line', () => {
  let service: TestService;
  let token: string;
  let told: Standing;
  let dead: Standing;

  beforeAll(async () => {
    service = await TestService.start();
    token = await service.token('ops:read', 'ops:write');
    await isReady(service);
    told = await accepted(service);
    await itemOf(service, told.subscription_id, told.position);
    await eventually(async () =>
      expect(await deliveriesOf(service, told.subscription_id)).toMatchObject([{ state: 'delivered' }]),
    );
    service.world.dvp.answerWith(404);
    dead = await accepted(service);
    await itemOf(service, dead.subscription_id, dead.position);
    await eventually(async () =>
      expect(await deliveriesOf(service, dead.subscription_id)).toMatchObject([{ state: 'dead' }]),
    );
    service.world.dvp.answer();
  });
  afterAll(() => service.stop());

  /** As a process of its own, as operators start it; a start takes seconds, so that most is asked without one. */
  async function asProcess(
    words: readonly string[],
    { stdin = '', env = {} }: { stdin?: string; env?: Record<string, string> } = {},
  ) {
    const child = spawn(process.execPath, ['dev/run.mjs', 'ops', ...words], {
      cwd: projectRoot,
      env: { PATH: process.env.PATH, BASE_URL: service.world.baseUrl, OPS_TOKEN: token, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    child.stdin.end(stdin);
    const code = await new Promise<number | null>((done) => child.once('close', done));
    return { code, ...said };
  }
  async function ops(words: readonly string[], { baseUrl = service.world.baseUrl, token: shown = token } = {}) {
    const said = { out: '', err: '' };
    const end = await runOpsCommand(words, {
      access: { baseUrl, token: shown },
      output: { write: (text) => void (said.out += text), isLive: false, columns: 80 },
      complain: (sentence) => void (said.err += `${sentence}\n`),
    });
    return { end, ...said };
  }
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('lists what there is, filtered and as many as asked for', async () => {
    const all = await asProcess(['list', 'subscriptions', '--json']);
    expect([all.code, all.err]).toEqual([0, '']);
    expect(lines(all.out).map(({ subscription_id: id }) => id)).toEqual([dead.subscription_id, told.subscription_id]);
    const one = await ops(['list', 'deliveries', '--state', 'dead', '--limit', '1']);
    expect(one.end).toBe('done');
    const [head, row, ...rest] = one.out.trim().split('\n');
    expect(head).toMatch(/^delivery_id +client_id +notification_type +state/);
    expect(row).toMatch(/localhost +subscription +dead/);
    expect(rest).toEqual([]);
  });

  it('shows one subscription with its life', async () => {
    const shown = await ops(['show', 'subscription', told.subscription_id]);
    expect(shown.end).toBe('done');
    expect(shown.out).toContain('nl.medmij.subscription.started.v1');
    expect(shown.out).toMatch(/subscription +delivered/);
    const missing = await asProcess(['show', 'client', 'nobody.example']);
    expect([missing.code, missing.out]).toEqual([1, '']);
    expect(missing.err).toMatch(/^404 not_found/);
  });

  it('retries one dead delivery', async () => {
    const [delivery] = await deliveriesOf(service, dead.subscription_id);
    const retried = await ops(['retry', 'delivery', delivery!.delivery_id]);
    expect([retried.end, retried.err]).toEqual(['done', '']);
    await eventually(async () =>
      expect(await deliveriesOf(service, dead.subscription_id)).toMatchObject([{ state: 'delivered' }]),
    );
    const again = await ops(['retry', 'delivery', delivery!.delivery_id]);
    expect([again.end, again.err.split(' - ')[0]]).toEqual(['failed', '409 not_retryable']);
  });

  it('replays only after a dry run and a yes, and each is in the audit trail', async () => {
    service.world.dvp.answerWith(404);
    const { subscription_id: id } = await accepted(service);
    const state = async (wanted: string) =>
      eventually(async () => {
        const answer = await service.get<{ items: { state: string }[] }>(`/ops/api/subscriptions/${id}/notifications`);
        expect(answer.body.items?.map((item) => item.state)).toEqual([wanted]);
      });
    await state('dead');
    service.world.dvp.answer();
    const words = ['replay', '--since', '2020-01-01T00:00:00Z', '--reason', 'the app was mended'];
    const dry = await ops(words);
    expect([dry.end, dry.out]).toEqual([
      'done',
      expect.stringMatching(/^1 dead deliveries, of which 1 can.*\nNothing was/),
    ]);
    await state('dead');
    const real = await ops([...words, '--yes']);
    expect([real.end, real.out]).toEqual(['done', expect.stringMatching(/1 go out again\.\n$/)]);
    await state('delivered');
    const audit = lines((await ops(['list', 'audit', '--json'])).out).filter(({ what }) => what === 'delivery.replay');
    expect(audit.map(({ details }) => (details as { dry_run: boolean }).dry_run)).toEqual([false, true, true]);
    expect(audit[0]).toMatchObject({ who: 'developer', reason_text: 'the app was mended', outcome: 'done' });
  });

  it('rebuilds a projection and shows how far it is until it is live', async () => {
    const rebuilt = await ops(['rebuild', 'subscriptions']);
    expect([rebuilt.end, rebuilt.err]).toEqual(['done', '']);
    expect(rebuilt.out).toMatch(/subscriptions \[#{30}\] 100 %\nVersion 2 of subscriptions is live\.\n$/);
    const missing = await ops(['rebuild', 'nothing']);
    expect([missing.end, missing.err.split(' - ')[0]]).toEqual(['failed', '404 not_found']);
  });

  it('compares the log with the projections and with Kafka, and fails when something is amiss', async () => {
    // The last events may not have been published yet.
    const sound = await eventually(async () => {
      const found = await ops(['verify']);
      expect(found.out).toMatch(/Kafka: 3 published events of the log looked for, 0 missing\./);
      return found;
    });
    expect([sound.end, sound.err]).toEqual(['done', '']);
    expect(sound.out).toMatch(/subscriptions \(version 2\): 3 subscriptions compared with the log, 0 differ\./);

    await rowsOf(service, `update subscription_view set end_date = '2031-01-01' where subscription_id = $1`, [
      told.subscription_id,
    ]);
    const strange = randomUUID();
    await rowsOf(
      service,
      `update event set event_id = $1 where event_id = (select event_id from event order by pos limit 1)`,
      [strange],
    );
    const amiss = await ops(['verify']);
    expect(amiss.end).toBe('failed');
    expect(amiss.out).toContain(`${told.subscription_id}  differs  ["end_date"]`);
    expect(amiss.out).toMatch(new RegExp(`3 published events of the log looked for, 1 missing\\.\n.*\n${strange} `));
  });

  it('erases a person whose number stands nowhere but on its standard input', async () => {
    const subject = somePerson();
    const { subscription_id: id } = await accepted(service, { subject });
    const erased = await asProcess(['erase', '--subject-on-stdin', '--yes'], { stdin: `${subject}\n` });
    expect([erased.code, erased.err]).toEqual([0, '']);
    expect(erased.out).toMatch(/^Erased: [0-9a-f-]{36}\. 1 subscriptions ended\.\n$/);
    await eventually(async () => expect(await itemOf(service, id)).toMatchObject({ end_reason: 'erased' }));
    const [line] = lines((await ops(['list', 'audit', '--json', '--limit', '1'])).out);
    expect(line).toMatchObject({ what: 'persons.erase', outcome: 'done', details: { ended: 1 } });
    expect(JSON.stringify(line)).not.toContain(subject);
  });

  it('says in one sentence what is missing or away', async () => {
    const words = ['list', 'clients'];
    const without = await asProcess(words, { env: { OPS_TOKEN: '' } });
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('OPS_TOKEN: is missing')]);
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const away = await ops(words, { baseUrl: nowhere });
    expect([away.end, away.err]).toEqual(['failed', `No answer from ${nowhere}: ECONNREFUSED\n`]);
    const mayNot = await ops(['retry', 'parked', randomUUID()], { token: await service.token('ops:read') });
    expect([mayNot.end, mayNot.err.split(' - ')[0]]).toEqual(['failed', '403 forbidden']);
  });
});
