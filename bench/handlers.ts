import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import type { EventStore } from '../src/event-store';
import type { PersonIdentities, RequestFingerprint } from '../src/persons';
import { compiled } from './compiled';

/** The write side of the service behind its command bus, without doors. */
export interface Handlers {
  readonly commandBus: CommandBus;
  readonly eventStore: EventStore;
  readonly identities: PersonIdentities;
  readonly fingerprints: RequestFingerprint;
  close(): Promise<void>;
}

class WriteSide {}

export async function openHandlers(databaseUrl: string): Promise<Handlers> {
  const { eventStore, persons, platform, subscriptions } = compiled;
  const parts = {
    database: await platform.Database.connect(databaseUrl),
    clock: platform.systemClock(0),
    log: platform.createLogger('warn'),
  };
  const app = await NestFactory.createApplicationContext(
    {
      module: WriteSide,
      imports: [
        platform.PlatformModule.with(parts),
        eventStore.EventStoreModule.with('main', subscriptions.upcast),
        persons.PersonsModule.with(randomBytes(32)),
        subscriptions.SubscriptionsModule,
      ],
    },
    { logger: false, abortOnError: false },
  );
  const options = { strict: false } as const;
  return {
    commandBus: app.get(CommandBus, options),
    eventStore: app.get(eventStore.EventStore, options),
    identities: app.get(persons.PersonIdentities, options),
    fingerprints: app.get(persons.RequestFingerprint, options),
    close: () => app.close(),
  };
}
