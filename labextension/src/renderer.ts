/**
 * What a run leaves in a notebook, where its HTML is not there: name, state, counts and fault.
 */

import { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { el } from './dom';

export const RUN_TYPE = 'application/vnd.nodetool.run+json';
/** After text/html, which shows more. */
const RANK = 75;

class RunWidget extends Widget implements IRenderMime.IRenderer {
  constructor(options: IRenderMime.IRendererOptions) {
    super();
    this._type = options.mimeType;
    this.addClass('ntl-run');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const run = (model.data[this._type] ?? {}) as Record<string, any>;
    const counts = Object.entries(run['counts'] ?? {}).map(([state, count]) => `${count} ${state}`);
    const outputs = Object.entries(run['outputs'] ?? {}).map(([name, count]) => `${name} (${count})`);
    const facts = [run['strategy'], ...counts].filter(Boolean).join(' · ');
    this.node.replaceChildren(
      el('div', { class: 'ntl-line' }, el('span', { class: 'ntl-state' }, String(run['status'] ?? '')), ' ',
        el('bdi', { class: 'ntl-name' }, String(run['name'] ?? ''))),
      el('div', { class: 'ntl-facts' }, facts),
      outputs.length ? el('div', { class: 'ntl-facts' }, outputs.join(', ')) : '',
      run['fault'] ? el('div', { class: 'ntl-fault' }, String(run['fault'].message ?? '')) : ''
    );
  }

  private readonly _type: string;
}

export const rendererFactory: IRenderMime.IRendererFactory = {
  safe: true,
  mimeTypes: [RUN_TYPE],
  defaultRank: RANK,
  createRenderer: options => new RunWidget(options)
};
