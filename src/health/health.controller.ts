import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { apiSchema } from '../http';
import { Readiness } from '../platform';

const timeoutMs = 2_000;

const status = z.enum(['ok', 'degraded', 'unavailable']);
const readinessShape = z.strictObject({
  status,
  checks: z.record(z.string(), z.strictObject({ status, reason: z.string().optional() })),
});

/** For the platform that runs the service. */
@ApiTags('Platform')
@Controller('health')
export class HealthController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  @Get('live')
  @ApiOperation({ summary: 'Whether the process answers' })
  @ApiResponse({ status: 200, description: 'It does', schema: apiSchema(z.strictObject({ status: z.literal('ok') })) })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 503 only when nothing useful can be done; a broker that is away is `degraded`, for commands go on. */
  @Get('ready')
  @ApiOperation({ summary: 'Whether requests should be sent here' })
  @ApiResponse({ status: 200, description: 'ok or degraded', schema: apiSchema(readinessShape) })
  @ApiResponse({ status: 503, description: 'unavailable', schema: apiSchema(readinessShape) })
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const answer = await this.readiness.ask(timeoutMs);
    await reply
      .status(answer.status === 'unavailable' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(answer);
  }
}
