'use strict';
// The page of a running node: asks it for its status and its curves every second, for members and links every other, and waits for its events.
// Names and texts come from other machines: they get into the page as text and in no other way.

const $ = (id) => document.getElementById(id);

const element = (tag, classes, ...children) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children.map((c) => (c === null || c === undefined ? '-' : c)));
  return made;
};
const drawn = (tag, attributes, text) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

// --- numbers for people: three digits and a unit, as in the program's tables ---

const known = (x) => typeof x === 'number' && Number.isFinite(x);
const three = (x) => (Math.abs(x) < 9.995 ? x.toFixed(2) : Math.abs(x) < 99.95 ? x.toFixed(1) : x.toFixed(0));
const scaled = (x, units) => {
  const [factor, name] = units.find(([f], i) => Math.abs(x) < f * 999.5 || i === units.length - 1);
  return three(x / factor) + ' ' + name;
};
const count = (x) => !known(x) ? '-' : Math.abs(x) < 10000 && Number.isInteger(x) ? String(x) : Math.abs(x) < 999.5 ? String(+x.toPrecision(3)) :
  scaled(x, [[1e3, 'k'], [1e6, 'M'], [1e9, 'G'], [1e12, 'T']]);
const bytes = (x) => { const text = count(x); return text === '-' ? text : text + (text.includes(' ') ? 'B' : ' B'); };
const share = (x) => (known(x) ? (100 * x).toFixed(2) + ' %' : '-');
const plain = (x) => (!known(x) ? '-' : x !== 0 && Math.abs(x) < 1e-4 ? x.toExponential(2) : String(+x.toPrecision(4)));
const time = (x) => !known(x) ? '-' : x === 0 ? '0 s' : x < 1e-3 ? three(x * 1e6) + ' us' : x < 0.9995 ? three(x * 1e3) + ' ms' : x < 119.5 ? three(x) + ' s' :
  x < 7170 ? Math.round(x / 60) + ' min' : x < 172800 ? three(x / 3600) + ' h' : three(x / 86400) + ' d';
const clock = (unix) => (known(unix) ? new Date(unix * 1000).toLocaleTimeString([], { hour12: false }) : '-');
const told = { share, bytes, count, plain, time };

// --- asking ---

async function ask(path, seconds = 5) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(seconds * 1000), cache: 'no-store' });
  if (!answer.ok) throw new Error(path + ': ' + answer.status);
  return answer.json();
}
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

// What is known: all that is drawn is drawn from here.
const now = { status: null, members: [], links: [], info: null, heard: 0, t: 0, ended: false, leaving: false };
let curves = { columns: [], rows: [], stride: 1, kept: null };
let events = [], cursor = null, missed = 0, life = 0;  // life: counts the processes that have answered here

function newLife() {
  ++life;
  curves = { columns: [], rows: [], stride: 1, kept: null };
  events = [], cursor = null, missed = 0;
  now.ended = now.leaving = false;
}

async function askStatus() {
  const status = await ask('v1/status');
  if (now.status && (status.t < now.t - 1 || status.run !== now.status.run)) newLife();  // started anew
  Object.assign(now, { status, t: status.t, heard: Date.now() });
  const got = await ask('v1/history' + (curves.kept === null ? '' : '?after=' + curves.kept));
  const before = got.whole || got.stride !== curves.stride ? [] : curves.rows.filter((row) => row[0] <= curves.kept);
  if (got.stride !== curves.stride && !got.whole) curves.kept = null;  // the next answer is the whole
  else curves = { columns: got.columns, rows: before.concat(got.rows), stride: got.stride, kept: got.kept };
}

async function askMembers() {
  now.members = (await ask('v1/members', 8)).members || [];
  now.links = (await ask('v1/links', 8)).links || [];
  now.info = await ask('v1/info', 8);
}

async function watch() {
  for (let turn = 0; ; ++turn) {
    try {
      await askStatus();
      if (turn % 2 === 0) await askMembers();
    } catch (error) {
      // It is not there, or not now: drawHead() says so.
    }
    draw();
    for (let waited = 0; waited < 1000 || document.hidden; waited += 250) await rest(250);
  }
}

