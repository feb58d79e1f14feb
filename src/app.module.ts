import { type DynamicModule, Module } from '@nestjs/common';
import { ApiDocsModule } from './api-docs';
import { AuditModule } from './audit';
import { ArchiveModule } from './archive';
import { AuthorizationModule, type AuthorizationOptions, InteractionSweepModule } from './authorization';
import { AvailabilityModule } from './availability';
import { ClientConnectionsModule } from './client-connections';
import { clientForms } from './clients';
import { type Config, logName, type Role } from './config';
import { EndpointWatchModule } from './endpoint-watch';
import { DelistingModule } from './delisting';
import { ErasureModule } from './erasure';
import { ErrorPagesModule } from './error-pages';
import { EventStoreModule, upcastBy } from './event-store';
import { ExpiryModule } from './expiry';
import { GrantsModule, type GrantsOptions } from './grants';
import { HealthModule } from './health';
import { HttpModule } from './http';
import { IncomingRecordsModule } from './incoming-records';
import { IntakeModule } from './intake';
import { MedmijListsModule } from './medmij-lists';
import { MySubscriptionsModule } from './my-subscriptions';
import { NotificationsModule } from './notifications';
import { OpsModule } from './ops';
import { OpsPageModule } from './ops-page';
import { PersonKeyMoveModule } from './persons';
import { PlatformModule, type PlatformParts } from './platform';
import { ProjectorModule } from './projections';
import { RelayModule } from './relay';
import { AvailabilityCheckModule, ResourceChangesModule } from './resource-changes';
import { ScreensModule } from './screens';
import { SignInModule } from './sign-in';
import { SubscriptionInterfaceModule } from './subscription-interface';
import { subscriptionForms } from './subscriptions';
import { TransportModule } from './transport';

/** The only file that knows every room: which of them this process has, and with which part of the configuration. */
@Module({})
export class AppModule {
  static with(config: Config, parts: PlatformParts): DynamicModule {
    const as = (role: Role, ...modules: DynamicModule['imports'] & object) => (config.roles.has(role) ? modules : []);
    const { certFile, keyFile, caFile } = config.clientTls;
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(parts),
        AuditModule,
        TransportModule.with(config.kafka),
        EventStoreModule.with(logName, upcastBy(subscriptionForms, clientForms), { endAfterS: config.logStallEndS }),
        MedmijListsModule.with(config.lists, config.listTls, !config.production),
        ClientConnectionsModule.with({
          identityFiles: { certFile, keyFile, caFile },
          hostAddresses: config.hostAddresses,
        }),
        HttpModule.with({ ...config, backchannel: backchannelOf(config) }),
        HealthModule,
        ApiDocsModule.with(config.kafka.topicPrefix),
        AvailabilityModule.with(config.availabilityUrl),
        ...as(
          'api',
          IncomingRecordsModule.with(config),
          IntakeModule.with({ ...config }),
          ResourceChangesModule.with(config),
          OpsModule,
          ScreensModule.with(config.http.publicUrl),
          SignInModule.with(signInOf(config)),
          ...opsPageOf(config),
          ErrorPagesModule,
          MySubscriptionsModule.with(config),
          GrantsModule.with(grantsOf(config)),
          SubscriptionInterfaceModule.with(config),
          AuthorizationModule.with(authorizationOf(config)),
          ErasureModule.with(config),
        ),
        ...as('relay', RelayModule.with(config.http.publicUrl)),
        ...as('projector', ProjectorModule.with()),
        ...as(
          'delivery',
          NotificationsModule.with({
            startGraceS: config.startGraceS,
            rates: config.deliveryRates,
            beforeSending: [AvailabilityCheckModule.with(config)],
          }),
        ),
        ...as(
          'scheduler',
          ExpiryModule,
          InteractionSweepModule,
          EndpointWatchModule.with(config),
          DelistingModule.with(config),
          ArchiveModule,
          ...(config.personKeyPrevious ? [PersonKeyMoveModule.with(config.personKey, config.personKeyPrevious)] : []),
        ),
      ],
    };
  }
}

function signInOf({ http: { publicUrl }, personIssuer, hostAddresses, personKey, personKeyPrevious }: Config) {
  return { publicUrl, issuer: { ...personIssuer, hostAddresses }, personKey, personKeyPrevious };
}

function opsPageOf({ http: { publicUrl }, operatorIssuer: issuer, hostAddresses, pagesFolder }: Config) {
  return issuer ? [OpsPageModule.with({ publicUrl, issuer: { ...issuer, hostAddresses }, pagesFolder })] : [];
}

function authorizationOf(config: Config): AuthorizationOptions {
  return { ...config, publicUrl: config.http.publicUrl, localhostAllowed: !config.production };
}

function backchannelOf({ http: { backchannelPort, host, tls } }: Config) {
  return backchannelPort === undefined ? undefined : { port: backchannelPort, host, tls };
}

function grantsOf({ http, personKey, personKeyPrevious, clientAuthentication }: Config): GrantsOptions {
  const { publicUrl, backchannelUrl } = http;
  const { certificateHeader: header, trustedProxies, secret: clientSecret } = clientAuthentication;
  return {
    personKey,
    personKeyPrevious,
    publicUrl,
    backchannelUrl,
    certificates: { header, trustedProxies },
    clientSecret,
  };
}
