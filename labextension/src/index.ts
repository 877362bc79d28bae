/**
 * What JupyterLab gets: the sidebar with its commands, a viewer for workflow files, a renderer for runs.
 */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, TranslationBundle } from '@jupyterlab/translation';

import { Api } from './api';
import { cancelFromViews } from './cancels';
import { isDue, isInSight, Notify } from './ends';
import { RunForm } from './form';
import { icon } from './icon';
import { Jobs } from './jobs';
import { nameSliders } from './names';
import { openCell } from './notebooks';
import { IJob, IOrigin, Refused, VERSION } from './protocol';
import { rendererFactory } from './renderer';
import { IActions } from './row';
import { Sidebar } from './sidebar';
import { FACTORY, ViewerFactory } from './viewer';

const DOMAIN = 'nodetool_jupyter';
const PLUGIN = 'nodetool-jupyter:jobs';

/** Milliseconds for which good news are shown; JupyterLab's default keeps them behind its bell alone. */
const SHOWN = 8000;

export namespace CommandIDs {
  export const show = 'nodetool:show-jobs';
  export const run = 'nodetool:run-file';
  export const draw = 'nodetool:draw-file';
  export const cancel = 'nodetool:cancel-job';
}

/** The user's settings; seconds for times. */
interface ISettings {
  strategy: string;
  notify: Notify;
  notifyAfter: number;
}

const jobs: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'A sidebar with the NodeTool jobs of all kernels, and commands for them.',
  autoStart: true,
  requires: [ISettingRegistry],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IFileBrowserFactory],
  activate: async (
    app: JupyterFrontEnd,
    registry: ISettingRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    browser: IFileBrowserFactory | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const settings = await readSettings(registry);
    const api = new Api(app.serviceManager.serverSettings, VERSION);
    const known = new Jobs(api);
    const actions = actionsOf(app, api, known, trans);
    const sidebar = new Sidebar(known, actions, trans);
    sidebar.title.icon = icon;
    app.shell.add(sidebar, 'left', { rank: 650 });
    restorer?.add(sidebar, sidebar.id);
    nameSliders();
    cancelFromViews(known, async id => (await actions.attempt(api.cancel(id).then(() => true))) ?? false);
    known.ended.connect((_, job) => tellEnd(app, job, settings(), trans));
    addCommands(app, api, known, () => browser?.tracker.currentWidget?.selectedItems().next().value?.path, {
      settings,
      trans
    });
    for (const command of [CommandIDs.show, CommandIDs.run, CommandIDs.draw]) {
      palette?.addItem({ command, category: 'NodeTool' });
    }
    void app.restored.then(() => known.follow());
  }
};

const viewer: JupyterFrontEndPlugin<void> = {
  id: 'nodetool-jupyter:viewer',
  description: 'Draws workflow files.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const run = (path: string) => void app.commands.execute(CommandIDs.run, { path });
    app.docRegistry.addWidgetFactory(new ViewerFactory(trans, run));
  }
};

const renderer: JupyterFrontEndPlugin<void> = {
  id: 'nodetool-jupyter:renderer',
  description: 'Shows what a run has left in a notebook.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_app: JupyterFrontEnd, rendermime: IRenderMimeRegistry) => rendermime.addFactory(rendererFactory)
};

async function readSettings(registry: ISettingRegistry): Promise<() => ISettings> {
  const loaded = await registry.load(PLUGIN);
  return () => loaded.composite as unknown as ISettings;
}

function actionsOf(app: JupyterFrontEnd, api: Api, known: Jobs, trans: TranslationBundle): IActions {
  const attempt = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      tellError(error, trans);
      return undefined;
    }
  };
  const begin = async (work: Promise<IJob>) => {
    const job = await attempt(work);
    if (job) {
      known.put(job);
    }
  };
  return {
    attempt,
    cancel: id => void attempt(api.cancel(id)),
    retry: id => void begin(api.retry(id)),
    resume: id => void begin(api.resume(id)),
    logs: (id, offset) => api.logs(id, offset),
    open: (origin: IOrigin) => void attempt(openCell(app, origin))
  };
}

function addCommands(
  app: JupyterFrontEnd,
  api: Api,
  known: Jobs,
  selectedPath: () => string | undefined,
  { settings, trans }: { settings: () => ISettings; trans: TranslationBundle }
): void {
  const pathOf = (args: any): string | undefined => args['path'] ?? selectedPath();
  const isFile = (args: any) => PathExt.extname(pathOf(args) ?? '') === '.json';
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show NodeTool Jobs'),
    icon,
    execute: () => app.shell.activateById('nodetool-jobs')
  });
  app.commands.addCommand(CommandIDs.run, {
    label: trans.__('Run with NodeTool'),
    caption: trans.__('Run the selected workflow file as a job of the server'),
    icon,
    isEnabled: isFile,
    isVisible: isFile,
    execute: async args => {
      const path = pathOf(args)!;
      try {
        const job = await runFile(api, path, (args['strategy'] as string) ?? settings().strategy, trans);
        if (job) {
          known.put(job);
          app.shell.activateById('nodetool-jobs');
        }
      } catch (error) {
        tellError(error, trans);
      }
    }
  });
  app.commands.addCommand(CommandIDs.draw, {
    label: trans.__('Draw NodeTool Workflow'),
    icon,
    isEnabled: isFile,
    isVisible: isFile,
    execute: args => app.commands.execute('docmanager:open', { path: pathOf(args)!, factory: FACTORY })
  });
  app.commands.addCommand(CommandIDs.cancel, {
    label: trans.__('Cancel NodeTool Job'),
    isEnabled: args => typeof args['id'] === 'string',
    execute: args => api.cancel(args['id'] as string).catch(error => tellError(error, trans))
  });
}

/** Ask for what the workflow needs, and run it; null where the user thinks better of it. */
async function runFile(api: Api, path: string, strategy: string, trans: TranslationBundle): Promise<IJob | null> {
  const [workflow, { strategies }] = await Promise.all([api.workflow(path), api.health()]);
  const name = workflow.name || PathExt.basename(path, '.json');
  const body = new RunForm(workflow, name, strategies, strategy, trans);
  const buttons = [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })];
  const answer = await showDialog({ title: trans.__('Run %1', name), body, buttons });
  if (!answer.button.accept) {
    return null;
  }
  if (!answer.value) {
    throw new Error(body.problem);
  }
  return api.submit(answer.value);
}

function tellError(error: unknown, trans: TranslationBundle): void {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof Refused ? error.hint : '';
  Notification.error(trans.__('NodeTool: %1', `${message} ${hint}`.trim()), { autoClose: false });
}

/** A word at the end of a job that took its time, to whoever does not see it. */
function tellEnd(app: JupyterFrontEnd, job: IJob, settings: ISettings, trans: TranslationBundle): void {
  if (!isDue(settings, job.duration, () => isInSight(job.origin, app.shell.widgets('main') as Iterable<any>))) {
    return;
  }
  const name = job.name || trans.__('workflow');
  const actions = [{ label: trans.__('Show'), callback: () => app.shell.activateById('nodetool-jobs') }];
  if (job.status === 'completed') {
    Notification.success(trans.__('NodeTool job %1 has completed', name), { actions, autoClose: SHOWN });
  } else if (job.status === 'failed') {
    const reason = job.fault?.message ?? '';
    Notification.error(trans.__('NodeTool job %1 has failed: %2', name, reason), { actions, autoClose: false });
  }
}

export default [jobs, viewer, renderer];
