import * as api from './api.js';
import { logOut } from './asking.js';
import { byId } from './elements.js';
import { followNotifications } from './notification-list.js';
import { fillOffers } from './offer-form.js';
import { showSubscriptions } from './subscription-list.js';
import { announce } from './waiting-banner.js';

window.addEventListener('unhandledrejection', () =>
  announce('The sample client does not answer. Is it still running?'),
);

const { offers, manage_url: manageUrl } = await api.overview();
const nameOf = (serviceId) =>
  offers.find(({ service_id: id }) => id === serviceId)?.service_name ?? `Service ${serviceId}`;

async function refresh() {
  showSubscriptions((await api.overview()).subscriptions, nameOf);
}

byId('manage').href = manageUrl;
byId('log-out').addEventListener('click', () => void logOut());
fillOffers(offers);
document.addEventListener('subscriptions-changed', () => void refresh());
followNotifications(() => void refresh());
