/**
 * Who is told of a job's end: whoever has waited for it and does not see it.
 */

import { IOrigin } from './protocol';

/** What is used of a widget that may be a notebook. */
interface IMaybeNotebook {
  isVisible: boolean;
  context?: { path: string };
  content?: { widgets?: readonly { model: { id: string }; node: HTMLElement }[] };
}

export type Notify = 'unseen' | 'always' | 'never';

/** Whether a notification is due; seconds for times. */
export function isDue(
  settings: { notify: Notify; notifyAfter: number },
  duration: number | null,
  isSeen: () => boolean
): boolean {
  const isLong = (duration ?? 0) >= settings.notifyAfter;
  return settings.notify !== 'never' && isLong && (settings.notify === 'always' || !isSeen());
}

/** Whether the cell that asked for a job is in sight; the notebook alone will do where the cell is not known. */
export function isInSight(origin: IOrigin | null, widgets: Iterable<IMaybeNotebook>): boolean {
  if (!origin || document.visibilityState !== 'visible') {
    return false;
  }
  for (const widget of widgets) {
    if (widget.isVisible && widget.context?.path === origin.notebook) {
      const cell = widget.content?.widgets?.find(each => each.model.id === origin.cell);
      if (!origin.cell || (cell && isOnScreen(cell.node))) {
        return true;
      }
    }
  }
  return false;
}

function isOnScreen(node: HTMLElement): boolean {
  const { top, bottom, height } = node.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < window.innerHeight;
}