async function listen() {
  for (;;) {
    const [began, mine] = [Date.now(), life];
    try {
      const page = await ask(cursor === null ? 'v1/events?last=200' : 'v1/events?after=' + encodeURIComponent(cursor) + '&wait=20', 30);
      if (mine !== life) continue;
      cursor = page.next;
      missed += page.dropped;
      now.leaving = page.leaving, now.ended = page.ended;
      events = events.concat(page.events).slice(-400);
      drawEvents();
      if (page.ended || (!page.events.length && Date.now() - began < 1000)) await rest(1000);  // where too many watch, nobody is let wait
    } catch (error) {
      await rest(2000);
    }
  }
}

// --- curves ---

const charts = [
  { title: 'Loss', note: 'on held-out data', unit: 'plain', zero: true,
    series: [['this node', 'loss', 2], ['all peers', 'cluster_loss', 0], ['while training', 'training_loss', 6, true]] },
  { title: 'Accuracy', note: 'on held-out data', unit: 'share',
    series: [['this node', 'accuracy', 2], ['mean of peers', 'cluster_accuracy', 0], ['worst peer', 'cluster_worst_accuracy', 1, true]] },
  { title: 'Distance between the peers', note: 'relative to the parameters', unit: 'share', log: true,
    series: [['all peers', 'consensus', 0], ['to those mixed with', 'distance', 3]] },
  { title: 'Samples a second', unit: 'count', zero: true, series: [['this node', 'samples_per_second', 4]] },
  { title: 'Staleness', note: 'local steps between publishing and mixing', unit: 'count', zero: true, series: [['mean of the mixes', 'staleness', 3]] },
  { title: 'Time of the learner', note: 'shares of the last seconds', unit: 'share', zero: true,
    series: [['training', 'training', 2], ['mixing', 'mixing', 3], ['waiting', 'waiting', 6]] },
  { title: 'Traffic', note: 'bytes a second', unit: 'bytes', zero: true,
    series: [['sent', 'bytes_sent_per_second', 0], ['received', 'bytes_received_per_second', 1]] },
  { title: 'Members alive', unit: 'count', zero: true, series: [['alive', 'peers_alive', 2]] },
];
const frame = { width: 560, height: 258, left: 58, right: 14, top: 20, bottom: 40 };
let cross = null;  // the time at which all curves are read, if somebody does

const niceStep = (rough) => {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => rough <= step * 1.0001);
};
const unitOf = (most, unit) => unit === 'share' ? [0.01, '%'] : unit === 'time' ? (most <= 180 ? [1, 's'] : most <= 10800 ? [60, 'min'] : most <= 259200 ? [3600, 'h'] : [86400, 'd']) :
  unit === 'bytes' ? (most < 2e3 ? [1, 'B'] : most < 2e6 ? [1e3, 'kB'] : most < 2e9 ? [1e6, 'MB'] : [1e9, 'GB']) :
  unit === 'count' ? (most < 1e4 ? [1, ''] : most < 1e6 ? [1e3, 'thousand'] : [1e6, 'million']) : [1, ''];

function scaleOf(low, high, unit, about, ends, log) {
  const ticks = [];
  if (log) {
    const from = Math.floor(Math.log10(low) + 1e-9), to = Math.max(from + 1, Math.ceil(Math.log10(high) - 1e-9));
    for (let k = from; k <= to; k += Math.max(1, Math.ceil((to - from) / about))) ticks.push([10 ** k, unit === 'share' ? +(100 * 10 ** k).toPrecision(1) : '1e' + k]);
    return { place: (v) => (Math.log10(v) - from) / (to - from), ticks, unit: unit === 'share' ? '%' : '' };
  }
  if (!(high - low > Math.max(Math.abs(low), Math.abs(high)) * 1e-9)) high += low === 0 ? 1 : Math.abs(low) * 0.1, low -= low === 0 ? 0 : Math.abs(low) * 0.1;
  const [factor, name] = unitOf(Math.max(Math.abs(low), Math.abs(high)), unit);
  const step = niceStep((high - low) / factor / about) * factor;
  if (ends) low = Math.floor(low / step + 1e-6) * step, high = Math.ceil(high / step - 1e-6) * step;
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / factor) - 1e-9)));
  for (let i = Math.ceil(low / step - 1e-6); i * step <= high + step * 1e-6 && ticks.length < 50; ++i) ticks.push([i * step, (i * step / factor).toFixed(digits)]);
  return { place: (v) => (v - low) / (high - low), ticks, unit: name };
}

