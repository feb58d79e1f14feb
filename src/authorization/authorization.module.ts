import { type DynamicModule, Module } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { AVAILABILITY, type Availability } from '../availability';
import { ClientsModule, SuspendedClients } from '../clients';
import { Grants } from '../grants';
import { ListStore } from '../medmij-lists';
import { PersonalSeal, PersonIdentities, PersonsModule, RequestFingerprint } from '../persons';
import { Clock } from '../platform';
import { FormTokens } from '../screens';
import { SubscriptionsModule } from '../subscriptions';
import { Admission } from './admission';
import { AuthorizationAudit } from './authorization.audit';
import { AuthorizationController, REQUEST_RULES } from './authorization.controller';
import { AuthorizationRecordsModule } from './authorization-records.module';
import type { RequestRules } from './authorization-request';
import { ClientAnswers } from './client-answers';
import { Decisions } from './decisions';
import { InteractionController } from './interaction.controller';
import { InteractionHandles } from './interaction-handle';
import { InteractionScreens } from './interaction.screens';
import { InteractionStore } from './interaction.store';
import { Interactions } from './interactions';

export interface AuthorizationOptions extends RequestRules {
  publicUrl: string;
  /** Seconds from the authorization request to the last moment for an answer. */
  interactionTtlS: number;
  personKey: Buffer;
  personKeyPrevious?: Buffer;
}

/** The front channel of the authorization interface. */
@Module({})
export class AuthorizationModule {
  static with(options: AuthorizationOptions): DynamicModule {
    const { publicUrl, interactionTtlS, personKey, personKeyPrevious } = options;
    const { interfaceVersion, ownHosts, localhostAllowed } = options;
    return {
      module: AuthorizationModule,
      imports: [
        AuthorizationRecordsModule,
        PersonsModule.with(personKey, personKeyPrevious),
        SubscriptionsModule,
        ClientsModule,
      ],
      controllers: [AuthorizationController, InteractionController],
      providers: [
        { provide: REQUEST_RULES, useValue: { interfaceVersion, ownHosts, localhostAllowed } satisfies RequestRules },
        { provide: ClientAnswers, useValue: new ClientAnswers(publicUrl) },
        {
          provide: InteractionHandles,
          inject: [PersonalSeal],
          useFactory: (seal: PersonalSeal) => new InteractionHandles(seal),
        },
        {
          provide: Admission,
          inject: [InteractionStore, SuspendedClients, InteractionHandles, AuthorizationAudit, Clock],
          useFactory: (
            store: InteractionStore,
            suspendedClients: SuspendedClients,
            handles: InteractionHandles,
            audit: AuthorizationAudit,
            clock: Clock,
          ) => new Admission(store, suspendedClients, handles, audit, clock, interactionTtlS),
        },
        {
          provide: Interactions,
          inject: [InteractionStore, AVAILABILITY, RequestFingerprint, AuthorizationAudit, Clock],
          useFactory: (
            store: InteractionStore,
            availability: Availability,
            fingerprints: RequestFingerprint,
            audit: AuthorizationAudit,
            clock: Clock,
          ) => new Interactions(store, availability, fingerprints, audit, clock),
        },
        {
          provide: Decisions,
          inject: [
            InteractionStore,
            CommandBus,
            Grants,
            PersonIdentities,
            RequestFingerprint,
            PersonalSeal,
            ClientAnswers,
            AuthorizationAudit,
            Clock,
          ],
          useFactory: (
            store: InteractionStore,
            commandBus: CommandBus,
            grants: Grants,
            identities: PersonIdentities,
            fingerprints: RequestFingerprint,
            seal: PersonalSeal,
            answers: ClientAnswers,
            audit: AuthorizationAudit,
            clock: Clock,
          ) => new Decisions(store, { commandBus, grants, identities, fingerprints, seal }, answers, audit, clock),
        },
        {
          provide: InteractionScreens,
          inject: [ListStore, FormTokens, Clock],
          useFactory: (lists: ListStore, forms: FormTokens, clock: Clock) =>
            new InteractionScreens(lists, forms, clock, publicUrl),
        },
      ],
    };
  }
}
