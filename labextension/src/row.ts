/**
 * One job in the sidebar: how it stands, what can be done with it, and what its nodes have printed.
 */

import { TranslationBundle } from '@jupyterlab/translation';

import { button, el, setText } from './dom';
import { IShownJob } from './jobs';
import { ILogs, IOrigin, isLive, KERNEL_ONLY, Status } from './protocol';

/** Lines of a log that are in the page at once. */
const MOST_LINES = 500;
const SIGNS: Record<Status, string> = {
  queued: '…',
  starting: '…',
  running: '▶',
  completed: '✓',
  failed: '✗',
  cancelled: '■',
  suspended: '⏸'
};

/** What a user can have done with a job; failures are told where they can be seen. */
export interface IActions {
  cancel(id: string): void;
  retry(id: string): void;
  resume(id: string): void;
  open(origin: IOrigin): void;
  logs(id: string, offset: number): Promise<ILogs>;
  attempt<T>(work: Promise<T>): Promise<T | undefined>;
}

export class Row {
  readonly node: HTMLLIElement;

  constructor(
    private _job: IShownJob,
    private readonly _actions: IActions,
    private readonly _trans: TranslationBundle
  ) {
    const id = _job.record.id;
    this._state = el('span', { class: 'ntl-state' });
    this._name = el('bdi', { class: 'ntl-name' });
    this._facts = el('div', { class: 'ntl-facts' });
    this._fault = el('div', { class: 'ntl-fault' });
    this._logs = el('pre', { class: 'ntl-logs', tabindex: '0', 'aria-label': _trans.__('Log') });
    this._logs.hidden = true;
    this._cancel = button(_trans.__('Cancel'), _trans.__('Cancel this job'), () => _actions.cancel(id));
    this._retry = button(_trans.__('Retry'), _trans.__('Run the same again'), () => _actions.retry(id));
    this._resume = button(_trans.__('Resume'), _trans.__('Go on from the results that are there'), () =>
      _actions.resume(id)
    );
    this._open = button(_trans.__('Notebook'), _trans.__('Open the notebook at its cell'), () => {
      const { origin } = this._job.record;
      if (origin) {
        _actions.open(origin);
      }
    });
    this._show = button(_trans.__('Log'), _trans.__('What its nodes have printed'), () => void this._toggleLogs());
    this._show.setAttribute('aria-expanded', 'false');
    this.node = el(
      'li',
      { class: 'ntl-job', 'data-job': id },
      el('div', { class: 'ntl-line' }, this._state, this._name),
      this._facts,
      this._fault,
      el('div', { class: 'ntl-actions' }, this._cancel, this._resume, this._retry, this._show, this._open),
      this._logs
    );
    this.update(_job);
  }

  /** Show the job as it is now. */
  update(job: IShownJob): void {
    this._job = job;
    const { record } = job;
    this.node.dataset['status'] = record.status;
    setText(this._state, `${SIGNS[record.status] ?? '?'} ${record.status}`);
    setText(this._name, record.name || record.id.slice(0, 13));
    this._name.title = record.id;
    const live = isLive(record.status);
    const hasEndedShort = record.status === 'failed' || record.status === 'cancelled';
    this._cancel.hidden = !live && record.status !== 'suspended';
    const runsInServer = record.strategy !== KERNEL_ONLY; // others are run again where their nodes are: in the notebook
    this._retry.hidden = live || record.status === 'suspended' || !runsInServer;
    this._resume.hidden = !hasEndedShort || !runsInServer;
    this._open.hidden = !record.origin;
    this._fault.hidden = !record.fault || live;
    setText(this._fault, record.fault ? record.fault.message : '');
    this.tick();
    if (!this._logs.hidden) {
      void this._readLogs();
    }
  }

  /** Show the time that has passed. */
  tick(): void {
    const { record, running, progress, ended } = this._job;
    const parts = [record.strategy];
    const begun = record.started_at ?? record.created_at;
    if (isLive(record.status)) {
      parts.push(duration(Date.now() / 1000 - begun));
    } else if (record.duration !== null) {
      parts.push(duration(record.duration));
    }
    if (ended) {
      parts.push(this._trans._n('%1 node done', '%1 nodes done', ended));
    }
    const names = [...running].map(([id, name]) => name + percent(progress.get(id)));
    if (names.length) {
      const more = names.length > 2 ? ` +${names.length - 2}` : '';
      parts.push(`${names.slice(0, 2).join(', ')}${more}`);
    }
    if (record.origin) {
      parts.push(record.origin.notebook.split('/').pop() ?? '');
    }
    setText(this._facts, parts.join(' · '));
  }

  private async _toggleLogs(): Promise<void> {
    this._logs.hidden = !this._logs.hidden;
    this._show.setAttribute('aria-expanded', String(!this._logs.hidden));
    if (!this._logs.hidden) {
      await this._readLogs();
    }
  }

  /** Add what has come since the last time. */
  private async _readLogs(): Promise<void> {
    if (this._isReading || this._isOver) {
      return;
    }
    this._isReading = true;
    try {
      let found: ILogs | undefined;
      do {
        found = await this._actions.attempt(this._actions.logs(this._job.record.id, this._offset));
        if (found) {
          this._addLines(found);
        }
      } while (found && found.logs.length && !found.is_over);
    } finally {
      this._isReading = false;
    }
  }

  private _addLines(found: ILogs): void {
    this._offset = found.next;
    this._isOver = found.is_over;
    for (const line of found.logs) {
      this._logs.append(
        el('div', { class: `ntl-log ntl-log-${line.severity === 'info' ? 'info' : 'warning'}` },
          el('bdi', { class: 'ntl-log-node' }, line.node_name || line.node_id), ' ', line.content)
      );
    }
    while (this._logs.childElementCount > MOST_LINES) {
      this._logs.firstElementChild?.remove();
    }
    if (!this._logs.childElementCount && found.is_over) {
      this._logs.append(el('div', {}, this._trans.__('Nothing was printed.')));
    }
    this._logs.scrollTop = this._logs.scrollHeight;
  }

  private readonly _state: HTMLElement;
  private readonly _name: HTMLElement;
  private readonly _facts: HTMLElement;
  private readonly _fault: HTMLElement;
  private readonly _logs: HTMLElement;
  private readonly _cancel: HTMLButtonElement;
  private readonly _retry: HTMLButtonElement;
  private readonly _resume: HTMLButtonElement;
  private readonly _open: HTMLButtonElement;
  private readonly _show: HTMLButtonElement;
  private _offset = 0;
  private _isReading = false;
  private _isOver = false;
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? '' : ` ${Math.floor(fraction * 100)} %`;
}

/** ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 3 min``. */
export function duration(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 10) {
    return `${whole.toFixed(1)} s`;
  }
  const rounded = Math.round(whole);
  if (rounded < 60) {
    return `${rounded} s`;
  }
  const minutes = Math.floor(rounded / 60);
  return minutes < 60 ? `${minutes} min ${rounded % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
