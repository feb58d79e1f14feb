import type { FastifyReply, FastifyRequest } from 'fastify';

/** Random values of ours in base64url: nothing else is read from a cookie, and none needs to be escaped in one. */
const readable = /^[A-Za-z0-9_-]{22,128}$/;

/** How cookies are kept: over https their names begin with `__Host-`, so that no other host can set them. */
export class BrowserCookies {
  private readonly prefix: string;
  private readonly attributes: string;

  /**
   * `isSecure`: whether PUBLIC_URL is https. Lax, not Strict, unless said otherwise: the browser of a person comes from a
   * client's window and from the issuer, and must still be known.
   */
  constructor(isSecure: boolean, sameSite: 'Lax' | 'Strict' = 'Lax') {
    this.prefix = isSecure ? '__Host-' : '';
    this.attributes = `Path=/; HttpOnly; SameSite=${sameSite}${isSecure ? '; Secure' : ''}`;
  }

  /** Undefined too when it is given twice with different values, or is none of ours. */
  read(request: FastifyRequest, name: string): string | undefined {
    const wanted = `${this.prefix}${name}=`;
    const given = (request.headers.cookie ?? '').split(/; */).filter((pair) => pair.startsWith(wanted));
    const values = new Set(given.map((pair) => pair.slice(wanted.length)));
    const [value] = values;
    return values.size === 1 && readable.test(value!) ? value : undefined;
  }

  /** Until the browser is closed, or for `lifeS` seconds: many that stay would fill the header of every request. */
  set(reply: FastifyReply, name: string, value: string, lifeS?: number): void {
    const life = lifeS === undefined ? '' : `; Max-Age=${lifeS}`;
    void reply.header('set-cookie', `${this.prefix}${name}=${value}; ${this.attributes}${life}`);
  }

  forget(reply: FastifyReply, name: string): void {
    void reply.header('set-cookie', `${this.prefix}${name}=; ${this.attributes}; Max-Age=0`);
  }
}