// The points of a column, with t; what is not known is left out, and the line goes on between the others.
function pointsOf(name, log) {
  const [t, at] = [curves.columns.indexOf('t'), curves.columns.indexOf(name)];
  return at < 0 ? [] : curves.rows.filter((row) => known(row[at]) && (!log || row[at] > 0)).map((row) => [row[t], row[at]]);
}

const nearest = (points, t) => points.reduce((best, p) => (!best || Math.abs(p[0] - t) < Math.abs(best[0] - t) ? p : best), null);

function makeFigure(chart) {
  const figure = element('figure', '', element('figcaption', '', element('b', '', chart.title), ' ', element('span', 'note', chart.note || ''), element('span', 'legend')));
  const svg = drawn('svg', { viewBox: `0 0 ${frame.width} ${frame.height}`, role: 'img', tabindex: '0' });
  figure.append(svg);
  Object.assign(chart, { figure, svg, legend: figure.querySelector('.legend') });
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) * frame.width / box.width;
    const place = (x - frame.left) / (frame.width - frame.left - frame.right);
    if (chart.times) cross = chart.times[0] + Math.min(1, Math.max(0, place)) * (chart.times[1] - chart.times[0]);
    drawCharts();
  });
  svg.addEventListener('pointerleave', () => { cross = null; drawCharts(); });
  svg.addEventListener('blur', () => { cross = null; drawCharts(); });
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, Escape: 0 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const times = curves.rows.map((row) => row[curves.columns.indexOf('t')]);
    const here = cross === null ? times.length : times.indexOf(nearest(times.map((t) => [t]), cross)[0]);
    cross = step === 0 || !times.length ? null : times[Math.min(times.length - 1, Math.max(0, here + step))];
    drawCharts();
  });
  return figure;
}

function drawChart(chart) {
  const all = chart.series.map(([name, column, colour, dashed]) => ({ name, colour, dashed, points: pointsOf(column, chart.log) })).filter((s) => s.points.length);
  chart.figure.hidden = !all.length;
  if (!all.length) return;
  const flat = all.flatMap((s) => s.points), xs = flat.map((p) => p[0]), ys = flat.map((p) => p[1]);
  const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity), most = (list) => list.reduce((a, b) => Math.max(a, b), -Infinity);
  chart.times = [least(xs), Math.max(most(xs), least(xs) + 1)];
  const X = scaleOf(...chart.times, 'time', 6, false), Y = scaleOf(chart.zero ? Math.min(0, least(ys)) : least(ys), most(ys), chart.unit, 5, true, chart.log);
  const { width, height, left, right, top, bottom } = frame;
  const x = (v) => (left + X.place(v) * (width - left - right)).toFixed(1), y = (v) => (height - bottom - Y.place(v) * (height - top - bottom)).toFixed(1);
  const parts = [], grid = drawn('g', { class: 'grid' }), axis = drawn('g', { class: 'axis' });
  for (const [at, label] of Y.ticks) {
    grid.append(drawn('path', { d: `M${left} ${y(at)}H${width - right}` }));
    axis.append(drawn('text', { x: left - 8, y: +y(at) + 4, 'text-anchor': 'end' }, label));
  }
  for (const [at, label] of X.ticks) axis.append(drawn('text', { x: x(at), y: height - bottom + 18, 'text-anchor': 'middle' }, label));
  axis.append(drawn('path', { d: `M${left} ${height - bottom}H${width - right}` }), drawn('text', { x: left - 8, y: top - 8, 'text-anchor': 'end' }, Y.unit),
    drawn('text', { x: width - right, y: height - 6, 'text-anchor': 'end' }, 'time, ' + X.unit));
  parts.push(grid, axis);
  for (const event of events.filter((e) => ['joined', 'dead', 'left'].includes(e.kind) && e.t >= chart.times[0] && e.t <= chart.times[1]).slice(-60)) {
    const mark = drawn('g', { class: 'mark ' + { joined: 'good', dead: 'bad', left: 'neutral' }[event.kind] });
    const line = `M${x(event.t)} ${top}V${height - bottom}`;
    mark.append(drawn('path', { d: line }), drawn('path', { class: 'wide', d: line }), drawn('title', {}, event.text));
    parts.push(mark);
  }
  for (const s of all) {
    const points = s.points.map((p) => x(p[0]) + ',' + y(p[1])).join(' ');
    parts.push(s.points.length === 1 ? drawn('circle', { class: 'dot c' + s.colour, r: 3.5, cx: x(s.points[0][0]), cy: y(s.points[0][1]) }) :
      drawn('polyline', { class: `line c${s.colour}${s.dashed ? ' dashed' : ''}`, points }));
  }
  const read = cross === null ? null : Math.min(chart.times[1], Math.max(chart.times[0], cross));
  if (read !== null) parts.push(drawn('path', { class: 'cross', d: `M${x(read)} ${top}V${height - bottom}` }));
  const words = [];
  chart.legend.replaceChildren(...all.map((s) => {
    const at = read === null ? s.points[s.points.length - 1] : nearest(s.points, read);
    if (read !== null) parts.push(drawn('circle', { class: 'point c' + s.colour, r: 4, cx: x(at[0]), cy: y(at[1]) }));
    words.push(s.name + ' ' + told[chart.unit](at[1]));
    return element('span', '', element('i', 'c' + s.colour + (s.dashed ? ' dashed' : '')), s.name + ' ', element('em', '', told[chart.unit](at[1])));
  }), ...(read === null ? [] : [element('span', '', 'at ', element('em', '', time(read)))]));
  chart.svg.setAttribute('aria-label', chart.title + (read === null ? '' : ' at ' + time(read)) + ': ' + words.join(', '));
  chart.svg.replaceChildren(...parts);
}

