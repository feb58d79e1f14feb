/** What a visitor was shown in the end, and every address on the way there. */
export interface Shown {
  status: number;
  url: string;
  headers: Headers;
  text: string;
  /** Where redirects led, the last one too when it was not followed. */
  way: string[];
}

/** Redirects followed at most. */
const redirectsMax = 10;

/**
 * A browser without a screen, for what needs none: keeps cookies by host, follows redirects, fills in forms. It goes only where
 * `knows` says that there is somebody; a redirect to elsewhere (the client) is where its way ends.
 */
export class Visitor {
  readonly cookies = new Map<string, Map<string, string>>();

  constructor(private readonly knows: (url: URL) => boolean = ({ hostname }) => hostname === 'localhost') {}

  get(url: string): Promise<Shown> {
    return this.go(url, { method: 'GET' }, []);
  }

  /** Presses a button of the page: the form it stands in, with its hidden fields. */
  press(shown: Shown, button: string): Promise<Shown> {
    const forms = [...shown.text.matchAll(/<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/g)];
    for (const [, action, content] of forms) {
      const pressed = [
        ...content!.matchAll(/<button[^>]*?(?: name="([^"]*)" value="([^"]*)")?>([\s\S]*?)<\/button>/g),
      ].find(([, , , label]) => label!.includes(button));
      if (!pressed) continue;
      const fields = [...content!.matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"/g)];
      const [, name, value] = pressed;
      const pairs = fields.map(([, field, text]) => [unescaped(field!), unescaped(text!)]);
      if (name) pairs.push([unescaped(name), unescaped(value!)]);
      return this.post(
        new URL(unescaped(action!), shown.url).href,
        Object.fromEntries(pairs) as Record<string, string>,
      );
    }
    throw new Error(`There is no button "${button}" on ${shown.url}.`);
  }

  post(url: string, form: Record<string, string>): Promise<Shown> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.go(url, { method: 'POST', headers, body: new URLSearchParams(form).toString() }, []);
  }

  private async go(url: string, request: RequestInit, way: string[]): Promise<Shown> {
    if (way.length > redirectsMax) throw new Error(`Too many redirects: ${way.join(' ')}`);
    const { host } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map<string, string>();
    this.cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(request.headers as Record<string, string>), ...(cookie && { cookie }) };
    const answer = await fetch(url, { ...request, headers, redirect: 'manual' });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      if (/Max-Age=0/i.test(set)) jar.delete(name!);
      else jar.set(name!, value!);
    }
    const location = answer.headers.get('location');
    const next = location === null ? undefined : new URL(location, url);
    if (next && this.knows(next)) return this.go(next.href, { method: 'GET' }, [...way, next.href]);
    return {
      status: answer.status,
      url,
      headers: answer.headers,
      text: await answer.text(),
      way: next ? [...way, next.href] : way,
    };
  }
}

function unescaped(text: string): string {
  const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&([^;]+);/g, (_, name: string) => characters[name]!);
}
