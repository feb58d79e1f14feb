import { applyDecorators } from '@nestjs/common';
import { ApiQuery, ApiResponse, type ApiResponseSchemaHost } from '@nestjs/swagger';
import { z } from 'zod';

/** What a zod schema accepts, as OpenAPI 3.1 says it (JSON Schema 2020-12). */
export function apiSchema(schema: z.ZodType): ApiResponseSchemaHost['schema'] {
  const { $schema: _dialect, ...jsonSchema } = z.toJSONSchema(schema, { io: 'input' });
  return jsonSchema as ApiResponseSchemaHost['schema'];
}

/** The query parameters that a route takes; every other one is refused. */
export function apiQuery(schema: z.ZodObject) {
  const parameters = Object.entries(schema.shape);
  return applyDecorators(
    ...parameters.map(([name, parameter]) =>
      ApiQuery({ name, required: false, schema: apiSchema(parameter) as object }),
    ),
  );
}

const problem = z.strictObject({
  type: z.url(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })),
});

const descriptions: Record<number, string> = {
  400: 'The request is malformed',
  401: 'No valid token',
  403: 'The token does not allow this',
  404: 'There is no such thing',
  409: 'It does not go with what is there already',
  413: 'The body is too large',
  415: 'The content type is not supported',
  422: 'A rule refuses it; `code` names the rule',
  503: 'Come back later',
  504: 'The read model has not reached the asked position yet',
};

/** The problem documents (RFC 9457) that a route may answer. */
export function problemResponses(...statuses: number[]) {
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: descriptions[status],
        content: { 'application/problem+json': { schema: apiSchema(problem) } },
      }),
    ),
  );
}
