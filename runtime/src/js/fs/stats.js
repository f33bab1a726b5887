// `fs.Stats`, `fs.BigIntStats` and `fs.Dirent`.
(function () {
const { core } = __bootstrap;
const { op_vfs_fstat, op_vfs_stat } = core.ops;
const { constants } = core.loadExtScript("ext:cowry/fs/constants.js");

const FIELDS = ["dev", "mode", "nlink", "uid", "gid", "rdev", "blksize", "ino", "size", "blocks"];
const TIMES = ["atime", "mtime", "ctime", "birthtime"];

class Kinds {
  #is(kind) {
    return (Number(this.mode) & constants.S_IFMT) === kind;
  }
  isFile() {
    return this.#is(constants.S_IFREG);
  }
  isDirectory() {
    return this.#is(constants.S_IFDIR);
  }
  isSymbolicLink() {
    return this.#is(constants.S_IFLNK);
  }
  isFIFO() {
    return this.#is(constants.S_IFIFO);
  }
  isSocket() {
    return this.#is(constants.S_IFSOCK);
  }
  isCharacterDevice() {
    return this.#is(constants.S_IFCHR);
  }
  isBlockDevice() {
    return this.#is(constants.S_IFBLK);
  }
}

class Stats extends Kinds {}
class BigIntStats extends Kinds {}

// Dates are made when they are asked for; most programs want the milliseconds or nothing.
for (const name of TIMES) {
  for (const Class of [Stats, BigIntStats]) {
    Object.defineProperty(Class.prototype, name, {
      enumerable: true,
      configurable: true,
      get() {
        const date = new Date(Math.round(Number(this[`${name}Ms`])));
        Object.defineProperty(this, name, { value: date, writable: true, enumerable: true, configurable: true });
        return date;
      },
      set(value) {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
    });
  }
}

const numbers = new Float64Array(18);

function read(bigint) {
  const stats = bigint ? new BigIntStats() : new Stats();
  for (let i = 0; i < FIELDS.length; i++) stats[FIELDS[i]] = bigint ? BigInt(numbers[i]) : numbers[i];
  for (let i = 0; i < TIMES.length; i++) {
    const seconds = numbers[FIELDS.length + 2 * i], nanos = numbers[FIELDS.length + 2 * i + 1];
    if (bigint) {
      const ns = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
      stats[`${TIMES[i]}Ms`] = ns / 1_000_000n;
      stats[`${TIMES[i]}Ns`] = ns;
    } else {
      stats[`${TIMES[i]}Ms`] = seconds * 1e3 + nanos / 1e6;
    }
  }
  return stats;
}

function statOf(path, follow, bigint) {
  op_vfs_stat(path, follow, numbers);
  return read(bigint);
}

function fstatOf(fd, bigint) {
  op_vfs_fstat(fd, numbers);
  return read(bigint);
}

// Only the mode, for those who want to know what it is.
function modeAt(path, follow) {
  op_vfs_stat(path, follow, numbers);
  return numbers[1];
}

class Dirent extends Kinds {
  #mode;

  constructor(name, parentPath, mode) {
    super();
    this.name = name;
    this.parentPath = parentPath;
    this.#mode = mode;
    Object.defineProperty(this, "path", { value: parentPath, enumerable: false, writable: true, configurable: true });
  }

  get mode() {
    return this.#mode;
  }
}

return { BigIntStats, Dirent, Stats, fstatOf, modeAt, statOf };
})();
