import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueCertificate } from '../../dev/certificates';
import { authorizedRequest, somePerson } from '../support/app';
import { eventually } from '../support/eventually';
import { ListFolder } from '../support/list-folder';
import type { ServiceProcess } from './service-process';
import { Surroundings } from './surroundings';

/** More than one page of a walk. */
const persons = 150;
/** So far a walk gets, and no farther while it is held up: its first page. */
const walked = 100;
const host = 'sample-client.example';
const takeoverMs = 60_000;

/** Two processes that do what one of them at a time may do. The one that does it is killed, and the other goes on. */
describe('two schedulers', () => {
  let world: Surroundings;
  let lists: ListFolder;
  let client: Server;
  let first: ServiceProcess;
  let second: ServiceProcess;
  /** Of the process that was there alone at first. */
  let ownerFirst: string;
  /** The one that was killed, and the other one, which has taken over. */
  let killed: ServiceProcess;
  let other: ServiceProcess;
  let ownerOther: string;
  /** Connections that the client has seen: nothing else is sent to it here. */
  let connections = 0;

  beforeAll(async () => {
    [world, lists] = await Promise.all([Surroundings.make(), ListFolder.make()]);
    client = await startClient();
    const env = {
      ...lists.env,
      OWN_HOSTS: 'localhost',
      ROLES: 'api,projector,scheduler',
      DEV_HOSTS: `${host}=127.0.0.1:${(client.address() as AddressInfo).port}`,
    };
    [first, second] = await Promise.all([world.process('first', env), world.process('second', env)]);
    await first.start();
    ownerFirst = await eventually(walker);
    await second.start();
    await Promise.all(Array.from({ length: persons }, () => subscribe()));
  }, 300_000);
  afterAll(async () => {
    await Promise.all([first?.kill(), second?.kill()]);
    client?.close();
    await world?.remove();
    await lists?.remove();
  });

  async function startClient(): Promise<Server> {
    const { certificate, key } = await issueCertificate(world.authority, {
      commonName: host,
      names: [host],
      usages: ['server'],
    });
    const server = createServer({ cert: certificate, key });
    server.on('connection', () => (connections += 1));
    server.on('secureConnection', (socket) => socket.on('error', () => undefined));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return server;
  }

  async function subscribe(): Promise<void> {
    const request = authorizedRequest({ subject: somePerson(), scope: 'subscribe~60/anderezorgaanbieder~43' });
    const answer = await fetch(`${first.baseUrl}/authorizations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(answer.status).toBe(201);
  }

  /** Who walks, by the id under which it holds the lease. */
  const walker = async () => {
    const [row] = await world.rows<{ owner: string }>(
      `select owner from log_reader where name = 'delisting' and lease_until > clock_timestamp()`,
    );
    expect(row).toBeDefined();
    return row!.owner;
  };
  /** How many subscriptions have had this happen to them, and how often it happened in all. */
  const counted = async (what: 'suspended' | 'resumed') => {
    const [row] = await world.rows<{ times: number; streams: number }>(
      'select count(*)::integer as times, count(distinct stream_id)::integer as streams from event where type = $1',
      [`nl.medmij.subscription.${what}.v1`],
    );
    return row!;
  };
  /** The database lets so many be written, and no more until it is let go. */
  const holdUp = (what: 'suspended' | 'resumed') =>
    world.rows(`
      create function hold_up() returns trigger language plpgsql as $$ begin
        if new.type = 'nl.medmij.subscription.${what}.v1'
           and (select count(*) from event where type = new.type) >= ${walked} then
          raise exception 'held up' using errcode = 'insufficient_resources';
        end if;
        return new;
      end $$;
      create trigger hold_up before insert on event for each row execute function hold_up();`);
  const letGo = () => world.rows('drop trigger hold_up on event; drop function hold_up();');
  /** Half-way: what was walked over is written, and the rest is not. */
  const isHalfWay = (what: 'suspended' | 'resumed') =>
    eventually(async () => expect(await counted(what)).toEqual({ times: walked, streams: walked }), takeoverMs);
  const isDoneOnce = (what: 'suspended' | 'resumed') =>
    eventually(async () => expect(await counted(what)).toEqual({ times: persons, streams: persons }), takeoverMs);

  const looksOf = (process: ServiceProcess) =>
    process.lines().filter((line) => line.includes('"endpoint.looked_at"')).length;
  /** The time for a look has come; until there was one. */
  const isLookedAt = async () => {
    await world.rows(`update watched_endpoint set look_at = clock_timestamp() - interval '1 second'`);
    await eventually(
      async () =>
        expect(await world.rows('select 1 from watched_endpoint where look_at <= clock_timestamp()')).toEqual([]),
      takeoverMs,
    );
  };

  it('look at the endpoints of clients once, not once each', async () => {
    const watched = () => world.rows<{ origin: string }>('select origin from watched_endpoint');
    await eventually(async () => expect(await watched()).toEqual([{ origin: `https://${host}` }]), takeoverMs);
    for (let time = 0; time < 4; time += 1) await isLookedAt();
    // The first of these may have been due when the time for it was set anyway.
    expect([4, 5]).toContain(connections);
    // What was found is written down after it is recorded.
    await eventually(() => expect(looksOf(first) + looksOf(second)).toBe(connections));
  }, 120_000);

  it('finish what one of them had half done when it was killed: each subscription is suspended once', async () => {
    await holdUp('suspended');
    await lists.publish('providers', withdrawn);
    await isHalfWay('suspended');
    [killed, other] = (await walker()) === ownerFirst ? [first, second] : [second, first];
    await killed.kill();
    await letGo();
    await isDoneOnce('suspended');
    ownerOther = await eventually(walker);
    const before = [connections, looksOf(other)] as const;
    await isLookedAt();
    await eventually(() => expect([connections, looksOf(other)]).toEqual([before[0] + 1, before[1] + 1]));
  }, 120_000);

  it('do so also when it is offered again: all that was suspended goes on, once, and nothing stays behind', async () => {
    await killed.start();
    await holdUp('resumed');
    await lists.publish('providers', offered);
    await isHalfWay('resumed');
    const isOther = (await walker()) === ownerOther;
    await (isOther ? other : killed).kill();
    await letGo();
    await isDoneOnce('resumed');
    expect(await counted('suspended')).toEqual({ times: persons, streams: persons });
    await eventually(async () => expect(await world.rows('select 1 from delisting')).toEqual([]), takeoverMs);
    await eventually(async () => {
      const rows = await world.rows('select status, count(*)::integer as count from subscription_view group by status');
      expect(rows).toEqual([{ status: 'active', count: persons }]);
    }, takeoverMs);
  }, 120_000);
});

/** The second provider says nothing about subscriptions any more. */
function withdrawn(text: string): string {
  const at = text.indexOf('>anderezorgaanbieder@medmij');
  return text.slice(0, at) + text.slice(at).replace(/<Abonneren>[\s\S]*?<\/Abonneren>/, '<!--$&-->');
}

function offered(text: string): string {
  return text.replace('<!--<Abonneren>', '<Abonneren>').replace('</Abonneren>-->', '</Abonneren>');
}
