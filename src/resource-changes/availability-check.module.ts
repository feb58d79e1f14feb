import { type DynamicModule, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AVAILABILITY, type Availability } from '../availability';
import { BeforeSending } from '../notifications';
import { KnownPersons, PersonsModule } from '../persons';
import { LOGGER, type Logger } from '../platform';
import { AvailabilityCheck } from './availability.check';

/** What is asked before each resource notification, in processes that deliver. */
@Module({})
export class AvailabilityCheckModule {
  static with({ personKey, personKeyPrevious }: { personKey: Buffer; personKeyPrevious?: Buffer }): DynamicModule {
    return {
      module: AvailabilityCheckModule,
      imports: [PersonsModule.with(personKey, personKeyPrevious)],
      providers: [
        {
          provide: BeforeSending,
          inject: [KnownPersons, AVAILABILITY, Registry, LOGGER],
          useFactory: (persons: KnownPersons, availability: Availability, registry: Registry, log: Logger) =>
            new AvailabilityCheck(persons, availability, registry, log),
        },
      ],
      exports: [BeforeSending],
    };
  }
}
