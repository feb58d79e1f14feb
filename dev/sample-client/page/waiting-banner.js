import { byId, element } from './elements.js';

/** Says that the window waits for an answer, for as long as it does. */
export function showWaiting(authorizationWindow) {
  const button = (textContent, onclick) =>
    element('button', { type: 'button', className: 'second', textContent, onclick });
  byId('waiting').replaceChildren(
    element('p', { textContent: 'The provider asks you something in another window.' }),
    button('Show the window', () => authorizationWindow.show()),
    button('Cancel', () => authorizationWindow.leave()),
  );
}

export function announce(text) {
  byId('waiting').replaceChildren(...(text ? [element('p', { textContent: text })] : []));
}
