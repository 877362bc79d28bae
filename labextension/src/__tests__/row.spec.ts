import { IShownJob } from '../jobs';
import { differ, IJob, VERSION } from '../protocol';
import { duration, IActions, Row } from '../row';

const trans: any = {
  __: (text: string, ...given: string[]) => text.replace(/%(\d)/g, (_, at) => given[Number(at) - 1] ?? ''),
  _n: (one: string, many: string, count: number) => (count === 1 ? one : many).replace('%1', String(count))
};

function shown(more: Partial<IJob> = {}): IShownJob {
  const record: IJob = {
    id: 'a'.repeat(26),
    name: 'showcase',
    strategy: 'docker',
    status: 'running',
    attempt: 1,
    created_at: 1,
    started_at: 1,
    finished_at: null,
    duration: null,
    fault: null,
    origin: null,
    ...more
  };
  return { record, running: new Map([['n', 'shout']]), progress: new Map([['n', 0.456]]), ended: 2, wasLive: true };
}

function actions(): jest.Mocked<IActions> {
  return {
    cancel: jest.fn(),
    retry: jest.fn(),
    resume: jest.fn(),
    open: jest.fn(),
    logs: jest.fn(),
    attempt: jest.fn(work => work)
  } as any;
}

const visible = (row: Row) =>
  [...row.node.querySelectorAll('button')].filter(each => !each.hidden).map(each => each.textContent);

it('offers what can be done with a job as it is', () => {
  const row = new Row(shown(), actions(), trans);
  expect(visible(row)).toEqual(['Cancel', 'Log']);
  row.update(shown({ status: 'failed', fault: { code: 'x', message: 'it broke' } }));
  expect(visible(row)).toEqual(['Resume', 'Retry', 'Log']);
  expect(row.node.textContent).toContain('it broke');
  row.update(shown({ status: 'completed', origin: { notebook: 'a/b.ipynb', cell: 'c', version: VERSION } }));
  expect(visible(row)).toEqual(['Retry', 'Log', 'Notebook']);
  row.update(shown({ status: 'failed', strategy: 'threaded' }));
  expect(visible(row)).toEqual(['Log']);
  row.update(shown({ status: 'suspended' }));
  expect(visible(row)).toEqual(['Cancel', 'Log']);
});

it('has what a workflow brings as text', () => {
  const hostile = '<img src=x onerror=alert(1)>';
  const row = new Row(shown({ name: hostile, status: 'failed', fault: { code: 'x', message: hostile } }), actions(), trans);
  expect(row.node.querySelector('img')).toBeNull();
  expect(row.node.querySelector('.ntl-name')!.textContent).toBe(hostile);
});

it('reads a log on from where it was, and no further than its end', async () => {
  const given = actions();
  const line = (content: string) => ({ node_id: 'n', node_name: 'shout', content, severity: 'info', seq: 1 });
  given.logs
    .mockResolvedValueOnce({ logs: [line('one')], next: 10, is_over: false })
    .mockResolvedValueOnce({ logs: [], next: 10, is_over: false })
    .mockResolvedValueOnce({ logs: [line('<b>two</b>')], next: 20, is_over: true });
  const row = new Row(shown(), given, trans);
  const settle = () => new Promise(resolve => setTimeout(resolve));
  row.node.querySelectorAll('button')[3]!.click();
  await settle();
  row.update(shown({ status: 'completed' }));
  await settle();
  row.update(shown({ status: 'completed' }));
  await settle();
  expect(given.logs.mock.calls.map(call => call[1])).toEqual([0, 10, 10]);
  expect(row.node.querySelector('.ntl-logs')!.textContent).toBe('shout oneshout <b>two</b>');
});

it('finds lines of a log, and has few of many in the page', async () => {
  const given = actions();
  const lines = Array.from({ length: 700 }, (_, seq) => ({
    node_id: 'n',
    node_name: 'shout',
    content: `Row ${seq}.`,
    severity: 'info',
    seq
  }));
  given.logs.mockResolvedValueOnce({ logs: lines, next: 10, is_over: true });
  const row = new Row(shown({ status: 'completed' }), given, trans);
  row.node.querySelectorAll('button')[3]!.click();
  await new Promise(resolve => setTimeout(resolve));
  const log = row.node.querySelector('.ntl-logs')!;
  expect(log.childElementCount).toBe(500);
  expect(row.node.textContent).toContain('the last 500 of 700 lines');
  const field = row.node.querySelector('input')!;
  field.value = ' row 11. ';
  field.dispatchEvent(new Event('input'));
  expect(log.textContent).toBe('shout Row 11.');
  expect(row.node.textContent).toContain('1 of 700 lines');
});

it('shows how far nodes are, the first of them, and keeps their lines', () => {
  const job = shown();
  const row = new Row(job, actions(), trans);
  const bars = () => [...row.node.querySelectorAll<HTMLElement>('.ntl-running .ntl-bar')];
  expect(bars().map(bar => (bar.firstElementChild as HTMLElement).style.width)).toEqual(['45%']);
  const first = bars()[0];
  ['o', 'p'].forEach(id => job.running.set(id, `say ${id}`));
  row.update(job);
  expect(bars().map(bar => bar.hidden)).toEqual([false, true]);
  expect(bars()[0]).toBe(first);
  expect(row.node.querySelector('.ntl-running')!.textContent).toBe('shout 45 %say o +1');
  job.running.clear();
  row.update(job);
  expect(bars()).toEqual([]);
});

it('warns of a kernel of another release while its job runs', () => {
  const origin = { notebook: 'a.ipynb', cell: '', version: '99.1.0' };
  const row = new Row(shown({ origin }), actions(), trans);
  const warning = row.node.querySelector('.ntl-warning')!;
  expect(warning.textContent).toContain(`nodetool_jupyter 99.1.0, this page ${VERSION}`);
  row.update(shown({ origin, status: 'completed' }));
  expect(warning.textContent).toBe('');
  expect([differ('', VERSION), differ(VERSION, VERSION), differ(`${VERSION}.post1`, VERSION)]).toEqual([false, false, false]);
});

it('calls a job without a name what its card calls it', () => {
  const row = new Row(shown({ id: 'ab12', name: '' }), actions(), trans);
  const name = row.node.querySelector<HTMLElement>('.ntl-name')!;
  expect([name.textContent, name.title]).toEqual(['workflow', 'ab12']);
});

it.each([
  [0.004, '0.00 s'],
  [0.44, '0.44 s'],
  [2.44, '2.4 s'],
  [59.6, '1 min 0 s'],
  [185, '3 min 5 s'],
  [7380, '2 h 3 min']
])('says %d seconds as %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
