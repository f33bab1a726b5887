// `node:perf_hooks`.
(function () {
const perf = __bootstrap.core.loadExtScript("ext:deno_web/15_performance.js");
return {
  performance: perf.performance,
  Performance: perf.Performance,
  PerformanceEntry: perf.PerformanceEntry,
  PerformanceMark: perf.PerformanceMark,
  PerformanceMeasure: perf.PerformanceMeasure,
  PerformanceObserver: perf.PerformanceObserver,
  constants: {},
};
})();
