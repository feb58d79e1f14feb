import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Registry } from 'prom-client';
import { askedGauge, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import type { FastifyInstance } from 'fastify';
import { Backchannel, type BackchannelOptions } from './backchannel';
import { AS_TOKENS, BearerGuard, OPS_TOKENS } from './bearer.guard';
import { type TrustedIssuer, TokenVerifier } from './token-verifier';

export interface HttpOptions {
  authorizationServer: TrustedIssuer;
  operators: TrustedIssuer;
  backchannel?: BackchannelOptions;
}

/** Bearer tokens for every door, and the port of the backchannel. */
@Module({})
export class HttpModule {
  static with({ authorizationServer, operators, backchannel }: HttpOptions): DynamicModule {
    const verifier = (token: symbol, trusted: TrustedIssuer) => ({
      provide: token,
      inject: [LOGGER],
      useFactory: (log: Logger) => new TokenVerifier(trusted, log),
    });
    return {
      module: HttpModule,
      global: true,
      providers: [
        verifier(AS_TOKENS, authorizationServer),
        verifier(OPS_TOKENS, operators),
        BearerGuard,
        ...(backchannel ? [backchannelProvider(backchannel)] : []),
      ],
      exports: [AS_TOKENS, OPS_TOKENS, BearerGuard],
    };
  }
}

function backchannelProvider(options: BackchannelOptions) {
  return {
    provide: Backchannel,
    inject: [HttpAdapterHost, Registry, Readiness, LOGGER],
    useFactory: ({ httpAdapter }: HttpAdapterHost, registry: Registry, readiness: Readiness, log: Logger) => {
      const backchannel = new Backchannel(httpAdapter.getInstance<FastifyInstance>(), options, log);
      readiness.add('backchannel', () => loopCheck(backchannel.state()));
      askedGauge({
        registry,
        name: 'medmij_server_certificate_expiry_timestamp_seconds',
        help: 'When our certificate on the backchannel port ends',
        ask: () => {
          const endsAt = backchannel.certificateEndsAt;
          return Promise.resolve(endsAt ? [{ value: endsAt.getTime() / 1_000 }] : []);
        },
      });
      return backchannel;
    },
  };
}
