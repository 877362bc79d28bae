import { EventParser, isLive } from '../protocol';

describe('EventParser', () => {
  const stream = 'event: hello\nid: a\nretry: 1000\ndata: {"version":"1"}\n\n: still here\n\nevent: messages\ndata: [1]\n\n';

  it('makes the same events of pieces of any size', () => {
    const whole = new EventParser().feed(stream);
    for (let size = 1; size < 20; size++) {
      const parser = new EventParser();
      const found = [];
      for (let at = 0; at < stream.length; at += size) {
        found.push(...parser.feed(stream.slice(at, at + size)));
      }
      expect(found).toEqual(whole);
    }
    expect(whole).toEqual([
      { kind: 'hello', place: 'a', data: { version: '1' } },
      { kind: 'messages', place: '', data: [1] }
    ]);
  });

  it('leaves out what is no JSON', () => {
    expect(new EventParser().feed('data: {\n\ndata: 1\n\n')).toEqual([{ kind: 'message', place: '', data: 1 }]);
  });
});

it('knows which jobs go on by themselves', () => {
  expect((['queued', 'starting', 'running'] as const).every(isLive)).toBe(true);
  expect((['completed', 'failed', 'cancelled', 'suspended'] as const).some(isLive)).toBe(false);
});
