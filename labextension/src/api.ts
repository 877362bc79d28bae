/**
 * The way to the server extension: every request goes through JupyterLab's own connection, with its token.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  API,
  EventParser,
  IApi,
  IHealth,
  IJob,
  ILogs,
  IPage,
  IServerEvent,
  ISubmission,
  IWorkflow,
  Refused
} from './protocol';

/** Of all that is wrong with a graph, what is told at once. */
const MOST_PROBLEMS = 10;

export class Api implements IApi {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _version: string
  ) {}

  health(): Promise<IHealth> {
    return this._json(`health?client=${encodeURIComponent(this._version)}&api=${API}`);
  }

  jobs(before?: string): Promise<IPage> {
    const query = new URLSearchParams({ limit: '50', ...(before ? { before } : {}) });
    return this._json(`jobs?${query}`);
  }

  async cancel(id: string): Promise<void> {
    await this._post(`jobs/${encodeURIComponent(id)}/cancel`);
  }

  retry(id: string): Promise<IJob> {
    return this._post(`jobs/${encodeURIComponent(id)}/retry`);
  }

  resume(id: string): Promise<IJob> {
    return this._post(`jobs/${encodeURIComponent(id)}/resume`);
  }

  logs(id: string, offset: number): Promise<ILogs> {
    return this._json(`jobs/${encodeURIComponent(id)}/logs?offset=${offset}`);
  }

  async workflow(path: string): Promise<IWorkflow> {
    const parts = path.split('/').map(encodeURIComponent).join('/');
    return (await this._json<{ workflow: IWorkflow }>(`workflows/${parts}`)).workflow;
  }

  submit(submission: ISubmission): Promise<IJob> {
    return this._post('jobs', submission);
  }

  /** The events after a place, until the connection ends or is given up. */
  async *events(after: string, signal: AbortSignal): AsyncIterable<IServerEvent> {
    const response = await this._ask(`events?after=${encodeURIComponent(after)}`, {
      signal,
      cache: 'no-store'
    });
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }
        yield* parser.feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  }

  private async _json<T>(path: string): Promise<T> {
    return (await this._ask(path, {})).json();
  }

  private async _post<T>(path: string, body: unknown = {}): Promise<T> {
    const response = await this._ask(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body)
    });
    return response.json();
  }

  private async _ask(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this._settings.baseUrl, 'nodetool/api', path);
    const response = await ServerConnection.makeRequest(url, init, this._settings);
    if (!response.ok) {
      throw await refusalOf(response);
    }
    return response;
  }
}

async function refusalOf(response: Response): Promise<Refused> {
  try {
    const said = await response.json();
    if (typeof said.message === 'string') {
      const problems: unknown[] = Array.isArray(said.problems) ? said.problems.slice(0, MOST_PROBLEMS) : [];
      return new Refused(response.status, [said.message, ...problems].join('\n'), said.hint ?? '');
    }
  } catch {
    // not the server extension's answer
  }
  return new Refused(response.status, `${response.status} ${response.statusText}`);
}
