// `fs.constants`, and what callers may give for them.
(function () {
const { invalidType, invalidValue, outOfRange } = __bootstrap.core.loadExtScript("ext:cowry/errors.js");

const constants = Object.freeze({
  __proto__: null,
  UV_FS_SYMLINK_DIR: 1, UV_FS_SYMLINK_JUNCTION: 2,
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2,
  UV_DIRENT_UNKNOWN: 0, UV_DIRENT_FILE: 1, UV_DIRENT_DIR: 2, UV_DIRENT_LINK: 3, UV_DIRENT_FIFO: 4,
  UV_DIRENT_SOCKET: 5, UV_DIRENT_CHAR: 6, UV_DIRENT_BLOCK: 7,
  S_IFMT: 0o170000, S_IFREG: 0o100000, S_IFDIR: 0o040000, S_IFCHR: 0o020000, S_IFBLK: 0o060000,
  S_IFIFO: 0o010000, S_IFLNK: 0o120000, S_IFSOCK: 0o140000,
  O_CREAT: 0o100, O_EXCL: 0o200, UV_FS_O_FILEMAP: 0, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000,
  O_DIRECTORY: 0o200000, O_NOATIME: 0o1000000, O_NOFOLLOW: 0o400000, O_SYNC: 0o4010000, O_DSYNC: 0o10000,
  O_DIRECT: 0o40000, O_NONBLOCK: 0o4000,
  S_IRWXU: 0o700, S_IRUSR: 0o400, S_IWUSR: 0o200, S_IXUSR: 0o100,
  S_IRWXG: 0o070, S_IRGRP: 0o040, S_IWGRP: 0o020, S_IXGRP: 0o010,
  S_IRWXO: 0o007, S_IROTH: 0o004, S_IWOTH: 0o002, S_IXOTH: 0o001,
  F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1,
  COPYFILE_EXCL: 1, COPYFILE_FICLONE: 2, COPYFILE_FICLONE_FORCE: 4,
  UV_FS_COPYFILE_EXCL: 1, UV_FS_COPYFILE_FICLONE: 2, UV_FS_COPYFILE_FICLONE_FORCE: 4,
});

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_SYNC } = constants;
const WRITE = O_WRONLY | O_CREAT | O_TRUNC, APPEND = O_WRONLY | O_CREAT | O_APPEND;
const FLAGS = {
  __proto__: null,
  "r": O_RDONLY, "rs": O_RDONLY | O_SYNC, "sr": O_RDONLY | O_SYNC,
  "r+": O_RDWR, "rs+": O_RDWR | O_SYNC, "sr+": O_RDWR | O_SYNC,
  "w": WRITE, "wx": WRITE | O_EXCL, "xw": WRITE | O_EXCL,
  "w+": O_RDWR | O_CREAT | O_TRUNC, "wx+": O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  "xw+": O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  "a": APPEND, "ax": APPEND | O_EXCL, "xa": APPEND | O_EXCL, "as": APPEND | O_SYNC, "sa": APPEND | O_SYNC,
  "a+": O_RDWR | O_CREAT | O_APPEND, "ax+": O_RDWR | O_CREAT | O_APPEND | O_EXCL,
  "xa+": O_RDWR | O_CREAT | O_APPEND | O_EXCL, "as+": O_RDWR | O_CREAT | O_APPEND | O_SYNC,
  "sa+": O_RDWR | O_CREAT | O_APPEND | O_SYNC,
};

function flagsOf(flags, fallback = O_RDONLY) {
  if (flags == null) return fallback;
  if (typeof flags === "number") return integer(flags, "flags", 0, 2 ** 31 - 1);
  const known = FLAGS[flags];
  if (known === undefined) throw invalidValue("flags", flags);
  return known;
}

function modeOf(mode, fallback, name = "mode") {
  if (mode == null) return fallback;
  if (typeof mode === "string") {
    if (!/^[0-7]+$/.test(mode)) throw invalidValue(name, mode, "must be a 32-bit unsigned integer or an octal string");
    return parseInt(mode, 8);
  }
  return integer(mode, name, 0, 2 ** 32 - 1);
}

function integer(value, name, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number") throw invalidType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

return { constants, flagsOf, integer, modeOf, WRITE, APPEND };
})();
