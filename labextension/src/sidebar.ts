/**
 * The sidebar: the jobs of all kernels and of the server, live.
 */

import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { button, el, setText } from './dom';
import { Jobs } from './jobs';
import { IJob, isLive, Status } from './protocol';
import { IActions, Row } from './row';

/** Rows that are in the page at once; more are a button away. */
const WINDOW = 60;
/** Milliseconds between two looks at the clock while jobs run. */
const TICK = 1000;

type Filter = 'all' | 'live' | Status;

export class Sidebar extends Widget {
  constructor(
    private readonly _jobs: Jobs,
    private readonly _actions: IActions,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.id = 'nodetool-jobs';
    this.addClass('ntl-sidebar');
    this.title.caption = _trans.__('NodeTool jobs');
    this._filter = this._makeFilter();
    this._words = el('input', {
      type: 'search',
      class: 'jp-mod-styled',
      placeholder: _trans.__('find a job'),
      'aria-label': _trans.__('Only jobs whose name, id or notebook has these letters')
    });
    this._trouble = el('div', { class: 'ntl-trouble', role: 'status' });
    this._list = el('ul', { class: 'ntl-jobs', 'aria-label': _trans.__('Jobs, newest first') });
    this._more = button(_trans.__('Show more'), _trans.__('Show older jobs'), () => void this._showMore());
    this.node.append(
      el('div', { class: 'ntl-head' }, el('h2', {}, _trans.__('NodeTool jobs')), this._words, this._filter),
      this._trouble,
      this._list,
      this._more
    );
    this._filter.addEventListener('change', () => this._refill());
    this._words.addEventListener('input', () => this._refill());
    _jobs.changed.connect(this._onChanged, this);
    this._refill();
  }

  override dispose(): void {
    window.clearInterval(this._clock);
    this._jobs.changed.disconnect(this._onChanged, this);
    super.dispose();
  }

  protected override onAfterShow(_message: Message): void {
    this._refill();
    this._clock = window.setInterval(() => this._tick(), TICK);
  }

  protected override onAfterHide(_message: Message): void {
    window.clearInterval(this._clock);
  }

  private _onChanged(_jobs: Jobs, ids: ReadonlySet<string>): void {
    this._showBadge();
    if (!this.isVisible) {
      return; // what is not seen is drawn when it is
    }
    if ([...ids].some(id => this._rows.has(id) !== this._isWanted(id))) {
      this._refill();
      return;
    }
    for (const id of ids) {
      const job = this._jobs.get(id);
      if (job) {
        this._rows.get(id)?.update(job);
      }
    }
  }

  /** The number of live jobs, beside the icon. */
  private _showBadge(): void {
    const count = this._jobs.liveCount;
    this.title.label = count ? String(count) : '';
    this.title.caption = count
      ? this._trans._n('NodeTool jobs: %1 is running', 'NodeTool jobs: %1 are running', count)
      : this._trans.__('NodeTool jobs');
  }

  /** Put the wanted rows in their order; those that stay keep their place, their focus and their logs. */
  private _refill(): void {
    const wanted = this._jobs.all.filter(job => this._fits(job.record));
    this._showTrouble(wanted.length);
    const shown = wanted.slice(0, this._limit);
    const ids = new Set(shown.map(job => job.record.id));
    for (const [id, row] of this._rows) {
      if (!ids.has(id)) {
        row.node.remove();
        this._rows.delete(id);
      }
    }
    let place = this._list.firstElementChild;
    for (const job of shown) {
      let row = this._rows.get(job.record.id);
      if (!row) {
        row = new Row(job, this._actions, this._trans);
        this._rows.set(job.record.id, row);
      } else {
        row.update(job);
      }
      if (row.node === place) {
        place = place.nextElementSibling;
      } else {
        this._list.insertBefore(row.node, place);
      }
    }
    this._more.hidden = wanted.length <= this._limit && !this._jobs.hasMore;
  }

  /** What is wrong, or why nothing is listed. */
  private _showTrouble(wanted: number): void {
    const trouble = this._jobs.trouble;
    this._trouble.hidden = trouble === null && wanted > 0;
    this._trouble.classList.toggle('ntl-wrong', trouble !== null);
    if (trouble) {
      setText(this._trouble, `${trouble.message} ${trouble.hint}`.trim());
    } else if (this._jobs.all.length) {
      setText(this._trouble, this._trans.__('None of the jobs that are loaded is like that.'));
    } else {
      setText(this._trouble, this._trans.__('No jobs yet. Run a cell that begins with %1.', '%%nodetool'));
    }
  }

  private async _showMore(): Promise<void> {
    this._limit += WINDOW;
    if (this._jobs.all.length < this._limit && this._jobs.hasMore) {
      await this._actions.attempt(this._jobs.loadMore());
    }
    this._refill();
  }

  private _isWanted(id: string): boolean {
    if (id === '') {
      return true; // the page's own state has changed: no row has that id
    }
    const job = this._jobs.get(id);
    return job !== undefined && this._fits(job.record) && (this._rows.has(id) || this._isNew(id));
  }

  private _isNew(id: string): boolean {
    const last = this._list.lastElementChild?.getAttribute('data-job') ?? '';
    return this._rows.size < this._limit || id > last;
  }

  private _fits(record: IJob): boolean {
    const filter = this._filter.value as Filter;
    const words = this._words.value.trim().toLowerCase();
    const text = `${record.name} ${record.id} ${record.origin?.notebook ?? ''}`.toLowerCase();
    const isState = filter === 'all' || filter === record.status || (filter === 'live' && isLive(record.status));
    return isState && text.includes(words);
  }

  private _tick(): void {
    for (const row of this._rows.values()) {
      row.tick();
    }
  }

  private _makeFilter(): HTMLSelectElement {
    const trans = this._trans;
    const words: [Filter, string][] = [
      ['all', trans.__('all')],
      ['live', trans.__('running or waiting')],
      ['completed', trans.__('completed')],
      ['failed', trans.__('failed')],
      ['cancelled', trans.__('cancelled')],
      ['suspended', trans.__('suspended')]
    ];
    const select = el('select', { class: 'jp-mod-styled', 'aria-label': trans.__('Only jobs in this state') });
    select.append(...words.map(([value, label]) => el('option', { value }, label)));
    return select;
  }

  private readonly _filter: HTMLSelectElement;
  private readonly _words: HTMLInputElement;
  private readonly _trouble: HTMLElement;
  private readonly _list: HTMLElement;
  private readonly _more: HTMLButtonElement;
  private readonly _rows = new Map<string, Row>();
  private _limit = WINDOW;
  private _clock = 0;
}
