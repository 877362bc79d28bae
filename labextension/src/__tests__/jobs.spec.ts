import { Jobs } from '../jobs';
import { IApi, IHealth, IJob, IPage, IServerEvent, Refused } from '../protocol';

function record(id: string, more: Partial<IJob> = {}): IJob {
  return {
    id,
    name: '',
    strategy: 'subprocess',
    status: 'running',
    attempt: 1,
    created_at: 1,
    started_at: 2,
    finished_at: null,
    duration: null,
    fault: null,
    origin: null,
    ...more
  };
}

/** A server that says what a test gives it: a list of events for each connection, the last one stays open. */
class Script implements IApi {
  readonly places: string[] = [];
  page: IPage = { jobs: [], next: null };
  mismatch: string | null = null;
  failure: Error | null = null;

  constructor(private readonly _connections: IServerEvent[][]) {}

  async health(): Promise<IHealth> {
    if (this.failure) {
      throw this.failure;
    }
    return { version: '1', api: 1, mismatch: this.mismatch, strategies: [] };
  }

  async jobs(before?: string): Promise<IPage> {
    return before ? { jobs: [record('0', { status: 'completed' })], next: null } : this.page;
  }

  async *events(after: string, signal: AbortSignal): AsyncIterable<IServerEvent> {
    this.places.push(after);
    yield* this._connections.shift() ?? [];
    if (!this._connections.length) {
      await new Promise(resolve => signal.addEventListener('abort', resolve));
    }
  }

  cancel = jest.fn();
  retry = jest.fn();
  resume = jest.fn();
  logs = jest.fn();
  workflow = jest.fn();
  submit = jest.fn();
}

const hello: IServerEvent = { kind: 'hello', place: 'p0', data: { version: '1' } };
const update = (id: string, status: string, more = {}) => ({ type: 'job_update', job_id: id, seq: 1, status, ...more });
const messages = (place: string, ...data: unknown[]): IServerEvent => ({ kind: 'messages', place, data });
const ids = (jobs: Jobs) => jobs.all.map(job => job.record.id);

function change(jobs: Jobs, isThere: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (isThere()) {
        jobs.changed.disconnect(look);
        resolve();
      }
    };
    jobs.changed.connect(look);
  });
}

describe('Jobs', () => {
  it('lists jobs newest first and folds their messages', async () => {
    const server = new Script([
      [
        hello,
        { kind: 'jobs', place: '', data: [record('b'), record('c', { status: 'queued', started_at: null })] },
        messages(
          'p1',
          update('c', 'running', { timestamp: 7 }),
          { type: 'node_update', job_id: 'b', seq: 2, node_id: 'n', node_name: 'shout', status: 'running' },
          { type: 'node_update', job_id: 'b', seq: 3, node_id: 'm', status: 'running' },
          { type: 'node_update', job_id: 'b', seq: 4, node_id: 'm', status: 'completed' },
          { type: 'node_update', job_id: 'unknown', seq: 4, node_id: 'm', status: 'completed' }
        )
      ]
    ]);
    server.page = { jobs: [record('a', { status: 'failed' })], next: 'a' };
    const jobs = new Jobs(server);
    void jobs.follow();
    await change(jobs, () => jobs.get('b')?.ended === 1);
    expect(ids(jobs)).toEqual(['c', 'b', 'a']);
    expect([...jobs.get('b')!.running]).toEqual([['n', 'shout']]);
    expect(jobs.get('c')!.record).toMatchObject({ status: 'running', started_at: 7 });
    expect([jobs.liveCount, jobs.hasMore]).toEqual([2, true]);
    await jobs.loadMore();
    expect([ids(jobs), jobs.hasMore]).toEqual([['c', 'b', 'a', '0'], false]);
    jobs.dispose();
  });

  it('tells the end of a job once, and only of one that it has seen live', async () => {
    const end = update('a', 'completed', { duration: 3, timestamp: 9 });
    const server = new Script([[hello, { kind: 'jobs', place: '', data: [record('a')] }, messages('p', end, end)]]);
    server.page = { jobs: [record('old', { status: 'failed' })], next: null };
    const jobs = new Jobs(server);
    const ended: IJob[] = [];
    jobs.ended.connect((_, job) => ended.push(job));
    void jobs.follow();
    await change(jobs, () => jobs.get('a')?.record.status === 'completed');
    jobs.put(record('a', { status: 'completed' }));
    expect(ended).toEqual([record('a', { status: 'completed', duration: 3, finished_at: 9 })]);
    jobs.dispose();
  });

  it('goes on from its place after a lost connection', async () => {
    const server = new Script([
      [hello, { kind: 'jobs', place: 'p1', data: [record('a')] }],
      [hello, messages('p2', update('a', 'failed'))]
    ]);
    const jobs = new Jobs(server);
    void jobs.follow();
    await change(jobs, () => jobs.get('a')?.record.status === 'failed');
    expect(server.places).toEqual(['', 'p1']);
    jobs.dispose();
  });

  it('is not set back by a page that was asked for before the end', async () => {
    const jobs = new Jobs(new Script([]));
    jobs.put(record('a', { status: 'completed' }));
    jobs.put(record('a'));
    expect(jobs.get('a')!.record.status).toBe('completed');
    jobs.put(record('a', { attempt: 2 }));
    expect(jobs.get('a')!.record.status).toBe('running');
    jobs.dispose();
  });

  it.each([
    [new Refused(404, '404 Not Found'), 'has no NodeTool extension'],
    [new Refused(503, 'it is closed', 'log in'), 'it is closed'],
    [new TypeError('fetch failed'), 'does not answer']
  ])('says why there is nothing to see: %s', async (failure, words) => {
    const server = new Script([]);
    server.failure = failure;
    const jobs = new Jobs(server);
    void jobs.follow();
    await change(jobs, () => jobs.trouble !== null);
    expect(jobs.trouble!.message).toContain(words);
    jobs.dispose();
  });

  it('follows no server that it does not fit to', async () => {
    const server = new Script([[hello]]);
    server.mismatch = 'restart the server';
    const jobs = new Jobs(server);
    void jobs.follow();
    await change(jobs, () => jobs.trouble !== null);
    expect([jobs.trouble!.message, server.places]).toEqual(['restart the server', []]);
    jobs.dispose();
  });
});
