import type { FastifyRequest } from 'fastify';

const doors = /^\/(oauth\/token|Subscription|authorizations|resource-changes)(\/|$)/;

/**
 * Whether a request came to a door for machines only (contract.md 2). By the route that was found, not by the address as it was
 * written: `/%61uthorizations` leads there too.
 */
export function isAtMachineDoor(request: FastifyRequest): boolean {
  return doors.test(request.routeOptions.url ?? '');
}