function drawCharts() {
  const some = curves.rows.length > 0;
  $('waiting').hidden = some;
  $('hint').hidden = !some;
  for (const chart of charts) drawChart(chart);
}

// --- tables ---

const orders = { dead: 0, suspect: 1, degraded: 2, alive: 3, left: 4 };
const classes = { dead: 'bad', suspect: 'warn', degraded: 'warn', left: 'soft', alive: '' };
const ways = { narrow: ', bulk unreachable', shut: ', bulk unreachable', doubtful: ', skipped' };  // between it and this node
const tables = {
  members: { least: 200, sort: 'status', down: false, columns: [
    { key: 'name', name: 'name', of: (m) => m.name, show: (m) => m.name + (m.self ? ' (this node)' : ''), class: 'name' },
    { key: 'status', name: 'status', of: (m) => (m.self ? -1 : orders[m.status]), show: (m) => m.status + (m.suspected_by ? ', says ' + m.suspected_by : '') + (ways[m.bulk_way] || ''), class: (m) => classes[m.status] || (ways[m.bulk_way] ? 'warn' : '') },
    { key: 'control', name: 'address', of: (m) => m.control, show: (m) => String(m.control).replace('tcp://', '') },
    { key: 'round_trip', name: 'round trip', number: true, show: (m) => time(m.round_trip) },
    { key: 'steps', name: 'steps', number: true, show: (m) => count(m.steps) },
    { key: 'speed', name: 'samples/s', number: true, show: (m) => count(m.speed) },
    { key: 'device', name: 'device', of: (m) => m.device, show: (m) => m.device },
    { key: 'age', name: 'age', number: true, show: (m) => time(m.age) },
    { key: 'failing', name: 'failed pings', number: true, show: (m) => share(m.failing) }] },
  links: { least: 100, sort: 'age', down: false, columns: [
    { key: 'name', name: 'with', of: (l) => l.name || l.id, show: (l) => l.name || l.id, class: 'name' },
    { key: 'trouble', name: 'state', of: (l) => (l.in_trouble ? 0 : l.last_failure ? 1 : 2), show: (l) => (l.in_trouble ? 'no parameters get through: ' : '') + (l.last_failure || (l.mixes ? 'well' : '-')),
      class: (l) => (l.in_trouble ? 'bad' : l.last_failure ? 'warn' : '') },
    { key: 'age', name: 'last mix', number: true, show: (l) => (known(l.age) ? time(l.age) + ' ago' : '-') },
    { key: 'staleness', name: 'staleness', number: true, show: (l) => (known(l.staleness) ? count(l.staleness) + ' steps' : '-') },
    { key: 'distance', name: 'distance', number: true, show: (l) => share(l.distance) },
    { key: 'took', name: 'took', number: true, show: (l) => time(l.took) },
    { key: 'mixes', name: 'mixes', number: true, show: (l) => count(l.mixes) },
    { key: 'failures', name: 'failed', number: true, show: (l) => count(l.failures) },
    { key: 'sent_bytes', name: 'sent', number: true, show: (l) => bytes(l.sent_bytes) },
    { key: 'received_bytes', name: 'received', number: true, show: (l) => bytes(l.received_bytes) },
    { key: 'round_trip', name: 'round trip', number: true, show: (l) => time(l.round_trip) },
    { key: 'window_bytes', name: 'window', number: true, show: (l) => bytes(l.window_bytes) }] },
};

