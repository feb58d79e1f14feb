import { ask } from './asking.js';
import { byId, element } from './elements.js';

/** The form for a new subscription; what is refused stands apart, so that a refusal can be tried. */
export function fillOffers(offers) {
  const option = (offer, index) =>
    element('option', { value: String(index), textContent: `${offer.service_name} at ${offer.provider}` });
  const group = (label, isGood) =>
    element(
      'optgroup',
      { label },
      ...offers.flatMap((offer, index) => (offer.is_good === isGood ? [option(offer, index)] : [])),
    );
  byId('offer').replaceChildren(group('Offered', true), group('Refused, to see what happens', false));

  const chosen = () => offers[Number(byId('offer').value)];
  const showMaximum = () => {
    const { maximum_days: maximum } = chosen();
    byId('days-hint').textContent =
      maximum === null ? 'This provider offers no subscriptions.' : `This provider grants at most ${maximum} days.`;
    if (maximum !== null && Number(byId('days').value) > maximum) byId('days').value = String(maximum);
  };
  byId('offer').addEventListener('change', showMaximum);
  byId('days').setAttribute('aria-describedby', 'days-hint');
  showMaximum();

  byId('new').addEventListener('submit', (event) => {
    event.preventDefault();
    const { provider, service_id } = chosen();
    void ask({ kind: 'start', provider, service_id, days: Number(byId('days').value) });
  });
}
