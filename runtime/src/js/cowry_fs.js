// `cowry:fs`: what files can do here that `node:fs` has no words for.
(function () {
const { core } = __bootstrap;
const {
  op_vfs_flock, op_vfs_release, op_vfs_remove_at, op_vfs_rename_at, op_vfs_rollback, op_vfs_savepoint, op_vfs_version,
  op_vfs_write_at,
} = core.ops;
const { invalidType, invalidValue } = core.loadExtScript("ext:cowry/errors.js");
const { bytesOf, fdOf, pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");

const ANY = -1;
const MODES = { replace: 0, keep: 1, exchange: 2 };
const LOCKS = { unlock: 0, shared: 1, exclusive: 2 };

function versionOf(version) {
  if (!Number.isSafeInteger(version) || version < 0) throw invalidType("version", "of type integer", version);
  return version;
}

function oneOf(names, value, name) {
  if (!Object.hasOwn(names, value)) throw invalidValue(name, value, `must be one of ${Object.keys(names).join(", ")}`);
  return names[value];
}

class Savepoint {
  #number = op_vfs_savepoint();
  rollback() {
    op_vfs_rollback(this.#number);
  }
  release() {
    op_vfs_release(this.#number);
  }
  [Symbol.dispose]() {
    this.release();
  }
}

function savepoint() {
  return new Savepoint();
}

function transaction(work) {
  if (typeof work !== "function") throw invalidType("work", "of type function", work);
  const before = savepoint();
  const keep = (value) => (before.release(), value);
  const undo = (error) => {
    before.rollback();
    before.release();
    throw error;
  };
  let result;
  try {
    result = work();
  } catch (error) {
    undo(error);
  }
  return typeof result?.then === "function" ? result.then(keep, undo) : keep(result);
}

function version(path, { follow = true } = {}) {
  return op_vfs_version(pathOf(path), Boolean(follow));
}

function writeFileAt(path, data, version) {
  return op_vfs_write_at(pathOf(path), bytesOf(data), false, versionOf(version));
}

function appendFileAt(path, data, version) {
  return op_vfs_write_at(pathOf(path), bytesOf(data), true, versionOf(version));
}

function unlinkAt(path, version) {
  op_vfs_remove_at(pathOf(path), false, versionOf(version));
}

function rmdirAt(path, version) {
  op_vfs_remove_at(pathOf(path), true, versionOf(version));
}

function rename(from, to, { mode = "replace", version } = {}) {
  const expected = version === undefined ? ANY : versionOf(version);
  op_vfs_rename_at(pathOf(from, "from"), pathOf(to, "to"), oneOf(MODES, mode, "mode"), expected);
}

function flock(file, kind) {
  op_vfs_flock(fdOf(typeof file?.fd === "number" ? file.fd : file), oneOf(LOCKS, kind, "kind"));
}

return { appendFileAt, flock, rename, rmdirAt, savepoint, transaction, unlinkAt, version, writeFileAt };
})();
