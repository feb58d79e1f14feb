const shownMax = 1000;
const byId = (id) => document.getElementById(id);
const counts = { all: 0, subscription: 0, resource: 0 };

function cell(text, className) {
  const element = document.createElement('td');
  element.textContent = text ?? '';
  if (className) element.className = className;
  return element;
}

function typeCell(type) {
  const label = document.createElement('span');
  label.className = `type ${type}`;
  label.textContent = type;
  const element = document.createElement('td');
  element.append(label);
  return element;
}

/** An end date that is not in the future says that the subscription has ended. */
function endDateCell(endDate) {
  const element = cell(endDate);
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Amsterdam' }).format();
  if (endDate && endDate <= today) {
    const ended = document.createElement('span');
    ended.className = 'ended';
    ended.textContent = 'ended';
    element.append(ended);
  }
  return element;
}

function row(item) {
  const element = document.createElement('tr');
  element.append(
    cell(new Date(item.received_at).toLocaleTimeString()),
    typeCell(item.notification_type),
    endDateCell(item.end_date),
    cell(item.subscription_id, 'id'),
    cell(item.request_id, 'id'),
    cell(item.correlation_id, 'id'),
  );
  return element;
}

function show(items) {
  counts.all = items.length;
  counts.subscription = items.filter((item) => item.notification_type === 'subscription').length;
  counts.resource = counts.all - counts.subscription;
  byId('rows').replaceChildren(...items.map(row));
  showCounts();
}

function add(item) {
  counts.all += 1;
  counts[item.notification_type] += 1;
  const element = row(item);
  element.className = 'new';
  byId('rows').prepend(element);
  while (byId('rows').children.length > shownMax) byId('rows').lastElementChild.remove();
  byId('announcement').textContent = `New ${item.notification_type} notification`;
  showCounts();
}

function showCounts() {
  for (const [name, count] of Object.entries(counts)) byId(`count-${name}`).textContent = String(count);
  byId('empty').hidden = counts.all > 0;
  byId('listing').hidden = counts.all === 0;
}

const stream = new EventSource('/stream');
// Also after a lost connection: what arrived in between is in the list only.
stream.addEventListener('open', async () => {
  const { items } = await (await fetch('/notifications')).json();
  show(items);
  byId('connection').textContent = 'Live: new notifications appear by themselves.';
});
stream.addEventListener('message', (event) => add(JSON.parse(event.data)));
stream.addEventListener('error', () => {
  byId('connection').textContent = 'The sample client does not answer; trying again …';
});
