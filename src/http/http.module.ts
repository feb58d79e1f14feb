import { type DynamicModule, Module } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform';
import { AS_TOKENS, BearerGuard, OPS_TOKENS } from './bearer.guard';
import { type TrustedIssuer, TokenVerifier } from './token-verifier';

/** Bearer tokens for every door. */
@Module({})
export class HttpModule {
  static with(authorizationServer: TrustedIssuer, operators: TrustedIssuer): DynamicModule {
    const verifier = (token: symbol, trusted: TrustedIssuer) => ({
      provide: token,
      inject: [LOGGER],
      useFactory: (log: Logger) => new TokenVerifier(trusted, log),
    });
    return {
      module: HttpModule,
      global: true,
      providers: [verifier(AS_TOKENS, authorizationServer), verifier(OPS_TOKENS, operators), BearerGuard],
      exports: [AS_TOKENS, OPS_TOKENS, BearerGuard],
    };
  }
}
