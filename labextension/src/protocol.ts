/**
 * What the server says: the shapes of its answers and messages, and how its stream of events is read.
 * Nothing in here is trusted to be safe to show: all of it goes into the page as text.
 */

/** The version of the server's interface that this page knows. */
export const API = 1;

/** The version of this page's extension. */
export const VERSION: string = require('../package.json').version;

/** Whether two versions are of different releases; an unknown one is of none. */
export function differ(one: string, other: string): boolean {
  const release = (version: string) => version.split('.').slice(0, 2).join('.');
  return one !== '' && release(one) !== release(other);
}

/** The strategy whose jobs live in a kernel: the server starts none. */
export const KERNEL_ONLY = 'threaded';

export type Status =
  | 'queued'
  | 'starting'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'suspended';

const LIVE: ReadonlySet<Status> = new Set(['queued', 'starting', 'running']);

/** Whether a job of this status goes on by itself. */
export function isLive(status: Status): boolean {
  return LIVE.has(status);
}

export interface IFault {
  code: string;
  message: string;
  hint?: string | null;
}

/** Where a job was asked for, and the version in its kernel; each empty where it is not known. */
export interface IOrigin {
  notebook: string;
  cell: string;
  version: string;
}

/** A job's record; times in seconds since the epoch, durations in seconds. */
export interface IJob {
  id: string;
  name: string;
  strategy: string;
  status: Status;
  attempt: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  duration: number | null;
  fault: IFault | null;
  origin: IOrigin | null;
}

export interface IPage {
  jobs: IJob[];
  next: string | null;
}

/** A strategy, and a sentence that says why it isn't available where it isn't. */
export interface IStrategy {
  name: string;
  available: boolean;
  sentence: string;
}

export interface IHealth {
  version: string;
  api: number;
  mismatch: string | null;
  strategies: IStrategy[];
}

/** What is to be run. */
export interface ISubmission {
  workflow: IWorkflow;
  params: Record<string, unknown>;
  strategy: string;
  name: string;
}

/** Any message of a job; only the fields that are looked at here. */
export interface IMessage {
  type: string;
  job_id: string;
  seq: number;
  timestamp?: number;
  status?: string;
  node_id?: string;
  node_name?: string;
  error?: string | null;
  fault?: IFault | null;
  duration?: number | null;
  progress?: number;
  total?: number | null;
}

export interface ILogLine {
  node_id: string;
  node_name: string;
  content: string;
  severity: string;
  seq: number;
}

export interface ILogs {
  logs: ILogLine[];
  next: number;
  is_over: boolean;
}

export interface IGraphNode {
  id: string;
  type: string;
  data?: Record<string, unknown>;
  parent_id?: string | null;
  ui_properties?: { position?: { x: number; y: number }; title?: string };
}

export interface IGraphEdge {
  source: string;
  target: string;
}

export interface IWorkflow {
  name?: string;
  description?: string;
  graph: { nodes: IGraphNode[]; edges: IGraphEdge[] };
}

/** One event of a stream. */
export interface IServerEvent {
  kind: string;
  /** The place to go on from; empty where the event has none. */
  place: string;
  data: any;
}

/** What the server has refused, in its own words. */
export class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly hint = ''
  ) {
    super(message);
  }
}

/** What a page asks the server. */
export interface IApi {
  health(): Promise<IHealth>;
  /** A page, newest first; the next after `before`. */
  jobs(before?: string): Promise<IPage>;
  cancel(id: string): Promise<void>;
  retry(id: string): Promise<IJob>;
  resume(id: string): Promise<IJob>;
  logs(id: string, offset: number): Promise<ILogs>;
  workflow(path: string): Promise<IWorkflow>;
  submit(submission: ISubmission): Promise<IJob>;
  events(after: string, signal: AbortSignal): AsyncIterable<IServerEvent>;
}

/**
 * Makes events of the pieces of text in which a stream arrives.
 */
export class EventParser {
  /** The events that a piece completes; one that is no JSON is left out. */
  feed(piece: string): IServerEvent[] {
    this._rest += piece;
    const blocks = this._rest.split('\n\n');
    this._rest = blocks.pop() ?? '';
    return blocks.map(readEvent).filter((event): event is IServerEvent => event !== null);
  }

  private _rest = '';
}

function readEvent(block: string): IServerEvent | null {
  const event: IServerEvent = { kind: 'message', place: '', data: null };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') {
      event.kind = value;
    } else if (field === 'id') {
      event.place = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  if (!data.length) {
    return null; // a comment, by which the server says that it is still there
  }
  try {
    event.data = JSON.parse(data.join('\n'));
  } catch {
    return null;
  }
  return event;
}
