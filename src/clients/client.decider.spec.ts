import { describe, expect, it } from '@jest/globals';
import { type ClientCommand, decideClient, evolveClient, initialClientState } from './client.decider';
import type { ClientEvent, ResumptionReason, SuspensionReason } from './client.events';

const clientId = 'app.example';
const suspend = (reason: SuspensionReason): ClientCommand => ({ type: 'Suspend', clientId, reason });
const resume = (reason: ResumptionReason): ClientCommand => ({ type: 'Resume', clientId, reason });
const suspended = (reason: SuspensionReason): ClientEvent => ({
  type: 'nl.medmij.client.suspended.v1',
  data: { client_id: clientId, reason },
});
const resumed = (reason: ResumptionReason): ClientEvent => ({
  type: 'nl.medmij.client.resumed.v1',
  data: { client_id: clientId, reason },
});
const after = (past: ClientEvent[], command: ClientCommand) =>
  decideClient(command, past.reduce(evolveClient, initialClientState));

const firm = ['endpoint_identity', 'operator'] as const;
const every = [...firm, 'client_delisted'] as const;

describe('a client', () => {
  it.each(every)('is suspended for the reason %s, once, also after it was resumed', (reason) => {
    expect(after([], suspend(reason))).toEqual([suspended(reason)]);
    expect(after([suspended(reason)], suspend(reason))).toEqual([]);
    expect(after([suspended('operator'), resumed('operator')], suspend(reason))).toEqual([suspended(reason)]);
  });

  it.each(every)('that is suspended for the reason %s is resumed by an operator', (reason) => {
    expect(after([suspended(reason)], resume('operator'))).toEqual([resumed('operator')]);
  });

  it('that has left the list comes back when it is listed again', () => {
    expect(after([suspended('client_delisted')], resume('client_listed'))).toEqual([resumed('client_listed')]);
  });

  it.each(firm)(
    'that is suspended for the reason %s does not come back with the list, whichever came first',
    (reason) => {
      expect(after([suspended(reason)], suspend('client_delisted'))).toEqual([]);
      expect(after([suspended('client_delisted')], suspend(reason))).toEqual([suspended(reason)]);
      for (const past of [[suspended(reason)], [suspended('client_delisted'), suspended(reason)]])
        expect(after(past, resume('client_listed'))).toEqual([]);
    },
  );

  it('that is not suspended is not resumed', () => {
    for (const reason of ['operator', 'client_listed'] as const) {
      expect(after([], resume(reason))).toEqual([]);
      expect(after([suspended('operator'), resumed('operator')], resume(reason))).toEqual([]);
    }
  });

  it('keeps the first of two firm reasons', () => {
    expect(after([suspended('endpoint_identity')], suspend('operator'))).toEqual([]);
    expect(after([suspended('operator')], suspend('endpoint_identity'))).toEqual([]);
  });
});
