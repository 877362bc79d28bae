// What Lumino asks of a browser and jsdom lacks.
globalThis.DragEvent = class DragEvent extends MouseEvent {};
