// The synchronous calls. Everything else in `fs` is made of them.
(function () {
const { core } = __bootstrap;
const {
  op_vfs_access, op_vfs_chmod, op_vfs_chown, op_vfs_close, op_vfs_copy, op_vfs_exists, op_vfs_fchmod, op_vfs_fchown,
  op_vfs_fsync, op_vfs_ftruncate, op_vfs_futimes, op_vfs_link, op_vfs_mkdir, op_vfs_mkdir_all, op_vfs_mkdtemp,
  op_vfs_open, op_vfs_pread, op_vfs_pwrite, op_vfs_read, op_vfs_read_rest, op_vfs_read_text, op_vfs_readlink,
  op_vfs_realpath, op_vfs_rename, op_vfs_rmdir, op_vfs_statfs, op_vfs_symlink, op_vfs_unlink,
  op_vfs_utimes, op_vfs_write, op_cowry_write,
} = core.ops;
const { invalidType, outOfRange } = core.loadExtScript("ext:cowry/errors.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const { readStdin } = core.loadExtScript("ext:cowry/host_process.js");
const { resolve } = core.loadExtScript("ext:cowry/path.js");
const { constants, flagsOf, integer, modeOf, WRITE, APPEND } = core.loadExtScript("ext:cowry/fs/constants.js");
const { fstatOf, statOf } = core.loadExtScript("ext:cowry/fs/stats.js");
const { bytesOf, fdOf, isUtf8, millisOf, nameAs, optionsOf, pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");

const FILE_MODE = 0o666, DIR_MODE = 0o777;
const STDIN = new Set([0, "/dev/stdin"]);

function bufferOf(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readAllStdin() {
  const chunks = [];
  for (;;) {
    const chunk = readStdin();
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

function readFile(path, options) {
  const { encoding, flag } = optionsOf(options, { encoding: null, flag: "r" });
  const flags = flagsOf(flag);
  let bytes;
  if (STDIN.has(path)) {
    bytes = readAllStdin();
  } else if (typeof path === "number") {
    bytes = bufferOf(op_vfs_read_rest(fdOf(path)));
  } else {
    path = pathOf(path);
    if (flags === constants.O_RDONLY) {
      if (isUtf8(encoding)) return op_vfs_read_text(path);
      bytes = bufferOf(op_vfs_read(path));
    } else {
      const fd = op_vfs_open(path, flags, FILE_MODE);
      try {
        bytes = bufferOf(op_vfs_read_rest(fd));
      } finally {
        op_vfs_close(fd);
      }
    }
  }
  return encoding == null || encoding === "buffer" ? bytes : bytes.toString(encoding);
}

function writeFile(path, data, options) {
  const { encoding, mode, flag } = optionsOf(options, { encoding: "utf8", mode: FILE_MODE, flag: "w" });
  const bytes = bytesOf(data, encoding);
  if (typeof path === "number") return void writeFully(fdOf(path), bytes);
  if (path === "/dev/stdout" || path === "/dev/stderr") return op_cowry_write(path === "/dev/stdout" ? 1 : 2, bytes);
  op_vfs_write(pathOf(path), bytes, flagsOf(flag, WRITE), modeOf(mode, FILE_MODE));
}

function appendFile(path, data, options) {
  const { encoding, mode, flag } = optionsOf(options, { encoding: "utf8", mode: FILE_MODE, flag: "a" });
  const bytes = bytesOf(data, encoding);
  if (typeof path === "number") return void writeFully(fdOf(path), bytes);
  op_vfs_write(pathOf(path), bytes, flagsOf(flag, APPEND), modeOf(mode, FILE_MODE));
}

function open(path, flags, mode) {
  return op_vfs_open(pathOf(path), flagsOf(flags), modeOf(mode, FILE_MODE));
}

function close(fd) {
  if (fdOf(fd) > 2) op_vfs_close(fd);
}

function positionOf(position) {
  if (position == null) return -1;
  if (typeof position === "bigint") return Number(position);
  if (typeof position !== "number") throw invalidType("position", "of type number or bigint", position);
  return integer(position, "position");
}

// `(fd, buffer, offset, length, position)` or `(fd, buffer, { offset, length, position })`.
function region(buffer, offset, length, position) {
  if (!ArrayBuffer.isView(buffer)) {
    throw invalidType("buffer", "an instance of Buffer, TypedArray, or DataView", buffer);
  }
  if (offset !== null && typeof offset === "object") ({ offset, length, position } = offset);
  offset = offset == null ? 0 : integer(offset, "offset", 0);
  length = length == null ? buffer.byteLength - offset : integer(length, "length", 0);
  if (offset > buffer.byteLength) throw outOfRange("offset", `>= 0 && <= ${buffer.byteLength}`, offset);
  if (length > buffer.byteLength - offset) {
    throw outOfRange("length", `>= 0 && <= ${buffer.byteLength - offset}`, length);
  }
  return [new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length), positionOf(position)];
}

function read(fd, buffer, offset, length, position) {
  if (buffer != null && !ArrayBuffer.isView(buffer) && typeof buffer === "object") {
    ({ buffer = Buffer.alloc(16384), offset, length, position } = buffer);
  }
  const [bytes, at] = region(buffer, offset, length, position);
  if (fdOf(fd) === 0) {
    const chunk = readStdin(bytes.length);
    bytes.set(chunk);
    return chunk.length;
  }
  return bytes.length === 0 ? 0 : op_vfs_pread(fd, bytes, at);
}

// `(fd, string, position, encoding)` too.
function write(fd, buffer, offset, length, position) {
  fdOf(fd);
  let bytes, at;
  if (typeof buffer === "string") [bytes, at] = [Buffer.from(buffer, length ?? "utf8"), positionOf(offset)];
  else [bytes, at] = region(buffer, offset, length, position);
  if (fd === 1 || fd === 2) {
    op_cowry_write(fd, bytes);
    return bytes.length;
  }
  return op_vfs_pwrite(fd, bytes, at);
}

function writeFully(fd, bytes) {
  return write(fd, bytes, 0, bytes.byteLength, null);
}

function vectored(one, fd, buffers, position) {
  if (!Array.isArray(buffers)) throw invalidType("buffers", "an ArrayBufferView[]", buffers);
  let total = 0;
  for (const buffer of buffers) {
    const count = one(fd, buffer, 0, buffer.byteLength, position == null ? null : position + total);
    total += count;
    if (count < buffer.byteLength) break;
  }
  return total;
}

function stat(path, options) {
  return quietly(options, () => statOf(pathOf(path), true, options?.bigint === true));
}

function lstat(path, options) {
  return quietly(options, () => statOf(pathOf(path), false, options?.bigint === true));
}

// `throwIfNoEntry: false` makes what is missing `undefined`.
function quietly(options, call) {
  if (options?.throwIfNoEntry !== false) return call();
  try {
    return call();
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

function mkdir(path, options) {
  const given = typeof options === "object" && options !== null ? options : { mode: options };
  const mode = modeOf(given.mode, DIR_MODE);
  path = pathOf(path);
  if (given.recursive !== true) return op_vfs_mkdir(path, mode), undefined;
  const first = op_vfs_mkdir_all(path, mode);
  return first == null ? undefined : resolve(first);
}

function mkdtemp(prefix, options) {
  const { encoding } = optionsOf(options, { encoding: "utf8" });
  return nameAs(op_vfs_mkdtemp(pathOf(prefix, "prefix")), encoding);
}

function copyFile(from, to, mode = 0) {
  integer(mode, "mode", 0, 7);
  op_vfs_copy(pathOf(from, "src"), pathOf(to, "dest"), (mode & constants.COPYFILE_EXCL) !== 0);
}

function link(existing, path) {
  op_vfs_link(pathOf(existing, "existingPath"), pathOf(path, "newPath"));
}

function symlink(target, path) {
  op_vfs_symlink(pathOf(target, "target"), pathOf(path));
}

function readlink(path, options) {
  const { encoding } = optionsOf(options, { encoding: "utf8" });
  return nameAs(op_vfs_readlink(pathOf(path)), encoding);
}

function realpath(path, options) {
  const { encoding } = optionsOf(options, { encoding: "utf8" });
  return nameAs(op_vfs_realpath(pathOf(path)), encoding);
}

function rename(from, to) {
  op_vfs_rename(pathOf(from, "oldPath"), pathOf(to, "newPath"));
}

function access(path, mode) {
  op_vfs_access(pathOf(path), mode == null ? 0 : integer(mode, "mode", 0, 7));
}

function exists(path) {
  try {
    return op_vfs_exists(pathOf(path));
  } catch {
    return false;
  }
}

function chmod(path, mode) {
  op_vfs_chmod(pathOf(path), modeOf(mode));
}

function ownerOf(id, name) {
  return integer(id, name, -1, 2 ** 32 - 1);
}

function chown(path, uid, gid) {
  op_vfs_chown(pathOf(path), ownerOf(uid, "uid"), ownerOf(gid, "gid"), true);
}

function lchown(path, uid, gid) {
  op_vfs_chown(pathOf(path), ownerOf(uid, "uid"), ownerOf(gid, "gid"), false);
}

function fchown(fd, uid, gid) {
  op_vfs_fchown(fdOf(fd), ownerOf(uid, "uid"), ownerOf(gid, "gid"));
}

function utimes(path, atime, mtime) {
  op_vfs_utimes(pathOf(path), millisOf(atime, "atime"), millisOf(mtime, "mtime"), true);
}

function lutimes(path, atime, mtime) {
  op_vfs_utimes(pathOf(path), millisOf(atime, "atime"), millisOf(mtime, "mtime"), false);
}

function futimes(fd, atime, mtime) {
  op_vfs_futimes(fdOf(fd), millisOf(atime, "atime"), millisOf(mtime, "mtime"));
}

function truncate(path, size = 0) {
  if (typeof path === "number") return ftruncate(path, size);
  // As Node does it, which errors tell.
  const fd = open(path, "r+");
  try {
    ftruncate(fd, size);
  } finally {
    op_vfs_close(fd);
  }
}

function ftruncate(fd, size = 0) {
  op_vfs_ftruncate(fdOf(fd), Math.max(0, integer(size ?? 0, "len")));
}

function fsync(fd) {
  op_vfs_fsync(fdOf(fd));
}

// With braces, as the engine makes null of an operation that returns nothing.
function rmdirOne(path) {
  op_vfs_rmdir(pathOf(path));
}

function unlink(path) {
  op_vfs_unlink(pathOf(path));
}

function statfs(path, options) {
  const [total, used, inodes, usedInodes] = op_vfs_statfs(pathOf(path));
  const BLOCK = 4096, ENDLESS = 2 ** 50;
  const blocks = Math.floor(Math.min(total, ENDLESS) / BLOCK), files = Math.min(inodes, ENDLESS);
  const free = Math.max(0, blocks - Math.ceil(used / BLOCK)), ffree = Math.max(0, files - usedInodes);
  const stats = { type: 0x636f7772, bsize: BLOCK, blocks, bfree: free, bavail: free, files, ffree };
  if (options?.bigint !== true) return stats;
  return Object.fromEntries(Object.entries(stats).map(([key, value]) => [key, BigInt(value)]));
}

return {
  access, appendFile, chmod, chown, close, copyFile, exists, fchown, fsync, ftruncate, futimes, lchown, link, lstat,
  lutimes, mkdir, mkdtemp, open, read, readFile, readlink, realpath, rename, stat, statfs, symlink, truncate, utimes,
  write, writeFile,
  fchmod: (fd, mode) => op_vfs_fchmod(fdOf(fd), modeOf(mode)),
  fdatasync: fsync,
  fstat: (fd, options) => fstatOf(fdOf(fd), options?.bigint === true),
  readv: (fd, buffers, position) => vectored(read, fd, buffers, position),
  rmdirOne,
  unlink,
  writev: (fd, buffers, position) => vectored(write, fd, buffers, position),
};
})();
