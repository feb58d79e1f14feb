import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { apiSchema, expectNothing, problemResponses } from '../http';

/** Metadata of an Authorization Server (RFC 8414 section 2), as far as there is something to say. */
export const serverMetadataSchema = z.strictObject({
  issuer: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  response_types_supported: z.array(z.string()),
  response_modes_supported: z.array(z.string()),
  grant_types_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  authorization_response_iss_parameter_supported: z.boolean(),
  ui_locales_supported: z.array(z.string()),
  service_documentation: z.url(),
});
export type ServerMetadata = z.output<typeof serverMetadataSchema>;

/** Injection token of the metadata. */
export const SERVER_METADATA = Symbol('SERVER_METADATA');

export interface MetadataOptions {
  publicUrl: string;
  /** Where machines reach the service when not at `publicUrl`. */
  backchannelUrl?: string;
  acceptsCertificates: boolean;
  acceptsSecrets: boolean;
}

/** No scopes are listed, for theirs is a grammar; no PKCE, since whoever takes a code must show a certificate. */
export function serverMetadata({
  publicUrl,
  backchannelUrl,
  acceptsCertificates,
  acceptsSecrets,
}: MetadataOptions): ServerMetadata {
  return {
    issuer: publicUrl,
    authorization_endpoint: `${publicUrl}/oauth/authorize`,
    token_endpoint: `${backchannelUrl ?? publicUrl}/oauth/token`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code'],
    token_endpoint_auth_methods_supported: [
      ...(acceptsCertificates ? ['tls_client_auth'] : []),
      ...(acceptsSecrets ? ['client_secret_basic', 'client_secret_post'] : []),
    ],
    authorization_response_iss_parameter_supported: true,
    ui_locales_supported: ['nl', 'en'],
    service_documentation: `${publicUrl}/api-docs`,
  };
}

@ApiTags('Authorization interface')
@Controller('.well-known/oauth-authorization-server')
export class ServerMetadataController {
  constructor(@Inject(SERVER_METADATA) private readonly metadata: ServerMetadata) {}

  @Get()
  @ApiOperation({ summary: 'Metadata of the Authorization Server (RFC 8414)' })
  @ApiResponse({ status: 200, description: 'The metadata', schema: apiSchema(serverMetadataSchema) })
  @problemResponses(400)
  show(@Query() query: unknown): ServerMetadata {
    expectNothing(query);
    return this.metadata;
  }
}
