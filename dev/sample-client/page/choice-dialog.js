import { byId, element } from './elements.js';

/**
 * Asks a question in the modal window. Every option says what it means; Escape is the option named `otherwise`.
 * `question`: { title, text, more?: address, options: [{ name, label, meaning }], otherwise }. Gives the name that was chosen.
 */
export async function choose({ title, text, more, options, otherwise }) {
  const dialog = byId('dialog');
  byId('dialog-title').textContent = title;
  byId('dialog-text').textContent = text;
  byId('dialog-more').replaceChildren(...(more ? [linkTo(more)] : []));
  byId('dialog-options').replaceChildren(...options.map((option, index) => optionItem(dialog, option, index)));
  dialog.returnValue = otherwise;
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener('close', closed, { once: true }));
  return dialog.returnValue;
}

function linkTo(address) {
  const properties = { href: address, target: '_blank', rel: 'noopener', textContent: 'More information' };
  return element('a', properties, element('span', { textContent: ' (opens a new window)' }));
}

function optionItem(dialog, { name, label, meaning }, index) {
  const explained = element('p', { id: `option-${name}`, textContent: meaning });
  const button = element('button', {
    type: 'button',
    textContent: label,
    className: index === 0 ? 'first' : 'second',
    onclick: () => dialog.close(name),
  });
  button.setAttribute('aria-describedby', explained.id);
  return element('li', {}, button, explained);
}