function makeTable(id) {
  const table = tables[id];
  $(id).querySelector('thead tr').append(...table.columns.map((column) => {
    const button = element('button', '', column.name);
    button.type = 'button';
    button.addEventListener('click', () => {
      table.down = table.sort === column.key ? !table.down : false;
      table.sort = column.key;
      drawTable(id);
    });
    const cell = element('th', column.number ? 'n' : '', button);
    cell.scope = 'col';
    return cell;
  }));
}

function drawTable(id) {
  const table = tables[id], column = table.columns.find((c) => c.key === table.sort), value = (row) => (column.of ? column.of(row) : row[column.key]);
  const wanted = id === 'members' ? $('filter').value.trim().toLowerCase() : '';
  const all = now[id], fit = wanted ? all.filter((m) => [m.name, m.status, m.control].some((s) => String(s).toLowerCase().includes(wanted))) : [...all];
  const order = (a, b) => (a === b ? 0 : a === null || a === undefined ? 1 : b === null || b === undefined ? -1 : (a < b ? -1 : 1) * (table.down ? -1 : 1));
  fit.sort((a, b) => order(value(a), value(b)) || order(String(a.name), String(b.name)));
  for (const [i, cell] of [...$(id).querySelectorAll('th')].entries())
    table.columns[i].key === table.sort ? cell.setAttribute('aria-sort', table.down ? 'descending' : 'ascending') : cell.removeAttribute('aria-sort');
  $(id).tBodies[0].replaceChildren(...fit.slice(0, table.least).map((row) => element('tr', '', ...table.columns.map((c) => {
    const cell = element('td', (c.number ? 'n ' : '') + (typeof c.class === 'function' ? c.class(row) : c.class || ''), c.show(row));
    if (c.class === 'name') cell.title = row.id;
    return cell;
  }))));
  if (id !== 'members') return;
  const statuses = Object.keys(orders).map((s) => [all.filter((m) => m.status === s).length, s]).filter(([n]) => n).map(([n, s]) => n + ' ' + s).join(', ');
  $('counted').textContent = statuses + (fit.length > table.least ? `; the first ${table.least} of ${fit.length} are shown` : '');
}

const shown = {
  all: () => true,
  seldom: (e) => e.kind !== 'mixed',
  members: (e) => e.area === 'members',
  exchange: (e) => ['gossip', 'exchange', 'cluster'].includes(e.area),
  trouble: (e) => e.level !== 'INFO',
};

function drawEvents() {
  const fit = events.filter(shown[$('kinds').value]).slice(-200).reverse();
  $('events').tBodies[0].replaceChildren(...fit.map((e) => element('tr', { WARN: 'warn', ERROR: 'bad' }[e.level] || '',
    element('td', 'n', clock(e.unix_time)), element('td', 'soft', e.area), element('td', 'text', e.text))));
  if (!fit.length) $('events').tBodies[0].append(element('tr', '', element('td', 'soft', 'nothing has happened yet')));
  $('dropped').textContent = missed ? missed + ' were missed: they came faster than they were read' : '';
}

// --- the rest ---

function tile(name, value, note) {
  return element('div', 'tile', element('span', 'name', name), element('span', 'value', value), element('span', 'note', note || ''));
}

