/** From the authorization window that is back to the page that opened it; browsers let only this origin in. */
const name = 'authorizations';

export function tellThatBack(id) {
  const channel = new BroadcastChannel(name);
  channel.postMessage(id);
  channel.close();
}

/** Calls `back` when the window of that authorization is back. Gives the function that ends the listening. */
export function whenBack(id, back) {
  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }) => data === id && back());
  return () => channel.close();
}
