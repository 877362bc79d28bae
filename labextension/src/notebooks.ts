/**
 * The way back from a job to the cell that asked for it.
 */

import { JupyterFrontEnd } from '@jupyterlab/application';

import { IOrigin } from './protocol';

/** What is used of a notebook's widget. */
interface INotebookLike {
  context?: { ready: Promise<void> };
  content?: {
    widgets: readonly { model: { id: string } }[];
    activeCellIndex: number;
    scrollToItem?: (index: number, align?: string) => Promise<void>;
  };
}

/** Open a notebook and go to a cell; where the cell is gone, the notebook alone. */
export async function openCell(app: JupyterFrontEnd, origin: IOrigin): Promise<void> {
  const widget: INotebookLike | undefined = await app.commands.execute('docmanager:open', { path: origin.notebook });
  await widget?.context?.ready;
  const index = widget?.content?.widgets.findIndex(cell => cell.model.id === origin.cell) ?? -1;
  if (widget?.content && index >= 0) {
    widget.content.activeCellIndex = index;
    await widget.content.scrollToItem?.(index, 'center');
  }
}
