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
    const widget = new DocumentWidget({ content: new Picture(context, this._trans), context });
    const run = new ToolbarButton({
      label: this._trans.__('Run with NodeTool'),
      icon: runIcon,
      onClick: () => this._run(context.path)
    });
    widget.toolbar.addItem('run', run);
    return widget;
  }
}
