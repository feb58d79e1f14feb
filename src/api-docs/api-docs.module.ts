import { type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { asyncApi } from './async-api';
import { ASYNC_API, AsyncApiController } from './async-api.controller';

@Module({})
export class ApiDocsModule {
  static with(topicPrefix: string): DynamicModule {
    return {
      module: ApiDocsModule,
      controllers: [AsyncApiController],
      providers: [{ provide: ASYNC_API, useValue: asyncApi(topicPrefix) }],
    };
  }
}

/** `/api-docs` and `/api-docs-json`: OpenAPI 3.1, from the controllers and the schemas they check with. */
export function serveOpenApi(app: INestApplication, publicUrl: string): void {
  const description = new DocumentBuilder()
    .setTitle('medmij-subscriptions')
    .setDescription(
      'Event-sourced subscription lifecycle service for MedMij Abonneren. Refusals are problem documents (RFC 9457).',
    )
    .setVersion('1.0.0')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'Opaque, from /oauth/token.' }, 'access_token')
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'In development only.' }, 'development_secret')
    // OpenAPI 3.1 knows it, the types of this library do not yet.
    .addSecurity('mutual_tls', { type: 'mutualTLS' } as unknown as Parameters<DocumentBuilder['addSecurity']>[1])
    .addServer(publicUrl)
    .build();
  allowThePageItsOwnFiles(app.getHttpAdapter().getInstance() as FastifyInstance);
  SwaggerModule.setup('api-docs', app, () => SwaggerModule.createDocument(app, description), {
    jsonDocumentUrl: 'api-docs-json',
  });
}

/** The strict policy of all other answers would leave the page blank: here its own scripts, styles and pictures may load. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function allowThePageItsOwnFiles(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (/^\/api-docs(\/|\?|$)/.test(request.url)) void reply.header('content-security-policy', pagePolicy);
    done();
  });
}
