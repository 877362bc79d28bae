/**
 * One job in the sidebar: how it stands, what can be done with it, and what its nodes have printed.
 */

import { TranslationBundle } from '@jupyterlab/translation';

import { button, el, setText } from './dom';
import { IShownJob } from './jobs';
import { Log } from './log';
import { differ, IJob, ILogs, IOrigin, isLive, KERNEL_ONLY, Status, VERSION } from './protocol';

/** Running nodes that have a line of their own. */
const MOST_NODES = 2;
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
    actions: IActions,
    private readonly _trans: TranslationBundle
  ) {
    const id = _job.record.id;
    const line = el('div', { class: 'ntl-line' }, this._state, this._name, this._time);
    this._log = new Log(offset => actions.attempt(actions.logs(id, offset)), _trans);
    this._log.node.hidden = true;
    this._cancel = button(_trans.__('Cancel'), _trans.__('Cancel this job'), () => actions.cancel(id));
    this._retry = button(_trans.__('Retry'), _trans.__('Run the same again'), () => actions.retry(id));
    this._resume = button(_trans.__('Resume'), _trans.__('Go on from the results that are there'), () =>
      actions.resume(id)
    );
    this._open = button(_trans.__('Notebook'), _trans.__('Open the notebook at its cell'), () => {
      const { origin } = this._job.record;
      if (origin) {
        actions.open(origin);
      }
    });
    this._show = button(_trans.__('Log'), _trans.__('What its nodes have printed'), () => this._toggleLog());
    this._show.setAttribute('aria-expanded', 'false');
    const buttons = el('div', { class: 'ntl-actions' });
    buttons.append(this._cancel, this._resume, this._retry, this._show, this._open);
    this.node = el('li', { class: 'ntl-job', 'data-job': id }, line, this._facts, this._running);
    this.node.append(this._fault, this._warning, buttons, this._log.node);
    this.update(_job);
  }

  /** Show the job as it is now. */
  update(job: IShownJob): void {
    this._job = job;
    const { record } = job;
    this.node.dataset['status'] = record.status;
    setText(this._state, `${SIGNS[record.status] ?? '?'} ${record.status}`);
    setText(this._name, record.name || this._trans.__('workflow'));
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
    this._warn(record, live);
    this.tick();
    if (!this._log.node.hidden) {
      void this._log.update();
    }
  }

  /** Show the time that has passed. */
  tick(): void {
    const { record, running, progress, ended } = this._job;
    const seconds = isLive(record.status)
      ? Date.now() / 1000 - (record.started_at ?? record.created_at)
      : record.duration;
    setText(this._time, seconds === null ? '' : duration(seconds));
    const facts = [record.strategy];
    if (ended) {
      facts.push(this._trans._n('%1 node done', '%1 nodes done', ended));
    }
    if (record.origin) {
      facts.push(record.origin.notebook.split('/').pop() ?? '');
    }
    setText(this._facts, facts.join(' · '));
    this._showRunning([...running], progress);
  }

  /** A line for each node that runs, with a bar where it says how far it is. */
  private _showRunning(running: [string, string][], progress: Map<string, number>): void {
    const shown = running.slice(0, MOST_NODES);
    this._running.hidden = !shown.length;
    while (this._running.childElementCount > shown.length) {
      this._running.lastElementChild!.remove();
    }
    while (this._running.childElementCount < shown.length) {
      this._running.append(el('div', {}, el('span', { class: 'ntl-node-name' }), el('span', { class: 'ntl-bar' }, el('span'))));
    }
    shown.forEach(([id, name], number) => {
      const [label, bar] = this._running.children[number]!.children as unknown as [HTMLElement, HTMLElement];
      const isLast = number === shown.length - 1 && running.length > shown.length;
      const fraction = progress.get(id);
      setText(label, name + percent(fraction) + (isLast ? ` +${running.length - shown.length}` : ''));
      bar.hidden = fraction === undefined;
      (bar.firstElementChild as HTMLElement).style.width = `${Math.floor((fraction ?? 0) * 100)}%`;
    });
  }

  /** Its kernel and this page may be of versions that don't fit together. */
  private _warn(record: IJob, live: boolean): void {
    const version = record.origin?.version ?? '';
    this._warning.hidden = !live || !differ(version, VERSION);
    const words = this._trans.__(
      'Its kernel has nodetool_jupyter %1, this page %2: restart the kernel, or the server and this page.',
      version,
      VERSION
    );
    setText(this._warning, this._warning.hidden ? '' : words);
  }

  private _toggleLog(): void {
    this._log.node.hidden = !this._log.node.hidden;
    this._show.setAttribute('aria-expanded', String(!this._log.node.hidden));
    if (!this._log.node.hidden) {
      void this._log.update();
    }
  }

  private readonly _state = el('span', { class: 'ntl-state' });
  private readonly _name = el('bdi', { class: 'ntl-name' });
  private readonly _time = el('span', { class: 'ntl-time' });
  private readonly _facts = el('div', { class: 'ntl-facts' });
  private readonly _running = el('div', { class: 'ntl-running' });
  private readonly _fault = el('div', { class: 'ntl-fault' });
  private readonly _warning = el('div', { class: 'ntl-warning' });
  private readonly _log: Log;
  private readonly _cancel: HTMLButtonElement;
  private readonly _retry: HTMLButtonElement;
  private readonly _resume: HTMLButtonElement;
  private readonly _open: HTMLButtonElement;
  private readonly _show: HTMLButtonElement;
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? '' : ` ${Math.floor(fraction * 100)} %`;
}

/** ``0.04 s``, ``2.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 3 min``. */
export function duration(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 0.995) {
    return `${whole.toFixed(2)} s`;
  }
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
