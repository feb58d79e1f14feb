/** This page's own server. Whatever is secret stays there: no code and no token ever comes to the page. */
async function call(path, body) {
  const request = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, request);
  // Logged out, or the sample client was started anew: there is no telling what this browser had.
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
  return answer.json();
}

const pathTo = (group, id, action) => `/api/${group}/${encodeURIComponent(id)}${action ? `/${action}` : ''}`;

export const overview = () => call('/api/overview');
export const notifications = () => call('/notifications');
/** Gives the id of the authorization and the address for its window. */
export const begin = (wish) => call('/api/authorizations', wish);
export const outcomeOf = (id) => call(pathTo('authorizations', id));
export const retry = (id) => call(pathTo('authorizations', id, 'retry'), {});
export const giveUp = (id) => call(pathTo('authorizations', id, 'give-up'), {});
export const check = (subscriptionId) => call(pathTo('subscriptions', subscriptionId, 'check'), {});
export const logOut = () => call('/api/log-out', {});
