// `@cloudflare/shell`: its classes over the files of the run, and `state` over any of them.
(function () {
const { core } = __bootstrap;
const { op_state_types } = core.ops;
const { METHODS, OWN_TREE, StateBatchOperationError, over, state } = core.loadExtScript("ext:cowry/state.js");
const { InMemoryFs, SETTLE, Shell, TREE } = core.loadExtScript("ext:cowry/shell/filesystem.js");
const { Workspace, WorkspaceFileSystem } = core.loadExtScript("ext:cowry/shell/workspace.js");

// `state` over a filesystem of this module.
class FileSystemStateBackend {
  constructor(given = {}) {
    const isFs = given[TREE] !== undefined || typeof given.readFileBytes === "function";
    const fs = isFs ? given : given.fs ?? new InMemoryFs(given.files);
    if (fs[TREE] === undefined) {
      throw new TypeError(
        "FileSystemStateBackend works on an InMemoryFs, a Shell or the WorkspaceFileSystem of a Workspace of this " +
          "module: copy the files of another filesystem into one of them",
      );
    }
    // Enumerable, but the methods are what it is for.
    Object.defineProperty(this, "fs", { value: fs });
    over(fs[TREE], this, fs instanceof InMemoryFs ? () => fs[SETTLE]() : null);
  }
}

function createMemoryStateBackend({ files, fs } = {}) {
  return new FileSystemStateBackend(fs ?? new InMemoryFs(files));
}

function createWorkspaceStateBackend(workspace) {
  return new FileSystemStateBackend(new WorkspaceFileSystem(workspace));
}

// A provider of tools, as an executor takes it.
function stateToolsFromBackend(backend) {
  const tools = {};
  for (const { name, doc } of METHODS) {
    tools[name] = { description: doc, execute: (...args) => backend[name](...args) };
  }
  return { name: "state", tools, types: op_state_types() };
}

function stateTools(workspace) {
  return stateToolsFromBackend(workspace?.[TREE] === OWN_TREE || workspace === undefined
    ? state
    : createWorkspaceStateBackend(workspace));
}

return {
  FileSystemStateBackend, InMemoryFs, Shell, StateBatchOperationError, Workspace, WorkspaceFileSystem,
  createMemoryStateBackend, createWorkspaceStateBackend, state, stateTools, stateToolsFromBackend,
  STATE_TYPES: op_state_types(),
};
})();
