/** Of the 128 bits of an id those that the fence changes. */
const fenceBits = 32n;
const fenceMask = (1n << fenceBits) - 1n;

/**
 * The `MedMij-Request-ID` of a try: a UUID of its own, made of the delivery's id and of the fence under which it was claimed, so
 * that it need not be stored and the try can still be found by it. The same claim has the same id; every further one another.
 */
export function requestIdOf(deliveryId: string, fence: string): string {
  const mark = BigInt(fence) & fenceMask;
  return deliveryId.slice(0, -8) + (lastBits(deliveryId) ^ mark).toString(16).padStart(8, '0');
}

/** Between which ids the delivery of a request lies; undefined when no delivery can have it. */
export function deliveriesOf(requestId: string): { first: string; last: string } | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(requestId)) return undefined;
  const shared = requestId.slice(0, -8);
  return { first: `${shared}00000000`, last: `${shared}ffffffff` };
}

function lastBits(id: string): bigint {
  return BigInt(`0x${id.slice(-8)}`);
}
