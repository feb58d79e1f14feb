import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client } from '../medmij-lists/list-xml';
import { somePerson, TestService } from '../support/app';
import { eventually } from '../support/eventually';
import { ListFolder } from '../support/list-folder';
import {
  accepted,
  historyOf,
  isReady,
  itemOf,
  type Page,
  resumeClient,
  rowsOf,
  scopeOf,
  suspend,
  suspendClient,
  typesOf,
} from './walk';

const leaver = 'leaver.example';
const second = { provider: 'anderezorgaanbieder', serviceId: '43' };
const dayMs = 86_400_000;
const entry = client(leaver, {
  subscription: 'https://sample-client.example/leaver/s',
  resource: 'https://sample-client.example/leaver/r',
});

describe('what leaves the lists', () => {
  let service: TestService;
  let lists: ListFolder;
  beforeAll(async () => {
    lists = await ListFolder.make();
    await list();
    service = await TestService.start({ ...lists.env, OWN_HOSTS: 'localhost' });
    await isReady(service);
  });
  afterAll(async () => {
    await service.stop();
    await lists.remove();
  });

  const list = () => lists.publish('clients', (text) => text.replace('</OAuthclients>', `${entry}</OAuthclients>`));
  const delist = () => lists.publish('clients', (text) => text.replace(entry, ''));
  /** The second provider says of its service: nothing about subscriptions, or again what it said before. */
  let offered = '';
  const withdraw = () =>
    lists.publish('providers', (text) => {
      offered = text;
      const at = text.indexOf(`>${second.provider}@medmij`);
      return text.slice(0, at) + text.slice(at).replace(/<Abonneren>[\s\S]*?<\/Abonneren>/, '');
    });
  const offer = async () => {
    const [number] = /<Volgnummer>\d+</.exec(await lists.read('providers'))!;
    await lists.publish('providers', () => offered.replace(/<Volgnummer>\d+</, number));
  };
  const subscribed = (given: Record<string, unknown>) =>
    accepted(service, { subject: somePerson(), ...given }).then(({ subscription_id: id }) => id);
  const onService = () => subscribed({ scope: scopeOf(60, second.provider, second.serviceId) });
  const ofLeaver = () => subscribed({ client_id: leaver });
  const statusOf = async (id: string) => {
    const { status, suspended_by, end_reason } = await itemOf(service, id);
    return { status, suspended_by, end_reason };
  };
  const becomes = (id: string, status: string, suspendedBy: string | null = null, reason: string | null = null) =>
    eventually(async () =>
      expect(await statusOf(id)).toEqual({ status, suspended_by: suspendedBy, end_reason: reason }),
    );
  const isSeen = (name: string) =>
    eventually(async () => {
      const number = Number(/<Volgnummer>(\d+)</.exec(await lists.read(name as 'clients'))![1]);
      const { body } = await service.get<Page<{ name: string; sequence: number }>>('/ops/api/lists');
      expect(body.items.find((item) => item.name === name)!.sequence).toBe(number);
    });

  it('is a client: it is suspended as a whole, and goes on by itself when it is listed again', async () => {
    const [id, other] = [await ofLeaver(), await subscribed({})];
    await becomes(id, 'active');
    await delist();
    await becomes(id, 'suspended', 'client');
    await becomes(other, 'active');
    await list();
    await becomes(id, 'active');
    expect(typesOf(await historyOf(service, id))).toEqual(['started']);
  });

  it('is a client that an operator has suspended too: it stays suspended when it is listed again', async () => {
    const id = await ofLeaver();
    await becomes(id, 'active');
    await delist();
    await becomes(id, 'suspended', 'client');
    await suspendClient(service, leaver);
    await list();
    await isSeen('clients');
    // The one that nobody suspended comes back, and this one does not.
    await eventually(() =>
      expect(service.world.logLines.filter((line) => line.includes('delisting.client_back'))).toHaveLength(2),
    );
    await becomes(id, 'suspended', 'client');
    await resumeClient(service, leaver);
    await becomes(id, 'active');
  });

  it('is a service: its subscriptions are suspended, and go on by themselves when it is offered again', async () => {
    const [id, ended, byOperator] = [await onService(), await onService(), await onService()];
    const elsewhere = await subscribed({});
    await suspend(service, byOperator, 'operator');
    await service.post(`/ops/api/subscriptions/${ended}/terminate`, { reason_text: 'a test' }, 'ops:write');
    await becomes(ended, 'terminated', null, 'operator');
    await withdraw();
    await becomes(id, 'suspended', 'provider');
    await becomes(elsewhere, 'active');
    // Nobody else resumes it meanwhile.
    const refused = await service.post(`/ops/api/subscriptions/${id}/resume`, { reason_text: 'a test' }, 'ops:write');
    expect([refused.status, refused.body.code]).toEqual([422, 'service_not_offered']);
    await offer();
    await becomes(id, 'active');
    expect((await historyOf(service, id)).map(({ type, data }) => [typesOf([{ type }])[0], data.reason])).toEqual([
      ['started', undefined],
      ['suspended', 'service_withdrawn'],
      ['resumed', 'service_offered'],
    ]);
    await becomes(byOperator, 'suspended', 'operator');
    expect(await statusOf(ended)).toMatchObject({ status: 'terminated' });
  });

  it('ends after its days, and not before; what comes back after that begins anew', async () => {
    const [ofClient, ofService, staying] = [await ofLeaver(), await onService(), await subscribed({})];
    await delist();
    await withdraw();
    await becomes(ofClient, 'suspended', 'client');
    await becomes(ofService, 'suspended', 'provider');
    service.world.clock.advance(29 * dayMs);
    // By lists that are fresh again, by the clock that has moved.
    await lists.publish('clients');
    await lists.publish('providers');
    await isSeen('clients');
    await isSeen('providers');
    await becomes(ofClient, 'suspended', 'client');
    await becomes(ofService, 'suspended', 'provider');
    service.world.clock.advance(2 * dayMs);
    await lists.publish('clients');
    await lists.publish('providers');
    await becomes(ofClient, 'terminated', null, 'client_delisted');
    await becomes(ofService, 'terminated', null, 'service_withdrawn');
    await becomes(staying, 'active');
    await list();
    await offer();
    await isSeen('clients');
    await isSeen('providers');
    await eventually(async () => {
      const again = await ofLeaver();
      await becomes(again, 'active');
    });
    await becomes(ofClient, 'terminated', null, 'client_delisted');
    await becomes(await onService(), 'active');
  });

  it('begins anew when it is gone again before anybody saw that it was back', async () => {
    const { provider: name, serviceId } = second;
    const row = `kind = 'service' and name = '${name}' and service_id = '${serviceId}'`;
    const phaseIs = (phase: string) =>
      eventually(async () =>
        expect(await rowsOf(service, `select phase, since > 'epoch' as "isNew" from delisting where ${row}`)).toEqual([
          { phase, isNew: true },
        ]),
      );
    const id = await onService();
    await withdraw();
    await becomes(id, 'suspended', 'provider');
    await phaseIs('resting');
    // As after the end of all that there were: one that runs was given since.
    await rowsOf(service, `update delisting set phase = 'ended', since = 'epoch' where ${row}`);
    await lists.publish('providers');
    await phaseIs('resting');
    await offer();
    await becomes(id, 'active');
  });

  it('is nothing that only could not be fetched, or is too old', async () => {
    const [ofClient, ofService] = [await ofLeaver(), await onService()];
    await becomes(ofClient, 'active');
    await lists.edit('clients', () => '<cut off');
    service.world.clock.advance(31 * 60_000);
    await eventually(async () => {
      const { body } = await service.get<Page<{ name: string; stale: boolean }>>('/ops/api/lists');
      expect(body.items.find(({ name }) => name === 'clients')!.stale).toBe(true);
    });
    await withdraw();
    await becomes(ofService, 'suspended', 'provider');
    await becomes(ofClient, 'active');
  });
});
