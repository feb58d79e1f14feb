/** Characters of a redirect URI; it is kept and sent back as it came, byte for byte. */
const redirectUriMax = 1_000;

/** What RFC 3986 lets stand in a URI, without `#`: nothing that a browser reads in another way than a server does, such as a backslash. */
const uriCharacters = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/;

/** What our answer adds: a redirect URI that brings one of these itself could make the client read it instead of ours (decided). */
const ownParameters = new Set(['code', 'state', 'error', 'error_description', 'error_uri', 'iss']);

/**
 * Whether the browser may be sent back to this address for this client (domain.md 2): absolute, https, no port, no user info, no
 * fragment, host equal to `client_id`. `localhostAllowed` is the development allowance of contract.md 2, and this its one place:
 * the client `localhost` may use http and a port.
 */
export function mayReturnTo(redirectUri: string, clientId: string, localhostAllowed: boolean): boolean {
  if (redirectUri.length > redirectUriMax || !uriCharacters.test(redirectUri)) return false;
  const parts = /^(?<scheme>https?):\/\/(?<authority>[^/?]+)(?<rest>.*)$/i.exec(redirectUri)?.groups;
  if (!parts || !URL.canParse(redirectUri)) return false;
  const { searchParams } = new URL(redirectUri);
  if ([...searchParams.keys()].some((name) => ownParameters.has(name))) return false;
  const [scheme, authority] = [parts.scheme!.toLowerCase(), parts.authority!.toLowerCase()];
  if (localhostAllowed && clientId === 'localhost') return /^localhost(:[0-9]{1,5})?$/.test(authority);
  // The authority as it was written: the host alone, so neither user info nor a port, not even the usual one.
  return scheme === 'https' && authority === clientId;
}

/** The redirect URI with parameters added to what its query has already (RFC 6749 section 3.1.2). */
export function withParameters(redirectUri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) added.append(name, value);
  if (!redirectUri.includes('?')) return `${redirectUri}?${added}`;
  return /[?&]$/.test(redirectUri) ? `${redirectUri}${added}` : `${redirectUri}&${added}`;
}
