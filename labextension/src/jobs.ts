/**
 * The jobs as this page knows them: one stream for all of them, folded to a list that says when it has changed.
 */

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { IApi, IJob, IMessage, IServerEvent, isLive, Refused, Status } from './protocol';

/** Milliseconds between two tellings that something has changed: messages come by the hundred. */
const PULSE = 100;
/** Milliseconds until the next try after a connection was lost, at first and at most. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const NODE_ENDS: ReadonlySet<string> = new Set(['completed', 'error', 'cancelled']);

/** A job with what its messages say of it. */
export interface IShownJob {
  record: IJob;
  /** Nodes that run now, by id. */
  running: Map<string, string>;
  /** How far those are that say so, from 0 to 1. */
  progress: Map<string, number>;
  /** How many nodes have ended. */
  ended: number;
  /** Whether this page has seen it live. */
  wasLive: boolean;
}

/** What keeps this page from showing jobs. */
export interface ITrouble {
  message: string;
  hint: string;
}

export class Jobs implements IDisposable {
  constructor(private readonly _api: IApi) {}

  /** Told at most ten times a second, with the ids of what has changed. */
  get changed(): ISignal<this, ReadonlySet<string>> {
    return this._changed;
  }

  /** Told once for each job that this page has seen live and that has come to its end. */
  get ended(): ISignal<this, IJob> {
    return this._ended;
  }

  /** Newest first. */
  get all(): IShownJob[] {
    return [...this._jobs.values()].sort((a, b) => (a.record.id < b.record.id ? 1 : -1));
  }

  get(id: string): IShownJob | undefined {
    return this._jobs.get(id);
  }

  get liveCount(): number {
    let count = 0;
    for (const job of this._jobs.values()) {
      count += isLive(job.record.status) ? 1 : 0;
    }
    return count;
  }

  /** Whether older jobs can be fetched. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  get trouble(): ITrouble | null {
    return this._trouble;
  }

  /** Whether the server answers, and has all that this page asks for. */
  get isConnected(): boolean {
    return this._isConnected;
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  dispose(): void {
    this._stop.abort();
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** Follow the server's jobs until this is disposed of; goes on where it was after a lost connection. */
  async follow(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!this.isDisposed) {
      try {
        await this._check();
        for await (const event of this._api.events(this._place, this._stop.signal)) {
          pause = FIRST_PAUSE;
          await this._take(event);
        }
      } catch (error) {
        if (this.isDisposed) {
          return;
        }
        this._setTrouble(troubleOf(error));
      }
      await this._wait(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  /** Fetch some older jobs. */
  async loadMore(): Promise<void> {
    if (this._next !== null) {
      const page = await this._api.jobs(this._next);
      this._next = page.next;
      page.jobs.forEach(job => this._put(job));
    }
  }

  /** A record that an answer has brought. */
  put(record: IJob): void {
    this._put(record);
  }

  /** Ask the server whether it and this page fit together. */
  private async _check(): Promise<void> {
    const { mismatch } = await this._api.health();
    if (mismatch) {
      throw new Refused(0, mismatch);
    }
  }

  private async _take(event: IServerEvent): Promise<void> {
    if (event.kind === 'hello' || event.kind === 'gap') {
      this._setTrouble(null);
      await this._list();
    } else if (event.kind === 'jobs') {
      (event.data as IJob[]).forEach(job => this._put(job));
    } else if (event.kind === 'messages') {
      (event.data as IMessage[]).forEach(message => this._fold(message));
    }
    this._place = event.place || this._place;
  }

  /** The newest page: what has ended while nobody listened is in it. */
  private async _list(): Promise<void> {
    const page = await this._api.jobs();
    if (!this._jobs.size) {
      this._next = page.next;
    }
    page.jobs.forEach(job => this._put(job));
  }

  private _put(record: IJob): void {
    const known = this._jobs.get(record.id);
    const live = isLive(record.status);
    if (!known) {
      this._jobs.set(record.id, { record, running: new Map(), progress: new Map(), ended: 0, wasLive: live });
    } else if (isLive(known.record.status) || record.attempt > known.record.attempt || !live) {
      known.record = record; // a page that was asked for before the end may come after it
      known.wasLive = known.wasLive || live;
      this._tellEnd(known);
    }
    this._touch(record.id);
  }

  private _fold(message: IMessage): void {
    const job = this._jobs.get(message.job_id);
    if (!job) {
      return;
    }
    if (message.type === 'job_update' && message.status) {
      this._advance(job, message);
    } else if (message.node_id) {
      foldNode(job, message, message.node_id);
    } else {
      return;
    }
    this._touch(message.job_id);
  }

  private _advance(job: IShownJob, message: IMessage): void {
    const status = message.status as Status;
    job.wasLive = job.wasLive || isLive(job.record.status) || isLive(status);
    const begins = status === 'running' && job.record.started_at === null;
    job.record = {
      ...job.record,
      status,
      started_at: begins ? message.timestamp ?? null : job.record.started_at,
      finished_at: isLive(status) ? null : message.timestamp ?? null,
      duration: message.duration ?? job.record.duration,
      fault: message.fault ?? job.record.fault
    };
    this._tellEnd(job);
  }

  private _tellEnd(job: IShownJob): void {
    if (job.wasLive && !isLive(job.record.status)) {
      job.wasLive = false;
      job.running.clear();
      job.progress.clear();
      this._ended.emit(job.record);
    }
  }

  private _setTrouble(trouble: ITrouble | null): void {
    this._trouble = trouble;
    this._isConnected = trouble === null;
    this._touch('');
  }

  private _touch(id: string): void {
    this._dirty.add(id);
    if (!this._timer) {
      this._timer = window.setTimeout(() => {
        this._timer = 0;
        const dirty = this._dirty;
        this._dirty = new Set();
        this._changed.emit(dirty);
      }, PULSE);
    }
  }

  private _wait(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = window.setTimeout(resolve, milliseconds);
      this._stop.signal.addEventListener('abort', () => {
        window.clearTimeout(timer);
        resolve();
      });
    });
  }

  private readonly _jobs = new Map<string, IShownJob>();
  private readonly _stop = new AbortController();
  private readonly _changed = new Signal<this, ReadonlySet<string>>(this);
  private readonly _ended = new Signal<this, IJob>(this);
  private _dirty = new Set<string>();
  private _timer = 0;
  private _place = '';
  private _next: string | null = null;
  private _trouble: ITrouble | null = null;
  private _isConnected = false;
}

/** What a message says of a node; one that prints changes nothing but its log, which is read where it is shown. */
function foldNode(job: IShownJob, message: IMessage, id: string): void {
  if (message.type === 'node_progress' && job.running.has(id) && message.total) {
    job.progress.set(id, Math.min(Math.max((message.progress ?? 0) / message.total, 0), 1));
  } else if (message.type === 'node_update' && message.status === 'running') {
    job.running.set(id, message.node_name || id);
  } else if (message.type === 'node_update' && NODE_ENDS.has(message.status ?? '')) {
    job.running.delete(id);
    job.progress.delete(id);
    job.ended += 1;
  }
}

function troubleOf(error: unknown): ITrouble {
  if (error instanceof Refused && error.code === 404) {
    return {
      message: 'The Jupyter server has no NodeTool extension.',
      hint: "Install nodetool-jupyter in the server's environment and restart it. Notebooks run workflows without it."
    };
  }
  if (error instanceof Refused) {
    return { message: error.message, hint: error.hint };
  }
  return { message: 'The Jupyter server does not answer.', hint: 'This page tries again by itself.' };
}
