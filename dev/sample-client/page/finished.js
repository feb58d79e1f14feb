import { outcomeOf } from './api.js';
import { tellThatBack } from './channel.js';
import { byId } from './elements.js';

const id = new URLSearchParams(location.search).get('authorization');
const texts = {
  done: 'It worked. The app shows the result.',
  failed: 'It did not work. The app says more about it.',
  given_up: 'You had cancelled this in the app. Your answer was not used.',
  unknown: 'This does not belong to anything that the app asked in this browser. Nothing was done with it.',
};

byId('close').addEventListener('click', () => window.close());
if (id) tellThatBack(id);
const { at } = id ? await outcomeOf(id).catch(() => ({ at: 'unknown' })) : { at: 'unknown' };
byId('outcome').textContent = texts[at] ?? texts.unknown;
