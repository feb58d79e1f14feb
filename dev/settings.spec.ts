import { describe, expect, it } from '@jest/globals';
import { tourObstacle } from './settings';

describe('the tour', () => {
  it('is given with the sample lists and development tokens', () => {
    expect(tourObstacle({})).toBeUndefined();
    expect(tourObstacle({ CLIENT_LIST_URL: '' })).toBeUndefined();
  });

  it('is not given with other lists, other tokens, or parts left out', () => {
    expect(tourObstacle({ CLIENT_LIST_URL: 'https://lists.example/clients' })).toContain('CLIENT_LIST_URL');
    expect(tourObstacle({ AS_JWKS_URL: 'https://as.example/keys' })).toContain('AS_JWKS_URL');
    expect(tourObstacle({ BACKCHANNEL_PORT: '3443' })).toContain('BACKCHANNEL_PORT');
    expect(tourObstacle({ ROLES: 'api,relay' })).toContain('ROLES');
  });
});
