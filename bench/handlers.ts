import { createHash } from 'node:crypto';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
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

/** A database belongs to the key under which it was first opened: every process of a benchmark has this one. */
export const personKey = createHash('sha256').update('medmij-subscriptions bench person key').digest();

class Rooms {}

/** Rooms of the service in this process, put together as src/app.module.ts does. */
export async function openRooms(
  databaseUrl: string,
  ...rooms: (DynamicModule | Type<unknown>)[]
): Promise<INestApplicationContext> {
  const { eventStore, platform, subscriptions } = compiled;
  const parts = {
    database: await platform.Database.connect(databaseUrl),
    clock: platform.systemClock(0),
    log: platform.createLogger('warn'),
  };
  return NestFactory.createApplicationContext(
    {
      module: Rooms,
      imports: [
        platform.PlatformModule.with(parts),
        eventStore.EventStoreModule.with('main', subscriptions.upcast),
        ...rooms,
      ],
    },
    { logger: false, abortOnError: false },
  );
}

/** `others`: rooms that run beside the write side, as readers of its log. */
export async function openHandlers(
  databaseUrl: string,
  ...others: (DynamicModule | Type<unknown>)[]
): Promise<Handlers> {
  const { eventStore, persons, subscriptions } = compiled;
  const app = await openRooms(
    databaseUrl,
    persons.PersonsModule.with(personKey),
    subscriptions.SubscriptionsModule,
    ...others,
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
