/**
 * What a job's nodes have printed: the last lines, or those of them that have some letters. Few are in the page.
 */

import { TranslationBundle } from '@jupyterlab/translation';

import { el, setText } from './dom';
import { ILogLine, ILogs } from './protocol';

/** Lines that are in the page at once, and lines that are kept to be searched. */
export const MOST_LINES = 500;
const KEPT = 20_000;

export class Log {
  readonly node: HTMLElement;

  constructor(
    private readonly _read: (offset: number) => Promise<ILogs | undefined>,
    private readonly _trans: TranslationBundle
  ) {
    this._words = el('input', {
      type: 'search',
      class: 'jp-mod-styled ntl-find',
      placeholder: _trans.__('find in the log'),
      'aria-label': _trans.__('Only lines that have these letters')
    });
    this._note = el('div', { class: 'ntl-facts', role: 'status' });
    this._lines = el('pre', { class: 'ntl-logs', tabindex: '0', 'aria-label': _trans.__('Log') });
    this.node = el('div', { class: 'ntl-log-box' }, this._words, this._note, this._lines);
    this._words.addEventListener('input', () => this._show());
  }

  /** Add what has come since the last time. */
  async update(): Promise<void> {
    if (this._isReading || this._isOver) {
      return;
    }
    this._isReading = true;
    try {
      let found: ILogs | undefined;
      do {
        found = await this._read(this._offset);
        if (found) {
          this._add(found);
        }
      } while (found && found.logs.length && !found.is_over);
    } finally {
      this._isReading = false;
    }
  }

  private _add(found: ILogs): void {
    this._offset = found.next;
    this._isOver = found.is_over;
    this._seen += found.logs.length;
    this._kept.push(...found.logs);
    this._kept.splice(0, Math.max(this._kept.length - KEPT, 0));
    this._append(found.logs.filter(line => this._fits(line)));
  }

  /** Show the last of all lines that fit. */
  private _show(): void {
    this._fitting = 0;
    this._lines.replaceChildren();
    this._append(this._kept.filter(line => this._fits(line)));
  }

  private _append(lines: readonly ILogLine[]): void {
    const atEnd = this._lines.scrollHeight - this._lines.scrollTop - this._lines.clientHeight < 20;
    this._fitting += lines.length;
    this._lines.append(...lines.slice(-MOST_LINES).map(lineOf));
    while (this._lines.childElementCount > MOST_LINES) {
      this._lines.firstElementChild?.remove();
    }
    if (atEnd) {
      this._lines.scrollTop = this._lines.scrollHeight; // whoever has scrolled up stays there
    }
    this._tell();
  }

  private _tell(): void {
    const shown = this._lines.childElementCount;
    let text = '';
    if (this._words.value.trim()) {
      text = this._trans.__('%1 of %2 lines', String(this._fitting), String(this._kept.length));
    } else if (this._seen > shown) {
      text = this._trans.__('the last %1 of %2 lines', String(shown), String(this._seen));
    } else if (!this._seen) {
      text = this._isOver ? this._trans.__('Nothing was printed.') : this._trans.__('Nothing is printed yet.');
    }
    this._note.hidden = text === '';
    this._words.hidden = !this._seen;
    this._lines.hidden = !shown;
    setText(this._note, text);
  }

  private _fits(line: ILogLine): boolean {
    const words = this._words.value.trim().toLowerCase();
    return !words || `${line.node_name} ${line.content}`.toLowerCase().includes(words);
  }

  private readonly _words: HTMLInputElement;
  private readonly _note: HTMLElement;
  private readonly _lines: HTMLElement;
  private readonly _kept: ILogLine[] = [];
  private _fitting = 0;
  private _seen = 0;
  private _offset = 0;
  private _isReading = false;
  private _isOver = false;
}

function lineOf(line: ILogLine): HTMLElement {
  const severity = line.severity === 'info' ? 'info' : 'warning';
  const node = el('bdi', { class: 'ntl-log-node' }, line.node_name || line.node_id);
  return el('div', { class: `ntl-log ntl-log-${severity}` }, node, ' ', line.content);
}
