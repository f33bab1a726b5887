// `node:os`: a machine that tells nothing of the real one.
(function () {
const { core } = __bootstrap;
const process = core.loadExtScript("ext:cowry/process.js");

const MEMORY = 128 * 1024 * 1024;

return {
  EOL: "\n",
  devNull: "/dev/null",
  arch: () => process.arch,
  availableParallelism: () => 1,
  cpus: () => [{ model: "cowry", speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }],
  endianness: () => "LE",
  freemem: () => MEMORY,
  totalmem: () => MEMORY,
  homedir: () => process.env.HOME ?? "/",
  hostname: () => "cowry",
  loadavg: () => [0, 0, 0],
  machine: () => "x86_64",
  networkInterfaces: () => ({}),
  platform: () => process.platform,
  release: () => "0.0.0",
  tmpdir: () => process.env.TMPDIR ?? "/tmp",
  type: () => "Linux",
  uptime: () => process.uptime(),
  userInfo: () => ({ uid: 1000, gid: 1000, username: "user", homedir: "/", shell: null }),
  version: () => "cowry",
  constants: {
    signals: { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 },
    errno: {
      EPERM: 1, ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, EBUSY: 16, EEXIST: 17, EXDEV: 18, ENOTDIR: 20, EISDIR: 21,
      EINVAL: 22, EMFILE: 24, EFBIG: 27, ENOSPC: 28, EROFS: 30, ENOTEMPTY: 39, ELOOP: 40, EDQUOT: 122,
    },
  },
};
})();
