import { isIP } from 'node:net';
import { z } from 'zod';

const isBracketed = (host: string) => host.startsWith('[');

export const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be a URL starting with ${protocols.join(' or ')}`,
  });

export const port = z.coerce.number().int().min(0).max(65535);
export const seconds = z.coerce.number().int().min(0).max(10_000_000);
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
export const commaList = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .pipe(z.array(z.string().min(1)).min(1));

export const personKey = z
  .string()
  .regex(/^[0-9A-Za-z+/]+={0,2}$/, 'must be base64')
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length >= 32, { message: 'must hold at least 32 bytes' });

/** An address or a network of them, as in 10.0.0.0/8. */
export const network = z.string().refine((text) => {
  const [address, prefix, ...rest] = text.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address!)];
  const isPrefix = prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (bits ?? 0));
  return bits !== undefined && isPrefix && rest.length === 0;
}, 'must be addresses or networks such as 10.0.0.0/8');

/** `name=127.0.0.1:9443,...`: where calls to a host name go in development; the certificate is still checked for the name. */
export const hostAddresses = z.string().transform((text, context) => {
  const addresses: Record<string, { address: string; port: number }> = {};
  for (const entry of text.split(',').filter(Boolean)) {
    const match = /^([a-z0-9.-]+)=(\[[0-9a-f:]+\]|[0-9a-zA-Z.-]+):([0-9]{1,5})$/.exec(entry.trim());
    if (!match || Number(match[3]) > 65_535) {
      context.addIssue({ code: 'custom', message: 'must look like name=127.0.0.1:9443,...' });
      return z.NEVER;
    }
    const address = match[2]!;
    addresses[match[1]!] = { address: isBracketed(address) ? address.slice(1, -1) : address, port: Number(match[3]) };
  }
  return addresses;
});

/** `app.example=50,*=200`: calls a second to each endpoint of a client at most; `*`: of every other client. */
export const rates = z.string().transform((text, context) => {
  const byClient: Record<string, number> = {};
  let others: number | undefined;
  for (const entry of text.split(',')) {
    const match = /^([a-z0-9.-]+|\*)=([1-9][0-9]{0,4})$/.exec(entry.trim());
    const [, client, rate] = match ?? [];
    if (client === undefined || Object.hasOwn(byClient, client) || (client === '*' && others !== undefined)) {
      context.addIssue({ code: 'custom', message: 'must look like app.example=50,*=200, each client once' });
      return z.NEVER;
    }
    if (client === '*') others = Number(rate);
    else byClient[client] = Number(rate);
  }
  return { byClient, ...(others !== undefined && { others }) };
});
