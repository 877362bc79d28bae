/**
 * A document's picture in place of its text: workflow files, opened with "NodeTool workflow".
 */

import { ToolbarButton } from '@jupyterlab/apputils';
import { ABCWidgetFactory, DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import { TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { draw, parse } from './drawing';
import { el } from './dom';

export const FACTORY = 'NodeTool workflow';

class Picture extends Widget {
  constructor(
    private readonly _context: DocumentRegistry.Context,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('ntl-viewer');
    void _context.ready.then(() => {
      this._draw();
      _context.model.contentChanged.connect(this._draw, this);
    });
  }

  /** Show all of it, or each box at its size. */
  toggleFit(): void {
    this.toggleClass('ntl-fit');
  }

  private _draw(): void {
    if (this.isDisposed) {
      return;
    }
    try {
      this.node.replaceChildren(draw(parse(this._context.model.toString())));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.node.replaceChildren(el('p', {}, this._trans.__('This is not a NodeTool workflow: %1', reason)));
    }
  }
}

export class ViewerFactory extends ABCWidgetFactory<DocumentWidget<Widget>> {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _run: (path: string) => void
  ) {
    super({
      name: FACTORY,
      label: _trans.__('NodeTool workflow'),
      fileTypes: ['json'],
      readOnly: true
    });
  }

  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<Widget> {
    const picture = new Picture(context, this._trans);
    const widget = new DocumentWidget<Widget>({ content: picture, context });
    const run = new ToolbarButton({
      label: this._trans.__('Run with NodeTool'),
      icon: runIcon,
      onClick: () => this._run(context.path)
    });
    const fit = new ToolbarButton({
      label: this._trans.__('Fit'),
      tooltip: this._trans.__('Show the whole workflow, or each node at its size'),
      onClick: () => picture.toggleFit()
    });
    widget.toolbar.addItem('run', run);
    widget.toolbar.addItem('fit', fit);
    return widget;
  }
}
