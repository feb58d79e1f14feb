import { type DynamicModule, Module } from '@nestjs/common';
import { Database } from '../platform';
import { RequestFingerprint } from './fingerprint';
import { KnownPersons } from './known-persons.store';
import { PersonIdentities } from './person-identities';
import { PersonKey } from './person-key';
import { PersonalSeal } from './personal-seal';
import { sealedKey } from './sealed-key.store';

@Module({})
export class PersonsModule {
  static with(secret: Buffer, previousSecret?: Buffer): DynamicModule {
    const key = new PersonKey(secret);
    const previousKey = previousSecret && new PersonKey(previousSecret);
    const seal = new PersonalSeal(key, previousKey);
    return {
      module: PersonsModule,
      providers: [
        { provide: PersonIdentities, useValue: new PersonIdentities(key, previousKey) },
        { provide: PersonalSeal, useValue: seal },
        {
          provide: KnownPersons,
          inject: [Database],
          useFactory: (database: Database) => new KnownPersons(database, seal),
        },
        {
          provide: RequestFingerprint,
          inject: [Database],
          useFactory: async (database: Database) =>
            new RequestFingerprint(await sealedKey(database, 'request fingerprint', key, previousKey)),
        },
      ],
      exports: [PersonIdentities, KnownPersons, PersonalSeal, RequestFingerprint],
    };
  }
}
