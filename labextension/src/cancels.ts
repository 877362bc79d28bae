/**
 * The Cancel buttons of live views and panels, by the server: a kernel that computes hears nothing of what a page
 * without subshells sends it. A view whose kernel hears no button at all shows one where this page can do it.
 */

import { DisposableDelegate, IDisposable } from '@lumino/disposable';

import { Jobs } from './jobs';
import { isLive } from './protocol';

/** What a kernel gives a button that cancels a job: its id in a class. */
const JOB = /(?:^|\s)ntj-job-([\w.:-]{1,128})(?:\s|$)/;
const BUTTON = 'button[class*="ntj-job-"]';
/** On the page's body while the server can be asked; the style sheet of live views looks for it. */
const MARK = 'nodetool';

/** Cancel what a button of a view stands for, by `cancel`, which says whether it could be asked for. */
export function cancelFromViews(jobs: Jobs, cancel: (id: string) => Promise<boolean>): IDisposable {
  const onClick = (event: Event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>(BUTTON) : null;
    const id = JOB.exec(button?.className ?? '')?.[1];
    const job = id === undefined ? undefined : jobs.get(id);
    if (button && job && jobs.isConnected && isLive(job.record.status)) {
      // not at once: the widget's own listener comes after this one, and is not told of a disabled button
      window.setTimeout(async () => {
        button.disabled = true;
        button.disabled = await cancel(job.record.id);
      });
    }
  };
  const onChanged = () => {
    if (jobs.isConnected) {
      document.body.dataset[MARK] = '';
    } else {
      delete document.body.dataset[MARK];
    }
  };
  document.addEventListener('click', onClick, true);
  jobs.changed.connect(onChanged);
  return new DisposableDelegate(() => {
    document.removeEventListener('click', onClick, true);
    jobs.changed.disconnect(onChanged);
    delete document.body.dataset[MARK];
  });
}