function drawHead() {
  const s = now.status;
  const silent = (Date.now() - now.heard) / 1000, gone = !s || silent > 3;
  document.body.classList.toggle('old', gone);
  $('gone').hidden = !gone;
  if (gone) {
    const last = !now.heard ? 'no answer from the node yet' : now.ended || now.leaving ? 'the node has ended' : 'no answer from the node for ' + time(silent);
    const others = now.members.filter((m) => !m.self && m.status === 'alive').map((m) => m.name);
    $('gone').textContent = last + '; asked again every second.' + (now.heard ? ' What is below is as it was.' : '') +
      (others.length ? ' Others of its run, each with a page of its own where it was started with one: ' + others.slice(0, 8).join(', ') + (others.length > 8 ? ', ...' : '') + '.' : '');
  }
  if (!s) return;
  document.title = s.name + (gone ? ', no answer' : '') + ' · grapevine';
  $('name').textContent = s.name;
  $('about').textContent = `in ${s.run_name}, exchange ${s.exchange}, on ${s.device}, for ${time(s.t)}: ${gone ? 'no answer' : s.phase}`;
  const seconds = s.seconds, all = Math.max(s.t - seconds.evaluating, 1e-9), local = seconds.training / all, mixing = seconds.mixing / all;
  const c = s.cluster, traffic = now.info && now.info.per_second, last = curves.rows[curves.rows.length - 1] || [], consensus = last[curves.columns.indexOf('consensus')];
  $('tiles').replaceChildren(
    tile('accuracy', share(s.accuracy), known(c.accuracy) ? 'all peers ' + share(c.accuracy) : ''),
    tile('loss', plain(s.loss), known(c.loss) ? 'all peers ' + plain(c.loss) : ''),
    tile('samples a second', count(s.samples_per_second), 'local ' + (100 * local).toFixed(0) + ' %, mixing ' + (100 * mixing).toFixed(0) + ' %, waiting ' + Math.max(0, 100 - 100 * (local + mixing)).toFixed(0) + ' %'),
    tile('steps', count(s.steps), count(s.samples) + ' samples'),
    tile('members alive', count(s.peers_alive), ''),
    tile('mixes', count(s.mixes), s.exchanges_failed + ' failed, ' + s.exchanges_skipped + ' skipped'),
    tile('distance', s.mixes ? share(s.distance) : '-', s.mixes ? 'last mix, ' + s.staleness + ' steps stale' + (known(consensus) ? '; all peers ' + share(consensus) : '') : 'nothing was mixed yet'),
    tile('sent', traffic ? bytes(traffic.bytes_sent) + '/s' : '-', traffic ? 'received ' + bytes(traffic.bytes_received) + '/s' : ''));
}

function drawInfo() {
  const i = now.info;
  if (!i) return;
  const h = i.health, rows = [
    ['id', `${i.id}, generation ${i.generation || 'none'}, incarnation ${i.incarnation}`],
    ['program', `grapevine ${i.version}, wire version ${i.wire_version}, process ${i.pid}`],
    ['run', `${i.run_name}, id ${i.run}, ${i.phase}`],
    ['trains', `${i.model}, exchange ${i.exchange}, on ${i.device}`],
    ['addresses', `control ${i.addresses.control}, bulk ${i.addresses.bulk}, status ${i.addresses.status}`],
    ['files', i.directory || 'none'],
    ['health', `doubts itself ${h.local_health} of 8; ${share(h.failing)} of its last pings failed${h.degraded ? '; DEGRADED: the others do not mix with it' : ''}; round trip ${time(h.round_trip)}`],
    ['memory', `${h.rumors_waiting} of ${h.rumor_cap} rumors, ${h.remembered} of ${h.most_members} members, ${h.records} records`],
  ];
  $('info').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]));
}

function draw() {
  drawHead();
  drawCharts();
  drawTable('members');
  drawTable('links');
  $('nolinks').hidden = now.links.length > 0;
  $('links').parentElement.hidden = !now.links.length;
  drawInfo();
}

$('charts').append(...charts.map(makeFigure));
makeTable('members');
makeTable('links');
$('filter').addEventListener('input', () => drawTable('members'));
$('kinds').addEventListener('change', drawEvents);
draw();
drawEvents();
watch();
listen();
